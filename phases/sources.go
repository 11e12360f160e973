package phases

import (
	"bytes"
	"context"
	"hash/maphash"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"

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
	hits     []string        // files that contain a name of the plan, sorted
	plans    map[string]bool // files that are plans themselves
	held     map[string][]byte
	declared []declaration // source roots that settings name

	names planNames
	parse *parser
}

// A finding is what is found in one file.
type finding struct {
	imported []string // dotted names in import lines
	hit      []byte   // the file, if it contains a name of the plan
	plan     bool     // it is a plan itself
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
	err := tree.Scan(ctx, t, unread, func(i int, src []byte) { n.found[places[i]] = n.names.look(unread[i], src) })
	if err != nil {
		return nil, err
	}
	for i, f := range n.paths {
		for _, name := range n.found[i].imported {
			n.imported[name] = true
		}
		n.declared = append(n.declared, n.found[i].declared...)
		if n.found[i].hit != nil {
			n.hits = append(n.hits, f)
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

// Read implements tree.Tree. The files that matter are read from memory.
func (s *sources) Read(f string) ([]byte, error) {
	if src, held := s.held[f]; held {
		return src, nil
	}
	return s.Tree.Read(f)
}

// look looks into one file.
func (n planNames) look(f string, src []byte) finding {
	out := finding{declared: declarations(f, src)}
	var statements [][]byte
	if strings.HasSuffix(f, ".py") {
		statements = python.ImportStatements(src)
		out.imported = python.ImportedModules(statements)
	}
	if len(src) <= maxText && bytes.IndexByte(src[:min(len(src), 8000)], 0) < 0 && n.hit(f, src, statements) {
		out.hit, out.plan = append([]byte{}, src...), plan.IsPlan(f, src)
	}
	return out
}

// planNames is what a file must contain to refer to anything that the plan
// touches.
type planNames struct {
	words   map[string]bool // last parts of paths and modules
	parents map[string]bool // the parts before them
	names   []planName
	folders []string // folders whose own files may refer to each other with dots alone
	started [][]byte // "parent." with what follows it where a name is put together at run time
	counted []string // folders of what the plan names, from which import_module may count
}

// A planName is the last part of a path or module in the plan with the part
// before it.
type planName struct {
	word   []byte
	joined [][]byte // "parent.word", "parent/word"; the word alone if it has no parent

	reached [][]byte // how the word is written behind a name for its parent
}

func namesOf(p *plan.Plan) planNames {
	n := planNames{words: map[string]bool{}, parents: map[string]bool{}}
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
	parent, word := path.Base(path.Dir(at)), path.Base(at)
	name := planName{word: []byte(word), joined: [][]byte{[]byte(word)}}
	if parent != "." && parent != "/" {
		name.joined = [][]byte{[]byte(parent + "." + word), []byte(parent + "/" + word), []byte(`".` + word), []byte("'." + word)}
		name.reached = [][]byte{[]byte("." + word), []byte(`"` + word + `"`), []byte("'" + word + "'")}
		n.parents[parent] = true
		for _, escape := range []string{`\.`, `\\.`} {
			name.joined = append(name.joined, []byte(parent+escape+word))
		}
		for _, next := range []string{"{", "%", `"`, "'"} {
			n.started = append(n.started, []byte(parent+"."+next))
		}
		n.counted = append(n.counted, path.Dir(at))
	}
	n.words[word] = true
	n.names = append(n.names, name)
}

// hit reports whether the file may refer to something in the plan: it lies in
// a folder that does, an import statement has one of the words, the words stand
// somewhere behind their parent, an import statement has a parent and a word is
// an attribute, or a name begins with the parent and ends when the program runs. Statements are those of a Python file.
func (n planNames) hit(f string, src []byte, statements [][]byte) bool {
	if slices.ContainsFunc(n.folders, func(d string) bool { return strings.Contains("/"+f, "/"+d+"/") }) {
		return true
	}
	parent := false
	for _, s := range statements {
		for word := range bytes.FieldsFuncSeq(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if n.words[string(word)] {
				return true
			}
			parent = parent || n.parents[string(word)]
		}
	}
	loose := statements == nil && bytes.Contains(src, []byte("import")) || path.Base(f) == "__init__.py"
	for _, name := range n.names {
		if !bytes.Contains(src, name.word) {
			continue
		}
		if loose || slices.ContainsFunc(name.joined, func(j []byte) bool { return bytes.Contains(src, j) }) {
			return true
		}
		if parent && slices.ContainsFunc(name.reached, func(s []byte) bool { return bytes.Contains(src, s) }) {
			return true
		}
	}
	return slices.ContainsFunc(n.started, func(s []byte) bool { return bytes.Contains(src, s) }) ||
		bytes.Contains(src, []byte("import_module")) && slices.ContainsFunc(n.counted, func(dir string) bool { return countsFrom(f, src, dir) })
}

// countsFrom reports whether the file may import what is relative to the package
// in the folder dir: it lies in there, or names the package.
func countsFrom(f string, src []byte, dir string) bool {
	word := path.Base(dir)
	return strings.HasSuffix("/"+path.Dir(f), "/"+dir) || bytes.Contains(src, []byte(word+`"`)) || bytes.Contains(src, []byte(word+"'"))
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
