package plan

import (
	"errors"
	"fmt"
	"regexp"
	resyntax "regexp/syntax"
	"strings"

	"github.com/restage/restage/phases/input"
)

// A search is what one grep looks for and how.
type search struct {
	re                                     string   // in Go's syntax
	operands                               []string // as they are written
	files                                  []string // globs of --include
	except                                 []string // --exclude and --exclude-dir, as expressions for lines
	recursive, quiet, count, list, inverse bool
}

// grep reads the arguments of grep. The error says what it does not
// understand.
func grep(args []string) (s search, err error) {
	var patterns []string
	flavour, words, lines, fold := 'G', false, false, false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		value := func(name string) (string, bool) {
			if v, ok := strings.CutPrefix(arg, name+"="); ok {
				return v, true
			}
			if arg == name && i+1 < len(args) {
				i++
				return args[i], true
			}
			return "", false
		}
		if v, ok := value("--include"); ok {
			s.files = append(s.files, v)
			continue
		}
		if v, ok := value("--exclude-dir"); ok {
			s.except = append(s.except, "^([^:]*/)?"+glob(strings.Trim(v, "/"))+"/")
			continue
		}
		if v, ok := value("--exclude"); ok {
			s.except = append(s.except, "^([^:]*/)?"+glob(v)+"(:|$)")
			continue
		}
		if v, ok := value("-e"); ok {
			patterns = append(patterns, v)
			continue
		}
		if arg == "--" {
			s.operands = append(s.operands, args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			s.operands = append(s.operands, arg)
			continue
		}
		for _, c := range arg[1:] {
			switch c {
			case 'E', 'F', 'P', 'G':
				flavour = c
			case 'r', 'R':
				s.recursive = true
			case 'q':
				s.quiet = true
			case 'c':
				s.count = true
			case 'l':
				s.list = true
			case 'v':
				s.inverse = true
			case 'i':
				fold = true
			case 'w':
				words = true
			case 'x':
				lines = true
			case 's', 'n', 'H', 'I', 'a':
			default:
				return s, fmt.Errorf("the option %s of grep is not known here", input.Quote(arg))
			}
		}
	}
	if patterns == nil && len(s.operands) > 0 {
		patterns, s.operands = s.operands[:1], s.operands[1:]
	}
	if patterns == nil {
		return s, errors.New("grep has no pattern")
	}
	for i, p := range patterns {
		if patterns[i], err = expression(p, flavour); err != nil {
			return s, err
		}
	}
	s.re = strings.Join(patterns, "|")
	switch {
	case lines:
		s.re = "^(?:" + s.re + ")$"
	case words:
		s.re = `\b(?:` + s.re + `)\b`
	}
	if fold {
		s.re = "(?i)" + s.re
	}
	_, err = cleanExpression(s.re)
	return s, err
}

// maxExpression bounds the length of one regular expression, in bytes.
const maxExpression = 1024

// cleanExpression returns the regular expression s.
func cleanExpression(s string) (string, error) {
	if s == "" {
		return "", errors.New("the expression is empty, so it matches everything")
	}
	if len(s) > maxExpression {
		return "", fmt.Errorf("the expression %s is longer than %d bytes", input.Quote(s), maxExpression)
	}
	if strings.ContainsFunc(s, invisible) {
		return "", fmt.Errorf("the expression %s holds characters that nobody sees", input.Quote(s))
	}
	if _, err := resyntax.Parse(s, resyntax.Perl); err != nil {
		return "", fmt.Errorf("%s is no regular expression: %w", input.Quote(s), err)
	}
	return s, nil
}

// glob returns the expression for what a glob of one name matches.
func glob(s string) string {
	return strings.NewReplacer(`\*`, "[^/:]*", `\?`, "[^/:]").Replace(regexp.QuoteMeta(s))
}

// expression returns a pattern of grep in Go's syntax: Basic, Extended, Fixed
// or Perl. In a basic one it is the backslash that makes + ? | ( ) { } special
// (POSIX.1-2017, 9.3, with GNU's additions).
func expression(p string, flavour rune) (string, error) {
	if flavour == 'F' {
		return regexp.QuoteMeta(p), nil
	}
	if flavour == 'P' {
		return p, nil
	}
	const special = "+?|(){}"
	var b strings.Builder
	begins := true // where an expression or a part of it does
	for i := 0; i < len(p); i++ {
		c, was := p[i], begins
		begins = false
		switch {
		case c == '\\' && i+1 < len(p):
			i++
			switch c = p[i]; {
			case strings.IndexByte(special, c) >= 0 && flavour == 'G':
				b.WriteByte(c)
				begins = c == '|' || c == '('
			case c == '<' || c == '>':
				b.WriteString(`\b`)
			case strings.IndexByte("bBwWsS", c) >= 0:
				b.WriteString(`\` + string(c))
			case '0' <= c && c <= '9':
				return "", fmt.Errorf("%s refers back to what it matched", input.Quote(p))
			case c >= 0x80:
				b.WriteByte(c)
			default:
				b.WriteString(regexp.QuoteMeta(string(c)))
			}
		case c == '[':
			end := bracket(p[i:])
			if end < 0 {
				return "", fmt.Errorf("%s has a [ without its ]", input.Quote(p))
			}
			b.WriteString(strings.ReplaceAll(p[i:i+end], `\`, `\\`))
			i += end - 1
		case flavour != 'G':
			b.WriteByte(c)
		case strings.IndexByte(special, c) >= 0, c == '*' && was:
			b.WriteString(`\` + string(c))
		case c == '^' && !was, c == '$' && i+1 < len(p) && !strings.HasPrefix(p[i+1:], `\|`) && !strings.HasPrefix(p[i+1:], `\)`):
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
			begins = c == '^' && was
		}
	}
	return b.String(), nil
}

// bracket returns the length of the bracket expression that p starts with, or
// -1 if it does not end. A "]" that comes first stands for itself.
func bracket(p string) int {
	i := 1
	if strings.HasPrefix(p[i:], "^") {
		i++
	}
	if strings.HasPrefix(p[i:], "]") {
		i++
	}
	for ; i < len(p); i++ {
		if strings.HasPrefix(p[i:], "[:") {
			end := strings.Index(p[i:], ":]")
			if end < 0 {
				return -1
			}
			i += end + 1
		} else if p[i] == ']' {
			return i + 1
		}
	}
	return -1
}
