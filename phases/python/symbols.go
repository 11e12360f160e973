package python

import (
	"slices"
	"strings"
)

// Symbols is what a module binds at module level, and where that comes from.
type Symbols struct {
	Names   map[string]Symbol
	Stars   []Star
	All     *AllList
	Dynamic bool // has a module __getattr__ (PEP 562): any name may exist
}

// A Star is "from m import *".
type Star struct {
	Module string
	Start  int  // where it stands
	Always bool // it runs whenever the module is loaded, under no condition
}

// Public reports whether "import *" takes a name from the module, if it has it.
func (s *Symbols) Public(name string) bool {
	if s.All != nil && (!s.All.Open || slices.Contains(s.All.Names, name)) {
		return slices.Contains(s.All.Names, name)
	}
	return !strings.HasPrefix(name, "_")
}

// A Symbol is one name of a module. If Module is "", the module defines it
// itself; otherwise it is Name of Module, or Module as an object if Name is "".
type Symbol struct {
	Module string
	Name   string
	Start  int // where it is bound; of several bindings, the one that holds in the end

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
				if b.always {
					delete(out.Names, n)
				}
				continue
			}
			sym := f.symbol(b, name, isPackage)
			switch old, ok := out.Names[n]; {
			case !ok, old.TypeOnly && !sym.TypeOnly, b.always && !sym.TypeOnly:
				out.Names[n] = sym
			case old.Defined() && !sym.Defined() && !sym.TypeOnly && f.placeholder(n):
				out.Names[n] = sym
			}
		}
	}
	for _, imp := range f.Imports {
		if imp.Star && imp.Scope.Kind == ModuleScope {
			if m := Absolute(name, isPackage, imp.Level, imp.Name); m != "" {
				out.Stars = append(out.Stars, Star{Module: m, Start: imp.Start, Always: imp.Block == 0})
			}
		}
	}
	out.All = f.All
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
	case b.Kind == AssignBinding && b.Value != "":
		if m, n := f.alias(b.Value, module, isPackage, 0); m != "" {
			return Symbol{Module: m, Name: n, Start: b.Start}
		}
	}
	return Symbol{Start: b.Start}
}

// alias resolves "name = other.attr", where other is imported, or is such a
// name itself.
func (f *Syntax) alias(chain, module string, isPackage bool, depth int) (string, string) {
	head, rest, dotted := strings.Cut(chain, ".")
	bindings := f.Module.Bindings(head)
	if len(bindings) == 0 || depth > 10 {
		return "", ""
	}
	var base Symbol
	switch b := bindings[0]; {
	case b.Kind == ImportBinding:
		base = f.symbol(b, module, isPackage)
	case b.Value != "":
		base.Module, base.Name = f.alias(b.Value, module, isPackage, depth+1)
	}
	if base.Defined() || !dotted {
		return base.Module, base.Name
	}
	full := base.Module + "."
	if base.Name != "" {
		full += base.Name + "."
	}
	full += rest
	return beforeLast(full), afterLast(full)
}

func beforeLast(dotted string) string {
	if i := strings.LastIndexByte(dotted, '.'); i >= 0 {
		return dotted[:i]
	}
	return ""
}

func afterLast(dotted string) string { return dotted[strings.LastIndexByte(dotted, '.')+1:] }
