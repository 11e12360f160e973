package phases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// listedSubmodules keeps what a package lists in __all__ reachable as its
// attribute: "import *" loads a submodule by its old name, which goes. What
// imports the package itself is loaded when it is asked for, since an import at
// the top would be a cycle.
func (r *rewriter) listedSubmodules() {
	if !r.pkg || r.f.All == nil || r.module == "" {
		return
	}
	var now, late []placed
	step := 0
	for _, name := range r.f.All.Names {
		t, ok := r.m.whole(r.module + "." + name)
		if !ok || r.importsSomewhere(name) {
			continue
		}
		from, last := cutLast(t.concrete)
		p := placed{in: python.ImportName{Name: name, Bound: name}, module: from, name: last, object: true}
		switch {
		case !r.m.reachesInto(t.concrete, r.module):
			now = append(now, p)
		case len(r.f.Module.Bindings("__getattr__")) > 0:
			r.leave(r.f.All.Start, r.module+"."+name, "")
		default:
			late = append(late, p)
		}
		step = max(step, t.step)
	}
	nl := r.newline()
	if len(now) > 0 {
		at := r.f.AfterImports()
		r.edit(python.Span{Start: at, End: at}, importLines(now, "", nl), step, len(now))
	}
	if len(late) > 0 {
		at := len(r.f.Src)
		r.edit(python.Span{Start: at, End: at}, r.lateImports(late, nl), step, len(late))
	}
}

// importsSomewhere reports whether the file binds a name, or imports it in a
// function.
func (r *rewriter) importsSomewhere(name string) bool {
	return len(r.f.Module.Bindings(name)) > 0 || slices.ContainsFunc(r.f.Imports, func(imp *python.Import) bool {
		return slices.ContainsFunc(imp.Names, func(in python.ImportName) bool { return in.Bound == name })
	})
}

func importLines(names []placed, indent, nl string) string {
	var b strings.Builder
	for _, p := range names {
		switch {
		case !p.top():
			fmt.Fprintf(&b, "%sfrom %s import %s%s", indent, p.module, p.clause(), nl)
		case p.name == p.in.Name:
			fmt.Fprintf(&b, "%simport %s%s", indent, p.name, nl)
		default:
			fmt.Fprintf(&b, "%simport %s as %s%s", indent, p.name, p.in.Name, nl)
		}
	}
	return b.String()
}

// lateImports returns a module __getattr__ (PEP 562) for the end of the file.
func (r *rewriter) lateImports(names []placed, nl string) string {
	var b strings.Builder
	if src := r.f.Src; len(src) > 0 && src[len(src)-1] != '\n' {
		b.WriteString(nl)
	}
	b.WriteString(nl + nl + "def __getattr__(name):" + nl)
	for _, p := range names {
		b.WriteString("    if name == " + pythonString(p.in.Name) + ":" + nl)
		b.WriteString(importLines([]placed{p}, "        ", nl) + "        return " + p.in.Name + nl)
	}
	b.WriteString("    raise AttributeError(f\"module {__name__!r} has no attribute {name!r}\")" + nl)
	return b.String()
}
