package github

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// A change puts lines in the place of those of a text from at up to end.
type change struct {
	at, end int
	lines   []string
}

// MergeLines returns base with the changes that lead to ours and those that lead
// to theirs. It reports false where these overlap or touch, as git does, and for
// what is no text.
func MergeLines(base, ours, theirs []byte) ([]byte, bool) {
	for _, text := range [][]byte{base, ours, theirs} {
		if bytes.IndexByte(text, 0) >= 0 {
			return nil, false
		}
	}
	lines := strings.SplitAfter(string(base), "\n")
	a, b := changes(base, ours), changes(base, theirs)
	var out strings.Builder
	at := 0
	take := func(list *[]change) {
		c := (*list)[0]
		*list = (*list)[1:]
		out.WriteString(strings.Join(lines[at:c.at], "") + strings.Join(c.lines, ""))
		at = c.end
	}
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0, len(a) > 0 && a[0].end < b[0].at:
			take(&a)
		case len(a) == 0, b[0].end < a[0].at:
			take(&b)
		case a[0].at == b[0].at && a[0].end == b[0].end && strings.Join(a[0].lines, "") == strings.Join(b[0].lines, ""):
			take(&a)
			b = b[1:]
		default:
			return nil, false
		}
	}
	out.WriteString(strings.Join(lines[at:], ""))
	return []byte(out.String()), true
}

// changes returns what leads from one text to another, in order.
func changes(old, now []byte) []change {
	lines := strings.SplitAfter(string(now), "\n")
	_, hunks, _ := strings.Cut(string(diff.Diff("old", old, "now", now)), "\n+++ now\n")
	var all []change
	i, j := 0, 0 // lines of old and now
	open := false
	edit := func() *change {
		if !open {
			all, open = append(all, change{at: i, end: i}), true
		}
		return &all[len(all)-1]
	}
	for line := range strings.Lines(hunks) {
		switch line[0] {
		case '@':
			i, j, open = hunkStart(line)
		case ' ':
			i, j, open = i+1, j+1, false
		case '-':
			c := edit()
			i++
			c.end = i
		case '+':
			c := edit()
			c.lines = append(c.lines, lines[j])
			j++
		}
	}
	return all
}

// hunkStart returns the lines, from 0, at which a hunk of a unified diff begins.
func hunkStart(header string) (old, now int, open bool) {
	var olds, nows int
	fmt.Sscanf(header, "@@ -%d,%d +%d,%d @@", &old, &olds, &now, &nows)
	if olds > 0 {
		old--
	}
	if nows > 0 {
		now--
	}
	return old, now, false
}
