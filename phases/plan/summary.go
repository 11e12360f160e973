package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	md "github.com/restage/restage/phases/markdown"
)

// Markdown returns a summary for people: tables of what was understood, and the
// YAML folded away. Whatever comes from the plan is escaped: it cannot make
// links, images, HTML or mentions.
func (p *Plan) Markdown() string {
	var b strings.Builder
	if p.Title != "" {
		fmt.Fprintf(&b, "**%s**\n\n", md.Escape(p.Title))
	}
	section(&b, "Moves", []string{"Step", "From", "To", "Exports"}, p.Moves, func(m Move) []string {
		return []string{stepCell(m.Step), md.Code(m.From), md.Code(m.To), codeList(m.Export)}
	})
	section(&b, "Imports", []string{"Step", "Old", "New"}, p.Imports, func(m Mapping) []string {
		return []string{stepCell(m.Step), md.Code(m.Old), orElse(m.New, "goes without replacement")}
	})
	section(&b, "Retired", []string{"Step", "Path", "Use instead"}, p.Retire, func(t Retire) []string {
		return []string{stepCell(t.Step), md.Code(t.Path), orElse(t.Use, "nothing")}
	})
	section(&b, "Deleted", []string{"Step", "Path", "Duplicate of"}, p.Delete, func(d Delete) []string {
		return []string{stepCell(d.Step), md.Code(d.Path), md.Code(d.DuplicateOf)}
	})
	section(&b, "Kept", []string{"Path"}, p.Keep, func(path string) []string { return []string{md.Code(path)} })
	section(&b, "Decided", []string{"Path", "Answer"}, slices.Sorted(maps.Keys(p.Decide)), func(path string) []string {
		return []string{md.Code(path), md.Code(p.Decide[path])}
	})
	section(&b, "Steps", []string{"Step", "Title", "Phase"}, p.Steps, func(s Step) []string {
		return []string{stepCell(s.Number), md.Escape(s.Title), s.Phase}
	})
	if p.Guide != "" {
		fmt.Fprintf(&b, "The migration guide goes to %s.\n\n", md.Code(p.Guide))
	}
	bullets(&b, "Preconditions", p.Preconditions)
	bullets(&b, "Known issues", p.KnownIssues)
	if p.Estimate != "" {
		fmt.Fprintf(&b, "Estimate: %s\n\n", md.Text(p.Estimate))
	}
	p.shellText(&b)
	p.unusedText(&b)
	known := *p
	known.NotRun, known.Unused = nil, nil
	if data, err := known.YAML(); err == nil {
		fmt.Fprintf(&b, "<details><summary>As YAML</summary>\n\n%s\n\n</details>\n", md.Block("yaml", string(data)))
	}
	return b.String()
}

// shellText writes what becomes of shell blocks.
func (p *Plan) shellText(b *strings.Builder) {
	if len(p.Checks)+len(p.Commands)+len(p.NotRun) == 0 {
		return
	}
	fmt.Fprintf(b, "### Shell blocks\n\nRead, and never run. Checks that need no program: %d, in the YAML below.\n\n", len(p.Checks))
	for _, c := range p.Commands {
		if c.Check != "" {
			fmt.Fprintf(b, "- line %d: %s is the check %s\n", c.Line, md.Code(c.Text), md.Code(c.Check))
			continue
		}
		fmt.Fprintf(b, "- line %d: %s asks for a program; run if %s allows it\n", c.Line, md.Code(c.Text), md.Code(".github/restage.yml"))
	}
	var reasons []string
	at := map[string][]int{}
	for _, c := range p.NotRun {
		if at[c.Reason] == nil {
			reasons = append(reasons, c.Reason)
		}
		at[c.Reason] = append(at[c.Reason], c.Line)
	}
	for _, reason := range reasons {
		fmt.Fprintf(b, "- not run, %s: %s\n", lineList(at[reason]), md.Escape(reason))
	}
	b.WriteByte('\n')
}

// unusedText writes what was not used: sections by their titles, parts of steps
// by their lines.
func (p *Plan) unusedText(b *strings.Builder) {
	if len(p.Unused) == 0 {
		return
	}
	b.WriteString("### Not used\n\nThis says nothing that restage acts on:\n\n")
	var steps []int
	at := map[int][]int{}
	for _, u := range p.Unused {
		if u.Step == 0 {
			fmt.Fprintf(b, "- line %d: %s\n", u.Line, md.Escape(u.Text))
			continue
		}
		if at[u.Step] == nil {
			steps = append(steps, u.Step)
		}
		at[u.Step] = append(at[u.Step], u.Line)
	}
	for _, step := range steps {
		fmt.Fprintf(b, "- step %d: %s\n", step, lineList(at[step]))
	}
	b.WriteByte('\n')
}

// lineList returns numbers of lines as words: "lines 3, 5-7".
func lineList(lines []int) string {
	lines = slices.Compact(slices.Sorted(slices.Values(lines)))
	var parts []string
	for i := 0; i < len(lines); i++ {
		first := lines[i]
		for i+1 < len(lines) && lines[i+1] == lines[i]+1 {
			i++
		}
		if parts = append(parts, fmt.Sprint(first)); lines[i] > first {
			parts[len(parts)-1] += fmt.Sprintf("-%d", lines[i])
		}
	}
	if len(lines) == 1 {
		return "line " + parts[0]
	}
	return "lines " + strings.Join(parts, ", ")
}

// section writes a heading and a table with a row for each element of all.
func section[T any](b *strings.Builder, title string, header []string, all []T, row func(T) []string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "### %s (%d)\n\n| %s |\n|%s\n", title, len(all), strings.Join(header, " | "), strings.Repeat("---|", len(header)))
	for _, e := range all {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row(e), " | "))
	}
	b.WriteByte('\n')
}

// bullets writes a heading and a list.
func bullets(b *strings.Builder, title string, all []string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "### %s\n\n", title)
	for _, s := range all {
		fmt.Fprintf(b, "- %s\n", md.Escape(s))
	}
	b.WriteByte('\n')
}

// stepCell returns the number of a step, or nothing for 0.
func stepCell(step int) string {
	if step == 0 {
		return ""
	}
	return fmt.Sprint(step)
}

// orElse returns name as code, or the words for its absence.
func orElse(name, absent string) string {
	if name == "" {
		return absent
	}
	return md.Code(name)
}

// codeList returns names as code, separated by commas.
func codeList(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = md.Code(name)
	}
	return strings.Join(all, ", ")
}
