package plan

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// assign puts together what tables and steps say of the same thing.
func (m *markdown) assign() {
	m.fold()
	m.originals()
	m.deleted()
	bodies := m.bodies()
	for i := range m.plan.Moves {
		v := &m.plan.Moves[i]
		if v.Step == 0 {
			v.Step = bodies.naming("moves", v.From)
		}
	}
	for i := range m.plan.Imports {
		v := &m.plan.Imports[i]
		v.Step = bodies.naming("imports", strings.TrimSuffix(v.Old, ".*"))
	}
	for i := range m.plan.Retire {
		v := &m.plan.Retire[i]
		v.Step = bodies.gone(m.deletions, v.Path)
	}
	for i := range m.plan.Delete {
		v := &m.plan.Delete[i]
		v.Step = bodies.gone(m.deletions, v.Path)
	}
	m.attachMetadata()
	m.attachExports()
	m.attachExpects()
}

// fold drops the moves of single files that the move of their folder says
// already.
func (m *markdown) fold() {
	moves := m.plan.Moves
	for _, file := range moves {
		i := slices.IndexFunc(moves, func(f Move) bool { return contains(f, file) })
		if i >= 0 && moves[i].Step == 0 {
			moves[i].Step = file.Step
		}
	}
	m.plan.Moves = slices.DeleteFunc(slices.Clone(moves), func(file Move) bool {
		return slices.ContainsFunc(moves, func(f Move) bool { return contains(f, file) })
	})
}

// contains reports whether moving the folder f moves file to the same place.
func contains(f, file Move) bool {
	rest, ok := strings.CutPrefix(file.From, f.From)
	return ok && rest != "" && strings.HasSuffix(f.From, "/") && file.To == f.To+rest
}

// originals finds out which file each "duplicate of x" means: one that the
// plan knows, else one relative to the folder of the duplicate.
func (m *markdown) originals() {
	known := map[string]bool{}
	for _, v := range m.plan.Moves {
		known[v.From] = true
	}
	for i := range m.deletions {
		d := &m.deletions[i]
		of := d.DuplicateOf
		if of == "" || known[of] {
			continue
		}
		top, _, inside := strings.Cut(of, "/")
		switch root, _, _ := strings.Cut(d.Path, "/"); {
		case known[inFolder(d.Path, of)], !inside:
			d.DuplicateOf = inFolder(d.Path, of)
		case top != root:
			d.DuplicateOf = m.nearest(d.Path, of, known)
		}
	}
}

// nearest returns of, taken from the folder of p or one above it, as the plan
// knows it; unknown, it is taken from the folder of p.
func (m *markdown) nearest(p, of string, known map[string]bool) string {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if known[path.Join(dir, of)] {
			return path.Join(dir, of)
		}
	}
	return inFolder(p, of)
}

// deleted fills in the list of deletes, each path once. What is moved or
// retired is not also deleted.
func (m *markdown) deleted() {
	has := map[string]bool{}
	for _, v := range m.plan.Moves {
		has[v.From] = true
	}
	m.plan.Retire = slices.DeleteFunc(m.plan.Retire, func(t Retire) bool {
		again := has[t.Path]
		has[t.Path] = true
		return again
	})
	for _, d := range m.deletions {
		if i := slices.IndexFunc(m.plan.Delete, func(o Delete) bool { return o.Path == d.Path }); i >= 0 {
			if m.plan.Delete[i].DuplicateOf == "" {
				m.plan.Delete[i].DuplicateOf = d.DuplicateOf
			}
		} else if !has[d.Path] {
			m.plan.Delete = append(m.plan.Delete, d)
		}
	}
}

// bodies is the text of each step, to find the one that names something.
type bodies []body

type body struct {
	Step
	text string
}

// bodies returns the text of the steps of the plan.
func (m *markdown) bodies() bodies {
	var all bodies
	for _, s := range m.plan.Steps {
		i := slices.IndexFunc(m.doc.sections, func(h *heading) bool { return h.step == s.Number })
		h := m.doc.sections[i]
		text := strings.ReplaceAll(string(m.doc.source[h.start:h.end]), `\.`, ".")
		all = append(all, body{s, text})
	}
	return all
}

