package check

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// The rows of the leftovers table.
const (
	rowImports   = "imports"
	rowChains    = "attributes"
	rowStrings   = "strings"
	rowConfig    = "configuration"
	rowComments  = "comments and docstrings"
	rowDocs      = "documents"
	rowNotebooks = "notebooks"
	rowOutputs   = "notebook outputs"
	rowWorkflows = "workflows"
)

// leftovers finds what still names a module or path that the plan does away
// with. After the imports phase these are all that have a new home; after
// cleanup all that are gone. Code, strings and configuration fail; what only
// people read is a warning.
func (c *checker) leftovers(ctx context.Context) (Result, error) {
	r := &report{name: Leftovers, kinds: []string{rowImports, rowChains, rowStrings, rowConfig, rowComments, rowDocs, rowNotebooks, rowOutputs, rowWorkflows}}
	if c.Stage == Moved {
		r.kinds = nil
		return r.result("nothing to look for yet: the shims keep the old paths working", "leftover reference", "leftover references"), nil
	}
	s := newSearch(c, r)
	read := 0
	for _, f := range c.after.files {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if s.skips(f) {
			continue
		}
		read++
		s.file(f)
	}
	r.looked = fmt.Sprintf("%s read for %s", count(read, "file", "files"), count(len(s.modules)+len(s.paths), "old name", "old names"))
	return r.result("nothing refers to an old path", "leftover reference", "leftover references"), nil
}

// A search looks for old names in one file after the other.
type search struct {
	*checker
	report  *report
	modules map[string]*Old // by dotted name
	paths   map[string]*Old // by path
	words   [][]byte        // one of them is in every reference
	heads   [][]byte        // first parts of old modules
	homes   []string        // folders in which dots alone may name an old module
	going   map[string]bool

	// Of the file that is looked at:
	path string
	line func(int) int // the line in the file of a line of the text
}

func newSearch(c *checker, r *report) *search {
	s := &search{checker: c, report: r, words: words(c.Olds), modules: map[string]*Old{}, paths: map[string]*Old{}, going: map[string]bool{}}
	for _, f := range c.Going {
		s.going[f] = c.Stage != Cleaned
	}
	for i := range c.Olds {
		o := &c.Olds[i]
		if o.Module != "" && !(c.Stage == Cleaned && c.after.module(o.Module) != nil) {
			s.modules[o.Module] = o
			head, _, _ := strings.Cut(o.Module, ".")
			s.heads = append(s.heads, []byte(head))
			s.homes = append(s.homes, path.Join(c.after.index.Root(o.Path), head)+"/")
		}
		if o.Path != "" && !(c.Stage == Cleaned && c.after.has(o.Path)) {
			s.paths[o.Path] = o
		}
	}
	s.heads = unique(s.heads)
	slices.Sort(s.homes)
	s.homes = slices.Compact(s.homes)
	return s
}

// words returns the last parts of old modules and paths: no reference does
// without one of them.
func words(olds []Old) [][]byte {
	var list [][]byte
	for _, o := range olds {
		if _, last, _ := cutLast(o.Module); last != "" {
			list = append(list, []byte(last))
		}
		if o.Path != "" {
			list = append(list, []byte(path.Base(o.Path)))
		}
	}
	return unique(list)
}

func unique(words [][]byte) [][]byte {
	slices.SortFunc(words, bytes.Compare)
	return slices.CompactFunc(words, bytes.Equal)
}

// skips reports whether a file is not to be looked into: references in it do
// not count, or there can be none.
func (s *search) skips(f string) bool {
	if s.going[f] || s.Ignored != nil && s.Ignored(f) {
		return true
	}
	src := s.after.sources[f]
	if !containsAny(src, s.words) {
		return true
	}
	inside := func(dir string) bool { return strings.HasPrefix(f, dir) }
	return isPython(f) && !containsAny(src, s.heads) && !slices.ContainsFunc(s.homes, inside)
}

