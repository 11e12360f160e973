package phases

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// A fileMove is one file on its way to its new home.
type fileMove struct {
	from, to string
	row      *plan.Move
	old, new string // dotted modules; "" if the file is none
	done     bool   // it is there already, and a shim or nothing at the old path
	same     bool   // the destination has the same code: only the shim is to be made
	shadowed bool   // a package of the same name hides the old file, or it is the new one
}

// findMoved is find for a row of the plan that may have been carried out: the
// old path is at the root under which the new one exists.
func (j *job) findMoved(row *plan.Move) (string, bool) {
	from, found := j.find(row.From)
	if found || exists(j.tree, j.destination(from, row.To)) {
		return from, found
	}
	for _, root := range j.index.Roots() {
		if at := path.Join(root, row.From); exists(j.tree, j.destination(at, row.To)) {
			return at, false
		}
	}
	return from, false
}

// ends returns where a row of the plan moves from and to in the tree, and whether
// there is anything to move.
func (j *job) ends(row *plan.Move) (from, to string, found bool) {
	from, found = j.findMoved(row)
	to = j.destination(from, row.To)
	if strings.HasSuffix(row.To, "/") && !strings.HasSuffix(row.From, "/") && len(tree.Under(j.tree, from)) == 0 {
		to = path.Join(to, path.Base(from))
	}
	return from, to, found
}

func (j *job) lookMoves() error {
	targets, sources := map[string]string{}, map[string]string{}
	for i := range j.plan.Moves {
		row := &j.plan.Moves[i]
		from, to, found := j.ends(row)
		if within(to, from) && to != from && len(tree.Under(j.tree, from)) > 0 {
			return fmt.Errorf("move of %s: its new home %s is inside it", row.From, row.To)
		}
		if to == from {
			continue
		}
		if !found && !exists(j.tree, to) {
			j.ask(from, row.From, fmt.Sprintf("The plan moves %s, but there is no such file. Go on without it?", row.From), "skip")
			continue
		}
		files := j.filesOf(row, from, to)
		for _, mv := range files {
			if _, there := tree.Find(j.tree, mv.from); there {
				j.sources = append(j.sources, mv.from)
			}
		}
		if j.cyclic[row] && j.ask(from, row.From, fmt.Sprintf("Moving %s to %s would add an import cycle. Leave it where it is, or move it all the same?", row.From, row.To), "keep", "move") != "move" {
			continue
		}
		for _, mv := range files {
			if other, taken := targets[mv.to]; taken && other != mv.from {
				return fmt.Errorf("moves of %s and %s: both end at %s", other, mv.from, mv.to)
			}
			targets[mv.to], sources[mv.from] = mv.from, mv.to
			if j.lookMove(mv) {
				j.moves = append(j.moves, mv)
			}
		}
	}
	for _, to := range sorted(keys(targets)) {
		if next, moves := sources[to]; moves {
			return fmt.Errorf("moves of %s to %s and of %s to %s: the first takes the place that the second has to keep working; make them two plans", targets[to], to, to, next)
		}
	}
	return nil
}

// filesOf lists the files that one row of the plan moves, whether they are
// still at their old place or at the new one already.
func (j *job) filesOf(row *plan.Move, from, to string) []*fileMove {
	if e, ok := tree.Find(j.tree, from); ok {
		list := []*fileMove{{from: e.Path, to: to, row: row}}
		if stub := strings.TrimSuffix(from, ".py") + ".pyi"; strings.HasSuffix(from, ".py") && exists(j.tree, stub) {
			list = append(list, &fileMove{from: stub, to: strings.TrimSuffix(to, ".py") + ".pyi", row: row})
		}
		return list
	}
	if _, ok := tree.Find(j.tree, to); ok {
		return []*fileMove{{from: from, to: to, row: row}}
	}
	var list []*fileMove
	seen := map[string]bool{}
	for _, e := range tree.Under(j.tree, from) {
		rel := strings.TrimPrefix(e.Path, from)
		seen[rel] = true
		list = append(list, &fileMove{from: e.Path, to: to + rel, row: row})
	}
	if !slices.ContainsFunc(list, func(mv *fileMove) bool { return !j.isLate(mv) }) || slices.ContainsFunc(list, func(mv *fileMove) bool { return j.isShim(mv.from) }) {
		for _, e := range tree.Under(j.tree, to) {
			if rel := strings.TrimPrefix(e.Path, to); !seen[rel] && j.rowTo(e.Path) == row && !j.isShim(e.Path) {
				list = append(list, &fileMove{from: from + rel, to: e.Path, row: row})
			}
		}
	}
	return list
}

