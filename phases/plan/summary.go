package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Markdown returns a summary for people: tables of what was understood, and the
// YAML folded away. Whatever comes from the plan is escaped: it cannot make
// links, images, HTML or mentions.
func (p *Plan) Markdown() string {
	var b strings.Builder
	if p.Title != "" {
		fmt.Fprintf(&b, "**%s**\n\n", escape(p.Title))
	}
	section(&b, "Moves", []string{"Step", "From", "To", "Exports"}, p.Moves, func(m Move) []string {
		return []string{stepCell(m.Step), code(m.From), code(m.To), codeList(m.Export)}
	})
	section(&b, "Imports", []string{"Step", "Old", "New"}, p.Imports, func(m Mapping) []string {
		return []string{stepCell(m.Step), code(m.Old), orElse(m.New, "goes without replacement")}
	})
	section(&b, "Retired", []string{"Step", "Path", "Use instead"}, p.Retire, func(t Retire) []string {
		return []string{stepCell(t.Step), code(t.Path), orElse(t.Use, "nothing")}
	})
	section(&b, "Deleted", []string{"Step", "Path", "Duplicate of"}, p.Delete, func(d Delete) []string {
		return []string{stepCell(d.Step), code(d.Path), code(d.DuplicateOf)}
	})
	section(&b, "Kept", []string{"Path"}, p.Keep, func(path string) []string { return []string{code(path)} })
	section(&b, "Decided", []string{"Path", "Answer"}, slices.Sorted(maps.Keys(p.Decide)), func(path string) []string {
		return []string{code(path), code(p.Decide[path])}
	})
	section(&b, "Steps", []string{"Step", "Title", "Phase"}, p.Steps, func(s Step) []string {
		return []string{stepCell(s.Number), escape(s.Title), s.Phase}
	})
	bullets(&b, "Preconditions", p.Preconditions)
	bullets(&b, "Known issues", p.KnownIssues)
	if len(p.Unused) > 0 {
		b.WriteString("### Not used\n\nThese sections say nothing that restage acts on:\n\n")
		for _, s := range p.Unused {
			fmt.Fprintf(&b, "- line %d: %s\n", s.Line, escape(s.Title))
		}
		b.WriteByte('\n')
	}
	if data, err := p.YAML(); err == nil {
		fence := strings.Repeat("`", max(3, longestRun(string(data), '`')+1))
		fmt.Fprintf(&b, "<details><summary>As YAML</summary>\n\n%syaml\n%s%s\n\n</details>\n", fence, data, fence)
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
		fmt.Fprintf(b, "- %s\n", escape(s))
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
	return code(name)
}

// codeList returns names as code, separated by commas.
func codeList(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = code(name)
	}
	return strings.Join(all, ", ")
}

// code returns s as inline code that may stand in a table; "" stays "".
func code(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ReplaceAll(oneLine(s), "|", `\|`)
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// longestRun returns the length of the longest run of c in s.
func longestRun(s string, c rune) int {
	longest, run := 0, 0
	for _, r := range s {
		if run++; r != c {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}

// escape returns s as plain text in Markdown. Punctuation loses its meaning; a
// zero-width space keeps GitHub from seeing mentions and issue numbers.
func escape(s string) string {
	var b strings.Builder
	for _, r := range oneLine(s) {
		switch {
		case r == '@' || r == '#':
			b.WriteByte('\\')
			b.WriteRune(r)
			b.WriteRune('\u200b')
		case r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
			b.WriteByte('\\')
			b.WriteRune(r)
		case !unicode.IsControl(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}
