package check

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// maxSize is the size in bytes above which a file is not looked into.
const maxSize = 16 << 20

// A world is what one tree means to Python. Files are parsed when they are
// asked for first.
type world struct {
	paths   []string          // all entries, sorted
	exists  map[string]bool   // the same
	files   []string          // the files that are looked into, sorted
	sources map[string][]byte // their content
	index   *python.Index
	modules map[string]*module // by canonical name
	parse   func(src []byte) *python.Syntax
	parsed  map[string]*python.Syntax
}

// A module is a module or package of a world.
type module struct {
	*python.Module
	world *world
	alias string // the module it puts in its own place in sys.modules, or ""
}

// syntax returns the parsed file of m: nil for a namespace package, and for a
// file that is no text.
func (m *module) syntax() *python.Syntax {
	if m.world.sources[m.Path] == nil {
		return nil
	}
	return m.world.syntax(m.Path)
}

// open reports whether names that no parser sees may exist in m.
func (m *module) open() bool {
	f := m.syntax()
	if f == nil {
		return m.Path != ""
	}
	return f.ErrorLine != 0 || dynamic.Match(f.Src) || len(f.Module.Bindings("__getattr__")) > 0
}

// newWorld reads all files of a tree, several at once, and holds those that
// are Python or contain one of words.
func newWorld(ctx context.Context, t tree.Tree, roots []string, words [][]byte, parse func([]byte) *python.Syntax) (*world, error) {
	w := &world{parse: parse, sources: map[string][]byte{}, exists: map[string]bool{}, modules: map[string]*module{}, parsed: map[string]*python.Syntax{}}
	var all []string
	for _, e := range t.Entries() {
		w.paths = append(w.paths, e.Path)
		w.exists[e.Path] = true
		if e.Mode != tree.Symlink {
			all = append(all, e.Path)
		}
	}
	var mu sync.Mutex
	err := tree.Scan(ctx, t, all, func(i int, src []byte) {
		if f := all[i]; isText(src) && (isPython(f) || isNotebook(f) || containsAny(src, words)) {
			src = append([]byte{}, src...) // nil means that there is none
			mu.Lock()
			w.sources[f] = src
			mu.Unlock()
		}
	})
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if w.sources[f] != nil {
			w.files = append(w.files, f)
		}
	}
	w.index = python.NewIndex(all, roots)
	return w, nil
}

func isPython(f string) bool { return strings.HasSuffix(f, ".py") }

// isText reports whether a file can be looked into.
func isText(src []byte) bool {
	return len(src) <= maxSize && bytes.IndexByte(src[:min(len(src), 8000)], 0) < 0
}

func containsAny(src []byte, words [][]byte) bool {
	return slices.ContainsFunc(words, func(word []byte) bool { return bytes.Contains(src, word) })
}

// has reports whether there is a file at p or anything below it.
func (w *world) has(p string) bool {
	if w.exists[p] {
		return true
	}
	return len(w.under(p)) > 0
}

// under returns the paths below the folder dir.
func (w *world) under(dir string) []string {
	i, _ := slices.BinarySearch(w.paths, dir+"/")
	j := i
	for j < len(w.paths) && strings.HasPrefix(w.paths[j], dir+"/") {
		j++
	}
	return w.paths[i:j]
}

// syntax returns a parsed file.
func (w *world) syntax(f string) *python.Syntax {
	if w.parsed[f] == nil {
		w.parsed[f] = w.parse(w.sources[f])
	}
	return w.parsed[f]
}

// swap matches a module that puts another one in its own place.
var swap = regexp.MustCompile(`(?m)^[ \t]*sys\.modules\[__name__\][ \t]*=[ \t]*(?:sys\.modules\[["']([\w.]+)["']\]|([A-Za-z_][\w.]*))`)

// dynamic matches code that may bind names that no parser sees.
var dynamic = regexp.MustCompile(`globals\(\)|sys\.modules\[__name__\]|\bexec\(|\bvars\(\)`)

// module returns the module of a dotted name, or nil if there is none.
func (w *world) module(name string) *module {
	mod, _ := w.index.Lookup(name)
	if mod == nil {
		return nil
	}
	if m := w.modules[mod.Name]; m != nil {
		return m
	}
	m := &module{Module: mod, world: w}
	w.modules[mod.Name] = m
	if put := swap.FindSubmatch(w.sources[mod.Path]); put != nil {
		if m.alias = string(put[1]); m.alias == "" {
			m.alias = w.bound(m, string(put[2]))
		}
	}
	return m
}

// bound returns the dotted name of the module that a name or attribute chain
// in m stands for, by m's imports alone; "" if none.
func (w *world) bound(m *module, chain string) string {
	head, rest, _ := strings.Cut(chain, ".")
	for _, b := range m.syntax().Module.Bindings(head) {
		if b.Kind != python.ImportBinding {
			continue
		}
		in := b.Import.Names[b.Index]
		name := in.Name
		switch {
		case b.Import.From:
			base := python.Absolute(m.Name, m.Package, b.Import.Level, b.Import.Name)
			name = strings.Trim(base+"."+in.Name, ".")
		case in.As == "":
			name = in.Bound
		}
		return strings.Trim(name+"."+rest, ".")
	}
	return ""
}

