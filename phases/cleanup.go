package phases

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/restage/restage/phases/tree"
)

// runCleanup is the last phase: the shims, the retired layers, the duplicates
// and the emptied packages go, except what is kept and what is still referred
// to. References that came in since the imports phase are rewritten first.
func (j *job) runCleanup(c *Change) error {
	if err := j.requireMoved(); err != nil {
		return err
	}
	m := j.newModel(j.tree)
	going := j.going()
	j.hiddenFiles(going)
	rewritten, left, computes, err := j.rewriteAll(m, going, nil)
	if err != nil {
		return err
	}
	for j.spare(m, going, left) || j.spareComputed(going, computes) {
		if rewritten, left, computes, err = j.rewriteAll(m, going, nil); err != nil {
			return err
		}
	}
	j.spareBeside(going)
	for _, l := range left {
		if l.soft {
			j.warn(l.path, l.line, "leftover", "%s goes, and nothing takes its place here", l.what())
		}
	}
	if err := j.commitRewrites(c, rewritten, "Update references to their new homes"); err != nil {
		return err
	}
	var steps commits
	for _, mv := range j.packagesLeft(going) {
		delete(going, mv.from)
		steps.add(mv.row.Step, write(j.tree, mv.from, mv.remains()))
	}
	for _, f := range sorted(keys(going)) {
		c.Deleted = append(c.Deleted, f)
		steps.add(j.stepOf(f), tree.Edit{Path: f, Delete: true})
	}
	after, err := c.Apply(j.tree)
	if err != nil {
		return err
	}
	if err := j.removePackages(after, going, &steps); err != nil {
		return err
	}
	if c.Guide = j.guide(m); len(going) > 0 {
		edit, ok, err := j.writeGuide(c.Guide)
		if err != nil {
			return err
		}
		if ok {
			steps.add(0, edit)
		}
	}
	steps.into(c, j, "Remove the shims and what is no longer used")
	return nil
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// going returns the files that cleanup deletes.
func (j *job) going() map[string]bool {
	going := map[string]bool{}
	for _, mv := range j.moves {
		if _, ok := tree.Find(j.tree, mv.from); ok && j.isShim(mv.from) {
			going[mv.from] = true
		}
	}
	for _, g := range slices.Concat(j.retire, j.deletes) {
		for _, f := range g.files {
			if !j.stays(f) {
				going[f] = true
			}
		}
	}
	j.spareBeside(going)
	return going
}

// packagesLeft returns the __init__.py among going of moved packages in which some
// module stays. It stays in a package: without its __init__.py, tools that look for
// packages would pass over it.
func (j *job) packagesLeft(going map[string]bool) []*fileMove {
	var left []*fileMove
	for _, mv := range j.moves {
		stays := func(e tree.Entry) bool { return strings.HasSuffix(e.Path, ".py") && !going[e.Path] }
		if going[mv.from] && mv.isInit() && slices.ContainsFunc(tree.Under(j.tree, path.Dir(mv.from)), stays) {
			left = append(left, mv)
		}
	}
	return left
}

// remains returns what is in the __init__.py of a moved package after cleanup, if
// some module stays in it.
func (mv *fileMove) remains() []byte {
	return fmt.Appendf(nil, "# The rest of this package is in %s.\n", mv.new)
}

// stays reports whether a file below something deleted stays: it is kept, a
// package around something kept, or in dispute.
func (j *job) stays(f string) bool {
	if j.kept(f) || j.refused(f) {
		return true
	}
	return path.Base(f) == "__init__.py" && j.keepsBelow(path.Dir(f))
}

// spare takes modules from going that a file which stays still refers to, and
// asks about them. It reports whether there were any.
func (j *job) spare(m *model, going map[string]bool, left []leftover) bool {
	users := map[string][]string{}
	for _, l := range left {
		f := l.named(m)
		if l.soft || !going[f] {
			continue
		}
		if at := fmt.Sprintf("%s:%d", l.path, l.line); !slices.Contains(users[f], at) {
			users[f] = append(users[f], at)
		}
	}
	spared := false
	for _, f := range sorted(keys(users)) {
		if j.answer(f) == "delete" {
			continue
		}
		by := users[f]
		if len(by) > 3 {
			by = append(by[:3:3], fmt.Sprintf("and %d more", len(users[f])-3))
		}
		goes := "The plan deletes " + f
		if j.isShim(f) {
			goes = "Cleanup deletes the shim " + f
		}
		j.ask(f, f, fmt.Sprintf("%s, but %s still refers to it. Keep it, or delete it all the same?", goes, list(by)), "keep", "delete")
		delete(going, f)
		for dir := path.Dir(f); dir != "."; dir = path.Dir(dir) {
			delete(going, dir+"/__init__.py")
		}
		spared = true
	}
	return spared
}

// named returns the file that a leftover refers to, or "" if it never resolved.
func (l leftover) named(m *model) string {
	if l.file != "" {
		return l.file
	}
	mod, _ := m.index.Lookup(l.module)
	if mod == nil {
		return ""
	}
	holder := mod.Name
	if d := m.fates[holder]; d != nil && d.fate == moved {
		holder = d.module // behind the shim
	}
	if l.name != "" && l.name != "*" && !contains(everyModule, l.name) && !m.exports(holder, l.name) {
		return ""
	}
	return mod.Path
}

// spareComputed takes modules from going that an import put together at run
// time may name, and asks about it. It reports whether there were any.
func (j *job) spareComputed(going map[string]bool, computes []leftover) bool {
	spared := false
	for _, c := range computes {
		var hit []string
		for f := range going {
			if strings.HasPrefix(j.index.NameOf(f), c.module+".") && strings.HasSuffix(f, ".py") {
				hit = append(hit, f)
			}
		}
		question := fmt.Sprintf("Line %d of %s imports some module of %s, and which one is known only when it runs. Cleanup deletes modules there. Keep them, or delete them all the same?",
			c.line, c.path, c.module)
		if len(hit) == 0 || j.ask(c.path, c.path, question, "keep", "delete") == "delete" {
			continue
		}
		j.hold(c.path, sorted(hit))
		for _, f := range hit {
			delete(going, f)
		}
		spared = true
	}
	return spared
}

// spareBeside takes files from going that are no Python and lie beside a module
// that stays, if only until a question about it is answered: the module may
// open them.
func (j *job) spareBeside(going map[string]bool) {
	for _, f := range sorted(keys(going)) {
		if strings.HasSuffix(f, ".py") || j.answer(f) == "delete" {
			continue
		}
		for _, e := range tree.Under(j.tree, path.Dir(f)) {
			if path.Dir(e.Path) == path.Dir(f) && strings.HasSuffix(e.Path, ".py") && !going[e.Path] && j.staysItself(e.Path, f) {
				delete(going, f)
				break
			}
		}
	}
}

// staysItself reports whether a file stays for its own sake and not for what
// lies below it. If a question about it is open, beside is held with it.
func (j *job) staysItself(f, beside string) bool {
	at := slices.IndexFunc(j.decisions, func(d Decision) bool {
		found, _ := j.find(d.Path)
		return within(f, found) || slices.Contains(d.holds, f)
	})
	if at >= 0 {
		j.hold(j.decisions[at].Path, []string{beside})
	}
	return at >= 0 || j.kept(f) || j.answer(f) == "keep"
}

// hold notes which files stay while the decision about a path is open.
func (j *job) hold(spelt string, files []string) {
	for i, d := range j.decisions {
		if d.Path == spelt {
			j.decisions[i].holds = append(d.holds, files...)
		}
	}
}

// hiddenFiles asks about modules that a new package of the same name hides.
func (j *job) hiddenFiles(going map[string]bool) {
	for _, mv := range j.moves {
		f := j.hiddenBy(mv)
		if f == "" || going[f] {
			continue
		}
		if j.ask(f, f, fmt.Sprintf("The package %s hides %s, which nobody can import any more. Delete it, or keep it?", strings.TrimSuffix(f, ".py"), f), "delete", "keep") == "delete" {
			going[f] = true
		}
	}
}

// stepOf returns the step of the plan that deletes a file.
func (j *job) stepOf(f string) int {
	for _, g := range slices.Concat(j.retire, j.deletes) {
		if slices.Contains(g.files, f) && g.step != 0 {
			return g.step
		}
	}
	return 0
}

// newModel returns the model of t with the paths that text may name.
func (j *job) newModel(t tree.Tree) *model {
	m := j.model(t)
	m.patched = sync.OnceValue(func() map[string]bool { return j.patchedNames(m) })
	m.lost, m.firsts, m.lasts = m.losers(), map[string]bool{}, map[string]bool{}
	for name := range m.fates {
		first, _, _ := strings.Cut(name, ".")
		_, last := cutLast(name)
		m.firsts[first], m.lasts[last] = true, true
	}
	for key := range m.symbols {
		_, name, _ := strings.Cut(key, ":")
		m.lasts[name] = true
	}
	m.paths, m.gone = map[string]newPath{}, map[string]bool{}
	for _, mv := range j.moves {
		step := mv.row.Step
		if d := m.fates[mv.old]; d != nil {
			step = d.step
			if d.shadow != nil {
				step = d.shadow.step
			}
		}
		m.paths[mv.from] = newPath{mv.to, step}
		m.movers = append(m.movers, mv.from)
		if from, _ := j.findMoved(mv.row); strings.HasSuffix(mv.row.From, "/") {
			for dir, to := path.Dir(mv.from), path.Dir(mv.to); within(dir, from); dir, to = path.Dir(dir), path.Dir(to) {
				m.paths[dir] = newPath{to, step}
			}
		}
	}
	slices.Sort(m.movers)
	for _, g := range slices.Concat(j.retire, j.deletes) {
		for _, f := range append(slices.Clone(g.files), g.path) {
			if _, known := m.paths[f]; known {
				continue
			}
			if t, ok := m.whole(j.index.NameOf(f)); ok {
				if mod, _ := m.index.Lookup(t.concrete); mod != nil && mod.Path != "" && strings.HasSuffix(f, ".py") {
					m.paths[f] = newPath{mod.Path, t.step}
					continue
				}
			}
			if slices.Contains(g.files, f) {
				m.gone[f] = true
			}
		}
		j.goneFolders(m, g)
	}
	return m
}

// goneFolders adds the folders that go with all that is in them.
func (j *job) goneFolders(m *model, g *goner) {
	for _, f := range g.files {
		for dir := path.Dir(f); g.dir && within(dir, g.path) && !m.gone[dir]; dir = path.Dir(dir) {
			if _, moves := m.paths[dir]; moves || j.keepsBelow(dir) || j.refused(dir) {
				break
			}
			m.gone[dir] = true
		}
	}
}
