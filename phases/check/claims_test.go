package check_test

import (
	"fmt"
	"testing"

	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// What a plan says in a shell block, and what a tree says of that.
func TestClaims(t *testing.T) {
	files := tree.NewMap(map[string]string{
		"src/new/__init__.py": "from .jobs import run\nfrom .gone import stop\n__all__ = [\"run\"]\n",
		"src/new/jobs.py":     "\"\"\"\ndomain: new\n\"\"\"\n\ndef run():\n    pass\n",
		"src/old/wrapper.py":  "# from old.jobs import run\nfrom old.jobs import run\nimport old.jobs\n",
		"src/old/a.txt":       "same\n",
		"src/old/b.txt":       "same\n",
		"tests/test_old.py":   "import old\n",
		"docs/old.md":         "from old.jobs import run\r\n",
		"data.bin":            "old\x00old\n",
	})
	for _, test := range []struct{ shell, want string }{
		{"test -f src/new/jobs.py", "holds"},
		{"test -f new/jobs.py", "holds"},
		{"test -f src/new", "fails: `src/new` is no file"},
		{"test -d src/new", "holds"},
		{"test -d src/new/jobs.py", "fails: `src/new/jobs.py` is no folder with files"},
		{"test -e src/none", "fails: `src/none` is not there"},
		{"test ! -e src/none", "holds"},
		{"test ! -d src/old", "fails: there are still files in `src/old`, such as `src/old/a.txt`"},
		{"test ! -f src/old/wrapper.py", "fails src/old/wrapper.py:1: `src/old/wrapper.py` is still there"},

		{"grep -q 'domain: new' src/new/jobs.py", "holds"},
		{"grep -q 'domain: old' src/new/jobs.py", "fails: there are no lines that match `domain: old` in `src/new/jobs.py`"},
		{"! grep -q 'domain: old' src/new/jobs.py", "holds"},
		{"grep -c '^from' src/new/__init__.py | grep -q '^2$'", "holds"},
		{"grep -c '^from' src/new/__init__.py | grep -q '^1$'",
			"fails src/new/__init__.py:1: there are 2 lines that match `^from` in `src/new/__init__.py`, and there must be 1"},
		{"# must be 0\ngrep -r 'old\\.jobs' --include='*.py' src/ tests/ | wc -l",
			"fails src/old/wrapper.py:1: there are 3 lines that match `old\\.jobs` in `src/, tests/`, and there must be 0"},
		{"# must be 0\ngrep -r 'old\\.jobs' --include='*.py' src/ tests/ | grep -v '/wrapper\\.py:' | wc -l", "holds"},
		{"# must be 1\ngrep -r 'old.jobs' src/old/wrapper.py | grep -v '^#' | grep from | wc -l", "holds"},
		{"# must be 0\ngrep -r 'old' --include='*.bin' . | wc -l", "holds"},
		{"# must be 1\ngrep -r 'run$' docs | wc -l", "holds"},
		{"grep -q x src/none.py", "fails: there are no lines that match `x` in `src/none.py`"},
		{"# must be 0\ngrep -r x src/none | wc -l", "holds"},

		{"# must be 0\nfind src/old -name '*.py' | wc -l", "fails src/old/wrapper.py:1: there are 1 files in `src/old`, and there must be 0"},
		{"# must be 0\nfind src/old -name '*.py' | grep -v wrapper | wc -l", "holds"},
		{"# must be 2\nfind src/old -type f -not -name '*.py' | wc -l", "holds"},

		{"diff src/old/a.txt src/old/b.txt", "holds"},
		{"diff src/old/a.txt docs/old.md", "fails: `src/old/a.txt` and `docs/old.md` differ"},
		{"diff src/old/a.txt src/old/c.txt", "unknown: `src/old/c.txt` is no file, so there is nothing to compare"},

		{"python -c 'from new import run'", "holds"},
		{"python -c 'import new.jobs'", "holds"},
		{"python -c 'from new import run, walk'", "fails src/new/__init__.py:1: `new` has no `walk`"},
		{"python -c 'from new.none import run'", "fails: there is no module `new.none`"},
		{"python -c 'import numpy'", "unknown: `numpy` is no module of this repository"},
	} {
		t.Run(test.shell, func(t *testing.T) {
			p, err := plan.Read("", []byte("- `a.py` → `b.py`\n\n```sh\n"+test.shell+"\n```\n"))
			if err != nil || len(p.Checks) != 1 {
				t.Fatalf("%v, %+v", err, p)
			}
			list, err := check.Claims(t.Context(), files, []string{"src"}, check.Promise{Checks: p.Checks})
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			got := string(list[0].State)
			if list[0].At != "" {
				got += fmt.Sprintf(" %s:%d", list[0].At, list[0].AtLine)
			}
			if list[0].Message != "" {
				got += ": " + list[0].Message
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
