package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/restage/restage/phases/tree"
)

// A Guard finds uses of old paths that somebody adds while a plan is carried
// out, in the way that Leftovers finds those that are left.
type Guard struct {
	checker *checker
	words   [][]byte
}

// NewGuard returns a guard of what e.Olds lists. e.Before, the tree that the
// plan is understood by, is needed; e.After is not.
func NewGuard(ctx context.Context, e Expectation) (*Guard, error) {
	e.After, e.Stage = nil, Rewritten
	e.Going = nil // what is written into a file that is to go moves with it
	c, err := open(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	return &Guard{c, words(e.Olds)}, nil
}

// Uses returns the uses of old paths in lines of a tree, which are given by file
// and number, sorted by file and line.
func (g *Guard) Uses(ctx context.Context, t tree.Tree, lines map[string]map[int]bool) ([]Annotation, error) {
	var files []string
	for f := range lines {
		src, err := t.Read(f)
		if err != nil {
			return nil, fmt.Errorf("guard: %w", err)
		}
		if containsAny(src, g.words) {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	slices.Sort(files)
	c := *g.checker
	var err error
	if c.after, err = newWorld(ctx, t, c.Roots, g.words, c.Parse); err != nil {
		return nil, fmt.Errorf("guard: %w", err)
	}
	r := &report{}
	s := newSearch(&c, r)
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c.after.sources[f] != nil && !s.skips(f) {
			s.file(f)
		}
	}
	uses := slices.DeleteFunc(r.list, func(a Annotation) bool { return !lines[a.Path][a.Line] })
	slices.SortFunc(uses, func(a, b Annotation) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Level, b.Level), strings.Compare(a.Message, b.Message))
	})
	return slices.Compact(uses), nil
}
