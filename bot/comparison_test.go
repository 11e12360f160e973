package bot

import (
	"strings"
	"testing"

	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/tree"
)

// What a person reads of a command.
func TestComparison(t *testing.T) {
	list := func(n int) []report.Finding {
		var l []report.Finding
		for range n {
			l = append(l, report.Finding{ID: "tests/a.py::test", Path: "tests/a.py", Line: 3, Outcome: report.Failed, Message: "m"})
		}
		return l
	}
	passed := func(n int) *report.Report {
		r := &report.Report{}
		for range n {
			r.Findings = append(r.Findings, report.Finding{Outcome: report.Passed})
		}
		return r
	}
	for _, c := range []struct {
		found  report.Comparison
		passed int
		title  string
		want   check.Conclusion
		marks  int
	}{
		{report.Comparison{}, 1, "passed", check.Success, 0},
		{report.Comparison{}, 431, "all 431 passed", check.Success, 0},
		{report.Comparison{New: list(2), Old: list(12)}, 3, "2 new failures, 12 old ones as on main", check.Failure, 2},
		{report.Comparison{Old: list(1)}, 3, "no new failure, 1 old one as on main", check.Success, 0},
		{report.Comparison{Old: list(12), Fixed: list(1)}, 3, "no new failure, 12 old ones as on main, 1 fixed", check.Success, 0},
		{report.Comparison{Flaky: list(1)}, 3, "1 flaky", check.Success, 1},
		{report.Comparison{Gone: list(1)}, 3, "1 test is not run any more", check.Neutral, 0},
		{report.Comparison{Gone: list(1), New: list(1)}, 3, "1 new failure, 1 test is not run any more", check.Failure, 1},
		{report.Comparison{Skipped: list(2)}, 3, "2 tests are skipped now", check.Success, 0},
		{report.Comparison{New: list(300)}, 0, "300 new failures", check.Failure, maxAnnotations},
	} {
		of := comparison{&c.found, passed(c.passed), "main", tree.NewMap(map[string]string{"tests/a.py": ""})}
		r := of.result("tests")
		if r.Title != c.title || r.Conclusion != c.want || len(r.Annotations) != c.marks {
			t.Errorf("got %q, %s, %d annotations; want %q, %s, %d", r.Title, r.Conclusion, len(r.Annotations), c.title, c.want, c.marks)
		}
	}
}

// A test that is flaky on the base is flaky, wherever it was.
func TestComparisonOfFlaky(t *testing.T) {
	found := report.Comparison{Flaky: []report.Finding{
		{ID: "a.py::head", Path: "a.py", Outcome: report.Flaky, Message: "m"},
		{ID: "a.py::base", Path: "a.py", Outcome: report.Failed, Message: "m"},
	}}
	r := (&comparison{&found, &report.Report{}, "main", tree.NewMap(map[string]string{"a.py": ""})}).result("tests")
	for i, want := range []string{"flaky: it failed, and passed when it was run again\n\nm", "flaky: on main it failed, and passed when it was run again\n\nm"} {
		if a := r.Annotations[i]; a.Message != want || a.Level != "warning" {
			t.Errorf("%s: got %q, want %q", a.Level, a.Message, want)
		}
	}
}

// What a test is called, and says, is data.
func TestComparisonOfStrangers(t *testing.T) {
	f := report.Finding{ID: "<b>`x`</b> | <!-- restage:checks -->\n# head", Path: "a`|\n# b.py", Line: 1, Message: "</details><script> | @everyone [a](b) <!-- restage:/checks -->\n# head"}
	// GitHub gets no place that is not in the repository.
	of := comparison{&report.Comparison{New: []report.Finding{f}}, &report.Report{}, "ma`in|", tree.NewMap(nil)}
	if n := len(of.result("tests").Annotations); n > 0 {
		t.Errorf("%d annotations", n)
	}
	_, list, _ := strings.Cut(of.result("tests").Summary, "### New\n\n")
	const want = "- ``a`\\| # b.py:1`` ``<b>`x`</b> \\| <!-- restage:checks --> # head`` " +
		"&lt;/details&gt;&lt;script&gt; \\| @\u200beveryone \\[a\\](b) &lt;!-- restage:/checks --&gt; #\u200b head"
	if got := strings.TrimSpace(list); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A command names a file from where it was started.
func TestFinder(t *testing.T) {
	find := finder(tree.NewMap(map[string]string{"a.py": "", "src/b.py": "", "src/x/c.py": "", "lib/x/c.py": "", "lib/y/c.py": "", "zb.py": ""}))
	for path, want := range map[string]string{"a.py": "a.py", "b.py": "src/b.py", "y/c.py": "lib/y/c.py", "x/c.py": "", "c.py": "", "none.py": "", "": ""} {
		if got := find(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}
