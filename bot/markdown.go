package bot

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What people wrote goes into Markdown through one of the functions of this
// file, so that it shows as what it is: no markup, no link, no mention, no
// reference that closes an issue.

// text returns s, one line of prose, as Markdown. What stands between
// backquotes becomes code.
func text(s string) string {
	parts := strings.Split(oneLine(s), "`")
	if len(parts)%2 == 0 { // a backquote without its other half
		return escape(oneLine(s))
	}
	var b strings.Builder
	for i, part := range parts {
		switch {
		case i%2 == 0:
			b.WriteString(escape(part))
		case part != "":
			b.WriteString(code(part))
		}
	}
	return b.String()
}

// escape returns s with everything escaped that means something in Markdown. A
// mention or a reference is broken by a character of no width, since GitHub
// looks for those after the escapes are gone.
func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune("\\`*[]|~$", r), r == '_' && !inWord(s, i):
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@' || r == '#':
			b.WriteRune(r)
			b.WriteRune('\u200b')
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", ":\u200b//")
}

// inWord reports whether the character of one byte at i stands between two
// letters or digits, where an underscore is no markup.
func inWord(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+1:])
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return word(before) && word(after)
}

// code returns s as a code span that may stand in a table.
func code(s string) string {
	s = strings.ReplaceAll(oneLine(s), "|", `\|`)
	if s == "" {
		return ""
	}
	fence := fence(s, 1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// block returns s as a fenced code block of the given language.
func block(language, s string) string {
	f := fence(s, 3)
	return f + language + "\n" + strings.TrimRight(s, "\n") + "\n" + f
}

// fence returns more backquotes, at least least, than stand together in s.
func fence(s string, least int) string {
	run := 0
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		if run++; run >= least {
			least = run + 1
		}
	}
	return strings.Repeat("`", least)
}

// oneLine returns s without control characters and line breaks.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return ' '
		}
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// shorten returns s cut to at most max characters.
func shorten(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	return string([]rune(s)[:max-1]) + "…"
}

// reference matches what GitHub reads as a reference to an issue in a commit
// message, where no escape exists.
var reference = regexp.MustCompile(`(?i)#(\d)|\bGH-(\d)|://`)

// title returns s as the title of a commit or a pull request: one line without
// references, which could close issues, and without brackets, which could tell
// a CI to skip the commit.
func title(s string) string {
	s = reference.ReplaceAllStringFunc(oneLine(s), func(m string) string {
		if m == "://" {
			return ": //"
		}
		return "no. " + m[len(m)-1:]
	})
	return shorten(strings.NewReplacer("[", "(", "]", ")").Replace(s), 180)
}

// fileURL returns the address of a line (0 for none) of a file at a commit.
func fileURL(repo, commit, path string, line int) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	u := repo + "/blob/" + commit + "/" + strings.Join(parts, "/")
	if line > 0 {
		u += fmt.Sprintf("#L%d", line)
	}
	return strings.NewReplacer("(", "%28", ")", "%29").Replace(u)
}
