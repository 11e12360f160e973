package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/restage/restage/phases/markdown"
)

// Bounds of what one check says. GitHub takes annotations 50 at a time and
// 65,535 characters of summary; nobody reads more than this.
const (
	maxAnnotations = 1000
	maxRows        = 100
	maxName        = 200 // characters of one name
)

// A report gathers the findings of one check.
type report struct {
	name   string
	kinds  []string       // the rows of the table, in order
	counts map[string]int // findings by kind
	good   map[string]int // what was looked at and is fine, by kind; nil: not counted
	list   []Annotation
	old    int    // findings that were there before
	unsure int    // findings of which nobody knows whether they were there before
	looked string // what was looked at, for the summary
	notes  []string
}

func (r *report) add(kind string, a Annotation) {
	if r.counts == nil {
		r.counts = map[string]int{}
	}
	r.counts[kind]++
	a.Line = max(a.Line, 1)
	r.list = append(r.list, a)
}

func (r *report) ok(kind string) {
	if r.good == nil {
		r.good = map[string]int{}
	}
	r.good[kind]++
}

// result says how the check ended: fine is the title if nothing was found; what
// was found is called one or many.
func (r *report) result(fine, one, many string) Result {
	severity := map[string]int{"failure": 0, "warning": 1, "notice": 2}
	slices.SortFunc(r.list, func(a, b Annotation) int {
		return cmp.Or(severity[a.Level]-severity[b.Level], strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Message, b.Message))
	})
	r.list = slices.Compact(r.list)
	failures, _ := slices.BinarySearchFunc(r.list, 1, func(a Annotation, n int) int { return severity[a.Level] - n })
	out := Result{Name: r.name, Conclusion: Success, Title: upper(fine), Annotations: r.list}
	rest := len(r.list) - failures
	switch {
	case failures > 0:
		out.Conclusion = Failure
		out.Title = count(failures, one, many)
		if rest > 0 {
			out.Title += fmt.Sprintf(", and %d to look at", rest)
		}
	case r.unsure > 0:
		out.Conclusion = Neutral
		out.Title = fmt.Sprintf("%s, new or not: the tree before is not known", count(r.unsure, one, many))
	case rest > 0:
		out.Title += fmt.Sprintf("; %d to look at", rest)
	}
	if len(r.list) > maxAnnotations {
		out.Annotations = r.list[:maxAnnotations:maxAnnotations]
	}
	out.Summary = r.summary(out.Title)
	return out
}

// summary returns the Markdown below the title.
func (r *report) summary(title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n", markdown.Escape(title))
	if r.looked != "" {
		fmt.Fprintf(&b, "\n%s.\n", markdown.Escape(upper(r.looked)))
	}
	for _, n := range r.notes {
		fmt.Fprintf(&b, "\n%s\n", n)
	}
	r.table(&b)
	if r.old > 0 {
		fmt.Fprintf(&b, "\nNot counted: %s from before.\n", count(r.old, "finding", "findings"))
	}
	if len(r.list) == 0 {
		return b.String()
	}
	b.WriteString("\n| | Where | What |\n|---|---|---|\n")
	for _, a := range r.list[:min(len(r.list), maxRows)] {
		where := fmt.Sprintf("%s:%d", markdown.Shorten(a.Path, maxName), a.Line)
		fmt.Fprintf(&b, "| %s | %s | %s |\n", a.Level, markdown.Code(where), markdown.Text(a.Message))
	}
	if more := len(r.list) - maxRows; more > 0 {
		fmt.Fprintf(&b, "\nand %d more.\n", more)
	}
	return b.String()
}

func (r *report) table(b *strings.Builder) {
	if r.good == nil {
		b.WriteString("\n| What | Found |\n|---|--:|\n")
	} else {
		b.WriteString("\n| What | Fine | Not |\n|---|--:|--:|\n")
	}
	for _, k := range r.kinds {
		switch {
		case r.good == nil:
			fmt.Fprintf(b, "| %s | %d |\n", markdown.Escape(k), r.counts[k])
		case r.good[k]+r.counts[k] > 0:
			fmt.Fprintf(b, "| %s | %d | %d |\n", markdown.Escape(k), r.good[k], r.counts[k])
		}
	}
}

// count writes a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// quoted returns an untrusted name for a message: one line, not too long,
// between backquotes. markdown.Text makes it code.
func quoted(s string) string {
	return "`" + strings.ReplaceAll(markdown.Shorten(markdown.OneLine(s), maxName), "`", "'") + "`"
}
