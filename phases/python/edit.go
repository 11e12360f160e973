package python

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// An Edit replaces a range of bytes of a file by new text.
type Edit struct {
	Span
	Text string
	Step int // the step of the plan that it belongs to, 0 if none
	Refs int // how many references it rewrites
	Kind ReferenceKind
}

// A ReferenceKind says what a reference is.
type ReferenceKind uint8

// The kinds of references.
const (
	TextReference   ReferenceKind = iota // in comments, docstrings, documents, settings
	ImportReference                      // a name in an import statement
	UseReference                         // an attribute chain
	StringReference
	ReferenceKinds // how many there are
)

// Apply returns src with the edits done. Edits that overlap are an error; of
// edits that are equal, one is done.
func Apply(src []byte, edits []Edit) ([]byte, error) {
	if len(edits) == 0 {
		return src, nil
	}
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	var out bytes.Buffer
	at := 0
	for i, e := range edits {
		if i > 0 && e.Span == edits[i-1].Span && e.Text == edits[i-1].Text {
			continue
		}
		if e.Start < at || e.End < e.Start || e.End > len(src) {
			return nil, fmt.Errorf("edits overlap at byte %d", e.Start)
		}
		out.Write(src[at:e.Start])
		out.WriteString(e.Text)
		at = e.End
	}
	out.Write(src[at:])
	return out.Bytes(), nil
}
