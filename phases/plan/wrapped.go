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
	openFence = regexp.MustCompile("(?mi)^[ \t]*(?:```+|~~~+)[ \t]*(?:markdown|md)\\b[^\n]*")
	anyFence  = regexp.MustCompile("(?m)^[ \t]*(```+|~~~+)[ \t]*([^\n]*)")
)

// unwrap returns data without the lines around its first block of Markdown. A
// block of code inside it would end it, were it not longer: so the line that
// ends it is the first that neither opens nor closes one inside.
func unwrap(data []byte) []byte {
	data = bytes.Clone(data)
	at := openFence.FindIndex(data)
	if at == nil {
		return data
	}
	copy(data[at[0]:at[1]], bytes.Repeat([]byte{' '}, at[1]-at[0]))
	var open []byte // the fence that is open inside
	for _, f := range anyFence.FindAllSubmatchIndex(data[at[1]:], -1) {
		fence, info := data[at[1]+f[2]:at[1]+f[3]], bytes.TrimSpace(data[at[1]+f[4]:at[1]+f[5]])
		switch {
		case open == nil && len(info) > 0:
			open = fence
		case open == nil:
			copy(fence, bytes.Repeat([]byte{' '}, len(fence)))
			return data
		case len(info) == 0 && len(fence) >= len(open) && fence[0] == open[0]:
			open = nil
		}
	}
	return data
}
