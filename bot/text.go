package bot

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/markdown"
)

//go:embed text/*.md
var texts embed.FS

// templates are the texts that the bot writes. Whatever is put into one must be
// Markdown already, or go through package markdown.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"code":   markdown.Code,
	"plural": plural,
	"rows":   rows,
}).ParseFS(texts, "text/*.md"))

// render returns the text of that name, filled with data.
func render(name string, data any) string {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, name+".md", data); err != nil {
		// A template and its data are both of this package.
		panic(fmt.Sprintf("template %s: %v", name, err))
	}
	return strings.TrimSpace(b.String())
}

// plural returns "1 file" or "3 files".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Bounds of a list in a text. A longer list is folded away, and what is beyond
// the room for it is only counted.
const (
	maxOpenRows = 12
	maxListText = 10000 // characters; all lists of a body go into it
)

// rows returns lines as a list or, with a header, as a table; folded away under
// summary if there are many.
func rows(header, summary string, lines []string) string {
	var b strings.Builder
	n := 0
	for ; n < len(lines) && b.Len()+len(lines[n]) < maxListText; n++ {
		b.WriteString(lines[n] + "\n")
	}
	list := strings.TrimRight(header+b.String(), "\n")
	if n < len(lines) {
		list += fmt.Sprintf("\n\nAnd %d more.", len(lines)-n)
	}
	if len(lines) <= maxOpenRows {
		return list
	}
	return "<details><summary>" + summary + "</summary>\n\n" + list + "\n\n</details>"
}

// decisionsText lists questions with the commands that answer them, or returns
// "" if there are none.
func decisionsText(decisions []phases.Decision) string {
	var lines []string
	for _, d := range decisions {
		lines = append(lines, fmt.Sprintf("- %s: %s", markdown.Code(d.Path), decisionText(d)))
	}
	if len(lines) == 0 {
		return ""
	}
	return rows("", plural(len(lines), "decision"), lines)
}

// decisionText returns a question with the commands that answer it.
func decisionText(d phases.Decision) string {
	var answers []string
	for _, o := range d.Options {
		answers = append(answers, markdown.Code("/restage decide "+d.Path+" "+o))
	}
	text := markdown.Text(d.Question) + " Answer with " + strings.Join(answers, " or ")
	if len(d.Options) > 1 {
		text += "; restage would choose " + markdown.Code(d.Options[0])
	}
	return text + "."
}

// noDecisionText says that there is no decision about path, and which there
// are.
func noDecisionText(path string, decisions []phases.Decision) string {
	if len(decisions) == 0 {
		return fmt.Sprintf("There is nothing to decide about %s: no decision is open.", markdown.Code(path))
	}
	var paths []string
	for _, d := range decisions {
		paths = append(paths, d.Path)
	}
	s := fmt.Sprintf("There is nothing to decide about %s.", markdown.Code(path))
	if near := nearest(path, paths); near != "" {
		s += fmt.Sprintf(" Did you mean %s?", markdown.Code(near))
	}
	return s + " These are the decisions:\n\n" + decisionsText(decisions)
}

// unknownText answers a command that does not exist.
func unknownText(c command) string {
	s := fmt.Sprintf("%s is no command.", markdown.Code("/restage "+c.verb))
	if near := nearest(c.verb, verbs); near != "" {
		s += fmt.Sprintf(" Did you mean `/restage %s`?", near)
	}
	return s + " `/restage help` lists the commands."
}

// alreadyText answers a label on an issue whose migration is under way or done.
func alreadyText(m store.Migration) string {
	if m.State == store.Done {
		return "The migration of this issue is done. For more, open another issue."
	}
	return "The migration of this issue is under way, with the plan as it was when the label was first put on. " +
		"To start over with another plan, close the open pull request, then put the label on again."
}

// serverPath matches a path on the server: an absolute one, and no part of a URL.
var serverPath = regexp.MustCompile(`(^|[^\w/:.~-])(?:/[\w.@+~-]+){2,}/?`)

// public returns what went wrong as people outside of the installation may read
// it: without paths of the server, and without what it keeps to itself. The whole
// of it is in the log of the server.
func (b *Bot) public(message string) string {
	for _, s := range b.secrets {
		if s != "" {
			message = strings.ReplaceAll(message, s, "***")
		}
	}
	return serverPath.ReplaceAllString(markdown.Plain(message), "$1[a path of the server]")
}

// mistakes returns an error of several lines as a list.
func mistakes(err error) string {
	var b strings.Builder
	for line := range strings.Lines(markdown.Shorten(err.Error(), 8000)) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("- " + markdown.Text(line) + "\n")
		}
	}
	return b.String()
}

// brokenText says what is wrong with the configuration of a repository.
func brokenText(err error) string {
	return fmt.Sprintf("The configuration cannot be read:\n\n%s\nRepair %s on the default branch.", mistakes(err), markdown.Code(config.Path))
}

var helpText = render("help", nil)
