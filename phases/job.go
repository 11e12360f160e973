package phases

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// A job is one plan looked at against one tree: paths found, fates known,
// questions asked. All three phases start from it.
type job struct {
	ctx   context.Context
	tree  tree.Tree
	plan  *plan.Plan
	opt   Options
	src   *sources
	roots []string
	index *python.Index

	moves   []*fileMove
	retire  []*goner
	deletes []*goner
	keeps   []keep
	fates   map[string]*dest

	cyclic    map[*plan.Move]bool
	answers   map[string]string // by path in the tree, no trailing slash
	decisions []Decision
	warnings  []Warning
	asked     map[string]bool
}

// A fileMove is one file on its way to its new home.
type fileMove struct {
	from, to string
	row      *plan.Move
	old, new string // dotted modules; "" if the file is none
	done     bool   // it is there already, and a shim or nothing at the old path
	same     bool   // the destination has the same code: only the shim is to be made
	shadowed bool   // a package of the same name hides the old file, or it is the new one
}

// A goner is a file or folder that goes in cleanup.
type goner struct {
	path  string // in the tree, no trailing slash
	spelt string
	dir   bool
	step  int
	use   string
	dup   string // the original, in the tree
	files []string
}

// A keep is a path that is out of scope.
type keep struct {
	path, spelt string
	asked       bool // lies under something to be deleted, and nobody has said what wins
}

// look resolves the plan against the tree.
func look(ctx context.Context, t tree.Tree, p *plan.Plan, opt Options, parse *parser) (*job, error) {
	src, err := readSources(ctx, t, p, parse)
	if err != nil {
		return nil, err
	}
	cyclic := map[*plan.Move]bool{}
	for {
		j, err := lookAt(ctx, t, src, p, opt, cyclic)
		if err != nil {
			return nil, err
		}
		more, err := j.findCyclic(cyclic)
		if err != nil || !more {
			return j, err
		}
	}
}

// lookAt is look when it is known which moves would add an import cycle.
func lookAt(ctx context.Context, t tree.Tree, src *sources, p *plan.Plan, opt Options, cyclic map[*plan.Move]bool) (*job, error) {
	j := &job{src: src, cyclic: cyclic, ctx: ctx, tree: t, plan: p, opt: opt, fates: map[string]*dest{}, answers: map[string]string{}, asked: map[string]bool{}}
	if err := j.findRoots(); err != nil {
		return nil, err
	}
	for at, answer := range p.Decide {
		found, _ := j.find(at)
		j.answers[strings.TrimSuffix(found, "/")] = strings.ToLower(strings.TrimSpace(answer))
	}
	if err := j.lookKeeps(); err != nil {
		return nil, err
	}
	if err := j.lookMoves(); err != nil {
		return nil, err
	}
	if err := j.lookGoners(); err != nil {
		return nil, err
	}
	j.lookImports()
	return j, nil
}

// findRoots settles where import paths start: as the plan or the repository
// says, else by the imports that resolve.
func (j *job) findRoots() error {
	j.roots = j.plan.SourceRoots
	if len(j.roots) == 0 {
		j.roots = j.opt.SourceRoots
	}
	for _, r := range j.roots {
		if r = strings.Trim(r, "/"); r != "" && r != "." && len(tree.Under(j.tree, r)) == 0 {
			return fmt.Errorf("source root %q: there is no such folder in the repository", r)
		}
	}
	if len(j.roots) == 0 {
		j.roots = python.FindRoots(j.src.paths, j.src.imported)
		j.addPlanRoot()
	}
	j.index = python.NewIndex(j.src.paths, j.roots)
	return nil
}

// addPlanRoot makes the folder a root under which the plan's paths exist, when
// no import tells.
func (j *job) addPlanRoot() {
	for _, mv := range j.plan.Moves {
		from := strings.TrimSuffix(mv.From, "/")
		found := ""
		for _, r := range append(slices.Clone(j.roots), "") {
			if exists(j.tree, path.Join(r, from)) {
				return
			}
		}
		for _, p := range j.src.paths {
			if root, ok := strings.CutSuffix(p, "/"+from); ok {
				found = root
			} else if i := strings.Index(p, "/"+from+"/"); i > 0 {
				found = p[:i]
			}
			if found != "" {
				j.roots = append(j.roots, found)
				return
			}
		}
	}
}

// exists reports whether there is a file at p or anything below it.
func exists(t tree.Tree, p string) bool {
	_, ok := tree.Find(t, p)
	return ok || len(tree.Under(t, p)) > 0
}

