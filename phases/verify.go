package phases

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// Verify runs the static checks of a phase on its result, after. Before is the
// tree that the phase started from, or any earlier one: what was wrong in it
// is not held against the phase. It may be nil if that is not known; what is
// wrong then and has nothing to do with the plan is a warning.
//
// It fails when the plan cannot be carried out on these trees at all, or a
// tree cannot be read; what the checks find is in the results.
func Verify(ctx context.Context, before, after tree.Tree, p *plan.Plan, phase Phase, opt Options) ([]check.Result, error) {
	at := slices.Index(All, phase)
	if at < 0 {
		return nil, fmt.Errorf("phase %q: there are moves, imports and cleanup", phase)
	}
	v, parse := &verifier{stage: check.Stage(at)}, newParser()
	if before != nil {
		src, err := readSources(ctx, before, p, parse)
		if err != nil {
			return nil, err
		}
		if v.was, err = look(ctx, src, p, phase, opt); err != nil {
			return nil, fmt.Errorf("look at the tree before: %w", err)
		}
		p = withRoots(p, v.was.roots, after)
	}
	src, err := readSources(ctx, after, p, parse)
	if err != nil {
		return nil, err
	}
	if v.now, err = look(ctx, src, p, phase, opt); err != nil {
		return nil, err
	}
	if v.was == nil {
		v.was = v.now
	}
	open, err := v.decisions(ctx, phase)
	if err != nil {
		return nil, err
	}
	if v.stage == check.Cleaned && v.now.requireMoved() == nil {
		if v.again, err = run(ctx, src, p, phase, opt); err != nil {
			return nil, err
		}
		open = append(open, v.spares()...)
	}
	e := v.expect(open)
	e.Before, e.After, e.Parse = before, after, parse.parse
	results, err := check.Run(ctx, e)
	if err != nil {
		return nil, err
	}
	if promise := promised(p, phase); len(promise.Checks) > 0 {
		promise.Stays = append(slices.Clone(e.Kept), v.disputed...)
		for _, r := range results {
			if r.Name == check.Leftovers {
				promise.Leftovers = r.Annotations
			}
		}
		planned, err := check.Planned(ctx, after, v.now.index.Roots(), promise)
		if err != nil {
			return nil, fmt.Errorf("check what the plan says: %w", err)
		}
		results = append(results, planned)
	}
	return results, nil
}

// promised returns what the plan's own shell blocks say of the result of a phase.
// What is to be there, is from the phase of its step on; what is to be gone goes
// in cleanup, wherever the plan says so.
func promised(p *plan.Plan, phase Phase) check.Promise {
	promise := check.Promise{Steps: p.Steps}
	for _, c := range p.Checks {
		from := slices.Index(All, Phase(p.PhaseOf(c.Step)))
		switch {
		case c.Step == 0, c.Kind == plan.Absent, (c.Kind == plan.Text || c.Kind == plan.Found) && c.Count == 0:
			from = len(All) - 1
		case c.Kind == plan.Same:
			continue // before the duplicate goes; the decision about it says more
		}
		if from <= slices.Index(All, phase) {
			promise.Checks = append(promise.Checks, c)
		} else {
			promise.Later++
		}
	}
	return promise
}

// withRoots returns the plan with the source roots that were found in the tree
// before, as far as they are there still: imports that are gone prove nothing.
func withRoots(p *plan.Plan, roots []string, after tree.Tree) *plan.Plan {
	fixed := *p
	fixed.SourceRoots = slices.DeleteFunc(slices.Clone(roots), func(r string) bool { return !exists(after, strings.Trim(r, "/")) })
	return &fixed
}

// A verifier says what a tree is checked against. What the plan means is clear
// from the tree before, where nothing has gone yet; without one, was is now.
type verifier struct {
	stage    check.Stage
	was, now *job
	disputed []string // paths of open decisions, in the tree
	again    *Change  // what cleanup does to its own result; nil if this is none
}

// decisions returns what the phase and those after it ask, on the tree it
// started from if that is one it can start from.
func (v *verifier) decisions(ctx context.Context, phase Phase) ([]Decision, error) {
	for _, j := range []*job{v.was, v.now} {
		if phase != Moves && j.requireMoved() != nil {
			continue
		}
		changes, _, err := runFrom(ctx, j.src, j.plan, phase, j.opt)
		if err != nil {
			return nil, err
		}
		return changes[0].Decisions, nil
	}
	return v.now.decisions, nil
}

// spares returns what a second run of cleanup asks about files that it would
// delete but for the question.
func (v *verifier) spares() []Decision {
	going := v.now.going()
	return slices.DeleteFunc(slices.Clone(v.again.Decisions), func(d Decision) bool {
		at, _ := v.now.find(d.Path)
		return !going[at] && !slices.ContainsFunc(d.holds, func(f string) bool { return going[f] })
	})
}

func (v *verifier) expect(open []Decision) check.Expectation {
	e := check.Expectation{Stage: v.stage, Roots: v.now.index.Roots(), Ignored: v.now.excluded}
	for _, d := range open {
		if !slices.Contains(e.Open, d.Path) {
			e.Open = append(e.Open, d.Path)
		}
		at, _ := v.was.find(d.Path)
		v.disputed = append(append(v.disputed, at), d.holds...)
	}
	for _, mv := range v.was.moves {
		e.Moves = append(e.Moves, v.move(mv))
	}
	e.Exports = v.exports()
	e.Olds = v.olds()
	e.Map = v.rows()
	e.Leaving = sorted(keys(v.was.going()))
	going := sorted(keys(v.now.going()))
	if v.stage == check.Cleaned {
		e.Gone = slices.DeleteFunc(going, func(f string) bool { return v.mayStay(f) || v.spared(f) })
	} else {
		e.Going = going
	}
	for _, k := range v.was.keeps {
		e.Kept = append(e.Kept, k.path)
	}
	return e
}

