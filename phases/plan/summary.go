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
	bullets(&b, "Preconditions", p.Preconditions)
	bullets(&b, "Known issues", p.KnownIssues)
	if len(p.Unused) > 0 {
		b.WriteString("### Not used\n\nThese sections say nothing that restage acts on:\n\n")
		for _, s := range p.Unused {
			fmt.Fprintf(&b, "- line %d: %s\n", s.Line, md.Escape(s.Title))
		}
		b.WriteByte('\n')
	}
	if data, err := p.YAML(); err == nil {
		fmt.Fprintf(&b, "<details><summary>As YAML</summary>\n\n%s\n\n</details>\n", md.Block("yaml", string(data)))
	}
	return b.String()
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
