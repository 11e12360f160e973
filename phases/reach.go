package phases

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// A start is what chains start from: a name that a scope binds.
type start struct {
	scope *python.Scope // nil if the file does not bind it
	name  string
}

// A reach is a use in full: it starts from a name that is bound by something
// else than being given another name.
type reach struct {
	use   python.Use
	parts []string
	lead  int  // how many of parts the first part of the use stands for
	given bool // the first part of the use is another name for these
}

// span returns where the first n of parts stand.
func (c reach) span(n int) python.Span {
	return python.Span{Start: c.use.Parts[0].Start, End: c.use.Parts[n-c.lead].End}
}

// followed returns the uses of the file that may start from an import, written
// out: most names are bound by something else, and these are not worth following.
func (r *rewriter) followed() []followed {
	if r.follows == nil {
		r.follows = []followed{}
		names, any := r.starts()
		for _, u := range r.f.Uses {
			if names[u.Parts[0].Text] || any && u.Resolve() == nil {
				at, c := follow(u)
				r.follows = append(r.follows, followed{at, c})
			}
		}
	}
	return r.follows
}

// A followed use, and what it starts from.
type followed struct {
	start
	reach
}

// starts returns the names that may lead to an import, and whether a name that
// the file does not bind may.
func (r *rewriter) starts() (names map[string]bool, unbound bool) {
	names = map[string]bool{}
	for _, imp := range r.f.Imports {
		unbound = unbound || imp.Star
		for _, in := range imp.Names {
			names[in.Bound] = true
		}
	}
	for _, a := range r.f.Aliases {
		if _, ok := (start{a.Scope, a.Name}).alias(); ok {
			names[a.Name] = true
		}
	}
	return names, unbound
}

// reaches returns the uses of the file by what they start from.
func (r *rewriter) reaches() map[start][]reach {
	if r.uses == nil {
		r.uses = map[start][]reach{}
		for _, f := range r.followed() {
			r.uses[f.start] = append(r.uses[f.start], f.reach)
		}
	}
	return r.uses
}

// follow writes out a use that starts from another name for something: after
// "u = lib.util", u.text is lib.util.text. The name must have no other meaning.
func follow(u python.Use) (start, reach) {
	at := start{u.Resolve(), u.Parts[0].Text}
	c := reach{use: u, lead: 1}
	for _, p := range u.Parts {
		c.parts = append(c.parts, p.Text)
	}
	const most = 10 // names for names
	for range most {
		value, ok := at.alias()
		if !ok {
			break
		}
		given := strings.Split(value, ".")
		scope := at.scope.Resolve(given[0])
		if scope == nil || scope == at.scope && given[0] == at.name {
			break
		}
		at = start{scope, given[0]}
		c.parts = append(given, c.parts[1:]...)
		c.lead += len(given) - 1
		c.given = true
	}
	return at, c
}

// alias returns the dotted name that the name is another one for, if it is
// given that and nothing else.
func (s start) alias() (value string, ok bool) {
	if s.scope == nil {
		return "", false
	}
	bindings := s.scope.Bindings(s.name)
	if len(bindings) != 1 {
		return "", false
	}
	return bindings[0].Value, bindings[0].Value != ""
}

// staysAt reports whether a chain of which n parts are a module starts from
// another name for a package above it, and that package stays. What moves is
// rewritten where it is given the name.
func (r *rewriter) staysAt(c reach, n int) bool {
	name, _ := r.m.canonical(strings.Join(c.parts[:c.lead], "."))
	d := r.m.fates[name]
	return n > c.lead && (d == nil || d.fate == emptied)
}

// ledOn writes out a chain that goes through modules that other modules import,
// as far as these stay: where other has "import a.b", other.a.c is a.c. It
// reports whether the chain has to go another way when the imports of those
// modules have been rewritten.
func (m *model) ledOn(c reach) (on reach, ok bool) {
	on = c
	if !m.mentions(c.parts) {
		return on, false
	}
	depth := 0
	for range len(c.parts) {
		n := m.longest(on.parts)
		if n == 0 || n == len(on.parts) || n < on.lead {
			break
		}
		mod, _ := m.canonical(strings.Join(on.parts[:n], "."))
		next := m.member(mod, on.parts[n])
		if d := m.fates[next]; next == "" || d != nil && d.fate != emptied {
			break
		}
		ok = ok || m.loses(mod, on.parts[n]) != nil
		names := strings.Split(next, ".")
		depth = len(names)
		on.parts = append(names, on.parts[n+1:]...)
		on.lead += depth - n - 1
	}
	n := m.longest(on.parts)
	return on, depth > 0 && n > depth && (ok || !m.bound(on.parts[:n], depth))
}

// importsPlain reports whether the module called mod has a name because of
// "import name" or "import name.below".
func (m *model) importsPlain(mod, name string) bool {
	pm, _ := m.index.Lookup(mod)
	t := m.table(pm)
	if t == nil {
		return false
	}
	sym, ok := t.Names[name]
	return ok && sym.Name == "" && sym.Module == name && !m.isModule(mod+"."+name)
}

// loses returns the fate of a module that makes the module called mod lose a
// name: it has the name by "import name.below", and that goes.
func (m *model) loses(mod, name string) *dest {
	if !m.firsts[name] || !m.importsPlain(mod, name) {
		return nil
	}
	pm, _ := m.index.Lookup(mod)
	for _, imp := range m.syntax(pm.Path).Imports {
		if imp.From {
			continue
		}
		for _, in := range imp.Names {
			old, _ := m.canonical(in.Name)
			if d := m.fates[old]; in.As == "" && in.Bound == name && d != nil && d.fate != emptied && d.fate != remapped {
				return d
			}
		}
	}
	return nil
}