func (s *search) file(f string) {
	s.path, s.line = f, func(n int) int { return n }
	src := s.after.sources[f]
	switch {
	case isPython(f) || strings.HasSuffix(f, ".pyi"):
		self, pkg := s.after.self(f)
		s.python(s.after.syntax(f), self, pkg)
	case isNotebook(f):
		list := cells(src)
		code, line := program(list)
		s.line = line
		s.python(code, "", false)
		for _, c := range list {
			s.line = c.line
			switch c.kind {
			case codeCell:
				s.text(c.commands(), 1, rowStrings, "failure")
			case textCell:
				s.text(c.text, 1, rowDocs, "warning")
			default:
				s.text(c.text, 1, rowOutputs, "notice")
			}
		}
	case strings.HasPrefix(f, ".github/workflows/"):
		s.text(src, 1, rowWorkflows, "warning")
	case isConfig(f):
		s.config(f, src)
	default:
		s.text(src, 1, rowDocs, "warning")
	}
}

// isConfig reports whether programs act on what a text file says.
func isConfig(f string) bool {
	switch path.Ext(f) {
	case ".toml", ".cfg", ".ini", ".json", ".yaml", ".yml", ".sh", ".bash", ".env", ".mk", ".bat", ".ps1", ".tf", ".j2":
		return true
	}
	base := path.Base(f)
	return base == "Makefile" || base == "Procfile" || base == "justfile" || strings.HasPrefix(base, "Dockerfile")
}

// config reads a configuration file. Comments in it are for people. An
// explicit list of packages has an old one until cleanup takes its folder.
func (s *search) config(f string, src []byte) {
	if s.Stage != Cleaned {
		src = withoutPackages(f, src)
	}
	n := 0
	for line := range bytes.Lines(src) {
		n++
		code, comment := line, []byte(nil)
		if i := commentStart(f, line); i >= 0 {
			code, comment = line[:i], line[i:]
		}
		s.text(code, n, rowConfig, "failure")
		s.text(comment, n, rowComments, "warning")
	}
}

// commentStart returns where a comment begins in a line of configuration, -1
// if there is none.
func commentStart(f string, line []byte) int {
	if path.Ext(f) == ".json" {
		return -1
	}
	if i := bytes.IndexByte(line, '#'); i == 0 || i > 0 && (line[i-1] == ' ' || line[i-1] == '\t') {
		return i
	}
	return -1
}

var packageList = regexp.MustCompile(`(?m)(?:^|[\s,(])packages[ \t]*=[ \t]*(\[[^\]]*\]|\r?\n(?:[ \t]+\S[^\n]*\n?)+)`)

// withoutPackages blanks the explicit list of packages of pyproject.toml,
// setup.cfg or setup.py.
func withoutPackages(f string, src []byte) []byte {
	switch path.Base(f) {
	case "pyproject.toml", "setup.cfg", "setup.py":
		return packageList.ReplaceAllFunc(src, func(list []byte) []byte {
			return bytes.Repeat([]byte("\n"), bytes.Count(list, []byte("\n")))
		})
	}
	return src
}

// python looks into one piece of Python, which is the module called self.
func (s *search) python(f *python.Syntax, self string, pkg bool) {
	level := "failure"
	if f.ErrorLine != 0 {
		level = "warning" // Python does not run it, before or after
	}
	for _, imp := range f.Imports {
		s.imp(f, imp, self, pkg, level)
	}
	for _, u := range f.Uses {
		if !u.Quoted { // strings come below
			s.chain(f, u, self, pkg, level)
		}
	}
	src := f.Src
	if path.Base(s.path) == "setup.py" && s.Stage != Cleaned {
		src = withoutPackages(s.path, src)
	}
	for _, str := range f.Strings {
		text, line := str.Text(f.Src), f.Line(str.Start)
		name, imports := imported(f, str)
		switch {
		case len(src) != len(f.Src) && !bytes.Contains(src, []byte(text)):
			continue // in a list of packages
		case str.Doc:
			s.text([]byte(text), line, rowComments, "warning")
		case strings.Contains(str.Prefix, "b"): // nobody imports what bytes name
			s.text([]byte(text), line, rowStrings, "warning")
		case imports:
			s.dotted(strings.Replace(name, ":", ".", 1), line, rowStrings, level, nil, true)
		case str.Format: // what it puts in is code
			for _, p := range str.Pieces {
				s.text(f.Src[p.Start:p.End], f.Line(p.Start), rowStrings, level)
			}
		default:
			s.text([]byte(text), line, rowStrings, level)
		}
	}
	for _, c := range f.Comments {
		s.text(f.Src[c.Start:c.End], f.Line(c.Start), rowComments, "warning")
	}
}

