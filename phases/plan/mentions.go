package plan

import (
	"regexp"
	"strings"
)

// mentions knows which step is the first of each phase to name a path or
// module: by phase, "" for any, then by name.
type mentions map[string]map[string]int

// token matches paths and dotted names in running text.
var token = regexp.MustCompile(`[\w./-]+`)

// maxElements bounds how many elements of a path in running text are looked at.
const maxElements = 16

// mentions reads the text of all steps for the names that have no step yet.
// "src/a/b.py" names "a/b.py", and "a/b.py" names "a/".
func (m *markdown) mentions() mentions {
	wanted := m.unplaced()
	found := mentions{"": {}, "moves": {}, "imports": {}, "cleanup": {}}
	note := func(name string, s Step) {
		if !wanted[name] {
			return
		}
		for _, phase := range phases {
			if s.Phase == phase || s.Phase == "" {
				found.add(phase, name, s.Number)
			}
		}
		found.add("", name, s.Number)
	}
	if len(wanted) == 0 {
		return found
	}
	for i, h := range m.stepHeads {
		text := strings.ReplaceAll(string(m.doc.source[h.start:h.end]), `\.`, ".")
		for _, word := range token.FindAllString(text, -1) {
			separator := "."
			if strings.Contains(word, "/") {
				separator = "/"
			}
			for tail, n := word, 0; n < maxElements && tail != ""; n++ {
				prefixes(tail, separator, func(name string) { note(name, m.plan.Steps[i]) })
				_, tail, _ = strings.Cut(tail, separator)
			}
		}
	}
	return found
}

// unplaced returns the names of all entries whose step is to be found.
func (m *markdown) unplaced() map[string]bool {
	wanted := map[string]bool{}
	for _, v := range m.plan.Moves {
		wanted[name(v.From)] = v.Step == 0
	}
	for _, v := range m.plan.Imports {
		wanted[name(v.Old)] = v.Step == 0
	}
	for _, v := range m.plan.Retire {
		wanted[name(v.Path)] = true
	}
	for _, v := range m.plan.Delete {
		wanted[name(v.Path)] = true
	}
	return wanted
}

// name returns what running text calls a path or module.
func name(p string) string {
	p, _, _ = strings.Cut(p, ":")
	return strings.TrimSuffix(strings.TrimSuffix(srcRoot.ReplaceAllString(p, ""), ".*"), "/")
}

// prefixes calls f with "a", "a/b" and "a/b/c.py" for "a/b/c.py", without the
// full stop that ends a sentence.
func prefixes(s, separator string, f func(string)) {
	s = strings.TrimRight(s, ".-/")
	for i, n := 0, 0; n < maxElements; n++ {
		next := strings.Index(s[i:], separator)
		if next < 0 {
			f(s)
			return
		}
		if i += next; i > 0 {
			f(s[:i])
		}
		i++
	}
}

func (found mentions) add(phase, name string, step int) {
	if found[phase][name] == 0 {
		found[phase][name] = step
	}
}

// step returns the first step of a phase that names p; failing that, the first
// step of all that does; else 0.
func (found mentions) step(phase, p string) int {
	if n := found[phase][name(p)]; n != 0 {
		return n
	}
	return found[""][name(p)]
}
