package phases

import (
	"bytes"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// throughPackages rewrites chains that reach a submodule through a package
// that stays: "from lib import util" and then util.text.shout, where lib.util
// stays and lib.util.text moves. Nothing but the import of the submodule,
// wherever that was, made it an attribute of its package.
func (r *rewriter) throughPackages() {
	for _, imp := range r.f.Imports {
		if imp.Star && imp.Scope.Kind == python.ModuleScope {
			r.throughStar(imp)
		}
		for _, in := range imp.Names {
			if !imp.From && in.As == "" || len(imp.Scope.Bindings(in.Bound)) != 1 {
				continue
			}
			at := start{imp.Scope, in.Bound}
			if !r.mentions(at) {
				continue
			}
			if mod := r.stayingModule(imp, in); mod != "" {
				r.packageChains(imp, at, mod)
			}
		}
	}
}

// throughStar does the same for packages that "import *" brings along, which
// are names that the file does not bind.
func (r *rewriter) throughStar(imp *python.Import) {
	seen := map[string]bool{}
	for _, u := range r.f.Uses {
		at := start{nil, u.Parts[0].Text}
		if seen[at.name] || u.Resolve() != nil {
			continue
		}
		seen[at.name] = true
		if !r.mentions(at) {
			continue
		}
		if mod := r.brought(imp, at.name); mod != "" {
			r.packageChains(imp, at, mod)
		}
	}
}

// mentions reports whether a chain from at has a part that is called like
// something that moves or goes: others need no second look.
func (r *rewriter) mentions(at start) bool {
	return slices.ContainsFunc(r.reaches()[at], func(c reach) bool { return r.m.mentions(c.parts) })
}

// mentions reports whether one of parts but the first is called like something
// that moves or goes.
func (m *model) mentions(parts []string) bool {
	return slices.ContainsFunc(parts[1:], func(p string) bool { return m.lasts[p] })
}

// brought returns the module that "import *" binds to a name, if both stay;
// else "".
func (r *rewriter) brought(imp *python.Import, name string) string {
	base, _ := r.m.canonical(python.Absolute(r.origin, r.pkg, imp.Level, imp.Name))
	pm, _ := r.m.index.Lookup(base)
	if t := r.m.table(pm); t == nil || !t.Public(name) || r.m.fates[base] != nil {
		return ""
	}
	if mod := r.m.member(base, name); r.m.stays(mod) {
		return mod
	}
	return ""
}

// stayingModule returns the module that an import binds as an object, if that
// stays; else "".
func (r *rewriter) stayingModule(imp *python.Import, in python.ImportName) string {
	name := in.Name
	if imp.From {
		base := python.Absolute(r.origin, r.pkg, imp.Level, imp.Name)
		if base == "" {
			return ""
		}
		base, _ = r.m.canonical(base)
		name = r.m.member(base, in.Name)
	}
	if name, _ = r.m.canonical(name); !r.m.stays(name) {
		return ""
	}
	return name
}

// stays reports whether a module is there and nothing takes its place.
func (m *model) stays(name string) bool {
	mod, _ := m.index.Lookup(name)
	d := m.fates[name]
	return mod != nil && (d == nil || d.fate == emptied || d.fate == deleted)
}

func (r *rewriter) packageChains(imp *python.Import, at start, mod string) {
	depth := strings.Count(mod, ".") + 1
	var chains []chainEdit
	for _, c := range r.reaches()[at] {
		c.parts = append(strings.Split(mod, "."), c.parts[1:]...)
		c.lead += depth - 1
		c, led := r.m.ledOn(c)
		n := r.m.longest(c.parts)
		name, _ := r.m.canonical(strings.Join(c.parts[:n], "."))
		if t, ok := r.symbolOf(name, c.parts[n:]); ok && n >= c.lead {
			chains = append(chains, chainEdit{span: c.span(n + 1), module: t.concrete, rest: "." + t.name, old: name, use: c.use, step: t.step})
			continue
		}
		if n <= c.lead || !led && r.m.bound(c.parts[:n], depth) {
			continue
		}
		if t, ok := r.m.whole(name); ok {
			chains = append(chains, chainEdit{span: c.span(n), module: t.concrete, old: name, use: c.use, step: t.step})
		}
	}
	r.writePackageChains(imp, chains)
}

// symbolOf returns where the import map sends the name that rest begins with,
// of the module called mod. A name that the file replaces in the module by
// patch.object and the like is read from there.
func (r *rewriter) symbolOf(mod string, rest []string) (target, bool) {
	if len(rest) == 0 {
		return target{}, false
	}
	t, ok := r.m.symbols[mod+":"+rest[0]]
	return t, ok && t.concrete != r.module && !slices.ContainsFunc(r.f.Strings, func(s python.String) bool {
		return s.First != nil && s.Arg == 1 && s.Text(r.f.Src) == rest[0]
	})
}

// bound reports whether the packages on the way bind the submodule that parts
// names, so that it can be reached through them without having been imported.
// The first depth parts stay.
func (m *model) bound(parts []string, depth int) bool {
	for n := depth; n < len(parts); n++ {
		if m.fates[strings.Join(parts[:n+1], ".")] == nil {
			continue
		}
		mod, _ := m.index.Lookup(strings.Join(parts[:n], "."))
		t := m.table(mod)
		if t == nil {
			return false
		}
		_, ok := t.Names[parts[n]]
		return ok
	}
	return false
}

func (r *rewriter) writePackageChains(imp *python.Import, chains []chainEdit) {
	chains = r.importLate(imp, chains, func(c chainEdit) bool { return r.importedAround(c.use.Scope, imp.Scope, c.module) })
	var imports []string
	step := 0
	for _, c := range chains {
		name, text := r.importFor(imp.Scope, c, chains)
		r.editUse(c.span, name+c.rest, c.step)
		if !r.imports(imp, text) && !r.importedAround(c.use.Scope, imp.Scope, text) {
			r.note(imp, text)
			imports = append(imports, "import "+text)
			step = max(step, c.step)
		}
	}
	if len(imports) == 0 {
		return
	}
	separator := "; "
	if indent, alone := r.alone(imp); alone {
		separator = r.newline() + indent
	}
	r.edits = append(r.edits, python.Edit{Span: python.Span{Start: imp.End, End: imp.End}, Text: separator + strings.Join(imports, separator), Step: step})
}

// importFor returns the name by which a chain knows its module when scope
// imports it, and what the import says.
func (r *rewriter) importFor(scope *python.Scope, c chainEdit, chains []chainEdit) (name, text string) {
	if !r.conflicts(scope, "", c.module, chains) {
		return c.module, c.module
	}
	name = r.aliasOf(c.module)
	return name, c.module + " as " + name
}

// importLate writes the chains for which an import beside imp would be a new
// cycle: the functions in which they stand import what they need. It returns
// the other chains; those that need no new import are among them.
func (r *rewriter) importLate(imp *python.Import, chains []chainEdit, there func(chainEdit) bool) (rest []chainEdit) {
	for _, c := range chains {
		if there(c) || !r.closes(imp, c.module) {
			rest = append(rest, c)
			continue
		}
		scope := c.use.Scope
		for scope != nil && scope.Body == 0 {
			scope = scope.Parent
		}
		if scope == nil || c.use.Quoted {
			r.warn(c.span.Start, "import-cycle", "this is left as it is: to import "+c.module+" here would be a new import cycle")
			r.left = append(r.left, leftover{path: r.path, line: r.f.Line(c.span.Start), module: c.old, told: true})
			continue
		}
		name, text := r.importFor(scope, c, []chainEdit{c})
		r.editUse(c.span, name+c.rest, c.step)
		if !r.importedAround(c.use.Scope, scope.Parent, text) {
			r.imported[plainImport{scope, anyBlock, text}] = scope.Body
			r.edits = append(r.edits, python.Edit{Span: python.Span{Start: scope.Body, End: scope.Body}, Text: "import " + text + r.separatorAt(scope.Body), Step: c.step})
		}
	}
	return rest
}

// closes reports whether importing a module where imp stands would be a new
// import cycle.
func (r *rewriter) closes(imp *python.Import, module string) bool {
	return imp.ModuleLevel && r.module != "" && r.module != module && r.m.reaches(module, r.module) && !slices.Contains(r.m.imports(r.module), module)
}

// separatorAt returns what ends a statement put in front of another one.
func (r *rewriter) separatorAt(at int) string {
	indent := string(r.f.Src[bytes.LastIndexByte(r.f.Src[:at], '\n')+1 : at])
	if strings.TrimSpace(indent) != "" {
		return "; "
	}
	return r.newline() + indent
}

// A plainImport is what "import text" has come to stand for in a block.
type plainImport struct {
	scope *python.Scope
	block int
	text  string
}

// note remembers that something has come to be imported where imp stands.
func (r *rewriter) note(imp *python.Import, text string) {
	if p := (plainImport{imp.Scope, imp.Block, text}); !r.imports(imp, text) {
		r.imported[p] = imp.Start
	}
	r.imported[plainImport{imp.Scope, anyBlock, text}] = imp.Start
}

// anyBlock stands for all blocks of a scope.
const anyBlock = -1

// importedAround reports whether a scope or one around it, up to but without
// outer, has come to import something that is known there by its own name.
func (r *rewriter) importedAround(scope, outer *python.Scope, text string) bool {
	first, _, _ := strings.Cut(text, ".")
	for ; scope != nil && scope != outer; scope = scope.Parent {
		if scope.Kind == python.ClassScope {
			continue
		}
		if _, ok := r.imported[plainImport{scope, anyBlock, text}]; ok {
			return true
		}
		if len(scope.Bindings(first)) > 0 {
			return false
		}
	}
	return false
}

// imports reports whether something has come to be imported where imp stands,
// or before that in its block.
func (r *rewriter) imports(imp *python.Import, text string) bool {
	at, ok := r.imported[plainImport{imp.Scope, imp.Block, text}]
	return ok && at <= imp.Start
}

// walk follows a dotted name through modules and what they import, as far as
// modules go, and returns the last module and what is left.
func (m *model) walk(parts []string) (mod string, rest []string) {
	n := m.longest(parts)
	if n == 0 {
		return "", parts
	}
	mod, _ = m.canonical(strings.Join(parts[:n], "."))
	for rest = parts[n:]; len(rest) > 1; rest = rest[1:] {
		next := m.member(mod, rest[0])
		if next == "" {
			break
		}
		mod = next
	}
	return mod, rest
}

// member returns the module that a module has by the given name, or "".
func (m *model) member(mod, name string) string {
	if d := m.fates[mod]; d != nil && (d.fate == moved || d.fate == merged) {
		mod = d.module
	}
	pm, _ := m.index.Lookup(mod)
	if t := m.table(pm); t != nil {
		if sym, ok := t.Names[name]; ok {
			next := sym.Module
			if sym.Name != "" {
				next += "." + sym.Name
			}
			if next, _ = m.canonical(next); sym.Defined() || !m.isModule(next) {
				return ""
			}
			return next
		}
	}
	if sub := mod + "." + name; m.isModule(sub) {
		return sub
	}
	return ""
}

// moduleOf returns the module that a chain begins with, by the file's own
// imports, and what is left of the chain; "" if it is none.
func (r *rewriter) moduleOf(u python.Use) (mod string, rest []string) {
	scope := u.Resolve()
	if scope == nil {
		return "", nil
	}
	var chain []string
	for _, p := range u.Parts {
		chain = append(chain, p.Text)
	}
	for _, b := range scope.Bindings(chain[0]) {
		if b.Kind != python.ImportBinding {
			return "", nil
		}
		in := b.Import.Names[b.Index]
		switch {
		case b.Import.From:
			base := python.Absolute(r.origin, r.pkg, b.Import.Level, b.Import.Name)
			next := r.m.member(base, in.Name)
			if next == "" {
				return "", nil
			}
			chain = append(strings.Split(next, "."), chain[1:]...)
		case in.As != "":
			chain = append(strings.Split(in.Name, "."), chain[1:]...)
		}
		return r.m.walk(append(chain, ""))
	}
	return "", nil
}
