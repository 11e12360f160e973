package phases

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// runMoves is the first phase. Its first commit renames files and changes no
// byte of them, so that git can follow them; the commits after it, one a step,
// put shims at the old paths, set up the new packages and lead the moved
// files' own imports to where things are now.
func (j *job) runMoves(c *Change) error {
	renamed, renames, err := j.rename(c)
	if err != nil {
		return err
	}
	var steps commits
	staged, err := j.setUp(renamed, &steps)
	if err != nil {
		return err
	}
	if _, err := j.updateMoved(c, renamed, staged, &steps); err != nil {
		return err
	}
	if staged, err = j.followData(c, staged, &steps); err != nil {
		return err
	}
	if err := j.addPackages(staged, &steps); err != nil {
		return err
	}
	j.warnAbsent(staged)
	if err := j.warnTopLevel(staged); err != nil {
		return err
	}
	if err := j.warnLoggers(staged); err != nil {
		return err
	}
	if err := j.warnPickleFiles(); err != nil {
		return err
	}
	if len(renames) > 0 {
		c.Commits = append(c.Commits, newCommit(0, "Move files to their new homes", renames))
	}
	steps.into(c, j, "Keep the old paths working")
	return j.moveSettings(c)
}

// updateMoved brings the moved files up to date and returns their edits.
func (j *job) updateMoved(c *Change, renamed, staged tree.Tree, steps *commits) ([]tree.Edit, error) {
	views := j.views(j.newModel(staged))
	rewriters, err := j.rewriteMoved(views)
	if err != nil {
		return nil, err
	}
	var edits []tree.Edit
	for i, mv := range j.moves {
		if mv.done || mv.same {
			continue
		}
		data, err := j.movedFile(c, views.of(mv.to), mv, rewriters[i])
		if err != nil {
			return nil, err
		}
		if before, _ := renamed.Read(mv.to); data != nil && string(before) != string(data) {
			e := write(staged, mv.to, data)
			edits = append(edits, e)
			steps.add(mv.row.Step, e)
		}
	}
	return edits, nil
}

// rename returns the tree with the files at their new places.
func (j *job) rename(c *Change) (tree.Tree, []tree.Edit, error) {
	var edits []tree.Edit
	for _, mv := range j.moves {
		if mv.done {
			continue
		}
		c.Moved = append(c.Moved, Moved{From: mv.from, To: mv.to, Merged: mv.same})
		if mv.same {
			continue
		}
		data, err := j.tree.Read(mv.from)
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", mv.from, err)
		}
		e, _ := tree.Find(j.tree, mv.from)
		edits = append(edits, tree.Edit{Path: mv.to, From: mv.from, Data: data, Mode: e.Mode})
	}
	t, err := tree.Apply(j.tree, edits)
	return t, edits, err
}

// setUp makes the new packages and the shims, and returns the tree with them.
func (j *job) setUp(renamed tree.Tree, steps *commits) (tree.Tree, error) {
	var edits []tree.Edit
	add := func(step int, e tree.Edit) {
		edits = append(edits, e)
		steps.add(step, e)
	}
	exports := j.exportsOf(renamed)
	inits := map[string]bool{}
	for _, mv := range j.moves {
		for _, init := range j.newInits(renamed, mv, exports) {
			if inits[init] {
				continue
			}
			inits[init] = true
			data, err := j.initContent(renamed, init, exports[init])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", init, err)
			}
			if before, err := renamed.Read(init); err != nil || string(before) != string(data) {
				add(mv.row.Step, write(renamed, init, data))
			}
			if was := j.plainPackage(mv, init); was != nil {
				add(mv.row.Step, tree.Edit{Path: was.from, Data: j.shim(was, nil, tree.Regular)})
			}
		}
		if mv.done {
			continue
		}
		old, err := j.tree.Read(mv.from)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", mv.from, err)
		}
		e, _ := tree.Find(j.tree, mv.from)
		switch {
		case mv.old != "" && mv.new != "" && !mv.shadowed && !j.opt.NoShims && e.Mode != tree.Symlink:
			add(mv.row.Step, tree.Edit{Path: mv.from, Data: j.shim(mv, old, e.Mode), Mode: e.Mode})
		case mv.same:
			add(mv.row.Step, tree.Edit{Path: mv.from, Delete: true})
		}
	}
	return tree.Apply(renamed, edits)
}

// plainPackage returns what becomes of a folder without __init__.py inside a
// package that moves, given the new __init__.py; nil if init is no such thing.
// Its old name needs a shim as well: importing it makes it an attribute of the
// package around it, which is the new package, in place of the folder's new
// name.
func (j *job) plainPackage(mv *fileMove, init string) *fileMove {
	dir, ok := strings.CutSuffix(mv.from, strings.TrimPrefix(mv.to, path.Dir(init)))
	if !ok || j.opt.NoShims || !j.leaves(path.Dir(dir)) || exists(j.tree, dir+"/__init__.py") {
		return nil
	}
	was := &fileMove{from: dir + "/__init__.py", to: init, row: mv.row}
	was.old, was.new = j.index.NameOf(was.from), j.index.NameOf(was.to)
	return was
}

// leaves reports whether a folder is, or is a part of, a package that moves.
func (j *job) leaves(dir string) bool {
	init := dir + "/__init__.py"
	if dir == "." || exists(j.tree, init) {
		return slices.ContainsFunc(j.moves, func(mv *fileMove) bool { return mv.from == init })
	}
	return j.leaves(path.Dir(dir))
}

