// Package report reads what a command found, test by test or error by error, and
// says what of it is new.
//
// A command runs on two commits, the base and the head of a pull request. Read
// makes a Report of each run, and Compare tells what the pull request changed. An
// error in a file that was moved is the same error, and a test in a test file that
// was moved is the same test.
//
// Reports are made of what strangers wrote. Their sizes are bounded, but their
// text is as it was written: who puts it into Markdown or HTML has to escape it.
package report

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/phases/config"
)

// A Report is what one run of a command found.
type Report struct {
	Kind     config.Report
	Findings []Finding // in the order of the command

	// Complete says that what is not in the report is not there: the command came to
	// its end, and all that it found fits.
	Complete bool

	// Broken is why the command did not come to its end, "" if it did.
	Broken string
}

// A Finding is a test, an error, or how the command itself ended.
type Finding struct {
	// ID is what the finding is known by: pytest's name of a test, an error's file and
	// message, or "" for the command itself.
	ID      string
	Outcome Outcome
	Path    string // of the file, from the root of the repository; may be ""
	Line    int    // from 1; 0 is not known
	Message string // what is wrong
	Details string // more of it, in several lines
}

// An Outcome is how a test or a command ended. Errors have Failed.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
	Flaky   Outcome = "flaky" // failed, and passed when it was run again
)

// Bounds of a report. What is beyond them is left out, and the report is not
// complete. There is room for as many failures again, so that they are not lost
// where passed tests have filled it.
const (
	maxFindings = 100_000
	maxFailures = 100_000
	maxMessage  = 2 << 10
	maxDetails  = 16 << 10
	maxLine     = 1 << 30
)

// Env returns what to add to the environment of a command, so that what it found
// can be read. The name is of the file in the work tree that pytest is to write its
// report to.
func Env(kind config.Report, name string) map[string]string {
	switch kind {
	case config.Pytest:
		return pytestEnv(name)
	case config.Mypy:
		return mypyEnv()
	}
	return nil
}

// Read returns what a command found. The name is of the file that pytest wrote its
// report to, one of the command's Files: see Env.
func Read(kind config.Report, res *runner.Result, name string) *Report {
	r := &Report{Kind: kind, Complete: true}
	switch kind {
	case config.Pytest:
		r.readPytest(res, name)
	case config.Mypy:
		r.readMypy(res)
	default:
		r.readStatus(res)
	}
	return r
}

// Exit statuses of a shell.
const (
	notExecutable = 126
	notFound      = 127
)

// readStatus reads how a command ended, by its status alone.
func (r *Report) readStatus(res *runner.Result) {
	switch {
	case res.OK():
		r.add(Finding{Outcome: Passed, Message: ending(res)})
	case res.Stopped != "", res.Signal() > 0, res.Status == notExecutable, res.Status == notFound:
		r.incomplete(ending(res))
	default:
		r.add(Finding{Outcome: Failed, Message: ending(res)})
	}
}

// ending says how a command ended.
func ending(res *runner.Result) string {
	switch res.Stopped {
	case "":
		if n := res.Signal(); n > 0 {
			return fmt.Sprintf("ended by signal %d", n)
		}
		return fmt.Sprintf("exit status %d", res.Status)
	case runner.Timeout:
		return "stopped: the time is up"
	case runner.CPUTime:
		return "stopped: it took too much processor time"
	case runner.Memory:
		return "stopped: it took too much memory"
	case runner.Disk:
		return "stopped: it wrote too much to its work tree"
	case runner.Tmp:
		return "stopped: it made too many files in /tmp"
	case runner.Output:
		return "stopped: it printed too much"
	}
	return "stopped: " + string(res.Stopped)
}

// incomplete notes that the report does not say all, and why, as a finding about
// the command itself.
func (r *Report) incomplete(why string) {
	r.broken(why)
	r.Findings = append(r.Findings, Finding{Outcome: Failed, Message: why})
}

// broken notes why the command did not come to its end, where failures that it
// found say so, too.
func (r *Report) broken(why string) { r.Complete, r.Broken = false, why }

// add adds a finding, as far as it fits.
func (r *Report) add(f Finding) {
	switch n := len(r.Findings); {
	case n >= maxFindings+maxFailures:
		r.broken(fmt.Sprintf("there are more than %d failures", maxFailures))
		return
	case n >= maxFindings && f.Outcome != Failed:
		r.Complete = false
		return
	}
	f.ID = shorten(f.ID, maxMessage)
	f.Message = shorten(f.Message, maxMessage)
	f.Details = shorten(f.Details, maxDetails)
	r.Findings = append(r.Findings, f)
}

// failed reports whether r has a failure.
func (r *Report) failed() bool {
	for _, f := range r.Findings {
		if f.Outcome == Failed {
			return true
		}
	}
	return false
}

// Count returns how many findings have an outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, f := range r.Findings {
		if f.Outcome == o {
			n++
		}
	}
	return n
}

// Retry marks the tests as flaky that failed in r and passed in again, a report of
// a run on the same commit.
func (r *Report) Retry(again *Report) {
	passed := map[string]bool{}
	for _, f := range again.Findings {
		passed[f.ID] = f.Outcome == Passed
	}
	for i, f := range r.Findings {
		if f.Outcome == Failed && passed[f.ID] {
			r.Findings[i].Outcome = Flaky
		}
	}
}

// Locate gives findings the paths of their files from the root of the repository:
// a command that was started in a folder gives them from there. Find returns the
// path of the file that a path means, "" if it is not known; it is asked once for
// each.
func (r *Report) Locate(find func(path string) string) {
	known := map[string]string{"": ""}
	for i := range r.Findings {
		f := &r.Findings[i]
		full, asked := known[f.Path]
		if !asked {
			full = find(f.Path)
			known[f.Path] = full
		}
		if full == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(f.ID, f.Path); ok {
			f.ID = full + rest
		}
		f.Path = full
	}
}

// shorten returns s, with the end cut off at a rune where it is longer than size.
func shorten(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size] + "…"
}

// clean returns the path of a file as it is from the root of the repository, and
// "" for one that is outside of it or can be no path.
func clean(name string) string {
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	name = strings.TrimPrefix(name, runner.Root+"/")
	if path.IsAbs(name) || name == "." || name == ".." || strings.HasPrefix(name, "../") || len(name) > maxMessage {
		return ""
	}
	return name
}