// rowTo returns the row of the plan that moves a file to p: the one with the
// longest destination at p or above it.
func (j *job) rowTo(p string) *plan.Move {
	var best *plan.Move
	length := -1
	for i := range j.plan.Moves {
		row := &j.plan.Moves[i]
		from, _ := j.findMoved(row)
		if to := j.destination(from, row.To); within(p, to) && len(to) > length {
			best, length = row, len(to)
		}
	}
	return best
}

// lookMove finds out where one file stands. It reports false if the file is to
// be left alone.
func (j *job) lookMove(mv *fileMove) bool {
	if j.kept(mv.from) {
		return false
	}
	if strings.HasSuffix(mv.from, ".py") {
		mv.old, mv.new = j.index.NameOf(mv.from), j.index.NameOf(mv.to)
		mod, _ := j.index.Lookup(mv.old)
		mv.shadowed = mv.old == mv.new || mod != nil && mod.Package && j.index.Root(mod.Dir+"/") == j.index.Root(mv.from) && path.Base(mv.from) != "__init__.py"
	}
	entry, hasOld := tree.Find(j.tree, mv.from)
	if hasOld && entry.Mode == tree.Symlink && j.leadsToCode(mv.from) {
		question := fmt.Sprintf("%s is a symbolic link: restage does not follow it, and can leave no shim for what is imported through it. Leave it where it is, or move the link all the same?", mv.from)
		if j.ask(mv.from, mv.from, question, "keep", "move") != "move" {
			return false
		}
	}
	_, hasNew := tree.Find(j.tree, mv.to)
	switch {
	case !hasOld && hasNew, hasOld && hasNew && (j.isShim(mv.from) || j.isRest(mv)):
		mv.done = true
	case hasOld && hasNew:
		if !j.mergeable(mv) {
			return false
		}
	case j.isLate(mv):
		question := fmt.Sprintf("%s came when the migration was under way, and the plan moves %s to %s. Leave it where it is, or move it along?", mv.from, mv.row.From, mv.row.To)
		if j.ask(mv.from, mv.from, question, "keep", "move") != "move" {
			return false
		}
	}
	if !mv.done && j.phase != Moves && j.isLate(mv) {
		return false // its turn comes when the moves are made again
	}
	if !mv.done && !mv.same && !j.unhidden(mv) {
		return false
	}
	if !mv.done && !mv.same && tree.Ignored(j.tree, mv.to) && !tree.Ignored(j.tree, mv.from) {
		question := fmt.Sprintf("%s is to move to %s, which is ignored by .gitignore: git add would leave it out. Leave it where it is, or move it all the same?", mv.row.From, mv.row.To)
		if j.ask(mv.from, mv.row.From, question, "keep", "move") != "move" {
			return false
		}
	}
	if missing := j.missing(mv); len(missing) > 0 && !mv.done && !mv.same {
		question := fmt.Sprintf("The plan expects %s in %s, but it does not define %s. Move it as it is, or leave it?",
			list(mv.row.Expect), mv.row.From, list(missing))
		if j.ask(mv.from, mv.row.From, question, "move", "keep") != "move" {
			return false
		}
	}
	d := &dest{fate: moved, module: mv.new, step: mv.row.Step, path: mv.row.From}
	switch {
	case mv.old == "" || mv.new == "" || mv.old == mv.new:
	case mv.shadowed:
		if hasOld {
			j.warn(mv.from, 0, "shadowed-module", "Python imports the package %s and never this file; no shim is left in its place", mv.old)
		}
		j.decree(j.index.Root(mv.from), mv.old, &dest{fate: retired, path: mv.row.From, step: mv.row.Step, shadow: d})
	default:
		j.decree(j.index.Root(mv.from), mv.old, d)
	}
	return true
}

// isLate reports whether a file that the plan does not name itself came to its
// place after the plan was first looked at.
func (j *job) isLate(mv *fileMove) bool {
	if j.opt.Known == nil || j.known[mv.from] {
		return false
	}
	from, _ := j.findMoved(mv.row)
	return mv.from != from
}

// leadsToCode reports whether modules may be imported through a symbolic link:
// it is called like one, or leads to a folder that has some.
func (j *job) leadsToCode(link string) bool {
	if strings.HasSuffix(link, ".py") {
		return true
	}
	target, err := j.tree.Read(link)
	if err != nil || path.IsAbs(string(target)) {
		return false
	}
	return slices.ContainsFunc(tree.Under(j.tree, path.Join(path.Dir(link), string(target))), func(e tree.Entry) bool {
		return strings.HasSuffix(e.Path, ".py")
	})
}

