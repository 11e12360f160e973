package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	md "github.com/restage/restage/phases/markdown"
)

// unused lists what says nothing: sections, the outermost only, and in those
// that say something each paragraph, item, row and block of code that does not.
func (m *markdown) unused() {
	for _, b := range m.doc.blocks {
		h := b.heading
		switch {
		case b.title:
			if !h.used && (h.parent == nil || h.parent.used) {
				m.leave(h.step, h.title, h.line)
			}
		case h != nil && !h.used:
		case b.rows != nil:
			m.unusedRows(b)
		case b.used:
			for _, line := range b.rest {
				m.leave(b.step(), line.text.s, m.line(line))
			}
			m.unusedSentences(b)
		case b.code != nil:
			m.leave(b.step(), strings.Join(b.code, " "), m.line(b))
		case b.item || !introduces.MatchString(b.text.s):
			m.leave(b.step(), b.text.s, m.line(b))
		}
	}
	if m.left > 0 {
		m.plan.Unused = append(m.plan.Unused, Unused{Text: fmt.Sprintf("and %d more", m.left), Line: 1})
	}
}

// unusedRows lists the rows of a table that say nothing.
func (m *markdown) unusedRows(b *block) {
	for i, cells := range b.rows[1:] {
		if b.read != nil && b.read[i] || len(cells) == 0 {
			continue
		}
		line, _ := m.doc.place(cells[0].pos(0))
		m.leave(b.step(), rowText(cells), line)
	}
}

// unusedSentences lists the sentences of a text that name a path or module, and
// of which nothing was understood.
func (m *markdown) unusedSentences(b *block) {
	text, start := b.text.s, 0
	if len(b.said) == 0 {
		return
	}
	for _, at := range append(sentenceEnd.FindAllStringIndex(text, -1), []int{len(text), len(text)}) {
		s := text[start:at[0]]
		understood := slices.ContainsFunc(b.said, func(i int) bool { return start <= i && i < at[1] })
		if !understood && namesSomething(s) && !attributes.MatchString(s) {
			m.leave(b.step(), s, m.lineAt(b.text, start))
		}
		start = at[1]
	}
}

// attributes matches a sentence that says more of what was moved.
var attributes = regexp.MustCompile(`(?i)\b(domain|tags?|expected|__init__\.py)\b`)

// namesSomething reports whether a sentence names a path or a dotted module.
func namesSomething(s string) bool {
	return slices.ContainsFunc(codes(s), func(c string) bool { return looksLikePath(c) || strings.Contains(c, ".") && isModule(c) })
}

// introduces matches a paragraph that is but the title of what follows.
var introduces = regexp.MustCompile(`^[^.:\n]{0,60}:$`)

// leave notes one thing that was not used. Of very many, the number must do.
func (m *markdown) leave(step int, text string, line int) {
	const most, longest = 1000, 200
	if text = md.Shorten(md.OneLine(text), longest); text == "" || m.plan.Guide != "" && guideFile(text) == m.plan.Guide {
		return
	}
	if len(m.plan.Unused) == most {
		m.left++
		return
	}
	m.plan.Unused = append(m.plan.Unused, Unused{step, text, line})
}

// rowText returns a row of a table as one text.
func rowText(row []phrase) string {
	var cells []string
	for _, c := range row {
		if c.s != "" {
			cells = append(cells, c.s)
		}
	}
	return strings.Join(cells, " | ")
}
