package phases

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// A keep is a path that is out of scope.
type keep struct {
	path, spelt string
	asked       bool // lies under something to be deleted, and nobody has said what wins
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
		root := j.index.Root(g.path)
		j.eachModule(g, func(name, below string) {
			d := &dest{fate: retired, module: use, tail: tail, below: below, step: r.Step, path: r.Path}
			if old := j.fate(root, name); old != nil && old.shadow != nil {
				d.shadow = old.shadow
			} else if old != nil {
				return // it moves: that says where its names are
			}
			j.decree(root, name, d)
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
	if root := j.index.Root(g.path); name != "" && to != "" && j.fate(root, name) == nil {
		j.decree(root, name, &dest{fate: merged, module: to, step: d.Step, path: d.Path})
	}
}

func (j *job) lookDelete(d plan.Delete) {
	g := j.goner(d.Path, d.Step)
	j.deletes = append(j.deletes, g)
	root := j.index.Root(g.path)
	j.eachModule(g, func(name, _ string) {
		mod, _ := j.index.Lookup(name)
		if j.fate(root, name) != nil {
			return
		}
		f := deleted
		if mod != nil && mod.Path != "" && (j.kept(mod.Path) || j.refused(mod.Path)) {
			return
		}
		if mod != nil && mod.Package && j.keepsBelow(path.Dir(mod.Path)) {
			f = emptied
		}
		j.decree(root, name, &dest{fate: f, step: d.Step, path: d.Path})
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
	if j.answers[p] == "keep" {
		j.answered[p] = true // nobody has to ask
		return true
	}
	return false
}
