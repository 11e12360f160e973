package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/restage/restage/bot/runner"
)

// PytestOptions is the value of PYTEST_ADDOPTS that makes pytest write its report
// to a file of the work tree.
func PytestOptions(name string) string {
	return "--junitxml=" + runner.Root + "/" + name + " -o junit_family=xunit1"
}

// PytestAgain is what to add to PytestOptions so that in the same work tree only
// those tests are run that failed before.
const PytestAgain = " --last-failed --last-failed-no-failures=none"

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
		why := ending(res) + ", and no report was written"
		if err := res.FileErrors[name]; err != nil && res.OK() {
			why = fmt.Sprintf("the report cannot be read: %v", err)
		}
		r.incomplete(why)
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
		r.Complete = false // a test file could not be imported, perhaps
	default:
		r.incomplete(ending(res))
	}
}

// parseJUnit reads the tests of a report in JUnit's XML. A test that has several
// entries, one for its teardown perhaps, failed if one of them failed.
func (r *Report) parseJUnit(data []byte) error {
	if len(data) > maxXML {
		return fmt.Errorf("it has more than %d bytes", maxXML)
	}
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

// Bounds of a report in XML.
const (
	maxXML   = 16 << 20
	maxDepth = 50
)

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
		known[f.ID] = len(r.Findings)
		r.add(f)
	case at < len(r.Findings) && f.Outcome == Failed && r.Findings[at].Outcome != Failed:
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
