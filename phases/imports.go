package phases

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// runImports is the second phase: every reference to an old path, in every
// file that stays, goes to the new home. One commit a step: an edit belongs to
// the step that the plan gives the old module.
func (j *job) runImports(c *Change) error {
	if err := j.requireMoved(); err != nil {
		return err
	}
	m := j.newModel(j.tree)
	rewritten, left, _, err := j.rewriteAll(m, j.going(), j.uncovered(false))
	if err != nil {
		return err
	}
	for _, l := range left {
		if !l.soft && !l.told {
			j.warn(l.path, l.line, "unresolved", "%s stays as it is: nothing takes its place", l.what())
		}
	}
	j.src.settled, j.src.fates = j.settled, j.fates
	return j.commitRewrites(c, rewritten, "Update references to their new homes")
}

// what names the leftover for a sentence.
func (l leftover) what() string {
	if l.file != "" {
		return l.file
	}
	if l.name == "" {
		return l.module
	}
	return l.module + "." + l.name
}

// rewriteAll rewrites every file that may refer to something old and is not
// itself about to go.
func (j *job) rewriteAll(m *model, going map[string]bool, uncovered map[string]string) (rewritten []*rewriter, left, computes []leftover, err error) {
	all := make([]*rewriter, len(j.hits))
	j.settled = map[string]bool{}
	views := j.views(m)
	group, ctx := errgroup.WithContext(j.ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	known := sameFates(j.fates, j.src.fates)
	for i, f := range j.hits {
		if known && j.src.settled[f] {
			continue // the phase before has left nothing to do here
		}
		if going[f] || j.excluded(f) || j.isShim(f) {
			continue
		}
		if !utf8.ValidString(f) {
			j.warn(strings.ToValidUTF8(f, "?"), 0, "file-name", "the name of this file is not UTF-8, so it is left as it is")
			continue
		}
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r, err := j.rewriteFile(views.of(f), f, f)
			all[i] = r
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, nil, err
	}
	for _, r := range all {
		if r == nil {
			continue
		}
		if len(r.edits) > 0 {
			r.warnPickles()
		}
		r.warnLoggers(uncovered)
		changed := !strings.HasPrefix(r.path, ".github/workflows/") || j.opt.Workflows
		if changed && !isNotebook(r.path) {
			r.settle()
		}
		j.settled[r.path] = len(r.left)+len(r.computes)+len(r.warnings) == 0 && (changed || len(r.edits) == 0)
		left = append(left, r.left...)
		j.warnings = append(j.warnings, r.warnings...)
		if !changed {
			for _, e := range r.edits {
				j.warn(r.path, r.f.Line(e.Start), "workflow", "%s is to become %s here; restage may not change workflows", r.f.Src[e.Start:e.End], e.Text)
			}
			continue
		}
		computes = append(computes, r.computes...)
		if len(r.edits) > 0 {
			rewritten = append(rewritten, r)
		}
	}
	return rewritten, left, computes, nil
}

// sameFates reports whether two looks at a tree have come to the same fates. A
// decision that is open in one and not in the other makes a difference.
func sameFates(a, b map[string]*dest) bool {
	return maps.EqualFunc(a, b, func(x, y *dest) bool {
		for x != nil && y != nil {
			flatX, flatY := *x, *y
			flatX.shadow, flatY.shadow = nil, nil
			if flatX != flatY {
				return false
			}
			x, y = x.shadow, y.shadow
		}
		return x == y
	})
}

// commitRewrites turns edits into one commit a step: each commit has the file
// with all edits up to its step.
func (j *job) commitRewrites(c *Change, rewritten []*rewriter, otherwise string) error {
	var steps []int
	for _, r := range rewritten {
		for _, e := range r.edits {
			if !slices.Contains(steps, e.Step) {
				steps = append(steps, e.Step)
			}
		}
		c.Rewritten = append(c.Rewritten, newRewrite(r.path, r.edits))
	}
	slices.Sort(steps)
	if len(steps) > 0 && steps[0] == 0 {
		steps = append(steps[1:], 0)
	}
	for i, step := range steps {
		var edits []tree.Edit
		for _, r := range rewritten {
			if !slices.ContainsFunc(r.edits, func(e python.Edit) bool { return e.Step == step }) {
				continue
			}
			upTo := slices.DeleteFunc(slices.Clone(r.edits), func(e python.Edit) bool { return !slices.Contains(steps[:i+1], e.Step) })
			data, err := python.Apply(r.f.Src, upTo)
			if err != nil {
				return fmt.Errorf("rewrite %s: %w", r.path, err)
			}
			edits = append(edits, write(j.tree, r.path, data))
		}
		c.Commits = append(c.Commits, newCommit(step, j.title(step, otherwise), edits))
	}
	return nil
}