// objects warns of packages that are passed on as objects: whoever gets one may
// reach for a module below it that is there no more. Imports that make it there
// are kept beside the new ones.
func (r *rewriter) objects() {
	if len(r.m.lost) == 0 {
		return
	}
	given := r.given()
	for _, f := range r.followed() {
		if u := f.use; !u.Store && !u.Quoted && !given[u.Parts[0].Start] {
			r.object(f.start, f.reach)
		}
	}
}

// classAttributes warns of chains that reach a module through a class or its
// object, since "import a.b" in a class makes a its attribute, and reports
// whether there are any.
func (r *rewriter) classAttributes(root string) (found bool) {
	for _, u := range r.f.Uses {
		for i := 1; i < len(u.Parts)-1; i++ {
			if u.Parts[i].Text != root {
				continue
			}
			parts := strings.Split(u.Dotted(len(u.Parts)), ".")[i:]
			dotted := strings.Join(parts[:r.m.longest(parts)], ".")
			if r.concerned(dotted) {
				r.warn(u.Parts[i].Start, "class-attribute", "this reaches "+dotted+" as an attribute of a class that imports it; the import is left alone")
				found = true
			}
		}
	}
	return found
}

// given returns the places of uses that give something another name, which
// follow understands.
func (r *rewriter) given() map[int]bool {
	places := map[int]bool{}
	for _, a := range r.f.Aliases {
		if _, ok := (start{a.Scope, a.Name}).alias(); ok && a.Scope.Kind != python.ClassScope { // a name in a class is an attribute to others
			places[a.Scope.Bindings(a.Name)[0].At] = true
		}
	}
	return places
}

// object warns of one use, if it is a package that loses a module. A call such
// as getattr(a, "b") says which one it reaches for.
func (r *rewriter) object(at start, c reach) {
	pkg := r.startsFrom(at)
	if pkg == "" {
		return
	}
	parts := append(strings.Split(pkg, "."), c.parts[1:]...)
	if n := len(parts) - 1; parts[n] == "__dict__" {
		parts = parts[:n]
	}
	mod, _ := r.m.canonical(strings.Join(parts, "."))
	names := r.m.lost[mod]
	name, one := r.reachesFor(c.use)
	switch {
	case len(names) == 0 || one && !slices.Contains(names, name):
	case one:
		r.reachesThrough(c.use.Parts[0].Start, mod, name)
	default:
		r.passesOn(c.use.Parts[0].Start, mod, names)
	}
}

// reachesFor returns the name in a call such as getattr(a, "name"), in
// vars(a)["name"] and in a.__dict__["name"], where the use is a.
func (r *rewriter) reachesFor(u python.Use) (name string, ok bool) {
	at, last := u.Parts[0].Start, u.Parts[len(u.Parts)-1]
	s, found := r.stringFrom(at)
	if !found {
		return "", false
	}
	name = s.Text(r.f.Src)
	if last.Text == "__dict__" || bytes.HasSuffix(r.f.Src[:at], []byte("vars(")) {
		return name, subscript.Match(r.f.Src[last.End:s.Start])
	}
	return name, s.First != nil && s.First.Parts[0].Start == at && s.Arg == 1 && python.IsIdentifier(name)
}

var subscript = regexp.MustCompile(`^\)?(?:\[|\.get\()\s*$`)

// stringFrom returns the first string that begins at an offset or behind it.
func (r *rewriter) stringFrom(at int) (s python.String, ok bool) {
	start := func(a, b python.String) int { return a.Start - b.Start }
	if r.ordered == nil {
		r.ordered = slices.SortedFunc(slices.Values(r.f.Strings), start)
	}
	i, _ := slices.BinarySearchFunc(r.ordered, python.String{Span: python.Span{Start: at}}, start)
	if i == len(r.ordered) {
		return s, false
	}
	return r.ordered[i], true
}

// startsFrom returns the module that a name stands for by its import, or "".
func (r *rewriter) startsFrom(at start) string {
	if at.scope == nil {
		for _, imp := range r.f.Imports {
			if !imp.Star || !r.m.loser(at.name) {
				continue
			}
			if mod := r.brought(imp, at.name); mod != "" {
				return mod
			}
		}
		return ""
	}
	bindings := at.scope.Bindings(at.name)
	for _, b := range bindings {
		if b.Kind != python.ImportBinding {
			return ""
		}
		in := b.Import.Names[b.Index]
		if b.Import.From || in.As != "" {
			if len(bindings) > 1 || b.Import.From && !r.m.loser(in.Name) {
				return ""
			}
			return r.stayingModule(b.Import, in)
		}
	}
	return at.name
}

// loser reports whether a package that loses a module is called name, in its
// parent or elsewhere.
func (m *model) loser(name string) bool {
	for pkg := range m.lost {
		if _, last := cutLast(pkg); last == name {
			return true
		}
	}
	return false
}

// losers returns the packages that stay and lose modules that they do not bind
// themselves, with the modules' names.
func (m *model) losers() map[string][]string {
	out := map[string][]string{}
	for old, d := range m.fates {
		pkg, name := cutLast(old)
		mod, _ := m.index.Lookup(pkg)
		if d.fate == emptied || d.fate == remapped || mod == nil || !mod.Package {
			continue
		}
		if up := m.fates[pkg]; up != nil && up.fate != emptied {
			continue
		}
		if t := m.table(mod); t != nil {
			if _, bound := t.Names[name]; bound {
				continue
			}
		}
		out[pkg] = append(out[pkg], name)
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}
