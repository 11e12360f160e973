package check

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/restage/restage/phases/python"
)

// A broken reference names a module or a name that does not exist.
type broken struct {
	line   int
	module string // the module in which something was sought, or that there is none of
	name   string // what was sought in it, or ""
	spelt  string // the module as it is written
	level  string // how bad it is if it worked before
	what   string // "import", "attribute", "string"
}

// keys are the two ways to say what a broken reference names: in full, and as
// it is written.
func (b broken) keys() [2]string {
	return [2]string{b.module + ":" + b.name, b.spelt + ":" + b.name + " "}
}

func (b broken) String() string {
	switch {
	case b.module == "":
		return quoted(b.spelt) + " leads above the top of its package"
	case b.what == "hidden":
		return quoted(b.spelt) + " gives the name " + quoted(b.name) + " to something else than its module"
	case b.name == "" && b.what == "attribute":
		return quoted(b.module) + " is used here and not imported"
	case b.name == "":
		return "there is no module " + quoted(b.module)
	}
	return quoted(b.module) + " has no " + quoted(b.name)
}

// broken returns the references in one piece of Python that lead nowhere in w.
// The piece is the module called self. Ours tells whether a dotted name begins
// in the repository, now or before, and look whether it leads to anything that
// may have changed.
func (w *world) broken(f *python.Syntax, self string, pkg bool, ours, look func(string) bool) []broken {
	s := &seeker{world: w, f: f, self: self, pkg: pkg, ours: ours, look: look}
	for _, imp := range f.Imports {
		s.imp(imp)
	}
	for _, u := range f.Uses {
		if len(u.Parts) > 1 && !u.Quoted {
			s.chain(u)
		}
	}
	for _, str := range f.Strings {
		s.str(str)
	}
	return s.found
}

// A seeker collects the broken references of one piece of Python.
type seeker struct {
	*world
	f     *python.Syntax
	self  string
	pkg   bool
	ours  func(string) bool
	look  func(string) bool
	found []broken
}

func (s *seeker) add(start int, b broken) {
	b.line = s.f.Line(start)
	switch {
	case s.f.ErrorLine != 0:
		b.level = "warning" // Python does not run it, before or after
	case b.level == "":
		b.level = "failure"
	}
	if b.spelt == "" {
		b.spelt = b.module
	}
	s.found = append(s.found, b)
}

// imp looks at one import statement. What stands in a try statement or under
// TYPE_CHECKING may fail without harm.
func (s *seeker) imp(imp *python.Import) {
	level := "failure"
	if imp.Guarded || imp.TypeOnly {
		level = "warning"
	}
	if !imp.From {
		for _, in := range imp.Names {
			if s.ours(in.Name) && s.look(in.Name) && s.follow(in.Name) == nil && !s.foreign(in.Name) {
				s.add(in.Start, broken{module: in.Name, level: level, what: "import"})
			}
		}
		return
	}
	spelt := strings.Repeat(".", imp.Level) + imp.Name
	base := python.Absolute(s.self, s.pkg, imp.Level, imp.Name)
	if base == "" && s.look(base) {
		s.add(imp.Start, broken{spelt: spelt, level: level, what: "import"})
		return
	}
	if !s.ours(base) || s.foreign(base) {
		return
	}
	if s.follow(base) == nil {
		if !s.look(base) {
			return
		}
		s.add(imp.Start, broken{module: base, spelt: spelt, level: level, what: "import"})
		return
	}
	for _, in := range imp.Names {
		if !s.look(base + "." + in.Name) {
			continue
		}
		if base == s.self { // a package imports a submodule of its own
			if s.module(base+"."+in.Name) == nil && !s.boundElsewhere(in.Name, imp) {
				s.add(in.Start, broken{module: base, name: in.Name, spelt: spelt, level: level, what: "import"})
			}
			continue
		}
		if _, ok := s.attr(base, in.Name, imp.TypeOnly); !ok {
			s.add(in.Start, broken{module: base, name: in.Name, spelt: spelt, level: level, what: "import"})
		}
	}
}

// foreign reports whether name lies below a module that stands for one from
// outside the repository.
func (s *seeker) foreign(name string) bool {
	for ok := true; ok; name, _, ok = cutLast(name) {
		if m := s.module(name); m != nil {
			return m.alias != "" && s.follow(name) == nil && !s.ours(m.alias)
		}
	}
	return false
}

// boundElsewhere reports whether the package itself binds name by anything but
// the import statement imp.
func (s *seeker) boundElsewhere(name string, imp *python.Import) bool {
	for _, b := range s.f.Module.Bindings(name) {
		if b.Import != imp && b.Kind != python.DeleteBinding {
			return true
		}
	}
	m := s.module(s.self)
	return m != nil && m.open()
}

