package tree

import (
	"bytes"
	"strconv"

	"github.com/rogpeppe/go-internal/diff"
)

// Added returns the numbers, from 1, of the lines of now that old lacks, as a
// patch from one to the other adds them.
func Added(old, now []byte) map[int]bool {
	lines := map[int]bool{}
	if len(old) == 0 { // all, and no patch is needed to say so
		for n := range bytes.Count(now, []byte("\n")) + 1 {
			lines[n+1] = true
		}
		return lines
	}
	n := 0
	_, hunks, _ := bytes.Cut(diff.Diff("old", old, "now", now), []byte("\n+++ now\n"))
	for line := range bytes.Lines(hunks) {
		switch line[0] {
		case '@': // @@ -1,2 +3,4 @@
			_, to, _ := bytes.Cut(line, []byte("+"))
			first, _, _ := bytes.Cut(to, []byte(","))
			n, _ = strconv.Atoi(string(first))
		case '+':
			lines[n] = true
			n++
		case ' ':
			n++
		}
	}
	return lines
}
