package phases

import (
	"path"
	"strings"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// Projects side by side in one repository may have modules of one name, each
// below a source root of its own. What a name means then depends on who says it:
// the module of the root that is nearest.

// decree settles the fate of a module below a source root.
func (j *job) decree(root, name string, d *dest) {
	d.root = root
	if have := j.fates[name]; have == nil || have.root == root {
		j.fates[name] = d
		return
	}
	if j.twins[root] == nil {
		j.twins[root] = map[string]*dest{}
	}
	j.twins[root][name] = d
}

// fate returns the fate of a module below a source root, or nil.
func (j *job) fate(root, name string) *dest {
	if d := j.fates[name]; d != nil && d.root == root {
		return d
	}
	return j.twins[root][name]
}

// everyFate calls yield for each fate, those of twins too.
func (j *job) everyFate(yield func(string, *dest) bool) {
	for name, d := range j.fates {
		if !yield(name, d) {
			return
		}
	}
	for _, fates := range j.twins {
		for name, d := range fates {
			if !yield(name, d) {
				return
			}
		}
	}
}

// has reports whether there is a module below a source root, or was one before
// the plan.
func (j *job) has(root, name string) bool {
	at := path.Join(root, strings.ReplaceAll(name, ".", "/"))
	_, module := tree.Find(j.tree, at+".py")
	_, regular := tree.Find(j.tree, at+"/__init__.py")
	return module || regular || j.fate(root, name) != nil
}

// others returns the source roots that have a module called like one with a
// fate, beside the root of that.
func (j *job) others(name string) []string {
	var list []string
	for _, root := range j.index.Roots() {
		if root != j.fates[name].root && j.has(root, name) {
			list = append(list, root)
		}
	}
	return list
}

// holders returns the source roots that have modules of the same name, one of
// them with a fate.
func (j *job) holders() []string {
	held := map[string]bool{}
	for name, d := range j.fates {
		for _, root := range j.others(name) {
			held[root], held[d.root] = true, true
		}
	}
	return sorted(keys(held))
}

// near returns the job as it is to whom the modules below a source root are
// nearest.
func (j *job) near(root string) *job {
	v := *j
	v.first, v.fates = root, map[string]*dest{}
	for name, d := range j.fates {
		if d.root == root || !j.has(root, name) {
			v.fates[name] = d
		}
	}
	for name, d := range j.twins[root] {
		v.fates[name] = d
	}
	v.index = v.indexOf(j.tree)
	return &v
}

// indexOf indexes the modules of a tree. Those below the first root come first.
func (j *job) indexOf(t tree.Tree) *python.Index {
	var files, others []string
	for _, e := range t.Entries() {
		switch {
		case e.Mode == tree.Symlink:
		case j.first == "" || within(e.Path, j.first):
			files = append(files, e.Path)
		default:
			others = append(others, e.Path)
		}
	}
	return python.NewIndex(append(files, others...), j.roots)
}

// views are the meanings that names have in one tree, by who says them.
type views struct {
	base    *model
	holders []string
	models  map[string]*model
}

func (j *job) views(m *model) *views {
	v := &views{base: m, models: map[string]*model{}}
	for _, root := range j.holders() {
		v.holders = append(v.holders, root)
		v.models[root] = j.near(root).newModel(m.tree)
	}
	return v
}

// of returns what names mean in the file at p: what they do from the root that
// shares the most folders with it.
func (v *views) of(p string) *model {
	best, most, tie := v.base, -1, false
	for _, root := range v.holders {
		switch n := shared(root, p); {
		case n == 0 && root != "":
		case n == most:
			tie = true
		case n > most:
			best, most, tie = v.models[root], n, false
		}
	}
	if tie {
		return v.base
	}
	return best
}

// shared counts the folders that two paths begin with.
func shared(a, b string) int {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	return n
}