// newInits returns the __init__.py files that a moved file needs, outermost
// first: those of folders that are new, and the one that re-exports.
func (j *job) newInits(renamed tree.Tree, mv *fileMove, exports map[string][]export) []string {
	if !strings.HasSuffix(mv.to, ".py") {
		return nil
	}
	root := j.index.Root(mv.to)
	var inits []string
	for dir := path.Dir(mv.to); dir != root && dir != "."; dir = path.Dir(dir) {
		init := dir + "/__init__.py"
		_, there := tree.Find(renamed, init)
		if exports[init] != nil || !there && len(tree.Under(j.tree, dir)) == 0 && !j.namespaceElsewhere(dir, root) {
			inits = append(inits, init)
		}
	}
	slices.Reverse(inits)
	return inits
}

// namespaceElsewhere reports whether another source root has a portion of the
// namespace package dir, which an __init__.py here would hide (PEP 420).
func (j *job) namespaceElsewhere(dir, root string) bool {
	rel := strings.TrimPrefix(strings.TrimPrefix(dir, root), "/")
	for _, r := range j.index.Roots() {
		other := path.Join(r, rel)
		if _, regular := tree.Find(j.tree, other+"/__init__.py"); r != root && !regular && len(tree.Under(j.tree, other)) > 0 {
			return true
		}
	}
	return false
}

// initContent returns the content of a package's __init__.py with the exports
// that the plan wants. One that moved and only re-exports is written anew; it
// keeps the names that the plan does not list.
func (j *job) initContent(renamed tree.Tree, init string, exports []export) ([]byte, error) {
	src, err := renamed.Read(init)
	if err != nil {
		return initFile(exports), nil
	}
	if len(exports) == 0 {
		return src, nil
	}
	mv := j.moveTo(init)
	if mv == nil || mv.done || mv.same || len(j.src.parse.parse(src).Own()) > 0 {
		return addExports(src, j.index.NameOf(init), exports)
	}
	f := j.src.parse.parse(src)
	symbols := f.Symbols(mv.old, true)
	listed := map[string]bool{}
	for _, e := range exports {
		for _, n := range e.names {
			listed[n] = true
		}
	}
	var extra []string
	for name, sym := range symbols.Names {
		if !listed[name] && sym.Name == name && strings.HasPrefix(sym.Module, mv.old+".") {
			extra = append(extra, name)
		}
	}
	exports = slices.Clone(exports)
	for _, name := range sorted(extra) {
		module := strings.TrimPrefix(symbols.Names[name].Module, mv.old+".")
		k := slices.IndexFunc(exports, func(e export) bool { return e.module == module })
		if k < 0 {
			exports = append(exports, export{module: module})
			k = len(exports) - 1
		}
		exports[k].names = append(slices.Clone(exports[k].names), name)
	}
	return initFile(exports), nil
}

func (j *job) moveTo(p string) *fileMove {
	for _, mv := range j.moves {
		if mv.to == p {
			return mv
		}
	}
	return nil
}

// rewriteMoved rewrites the references in the moved files that are Python
// modules, by their places in j.moves.
func (j *job) rewriteMoved(views *views) ([]*rewriter, error) {
	all := make([]*rewriter, len(j.moves))
	group, ctx := errgroup.WithContext(j.ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, mv := range j.moves {
		m := views.of(mv.to)
		e, _ := tree.Find(m.tree, mv.to)
		stub := path.Ext(mv.to) == ".pyi"
		if mv.done || mv.same || e.Mode == tree.Symlink || j.excluded(mv.to) || !stub && (path.Ext(mv.to) != ".py" || mv.old == "" || mv.new == "") {
			continue
		}
		group.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				all[i], err = j.rewriteFile(m, mv.to, mv.from)
			}
			return err
		})
	}
	return all, group.Wait()
}

// movedFile returns the moved file with its imports and its @meta block up to
// date; nil if it stays as it is. R has rewritten the references in it, and is
// nil if it is not a module.
func (j *job) movedFile(c *Change, m *model, mv *fileMove, r *rewriter) ([]byte, error) {
	if e, _ := tree.Find(m.tree, mv.to); e.Mode == tree.Symlink {
		return j.relink(m, mv)
	}
	if r == nil {
		if path.Ext(mv.to) == ".py" && !j.excluded(mv.to) { // a script that nobody can import
			r := &rewriter{m: m, f: m.syntax(mv.to), path: mv.to}
			j.warnMoved(r, mv)
			j.warnings = append(j.warnings, r.warnings...)
		}
		return nil, nil
	}
	src, err := m.tree.Read(mv.to)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", mv.to, err)
	}
	if mv.old == "" {
		mv.old = j.index.NameOf(mv.from)
	}
	if r.f.ErrorLine == 0 {
		j.warnMoved(r, mv)
	}
	edits := r.edits
	if rewrite := newRewrite(mv.to, edits); rewrite.References > 0 {
		c.Rewritten = append(c.Rewritten, rewrite)
	}
	if mv.row.Metadata != nil && r.f.ErrorLine == 0 {
		meta := j.meta(r.f, mv)
		edits = slices.DeleteFunc(edits, func(e python.Edit) bool {
			return slices.ContainsFunc(meta, func(m python.Edit) bool { return e.Start < m.End && m.Start < e.End })
		})
		edits = append(edits, meta...)
	}
	r.edits = edits
	r.settle()
	j.warnings = append(j.warnings, r.warnings...)
	return python.Apply(src, edits)
}

// relink returns the target of a symbolic link that moved, so that it leads to
// where it led; nil if it is absolute.
func (j *job) relink(m *model, mv *fileMove) ([]byte, error) {
	data, err := m.tree.Read(mv.to)
	if err != nil || path.IsAbs(string(data)) {
		return nil, err
	}
	target := path.Join(path.Dir(mv.from), string(data))
	for _, other := range j.moves {
		if other.from == target {
			target = other.to
		}
	}
	return []byte(relativePath(path.Dir(mv.to), target)), nil
}
