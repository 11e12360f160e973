package phases

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// Calls import modules by names that are strings: importlib.import_module and
// what is like it.

// importer reports whether a call by this name imports what its string names.
func importer(callee string) bool {
	switch lastPart(callee) {
	case "patch", "setattr", "delattr", "import_string", "import_object", "import_from_string":
		return true
	}
	return takesModule(callee) || strings.Contains(callee, "patch.")
}

// takesModule reports whether what a call by this name imports is a module.
func takesModule(callee string) bool {
	switch lastPart(callee) {
	case "import_module", "__import__", "find_spec", "resolve_name", "run_module", "importorskip":
		return true
	}
	return false
}

func lastPart(dotted string) string { return dotted[strings.LastIndexByte(dotted, '.')+1:] }

// isName and isPackage report whether a literal is the name, or the package that
// a relative one counts from, in a call of import_module.
func isName(s python.String) bool    { return s.Arg == 0 || s.Keyword == "name" }
func isPackage(s python.String) bool { return s.Arg == 1 || s.Keyword == "package" }

// importByName rewrites what an import call names relative to a package, and
// what __import__ gives out. It reports whether that was its to do.
func (r *rewriter) importByName(s python.String, text string) bool {
	switch {
	case !takesModule(s.Callee):
		return false
	case lastPart(s.Callee) == "__import__" && s.Arg == 0:
		return r.importFunction(s, text)
	case relativeName.MatchString(text) && isName(s):
		r.importRelative(s, text)
		return true
	case isPackage(s) && !r.named(s):
		if pkg, ok := r.packageOf(s); ok {
			r.unknown(s.Start, pkg.was)
		}
	}
	return false
}

var relativeName = regexp.MustCompile(`^\.+[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$`)

// importRelative rewrites import_module(".mod", "pkg"): as it was written where
// that still can be.
func (r *rewriter) importRelative(s python.String, text string) {
	name := strings.TrimLeft(text, ".")
	pkg, ok := r.packageOf(s)
	if !ok {
		r.unknownPackage(s.Start, name)
		return
	}
	abs := python.Absolute(pkg.was, true, len(text)-len(name), name)
	if abs == "" {
		return
	}
	old, prefix := r.m.canonical(abs)
	to, step := prefix+old, 0
	if d := r.m.fates[old]; d != nil && d.fate != emptied && d.fate != remapped {
		t, ok := r.m.whole(old)
		if !ok {
			r.leave(s.Start, old, "")
			return
		}
		to, step = prefix+t.concrete, t.step
	}
	if python.Absolute(pkg.is, true, len(text)-len(name), name) == to {
		return
	}
	if rel := relative(pkg.is, true, to); rel != "" {
		to = rel
	}
	r.edit(s.Content, to, step, 1)
}

// A renamed package is what it was called when a file was written, and what it
// is called now.
type renamed struct{ was, is string }

// packageOf returns the package that a relative name in a call counts from:
// its second argument. It reports false if that is known at run time alone.
func (r *rewriter) packageOf(s python.String) (renamed, bool) {
	for _, other := range r.f.Strings {
		if other.Call != s.Call || !isPackage(other) || other.Format || other.Joined {
			continue
		}
		was := other.Text(r.f.Src)
		if p := r.resolve(strings.Split(was, ".")); p.state == rewritten {
			return renamed{was, p.text(false)}, true
		}
		if t, ok := r.m.whole(was); ok {
			return renamed{was, t.concrete}, true
		}
		return renamed{was, was}, true
	}
	for _, u := range r.f.Uses {
		if len(u.Parts) != 1 || u.Parts[0].Start < s.Call.Start || u.Parts[0].End > s.Call.End {
			continue
		}
		switch u.Parts[0].Text {
		case "__package__":
			return renamed{packageName(r.origin, r.wasPkg), packageName(r.module, r.pkg)}, r.module != ""
		case "__name__":
			return renamed{r.origin, r.module}, r.module != ""
		}
	}
	return renamed{}, false
}

// packageName returns the package that a module is in, or is.
func packageName(module string, isPackage bool) string {
	if isPackage {
		return module
	}
	parent, _ := cutLast(module)
	return parent
}

// named reports whether the name in the call is a literal, too.
func (r *rewriter) named(s python.String) bool {
	return slices.ContainsFunc(r.f.Strings, func(other python.String) bool { return other.Call == s.Call && isName(other) })
}