func (s *search) imp(f *python.Syntax, imp *python.Import, self string, pkg bool, level string) {
	if !imp.From {
		for _, in := range imp.Names {
			s.dotted(in.Name, f.Line(in.Start), rowImports, level, nil, true)
		}
		return
	}
	base := python.Absolute(self, pkg, imp.Level, imp.Name)
	if imp.Star || base == "" {
		s.dotted(base, f.Line(imp.Start), rowImports, level, nil, true)
	}
	for _, in := range imp.Names {
		s.dotted(base+"."+in.Name, f.Line(in.Start), rowImports, level, nil, true)
	}
}

// chain looks at a.b.c, where a is an imported module.
func (s *search) chain(f *python.Syntax, u python.Use, self string, pkg bool, level string) {
	if len(u.Parts) < 2 {
		return
	}
	scope := u.Scope.Resolve(u.Parts[0].Text)
	if scope == nil {
		return
	}
	for _, b := range scope.Bindings(u.Parts[0].Text) {
		if b.Kind != python.ImportBinding {
			return
		}
		in := b.Import.Names[b.Index]
		name := in.Name
		switch {
		case b.Import.From:
			name = python.Absolute(self, pkg, b.Import.Level, b.Import.Name) + "." + in.Name
		case in.As == "":
			name = in.Bound
		}
		if s.old(name) != nil {
			continue // the import itself is the leftover
		}
		for _, p := range u.Parts[1:] {
			name += "." + p.Text
		}
		if s.reaches(b, u, self, pkg) {
			continue
		}
		s.dotted(name, f.Line(u.Parts[0].Start), rowChains, level, nil, true)
		return
	}
}

// reaches reports whether an attribute chain that begins with the import
// binding b has an old name and leads elsewhere all the same: a package binds
// the module at its new place under the name that the old one had.
func (s *search) reaches(b python.Binding, u python.Use, self string, pkg bool) bool {
	at := s.after.imported(&module{Module: &python.Module{Name: self, Package: pkg}}, b, true, map[string]bool{})
	for _, p := range u.Parts[1:] {
		if at == "" || at == self {
			return false
		}
		next, ok := s.after.attr(at, p.Text, true)
		if was := at + "." + p.Text; ok && s.modules[was] != nil && next != "" {
			return next != was && s.old(next) == nil
		}
		at = next
	}
	return false
}

// old returns the old module that a dotted name leads to: it is one, or names
// something in one that is not a module of its own.
func (s *search) old(dotted string) *Old {
	for at, ok := dotted, true; ok; at, _, ok = cutLast(at) {
		m, prefix := s.after.index.Lookup(at)
		name := at
		if m != nil {
			name = m.Name
		} else {
			name = s.after.bare(at)
		}
		if o := s.modules[name]; o != nil {
			return o
		}
		if m != nil && (m.Path != "" || prefix != "") {
			return nil
		}
	}
	return nil
}

// dotted reports a dotted name if it leads to an old module. Code says that it
// is Python that means this module; context is the line of prose it stands in.
func (s *search) dotted(name string, line int, kind, level string, context []byte, code bool) {
	o := s.old(name)
	if o == nil {
		return
	}
	s.found(o, name, line, kind, level, context, code)
}

// found reports a reference to an old module or path. What never led anywhere,
// and what has no new home to go to, is for people to look at.
func (s *search) found(o *Old, name string, line int, kind, level string, context []byte, code bool) {
	if level != "failure" && contrasts(context, o.New) || !code && s.lookAlike(o, name) {
		return
	}
	what := quoted(name) + " names what moved"
	switch {
	case len(o.New) > 0:
		what += fmt.Sprintf(" to %s", quoted(o.New[0]))
	case s.Stage == Cleaned:
		what = quoted(name) + " names what is gone"
	default:
		what = quoted(name) + " names what is to go, and nothing takes its place"
	}
	if level == "failure" && (len(o.New) == 0 && !(code && s.Stage == Cleaned) || code && s.neverWorked(name)) {
		level = "warning"
	}
	if isNotebook(s.path) && kind != rowOutputs {
		kind = rowNotebooks
	}
	s.report.add(kind, Annotation{s.path, s.line(line), level, what})
}

