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

// Check fails if edits overlap, or if the file, which parses, would not parse
// with them: it looks at the statements of the module that they change.
func (f *Syntax) Check(edits []Edit) error {
	edits = sorted(edits)
	for i := 0; i < len(edits); {
		at, _ := slices.BinarySearch(f.begins, edits[i].Start+1)
		from, to := f.begin(at-1), f.begin(at)
		var inside []Edit
		for ; i < len(edits) && (edits[i].Start < to || len(inside) == 0); i++ {
			for to < edits[i].End {
				at++
				to = f.begin(at)
			}
			e := edits[i]
			e.Start, e.End = e.Start-from, e.End-from
			inside = append(inside, e)
		}
		out, err := Apply(f.Src[from:to], inside)
		if err != nil {
			return err
		}
		line := 0
		if withTree(out, func(t *syntaxTree) { line = t.errorLine }); line != 0 {
			return fmt.Errorf("the result would not parse at line %d", f.Line(from)+line-1)
		}
	}
	return nil
}

// begin returns where the i-th statement of the module begins: its first line
// for those before, its end for those behind.
func (f *Syntax) begin(i int) int {
	switch {
	case i < 0:
		return 0
	case i >= len(f.begins):
		return len(f.Src)
	}
	return f.begins[i]
}

// sorted returns edits in the order of their places.
func sorted(edits []Edit) []Edit {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	return edits
}

// Apply returns src with the edits done. Edits that overlap are an error; of
// edits that are equal, one is done.
func Apply(src []byte, edits []Edit) ([]byte, error) {
	if len(edits) == 0 {
		return src, nil
	}
	edits = sorted(edits)
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
