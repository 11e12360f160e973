package phases

import (
	"cmp"
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
	hits  []string // files that may refer to something in the plan, sorted

	phase   Phase
	known   map[string]bool // of Options.Known
	sources []string        // of the Change

	settled map[string]bool // of hits: no reference to anything old is left

	moves   []*fileMove
	retire  []*goner
	deletes []*goner
	keeps   []keep
	fates   map[string]*dest
	twins   map[string]map[string]*dest // fates of modules called like others, by source root
	first   string                      // the source root whose modules count, if several have one

	cyclic    map[*plan.Move]bool
	answers   map[string]string // by path in the tree, no trailing slash
	decisions []Decision
	warnings  []Warning
	asked     map[string]bool
	answered  map[string]bool // paths whose answers a question has met
}

// look resolves the plan against the tree, as it is for a phase.
func look(ctx context.Context, src *sources, p *plan.Plan, phase Phase, opt Options) (*job, error) {
	cyclic := map[*plan.Move]bool{}
	for {
		j, err := lookAt(ctx, src, p, phase, opt, cyclic)
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
func lookAt(ctx context.Context, src *sources, p *plan.Plan, phase Phase, opt Options, cyclic map[*plan.Move]bool) (*job, error) {
	j := &job{
		src:      src,
		cyclic:   cyclic,
		ctx:      ctx,
		tree:     src,
		plan:     p,
		phase:    phase,
		known:    map[string]bool{},
		opt:      opt,
		fates:    map[string]*dest{},
		twins:    map[string]map[string]*dest{},
		answers:  map[string]string{},
		asked:    map[string]bool{},
		answered: map[string]bool{},
	}
	for _, f := range opt.Known {
		j.known[f] = true
	}
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
	if err := j.checkTargets(); err != nil {
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
	if j.src.index != nil {
		j.roots, j.index = j.src.roots, j.src.index
		j.hits = j.src.hitsFrom(j.index.Roots())
		return nil
	}
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
		j.addDeclaredRoots()
		j.addPlanRoot()
	}
	j.index = python.NewIndex(j.src.paths, j.roots)
	j.src.roots, j.src.index = j.roots, j.index
	j.hits = j.src.hitsFrom(j.index.Roots())
	return nil
}

// addDeclaredRoots adds the roots that settings name, and src, if there is
// Python below them.
func (j *job) addDeclaredRoots() {
	declared := append(slices.Clone(j.src.declared), declaration{root: "src"})
	for _, sure := range []bool{true, false} {
		for _, d := range declared {
			if d.sure != sure || d.root == "" || slices.Contains(j.roots, d.root) || !sure && !j.believes(d.root) {
				continue
			}
			if slices.ContainsFunc(tree.Under(j.tree, d.root), func(e tree.Entry) bool { return strings.HasSuffix(e.Path, ".py") }) {
				j.roots = append(j.roots, d.root)
			}
		}
	}
	slices.Sort(j.roots)
}

// believes reports whether a hint at a source root may be right. What is in a
// package or below another root has its name from there, and what is imported
// with the folder in front has its name from above.
func (j *job) believes(root string) bool {
	if exists(j.tree, root+"/__init__.py") || slices.ContainsFunc(j.roots, func(r string) bool { return r != "" && within(root, r) }) {
		return false
	}
	prefix := strings.ReplaceAll(root, "/", ".") + "."
	for name := range j.src.imported {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return true
}

// addPlanRoot makes the folder a root under which the plan's paths exist, when
// no import tells.
func (j *job) addPlanRoot() {
	for _, mv := range j.plan.Moves {
		from, to := strings.TrimSuffix(mv.From, "/"), strings.TrimSuffix(mv.To, "/")
		found := ""
		for _, r := range append(slices.Clone(j.roots), "") {
			if exists(j.tree, path.Join(r, from)) || exists(j.tree, path.Join(r, to)) {
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
			j.answered[p] = true
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

// list joins names for a sentence.
func list(names []string) string { return strings.Join(names, ", ") }

// lookImports puts the rows of the import map on the fates.
func (j *job) lookImports() {
	for _, row := range j.plan.Imports {
		old, fromPackage := strings.CutSuffix(row.Old, ".*")
		to, tail := strings.CutSuffix(row.New, ".*")
		if strings.Contains(old, ":") {
			continue
		}
		for name, d := range j.everyFate {
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
			if m, _ := j.index.Lookup(old); (m != nil || fromPackage) && !(m != nil && m.Path != "" && j.refused(m.Path)) {
				root := ""
				if m != nil {
					root = j.index.Root(cmp.Or(m.Path, m.Dir+"/"))
				}
				j.decree(root, old, &dest{fate: remapped, module: to, step: row.Step, path: row.Old})
			}
		}
	}
}

// model returns the meaning of names in t, which is the job's tree or what the
// moves make of it.
func (j *job) model(t tree.Tree) *model {
	index := j.index
	if t != j.tree {
		index = j.indexOf(t)
	}
	m := &model{tree: t, names: j.src.names, parse: j.src.parse, index: index, fates: j.fates,
		symbols: map[string]target{}, files: map[string]*python.Syntax{}, tables: map[string]*python.Symbols{}, reach: map[string]map[string]bool{}, edges: map[string][]string{}}
	for mod := range m.index.Names {
		m.deepest = max(m.deepest, 1+strings.Count(mod.Name, "."))
	}
	for name := range j.fates {
		m.deepest = max(m.deepest, 1+strings.Count(name, "."))
	}
	for _, root := range m.index.Roots()[:1] { // the deepest
		m.deepest += 1 + strings.Count(root, "/")
	}
	for _, row := range j.plan.Imports {
		oldMod, oldName, ok := strings.Cut(row.Old, ":")
		newMod, newName, ok2 := strings.Cut(row.New, ":")
		if ok && ok2 {
			m.symbols[oldMod+":"+oldName] = target{module: newMod, name: newName, concrete: newMod, step: row.Step}
		}
	}
	return m
}
