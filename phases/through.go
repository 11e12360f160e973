package phases

import (
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
		for _, in := range imp.Names {
			if !imp.From && in.As == "" || len(imp.Scope.Bindings(in.Bound)) != 1 {
				continue
			}
			if pkg := r.stayingPackage(imp, in); pkg != "" {
				r.packageChains(imp, in.Bound, pkg)
			}
		}
	}
}

// stayingPackage returns the package that an import binds as an object, if
// that stays; else "".
func (r *rewriter) stayingPackage(imp *python.Import, in python.ImportName) string {
	name, base := in.Name, ""
	if imp.From {
		if base = python.Absolute(r.origin, r.pkg, imp.Level, imp.Name); base == "" {
			return ""
		}
		base, _ = r.m.canonical(base)
		name = base + "." + in.Name
	}
	name, _ = r.m.canonical(name)
	mod, _ := r.m.index.Lookup(name)
	if d := r.m.fates[name]; mod == nil || !mod.Package || d != nil && d.fate != emptied {
		return ""
	}
	if imp.From && r.m.bindsOther(base, in.Name) {
		return ""
	}
	return name
}

func (r *rewriter) packageChains(imp *python.Import, bound, pkg string) {
	depth := strings.Count(pkg, ".") + 1
	var chains []chainEdit
	for _, u := range r.f.Uses {
		if u.Parts[0].Text != bound || u.Resolve() != imp.Scope {
			continue
		}
		parts := strings.Split(pkg, ".")
		for _, p := range u.Parts[1:] {
			parts = append(parts, p.Text)
		}
		n := r.m.longest(parts)
		if n <= depth || r.m.bound(parts[:n], depth) {
			continue
		}
		if t, ok := r.m.whole(strings.Join(parts[:n], ".")); ok {
			chains = append(chains, chainEdit{
				span:   python.Span{Start: u.Parts[0].Start, End: u.Parts[n-depth].End},
				module: t.concrete, use: u, step: t.step,
			})
		}
	}
	r.writePackageChains(imp, chains)
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
	var imports []string
	step := 0
	for _, c := range chains {
		text := c.module
		if r.conflicts(imp.Scope, "", c.module, chains) {
			text = r.aliasOf(c.module)
		}
		r.edit(c.span, text, c.step, 1)
		if text != c.module {
			text = c.module + " as " + text
		}
		if !slices.Contains(r.imported[imp.Scope], text) {
			r.note(imp.Scope, text)
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

// note remembers that a scope has come to import something.
func (r *rewriter) note(scope *python.Scope, text string) {
	if r.imported == nil {
		r.imported = map[*python.Scope][]string{}
	}
	r.imported[scope] = append(r.imported[scope], text)
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
