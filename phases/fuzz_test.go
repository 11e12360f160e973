package phases_test

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// FuzzRewrite puts any text into files that refer to what a plan touches: every
// phase comes to an end, changes nothing but references, and nothing when it
// runs again; what was Python before is Python after.
func FuzzRewrite(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if name, flags := splitName(file.Name); strings.HasPrefix(name, "before/") && path.Ext(name) != ".yaml" {
				f.Add(string(decode(nil, file.Data, flags)))
			}
		}
	}
	f.Add("import pkgutil\n0A\npkgutil.get_data(\"\")")
	f.Add("import old\nu = old\ngetattr(u, 'mod')\nclass K:\n    import old.mod\n    old.mod\nK.old.mod\ndef f(x: 'old.mod.name'): return u.mod, old.mod")
	f.Add("from old import *\nfrom . import stays as s\nv = s.mod\nw = v.name\n__all__ = ['mod'] + s.__all__\n__all__ += ['name']\n__all__.extend(w)")
	f.Add("import old.mod, old.stays\nold.mod.x; old.stays\n")
	f.Add("from old import (mod, # a\n stays) ; from .old.mod import *\n\tx")
	p, err := plan.Read("plan.yaml", []byte(`restage: 1
moves:
  - {from: old/mod.py, to: new/deep/mod.py, export: [name]}
  - {from: use/moves.py, to: used/moves.py}
imports:
  old.mod: new.deep
  "old.stays:one": "new.other:two"
retire:
  - {path: old/compat.py, use: old.mod}
`))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string) {
		var at tree.Tree = tree.NewMap(map[string]string{
			"old/__init__.py":    "",
			"old/mod.py":         "name = 1\n",
			"old/stays.py":       "from new.other import two as one\n",
			"old/compat.py":      "from old.mod import name\n",
			"new/other.py":       "two = 2\n",
			"use/__init__.py":    src,
			"use/stays.py":       src,
			"use/moves.py":       src,
			"use/notebook.ipynb": src,
			"use/README.md":      src,
			"pyproject.toml":     src,
		})
		parses := python.Parse([]byte(src)).ErrorLine == 0
		for _, phase := range phases.All {
			change, err := phases.Run(t.Context(), at, p, phase, phases.Options{})
			if err != nil {
				t.Fatalf("%s: %v", phase, err)
			}
			next := checkCommits(t, at, change)
			for _, r := range change.Rewritten {
				data, err := next.Read(r.Path)
				if err != nil {
					t.Fatal(err)
				}
				if path.Ext(r.Path) == ".py" && parses && python.Parse(data).ErrorLine != 0 {
					t.Errorf("%s: %s parses no more:\n%s", phase, r.Path, data)
				}
			}
			again, err := phases.Run(t.Context(), next, p, phase, phases.Options{})
			if err != nil {
				t.Fatalf("%s again: %v", phase, err)
			}
			for _, c := range again.Commits {
				t.Errorf("%s again changes %s:\n%s", phase, c.Files, diff(next, c.Edits[0]))
			}
			if parses {
				checkKept(t, at, next, p, phase)
			}
			at = next
		}
	})
}

// checkKept fails when a file differs in more than references.
func checkKept(t *testing.T, before, after tree.Tree, p *plan.Plan, phase phases.Phase) {
	t.Helper()
	results, err := phases.Verify(t.Context(), before, after, p, phase, phases.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		for _, a := range r.Annotations {
			if r.Name == check.Imports && unkept(a) {
				t.Errorf("%s: %s:%d: %s\n%s", phase, a.Path, a.Line, a.Message, diff(before, editOf(after, a.Path)))
			}
		}
	}
}
