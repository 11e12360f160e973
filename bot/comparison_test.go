package bot

import (
	"strings"
	"testing"

	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/config"
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
		r := &report.Report{Kind: config.Pytest, Complete: true}
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
		{report.Comparison{Skipped: list(2)}, 0, "2 tests are skipped now, no test passed", check.Neutral, 0},
		{report.Comparison{}, 0, "no test passed", check.Neutral, 0},
		{report.Comparison{Broken: "exit status 127"}, 0, "could not be compared: exit status 127", check.Neutral, 0},
		{report.Comparison{Broken: "exit status 2", New: list(1)}, 0, "1 new failure", check.Failure, 1},
		{report.Comparison{Stuck: true, Old: list(1)}, 0, "tests were not run: collection stops on main, too", check.Neutral, 0},
		{report.Comparison{New: list(300)}, 0, "300 new failures", check.Failure, maxAnnotations},
	} {
		of := comparison{&c.found, &report.Report{}, passed(c.passed), "main", tree.NewMap(map[string]string{"tests/a.py": ""})}
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
	r := (&comparison{&found, &report.Report{}, &report.Report{}, "main", tree.NewMap(map[string]string{"a.py": ""})}).result("tests")
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
	of := comparison{&report.Comparison{New: []report.Finding{f}}, &report.Report{}, &report.Report{}, "ma`in|", tree.NewMap(nil)}
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

// A finding is called by its name, unless that says no more than its message.
func TestFindingText(t *testing.T) {
	for _, c := range []struct {
		f    report.Finding
		want string
	}{
		{report.Finding{ID: "a.py::test", Path: "a.py", Line: 3, Message: "m"}, "`a.py:3` `a.py::test` m"},
		{report.Finding{ID: "a.py::test", Path: "a.py", Line: 3}, "`a.py:3` `a.py::test`"},
		{report.Finding{ID: "a.py: wrong [x]", Path: "a.py", Line: 3, Message: "wrong [x]"}, "`a.py:3` wrong \\[x\\]"},
		{report.Finding{Message: "exit status 1"}, "exit status 1"},
	} {
		if got := findingText(c.f); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

// Why something may be missing is said before all lists.
func TestComparisonOfBroken(t *testing.T) {
	broken := &report.Report{Kind: config.Exit, Broken: "exit status 127"}
	r := (&comparison{&report.Comparison{Broken: "exit status 127"}, broken, broken, "main", tree.NewMap(nil)}).result("tests")
	const want = "On this pull request the command did not come to its end: exit status 127.\n\n" +
		"On `main` the command did not come to its end: exit status 127. Repair it there or in `.github/restage.yml`, " +
		"then comment `/restage rerun`: what did not come to its end runs again.\n\n|"
	if !strings.HasPrefix(r.Summary, want) {
		t.Errorf("got %s", r.Summary)
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
