package python

import (
	"regexp"
	"strings"
)

// typeComment matches a comment that is an annotation (PEP 484): of a variable,
// or of a function, with the types of its parameters before the arrow.
var typeComment = regexp.MustCompile(`^#[ \t]*type:[ \t]*([^#]*?)[ \t]*(?:#.*)?$`)

// typeComments reads the uses in annotations that are comments, as if all stood
// in the module's scope.
func (r *reader) typeComments() {
	for _, c := range r.f.Comments {
		text := r.whole[c.Start:c.End]
		if !strings.HasPrefix(strings.TrimLeft(text[1:], " \t"), "type:") {
			continue
		}
		m := typeComment.FindStringSubmatchIndex(strings.TrimSuffix(text, "\r"))
		if m == nil || strings.HasPrefix(text[m[2]:], "ignore") {
			continue
		}
		start, end := c.Start+m[2], c.Start+m[3]
		if arrow := strings.Index(r.whole[start:end], "->"); arrow >= 0 {
			r.quoted(String{Content: Span{start, start + arrow}}, r.f.Module)
			start += arrow + len("->")
		}
		for start < end && r.whole[start] == ' ' {
			start++
		}
		r.quoted(String{Content: Span{start, end}}, r.f.Module)
	}
}
