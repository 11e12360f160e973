package phases_test

import (
	"strings"
	"testing"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// What two plans must not touch at the same time is the same in every phase.
func TestClaims(t *testing.T) {
	for _, c := range []struct{ name, plan, want string }{
		{"a file", "moves: [{from: app/a.py, to: app/b.py}]", "src/app/a.py src/app/b.py"},
		{"a file into a folder", "moves: [{from: app/a.py, to: lib/}]", "src/app/a.py src/lib/a.py"},
		{"a folder", "moves: [{from: app/, to: lib/}]", "src/app src/lib"},
		{"spelt from the root of the repository", "moves: [{from: src/app/a.py, to: src/lib/a.py}]", "src/app/a.py src/lib/a.py"},
		{"a layer", "retire: [{path: app/old.py, use: app.a}]", "src/app/old.py"},
		{"a duplicate", "delete: [{path: app/copy.py, duplicate_of: app/a.py}]", "src/app/a.py src/app/copy.py"},
		{"what asks a question", "moves: [{from: app/a.py, to: app/use.py}]", "src/app/a.py src/app/use.py"},
		{"what is not there", "delete: [{path: app/none/}]", "src/app/none"},
		{"only where to import from", "imports: {app.old: app.a}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := plan.Read("plan.yml", []byte("restage: 1\nsource_roots: [src]\n"+c.plan+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			before := tree.NewMap(map[string]string{
				"src/app/__init__.py": "",
				"src/app/a.py":        "A = 1\n",
				"src/app/copy.py":     "A = 1\n",
				"src/app/old.py":      "from app.a import A\n",
				"src/app/use.py":      "from app.a import A\nfrom app import copy, old\n",
			})
			changes, err := phases.RunFrom(t.Context(), before, p, phases.Moves, phases.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, change := range changes {
				if got := strings.Join(change.Claims, " "); got != c.want {
					t.Errorf("%s: %s, want %s", change.Phase, got, c.want)
				}
			}
		})
	}
}
