package phases

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/glob"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// Run carries out one phase of a plan on a tree and returns what it does to
// it. Answers to decisions are in p.Decide. Decisions that later phases will
// ask are part of the change too, so that they can be answered early.
//
// It fails, and nothing is done, when the plan cannot be carried out on this
// tree at all: no Python in it, two moves to one place, a phase out of turn.
func Run(ctx context.Context, t tree.Tree, p *plan.Plan, phase Phase, opt Options) (*Change, error) {
	changes, err := RunFrom(ctx, t, p, phase, opt)
	if err != nil {
		return nil, err
	}
	return changes[0], nil
}

// RunFrom carries out a phase and all that come after it, each on the result of
// the one before. It returns what Run would for each, and reads the tree once.
func RunFrom(ctx context.Context, t tree.Tree, p *plan.Plan, phase Phase, opt Options) ([]*Change, error) {
	if !slices.Contains(All, phase) {
		return nil, fmt.Errorf("phase %q: there are moves, imports and cleanup", phase)
	}
	src, err := readSources(ctx, t, p, newParser())
	if err != nil {
		return nil, err
	}
	changes, _, err := runFrom(ctx, src, p, phase, opt)
	return changes, err
}

// runFrom is RunFrom on what was read. It also returns what was there before
// each phase.
func runFrom(ctx context.Context, src *sources, p *plan.Plan, phase Phase, opt Options) (changes []*Change, before []*sources, err error) {
	for _, now := range All[slices.Index(All, phase):] {
		c, err := run(ctx, src, p, now, opt)
		if err != nil && now != phase {
			err = fmt.Errorf("looking ahead to %s: %w", now, err)
		}
		if err != nil {
			return nil, nil, err
		}
		for _, earlier := range changes {
			earlier.lookAhead(c)
		}
		changes, before = append(changes, c), append(before, src)
		if now == Cleanup {
			break
		}
		if src, err = src.after(ctx, c); err != nil {
			return nil, nil, err
		}
	}
	return changes, before, nil
}

// lookAhead adds the decisions that a later phase asks.
func (c *Change) lookAhead(later *Change) {
	for _, d := range later.Decisions {
		if !slices.ContainsFunc(c.Decisions, func(have Decision) bool { return have.Path == d.Path }) {
			c.Decisions = append(c.Decisions, d)
		}
	}
	c.Unasked = slices.DeleteFunc(c.Unasked, func(p string) bool { return !slices.Contains(later.Unasked, p) })
}

// Apply returns the tree that t is after the change.
func (c *Change) Apply(t tree.Tree) (tree.Tree, error) {
	for _, commit := range c.Commits {
		next, err := tree.Apply(t, commit.Edits)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", commit.Title, err)
		}
		t = next
	}
	return t, nil
}