// follow returns the module that name stands for in the end: a module that
// puts another one in its place is that one. It is nil if there is none in
// this tree.
func (w *world) follow(name string) *module {
	for range 20 {
		m := w.module(name)
		if m == nil {
			parent, last, ok := cutLast(name)
			if !ok {
				return nil
			}
			up := w.module(parent)
			if up == nil || up.alias == "" {
				return nil
			}
			name = up.alias + "." + last
			continue
		}
		if m.alias == "" {
			return m
		}
		name = m.alias
	}
	return nil
}

func cutLast(name string) (parent, last string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

// bare returns a dotted name without the source root that it may be written
// with.
func (w *world) bare(dotted string) string {
	for _, r := range w.index.Roots() {
		if rest, ok := strings.CutPrefix(dotted, strings.ReplaceAll(r, "/", ".")+"."); ok && r != "" {
			return rest
		}
	}
	return dotted
}

// top returns the first part of a dotted name.
func (w *world) top(name string) string {
	first, _, _ := strings.Cut(w.bare(name), ".")
	return first
}

// owns reports whether a dotted name begins with a package or module of the
// tree.
func (w *world) owns(name string) bool {
	if name == "" {
		return false
	}
	m, _ := w.index.Lookup(w.top(name))
	return m != nil
}

// self returns what a file is called when it imports: its module, and whether
// it is a package.
func (w *world) self(f string) (name string, pkg bool) {
	return w.index.NameOf(f), strings.HasPrefix(path.Base(f), "__init__.")
}

// moduleAttributes are the names that the import system itself gives to every
// module ("Import-related attributes on module objects"); every object has an
// __init__, and "pkg.__init__" is a package's file as a module.
var moduleAttributes = map[string]bool{
	"__name__": true, "__file__": true, "__doc__": true, "__path__": true, "__package__": true, "__spec__": true,
	"__loader__": true, "__init__": true, "__dict__": true, "__builtins__": true, "__class__": true, "__cached__": true, "__annotations__": true,
}

// attr finds the attribute name of the module called mod. It reports whether
// there is one, and which module it is, if it is one of this tree. Types says
// that names bound for type checkers count too. Of a module that is not in
// the tree nothing is known, so everything exists.
func (w *world) attr(mod, name string, types bool) (next string, ok bool) {
	return w.attrSeen(mod, name, types, map[string]bool{})
}

func (w *world) attrSeen(mod, name string, types bool, seen map[string]bool) (next string, ok bool) {
	if key := mod + ":" + name; seen[key] {
		return "", false
	} else {
		seen[key] = true
	}
	m := w.module(mod)
	if m == nil {
		return "", !w.owns(mod)
	}
	if m.alias != "" {
		if target := w.follow(mod); target != nil {
			if next, ok = w.attrSeen(target.Name, name, types, seen); ok {
				return next, ok
			}
		} else if !w.owns(m.alias) {
			return "", true
		}
	} else if next, ok := w.own(m, name, types, seen); ok {
		return next, true
	}
	if sub := w.module(m.Name + "." + name); sub != nil {
		return sub.Name, true
	}
	return "", moduleAttributes[name]
}

// own finds a name among what the file of m binds.
func (w *world) own(m *module, name string, types bool, seen map[string]bool) (next string, ok bool) {
	if m.syntax() == nil {
		return "", m.open()
	}
	for _, b := range m.syntax().Module.Bindings(name) {
		if b.Kind == python.DeleteBinding || b.Kind == python.ImportBinding && b.Import.TypeOnly && !types {
			continue
		}
		if b.Kind != python.ImportBinding {
			return "", true
		}
		return w.imported(m, b, types, seen), true
	}
	for _, imp := range m.syntax().Imports {
		if !imp.Star || imp.Scope.Kind != python.ModuleScope || imp.TypeOnly && !types {
			continue
		}
		from := w.follow(python.Absolute(m.Name, m.Package, imp.Level, imp.Name))
		if from == nil {
			return "", true // anything may come from there
		}
		if !from.public(name) {
			continue
		}
		if next, ok := w.attrSeen(from.Name, name, types, seen); ok {
			return next, true
		}
	}
	return "", m.open()
}

// public reports whether "from m import *" imports name if m has it.
func (m *module) public(name string) bool {
	if f := m.syntax(); f != nil && f.All != nil && !f.All.Open {
		return slices.Contains(f.All.Names, name)
	}
	return !strings.HasPrefix(name, "_")
}

// imported returns the module of this tree that an import binds, or "".
func (w *world) imported(m *module, b python.Binding, types bool, seen map[string]bool) string {
	in := b.Import.Names[b.Index]
	name := in.Name
	switch {
	case b.Import.From:
		base := python.Absolute(m.Name, m.Package, b.Import.Level, b.Import.Name)
		if base == m.Name {
			name = base + "." + in.Name
			break
		}
		next, _ := w.attrSeen(base, in.Name, types, seen)
		return next
	case in.As == "":
		name = in.Bound
	case strings.Contains(name, "."): // the module as its packages have it
		pkg, last, _ := cutLast(name)
		next, _ := w.attrSeen(pkg, last, types, seen)
		return next
	}
	if target := w.module(name); target != nil {
		return target.Name
	}
	return ""
}
