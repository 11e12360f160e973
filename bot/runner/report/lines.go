package report

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Lines returns where each line of old is in now: the function takes and returns
// lines from 1, and returns 0 for one that is gone. A line that was rewritten is
// where the new one is.
func Lines(old, now []byte) func(int) int {
	to := []int{0}
	next := 1              // line of now
	var removed, added int // of the change that is being read
	flush := func() {
		for i := range removed {
			if added == 0 {
				to = append(to, 0)
				continue
			}
			to = append(to, next+min(i, added-1))
		}
		next += added
		removed, added = 0, 0
	}
	same := func(n int) {
		for range n {
			to = append(to, next)
			next++
		}
	}
	_, hunks, _ := strings.Cut(string(diff.Diff("old", old, "now", now)), "\n+++ now\n")
	for line := range strings.Lines(hunks) {
		switch line[0] {
		case '@':
			flush()
			same(start(line) - len(to))
		case '-':
			if added > 0 {
				flush()
			}
			removed++
		case '+':
			added++
		case ' ':
			flush()
			same(1)
		}
	}
	flush()
	shift := next - len(to) // of all that follows
	return func(line int) int {
		switch {
		case line <= 0:
			return 0
		case line < len(to):
			return to[line]
		}
		return line + shift
	}
}

// start returns the line of old that a hunk begins at.
func start(hunk string) int {
	var first, n int
	if _, err := fmt.Sscanf(hunk, "@@ -%d,%d", &first, &n); err != nil {
		return 0
	}
	if n == 0 {
		first++ // it comes after the line
	}
	return first
}
