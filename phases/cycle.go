package phases

import (
	"github.com/restage/restage/phases/plan"
	"slices"

	"github.com/restage/restage/phases/tree"
)

// findCyclic adds the moves to j.cyclic that would add an import cycle, and
// reports whether there were any that nobody has answered for. A move by
// itself adds none: the graph of modules keeps its shape under new names. But
// a package that re-exports, and a file that takes the place of another, do
// add edges.
func (j *job) findCyclic(cyclic map[*plan.Move]bool) (bool, error) {
	if !slices.ContainsFunc(j.moves, func(mv *fileMove) bool { return !mv.done }) {
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
	old := map[string]string{} // new name → old name
	for _, other := range j.moves {
		if other.new != "" {
			old[other.new] = other.old
		}
	}
	after.reaches(mv.new, mv.new)
	for other := range after.reach[mv.new] {
		if other == mv.new || !after.reaches(other, mv.new) {
			continue
		}
		was := other
		if name := old[other]; name != "" {
			was = name
		}
		if !before.reaches(mv.old, was) || !before.reaches(was, mv.old) {
			return true
		}
	}
	return false
}