func run(ctx context.Context, src *sources, p *plan.Plan, phase Phase, opt Options) (*Change, error) {
	j, err := look(ctx, src, p, phase, opt)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(j.src.paths, func(f string) bool { return strings.HasSuffix(f, ".py") }) {
		return nil, errors.New("there is no Python file in the repository: a plan moves Python modules")
	}
	c := &Change{Phase: phase, Commits: []Commit{}, Moved: []Moved{}, Rewritten: []Rewrite{}, Deleted: []string{}, Claims: j.claims()}
	switch phase {
	case Moves:
		err = j.runMoves(c)
	case Imports:
		err = j.runImports(c)
	default:
		err = j.runCleanup(c)
	}
	if err != nil {
		return nil, err
	}
	if err := j.warnLinks(c); err != nil {
		return nil, err
	}
	for _, p := range sorted(keys(j.plan.Decide)) {
		if at, _ := j.find(p); !j.answered[at] {
			c.Unasked = append(c.Unasked, p)
		}
	}
	c.Sources = append([]string{}, j.sources...)
	slices.Sort(c.Sources)
	c.Decisions = append([]Decision{}, j.decisions...)
	c.Warnings = append([]Warning{}, j.warnings...)
	slices.SortFunc(c.Warnings, func(a, b Warning) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line, strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	c.Warnings = slices.Compact(c.Warnings)
	return c, nil
}

// requireMoved fails when a phase comes before the moves it builds on.
func (j *job) requireMoved() error {
	for _, mv := range j.moves {
		if !mv.done {
			return fmt.Errorf("%s has not moved to %s yet: run the moves phase first", mv.from, mv.to)
		}
	}
	return nil
}

// title returns the title of the commit for a step of the plan.
func (j *job) title(step int, otherwise string) string {
	for _, s := range j.plan.Steps {
		if s.Number == step && step != 0 {
			return fmt.Sprintf("Step %d: %s", step, s.Title)
		}
	}
	if step != 0 {
		return fmt.Sprintf("Step %d: %s", step, strings.ToLower(otherwise[:1])+otherwise[1:])
	}
	return otherwise
}

// commits collects the edits of a phase by step.
type commits struct {
	steps map[int][]tree.Edit
}

func (c *commits) add(step int, e tree.Edit) {
	if c.steps == nil {
		c.steps = map[int][]tree.Edit{}
	}
	c.steps[step] = append(c.steps[step], e)
}

// into appends one commit for each step, in order, those without a step last.
func (c *commits) into(change *Change, j *job, otherwise string) {
	var steps []int
	for s := range c.steps {
		steps = append(steps, s)
	}
	slices.Sort(steps)
	if len(steps) > 0 && steps[0] == 0 {
		steps = append(steps[1:], 0)
	}
	for _, s := range steps {
		change.Commits = append(change.Commits, newCommit(s, j.title(s, otherwise), c.steps[s]))
	}
}

func newCommit(step int, title string, edits []tree.Edit) Commit {
	slices.SortStableFunc(edits, func(a, b tree.Edit) int { return strings.Compare(a.Path, b.Path) })
	c := Commit{Step: step, Title: title, Edits: edits}
	for _, e := range edits {
		c.Files = append(c.Files, e.Path)
		if e.From != "" {
			c.Files = append(c.Files, e.From)
		}
	}
	slices.Sort(c.Files)
	c.Files = slices.Compact(c.Files)
	return c
}

// write returns the edit that gives a file of t new content and keeps its mode.
func write(t tree.Tree, p string, data []byte) tree.Edit {
	e, _ := tree.Find(t, p)
	return tree.Edit{Path: p, Data: data, Mode: e.Mode}
}

// excluded reports whether a file is never rewritten.
func (j *job) excluded(f string) bool {
	base := path.Base(f)
	if f == j.opt.PlanFile || f == j.plan.Guide || j.src.plans[f] || isHistory(base) {
		return true
	}
	if len(j.opt.Include) > 0 && !slices.ContainsFunc(j.opt.Include, func(g string) bool { return glob.Match(g, f) }) {
		return true
	}
	return slices.ContainsFunc(j.opt.Exclude, func(g string) bool { return glob.Match(g, f) })
}

var history = regexp.MustCompile(`(?i)^(changelog.*|(changes|history|news)(\.(md|rst|txt))?)$`)

// isHistory reports whether a file tells what was, in the names of then. A
// module may be called changelog, too.
func isHistory(base string) bool {
	return history.MatchString(base) && !strings.HasSuffix(base, ".py") && !strings.HasSuffix(base, ".pyi")
}

// rewriteFile rewrites the references in one file of m's tree; from is where it
// was when its relative imports were written. A file that cannot be read as
// what it is has no edits, but a warning.
func (j *job) rewriteFile(m *model, f, from string) (*rewriter, error) {
	src, err := m.tree.Read(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f, err)
	}
	var r *rewriter
	switch {
	case strings.HasSuffix(f, ".py") || strings.HasSuffix(f, ".pyi"):
		syntax := m.syntax(f)
		if syntax.ErrorLine != 0 {
			return unreadable(m, f, syntax, Warning{Line: syntax.ErrorLine, Rule: "syntax-error", Message: "this file does not parse, so it is left as it is"}), nil
		}
		r = &rewriter{m: m, f: syntax, path: f, module: m.index.NameOf(f), pkg: isInit(f), origin: m.index.NameOf(from), wasPkg: isInit(from)}
		r.run()
	case isNotebook(f):
		if r, err = m.rewriteNotebook(f, src); err != nil {
			return unreadable(m, f, &python.Syntax{Src: src}, Warning{Rule: "notebook", Message: "this notebook cannot be read, so it is left as it is: " + err.Error()}), nil
		}
	default:
		r = m.rewriteText(f, src)
	}
	if strings.HasSuffix(f, ".py") {
		err = r.f.Check(r.edits)
	} else {
		_, err = python.Apply(src, r.edits)
	}
	if err != nil {
		return nil, fmt.Errorf("rewrite %s: %w", f, err)
	}
	return r, nil
}

// isInit reports whether a file is a package's own.
func isInit(f string) bool { return strings.HasPrefix(path.Base(f), "__init__.") }

// unreadable returns the rewriter of a file that is left as it is.
func unreadable(m *model, f string, syntax *python.Syntax, w Warning) *rewriter {
	w.Path = f
	return &rewriter{m: m, path: f, f: syntax, warnings: []Warning{w}}
}
