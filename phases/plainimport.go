package phases

import (
	"bytes"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// plainImports rewrites "import a.b.c", with "as" and without. Without it, the
// statement binds the first part alone, and every chain that starts there is a
// reference of its own: all imports and chains of one name in one scope are
// therefore rewritten together.
func (r *rewriter) plainImports() {
	type root struct {
		scope *python.Scope
		name  string
	}
	var order []root
	groups := map[root][]plainName{}
	for _, imp := range r.f.Imports {
		if imp.From {
			continue
		}
		for _, in := range imp.Names {
			if in.As != "" {
				r.aliasedImport(imp, in)
				continue
			}
			if r.topLevel(imp, in) {
				continue
			}
			key := root{imp.Scope, in.Bound}
			if groups[key] == nil {
				order = append(order, key)
			}
			groups[key] = append(groups[key], plainName{imp, in})
		}
	}
	unused := map[*python.Import][]int{}
	for _, key := range order {
		for _, n := range r.rootImports(key.scope, key.name, groups[key]) {
			unused[n.imp] = append(unused[n.imp], slices.Index(n.imp.Names, n.in))
		}
	}
	for _, imp := range r.f.Imports {
		if list := unused[imp]; list != nil {
			r.removeNames(imp, list)
		}
	}
}

// removeNames takes names out of an import statement, given by their places in
// it, and the statement itself if none is left.
func (r *rewriter) removeNames(imp *python.Import, unused []int) {
	step := 0
	for _, i := range unused {
		if d := r.fateOf(imp.Names[i].Name); d != nil {
			step = max(step, d.step)
		}
	}
	kept := slices.IndexFunc(imp.Names, func(in python.ImportName) bool {
		return !slices.Contains(unused, slices.Index(imp.Names, in))
	})
	if kept < 0 {
		indent, alone := r.alone(imp)
		if imp.Sole || !alone {
			r.edit(imp.Span, "pass", step, 1)
			return
		}
		line := python.Span{Start: imp.Start - len(indent), End: imp.End}
		if i := bytes.IndexByte(r.f.Src[imp.End:], '\n'); i >= 0 {
			line.End += i + 1
		}
		r.edit(line, "", step, 1)
		return
	}
	if kept > 0 {
		r.edit(python.Span{Start: imp.Names[0].Start, End: imp.Names[kept].Start}, "", step, kept)
	}
	for _, i := range unused {
		if i > kept {
			r.edit(python.Span{Start: imp.Names[i-1].End, End: imp.Names[i].End}, "", step, 1)
		}
	}
}

// A plainName is one name of an import statement without "as".
type plainName struct {
	imp *python.Import
	in  python.ImportName
}

func (r *rewriter) aliasedImport(imp *python.Import, in python.ImportName) {
	name, prefix := r.m.canonical(in.Name)
	d := r.m.fates[name]
	if d == nil || d.fate == emptied || d.fate == remapped {
		return
	}
	t, ok := r.wholeFor(imp.Scope, in.As, name)
	if !ok {
		r.leave(in.Start, name, "")
		return
	}
	if r.hidden(in.Start, name, t.concrete, true) {
		return
	}
	r.edit(in.Path, prefix+t.concrete, t.step, 1)
}

// topLevel rewrites "import name" of a module at the top, whose name keeps what
// it stands for: chains go on, and so does who reaches for the name from
// outside. It reports false if other imports bind the same name too, or the
// module stays at the top.
func (r *rewriter) topLevel(imp *python.Import, in python.ImportName) bool {
	t, ok := r.m.whole(in.Name)
	if !ok || strings.Contains(in.Name, ".") || t.concrete == in.Name || len(imp.Scope.Bindings(in.Name)) > 1 {
		return false
	}
	if d := r.m.fates[in.Name]; d.fate != moved && d.fate != merged {
		return false
	}
	from, last := cutLast(t.concrete)
	switch {
	case from == "":
		return false // another name at the top: the chains follow it
	case len(imp.Names) == 1:
		r.edit(imp.Span, "from "+from+" import "+placed{in: in, name: last}.clause(), t.step, 1)
	default:
		r.edit(in.Span, t.concrete+" as "+in.Name, t.step, 1)
	}
	return true
}

// A chainEdit is one chain with its new text, relative to the module that has
// to be imported for it.
type chainEdit struct {
	span   python.Span
	module string // to import
	rest   string // ".name" behind the module, or ""
	old    string // what it was
	use    python.Use
	step   int
}

// rootImports rewrites the imports of one name in one scope and the chains that
// start there. It returns the imports that nothing needs any more.
func (r *rewriter) rootImports(scope *python.Scope, root string, names []plainName) (unused []plainName) {
	if !slices.ContainsFunc(names, func(n plainName) bool { return r.concerned(n.in.Name) }) && !r.chainConcerned(scope, root) {
		return nil
	}
	if len(scope.Bindings(root)) == 0 || r.starRebinds(scope, root, names[0].imp.End) { // "global root" or a star takes it elsewhere
		for _, n := range names {
			r.rebound(n)
		}
		return nil
	}
	for _, b := range scope.Bindings(root) {
		if b.Kind != python.ImportBinding || b.Import.From || b.Import.Names[b.Index].As != "" {
			for _, n := range names {
				r.rebound(n)
			}
			return nil
		}
	}
	if scope.Kind == python.ClassScope && r.classAttributes(root) {
		for _, n := range names {
			r.keep(n)
		}
		return nil
	}
	chains, stay := r.chains(scope, root)
	for _, c := range chains {
		if r.hidden(c.span.Start, c.old, c.module, true) {
			return nil
		}
	}
	chains = r.importLate(names[0].imp, chains, func(c chainEdit) bool {
		return slices.ContainsFunc(names, func(n plainName) bool {
			name, prefix := r.m.canonical(n.in.Name)
			t, ok := r.m.whole(name)
			return ok && prefix+t.concrete == c.module
		})
	})
	return r.writePlain(scope, root, names, chains, stay)
}

// starRebinds reports whether "import *" behind an offset gives a name in scope
// another meaning than that of the module at the top.
func (r *rewriter) starRebinds(scope *python.Scope, name string, behind int) bool {
	return slices.ContainsFunc(r.f.Imports, func(imp *python.Import) bool {
		if !imp.Star || imp.Scope != scope || imp.Start < behind {
			return false
		}
		base, _ := r.m.canonical(python.Absolute(r.origin, r.wasPkg, imp.Level, imp.Name))
		return r.m.brings(python.Star{Module: base}, name) && r.m.exports(base, name) && r.m.member(base, name) != name
	})
}

// rebound leaves an import alone whose name is bound in another way too.
func (r *rewriter) rebound(n plainName) {
	if r.concerned(n.in.Name) {
		r.warn(n.in.Start, "rebound-name", n.in.Bound+" is bound in more than one way here; the import and its uses are left alone")
		r.keep(n)
	}
}

// keep notes that an import stays for a reason that a warning tells.
func (r *rewriter) keep(n plainName) {
	if r.concerned(n.in.Name) {
		r.left = append(r.left, leftover{path: r.path, line: r.f.Line(n.in.Start), module: n.in.Name, told: true})
	}
}

// concerned reports whether a dotted name leads into something with a fate.
func (r *rewriter) concerned(dotted string) bool {
	name, _ := r.m.canonical(dotted)
	d := r.m.fates[name]
	return d != nil && d.fate != emptied && d.fate != remapped
}

func (r *rewriter) chainConcerned(scope *python.Scope, root string) bool {
	chains, _ := r.chains(scope, root)
	return len(chains) > 0
}

// chains returns the edits for the chains that start at root in scope, and the
// modules that the other chains need as they are.
func (r *rewriter) chains(scope *python.Scope, root string) (edits []chainEdit, stay []string) {
	stay = slices.Clone(r.looked[root])
	for _, c := range r.reaches()[start{scope, root}] {
		n := r.m.longest(c.parts)
		if n == 0 || c.given && !r.staysAt(c, n) {
			continue
		}
		dotted := strings.Join(c.parts[:n], ".")
		e, ok := r.chain(c, dotted, n)
		if on, led := r.m.ledOn(c); !ok && led {
			n = r.m.longest(on.parts)
			e, ok = r.chain(on, strings.Join(on.parts[:n], "."), n)
		}
		if c.use.Quoted && !ok {
			dotted = root // an annotation needs the name, and runs nothing
		}
		if ok {
			edits = append(edits, e)
		} else if !c.given && !slices.Contains(stay, dotted) {
			stay = append(stay, dotted)
		}
	}
	return edits, stay
}

// chain finds the new text of one chain whose first n parts are a module.
func (r *rewriter) chain(c reach, dotted string, n int) (chainEdit, bool) {
	name, prefix := r.m.canonical(dotted)
	if t, ok := r.symbolOf(name, c.parts[n:]); ok {
		return chainEdit{span: c.span(n + 1), module: prefix + t.concrete, rest: "." + t.name, old: dotted, use: c.use, step: t.step}, true
	}
	if t, ok := r.m.whole(name); ok {
		if d := r.m.fates[name]; d.fate == moved || d.fate == merged || n == len(c.parts) {
			return chainEdit{span: c.span(n), module: prefix + t.concrete, old: dotted, use: c.use, step: t.step}, true
		}
	}
	if n == len(c.parts) || !r.m.touches(name, c.parts[n]) {
		return chainEdit{}, false
	}
	t, ok := r.m.find(name, c.parts[n])
	if !ok || t.concrete == name && t.name == c.parts[n] {
		return chainEdit{}, false
	}
	rest := ""
	if t.name != "" {
		rest = "." + t.name
	}
	return chainEdit{span: c.span(n + 1), module: prefix + t.concrete, rest: rest, old: dotted, use: c.use, step: t.step}, true
}

func (r *rewriter) writePlain(scope *python.Scope, root string, names []plainName, chains []chainEdit, stay []string) (unused []plainName) {
	alias := map[string]string{} // module → the name that the chains use instead
	var needed []string
	for _, c := range chains {
		if c.use.Quoted && names[0].imp.Guarded {
			continue // an annotation runs nothing, and what is tried is to fail as it did
		}
		if !slices.Contains(needed, c.module) {
			needed = append(needed, c.module)
		}
	}
	replacement := make([][]string, len(names)) // nil: stays
	rootStays := false
	for i, n := range names {
		name, prefix := r.m.canonical(n.in.Name)
		t, ok := r.m.whole(name)
		pkg, _ := cutLast(name)
		switch {
		case !r.concerned(n.in.Name):
			rootStays = true
		case r.passed[pkg]:
			r.keep(n)
			rootStays = true
		case r.m.fates[name].fate == retired && slices.ContainsFunc(chains, func(c chainEdit) bool { return c.old == n.in.Name }):
			replacement[i] = []string{} // the chains say which modules
		case ok:
			replacement[i] = []string{prefix + t.concrete}
			needed = slices.DeleteFunc(needed, func(module string) bool {
				return module == prefix+t.concrete || bySubmodule(chains, module, n.in.Name, prefix+t.concrete) ||
					strings.HasPrefix(prefix+t.concrete, module+".") && !r.conflicts(scope, root, module, chains)
			})
		case len(chains) > 0:
			replacement[i] = []string{}
		default:
			r.leave(n.in.Start, name, "")
			rootStays = true
		}
	}
	at := slices.IndexFunc(replacement, func(list []string) bool { return list != nil })
	if at < 0 { // the import stays, the chains need more beside it
		at = 0
		replacement[0] = []string{names[0].in.Name}
	}
	replacement[at] = append(replacement[at], needed...)
	if !rootStays {
		for _, s := range stay {
			replacement[at] = append(replacement[at], s)
		}
	}
	for _, list := range replacement {
		for _, module := range list {
			if r.conflicts(scope, root, module, chains) {
				alias[module] = r.aliasOf(module)
			}
		}
	}
	for i, list := range replacement {
		switch {
		case list == nil:
		case len(list) == 0 && names[i].imp.Block == names[at].imp.Block:
			unused = append(unused, names[i])
		case len(list) == 0: // it may run where the first one does not
			r.writePlainName(names[i], replacement[at], alias, chains)
		default:
			r.writePlainName(names[i], list, alias, chains)
		}
	}
	for _, c := range chains {
		text := c.module
		if a := alias[c.module]; a != "" {
			text = a
		}
		r.editUse(c.span, text+c.rest, c.step)
	}
	return unused
}

func (r *rewriter) writePlainName(n plainName, modules []string, alias map[string]string, chains []chainEdit) {
	var texts []string
	for _, module := range modules {
		text := module
		if a := alias[module]; a != "" {
			text += " as " + a
		}
		if !slices.Contains(texts, text) && (texts == nil || !r.imports(n.imp, text)) {
			texts = append(texts, text)
		}
	}
	for _, text := range texts {
		r.note(n.imp, text)
	}
	step := 0
	for _, c := range chains {
		step = max(step, c.step)
	}
	if d := r.fateOf(n.in.Name); d != nil {
		step = d.step
	}
	separator := ", "
	if indent, ok := r.alone(n.imp); ok && len(n.imp.Names) == 1 {
		separator = r.newline() + indent + "import "
	}
	r.edit(n.in.Span, strings.Join(texts, separator), step, 1)
}

// aliasOf returns a name for a module that means nothing else in the file.
func (r *rewriter) aliasOf(module string) string {
	if name := r.aliases[module]; name != "" {
		return name
	}
	name := strings.ReplaceAll(module, ".", "_")
	for bytes.Contains(r.f.Src, []byte(name)) {
		name += "_"
	}
	if r.aliases == nil {
		r.aliases = map[string]string{}
	}
	r.aliases[module] = name
	return name
}

func (r *rewriter) fateOf(dotted string) *dest {
	name, _ := r.m.canonical(dotted)
	return r.m.fates[name]
}

// conflicts reports whether binding the first part of module in scope would
// take the name away from something else, or not be seen by a chain.
func (r *rewriter) conflicts(scope *python.Scope, root, module string, chains []chainEdit) bool {
	first, _, _ := strings.Cut(module, ".")
	if first == root {
		return false
	}
	plain := func(s *python.Scope) bool {
		return !slices.ContainsFunc(s.Bindings(first), func(b python.Binding) bool {
			return b.Kind != python.ImportBinding || b.Import.From || b.Import.Names[b.Index].As != ""
		})
	}
	if !plain(scope) {
		return true
	}
	for _, c := range chains {
		if c.module != module {
			continue
		}
		if s := c.use.Scope.Resolve(first); s != nil && s != scope && !plain(s) {
			return true
		}
	}
	for _, u := range r.f.Uses {
		if u.Parts[0].Text != first || len(scope.Bindings(first)) > 0 {
			continue
		}
		if s := u.Scope.Resolve(first); s != nil && s != scope && scope.Within(s) && !plain(s) && u.Scope.Within(scope) {
			return true
		}
	}
	return false
}

// bySubmodule reports whether all chains that need module reached it as a
// submodule of what was imported as old, and now reach it below its new name
// in the same way.
func bySubmodule(chains []chainEdit, module, old, now string) bool {
	for _, c := range chains {
		if c.module != module {
			continue
		}
		if below, ok := strings.CutPrefix(c.old, old+"."); !ok || module != now+"."+below {
			return false
		}
	}
	return true
}
