package phases_test

import (
	"strings"
	"testing"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// TOML has each key once: where the new file has settings of its own, those of the
// old one are left to a person.
func TestNoKeyTwice(t *testing.T) {
	p, err := plan.Read("plan.yaml", []byte("restage: 1\nretire:\n  - {path: app/layer.py, use: app.job}\n  - {path: app/more.py, use: app.job}\n"))
	if err != nil {
		t.Fatal(err)
	}
	const settings = "[tool.ruff.lint.per-file-ignores]\n"
	for _, c := range []struct{ before, after string }{
		{"\"app/job.py\" = [\"E1\"]\n\"app/layer.py\" = [\"F401\"]\n", ""},
		{"\"app/layer.py\" = [\"F401\"]\n\"app/more.py\" = [\"F401\"]\n", ""},
		{"\"app/layer.py\" = [\"F401\"]\n", "\"app/job.py\" = [\"F401\"]\n"},
		{"a = [\"app/job.py\", \"app/layer.py\"]\n", "a = [\"app/job.py\", \"app/job.py\"]\n"},
	} {
		at := tree.NewMap(map[string]string{
			"app/__init__.py": "", "app/job.py": "def run(): pass\n", "app/layer.py": "from app.job import run\n", "app/more.py": "from app.job import run\n",
			"ruff.toml": settings + c.before,
		})
		change, err := phases.Run(t.Context(), at, p, phases.Imports, phases.Options{})
		if err != nil {
			t.Fatal(err)
		}
		next, err := change.Apply(at)
		if err != nil {
			t.Fatal(err)
		}
		want := c.after
		if want == "" {
			want = c.before
			if len(change.Warnings) == 0 || change.Warnings[0].Rule != "doubtful" || !strings.Contains(change.Warnings[0].Message, "app/job.py already") {
				t.Errorf("%s: warnings %v", c.before, change.Warnings)
			}
		}
		if got, _ := next.Read("ruff.toml"); string(got) != settings+want {
			t.Errorf("%s became\n%s", c.before, got)
		}
	}
}