// find returns the path in the tree that a path of the plan means, from a
// source root or from the repository root, and whether anything is there. When
// nothing is, it is where the thing would be.
func (j *job) find(spelt string) (string, bool) {
	p := strings.TrimSuffix(spelt, "/")
	roots := j.roots
	if j.index != nil {
		roots = j.index.Roots()
	}
	for _, r := range roots {
		if r = strings.Trim(r, "/"); r != "" && (p == r || strings.HasPrefix(p, r+"/")) {
			return p, exists(j.tree, p)
		}
	}
	for _, r := range roots {
		if q := path.Join(r, p); exists(j.tree, q) {
			return q, true
		}
	}
	head, _, _ := strings.Cut(p, "/")
	for _, r := range roots {
		if q := path.Join(r, head); exists(j.tree, q) {
			return path.Join(r, p), false
		}
	}
	if len(roots) > 0 {
		return path.Join(strings.Trim(roots[0], "/"), p), false
	}
	return p, false
}

// destination returns where a move ends: at the same root as from, unless it
// begins with a source root.
func (j *job) destination(from, to string) string {
	for _, r := range j.index.Roots() {
		if r != "" && strings.HasPrefix(to, r+"/") {
			return strings.TrimSuffix(to, "/")
		}
	}
	return path.Join(j.index.Root(from), to)
}

// answer returns what a maintainer decided for a path, by itself or by a
// folder above it.
func (j *job) answer(p string) string {
	for p = strings.TrimSuffix(p, "/"); p != "." && p != ""; p = path.Dir(p) {
		if a := j.answers[p]; a != "" {
			return a
		}
	}
	return ""
}

// ask returns the answer for a path if there is one among the options, and
// otherwise asks for it, once.
func (j *job) ask(p, spelt, question string, options ...string) string {
	if a := j.answer(p); slices.Contains(options, a) {
		return a
	} else if a != "" {
		question += fmt.Sprintf(" (%q is no answer to this)", a)
	}
	if !j.asked[spelt] {
		j.asked[spelt] = true
		j.decisions = append(j.decisions, Decision{Path: spelt, Question: question, Options: options})
	}
	return ""
}