// lookAlike reports whether a word of a text only begins like an old module:
// pkg.mod.example.com.
func (s *search) lookAlike(o *Old, word string) bool {
	rest, ok := strings.CutPrefix(s.after.bare(word), o.Module+".")
	if !ok || o.Module == "" {
		return false
	}
	if s.before != nil || s.Stage != Cleaned {
		return s.neverWorked(word)
	}
	return len(o.New) > 0 && !slices.ContainsFunc(o.New, func(home string) bool {
		_, lost := s.after.lost(home + "." + rest)
		return !lost && !strings.Contains(home, "/")
	})
}

// neverNamed reports whether "module:name" only looks like an entry point.
func (s *search) neverNamed(module, name string) bool {
	o := s.old(module)
	return o != nil && s.lookAlike(o, module+"."+name)
}

// neverWorked reports whether a dotted name led nowhere before.
func (s *search) neverWorked(name string) bool {
	w, name := s.before, s.after.bare(name)
	if w == nil {
		w = s.after
	}
	if now := s.renamed(name); s.before == nil && s.Stage == Cleaned {
		if now == name {
			return false
		}
		name = now // what moved had it, and has it now
	}
	_, lost := w.lost(name)
	return lost
}

// contrasts reports whether a line of prose names the new place too.
func contrasts(line []byte, news []string) bool {
	return slices.ContainsFunc(news, func(n string) bool {
		for at := 0; ; {
			i := bytes.Index(line[at:], []byte(n))
			if i < 0 {
				return false
			}
			at += i + len(n)
			before := at - len(n) - 1
			if (before < 0 || !python.IsNameByte(line[before])) && (at == len(line) || !python.IsNameByte(line[at])) {
				return true
			}
		}
	})
}

var (
	token = regexp.MustCompile(`[\pL\pN_./-]+`)
	port  = regexp.MustCompile(`^[:=]\d`)
	entry = regexp.MustCompile(`^:([A-Za-z_]\w*)`) // what an entry point names in its module
	host  = regexp.MustCompile(`(?i)(?:hosts?|hostnames?|address(?:es)?|endpoints?)\b["']?\s*[:=][^:=]*$`)
)

// text looks for dotted names and paths in text that begins on the given line.
func (s *search) text(text []byte, line int, kind, level string) {
	for row := range bytes.Lines(text) {
		for _, at := range token.FindAllIndex(row, -1) {
			word := strings.TrimRight(string(row[at[0]:at[1]]), ".-")
			switch {
			case strings.HasPrefix(word, "//") || at[0] > 0 && strings.IndexByte(`@$\`, row[at[0]-1]) >= 0 || level == "failure" && port.Match(row[at[1]:]):
				// a URL, an address, a variable
			case kind == rowConfig && s.modules[word] != nil && host.Match(row[:at[0]]):
				// a host, perhaps
			case strings.Contains(word, "/"):
				if o := s.oldPath(word); o != nil {
					s.found(o, word, line, kind, level, row, false)
				}
			case strings.Contains(word, ".") && word[0] != '.' && !strings.Contains(word, "-"):
				if m := entry.FindSubmatch(row[at[1]:]); m != nil && s.neverNamed(word, string(m[1])) {
					continue
				}
				s.dotted(word, line, kind, level, row, false)
			}
		}
		line++
	}
}

// oldPath returns the old file or folder that a path in a text names: from the
// repository root, from a source root, or from the file that it stands in.
func (s *search) oldPath(word string) *Old {
	clean := strings.Trim(word, "/")
	tries := []string{}
	if !strings.HasPrefix(clean, ".") {
		for _, r := range s.after.index.Roots() {
			tries = append(tries, path.Join(r, clean))
		}
	}
	if !strings.HasPrefix(word, "/") {
		tries = append(tries, path.Join(path.Dir(s.path), clean))
	}
	for _, p := range tries {
		if s.Stage == Cleaned && s.after.has(p) {
			return nil
		}
		if o := s.paths[p]; o != nil {
			return o
		}
	}
	return nil
}
