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
	search  *search  // for marks, the word of each name, and begun
	begun   []string // a parent with what ends it where a name is put together at run time
}

// A planName is the last part of a path or module in the plan.
type planName struct{ word, folder, parent string }

// marks are what a file contains that imports modules by names put together, or
// configures loggers.
var marks = [][]byte{[]byte("import_module"), []byte("loggers"), []byte("qualname"), []byte("getLogger(")}

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
		for _, end := range []string{".", "/", `"`, "'"} {
			if begun := name.parent + end; name.parent != "" && !slices.Contains(n.begun, begun) {
				n.begun = append(n.begun, begun)
			}
		}
	}
	for _, b := range n.begun {
		words = append(words, []byte(b))
	}
	n.search = newSearch(words)
	return n
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

// hit reports whether the file may refer to something in the plan: it lies in
// a folder that does, it has a word of the plan and the word's parent, which
// may be the folder that it lies in, or it has the parent and imports what is
// put together when the program runs. Lone are the names whose word it has
// without the parent: that is enough if the parent is a source root.
func (n *planNames) hit(f string, src []byte) (hit bool, lone []string) {
	if n.inFolder(f) {
		return true, nil
	}
	in := func(folder string) bool { return strings.Contains("/"+f, "/"+folder+"/") }
	calls, logs, missed := false, false, map[int]bool{}
	below := slices.ContainsFunc(n.names, func(name planName) bool { return in(name.folder) })
	n.search.each(src, func(k, at int) {
		rest := src[at+len(n.search.words[k]):]
		switch k -= len(marks); {
		case hit:
		case k < 0:
			switch mark := string(n.search.words[k+len(marks)]); mark {
			case "import_module":
				calls = true
			case "loggers":
				logs = logs || slices.ContainsFunc(n.above, func(pkg []byte) bool { return bytes.Contains(src, pkg) })
			default:
				name := bytes.TrimLeft(rest[:min(len(rest), sight)], " \t=\"'")
				logs = logs || slices.ContainsFunc(n.above, func(pkg []byte) bool { return bytes.HasPrefix(name, pkg) })
			}
		case k >= len(n.names):
			switch begun := n.begun[k-len(n.names)]; {
			case len(rest) == 0:
			case strings.HasSuffix(begun, "."):
				hit = strings.IndexByte("{%\"'", rest[0]) >= 0
			case strings.HasSuffix(begun, "/"):
				hit = strings.IndexByte("*?[({", rest[0]) >= 0
			default:
				below = true // as far as a call goes
			}
		case missed[k]: // the whole file was searched for its parent
		case alone(src, at, len(src)-len(rest)):
			name := n.names[k]
			missed[k] = true
			hit = name.parent == "" || in(name.parent) || bytes.Contains(src, []byte(name.parent))
			if !hit && !slices.Contains(lone, name.folder) {
				lone = append(lone, name.folder)
			}
		}
	})
	return hit || logs || calls && (below || len(lone) > 0), lone
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
	n.search.each(text, func(_, i int) { at = append(at, i) })
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
	if strings.HasSuffix(f, ".py") {
		out.imported = python.ImportedModules(python.ImportStatements(src))
	}
	if len(src) > maxText || !strings.HasSuffix(f, ".py") && bytes.IndexByte(src[:min(len(src), 8000)], 0) >= 0 {
		return out
	}
	hit, lone := n.hit(f, src)
	if hit {
		out.hit, out.plan = append([]byte{}, src...), plan.IsPlan(f, src)
	}
	out.lone = lone
	return out
}