// chain looks at a.b.c, where a is an imported module.
func (s *seeker) chain(u python.Use) {
	head := u.Parts[0].Text
	scope := u.Scope.Resolve(head)
	if scope == nil {
		if s.ours(head) && s.look(u.Dotted(len(u.Parts))) && !moduleAttributes[head] && !s.stars() {
			s.add(u.Parts[0].Start, broken{module: head, what: "attribute"})
		}
		return
	}
	at := ""
	level := "failure"
	for _, b := range scope.Bindings(head) {
		if b.Kind != python.ImportBinding {
			return
		}
		if !s.look(s.spelt(b) + strings.TrimPrefix(u.Dotted(len(u.Parts)), head)) {
			return
		}
		if at == "" {
			at = s.imported(&module{Module: &python.Module{Name: s.self, Package: s.pkg}}, b, true, map[string]bool{})
		}
		if b.Import.Guarded || b.Import.TypeOnly {
			level = "warning"
		}
	}
	if at == "" {
		s.hidden(u, scope.Bindings(head)[0], level)
	}
	parts := u.Parts[1:]
	if u.Store {
		parts = parts[:len(parts)-1]
	}
	for _, p := range parts {
		if at == "" || at == s.self {
			return
		}
		next, ok := s.attr(at, p.Text, true)
		if !ok {
			s.add(p.Start, broken{module: at, name: p.Text, spelt: u.Dotted(1), level: level, what: "attribute"})
			return
		}
		at = next
	}
}

// hidden looks at a chain that begins with an imported name which is no module,
// though there is a module of that name, and that has what the chain asks for.
func (s *seeker) hidden(u python.Use, b python.Binding, level string) {
	name := s.spelt(b)
	pkg, last, ok := cutLast(name)
	if !ok || s.module(name) == nil {
		return
	}
	if _, has := s.attr(name, u.Parts[1].Text, true); has {
		s.add(u.Parts[0].Start, broken{module: pkg, name: last, spelt: pkg, level: level, what: "hidden"})
	}
}

// spelt returns the dotted name that an import binds, as the import has it.
func (s *seeker) spelt(b python.Binding) string {
	in := b.Import.Names[b.Index]
	switch {
	case b.Import.From:
		return python.Absolute(s.self, s.pkg, b.Import.Level, b.Import.Name) + "." + in.Name
	case in.As == "":
		return in.Bound
	}
	return in.Name
}

// stars reports whether the file imports names that it does not list.
func (s *seeker) stars() bool {
	for _, imp := range s.f.Imports {
		if imp.Star {
			return true
		}
	}
	return dynamic.Match(s.f.Src)
}

var dottedName = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?$`)

// str looks at a dotted string that a call imports or patches.
func (s *seeker) str(str python.String) {
	text, ok := imported(s.f, str)
	if !ok || bytes.Contains(s.f.Src[str.Call.Start:str.Call.End], []byte("create=")) || !s.ours(text) || !s.look(text) {
		return
	}
	if b, ok := s.lost(text); ok {
		b.what = "string"
		s.add(str.Start, b)
	}
}

// lost follows a dotted name, entry points with their colon too, and returns
// where it leads nowhere.
func (w *world) lost(dotted string) (broken, bool) {
	parts := strings.Split(strings.Replace(dotted, ":", ".", 1), ".")
	at, n := "", 0
	for k := len(parts); k > 0; k-- {
		if m := w.follow(strings.Join(parts[:k], ".")); m != nil {
			at, n = m.Name, k
			break
		}
	}
	if n == 0 {
		return broken{module: dotted}, true
	}
	for _, p := range parts[n:] {
		next, ok := w.attr(at, p, false)
		if !ok {
			return broken{module: at, name: p, spelt: dotted}, true
		}
		if next == "" {
			return broken{}, false
		}
		at = next
	}
	return broken{}, false
}

// imported returns the dotted name that a string gives to a call that imports
// what it names, or patches it. A relative name counts from the package that
// the call has as its second argument.
func imported(f *python.Syntax, s python.String) (string, bool) {
	if s.Format || s.Arg > 0 || !imports(s.Callee) {
		return "", false
	}
	text := s.Text(f.Src)
	if name := strings.TrimLeft(text, "."); name != text {
		for _, pkg := range f.Strings {
			if pkg.Call == s.Call && (pkg.Arg == 1 || pkg.Keyword == "package") {
				text = python.Absolute(pkg.Text(f.Src), true, len(text)-len(name), name)
			}
		}
	}
	return text, dottedName.MatchString(text)
}

// imports reports whether a call by this name imports what a string names, or
// patches it.
func imports(callee string) bool {
	switch callee[strings.LastIndexByte(callee, '.')+1:] {
	case "import_module", "__import__", "find_spec", "resolve_name", "import_string", "run_module", "importorskip", "patch", "setattr", "delattr":
		return true
	}
	return strings.Contains(callee, "patch.")
}
