package plan

import (
	"bytes"
	"regexp"
)

// The form of an issue, or an author who wants to be sure, puts the whole plan
// into one block of code.

// wrapped reports whether the plan is in a block of Markdown: there is one, and
// nothing else but headings and paragraphs before it.
func wrapped(d *document) bool {
	for _, b := range d.blocks {
		if b.code != nil {
			return b.lang == "markdown" || b.lang == "md"
		}
		if b.rows != nil || b.item {
			return false
		}
	}
	return false
}

var (
	openFence = regexp.MustCompile("(?mi)^[ \t]*(```+|~~~+)[ \t]*(?:markdown|md)\\b[^\n]*")
	endFence  = regexp.MustCompile("(?m)^[ \t]*(```+|~~~+)[ \t]*\r?$")
)

// unwrap returns data without the lines around its first block of Markdown. One
// that is fenced longer than the blocks inside it ends where it says. Another
// is meant to end at the last fence there is, and not at the first inside it.
func unwrap(data []byte) []byte {
	data = bytes.Clone(data)
	at := openFence.FindSubmatchIndex(data)
	if at == nil {
		return data
	}
	fence := string(data[at[2]:at[3]])
	var end []byte
	for _, f := range endFence.FindAllSubmatchIndex(data[at[1]:], -1) {
		if line := data[at[1]+f[2] : at[1]+f[3]]; bytes.HasPrefix(line, []byte(fence)) {
			if end = line; len(fence) > 3 {
				break
			}
		}
	}
	for _, line := range [][]byte{data[at[0]:at[1]], end} {
		copy(line, bytes.Repeat([]byte{' '}, len(line)))
	}
	return data
}
