package phases

import (
	"bytes"
	"maps"
	"path"
	"regexp"
	"slices"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// Tools such as mypy, ruff and coverage are told module by module, or file by
// file, how strict to be. What is said of a file goes with it when it moves: else
// the file would be judged by other rules until imports, and again by its own
// ones after that.

// toolSettings are the names of files that hold such settings.
var toolSettings = []string{"pyproject.toml", "setup.cfg", "tox.ini", "mypy.ini", ".mypy.ini", ".coveragerc", ".flake8", "ruff.toml", ".ruff.toml",
	"pylintrc", ".pylintrc", "pytest.ini", ".pytest.ini", "pyrightconfig.json", ".importlinter"}

// moveSettings leads the settings of tools to the files that have moved, in a
// commit of its own behind those of the change.
func (j *job) moveSettings(c *Change) error {
	at, err := c.Apply(j.tree)
	if err != nil {
		return err
	}
	m := j.newModel(at)
	m.gone = map[string]bool{}
	m.fates = maps.Clone(m.fates)
	maps.DeleteFunc(m.fates, func(_ string, d *dest) bool { return d.fate != moved })
	for _, g := range slices.Concat(j.retire, j.deletes) { // these are for imports
		for _, f := range append(slices.Clone(g.files), g.path) {
			if !slices.Contains(m.movers, f) {
				delete(m.paths, f)
			}
		}
	}
	var edits []tree.Edit
	for _, f := range j.hits {
		e, there := tree.Find(at, f)
		if !slices.Contains(toolSettings, path.Base(f)) || !there || e.Mode == tree.Symlink || j.excluded(f) {
			continue
		}
		r, err := j.rewriteFile(m, f, f)
		if err != nil {
			return err
		}
		r.settle()
		if len(r.edits) == 0 {
			continue
		}
		data, err := python.Apply(r.f.Src, r.edits)
		if err != nil {
			return err
		}
		c.Rewritten = append(c.Rewritten, newRewrite(f, r.edits))
		edits = append(edits, write(at, f, data))
	}
	if len(edits) > 0 {
		c.Commits = append(c.Commits, newCommit(0, "Lead the settings of tools to the moved files", edits))
	}
	return nil
}

// keepKeys takes back edits that would give a TOML file the same key twice, which
// is no TOML: both files have settings of their own, and a person must merge them.
func (r *rewriter) keepKeys() {
	if path.Ext(r.path) != ".toml" {
		return
	}
	all := r.edits // hasKey looks at them
	r.edits = slices.DeleteFunc(slices.Clone(all), func(e python.Edit) bool {
		before := r.f.Src[bytes.LastIndexByte(r.f.Src[:e.Start], '\n')+1 : e.Start]
		if len(bytes.Trim(before, " \t\"'")) > 0 || !keyEnd.Match(r.f.Src[e.End:]) || !r.hasKey(e.Text, all) {
			return false
		}
		old := string(r.f.Src[e.Start:e.End])
		r.warn(e.Start, "doubtful", old+" is left as it is: there are settings for "+e.Text+" already; merge them, or delete these")
		return true
	})
}

// keyEnd matches what follows a key of TOML.
var keyEnd = regexp.MustCompile(`^["']?[ \t]*=`)

// hasKey reports whether the file has a key, or is to have it by two of edits.
func (r *rewriter) hasKey(key string, edits []python.Edit) bool {
	quoted := regexp.QuoteMeta(key)
	if regexp.MustCompile(`(?m)^[ \t]*["']?` + quoted + `["']?[ \t]*=`).Match(r.f.Src) {
		return true
	}
	same := 0
	for _, e := range edits {
		if e.Text == key && keyEnd.Match(r.f.Src[e.End:]) {
			same++
		}
	}
	return same > 1
}
