package report_test

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/phases/config"
)

// lines returns the findings of a report, one a line.
func lines(findings []report.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s [%s] %s:%d %s\n", f.Outcome, f.ID, f.Path, f.Line, f.Message)
	}
	return b.String()
}

func TestRead(t *testing.T) {
	xml := func(tests string) *runner.Result {
		return &runner.Result{Status: 1, Files: map[string][]byte{"r.xml": []byte("<testsuites><testsuite>" + tests + "</testsuite></testsuites>")}}
	}
	with := func(r *runner.Result, change func(*runner.Result)) *runner.Result {
		change(r)
		return r
	}
	tests := []struct {
		name     string
		kind     config.Report
		result   *runner.Result
		want     string
		complete bool
	}{
		{"exit", config.Exit, &runner.Result{}, "passed [] :0 exit status 0\n", true},
		{"exit with a failure", config.Exit, &runner.Result{Status: 3}, "failed [] :0 exit status 3\n", true},
		{"exit by a signal", config.Exit, &runner.Result{Status: 139}, "failed [] :0 ended by signal 11\n", false},
		{"exit in time too late", config.Exit, &runner.Result{Stopped: runner.Timeout}, "failed [] :0 stopped: the time is up\n", false},
		{"exit of what is not there", config.Exit, &runner.Result{Status: 127}, "failed [] :0 exit status 127\n", false},

		{"mypy without errors", config.Mypy, &runner.Result{Log: "Success: no issues found in 3 source files\n"}, "", true},
		{"mypy", config.Mypy, &runner.Result{Status: 1, Log: `src/a.py:1: error: Cannot find implementation or library stub for module named "b"  [import]
src/a.py:1: note: See https://mypy.readthedocs.io/
src/a.py:2:5: error: Incompatible types  [assignment]
./src/a.py:3:5:3:9: error: No code
/repo/src/c d.py:4: error: In a folder
src/e.py: error: Source file found twice under different module names: "e" and "src.e"
/etc/passwd:1: error: Elsewhere
../x.py:1: error: Above
Found 4 errors in 1 file (checked 1 source file)
`}, `failed [src/a.py: Cannot find implementation or library stub for module named "b" [import]] src/a.py:1 Cannot find implementation or library stub for module named "b" [import]
failed [src/a.py: Incompatible types [assignment]] src/a.py:2 Incompatible types [assignment]
failed [src/a.py: No code] src/a.py:3 No code
failed [src/c d.py: In a folder] src/c d.py:4 In a folder
failed [src/e.py: Source file found twice under different module names: "e" and "src.e"] src/e.py:0 Source file found twice under different module names: "e" and "src.e"
failed [: Elsewhere] :1 Elsewhere
failed [: Above] :1 Above
`, true},
		{"mypy that could not go on", config.Mypy, &runner.Result{Status: 2, Log: "a.py:1: error: invalid syntax  [syntax]\nFound 1 error in 1 file (errors prevented further checking)\n"},
			"failed [a.py: invalid syntax [syntax]] a.py:1 invalid syntax [syntax]\n", false},
		{"mypy that did not start", config.Mypy, &runner.Result{Status: 127, Log: "sh: 1: mypy: not found\n"}, "failed [] :0 exit status 127\n", false},
		{"mypy that fails and says nothing", config.Mypy, &runner.Result{Status: 1}, "failed [] :0 exit status 1\n", false},
		{"mypy with too much to say", config.Mypy, &runner.Result{Status: 1, Cut: true, Log: "a.py:1: error: x\n"},
			"failed [a.py: x] a.py:1 x\nfailed [] :0 mypy printed more than is kept\n", false},

		{"pytest", config.Pytest, xml(`
			<testcase classname="tests.test_a.TestB.TestC" name="test_ok" file="tests/test_a.py" line="3" />
			<testcase classname="tests.test_a.TestB" name="test_c[a.b::c[d]]" file="tests/test_a.py" line="4"><failure message="assert 1 == 2">
tests/test_a.py:9: AssertionError</failure></testcase>
			<testcase classname="tests.test_a" name="test_skip" file="tests/test_a.py" line="20"><skipped message="why"/></testcase>
			<testcase classname="docs.README.rst" name="README.rst" file="docs/README.rst" />`),
			`passed [tests/test_a.py::TestB::TestC::test_ok] tests/test_a.py:4 
failed [tests/test_a.py::TestB::test_c[a.b::c[d]]] tests/test_a.py:9 assert 1 == 2
skipped [tests/test_a.py::test_skip] tests/test_a.py:21 why
passed [docs/README.rst::README.rst] docs/README.rst:0 
`, true},
		{"pytest in the helper of another file", config.Pytest, xml(`<testcase classname="test_a" name="test_x" file="test_a.py" line="0"><failure message="m">
test_a.py:7: 
    helper()
lib/helper.py:99: ValueError</failure></testcase>`), "failed [test_a.py::test_x] test_a.py:7 m\n", true},
		{"pytest without files", config.Pytest, xml(`<testcase classname="tests.test_a.TestB" name="test_c"><error message="m"/></testcase>`),
			"failed [tests/test_a.py::TestB::test_c] tests/test_a.py:0 m\n", true},
		{"pytest with a file that cannot be imported", config.Pytest,
			with(xml(`<testcase classname="" name="tests.test_a" file="tests/test_a.py"><error message="collection failure">tests/test_a.py:1: in</error></testcase>`), func(r *runner.Result) { r.Status = 2 }),
			"failed [tests/test_a.py] tests/test_a.py:1 collection failure\n", false},
		{"pytest with two entries for a test", config.Pytest, xml(`
			<testcase classname="a" name="t" file="a.py"/>
			<testcase classname="a" name="t" file="a.py"><error message="failed on teardown"/></testcase>
			<testcase classname="a" name="u" file="a.py"><failure message="first"/></testcase>
			<testcase classname="a" name="u" file="a.py"><error message="second"/></testcase>`),
			"failed [a.py::t] a.py:0 failed on teardown\nfailed [a.py::u] a.py:0 first\n", true},
		{"pytest that fails though no test does", config.Pytest, xml(`<testcase classname="a" name="t" file="a.py"/>`),
			"passed [a.py::t] a.py:0 \nfailed [] :0 exit status 1, though no test failed\n", true},
		{"pytest without tests", config.Pytest, with(xml(""), func(r *runner.Result) { r.Status = 5 }), "failed [] :0 there are no tests\n", false},
		{"pytest that ran out of time", config.Pytest, &runner.Result{Status: 143, Stopped: runner.Timeout, FileErrors: map[string]error{"r.xml": fs.ErrNotExist}},
			"failed [] :0 stopped: the time is up, and no report was written\n", false},
		{"pytest that writes its report elsewhere", config.Pytest, &runner.Result{Status: 1, FileErrors: map[string]error{"r.xml": fs.ErrNotExist}},
			"failed [] :0 exit status 1, and pytest wrote no report; does the command set --junitxml itself?\n", false},
		{"pytest that was interrupted", config.Pytest,
			with(xml(`<testcase classname="a" name="t" file="a.py"><failure message="m"/></testcase>`), func(r *runner.Result) { r.Status = 137 }),
			"failed [a.py::t] a.py:0 m\n", false},
		{"pytest with a link for a report", config.Pytest, &runner.Result{FileErrors: map[string]error{"r.xml": fs.ErrInvalid}},
			"failed [] :0 the report cannot be read: invalid argument\n", false},
		{"pytest with a broken report", config.Pytest, xml("<testcase>"),
			"failed [] :0 the report cannot be read: XML syntax error on line 1: element <testcase> closed by </testsuite>; exit status 1\n", false},
		{"pytest with entities", config.Pytest, xml(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><testcase name="&e;"/>`),
			"failed [] :0 the report cannot be read: XML syntax error on line 1: invalid character entity &e;; exit status 1\n", false},
		{"pytest with deep elements", config.Pytest, xml(strings.Repeat("<a>", 1000)),
			"failed [] :0 the report cannot be read: its elements are nested too deep; exit status 1\n", false},
		{"pytest with a file outside", config.Pytest, xml(`<testcase classname="x" name="t" file="../../etc/x.py" line="-1"><failure message="m">:3: x</failure></testcase>`),
			"failed [x::t] :0 m\n", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := report.Read(test.kind, test.result, "r.xml")
			if got := lines(r.Findings); got != test.want || r.Complete != test.complete || r.Complete != (r.Broken == "") {
				t.Errorf("complete is %v, broken %q, got\n%swant\n%s", r.Complete, r.Broken, got, test.want)
			}
		})
	}
}

func TestReportIsBounded(t *testing.T) {
	long := strings.Repeat("é", 100_000)
	res := &runner.Result{Status: 1, Files: map[string][]byte{
		"r.xml": []byte(`<s><testcase classname="a" name="t" file="a.py"><failure message="` + long + `">` + long + `</failure></testcase></s>`),
	}}
	f := report.Read(config.Pytest, res, "r.xml").Findings[0]
	if n := len(f.Message); n > 4<<10 || !strings.HasSuffix(f.Message, "é…") {
		t.Errorf("the message has %d bytes", n)
	}
	if n := len(f.Details); n > 20<<10 || !strings.HasSuffix(f.Details, "é…") {
		t.Errorf("the details have %d bytes", n)
	}

	res.Files["r.xml"] = []byte(`<s><testcase classname="` + long + `" name="` + long + `" file="` + long + `"/></s>`)
	if f := report.Read(config.Pytest, res, "r.xml").Findings[0]; len(f.ID) > 4<<10 || f.Path != "" {
		t.Errorf("the name has %d bytes, the path %d", len(f.ID), len(f.Path))
	}

	res = &runner.Result{Status: 1, Log: strings.Repeat("a.py:1: error: x\n", 250_000)}
	if r := report.Read(config.Mypy, res, ""); len(r.Findings) > 200_001 || r.Complete || r.Broken == "" {
		t.Errorf("%d findings, complete is %v", len(r.Findings), r.Complete)
	}

	// Failures have room where passed tests do not.
	var tests strings.Builder
	for i := range 100_010 {
		fmt.Fprintf(&tests, `<testcase classname="a" name="t%d" file="a.py"/>`, i)
	}
	const last = `<testcase classname="a" name="t100005" file="a.py"><error message="on teardown"/></testcase><testcase classname="a" name="t" file="a.py"><failure message="m"/></testcase>`
	res = &runner.Result{Status: 1, Files: map[string][]byte{"r.xml": []byte("<s>" + tests.String() + last + "</s>")}}
	r := report.Read(config.Pytest, res, "r.xml")
	if len(r.Findings) != 100_002 || r.Count(report.Failed) != 2 || r.Complete || r.Broken != "" {
		t.Errorf("%d findings, %d failed, complete is %v, broken %q", len(r.Findings), r.Count(report.Failed), r.Complete, r.Broken)
	}
}

func TestRetry(t *testing.T) {
	r := &report.Report{Kind: config.Pytest, Complete: true, Findings: []report.Finding{
		{ID: "a", Outcome: report.Failed}, {ID: "b", Outcome: report.Failed}, {ID: "c", Outcome: report.Passed}, {ID: "d", Outcome: report.Failed},
	}}
	r.Retry(&report.Report{Findings: []report.Finding{{ID: "a", Outcome: report.Passed}, {ID: "b", Outcome: report.Failed}, {ID: "d", Outcome: report.Skipped}}})
	var got []report.Outcome
	for _, f := range r.Findings {
		got = append(got, f.Outcome)
	}
	if want := []report.Outcome{report.Flaky, report.Failed, report.Passed, report.Failed}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if r.Count(report.Failed) != 2 {
		t.Errorf("%d failed", r.Count(report.Failed))
	}
	c := report.Compare(&report.Report{Kind: config.Pytest, Complete: true}, r, report.Moves{})
	if len(c.New) != 2 || len(c.Flaky) != 1 || c.Flaky[0].ID != "a" {
		t.Errorf("got %+v", c)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`<s><testcase classname="tests.a.B" name="t" file="tests/a.py" line="3"><failure message="m">tests/a.py:9: E</failure></testcase></s>`)
	f.Add("a.py:1:2: error: x  [c]\n/etc/x: error: y\n..:3: error: z\n")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "") // as all logs are, and XML
		res := &runner.Result{Status: 1, Log: text, Files: map[string][]byte{"r": []byte(text)}}
		for _, kind := range []config.Report{config.Pytest, config.Mypy} {
			r := report.Read(kind, res, "r")
			for _, f := range r.Findings {
				if f.Path != "" && !fs.ValidPath(f.Path) || f.Line < 0 {
					t.Errorf("%q:%d is no place in a repository", f.Path, f.Line)
				}
			}
			c := report.Compare(r, r, report.Moves{})
			if len(c.New)+len(c.Fixed)+len(c.Gone) > 0 || len(c.Old) != r.Count(report.Failed) {
				t.Errorf("a report differs from itself: %+v", c)
			}
		}
	})
}

// The tests that failed are named to pytest, in an order that is always the same, and
// nothing that its shell of options would take for more.
func TestAgain(t *testing.T) {
	failed := func(ids ...string) *report.Report {
		r := &report.Report{Kind: config.Pytest, Complete: true}
		for _, id := range ids {
			r.Findings = append(r.Findings, report.Finding{ID: id, Outcome: report.Failed})
		}
		return r
	}
	many := func(n int) (ids []string) {
		for i := range n {
			ids = append(ids, fmt.Sprintf("a.py::t[%d]", i))
		}
		return ids
	}
	broken := failed("a.py::t")
	broken.Broken = "exit status 2"
	for _, c := range []struct {
		name  string
		tests *report.Report
		want  string // "" if they are not run again
	}{
		{"names", failed("b.py::T::u", "a.py::t[x::y]", "c.py::t", "a.py::shop.prices.price"), "x -k 'shop.prices.price or t or u'"},
		{"what is no name", failed("a.py::it's", "a.py::t or u", "a.py::-x", "a.py", "", "a.py::ok"), "x -k 'ok'"},
		{"a file that cannot be imported", failed("a.py"), ""},
		{"none", failed(), ""},
		{"not to the end", broken, ""},
		{"just few enough", failed(many(100)...), "x -k 't'"},
		{"too many", failed(many(101)...), ""},
		{"too long", failed("a.py::" + strings.Repeat("t", 40<<10)), ""},
	} {
		env := map[string]string{"PYTEST_ADDOPTS": "x"}
		ok := c.tests.Again(env)
		if ok != (c.want != "") || ok && env["PYTEST_ADDOPTS"] != c.want {
			t.Errorf("%s: got %v, %.100q", c.name, ok, env)
		}
	}
}
