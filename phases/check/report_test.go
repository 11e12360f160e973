package check_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/tree"
)

// What a repository calls its things cannot become markup, a mention, a row of
// a table or a second line.
func TestSummaryEscapes(t *testing.T) {
	const name = "a`|<img src=x>\n## @octocat #1 [x](y)\u202e.txt"
	results, err := check.Run(t.Context(), check.Expectation{
		Stage: check.Cleaned,
		After: tree.NewMap(map[string]string{name: "x"}),
		Gone:  []string{name},
		Open:  []string{name},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `1 deviation from the plan.

Waiting for 1 decision; what they are about is left as it was:

- ` + "``a`\\|<img src=x> ## @octocat #1 [x](y).txt``" + `

| What | Fine | Not |
|---|--:|--:|
| files deleted | 0 | 1 |

| | Where | What |
|---|---|---|
| failure | ` + "``a`\\|<img src=x> ## @octocat #1 [x](y).txt:1`` | `a'\\|<img src=x> ## @octocat #1 [x](y).txt`" + ` is to be deleted, and is still there |
`
	if got := results[0].Summary; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// However much is wrong, what is said about it has an end, and failures come
// first.
func TestBounds(t *testing.T) {
	files := map[string]string{"pkg/__init__.py": ""}
	for i := range 3000 {
		files[fmt.Sprintf("f%04d.py", i)] = "try:\n    import pkg.gone\nexcept ImportError:\n    pass\n"
	}
	files["z.py"] = "import pkg.gone\n"
	results, err := check.Run(t.Context(), check.Expectation{
		Before: tree.NewMap(map[string]string{"pkg/__init__.py": "", "pkg/gone.py": ""}),
		After:  tree.NewMap(files),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := results[1]
	if r.Title != "1 broken reference, and 3000 to look at" || r.Conclusion != check.Failure {
		t.Errorf("%s: %s", r.Conclusion, r.Title)
	}
	if len(r.Annotations) != 1000 || r.Annotations[0].Path != "z.py" {
		t.Errorf("%d annotations, the first in %s", len(r.Annotations), r.Annotations[0].Path)
	}
	if len(r.Summary) > 60000 || !strings.Contains(r.Summary, "and 2901 more") {
		t.Errorf("a summary of %d bytes:\n%s", len(r.Summary), r.Summary[len(r.Summary)-200:])
	}
}

// Each kind of leftover has its own count, and what moved is counted before and
// after.
func TestCounts(t *testing.T) {
	const cell = `{"cells": [{"cell_type": "code", "source": ["import pkg.old\n"]}, {"cell_type": "markdown", "source": ["pkg.old"]}, ` +
		`{"cell_type": "code", "source": ["1"], "outputs": [{"output_type": "stream", "text": ["pkg.old"]}]}]}`
	results, err := check.Run(t.Context(), check.Expectation{
		Stage: check.Rewritten,
		Moves: []check.Move{{From: "pkg/old.py", To: "pkg/new.py", Old: "pkg.old", New: "pkg.new"}},
		Olds:  []check.Old{{Module: "pkg.old", Path: "pkg/old.py", New: []string{"pkg.new"}}},
		Before: tree.NewMap(map[string]string{
			"pkg/__init__.py": "", "pkg/old.py": "def run():\n    pass\n\n\ndef stop():\n    pass\n",
		}),
		After: tree.NewMap(map[string]string{
			"pkg/__init__.py":         "",
			"pkg/new.py":              "def run():\n    pass\n",
			"code.py":                 "import pkg.old\nimport pkg\npkg.old.run()\npatch('pkg.old.run')\nimportlib.import_module('pkg.old')\n# pkg.old\n",
			"book.ipynb":              cell,
			"tool.toml":               "run = 'pkg.old'\nstop = 'pkg.old'\n",
			"docs/use.md":             "See pkg.old.\nAnd pkg/old.py.\nAnd pkg.old.run.\n",
			".github/workflows/a.yml": "run: pkg/old.py\n",
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| imports | 1 |", "| attributes | 1 |", "| strings | 2 |", "| comments and docstrings | 1 |",
		"| notebooks | 2 |", "| notebook outputs | 1 |", "| configuration | 2 |", "| documents | 3 |", "| workflows | 1 |",
	} {
		if got := results[3].Summary; !strings.Contains(got, want+"\n") {
			t.Errorf("the leftovers lack %q:\n%s", want, got)
		}
	}
	for _, want := range []string{"| files | 1 | 1 |", "| lines | 6 | 2 |", "| functions and classes | 2 | 1 |"} {
		if got := results[0].Summary; !strings.Contains(got, want+"\n") {
			t.Errorf("the structure lacks %q:\n%s", want, got)
		}
	}
}
