package phases

import (
	"bytes"
	"context"
	"hash/maphash"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// maxText is the size in bytes above which a file is not looked into.
const maxText = 16 << 20

// sources is a tree, and what one pass over all its files gives: which there
// are, what they import, and which may name anything that the plan touches.
type sources struct {
	tree.Tree
	paths    []string        // all files but symbolic links, sorted
	found    []finding       // of each of paths
	imported map[string]bool // dotted names in import lines
	plans    map[string]bool // files that are plans themselves
	held     map[string][]byte
	declared []declaration // source roots that settings name

	names *planNames
	parse *parser
}

// A finding is what is found in one file.
type finding struct {
	imported []string // dotted names in import lines
	hit      []byte   // the file, if it contains a name of the plan
	plan     bool     // it is a plan itself
	lone     []string // folders: it has the name of something in them, and not theirs
	declared []declaration
}

// A parser remembers what it parsed: the phases look at the same files again
// and again, and most have not changed in between.
type parser struct {
	mu    sync.Mutex
	seed  maphash.Seed
	files map[uint64]*parsed
}

// parsed is a file that is parsed when it is asked for first.
type parsed struct {
	src    []byte
	syntax func() *python.Syntax
}

func newParser() *parser { return &parser{seed: maphash.MakeSeed(), files: map[uint64]*parsed{}} }

// parse returns the syntax of the Python file src.
func (p *parser) parse(src []byte) *python.Syntax {
	key := maphash.Bytes(p.seed, src)
	p.mu.Lock()
	f := p.files[key]
	if f == nil || !bytes.Equal(f.src, src) {
		f = &parsed{src, sync.OnceValue(func() *python.Syntax { return python.Parse(src) })}
		p.files[key] = f
	}
	p.mu.Unlock()
	return f.syntax()
}

// readSources reads every file of the tree once.
func readSources(ctx context.Context, t tree.Tree, p *plan.Plan, parse *parser) (*sources, error) {
	return (&sources{names: namesOf(p), parse: parse}).next(ctx, t, nil)
}

// next returns the sources of t. It reads the files that s does not know, and
// those changed since.
func (s *sources) next(ctx context.Context, t tree.Tree, changed map[string]bool) (*sources, error) {
	n := &sources{Tree: t, imported: map[string]bool{}, plans: map[string]bool{}, held: map[string][]byte{}, names: s.names, parse: s.parse}
	for _, e := range t.Entries() {
		if e.Mode != tree.Symlink {
			n.paths = append(n.paths, e.Path)
		}
	}
	n.found = make([]finding, len(n.paths))
	var unread []string
	var places []int
	for i, f := range n.paths {
		if at, known := slices.BinarySearch(s.paths, f); known && !changed[f] {
			n.found[i] = s.found[at]
		} else {
			unread, places = append(unread, f), append(places, i)
		}
	}
	err := tree.Scan(ctx, t, unread, func(i int, src []byte) {
		found := n.names.look(unread[i], src)
		if n.found[places[i]] = found; found.hit != nil && strings.HasSuffix(unread[i], ".py") {
			n.parse.parse(found.hit) // it will be asked for, and here all cores work
		}
	})
	if err != nil {
		return nil, err
	}
	for i, f := range n.paths {
		for _, name := range n.found[i].imported {
			n.imported[name] = true
		}
		n.declared = append(n.declared, n.found[i].declared...)
		if n.found[i].hit != nil {
			n.held[f] = n.found[i].hit
			n.plans[f] = n.found[i].plan
		}
	}
	return n, nil
}

// after returns the sources of what the tree is after a change.
func (s *sources) after(ctx context.Context, c *Change) (*sources, error) {
	t, err := c.Apply(s.Tree)
	if err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	for _, commit := range c.Commits {
		for _, f := range commit.Files {
			changed[f] = true
		}
	}
	return s.next(ctx, t, changed)
}

// hitsFrom returns the files that may refer to something in the plan, sorted,
// when it is known where import paths start.
func (s *sources) hitsFrom(roots []string) []string {
	var hits []string
	for i, f := range s.paths {
		if s.found[i].hit != nil || slices.ContainsFunc(s.found[i].lone, func(dir string) bool { return slices.Contains(roots, dir) }) {
			hits = append(hits, f)
		}
	}
	return hits
}

// Read implements tree.Tree. The files that matter are read from memory.
func (s *sources) Read(f string) ([]byte, error) {
	if src, held := s.held[f]; held {
		return src, nil
	}
	return s.Tree.Read(f)
}

// look looks into one file.
func (n *planNames) look(f string, src []byte) finding {
	out := finding{declared: declarations(f, src)}
	if strings.HasSuffix(f, ".py") {
		out.imported = python.ImportedModules(python.ImportStatements(src))
	}
	if len(src) > maxText || bytes.IndexByte(src[:min(len(src), 8000)], 0) >= 0 {
		return out
	}
	hit, lone := n.hit(f, src)
	if hit {
		out.hit, out.plan = append([]byte{}, src...), plan.IsPlan(f, src)
	}
	out.lone = lone
	return out
}

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
	marked := make([]bool, len(marks))
	below := slices.ContainsFunc(n.names, func(name planName) bool { return in(name.folder) })
	n.search.each(src, func(k, at int) {
		rest := src[at+len(n.search.words[k]):]
		switch k -= len(marks); {
		case hit:
		case k < 0:
			marked[k+len(marks)] = true
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
		case alone(src, at, len(src)-len(rest)):
			name := n.names[k]
			hit = name.parent == "" || in(name.parent) || bytes.Contains(src, []byte(name.parent))
			if !hit && !slices.Contains(lone, name.folder) {
				lone = append(lone, name.folder)
			}
		}
	})
	logs := slices.Contains(marked[1:], true)
	return hit || marked[0] && below || logs && slices.ContainsFunc(n.above, func(pkg []byte) bool { return bytes.Contains(src, pkg) }), lone
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

func (s *sources) syntax(f string) *python.Syntax {
	src, err := s.Read(f)
	if err != nil {
		src = nil
	}
	return s.parse.parse(src)
}

// defines reports whether the file binds name at module level.
func (s *sources) defines(f, name string) bool {
	return strings.HasSuffix(f, ".py") && len(s.syntax(f).Module.Bindings(name)) > 0
}
