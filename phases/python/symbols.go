package python

import "strings"

// Symbols is what a module binds at module level, and where that comes from.
type Symbols struct {
	Names   map[string]Symbol
	Stars   []string // modules whose names are imported with *
	All     []string // __all__, if HasAll
	HasAll  bool
	Dynamic bool // has a module __getattr__ (PEP 562): any name may exist
}

// A Symbol is one name of a module. If Module is "", the module defines it
// itself; otherwise it is Name of Module, or Module as an object if Name is "".
type Symbol struct {
	Module string
	Name   string
	Start  int // where it is bound

	TypeOnly bool // bound for type checkers alone: not there at run time
}

// Defined reports whether the module itself defines the name.
func (s Symbol) Defined() bool { return s.Module == "" }

// Symbols returns the names that the file binds, as the module called name.
func (f *Syntax) Symbols(name string, isPackage bool) *Symbols {
	out := &Symbols{Names: map[string]Symbol{}}
	for _, n := range f.Module.Names() {
		for _, b := range f.Module.Bindings(n) {
			if b.Kind == DeleteBinding {
				continue
			}
			sym := f.symbol(b, name, isPackage)
			if old, ok := out.Names[n]; !ok || old.TypeOnly && !sym.TypeOnly || old.Defined() && !sym.Defined() && !sym.TypeOnly && f.placeholder(n) {
				out.Names[n] = sym
			}
		}
	}
	for _, imp := range f.Imports {
		if imp.Star && imp.Scope.Kind == ModuleScope {
			if m := Absolute(name, isPackage, imp.Level, imp.Name); m != "" {
				out.Stars = append(out.Stars, m)
			}
		}
	}
	if f.All != nil {
		out.All, out.HasAll = f.All.Names, true
	}
	_, out.Dynamic = out.Names["__getattr__"]
	return out
}

// placeholder reports whether the first binding of a name is "name = None" or
// the like, which an import replaces.
func (f *Syntax) placeholder(name string) bool {
	b := f.Module.Bindings(name)[0]
	return b.Kind == AssignBinding && b.none
}

// symbol says where one binding takes its value from.
func (f *Syntax) symbol(b Binding, module string, isPackage bool) Symbol {
	sym := f.source(b, module, isPackage)
	sym.TypeOnly = b.Kind == ImportBinding && b.Import.TypeOnly
	return sym
}

// source is symbol without regard to when the binding holds.
func (f *Syntax) source(b Binding, module string, isPackage bool) Symbol {
	switch {
	case b.Kind == ImportBinding && b.Import.From:
		in := b.Import.Names[b.Index]
		m := Absolute(module, isPackage, b.Import.Level, b.Import.Name)
		if m == "" {
			return Symbol{Start: b.Start}
		}
		return Symbol{Module: m, Name: in.Name, Start: b.Start}
	case b.Kind == ImportBinding:
		in := b.Import.Names[b.Index]
		if in.As != "" {
			return Symbol{Module: in.Name, Start: b.Start}
		}
		return Symbol{Module: in.Bound, Start: b.Start}
	case b.Kind == AssignBinding && b.value != "":
		if m, n := f.alias(b.value, module, isPackage); m != "" {
			return Symbol{Module: m, Name: n, Start: b.Start}
		}
	}
	return Symbol{Start: b.Start}
}

// alias resolves "name = other.attr", where other is imported.
func (f *Syntax) alias(chain, module string, isPackage bool) (string, string) {
	head, rest, dotted := strings.Cut(chain, ".")
	for _, b := range f.Module.Bindings(head) {
		if b.Kind != ImportBinding {
			return "", ""
		}
		in := b.Import.Names[b.Index]
		base := f.symbol(b, module, isPackage)
		switch {
		case !dotted:
			return base.Module, base.Name
		case b.Import.From: // from p import m; name = m.attr
			return base.Module + "." + base.Name + strings.TrimSuffix("."+beforeLast(rest), "."), afterLast(rest)
		case in.As != "":
			return strings.TrimSuffix(base.Module+"."+beforeLast(rest), "."), afterLast(rest)
		default:
			return strings.TrimSuffix(head+"."+beforeLast(rest), "."), afterLast(rest)
		}
	}
	return "", ""
}

func beforeLast(dotted string) string {
	if i := strings.LastIndexByte(dotted, '.'); i >= 0 {
		return dotted[:i]
	}
	return ""
}

func afterLast(dotted string) string { return dotted[strings.LastIndexByte(dotted, '.')+1:] }