func (j *job) warn(p string, line int, rule, format string, args ...any) {
	j.warnings = append(j.warnings, Warning{Path: p, Line: line, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

func (j *job) lookKeeps() error {
	for _, spelt := range j.plan.Keep {
		p, found := j.find(spelt)
		if !found {
			j.warn(p, 0, "nothing-to-keep", "the plan keeps %s, but there is nothing of that name", spelt)
			continue
		}
		k := keep{path: p, spelt: spelt}
		for _, d := range j.plan.Delete {
			above, _ := j.find(d.Path)
			if !within(p, above) {
				continue
			}
			switch j.ask(p, spelt, fmt.Sprintf("The plan keeps %s and deletes %s, which is above it. Keep it, or delete it with the rest?", spelt, d.Path), "keep", "delete") {
			case "delete":
				k.path = ""
			case "":
				k.asked = true
			}
			break
		}
		if k.path != "" {
			j.keeps = append(j.keeps, k)
		}
	}
	return nil
}

// within reports whether p is dir or below it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// kept reports whether p is out of scope.
func (j *job) kept(p string) bool {
	return slices.ContainsFunc(j.keeps, func(k keep) bool { return within(p, k.path) })
}

// keepsBelow reports whether anything below the folder dir is out of scope.
func (j *job) keepsBelow(dir string) bool {
	return slices.ContainsFunc(j.keeps, func(k keep) bool { return within(k.path, dir) })
}

func (j *job) lookMoves() error {
	targets, sources := map[string]string{}, map[string]string{}
	for i := range j.plan.Moves {
		row := &j.plan.Moves[i]
		from, found := j.find(row.From)
		to := j.destination(from, row.To)
		if strings.HasSuffix(row.To, "/") && !strings.HasSuffix(row.From, "/") && len(tree.Under(j.tree, from)) == 0 {
			to = path.Join(to, path.Base(from))
		}
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
		if j.cyclic[row] && j.ask(from, row.From, fmt.Sprintf("Moving %s to %s would add an import cycle. Leave it where it is, or move it all the same?", row.From, row.To), "keep", "move") != "move" {
			continue
		}
		for _, mv := range j.filesOf(row, from, to) {
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
	if len(list) == 0 || j.isShim(list[0].from) {
		for _, e := range tree.Under(j.tree, to) {
			if rel := strings.TrimPrefix(e.Path, to); !seen[rel] && strings.HasSuffix(rel, ".py") && j.rowTo(e.Path) == row && !j.isShim(e.Path) {
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
		from, _ := j.find(row.From)
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
		mv.shadowed = mv.old == mv.new || mod != nil && mod.Package && path.Base(mv.from) != "__init__.py"
	}
	_, hasOld := tree.Find(j.tree, mv.from)
	_, hasNew := tree.Find(j.tree, mv.to)
	switch {
	case !hasOld && hasNew, hasOld && hasNew && j.isShim(mv.from):
		mv.done = true
	case hasOld && hasNew:
		if !j.mergeable(mv) {
			return false
		}
	}
	if !mv.done && !mv.same && !j.unhidden(mv) {
		return false
	}
	if missing := j.missing(mv); len(missing) > 0 && !mv.done {
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
		j.fates[mv.old] = &dest{fate: retired, path: mv.row.From, step: mv.row.Step, shadow: d}
	default:
		j.fates[mv.old] = d
	}
	return true
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

// mergeable settles what to do when the destination exists.
func (j *job) mergeable(mv *fileMove) bool {
	old, _ := j.tree.Read(mv.from)
	now, _ := j.tree.Read(mv.to)
	if string(old) == string(now) || mv.old != "" && j.sameCode(mv.from, mv.to) {
		mv.same = true
		return true
	}
	if path.Base(mv.from) == "__init__.py" && len(strings.TrimSpace(string(old))) == 0 {
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

// list joins names for a sentence.
func list(names []string) string { return strings.Join(names, ", ") }

func (j *job) lookGoners() error {
	for _, r := range j.plan.Retire {
		g := j.goner(r.Path, r.Step)
		g.use = r.Use
		if own := j.ownNames(g); len(own) > 0 && j.movesInto(g) == nil {
			question := fmt.Sprintf("The plan retires %s as a compatibility layer, but it defines %s of its own. Delete it all the same, or keep it?", r.Path, list(own))
			if j.ask(g.path, r.Path, question, "keep", "delete") != "delete" {
				continue
			}
		}
		j.retire = append(j.retire, g)
		use, tail := strings.CutSuffix(r.Use, ".*")
		j.eachModule(g, func(name, below string) {
			d := &dest{fate: retired, module: use, tail: tail, below: below, step: r.Step, path: r.Path}
			if old := j.fates[name]; old != nil && old.shadow != nil {
				d.shadow = old.shadow
			} else if old != nil {
				return // it moves: that says where its names are
			}
			j.fates[name] = d
		})
	}
	for _, d := range j.plan.Delete {
		if d.DuplicateOf != "" {
			j.lookDuplicate(d)
		}
	}
	for _, d := range j.plan.Delete {
		if d.DuplicateOf == "" {
			j.lookDelete(d)
		}
	}
	return nil
}

func (j *job) goner(spelt string, step int) *goner {
	p, _ := j.find(spelt)
	g := &goner{path: p, spelt: spelt, step: step}
	if e, ok := tree.Find(j.tree, p); ok {
		g.files = []string{e.Path}
		return g
	}
	g.dir = path.Ext(p) != ".py"
	for _, e := range tree.Under(j.tree, p) {
		g.files = append(g.files, e.Path)
	}
	return g
}

// eachModule calls f for each module that the goner is or has below it, with
// what follows the goner's own name.
func (j *job) eachModule(g *goner, f func(name, below string)) {
	top := j.index.NameOf(g.path)
	if top == "" {
		return
	}
	seen := map[string]bool{}
	for _, file := range g.files {
		if name := j.index.NameOf(file); strings.HasSuffix(file, ".py") && name != "" && !seen[name] {
			seen[name] = true
			f(name, strings.TrimPrefix(name, top))
		}
	}
	for _, mv := range j.moves { // files that have moved out already
		if within(mv.from, g.path) && mv.old != "" && !seen[mv.old] {
			seen[mv.old] = true
			f(mv.old, strings.TrimPrefix(mv.old, top))
		}
	}
	if !seen[top] {
		f(top, "")
	}
}

// movesInto returns a move whose old file is below g, or nil.
func (j *job) movesInto(g *goner) *fileMove {
	for _, mv := range j.moves {
		if within(mv.from, g.path) {
			return mv
		}
	}
	return nil
}

// ownNames returns what the files of a layer define by themselves.
func (j *job) ownNames(g *goner) []string {
	var own []string
	for _, f := range g.files {
		if strings.HasSuffix(f, ".py") && !j.kept(f) && !j.isShim(f) {
			own = append(own, j.src.syntax(f).Own()...)
		}
	}
	return own
}

func (j *job) lookDuplicate(d plan.Delete) {
	g := j.goner(d.Path, d.Step)
	original, _ := j.find(d.DuplicateOf)
	g.dup = original
	at := original
	for _, mv := range j.moves {
		if mv.from == original && (mv.done || !exists(j.tree, original) || j.isShim(original)) {
			at = mv.to
		}
	}
	if len(g.files) == 1 && !j.sameCode(g.path, at) {
		question := fmt.Sprintf("The plan deletes %s as a duplicate of %s, but their code differs. Delete it all the same, or keep it?", d.Path, d.DuplicateOf)
		if j.ask(g.path, d.Path, question, "keep", "delete") != "delete" {
			return
		}
	}
	j.deletes = append(j.deletes, g)
	name, to := j.index.NameOf(g.path), j.index.NameOf(original)
	if name != "" && to != "" && j.fates[name] == nil {
		j.fates[name] = &dest{fate: merged, module: to, step: d.Step, path: d.Path}
	}
}

func (j *job) lookDelete(d plan.Delete) {
	g := j.goner(d.Path, d.Step)
	j.deletes = append(j.deletes, g)
	j.eachModule(g, func(name, _ string) {
		mod, _ := j.index.Lookup(name)
		if old := j.fates[name]; old != nil {
			return
		}
		f := deleted
		if mod != nil && mod.Path != "" && (j.kept(mod.Path) || j.refused(mod.Path)) {
			return
		}
		if mod != nil && mod.Package && j.keepsBelow(path.Dir(mod.Path)) {
			f = emptied
		}
		j.fates[name] = &dest{fate: f, step: d.Step, path: d.Path}
	})
}

// refused reports whether a file stays because a question about it is open or
// was answered so.
func (j *job) refused(p string) bool {
	for _, r := range j.plan.Retire {
		at, _ := j.find(r.Path)
		if within(p, at) && !slices.ContainsFunc(j.retire, func(g *goner) bool { return g.path == at }) {
			return true
		}
	}
	for _, d := range j.plan.Delete {
		at, _ := j.find(d.Path)
		if d.DuplicateOf != "" && p == at && !slices.ContainsFunc(j.deletes, func(g *goner) bool { return g.path == at }) {
			return true
		}
	}
	for _, mv := range j.plan.Moves {
		at, _ := j.find(mv.From)
		if within(p, at) && !slices.ContainsFunc(j.moves, func(m *fileMove) bool { return m.from == p }) {
			return true
		}
	}
	return j.answers[p] == "keep"
}

// lookImports puts the rows of the import map on the fates.
func (j *job) lookImports() {
	for _, row := range j.plan.Imports {
		old, fromPackage := strings.CutSuffix(row.Old, ".*")
		to, tail := strings.CutSuffix(row.New, ".*")
		if strings.Contains(old, ":") {
			continue
		}
		for name, d := range j.fates {
			below, ok := strings.CutPrefix(name, old)
			if !ok || below != "" && (!fromPackage || below[0] != '.') {
				continue
			}
			for _, at := range []*dest{d, d.shadow} {
				if at == nil || at.fate != moved || to == "" {
					continue
				}
				at.facade = to
				if tail {
					at.facade = to + below
				}
				if row.Step != 0 {
					at.step = row.Step
				}
			}
			if d.fate == merged && row.Step != 0 {
				d.step = row.Step
			}
			if d.fate == deleted && to != "" {
				d.fate, d.module = retired, to
				if tail {
					d.module += below
				}
			}
		}
		if j.fates[old] == nil && to != "" && j.index != nil {
			if m, _ := j.index.Lookup(old); m != nil || fromPackage {
				j.fates[old] = &dest{fate: remapped, module: to, step: row.Step, path: row.Old}
			}
		}
	}
}

// model returns the meaning of names in t, which is the job's tree or what the
// moves make of it.
func (j *job) model(t tree.Tree) *model {
	files := make([]string, 0, len(t.Entries()))
	for _, e := range t.Entries() {
		if e.Mode != tree.Symlink {
			files = append(files, e.Path)
		}
	}
	m := &model{tree: t, parse: j.src.parse, index: python.NewIndex(files, j.roots), fates: j.fates,
		symbols: map[string]target{}, files: map[string]*python.Syntax{}, tables: map[string]*python.Symbols{}, reach: map[string]map[string]bool{}, edges: map[string][]string{}}
	for _, row := range j.plan.Imports {
		oldMod, oldName, ok := strings.Cut(row.Old, ":")
		newMod, newName, ok2 := strings.Cut(row.New, ":")
		if ok && ok2 {
			m.symbols[oldMod+":"+oldName] = target{module: newMod, name: newName, concrete: newMod, step: row.Step}
		}
	}
	return m
}
