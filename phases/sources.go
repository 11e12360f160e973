package phases

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/sync/errgroup"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// maxText is the size in bytes above which a file is not looked into.
const maxText = 16 << 20

// sources is what one pass over all files of a tree gives: which there are,
// what they import, and which may name anything that the plan touches.
type sources struct {
	tree     tree.Tree
	paths    []string        // all files but symbolic links, sorted
	imported map[string]bool // dotted names in import lines
	hits     []string        // files that contain a name of the plan, sorted
	plans    map[string]bool // files that are plans themselves

	mu    sync.Mutex
	parse *parser
}

// A parser remembers what it parsed: the phases look at the same files again
// and again, and most have not changed in between.
type parser struct {
	mu    sync.Mutex
	files map[string]*python.Syntax
}

func newParser() *parser { return &parser{files: map[string]*python.Syntax{}} }

// parse returns the syntax of the file at path with the content src.
func (p *parser) parse(path string, src []byte) *python.Syntax {
	p.mu.Lock()
	f := p.files[path]
	p.mu.Unlock()
	if f != nil && bytes.Equal(f.Src, src) {
		return f
	}
	f = python.Parse(src)
	p.mu.Lock()
	p.files[path] = f
	p.mu.Unlock()
	return f
}

// readSources reads every file of the tree once.
func readSources(ctx context.Context, t tree.Tree, p *plan.Plan, parse *parser) (*sources, error) {
	s := &sources{tree: t, imported: map[string]bool{}, plans: map[string]bool{}, parse: parse}
	for _, e := range t.Entries() {
		if e.Mode != tree.Symlink {
			s.paths = append(s.paths, e.Path)
		}
	}
	names := namesOf(p)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	const batch = 64
	for chunk := range slices.Chunk(s.paths, batch) {
		group.Go(func() error {
			for _, f := range chunk {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := s.read(f, names); err != nil {
					return fmt.Errorf("read %s: %w", f, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(s.hits)
	return s, nil
}

func (s *sources) read(f string, names planNames) error {
	src, err := s.tree.Read(f)
	if err != nil {
		return err
	}
	var statements [][]byte
	var imported []string
	if strings.HasSuffix(f, ".py") {
		statements = python.ImportStatements(src)
		imported = python.ImportedModules(statements)
	}
	hit := len(src) <= maxText && bytes.IndexByte(src[:min(len(src), 8000)], 0) < 0 && names.hit(f, src, statements)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range imported {
		s.imported[name] = true
	}
	if hit && plan.IsPlan(f, src) {
		s.plans[f] = true
	}
	if hit {
		s.hits = append(s.hits, f)
	}
	return nil
}

// planNames is what a file must contain to refer to anything that the plan
// touches.
type planNames struct {
	words   map[string]bool // last parts of paths and modules
	names   []planName
	folders []string // folders whose own files may refer to each other with dots alone
	started [][]byte // "parent." with what follows it where a name is put together at run time
}

// A planName is the last part of a path or module in the plan with the part
// before it.
type planName struct {
	word   []byte
	joined [][]byte // "parent.word", "parent/word"; the word alone if it has no parent
}

func namesOf(p *plan.Plan) planNames {
	n := planNames{words: map[string]bool{}}
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
		for _, next := range []string{"{", "%", `"`, "'"} {
			n.started = append(n.started, []byte(parent+"."+next))
		}
	}
	n.words[word] = true
	n.names = append(n.names, name)
}

// hit reports whether the file may refer to something in the plan: it lies in
// a folder that does, an import statement has one of the words, the words stand
// somewhere behind their parent, or a name begins with the parent and ends when
// the program runs. Statements are those of a Python file.
func (n planNames) hit(f string, src []byte, statements [][]byte) bool {
	if slices.ContainsFunc(n.folders, func(d string) bool { return strings.Contains("/"+f, "/"+d+"/") }) {
		return true
	}
	for _, s := range statements {
		for word := range bytes.FieldsFuncSeq(s, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if n.words[string(word)] {
				return true
			}
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
	}
	return slices.ContainsFunc(n.started, func(s []byte) bool { return bytes.Contains(src, s) })
}

func (s *sources) syntax(f string) *python.Syntax {
	src, err := s.tree.Read(f)
	if err != nil {
		src = nil
	}
	return s.parse.parse(f, src)
}

// defines reports whether the file binds name at module level.
func (s *sources) defines(f, name string) bool {
	return strings.HasSuffix(f, ".py") && len(s.syntax(f).Module.Bindings(name)) > 0
}
