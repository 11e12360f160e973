package bot

import (
	"fmt"
	"slices"
	"strings"

	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/tree"
)

// A comparison is put into words for people.
type comparison struct {
	*report.Comparison
	before, head *report.Report
	base         string    // branch
	tree         tree.Tree // of the head
}

// result returns what the check run of a command says.
func (c *comparison) result(name string) *check.Result {
	r := &check.Result{Name: name, Conclusion: check.Success, Title: c.title(), Summary: c.summary()}
	switch {
	case len(c.New) > 0:
		r.Conclusion = check.Failure
	case c.Broken != "", c.Stuck, c.unproven():
		r.Conclusion = check.Neutral
	case len(c.Gone) > 0: // a parameter may have another name, or a test was lost
		r.Conclusion = check.Neutral
	}
	for _, f := range c.New {
		r.Annotations = append(r.Annotations, annotate(f, "failure", ""))
	}
	for _, f := range c.Flaky {
		why := "flaky: it failed, and passed when it was run again"
		if f.Outcome == report.Failed {
			why = "flaky: on " + c.base + " it failed, and passed when it was run again"
		}
		r.Annotations = append(r.Annotations, annotate(f, "warning", why+"\n\n"))
	}
	r.Annotations = slices.DeleteFunc(r.Annotations, func(a check.Annotation) bool {
		_, ok := tree.Find(c.tree, a.Path)
		return !ok
	})
	r.Annotations = r.Annotations[:min(len(r.Annotations), maxAnnotations)]
	return r
}

// unproven reports whether there are tests, and none of them says anything.
func (c *comparison) unproven() bool {
	return c.head.Kind == config.Pytest && len(c.New)+len(c.Old)+len(c.Flaky)+c.head.Count(report.Passed) == 0
}

// maxAnnotations is how many places a check run marks at most; GitHub shows no
// more beside a diff that anybody would read.
const maxAnnotations = 100

func annotate(f report.Finding, level, why string) check.Annotation {
	message := why + f.Message
	if f.Details != "" {
		message += "\n\n" + f.Details
	}
	return check.Annotation{Path: f.Path, Line: max(1, f.Line), Level: level, Message: message}
}

// title says in one line what changed.
func (c *comparison) title() string {
	var parts []string
	add := func(list []report.Finding, one, many string) {
		switch len(list) {
		case 0:
		case 1:
			parts = append(parts, "1 "+one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", len(list), many))
		}
	}
	add(c.New, "new failure", "new failures")
	add(c.Skipped, "test is skipped now", "tests are skipped now")
	add(c.Gone, "test is not run any more", "tests are not run any more")
	add(c.Old, "old one as on "+c.base, "old ones as on "+c.base)
	add(c.Fixed, "fixed", "fixed")
	add(c.Flaky, "flaky", "flaky")
	switch {
	case len(c.New) > 0:
	case c.Stuck:
		return "tests were not run: collection stops on " + c.base + ", too"
	case c.Broken != "":
		return "could not be compared: " + c.Broken
	case c.unproven():
		parts = append(parts, "no test passed")
		if n := c.head.Count(report.Skipped); n > 0 {
			parts = append(parts, fmt.Sprintf("%d skipped", n))
		}
	case len(c.Old) > 0:
		parts = append([]string{"no new failure"}, parts...)
	}
	if len(parts) == 0 {
		if n := c.head.Count(report.Passed); n > 1 {
			return fmt.Sprintf("all %d passed", n)
		}
		return "passed"
	}
	return strings.Join(parts, ", ")
}

// summary lists what changed.
func (c *comparison) summary() string {
	var b strings.Builder
	b.WriteString(c.doubts())
	fmt.Fprintf(&b, "| | This pull request | |\n|---|--:|---|\n")
	row := func(mark string, n int, what string) {
		if n > 0 {
			fmt.Fprintf(&b, "| %s | %d | %s |\n", mark, n, what)
		}
	}
	row("❌", len(c.New), "new")
	row("➖", len(c.Gone), "not run any more")
	row("➖", len(c.Skipped), "passed, skipped now")
	row("➖", len(c.Old), "old, as on "+markdown.Code(c.base))
	row("✅", len(c.Fixed), "fixed")
	row("⚠️", len(c.Flaky), "flaky")
	row("✅", c.head.Count(report.Passed), "passed")
	row("➖", c.head.Count(report.Skipped), "skipped")
	list := func(title string, findings []report.Finding) {
		var lines []string
		for _, f := range findings {
			lines = append(lines, "- "+findingText(f))
		}
		if len(lines) > 0 {
			b.WriteString("\n### " + title + "\n\n" + rows("", plural(len(lines), "finding"), lines) + "\n")
		}
	}
	list("New", c.New)
	list("Not run any more", c.Gone)
	list("Skipped now", c.Skipped)
	list("Flaky", c.Flaky)
	list("Fixed", c.Fixed)
	list("Old", c.Old)
	return b.String()
}

// doubts says why the lists may lack something, and what to do.
func (c *comparison) doubts() string {
	var b strings.Builder
	if c.head.Broken != "" {
		fmt.Fprintf(&b, "On this pull request the command did not come to its end: %s.\n\n", markdown.Text(c.head.Broken))
	}
	if c.before.Broken != "" {
		fmt.Fprintf(&b, "On %s the command did not come to its end: %s. Repair it there or in %s, then comment `/restage rerun`: "+
			"what did not come to its end runs again.\n\n", markdown.Code(c.base), markdown.Text(c.before.Broken), markdown.Code(config.Path))
	}
	if c.Stuck {
		b.WriteString("pytest found files that it could not import, on both commits, and ran no test. They are listed below.\n\n")
	}
	if !c.head.Complete && c.head.Broken == "" {
		b.WriteString("There are more results than restage keeps. All failures are among them; some tests that passed are not.\n\n")
	}
	return b.String()
}

// findingText says in one line what was found.
func findingText(f report.Finding) string {
	var parts []string
	if f.Path != "" && f.Line > 0 {
		parts = append(parts, markdown.Code(fmt.Sprintf("%s:%d", f.Path, f.Line)))
	}
	if f.ID != "" && (f.Message == "" || !strings.HasSuffix(f.ID, f.Message)) { // an error's ends with it
		parts = append(parts, markdown.Code(markdown.Shorten(markdown.OneLine(f.ID), 200)))
	}
	if f.Message != "" {
		parts = append(parts, markdown.Text(markdown.Shorten(markdown.OneLine(f.Message), 300)))
	}
	return strings.Join(parts, " ")
}
