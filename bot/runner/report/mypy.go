package report

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/restage/restage/bot/runner"
)

// mypyError matches an error: its file, its line if it has one, and its message
// with the code. Columns and ends are passed over.
var mypyError = regexp.MustCompile(`^([^:]+)(?::(\d+))?(?::\d+){0,3}: error: (.*)$`)

// mypyEnv is the environment in which mypy prints each message on one line, also
// where it is told to be pretty.
func mypyEnv() map[string]string {
	return map[string]string{"MYPY_FORCE_TERMINAL_WIDTH": "100000"}
}

// Exit statuses of mypy.
const (
	mypyErrors = 1
	mypyBroken = 2 // it could not go on
)

// readMypy reads the errors that mypy printed.
func (r *Report) readMypy(res *runner.Result) {
	for line := range strings.Lines(res.Log) {
		m := mypyError.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			continue
		}
		file := clean(m[1])
		message := strings.Join(strings.Fields(m[3]), " ")
		f := Finding{ID: file + ": " + shorten(message, maxMessage), Outcome: Failed, Path: file, Message: message}
		if n, err := strconv.Atoi(m[2]); err == nil && n < maxLine {
			f.Line = n
		}
		r.add(f)
	}
	switch {
	case res.Cut:
		r.incomplete("mypy printed more than is kept")
	case res.OK():
	case res.Stopped == "" && res.Status == mypyErrors && r.failed():
	case res.Stopped == "" && res.Status == mypyBroken && r.failed():
		r.broken(ending(res)) // errors prevented further checking
	default:
		r.incomplete(ending(res))
	}
}
