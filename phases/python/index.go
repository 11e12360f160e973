package python

import (
	"path"
	"slices"
	"strings"
)

// A Module is a module or package of the tree.
type Module struct {
	Name    string // dotted, from its source root
	Path    string // its file; "" for a namespace package
	Dir     string // of a package: its folder
	Package bool

	// Shadowed is the file of a module of the same name beside the package:
	// Python's path finder takes a regular package first.
	Shadowed string
}

// An Index knows the modules of a tree by name and by file.
type Index struct {
	roots    []string // deepest first; the repository root, "", is last
	byName   map[string]*Module
	byPath   map[string]*Module
	packages map[string]string // dotted name of a folder with a dot behind it, "" for a root and "." if there is none
}

// NewIndex indexes the given files. Roots are the folders from which import
// paths start, relative to the repository root; the repository root itself is
// always one. A file belongs to the deepest root above it.
func NewIndex(files []string, roots []string) *Index {
	x := &Index{byName: make(map[string]*Module, len(files)), byPath: make(map[string]*Module, len(files)), packages: map[string]string{}}
	for _, r := range append(slices.Clone(roots), "") {
		if r = strings.Trim(r, "/"); r == "." {
			r = ""
		}
		if !slices.Contains(x.roots, r) {
			x.roots = append(x.roots, r)
		}
	}
	slices.SortStableFunc(x.roots, func(a, b string) int { return len(b) - len(a) })
	for _, f := range files {
		if strings.HasSuffix(f, ".py") {
			x.add(f)
		}
	}
	return x
}

// Roots returns the source roots, deepest first; "" is the repository root.
func (x *Index) Roots() []string { return x.roots }

// Root returns the source root that the file or folder at p belongs to.
func (x *Index) Root(p string) string {
	for _, r := range x.roots {
		if r == "" || strings.HasPrefix(p, r+"/") {
			return r
		}
	}
	return ""
}

// NameOf returns the dotted name that a file or folder at p has or would
// have, or "" if no module can be called so.
func (x *Index) NameOf(p string) string {
	root := x.Root(p)
	rel := strings.Trim(strings.TrimPrefix(p, root), "/")
	rel = strings.TrimSuffix(strings.TrimSuffix(rel, ".pyi"), ".py")
	if rel == "__init__" {
		return ""
	}
	rel = strings.TrimSuffix(rel, "/__init__")
	name := strings.ReplaceAll(rel, "/", ".")
	for part := range strings.SplitSeq(name, ".") {
		if !IsIdentifier(part) {
			return ""
		}
	}
	return name
}

// name is NameOf for one of many files in the same folder.
func (x *Index) name(file string) string {
	dir, base := path.Split(file)
	pkg, known := x.packages[dir]
	if !known {
		if pkg = "."; strings.Trim(dir, "/") == x.Root(file) {
			pkg = ""
		} else if name := x.NameOf(dir + "__init__.py"); name != "" {
			pkg = name + "."
		}
		x.packages[dir] = pkg
	}
	base = strings.TrimSuffix(base, ".py")
	switch {
	case pkg == "." || !IsIdentifier(base):
		return ""
	case base == "__init__":
		return strings.TrimSuffix(pkg, ".")
	}
	return pkg + base
}

func (x *Index) add(file string) {
	name := x.name(file)
	if name == "" {
		return
	}
	m := x.byName[name]
	if m != nil && m.Path != "" && x.Root(m.Path) != x.Root(file) {
		return // the one below the root that comes first counts
	}
	if path.Base(file) == "__init__.py" {
		if m == nil {
			m = &Module{Name: name}
			x.byName[name] = m
		} else if !m.Package {
			m.Shadowed = m.Path
			delete(x.byPath, m.Path)
		}
		m.Path, m.Dir, m.Package = file, path.Dir(file), true
	} else {
		switch {
		case m == nil || m.Path == "":
			x.byName[name] = &Module{Name: name, Path: file}
			m = x.byName[name]
		case m.Package:
			m.Shadowed = file
		}
	}
	if m.Path == file {
		x.byPath[file] = m
	}
	x.addParents(name, file)
}

// addParents makes the folders above a module namespace packages, unless they
// are known as packages already (PEP 420).
func (x *Index) addParents(name, file string) {
	dir := path.Dir(file)
	if path.Base(file) == "__init__.py" {
		dir = path.Dir(dir)
	}
	for {
		i := strings.LastIndexByte(name, '.')
		if i < 0 {
			return
		}
		name = name[:i]
		m := x.byName[name]
		switch {
		case m == nil:
			x.byName[name] = &Module{Name: name, Dir: dir, Package: true}
		case !m.Package:
			// A module beside a folder of its name: the module wins over a
			// namespace package, until an __init__.py turns up.
		default:
			return
		}
		dir = path.Dir(dir)
	}
}

// Lookup returns the module of the given dotted name. Code may say
// "src.pkg.mod" for a module that is pkg.mod from the root src: then prefix is
// "src.", and the module is the same. It returns nil if there is none.
func (x *Index) Lookup(dotted string) (m *Module, prefix string) {
	if m := x.byName[dotted]; m != nil {
		return m, ""
	}
	for _, r := range x.roots {
		if r == "" {
			continue
		}
		prefix := strings.ReplaceAll(r, "/", ".") + "."
		if rest, ok := strings.CutPrefix(dotted, prefix); ok {
			if m := x.byName[rest]; m != nil && x.Root(m.file()) == r {
				return m, prefix
			}
		}
	}
	return nil, ""
}

func (m *Module) file() string {
	if m.Path != "" {
		return m.Path
	}
	return m.Dir + "/"
}

// ByPath returns the module that the file at p is, or nil. A module that a
// package of the same name hides is none.
func (x *Index) ByPath(p string) *Module { return x.byPath[p] }

// Names calls yield for each module, in no order.
func (x *Index) Names(yield func(*Module) bool) {
	for _, m := range x.byName {
		if !yield(m) {
			return
		}
	}
}

// Absolute returns the dotted module that a from import names: level leading
// dots and a name, in the module called module (a package or not). It returns
// "" when the dots lead above the top (PEP 328).
func Absolute(module string, isPackage bool, level int, name string) string {
	if level == 0 {
		return name
	}
	parts := strings.Split(module, ".")
	if !isPackage {
		parts = parts[:len(parts)-1]
	}
	if level-1 >= len(parts)+1 || module == "" {
		return ""
	}
	parts = parts[:len(parts)-(level-1)]
	if name != "" {
		parts = append(parts, name)
	}
	return strings.Join(parts, ".")
}

// IsIdentifier reports whether s can be a part of a dotted name. Keywords are
// not told apart.
func IsIdentifier(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !IsNameByte(s[i]) {
			return false
		}
	}
	return true
}

// IsNameByte reports whether c can be part of an identifier; bytes of
// characters beyond ASCII can.
func IsNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
