package phases

import (
	"fmt"
	"path"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// No shim stands in for data: whoever opens a moved file by its path does not
// find it. So moves already lead such paths to their new homes, and the
// imports phase is left with what shims keep working.

// followData rewrites the paths of data that moves, in the files that stay, and
// returns the tree with them.
func (j *job) followData(c *Change, staged tree.Tree, steps *commits) (tree.Tree, error) {
	data, bare := *j, *j.plan
	bare.Imports = nil
	data.plan, data.fates, data.twins = &bare, map[string]*dest{}, map[string]map[string]*dest{}
	data.moves, data.retire, data.deletes, data.warnings = nil, nil, nil, nil
	skip, mixed := map[string]bool{}, map[string]bool{}
	for _, mv := range j.moves {
		skip[mv.from] = true
		switch path.Ext(mv.from) {
		case ".py", ".pyi":
			for dir := path.Dir(mv.from); dir != "."; dir = path.Dir(dir) {
				mixed[dir] = true
			}
		default:
			if !mv.done {
				data.moves = append(data.moves, mv)
			}
		}
	}
	if len(data.moves) == 0 {
		return staged, nil
	}
	m := data.newModel(staged)
	for dir := range mixed {
		delete(m.paths, dir) // the shims are there
	}
	for _, f := range j.hits {
		if contains(toolSettings, path.Base(f)) {
			skip[f] = true // moveSettings leads these
		}
	}
	rewritten, _, _, err := data.rewriteAll(m, skip, nil)
	if err != nil {
		return nil, err
	}
	for _, w := range data.warnings {
		if w.Rule == "workflow" { // the imports phase gives the others
			j.warnings = append(j.warnings, w)
		}
	}
	var edits []tree.Edit
	for _, r := range rewritten {
		content, err := python.Apply(r.f.Src, r.edits)
		if err != nil {
			return nil, fmt.Errorf("rewrite %s: %w", r.path, err)
		}
		c.Rewritten = append(c.Rewritten, newRewrite(r.path, r.edits))
		edits = append(edits, write(staged, r.path, content))
	}
	for _, e := range edits {
		steps.add(0, e)
	}
	return tree.Apply(staged, edits)
}
