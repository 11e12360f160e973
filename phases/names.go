package phases

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
)

// planNames is what a file must contain to refer to anything that the plan
// touches.
type planNames struct {
	names   []planName
	folders []string // folders whose own files may refer to each other with dots alone
	above   [][]byte // the names of all packages on the way
	search  *search  // for marks, the word of each name, and joints of each parent
}

// A planName is the last part of a path or module in the plan.
type planName struct{ word, folder, parent string }

// marks are what a file contains that imports modules, or configures loggers.
var marks = [][]byte{[]byte("import"), []byte("loggers"), []byte("qualname"), []byte("getLogger(")}

// joints are what follows a package's name where the rest of a module's name, or
// of its path, is put together at run time.
var joints = []string{".{", ".%", `."`, ".'", "/*", "/?", "/[", "/(", "/{"}

func namesOf(p *plan.Plan) *planNames {
	n := &planNames{}
	for _, mv := range p.Moves {
		n.addPath(mv.From)
	}
	for _, r := range p.Retire {
		n.addPath(r.Path)
	}
	for _, d := range p.Delete {
		n.addPath(d.Path)
	}
	for _, at := range p.Keep {
		n.addPath(at) // who uses it is to be told
	}
	for _, row := range p.Imports {
		old := strings.TrimSuffix(row.Old, ".*")
		old, name, symbol := strings.Cut(old, ":")
		n.add(strings.ReplaceAll(old, ".", "/"))
		if symbol {
			n.add(strings.ReplaceAll(old, ".", "/") + "/" + name)
		}
	}
	words := slices.Clone(marks)
	for _, name := range n.names {
		words = append(words, []byte(name.word))
	}
	for _, parent := range n.parents() {
		for _, joint := range joints {
			words = append(words, []byte(parent+joint))
		}
	}
	n.search = newSearch(words)
	return n
}

// parents returns the last parts of the packages that hold something of the
// plan.
func (n *planNames) parents() []string {
	var list []string
	for _, name := range n.names {
		if name.parent != "" && !slices.Contains(list, name.parent) {
			list = append(list, name.parent)
		}
	}
	return list
}

func (n *planNames) addPath(at string) {
	folder := strings.HasSuffix(at, "/")
	at = strings.TrimSuffix(at, "/")
	if path.Base(at) == "__init__.py" {
		at, folder = path.Dir(at), true
	}
	if folder {
		n.folders = append(n.folders, at)
	}
	n.add(strings.TrimSuffix(at, ".py"))
}

func (n *planNames) add(at string) {
	name := planName{word: path.Base(at), folder: path.Dir(at)}
	if i := strings.IndexByte(name.word, '.'); i > 0 {
		name.word = name.word[:i] // the dots may be escaped
	}
	if name.folder != "." && name.folder != "/" {
		name.parent = path.Base(name.folder)
		for part := range strings.SplitSeq(name.folder, "/") {
			if !slices.ContainsFunc(n.above, func(have []byte) bool { return string(have) == part }) {
				n.above = append(n.above, []byte(part))
			}
		}
	}
	n.names = append(n.names, name)
}

// A glance is what one search through a file finds.
type glance struct {
	hit     bool     // it may refer to something in the plan
	lone    []string // folders: it has the name of something in them, and not theirs
	imports []int    // where "import" stands, sorted
}

// glance searches a file. It may refer to something in the plan if it lies in a
// folder that does, has a word of the plan and the word's parent, which may be
// the folder that it lies in, or has the parent and imports what is put together
// when the program runs. To have the word without the parent is enough if the
// parent is a source root.
func (n *planNames) glance(f string, src []byte) glance {
	g := glance{hit: n.inFolder(f)}
	in := func(folder string) bool { return strings.Contains("/"+f, "/"+folder+"/") }
	calls, logs, missed := false, false, map[int]bool{}
	n.search.each(src, func(k, at int) {
		if k == 0 {
			g.imports = append(g.imports, at)
			calls = calls || bytes.HasPrefix(src[at:], []byte("import_module"))
			return
		}
		end := at + len(n.search.words[k])
		switch name := k - len(marks); {
		case g.hit:
		case name < 0:
			logs = logs || n.logs(src, end, string(n.search.words[k]))
		case name >= len(n.names):
			g.hit = true
		case missed[name]: // the whole file was searched for its parent
		case alone(src, at, end):
			name, parent := n.names[name], n.names[name].parent
			missed[k-len(marks)] = true
			g.hit = parent == "" || in(parent) || bytes.Contains(src, []byte(parent))
			if !g.hit && !slices.Contains(g.lone, name.folder) {
				g.lone = append(g.lone, name.folder)
			}
		}
	})
	g.hit = g.hit || logs || calls && (len(g.lone) > 0 || n.quoted(src) || slices.ContainsFunc(n.names, func(name planName) bool { return in(name.folder) }))
	slices.Sort(g.imports)
	return g
}

// logs reports whether a logger of the plan's packages may be configured where a
// mark ends.
func (n *planNames) logs(src []byte, end int, mark string) bool {
	if mark == "loggers" {
		return slices.ContainsFunc(n.above, func(pkg []byte) bool { return bytes.Contains(src, pkg) })
	}
	name := bytes.TrimLeft(src[end:min(len(src), end+sight)], " \t=\"'")
	return slices.ContainsFunc(n.above, func(pkg []byte) bool { return bytes.HasPrefix(name, pkg) })
}

// quoted reports whether a string in src ends in a package that holds something
// of the plan.
func (n *planNames) quoted(src []byte) bool {
	return slices.ContainsFunc(n.parents(), func(parent string) bool {
		return bytes.Contains(src, []byte(parent+`"`)) || bytes.Contains(src, []byte(parent+"'"))
	})
}

// moves reports whether the file at f, below some source root, may be one that
// moves.
func (n *planNames) moves(f string) bool {
	return slices.ContainsFunc(n.names, func(name planName) bool {
		return strings.HasSuffix("/"+f, "/"+path.Join(name.folder, name.word)+".py")
	})
}

// inFolder reports whether the file lies in a folder that moves or goes.
func (n *planNames) inFolder(f string) bool {
	return slices.ContainsFunc(n.folders, func(folder string) bool { return strings.Contains("/"+f, "/"+folder+"/") })
}

// places returns where words of the plan stand in a text, sorted.
func (n *planNames) places(text []byte) []int {
	at := []int{}
	n.search.each(text, func(k, i int) {
		if k > 0 {
			at = append(at, i)
		}
	})
	slices.Sort(at)
	return at
}

// alone reports whether src[at:end] is no part of a longer word. Before it may
// stand an escape, as in "\\n".
func alone(src []byte, at, end int) bool {
	in := func(c byte) bool { return c < utf8.RuneSelf && python.IsNameByte(c) }
	return (at == 0 || !in(src[at-1]) || at > 1 && src[at-2] == '\\') && (end == len(src) || !in(src[end]))
}

// look looks into one file.
func (n *planNames) look(f string, src []byte) finding {
	out := finding{declared: declarations(f, src)}
	isPython := strings.HasSuffix(f, ".py")
	if len(src) > maxText && !isPython || !isPython && bytes.IndexByte(src[:min(len(src), 8000)], 0) >= 0 {
		return out
	}
	g := n.glance(f, src)
	if isPython {
		out.imported = python.ImportedModules(python.ImportStatements(src, g.imports))
	}
	if len(src) > maxText {
		return out
	}
	if g.hit {
		out.hit, out.plan = append([]byte{}, src...), plan.IsPlan(f, src)
	}
	out.lone = g.lone
	return out
}