// importFunction rewrites __import__("a.b"), which gives out a: what follows the
// call leads on to b.
func (r *rewriter) importFunction(s python.String, text string) bool {
	name, prefix := r.m.canonical(text)
	t, ok := r.m.whole(name)
	if s.Args > 3 || bytes.Contains(r.f.Src[s.Call.Start:s.Call.End], []byte("fromlist")) {
		return r.importFromList(s, name, t)
	}
	if !ok {
		return false
	}
	top, below, _ := strings.Cut(prefix+name, ".")
	newTop, newBelow, _ := strings.Cut(prefix+t.concrete, ".")
	rest := r.f.Src[s.Call.End:]
	chain := "." + below
	follows := bytes.HasPrefix(rest, []byte(chain)) && (len(rest) == len(chain) || !python.IsNameByte(rest[len(chain)]))
	switch {
	case below != "" && newBelow != "" && follows:
		r.edit(python.Span{Start: s.Call.End, End: s.Call.End + len(chain)}, "."+newBelow, t.step, 0)
	case !r.forEffect(s.Call) && (top != newTop || bytes.HasPrefix(bytes.TrimLeft(rest, " \t"), []byte("."))):
		r.warn(s.Start, "dynamic-import", "__import__ gives out "+top+", and the module has a new home in "+newTop+": use importlib.import_module")
		r.left = append(r.left, leftover{path: r.path, line: r.f.Line(s.Start), module: name, told: true})
		return true
	}
	r.edit(s.Content, prefix+t.concrete, t.step, 1)
	return true
}

// importInText rewrites what follows __import__('a.b') in text that is code for
// somebody, as importFunction does in code.
func (r *rewriter) importInText(t token, old, now string, step int) {
	const quotes = `'"\\`
	head := bytes.TrimRight(r.f.Src[t.in.Start:t.at], quotes)
	rest := bytes.TrimLeft(r.f.Src[t.end:t.in.End], quotes)
	_, below, _ := strings.Cut(old, ".")
	_, newBelow, _ := strings.Cut(now, ".")
	if t.prose || !bytes.HasSuffix(head, []byte("__import__(")) || !bytes.HasPrefix(rest, []byte(")."+below+".")) || newBelow == "" {
		return
	}
	start := t.in.End - len(rest) + len(").")
	r.edit(python.Span{Start: start, End: start + len(below)}, newBelow, step, 0)
}

// importFromList looks at __import__("a", fromlist=["b"]), which gives out a with
// its submodule b. It reports whether b goes another way than a; t is where a
// goes, if anywhere.
func (r *rewriter) importFromList(s python.String, name string, t target) bool {
	for _, in := range r.f.Strings {
		sub := name + "." + in.Text(r.f.Src)
		if in.Start <= s.Start || in.End > s.Call.End || r.m.fates[sub] == nil {
			continue
		}
		if to, ok := r.m.whole(sub); !ok || to.concrete != t.concrete+"."+in.Text(r.f.Src) {
			r.warn(s.Start, "dynamic-import", sub+" goes another way than "+name+", from which __import__ is to take it: use importlib.import_module")
			r.left = append(r.left, leftover{path: r.path, line: r.f.Line(s.Start), module: sub, told: true})
			return true
		}
	}
	return false
}

// forEffect reports whether a call is a statement by itself.
func (r *rewriter) forEffect(call python.Span) bool {
	src := r.f.Src
	line := bytes.TrimLeft(src[bytes.LastIndexByte(src[:call.Start], '\n')+1:call.Start], " \t")
	rest, _, _ := bytes.Cut(src[call.End:], []byte("\n"))
	rest, _, _ = bytes.Cut(rest, []byte("#"))
	return len(line) == 0 && len(bytes.TrimSpace(rest)) == 0
}

// topLevelLiteral rewrites a literal that is the name of a module at the top
// where it can mean nothing else.
func (r *rewriter) topLevelLiteral(s python.String, text string) bool {
	d := r.m.fates[text]
	if d == nil || strings.Contains(text, ".") || d.fate == emptied || d.fate == remapped {
		return false
	}
	if !(takesModule(s.Callee) && (isName(s) || isPackage(s))) && !r.amongModules(s) {
		return false
	}
	if t, ok := r.m.whole(text); ok {
		r.edit(s.Content, t.concrete, t.step, 1)
	} else {
		r.leave(s.Start, text, "")
	}
	return true
}

// amongModules reports whether a literal is a key of sys.modules, or in a list
// of modules that a framework imports.
func (r *rewriter) amongModules(s python.String) bool {
	const most = 4000 // bytes of a list
	before := r.f.Src[max(0, s.Start-most):s.Start]
	after := r.f.Src[s.End:min(len(r.f.Src), s.End+100)]
	return moduleBefore.Match(before) || moduleAfter.Match(after)
}

var (
	moduleBefore = regexp.MustCompile(`\bsys\.modules\s*(?:\[|\.(?:get|pop|setdefault)\(|,)\s*$` +
		`|\bpatch\.dict\(\s*["']?sys\.modules["']?\s*,\s*\{[^{}]*$` +
		`|\b(?:\w*_APPS|MIDDLEWARE|ROOT_URLCONF|pytest_plugins|include|imports)\s*(?:\+?=|:[^=\n]*=)\s*[\[(]?[^\])=]*$`)
	moduleAfter = regexp.MustCompile(`^\s*(?:not\s+)?in\s+sys\.modules\b`)
)
