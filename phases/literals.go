package phases

import (
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// strings rewrites string literals: a literal that is one dotted name, as
// mock.patch and import_module take it, and dotted names and paths in others.
// Quoted are the chains in annotations.
func (r *rewriter) strings(quoted []python.Span) {
	var listed python.Span
	if l := readPackageList(r.path, r.f.Src); l != nil {
		listed = l.span // kept up by moves and cleanup
	}
	for _, s := range r.f.Strings {
		if s.Start >= listed.Start && s.End <= listed.End {
			continue
		}
		if strings.Contains(s.Prefix, "b") {
			r.pickled(s)
			continue
		}
		if chains := inside(quoted, s.Content); len(chains) > 0 {
			r.scanAround(s.Content, chains)
			continue
		}
		if s.Doc {
			r.kind = python.TextReference
			r.text(s.Content)
			r.kind = python.StringReference
			continue
		}
		text := s.Text(r.f.Src)
		r.computed(s, text)
		if plain := !s.Format && !s.Joined; plain && (r.importByName(s, text) || r.topLevelLiteral(s, text)) {
			continue
		} else if plain && strings.Contains(text, ".") && dottedString.MatchString(text) {
			r.dottedLiteral(s, text)
			continue
		}
		for _, piece := range s.Pieces {
			r.scan(piece, false)
		}
	}
}

// quoted returns the chains in annotations that are strings or comments, sorted. Those that
// begin with a name that the file binds are rewritten like chains in code.
func (r *rewriter) quoted() []python.Span {
	var spans []python.Span
	for _, u := range r.f.Uses {
		if u.Quoted && u.Resolve() != nil {
			spans = append(spans, python.Span{Start: u.Parts[0].Start, End: u.Parts[len(u.Parts)-1].End})
		}
	}
	slices.SortFunc(spans, func(a, b python.Span) int { return a.Start - b.Start })
	return spans
}

// inside returns those of the sorted spans that lie in s.
func inside(spans []python.Span, s python.Span) []python.Span {
	before := func(a python.Span, at int) int { return a.Start - at }
	i, _ := slices.BinarySearchFunc(spans, s.Start, before)
	j, _ := slices.BinarySearchFunc(spans, s.End, before)
	return spans[i:j]
}

// scanAround rewrites the tokens of s that are not in the given spans.
func (r *rewriter) scanAround(s python.Span, spans []python.Span) {
	for _, skip := range spans {
		r.scan(python.Span{Start: s.Start, End: skip.Start}, false)
		s.Start = skip.End
	}
	r.scan(s, false)
}

var dottedString = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?$`)

// dottedLiteral rewrites a literal that is a dotted name as a whole.
func (r *rewriter) dottedLiteral(s python.String, text string) {
	dotted, attr, colon := strings.Cut(text, ":")
	parts := strings.Split(dotted, ".")
	if colon {
		parts = append(parts, strings.Split(attr, ".")...)
	}
	p := r.resolve(parts)
	switch {
	case p.state == rewritten && !p.found && !importer(s.Callee):
		r.doubt(s.Start, text, p)
	case p.state == rewritten:
		r.edit(s.Content, p.text(colon), p.step, 1)
		if s.Arg == 0 && p.name == "" && readsResource(s.Callee) {
			r.movedResource(s.Start, strings.Join(p.parts, "."))
		}
	case p.state == lost:
		r.left = append(r.left, leftover{path: r.path, line: r.f.Line(s.Start), module: p.old, name: p.name})
	}
}
