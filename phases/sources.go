package phases

import (
	"bytes"
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

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
	roots    []string      // where import paths start, and what they lead to,
	index    *python.Index // once a job has found out

	// settled are files in which the phase before has left nothing to do for
	// one that gives modules the same fates.
	settled map[string]bool
	fates   map[string]*dest

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
	n := &sources{Tree: t, imported: map[string]bool{}, plans: map[string]bool{}, held: map[string][]byte{}, names: s.names, parse: s.parse, settled: s.settled, fates: s.fates}
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
		n.found[places[i]] = found
		text := found.hit
		if text == nil && n.names.moves(unread[i]) {
			text = slices.Clone(src)
		}
		if text != nil && !s.settled[unread[i]] && strings.HasSuffix(unread[i], ".py") {
			n.parse.parse(text) // it will be asked for, and here all cores work
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
