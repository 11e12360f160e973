package bot

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/restage/restage/phases/config"
)

// cutMark stands in a log for what is left out.
const cutMark = "[...]\n"

// A line of pytest that ends with how much is done: of a file or, with -q, of
// many tests a letter for each, with -v of one test a word.
var (
	pytestLetters = regexp.MustCompile(`^(?:\S+ )?([.FEsxX]+) +\[ *(\d+)%\]$`)
	pytestWord    = regexp.MustCompile(`^\S+::.* (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: \(.*\))? +\[ *(\d+)%\]$`)
)

// soFar says how far a command has come by what it printed, "" if that does not
// tell. Tests are counted only in a log that is whole.
func soFar(report config.Report, log string) string {
	if report != config.Pytest {
		return ""
	}
	passed, failed, done := 0, 0, 0
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		var letters, percent string
		if m := pytestLetters.FindStringSubmatch(line); m != nil {
			letters, percent = m[1], m[2]
		} else if m := pytestWord.FindStringSubmatch(line); m != nil {
			letters, percent = map[string]string{"PASSED": ".", "FAILED": "F", "ERROR": "E"}[m[1]], m[2]
		} else {
			continue
		}
		n, err := strconv.Atoi(percent)
		if err != nil || n > 100 {
			continue
		}
		if n < done { // what failed is run again
			passed, failed = 0, 0
		}
		done = n
		passed += strings.Count(letters, ".")
		failed += strings.Count(letters, "F") + strings.Count(letters, "E")
	}
	switch {
	case done == 0:
		return ""
	case strings.Contains(log, cutMark):
		return fmt.Sprintf("%d%% done", done)
	}
	return fmt.Sprintf("%d passed, %d failed so far, %d%% done", passed, failed, done)
}