// open reports whether a decision about a path is open. What is disputed stays
// as it is, references to it too.
func (v *verifier) open(p string) bool {
	return slices.ContainsFunc(v.disputed, func(at string) bool { return within(p, at) })
}

// mayStay reports whether a file may be left because a decision about it, or
// about something in its package, is open.
func (v *verifier) mayStay(f string) bool {
	return v.open(f) || path.Base(f) == "__init__.py" &&
		slices.ContainsFunc(v.disputed, func(at string) bool { return within(at, path.Dir(f)) })
}

// spared reports whether cleanup has left a file for a reason: somebody has
// answered that it stays. What it would delete in a second run was forgotten.
func (v *verifier) spared(f string) bool {
	return v.again != nil && !slices.Contains(v.again.Deleted, f) && exists(v.now.tree, f)
}

func (v *verifier) move(mv *fileMove) check.Move {
	e, _ := tree.Find(v.now.tree, mv.to)
	module := mv.old != "" && mv.new != ""
	out := check.Move{
		From: mv.from, To: mv.to,
		Shim:  module && !mv.shadowed && !v.now.opt.NoShims && e.Mode != tree.Symlink && exists(v.was.tree, mv.from),
		Stays: v.mayStay(mv.from) || (v.now.isShim(mv.from) || v.now.isRest(mv)) && v.spared(mv.from), Merged: mv.same,
	}
	if module && !mv.shadowed {
		out.Old, out.New = mv.old, mv.new
	}
	for _, name := range mv.row.Expect {
		alone := strings.HasSuffix(mv.row.From, ".py")
		if mv.old != "" && (alone && v.was.answer(mv.from) != "move" || v.now.src.defines(mv.to, name)) {
			out.Names = append(out.Names, name)
		}
	}
	if m := mv.row.Metadata; m != nil {
		out.Meta = &check.Meta{Domain: m.Domain, With: m.AddTags, Sans: m.RemoveTags}
	}
	return out
}

// exports returns what the plan wants the new packages to re-export, as far as
// anything that moved there has it; about the rest a decision is asked.
func (v *verifier) exports() []check.Export {
	var list []check.Export
	for i := range v.now.plan.Moves {
		row := &v.now.plan.Moves[i]
		var files []string
		for _, mv := range v.now.moves {
			if mv.row == row && strings.HasSuffix(mv.to, ".py") && path.Base(mv.to) != "__init__.py" {
				files = append(files, mv.to)
			}
		}
		if len(files) == 0 || len(row.Export) == 0 {
			continue
		}
		x := check.Export{Init: path.Join(v.now.packageOf(row, files), "__init__.py")}
		for _, name := range row.Export {
			if slices.ContainsFunc(files, func(f string) bool { return v.now.src.defines(f, name) }) {
				x.Names = append(x.Names, name)
			}
		}
		list = append(list, x)
	}
	return list
}

// rows returns the rows of the import map that lead somewhere, but for those
// about what is disputed.
func (v *verifier) rows() []check.Row {
	var rows []check.Row
	for _, m := range v.was.plan.Imports {
		r := check.Row{Old: strings.TrimSuffix(m.Old, ".*"), New: strings.TrimSuffix(m.New, ".*")}
		module, _, _ := strings.Cut(r.Old, ":")
		if old, _ := v.was.index.Lookup(module); r.New != "" && (old == nil || !v.open(old.Path)) {
			rows = append(rows, r)
		}
	}
	return rows
}

// olds returns the modules and paths that the plan does away with, and what
// takes their place.
func (v *verifier) olds() []check.Old {
	j := v.was
	m := j.newModel(j.tree)
	var list []check.Old
	known := map[string]bool{}
	add := func(module, at string) {
		o := check.Old{Module: module, Path: at, New: v.homes(m, module, at)}
		if at == "" || !known[at] && !v.open(at) {
			list = append(list, o)
			known[at] = true
		}
	}
	for _, name := range sorted(keys(j.fates)) {
		d := j.fates[name]
		if d.fate == remapped || d.fate == emptied || len(j.others(name)) > 0 { // the name goes on to mean another module
			continue
		}
		at := ""
		if mod, _ := j.index.Lookup(name); mod != nil {
			at = mod.Path
		}
		add(name, at)
	}
	for _, at := range sorted(keys(m.paths)) {
		add("", at)
	}
	for _, g := range slices.Concat(j.retire, j.deletes) {
		for _, at := range append(slices.Clone(g.files), g.path) {
			if !j.stays(at) && !j.keepsBelow(at) {
				add("", at)
			}
		}
	}
	return list
}

// homes returns the dotted names and the paths by which something old is to be
// called, best first.
func (v *verifier) homes(m *model, module, at string) []string {
	var homes []string
	add := func(name string) {
		if name != "" && !slices.Contains(homes, name) {
			homes = append(homes, name)
		}
	}
	for d := m.fates[module]; d != nil; d = d.shadow {
		if t, ok := m.whole(module); ok {
			add(t.concrete)
		}
		if d.fate == merged && m.fates[d.module] != nil {
			add(m.fates[d.module].facade)
		} else if d.fate != merged {
			add(d.module)
		}
		add(d.facade)
	}
	if to, ok := m.paths[at]; ok {
		add(strings.TrimPrefix(strings.TrimPrefix(to.path, v.now.index.Root(to.path)), "/"))
	}
	return homes
}
