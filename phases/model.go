package phases

import (
	"slices"
	"strings"
	"sync"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// A fate is what the plan has in store for a module.
type fate uint8

const (
	moved    fate = iota // its code lives in another module
	merged               // a duplicate: its code lives in the original
	retired              // a wrapper: its names live in what it wraps
	deleted              // goes, with whatever it defines
	remapped             // stays, but names are to be imported from elsewhere
	emptied              // a deleted package that stays for what is kept below it
)

// A dest says where to find what was in a module that has a fate.
type dest struct {
	fate   fate
	module string // moved: the new module; merged: the original; retired, remapped: the replacement; "" if none
	tail   bool   // the replacement was written "new.*"
	below  string // for tail: what follows the package that the plan names, "" or ".sub"
	facade string // a package to import names from that it exports, or ""
	step   int
	path   string // as the plan spells it
	root   string // the source root of the old module
	shadow *dest  // the fate of a module file that this package hides
}

// A target is where a reference goes.
type target struct {
	module   string // import the name from here
	name     string // "" if the module itself is meant
	concrete string // the module that holds the name, for whoever needs exactly that
	step     int
}

// A newPath is where a file or folder is to be found after the plan.
type newPath struct {
	path string
	step int
}

// A model knows what dotted names mean in one tree, before and after the plan.
type model struct {
	tree    tree.Tree
	index   *python.Index
	fates   map[string]*dest   // by old module
	symbols map[string]target  // rows of the import map for one symbol, by "module:name"
	paths   map[string]newPath // old files and folders, by path in the tree
	movers  []string           // files that move, sorted
	gone    map[string]bool    // files and folders that go without anything taking their place

	lost   map[string][]string // see losers
	firsts map[string]bool     // first parts of the modules with a fate
	lasts  map[string]bool     // their last parts, and the names of symbols

	deepest int // parts of the longest dotted name of a module, with its source root

	names   *planNames
	parse   *parser
	patched func() map[string]bool // homes of the names that somebody replaces from outside

	mu     sync.Mutex
	files  map[string]*python.Syntax
	tables map[string]*python.Symbols
	reach  map[string]map[string]bool
	edges  map[string][]string // what imports has found
}

// syntax returns the parsed file at path; a file that cannot be read is empty.
func (m *model) syntax(path string) *python.Syntax {
	m.mu.Lock()
	f := m.files[path]
	m.mu.Unlock()
	if f != nil {
		return f
	}
	src, err := m.tree.Read(path)
	if err != nil {
		src = nil
	}
	f = m.parse.parse(src)
	m.mu.Lock()
	m.files[path] = f
	m.mu.Unlock()
	return f
}

// table returns what the module binds; nil if it has no file.
func (m *model) table(mod *python.Module) *python.Symbols {
	if mod == nil || mod.Path == "" {
		return nil
	}
	return m.tableOf(mod.Path, mod.Name, mod.Package)
}

func (m *model) tableOf(path, name string, isPackage bool) *python.Symbols {
	m.mu.Lock()
	s := m.tables[path]
	m.mu.Unlock()
	if s != nil {
		return s
	}
	s = m.syntax(path).Symbols(name, isPackage)
	m.mu.Lock()
	m.tables[path] = s
	m.mu.Unlock()
	return s
}

// canonical strips the source root that a dotted name may begin with ("src.")
// and returns it as prefix.
func (m *model) canonical(dotted string) (name, prefix string) {
	if m.fates[dotted] != nil {
		return dotted, ""
	}
	if mod, prefix := m.index.Lookup(dotted); mod != nil {
		return mod.Name, prefix
	}
	for _, r := range m.index.Roots() {
		prefix := strings.ReplaceAll(r, "/", ".") + "."
		if rest, ok := strings.CutPrefix(dotted, prefix); ok && r != "" && m.fates[rest] != nil {
			return rest, prefix
		}
	}
	return dotted, ""
}

// touches reports whether the plan has anything to say of name in the module
// called mod.
func (m *model) touches(mod, name string) bool {
	_, symbol := m.symbols[mod+":"+name]
	return symbol || m.fates[mod] != nil
}

// isModule reports whether name is a module now or was one before the plan.
func (m *model) isModule(name string) bool {
	if m.fates[name] != nil {
		return true
	}
	mod, _ := m.index.Lookup(name)
	return mod != nil
}

// exports reports whether name can be imported from the module called mod, if
// only by a type checker.
func (m *model) exports(mod, name string) bool { return m.exportsSeen(mod, name, false, nil) }

// exportsRuntime reports whether name can be imported from mod when it runs.
func (m *model) exportsRuntime(mod, name string) bool { return m.exportsSeen(mod, name, true, nil) }

func (m *model) exportsSeen(mod, name string, runtime bool, seen []string) bool {
	if slices.Contains(seen, mod) {
		return false
	}
	mod, _ = m.canonical(mod)
	if d := m.fates[mod]; d != nil && d.fate == moved {
		mod = d.module // what is left at the old path says nothing
	}
	pm, _ := m.index.Lookup(mod)
	t := m.table(pm)
	if t == nil {
		return false
	}
	if sym, ok := t.Names[name]; ok && !(runtime && sym.TypeOnly) || t.Dynamic {
		return true
	}
	return slices.ContainsFunc(t.Stars, func(star python.Star) bool {
		return m.brings(star, name) && m.exportsSeen(star.Module, name, runtime, append(seen, mod))
	})
}

// brings reports whether "import *" takes a name from its module, if it is
// there.
func (m *model) brings(star python.Star, name string) bool {
	mod, _ := m.canonical(star.Module)
	if d := m.fates[mod]; d != nil && d.fate == moved {
		mod = d.module
	}
	pm, _ := m.index.Lookup(mod)
	t := m.table(pm)
	return t != nil && t.Public(name)
}

// bringsAny reports whether a module may have a name by "import *" from a module
// outside the repository, whose names nobody knows.
func (m *model) bringsAny(mod, name string) bool {
	pm, _ := m.index.Lookup(mod)
	t := m.table(pm)
	return t != nil && !strings.HasPrefix(name, "_") && slices.ContainsFunc(t.Stars, func(star python.Star) bool {
		from, _ := m.canonical(star.Module)
		return !m.isModule(from)
	})
}

// everyModule are the names that Python gives to every module.
var everyModule = []string{"__dict__", "__doc__", "__file__", "__loader__", "__name__", "__package__", "__spec__"}

// symbol returns what a module binds to a name, be it with "import *": what
// runs last holds.
func (m *model) symbol(t *python.Symbols, name string) (python.Symbol, bool) {
	sym, ok := t.Names[name]
	for _, star := range t.Stars {
		if (!ok || star.Always && star.Start > sym.Start) && m.brings(star, name) && m.exports(star.Module, name) {
			sym, ok = python.Symbol{Module: star.Module, Name: name, Start: star.Start}, true
		}
	}
	return sym, ok
}

// find returns where references to a name of the module called mod go. It
// reports false if the name is not to be found anywhere.
func (m *model) find(mod, name string) (target, bool) { return m.findSeen(mod, name, nil) }

func (m *model) findSeen(mod, name string, seen []string) (target, bool) {
	key := mod + ":" + name
	if slices.Contains(seen, key) || len(seen) > 100 {
		return target{}, false
	}
	seen = append(seen, key)
	if t, ok := m.symbols[key]; ok {
		return t, true
	}
	d := m.fates[mod]
	if d == nil {
		return target{module: mod, name: name, concrete: mod}, m.exports(mod, name)
	}
	return m.findIn(d, mod, name, seen)
}

func (m *model) findIn(d *dest, mod, name string, seen []string) (target, bool) {
	switch d.fate {
	case moved:
		if !m.exports(d.module, name) && !m.bringsAny(d.module, name) && !contains(everyModule, name) {
			return target{}, false
		}
		return m.viaFacade(target{module: d.module, name: name, concrete: d.module, step: d.step}, d.facade), true
	case merged:
		t, ok := m.findSeen(d.module, name, seen)
		t.step = d.step
		return t, ok
	case retired:
		return m.findRetired(d, mod, name, seen)
	case remapped:
		if d.module != "" && m.exports(d.module, name) {
			return target{module: d.module, name: name, concrete: d.module, step: d.step}, true
		}
		return target{module: mod, name: name, concrete: mod}, m.exports(mod, name)
	default:
		t, ok := m.through(mod, name, seen)
		if ok && t.module == mod {
			return t, d.fate == emptied // defined in what goes: nowhere to be found later
		}
		if ok && d.fate == emptied && m.fates[t.concrete] == nil && strings.HasPrefix(t.concrete, mod+".") {
			return target{module: mod, name: name, concrete: mod}, true // the package stays for this
		}
		if t.step == 0 {
			t.step = d.step
		}
		return t, ok
	}
}

// findRetired looks for a name of a wrapper: in what replaces it, else where
// the wrapper itself has it from.
func (m *model) findRetired(d *dest, mod, name string, seen []string) (target, bool) {
	at := func(module string) (target, bool) {
		return target{module: module, name: name, concrete: module, step: d.step}, true
	}
	if d.tail {
		if m.exports(d.module+d.below, name) && d.below != "" {
			return at(d.module + d.below)
		}
	} else if d.module != "" && m.exports(d.module, name) {
		return at(d.module)
	}
	if t, ok := m.through(mod, name, seen); ok && t.module != mod {
		t.step = d.step
		return t, true
	}
	if d.tail && m.exports(d.module, name) {
		return at(d.module)
	}
	if d.tail {
		if only := m.onlyBelow(d.module, name); only != "" {
			return at(only)
		}
	}
	if d.shadow != nil {
		return m.findIn(d.shadow, mod, name, seen)
	}
	return target{}, false
}

// through follows one import binding of the module's own file.
func (m *model) through(mod, name string, seen []string) (target, bool) {
	pm, _ := m.index.Lookup(mod)
	t := m.table(pm)
	if t == nil {
		return target{}, false
	}
	sym, ok := m.symbol(t, name)
	switch {
	case ok && sym.Defined():
		return target{module: mod, name: name, concrete: mod}, true
	case ok && sym.Name == "":
		if whole, ok := m.whole(sym.Module); ok {
			return whole, true
		}
		return target{module: sym.Module, concrete: sym.Module}, true
	case ok:
		from, _ := m.canonical(sym.Module)
		if sub := from + "." + sym.Name; m.fates[sub] != nil && !m.bindsOther(from, sym.Name) {
			if whole, ok := m.whole(sub); ok {
				return whole, true
			}
		}
		if t, ok := m.findSeen(from, sym.Name, seen); ok {
			return t, true
		}
		if sub := from + "." + sym.Name; m.isModule(sub) {
			if whole, ok := m.whole(sub); ok {
				return whole, true
			}
			return target{module: sub, concrete: sub}, m.fates[sub] == nil
		}
		if m.isModule(from) {
			return target{}, false
		}
		return target{module: from, name: sym.Name, concrete: from}, true // not of this repository
	}
	return target{}, false
}

// bindsOther reports whether the package base gives name a meaning of its own,
// other than its submodule of that name.
func (m *model) bindsOther(base, name string) bool {
	mod, _ := m.index.Lookup(base)
	t := m.table(mod)
	if t == nil {
		return false
	}
	sym, ok := t.Names[name]
	if !ok {
		return false
	}
	if sym.Defined() {
		return true
	}
	from, _ := m.canonical(sym.Module)
	if sym.Name == "" {
		return from != base+"."+name
	}
	full := from + "." + sym.Name
	if d := m.fates[base+"."+name]; d != nil && d.fate == moved && full == d.module {
		return false
	}
	return full != base+"."+name
}

// onlyBelow returns the one module below a package that defines name, or "".
func (m *model) onlyBelow(pkg, name string) string {
	found := ""
	for mod := range m.index.Names {
		if !strings.HasPrefix(mod.Name, pkg+".") || m.fates[mod.Name] != nil {
			continue
		}
		if t := m.table(mod); t != nil {
			if sym, ok := t.Names[name]; ok && sym.Defined() {
				if found != "" {
					return ""
				}
				found = mod.Name
			}
		}
	}
	return found
}

// viaFacade lets t be imported from the facade, if that exports the same name.
func (m *model) viaFacade(t target, facade string) target {
	if facade != "" && facade != t.module && m.fates[facade] == nil && m.exportsRuntime(facade, t.name) && m.home(facade, t.name) == m.home(t.concrete, t.name) {
		t.module = facade
	}
	return t
}

// home returns "module:name" of the definition that a name leads to.
func (m *model) home(mod, name string) string {
	for range 50 {
		if d := m.fates[mod]; d != nil && (d.fate == moved || d.fate == merged) {
			mod = d.module
		}
		pm, _ := m.index.Lookup(mod)
		t := m.table(pm)
		if t == nil {
			break
		}
		sym, ok := m.symbol(t, name)
		if !ok || sym.Defined() || sym.Name == "" {
			break
		}
		mod, _ = m.canonical(sym.Module)
		name = sym.Name
	}
	return mod + ":" + name
}

// whole returns where the module called mod is to be found as an object. It
// reports false if it has no fate, or none that leaves an object.
func (m *model) whole(mod string) (target, bool) {
	at := func(module string, step int) (target, bool) {
		return target{module: module, concrete: module, step: step}, module != ""
	}
	d := m.fates[mod]
	for range 20 {
		if d == nil {
			return target{}, false
		}
		switch d.fate {
		case moved:
			return at(d.module, d.step)
		case merged:
			if next := m.fates[d.module]; next != nil {
				step := d.step
				d = &dest{fate: next.fate, module: next.module, tail: next.tail, below: next.below, step: step}
				continue
			}
			return at(d.module, d.step)
		case retired:
			return m.wholeRetired(d)
		default:
			return target{}, false
		}
	}
	return target{}, false
}

func (m *model) wholeRetired(d *dest) (target, bool) {
	name := d.module
	if d.tail {
		name += d.below
	}
	if mod, _ := m.index.Lookup(name); mod == nil || name == "" || d.tail && d.below == "" {
		if d.shadow != nil && d.shadow.fate == moved {
			return target{module: d.shadow.module, concrete: d.shadow.module, step: d.shadow.step}, true
		}
		if mod == nil || name == "" {
			return target{}, false
		}
	}
	return target{module: name, concrete: name, step: d.step}, true
}

// longest returns how many leading parts of a dotted name are a module that is
// or was, 0 if none.
func (m *model) longest(parts []string) int {
	for n := min(len(parts), m.deepest); n > 0; n-- {
		name, _ := m.canonical(strings.Join(parts[:n], "."))
		if m.isModule(name) {
			return n
		}
	}
	return 0
}

// imports returns the first-party modules that a module imports when it is
// imported itself, as they are called after the plan.
func (m *model) imports(mod string) []string {
	m.mu.Lock()
	out, known := m.edges[mod]
	m.mu.Unlock()
	if !known {
		out = m.readImports(mod)
		m.mu.Lock()
		m.edges[mod] = out
		m.mu.Unlock()
	}
	return out
}

func (m *model) readImports(mod string) []string {
	pm, _ := m.index.Lookup(mod)
	if pm == nil || pm.Path == "" {
		return nil
	}
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) && name != mod {
			out = append(out, name)
		}
	}
	for _, imp := range m.syntax(pm.Path).Imports {
		if !imp.ModuleLevel {
			continue
		}
		if !imp.From {
			for _, in := range imp.Names {
				name, _ := m.canonical(in.Name)
				if t, ok := m.whole(name); ok {
					name = t.concrete
				}
				add(name)
			}
			continue
		}
		base, _ := m.canonical(python.Absolute(mod, pm.Package, imp.Level, imp.Name))
		if imp.Star {
			if t, ok := m.whole(base); ok {
				add(t.concrete)
			} else {
				add(base)
			}
		}
		for _, in := range imp.Names {
			sub := base + "." + in.Name
			if t, ok := m.whole(sub); ok {
				add(t.concrete)
			} else if m.isModule(sub) && !m.bindsOther(base, in.Name) {
				add(sub)
			} else if m.fates[base] == nil {
				add(base)
			} else if t, ok := m.find(base, in.Name); ok {
				add(t.concrete)
			}
		}
	}
	return out
}

// reaches reports whether importing from leads to an import of to, by imports
// at module level and without the edges to parent packages.
func (m *model) reaches(from, to string) bool { return m.reached(from)[to] }

// reachesInto reports whether importing from leads to an import of a package
// or of anything in it.
func (m *model) reachesInto(from, pkg string) bool {
	for name := range m.reached(from) {
		if name == pkg || strings.HasPrefix(name, pkg+".") {
			return true
		}
	}
	return false
}

// reached returns what importing a module leads to imports of.
func (m *model) reached(from string) map[string]bool {
	m.mu.Lock()
	set := m.reach[from]
	m.mu.Unlock()
	if set == nil {
		set = map[string]bool{from: true}
		for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
			for _, next := range m.imports(queue[0]) {
				if !set[next] {
					set[next] = true
					queue = append(queue, next)
				}
			}
		}
		m.mu.Lock()
		m.reach[from] = set
		m.mu.Unlock()
	}
	return set
}
