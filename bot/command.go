package bot

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	gtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// A command is one line of a comment that asks the bot for something.
type command struct {
	verb string // in lower case, "" if there is none
	args []string
}

// verbs are the commands that there are.
var verbs = []string{"decide", "plan", "rerun", "rebuild", "skip", "revert", "pause", "resume", "cancel", "status", "help"}

// maxCommands bounds how many commands of one comment are looked at.
const maxCommands = 50

// commentParser reads Markdown. What stands above a line of hyphens is no heading to
// it: people write such a line below a command, too.
var commentParser = parser.NewParser(
	parser.WithBlockParsers(slices.DeleteFunc(parser.DefaultBlockParsers(), func(v util.PrioritizedValue) bool {
		b, ok := v.Value.(parser.BlockParser)
		return ok && slices.Equal(b.Trigger(), parser.NewSetextHeadingParser().Trigger())
	})...),
	parser.WithInlineParsers(parser.DefaultInlineParsers()...),
)

// parseCommands returns the commands in a comment: lines that begin with
// /restage in a paragraph of their own or among other text, but not in code, in
// quotes, in lists or in HTML.
func parseCommands(comment string) []command {
	source := []byte(comment)
	doc := commentParser.Parse(gtext.NewReader(source))
	var commands []command
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() != ast.KindParagraph {
			continue
		}
		lines, inMarkup := n.Lines(), markup(n)
		for i := range lines.Len() {
			line := lines.At(i)
			c, ok := parseCommand(string(line.Value(source)))
			if ok && !inMarkup(line.Start) && len(commands) < maxCommands {
				commands = append(commands, c)
			}
		}
	}
	return commands
}

// markup returns a function that reports whether an offset is inside of code or
// HTML that is part of a paragraph.
func markup(paragraph ast.Node) func(offset int) bool {
	var spans []gtext.Segment
	ast.Walk(paragraph, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.CodeSpan:
			first, _ := n.FirstChild().(*ast.Text)
			last, _ := n.LastChild().(*ast.Text)
			if entering && first != nil && last != nil {
				spans = append(spans, gtext.NewSegment(first.Segment.Start, last.Segment.Stop))
			}
			return ast.WalkSkipChildren, nil
		case *ast.RawHTML:
			if entering && n.Segments.Len() > 0 {
				spans = append(spans, gtext.NewSegment(n.Segments.At(0).Start, n.Segments.At(n.Segments.Len()-1).Stop))
			}
		}
		return ast.WalkContinue, nil
	})
	return func(offset int) bool {
		i, found := slices.BinarySearchFunc(spans, offset, func(s gtext.Segment, offset int) int { return cmp.Compare(s.Start, offset) })
		return found || i > 0 && offset < spans[i-1].Stop
	}
}

func parseCommand(line string) (command, bool) {
	words := strings.Fields(line)
	if len(words) == 0 || !strings.EqualFold(words[0], "/restage") {
		return command{}, false
	}
	if len(words) == 1 {
		return command{}, true
	}
	return command{verb: strings.ToLower(words[1]), args: words[2:]}, true
}

// isWish reports whether the command says if a migration is to go on: see
// store.Wish.
func (c command) isWish() bool {
	return c.verb == "pause" || c.verb == "cancel" || c.verb == "resume" && len(c.args) == 0
}

// String returns the command as it would be written.
func (c command) String() string {
	return strings.TrimSpace("/restage " + c.verb + " " + strings.Join(c.args, " "))
}

// decision returns the path and the answer of a decide command. The answer is
// the last word; what is before it is the path, which may have spaces and may
// stand in backquotes.
func (c command) decision() (path, answer string, ok bool) {
	if len(c.args) < 2 {
		return "", "", false
	}
	last := len(c.args) - 1
	return unquote(strings.Join(c.args[:last], " ")), unquote(c.args[last]), true
}

func unquote(s string) string { return strings.Trim(s, "`\"'") }

// nearest returns the word that word is most likely a typing error for, or "".
func nearest(word string, words []string) string {
	const longest = 100 // of what somebody may have meant
	if len(word) > longest {
		return ""
	}
	d := diffmatchpatch.New()
	best, distance := "", max(2, len(word)/4)+1
	for _, w := range words {
		n := d.DiffLevenshtein(d.DiffMain(strings.ToLower(word), strings.ToLower(w), false))
		if n < distance {
			best, distance = w, n
		}
	}
	return best
}

// samePath reports whether two spellings of a path in a plan mean the same.
func samePath(a, b string) bool { return cleanPath(a) == cleanPath(b) }

func cleanPath(p string) string {
	return strings.Trim(strings.TrimPrefix(strings.ReplaceAll(p, `\`, "/"), "./"), "/")
}

// option returns the one of options that answer means, whatever its case.
func option(answer string, options []string) (string, bool) {
	i := slices.IndexFunc(options, func(o string) bool { return strings.EqualFold(o, answer) })
	if i < 0 {
		return "", false
	}
	return options[i], true
}
