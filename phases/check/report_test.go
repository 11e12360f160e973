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
