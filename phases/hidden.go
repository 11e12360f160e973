package phases

import "strings"

// A package may give the name of one of its modules to something else: with
// "from .load import load", the attribute load of the package is a function.
// Names are still imported from the module, but nobody who asks the package
// for the module gets it.

// covers reports whether a package gives name, which a module below it has, to
// something else, if only by importing all names of another module.
func (m *model) covers(pkg, name string) bool {
	if d := m.fates[pkg]; d != nil && d.fate == moved {
		pkg = d.module
	}
	if m.bindsOther(pkg, name) {
		return true
	}
	mod, _ := m.index.Lookup(pkg)
	t := m.table(mod)
	if t == nil || strings.HasPrefix(name, "_") {
		return false
	}
	for _, star := range t.Stars {
		if from, _ := m.canonical(star.Module); m.exports(from, name) || m.isModule(from+"."+name) {
			return true
		}
	}
	return false
}

// covered reports whether a module, or a package on the way to it, cannot be
// had as an attribute of the package around it.
func (m *model) covered(module string) bool {
	for pkg, name := cutLast(module); pkg != ""; pkg, name = cutLast(pkg) {
		if m.covers(pkg, name) {
			return true
		}
	}
	return false
}

// hidden leaves a reference that needs a module as an object at the old name if
// that cannot be had at its new one, and could at the old one, and says so. A
// chain goes through all packages on the way.
func (r *rewriter) hidden(at int, old, now string, chain bool) bool {
	pkg, name := cutLast(now)
	was, oldName := cutLast(old)
	if chain && (!r.m.covered(now) || r.m.covered(old)) || !chain && (!r.m.covers(pkg, name) || r.m.covers(was, oldName)) {
		return false
	}
	r.warn(at, "hidden-module", "the module "+now+" cannot be had here, since a package gives its name to something else; this stays as it is: import the names that are needed from "+now)
	r.left = append(r.left, leftover{path: r.path, line: r.f.Line(at), module: old, told: true})
	return true
}
