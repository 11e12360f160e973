package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/restage/restage/bot/runner"
)

// addOpts is the variable that pytest takes options from.
const addOpts = "PYTEST_ADDOPTS"

// pytestEnv returns the environment in which pytest writes its report to a file of
// the work tree, and runs what it can where some test files cannot be imported or
// the options of the repository would end it at the first failure.
func pytestEnv(name string) map[string]string {
	return map[string]string{
		addOpts: "--junitxml=" + runner.Root + "/" + name + " -o junit_family=xunit1 --continue-on-collection-errors --maxfail=0",
		// A shim is another module than its file says, where pytest imports what it
		// looks for doctests in.
		"PY_IGNORE_IMPORTMISMATCH": "1",
	}
}

// Bounds of the tests that are run again. Where more fail, it is no mood of theirs.
const (
	maxAgain     = 100
	maxAgainSize = 32 << 10
)

// Again adds to the environment that r is the report from, so that of the tests
// hardly any but those that failed are run. It reports whether that is worth the
// while: some failed, and not too many.
//
// Their names go into an expression for -k: names of files and tests among the
// arguments would be run in addition to what the command names, and the cache that
// --last-failed reads may be off, or on another machine.
func (r *Report) Again(env map[string]string) bool {
	if r.Broken != "" {
		return false
	}
	names := map[string]bool{}
	size, failures := 0, 0
	for _, f := range r.Findings {
		test := function(f.ID)
		at := strings.LastIndex(test, "::")
		if f.Outcome != Failed || at < 0 || !keyword.MatchString(test[at+2:]) {
			continue
		}
		name := test[at+2:]
		if failures++; failures > maxAgain {
			return false
		}
		if !names[name] {
			names[name], size = true, size+len(name)
		}
	}
	if len(names) == 0 || size > maxAgainSize {
		return false
	}
	env[addOpts] += " -k '" + strings.Join(slices.Sorted(maps.Keys(names)), " or ") + "'"
	return true
}

// keyword matches what may stand for itself in an expression for -k.
var keyword = regexp.MustCompile(`^\w[\w.]*$`)

// Exit statuses of pytest.
const (
	pytestFailed = 1
	pytestNone   = 5 // there are no tests
)

// readPytest reads the report that pytest wrote, and what its exit status says
// beyond it.
func (r *Report) readPytest(res *runner.Result, name string) {
	data, ok := res.Files[name]
	if !ok {
		r.incomplete(unreported(res, res.FileErrors[name]))
		return
	}
	if err := r.parseJUnit(data); err != nil {
		r.incomplete(fmt.Sprintf("the report cannot be read: %v; %s", err, ending(res)))
		return
	}
	switch {
	case res.OK():
	case res.Stopped == "" && res.Status == pytestFailed && r.failed():
	case res.Stopped == "" && res.Status == pytestFailed:
		// Such as too little coverage.
		r.add(Finding{Outcome: Failed, Message: "exit status 1, though no test failed"})
	case res.Stopped == "" && res.Status == pytestNone && len(r.Findings) == 0:
		r.incomplete("there are no tests")
	case res.Stopped == "" && r.failed():
		r.broken(ending(res)) // it was interrupted, perhaps
	default:
		r.incomplete(ending(res))
	}
}

// unreported says why there is no report to read.
func unreported(res *runner.Result, err error) string {
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("the report cannot be read: %v", err)
	case res.Stopped == "" && (res.Status == 0 || res.Status == pytestFailed):
		return fmt.Sprintf("exit status %d, and pytest wrote no report; does the command set --junitxml itself?", res.Status)
	}
	return ending(res) + ", and no report was written"
}

// parseJUnit reads the tests of a report in JUnit's XML. A test that has several
// entries, one for its teardown perhaps, failed if one of them failed.
func (r *Report) parseJUnit(data []byte) error {
	known := map[string]int{}
	d := xml.NewDecoder(bytes.NewReader(data))
	var c *testCase // the one that is being read
	var text *string
	for depth := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return errors.New("its elements are nested too deep")
			}
			switch {
			case t.Name.Local == "testcase":
				c = &testCase{class: attr(t, "classname"), name: attr(t, "name"), file: attr(t, "file"), line: attr(t, "line"), outcome: Passed}
			case c != nil:
				text = c.child(t)
			}
		case xml.CharData:
			if text != nil && len(*text) <= maxDetails {
				*text += string(t[:min(len(t), maxDetails+1)])
			}
		case xml.EndElement:
			depth--
			text = nil
			if t.Name.Local != "testcase" || c == nil {
				continue
			}
			r.addTest(c.finding(), known)
			c = nil
		}
	}
}

// maxDepth is how deep elements may be in a report; pytest takes five.
const maxDepth = 50

// attr returns an attribute of an element.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// addTest adds a test, or what another entry of it says. The tests that are there
// already are known by their names.
func (r *Report) addTest(f Finding, known map[string]int) {
	at, again := known[f.ID]
	switch {
	case !again:
		at = len(r.Findings)
		if r.add(f); at < len(r.Findings) {
			known[f.ID] = at
		}
	case f.Outcome == Failed && r.Findings[at].Outcome != Failed:
		r.Findings[at] = f
	}
}

// A testCase is a test in the report.
type testCase struct {
	class, name   string
	file          string
	line          string // from 0
	outcome       Outcome
	message, text string
}

// child takes an element within a test. It returns where its text goes.
func (c *testCase) child(e xml.StartElement) *string {
	switch e.Name.Local {
	case "failure", "error":
		c.outcome = Failed
	case "skipped":
		c.outcome = Skipped
	default:
		return nil
	}
	c.message, c.text = strings.TrimSpace(attr(e, "message")), ""
	return &c.text
}

// finding returns the test c.
func (c *testCase) finding() Finding {
	file := clean(c.file)
	if c.file == "" {
		file = c.guess()
	}
	f := Finding{ID: c.id(file), Outcome: c.outcome, Path: file, Message: c.message, Details: c.text}
	if n, err := strconv.Atoi(c.line); err == nil && n >= 0 && n < maxLine {
		f.Line = n + 1
	}
	if f.Outcome == Failed && f.Path != "" {
		f.Line = raised(c.text, f.Path, f.Line)
	}
	return f
}

// id returns pytest's name of the test, such as tests/test_a.py::TestB::test_c[1].
func (c *testCase) id(file string) string {
	module := strings.ReplaceAll(strings.TrimSuffix(file, ".py"), "/", ".")
	if c.class == "" {
		if c.name == module {
			return file // it could not be imported
		}
		return c.name
	}
	inner, ok := strings.CutPrefix(c.class, module)
	if file == "" || !ok || inner != "" && inner[0] != '.' {
		return c.class + "::" + c.name
	}
	return file + strings.ReplaceAll(inner, ".", "::") + "::" + c.name
}

// guess returns the file of a test that does not name it: tests.test_a.TestB is a
// class of tests/test_a.py.
func (c *testCase) guess() string {
	name := c.class
	if name == "" {
		name = c.name
	}
	var parts []string
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || 'A' <= part[0] && part[0] <= 'Z' {
			break
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return clean(strings.Join(parts, "/") + ".py")
}

// raised returns the last line of a file that a traceback names, or the line that
// is known already.
func raised(traceback, file string, known int) int {
	for line := range strings.Lines(traceback) {
		rest, ok := strings.CutPrefix(line, file+":")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(number); err == nil && n > 0 && n < maxLine {
			known = n
		}
	}
	return known
}