// naming returns the first step of a phase whose text names the path or module
// p; failing that, the first step of any phase that does; else 0.
func (b bodies) naming(phase, p string) int {
	end := `(?:[^\w/]|$)`
	if strings.HasSuffix(p, "/") {
		end = ""
	}
	re := regexp.MustCompile(`(?:^|[^\w.-])` + regexp.QuoteMeta(p) + end)
	first := 0
	for _, s := range b {
		if !re.MatchString(s.text) {
			continue
		}
		if s.Phase == phase || s.Phase == "" {
			return s.Number
		}
		if first == 0 {
			first = s.Number
		}
	}
	return first
}

// gone returns the step in which the path p goes: the first of the cleanup
// that deletes it or a folder around it, the first of the cleanup that names
// it, or the one that deletes it earlier.
func (b bodies) gone(deletions []Delete, p string) int {
	cleanup := map[int]bool{}
	for _, s := range b {
		cleanup[s.Number] = s.Phase == "cleanup" || s.Phase == ""
	}
	early := 0
	for around := p; around != "./" && around != "/"; around = path.Dir(strings.TrimSuffix(around, "/")) + "/" {
		for _, d := range deletions {
			if d.Path != around || d.Step == 0 {
				continue
			}
			if cleanup[d.Step] {
				return d.Step
			}
			if early == 0 && around == p {
				early = d.Step
			}
		}
	}
	if early != 0 {
		return early
	}
	return b.naming("cleanup", p)
}

// attachMetadata gives each change of metadata to the files its step moves.
func (m *markdown) attachMetadata() {
	for _, change := range m.metadata {
		for i := range m.plan.Moves {
			v := &m.plan.Moves[i]
			if v.Step != change.step {
				continue
			}
			if v.Metadata == nil {
				v.Metadata = &Metadata{}
			}
			if change.Domain != "" {
				v.Metadata.Domain, v.Metadata.FromDomain = change.Domain, change.FromDomain
			}
			v.Metadata.AddTags = union(v.Metadata.AddTags, change.AddTags)
			v.Metadata.RemoveTags = union(v.Metadata.RemoveTags, change.RemoveTags)
		}
	}
}

// attachExports gives the names of each new __init__.py to the move that makes
// its package: of the folder, or of the file that defines them.
func (m *markdown) attachExports() {
	for _, c := range m.packages {
		var into []*Move
		for i := range m.plan.Moves {
			v := &m.plan.Moves[i]
			if sameEnd(strings.TrimSuffix(v.To, "/"), c.dir) && strings.HasSuffix(v.To, "/") {
				into = []*Move{v}
				break
			}
			if !strings.HasSuffix(v.To, "/") && sameEnd(path.Dir(v.To), c.dir) {
				into = append(into, v)
			}
		}
		if len(into) == 0 {
			m.plan.Unused = append(m.plan.Unused, Section{"Create " + c.dir + "/__init__.py", c.line})
			continue
		}
		for _, name := range c.all {
			i := max(0, slices.IndexFunc(into, func(v *Move) bool {
				module := strings.TrimSuffix(path.Base(v.To), ".py")
				return slices.Contains(c.modules[module], name)
			}))
			into[i].Export = union(into[i].Export, []string{name})
		}
	}
}

// attachExpects gives the names that files must define to the moves of these
// files, or to the one move of the step.
func (m *markdown) attachExpects() {
	for _, e := range m.expects {
		var of []*Move
		for i := range m.plan.Moves {
			if v := &m.plan.Moves[i]; e.step != 0 && v.Step == e.step {
				of = append(of, v)
			}
		}
		if len(of) > 1 {
			of = slices.DeleteFunc(of, func(v *Move) bool { return !slices.ContainsFunc(e.files, v.about) })
		}
		if len(of) == 1 {
			of[0].Expect = union(of[0].Expect, e.names)
		}
	}
}

// about reports whether file, as the author spelt it, is what v moves.
func (v *Move) about(file string) bool {
	file = strings.ReplaceAll(file, `\`, "/")
	if strings.HasSuffix(v.From, "/") {
		return sameEnd(path.Dir(file)+"/", v.From) || sameEnd(path.Dir(file)+"/", v.To) || path.Dir(file) == "."
	}
	return sameEnd(v.From, file) || sameEnd(v.To, file)
}

// sameEnd reports whether one of two paths is the end of the other.
func sameEnd(a, b string) bool {
	return strings.HasSuffix("/"+a, "/"+b) || strings.HasSuffix("/"+b, "/"+a)
}

// union returns list with the elements of more that it lacks.
func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
