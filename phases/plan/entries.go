package plan

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A plan says many things twice, in a table and in a step, and spells a path
// now with and now without the source root. The methods here note each once.

// srcRoot matches the source root that plans put before a path or leave out.
var srcRoot = regexp.MustCompile(`^(src|lib|python)/`)

// same reports whether two spellings mean one file or folder: with and without
// the source root, or a file by its name alone.
func same(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) < len(b) {
		a, b = b, a
	}
	rest, ok := strings.CutSuffix(a, b)
	if !ok || !strings.HasSuffix(rest, "/") {
		return false
	}
	return srcRoot.FindString(rest) == rest || !strings.Contains(b, "/") && path.Ext(b) != ""
}

// move notes a move. Of two spellings the longer stays.
func (m *markdown) move(v Move) {
	v.From, v.To = pair(v.From, v.To)
	for i := range m.plan.Moves {
		old := &m.plan.Moves[i]
		if !same(old.From, v.From) || !same(old.To, v.To) {
			continue
		}
		if len(v.From)+len(v.To) > len(old.From)+len(old.To) {
			old.From, old.To = v.From, v.To
		}
		if old.Step == 0 {
			old.Step = v.Step
		}
		return
	}
	if !m.full() {
		m.plan.Moves = append(m.plan.Moves, v)
	}
}

// mapping notes a row of the import map.
func (m *markdown) mapping(v Mapping) {
	known := func(o Mapping) bool { return o.Old == v.Old && o.New == v.New }
	if !slices.ContainsFunc(m.plan.Imports, known) && !m.full() {
		m.plan.Imports = append(m.plan.Imports, v)
	}
}

// retire notes a compatibility layer.
func (m *markdown) retire(t Retire) {
	known := func(o Retire) bool { return o.Path == t.Path && o.Use == t.Use }
	if !slices.ContainsFunc(m.plan.Retire, known) && !m.full() {
		m.plan.Retire = append(m.plan.Retire, t)
	}
}

// keep notes a path that stays.
func (m *markdown) keep(p string) {
	if !slices.Contains(m.plan.Keep, p) && !m.full() {
		m.plan.Keep = append(m.plan.Keep, p)
	}
}

// duplicateOf finds the file that another one duplicates.
var duplicateOf = regexp.MustCompile("(?i)\\b(?:duplicates?|duplikat|kopie|copy|copies|identical|same)\\s+(?:of|to|as|von):?\\s+(?:`([^`]+)`|([^\\s()|,;`]+))")

// remove notes a file or folder that goes. The text of p from offset at on may
// say what it duplicates.
func (m *markdown) remove(d Delete, p phrase, at int) {
	if m.full() {
		return
	}
	// A sentence is short; looking further would only cost time.
	const sentence = 300
	rest := p.s[at:min(at+sentence, len(p.s))]
	if end := sentenceEnd.FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	match := duplicateOf.FindStringSubmatchIndex(rest)
	if match != nil {
		start, end := max(match[2], match[4]), max(match[3], match[5])
		if s := strings.TrimRight(p.s[at+start:at+end], ".:"); looksLikePath(s) {
			of, ok := m.pathAt(p, at+start, s)
			if !ok {
				return
			}
			d.DuplicateOf = of
		}
	}
	m.deletions = append(m.deletions, d)
}

// pathAt returns the path s that stands at an offset of p.
func (m *markdown) pathAt(p phrase, at int, s string) (string, bool) {
	clean, err := CleanPath(s)
	if err != nil {
		m.errorAt(p.pos(at), "%s", err)
	}
	return clean, err == nil
}

// lineAt returns the line of an offset of p.
func (m *markdown) lineAt(p phrase, at int) int {
	line, _ := m.doc.place(p.pos(at))
	return line
}
