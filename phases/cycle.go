package phases

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// findCyclic adds the moves to j.cyclic that would add an import cycle, and
// reports whether there were any that nobody has answered for.
func (j *job) findCyclic(cyclic map[*plan.Move]bool) (bool, error) {
	if !j.addsImports() {
		return false, nil
	}
	quiet := *j // what is asked and warned of here, the phase itself will say
	quiet.asked = map[string]bool{}
	after, err := quiet.staged()
	if err != nil {
		return false, err
	}
	before := j.model(j.tree)
	before.fates = map[string]*dest{}
	more := false
	for _, mv := range j.moves {
		if mv.done || mv.old == "" || mv.new == "" || cyclic[mv.row] {
			continue
		}
		if quiet.addsCycle(before, after, mv) {
			cyclic[mv.row] = true
			more = true
		}
	}
	return more, nil
}

// addsImports reports whether the plan may let one module import another that
// it did not import before. A move by itself does not: the graph of modules
// keeps its shape under new names. But a package that re-exports, a file that
// takes the place of another, what the plan has used instead of another, and a
// package that a file leaves do.
func (j *job) addsImports() bool {
	waits := slices.ContainsFunc(j.moves, func(mv *fileMove) bool { return !mv.done })
	return waits && (len(j.plan.Imports)+len(j.plan.Retire)+len(j.plan.Delete) > 0 || slices.ContainsFunc(j.moves, func(mv *fileMove) bool {
		return len(mv.row.Export) > 0 || mv.same || mv.shadowed || !mv.done && exists(j.tree, mv.to) || j.hiddenBy(mv) != "" || j.leavesBusy(mv)
	}))
}

// leavesBusy reports whether a file leaves a package that imports something
// when it is loaded.
func (j *job) leavesBusy(mv *fileMove) bool {
	for dir := path.Dir(mv.from); dir != "." && !within(mv.to, dir); dir = path.Dir(dir) {
		if src, err := j.src.Read(dir + "/__init__.py"); err == nil && bytes.Contains(src, []byte("import")) {
			return true
		}
	}
	return false
}

// staged returns the model of the tree as it will be after the moves phase.
func (j *job) staged() (*model, error) {
	var c Change
	var steps commits
	renamed, _, err := j.rename(&c)
	if err != nil {
		return nil, err
	}
	staged, err := j.setUp(renamed, &steps)
	if err != nil {
		return nil, err
	}
	edits, err := j.updateMoved(&c, renamed, staged, &steps)
	if err != nil {
		return nil, err
	}
	t, err := tree.Apply(staged, edits)
	if err != nil {
		return nil, err
	}
	return j.newModel(t), nil
}

// addsCycle reports whether the moved module is in an import cycle with one
// that it was in none with before.
func (j *job) addsCycle(before, after *model, mv *fileMove) bool {
	if after.leavesCircle(mv) {
		return true
	}
	old := map[string]string{} // new name → old name
	for _, other := range j.moves {
		if other.new != "" {
			old[other.new] = other.old
		}
	}
	now := after.circle(mv.new)
	if len(now) == 0 {
		return false
	}
	was := before.circle(mv.old)
	for other := range now {
		if name := old[other]; name != "" {
			other = name
		}
		if !was[other] {
			return true
		}
	}
	return false
}

// circle returns the other modules that a module imports and is imported by,
// by way of others too: by imports at module level, without the edges to parent
// packages.
func (m *model) circle(mod string) map[string]bool {
	by := map[string][]string{mod: nil}
	for queue := []string{mod}; len(queue) > 0; queue = queue[1:] {
		for _, next := range m.imports(queue[0]) {
			if _, seen := by[next]; !seen {
				queue = append(queue, next)
			}
			by[next] = append(by[next], queue[0])
		}
	}
	in := map[string]bool{mod: true}
	for queue := []string{mod}; len(queue) > 0; queue = queue[1:] {
		for _, next := range by[queue[0]] {
			if !in[next] {
				in[next] = true
				queue = append(queue, next)
			}
		}
	}
	delete(in, mod)
	return in
}

// leavesCircle reports whether a moved module imports something of a package
// that it has left and whose __init__ imports it: what was loaded within the
// package is then loaded from both ends.
func (m *model) leavesCircle(mv *fileMove) bool {
	for pkg, _ := cutLast(mv.old); pkg != "" && mv.new != pkg && !strings.HasPrefix(mv.new, pkg+"."); pkg, _ = cutLast(pkg) {
		if mod, _ := m.index.Lookup(pkg); mod == nil || mod.Path == "" || !m.reaches(pkg, mv.new) {
			continue
		}
		m.reaches(mv.new, mv.new)
		for other := range m.reach[mv.new] {
			if strings.HasPrefix(other, pkg+".") {
				return true
			}
		}
	}
	return false
}
