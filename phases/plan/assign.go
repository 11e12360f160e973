package plan

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// assign puts together what tables and steps say of the same thing, and finds
// the step of what only a table says.
func (m *markdown) assign() {
	m.fold()
	m.originals()
	m.deleted()
	m.attachRenames()
	m.place()
	m.attachMetadata()
	m.attachExports()
	m.attachExpects()
}

// fold drops the moves of single files that the move of their folder says
// already.
func (m *markdown) fold() {
	moves := m.plan.Moves
	m.plan.Moves = slices.DeleteFunc(slices.Clone(moves), func(file Move) bool {
		i := slices.IndexFunc(moves, func(f Move) bool { return f.contains(file) })
		return i >= 0
	})
	for i := range m.plan.Moves {
		f := &m.plan.Moves[i]
		if j := slices.IndexFunc(moves, f.contains); j >= 0 && f.Step == 0 {
			f.Step = moves[j].Step
		}
	}
}

// contains reports whether moving the folder f moves file to the same place.
func (f Move) contains(file Move) bool {
	rest, ok := strings.CutPrefix(file.From, f.From)
	return ok && rest != "" && strings.HasSuffix(f.From, "/") && file.To == f.To+rest
}

// originals finds out which file each "duplicate of x" means. Plans write it
// from a source root, or from the folder of the duplicate or one above it: the
// first that is moved counts. If none is, x is taken from a source root when it
// starts like the path of the duplicate, else from the folder of that.
func (m *markdown) originals() {
	known := map[string]bool{}
	for _, v := range m.plan.Moves {
		known[v.From] = true
	}
	for i := range m.deletions {
		d := &m.deletions[i]
		if d.DuplicateOf != "" && !known[d.DuplicateOf] {
			d.DuplicateOf = original(d.Path, d.DuplicateOf, known)
		}
	}
}

// original returns the file that of means in a sentence about the path p.
func original(p, of string, known map[string]bool) string {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if known[path.Join(dir, of)] {
			return path.Join(dir, of)
		}
	}
	top, _, _ := strings.Cut(p, "/")
	if strings.HasPrefix(of, top+"/") {
		return of
	}
	return path.Join(path.Dir(p), of)
}

// deleted fills in the list of deletes, each path once. What is moved or
// retired is not also deleted, and what is moved is not also retired.
func (m *markdown) deleted() {
	p := m.plan
	moved := func(path string) bool {
		return slices.ContainsFunc(p.Moves, func(v Move) bool { return same(v.From, path) })
	}
	p.Retire = slices.DeleteFunc(p.Retire, func(t Retire) bool { return moved(t.Path) })
	for _, d := range m.deletions {
		i := slices.IndexFunc(p.Delete, func(o Delete) bool { return same(o.Path, d.Path) })
		switch {
		case i >= 0:
			if p.Delete[i].DuplicateOf == "" {
				p.Delete[i].DuplicateOf = d.DuplicateOf
			}
		case !moved(d.Path) && !slices.ContainsFunc(p.Retire, func(t Retire) bool { return same(t.Path, d.Path) }):
			p.Delete = append(p.Delete, d)
		}
	}
}

// place finds the step of every entry: the one that says so, or the first of
// its phase that names it. What goes belongs to the cleanup that deletes it.
func (m *markdown) place() {
	p := m.plan
	mentions := m.mentions()
	for i := range p.Moves {
		if v := &p.Moves[i]; v.Step == 0 {
			v.Step = mentions.step("moves", v.From)
		}
	}
	for i := range p.Imports {
		if v := &p.Imports[i]; v.Step == 0 {
			v.Step = mentions.step("imports", v.Old)
		}
	}
	phase := map[int]string{}
	for _, s := range p.Steps {
		phase[s.Number] = s.Phase
	}
	cleanup := map[string]int{}
	for _, d := range m.deletions {
		if d.Step != 0 && cleanup[d.Path] == 0 && phase[d.Step] != "moves" && phase[d.Step] != "imports" {
			cleanup[d.Path] = d.Step
		}
	}
	gone := func(path string, said int) int {
		for around := path; around != "./"; around = parent(around) {
			if cleanup[around] != 0 {
				return cleanup[around]
			}
		}
		if said != 0 {
			return said
		}
		return mentions.step("cleanup", path)
	}
	layers := 0
	if i := slices.IndexFunc(p.Steps, func(s Step) bool {
		return s.Phase != "moves" && s.Phase != "imports" && layersTitle.MatchString(s.Title)
	}); i >= 0 {
		layers = p.Steps[i].Number
	}
	for i := range p.Retire {
		t := &p.Retire[i]
		if own := cmp.Or(cleanup[t.Path], t.Step, layers); own != 0 {
			t.Step = own
		} else {
			t.Step = gone(t.Path, 0)
		}
	}
	for i := range p.Delete {
		p.Delete[i].Step = gone(p.Delete[i].Path, p.Delete[i].Step)
	}
}

// layersTitle matches the title of the step that does away with layers.
var layersTitle = regexp.MustCompile(`(?i)\b(deprecated|compat\w*|wrappers?|layers?|retire)\b`)

// parent returns the folder that holds p, "./" for the root.
func parent(p string) string { return path.Dir(strings.TrimSuffix(p, "/")) + "/" }

// attachMetadata gives each change of metadata to the files its step moves.
func (m *markdown) attachMetadata() {
	for _, change := range m.metadata {
		for i := range m.plan.Moves {
			v := &m.plan.Moves[i]
			if v.Step != change.block.step() {
				continue
			}
			change.block.use()
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
			dir, whole := strings.CutSuffix(v.To, "/")
			if whole && same(dir+"/", c.dir+"/") {
				into = []*Move{v}
				break
			}
			if !whole && same(path.Dir(v.To)+"/", c.dir+"/") {
				into = append(into, v)
			}
		}
		if len(into) == 0 {
			m.plan.Unused = append(m.plan.Unused, Unused{c.step, "Create " + c.dir + "/__init__.py", c.line})
			continue
		}
		for _, name := range c.all {
			i := slices.IndexFunc(into, func(v *Move) bool {
				return slices.Contains(c.modules[strings.TrimSuffix(path.Base(v.To), ".py")], name)
			})
			v := into[max(i, 0)]
			v.Export = union(v.Export, []string{name})
			if v.Step == 0 {
				v.Step = c.step
			}
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
			e.block.use()
			of[0].Expect = union(of[0].Expect, e.names)
		}
	}
}

// about reports whether file, as the author spelt it, is what v moves.
func (v *Move) about(file string) bool {
	file = strings.TrimPrefix(strings.ReplaceAll(file, `\`, "/"), "./")
	if strings.HasSuffix(v.From, "/") {
		dir := parent(file)
		return dir == "./" || same(dir, v.From) || same(dir, v.To)
	}
	return same(v.From, file) || same(v.To, file)
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
