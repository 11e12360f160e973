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

	mu     sync.Mutex
	parsed map[string]*python.Syntax
}

// readSources reads every file of the tree once.
func readSources(ctx context.Context, t tree.Tree, p *plan.Plan) (*sources, error) {
	s := &sources{tree: t, imported: map[string]bool{}, parsed: map[string]*python.Syntax{}}
	for _, e := range t.Entries() {
		if e.Mode != tree.Symlink {
			s.paths = append(s.paths, e.Path)
		}
	}
	needles, folders := planNames(p)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	const batch = 64
	for chunk := range slices.Chunk(s.paths, batch) {
		group.Go(func() error {
			for _, f := range chunk {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := s.read(f, needles, folders); err != nil {
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

func (s *sources) read(f string, needles [][]byte, folders []string) error {
	src, err := s.tree.Read(f)
	if err != nil {
		return err
	}
	var imported []string
	if strings.HasSuffix(f, ".py") {
		imported = python.ImportedModules(src)
	}
	hit := false
	if len(src) <= maxText && bytes.IndexByte(src[:min(len(src), 8000)], 0) < 0 {
		hit = slices.ContainsFunc(needles, func(n []byte) bool { return bytes.Contains(src, n) }) ||
			slices.ContainsFunc(folders, func(d string) bool { return strings.Contains("/"+f, "/"+d+"/") })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range imported {
		s.imported[name] = true
	}
	if hit {
		s.hits = append(s.hits, f)
	}
	return nil
}

// planNames returns the words without which no file can refer to anything that
// the plan touches: the last part of each path and module in it. Folders are
// those whose own files may refer to each other with dots alone.
func planNames(p *plan.Plan) (needles [][]byte, folders []string) {
	add := func(word string) {
		if word != "" && word != "." && !slices.ContainsFunc(needles, func(n []byte) bool { return string(n) == word }) {
			needles = append(needles, []byte(word))
		}
	}
	addPath := func(at string) {
		folder := strings.HasSuffix(at, "/")
		at = strings.TrimSuffix(at, "/")
		if path.Base(at) == "__init__.py" {
			at, folder = path.Dir(at), true
		}
		if folder {
			folders = append(folders, at)
		}
		add(strings.TrimSuffix(path.Base(at), ".py"))
	}
	for _, mv := range p.Moves {
		addPath(mv.From)
	}
	for _, r := range p.Retire {
		addPath(r.Path)
	}
	for _, d := range p.Delete {
		addPath(d.Path)
	}
	for _, row := range p.Imports {
		old := strings.TrimSuffix(row.Old, ".*")
		old, name, symbol := strings.Cut(old, ":")
		add(old[strings.LastIndexByte(old, '.')+1:])
		if symbol {
			add(name)
		}
	}
	return needles, folders
}

func (s *sources) syntax(f string) *python.Syntax {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parsed[f] == nil {
		src, err := s.tree.Read(f)
		if err != nil {
			src = nil
		}
		s.parsed[f] = python.Parse(src)
	}
	return s.parsed[f]
}

// defines reports whether the file binds name at module level.
func (s *sources) defines(f, name string) bool {
	return strings.HasSuffix(f, ".py") && len(s.syntax(f).Module.Bindings(name)) > 0
}
