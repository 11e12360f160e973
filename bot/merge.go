package bot

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// A hunk is a piece of a text that another text has in place of lines of it.
type hunk struct {
	begin, end int // of the lines that it replaces
	lines      []string
}

// merge brings two changes of a text together, as git does: whole lines, and
// nothing where both changed the same lines or neighbours in different ways.
// It reports whether that worked.
func merge(base, one, other []byte) ([]byte, bool) {
	for _, text := range [][]byte{base, one, other} {
		if bytes.IndexByte(text, 0) >= 0 || !bytes.HasSuffix(text, []byte("\n")) {
			return nil, false
		}
	}
	a, b := hunks(base, one), hunks(base, other)
	all := slices.SortedStableFunc(slices.Values(slices.Concat(a, b)), func(x, y hunk) int { return x.begin - y.begin })
	lines := slices.Collect(strings.Lines(string(base)))
	var merged strings.Builder
	at := 0
	for i, h := range all {
		if i > 0 && h.begin <= all[i-1].end {
			if same := all[i-1]; h.begin != same.begin || h.end != same.end || !slices.Equal(h.lines, same.lines) {
				return nil, false
			}
			continue // both changed it alike
		}
		merged.WriteString(strings.Join(lines[at:h.begin], "") + strings.Join(h.lines, ""))
		at = h.end
	}
	merged.WriteString(strings.Join(lines[at:], ""))
	return []byte(merged.String()), true
}

// hunks returns how now differs from old, two texts whose last lines end.
func hunks(old, now []byte) []hunk {
	_, text, _ := strings.Cut(string(diff.Diff("old", old, "now", now)), "\n+++ now\n")
	var all []hunk
	at, open := 0, false // the line of old that comes next, and whether it may belong to the last hunk
	change := func() *hunk {
		if !open {
			all = append(all, hunk{begin: at, end: at})
		}
		open = true
		return &all[len(all)-1]
	}
	for line := range strings.Lines(text) {
		switch line[0] {
		case '@':
			var count int
			fmt.Sscanf(line, "@@ -%d,%d", &at, &count)
			if open = false; count > 0 {
				at--
			}
		case '-':
			h := change()
			at++
			h.end = at
		case '+':
			h := change()
			h.lines = append(h.lines, line[1:])
		default:
			at++
			open = false
		}
	}
	return all
}