// unhidden settles what to do when the destination is hidden by a package of
// its name, or its package would hide a module.
func (j *job) unhidden(mv *fileMove) bool {
	if pkg := strings.TrimSuffix(mv.to, ".py"); strings.HasSuffix(mv.to, ".py") && path.Base(mv.to) != "__init__.py" {
		if _, ok := tree.Find(j.tree, pkg+"/__init__.py"); ok && mv.from != pkg+"/__init__.py" {
			question := fmt.Sprintf("%s is to move to %s, but the package %s/ hides a module of that name. Leave it where it is, or move it all the same?", mv.row.From, mv.row.To, pkg)
			return j.ask(mv.from, mv.row.From, question, "keep", "move") == "move"
		}
	}
	f := j.hiddenBy(mv)
	if f == "" {
		return true
	}
	if j.sameCode(mv.from, f) && j.exportsAll(mv.row, f) {
		j.warn(f, 0, "hidden-module", "the new package of this name hides it; the code is the same")
		return true
	}
	question := fmt.Sprintf("%s is to move to %s, but the new package would hide the module %s. Leave it where it is, or move it all the same?", mv.row.From, mv.row.To, f)
	return j.ask(mv.from, mv.row.From, question, "keep", "move") == "move"
}

// hiddenBy returns the module file that a package on the way to the move's
// destination hides, or "".
func (j *job) hiddenBy(mv *fileMove) string {
	if !strings.HasSuffix(mv.to, ".py") {
		return ""
	}
	root := j.index.Root(mv.to)
	for dir := path.Dir(mv.to); dir != root && dir != "."; dir = path.Dir(dir) {
		_, module := tree.Find(j.tree, dir+".py")
		_, regular := tree.Find(j.tree, dir+"/__init__.py")
		if module && dir+".py" != mv.from && (mv.done && regular || !mv.done && !regular) {
			return dir + ".py"
		}
	}
	return ""
}

// exportsAll reports whether the row exports every public name of the module
// in file f.
func (j *job) exportsAll(row *plan.Move, f string) bool {
	for name, sym := range j.src.syntax(f).Symbols("", false).Names {
		if sym.Defined() && !strings.HasPrefix(name, "_") && !slices.Contains(row.Export, name) {
			return false
		}
	}
	return true
}

// isInit reports whether what moves is the __init__.py of a package.
func (mv *fileMove) isInit() bool { return mv.old != "" && path.Base(mv.from) == "__init__.py" }

// isRest reports whether the old file is what cleanup leaves of a package in which
// modules stay, and some still do.
func (j *job) isRest(mv *fileMove) bool {
	return j.saysRest(mv) && slices.ContainsFunc(tree.Under(j.tree, path.Dir(mv.from)), func(e tree.Entry) bool {
		return strings.HasSuffix(e.Path, ".py") && path.Base(e.Path) != "__init__.py" && !j.isShim(e.Path) && (j.phase != Moves || j.answer(e.Path) != "move")
	})
}

// saysRest reports whether the old file says that the rest of its package has moved.
func (j *job) saysRest(mv *fileMove) bool {
	src, err := j.tree.Read(mv.from)
	return err == nil && mv.isInit() && string(src) == string(mv.remains())
}

// mergeable settles what to do when the destination exists.
func (j *job) mergeable(mv *fileMove) bool {
	old, _ := j.tree.Read(mv.from)
	now, _ := j.tree.Read(mv.to)
	if string(old) == string(now) || mv.old != "" && j.sameCode(mv.from, mv.to) {
		mv.same = true
		return true
	}
	if path.Base(mv.from) == "__init__.py" && len(strings.TrimSpace(string(old))) == 0 || j.saysRest(mv) {
		mv.same = true
		return true
	}
	question := fmt.Sprintf("%s is to move to %s, which exists with other content. Delete the old file and use the one that exists, replace that one, or leave both?",
		mv.row.From, mv.row.To)
	switch j.ask(mv.from, mv.row.From, question, "delete", "replace", "keep") {
	case "delete":
		mv.same = true
		return true
	case "replace":
		return true
	}
	return false
}

// missing returns the expected names that the file does not define. For a
// folder, the names may be in any of its files.
func (j *job) missing(mv *fileMove) []string {
	if mv.row.Expect == nil || path.Ext(mv.from) != ".py" {
		return nil
	}
	at, _ := j.find(mv.row.From)
	files := []string{mv.from}
	if under := tree.Under(j.tree, at); len(under) > 0 {
		files = nil
		for _, e := range under {
			files = append(files, e.Path)
		}
	}
	var missing []string
	for _, name := range mv.row.Expect {
		if !slices.ContainsFunc(files, func(f string) bool { return j.src.defines(f, name) }) {
			missing = append(missing, name)
		}
	}
	return missing
}
