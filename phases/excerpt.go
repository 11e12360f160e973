package phases

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// An excerpt is Python that stands in another text, with the way back.
type excerpt struct {
	text []byte
	at   []int // for each byte of text, where it is in the file
}

// add appends a range of a file.
func (x *excerpt) add(src []byte, start, end int) {
	x.text = append(x.text, src[start:end]...)
	for i := start; i < end; i++ {
		x.at = append(x.at, i)
	}
}

// text rewrites prose: comments, docstrings, documents. Python in it is
// rewritten as Python, if it can be parsed by itself.
func (r *rewriter) text(s python.Span) {
	if !r.mayName(s) {
		return
	}
	at := s.Start
	for _, x := range excerpts(r.f.Src, s) {
		if !r.excerpt(x) {
			continue
		}
		for _, line := range x.lines() {
			r.scan(python.Span{Start: at, End: max(at, line.Start)}, true)
			at = line.End
		}
	}
	r.scan(python.Span{Start: at, End: s.End}, true)
}

// lines returns the parts of the file that an excerpt is made of.
func (x *excerpt) lines() []python.Span {
	var spans []python.Span
	for _, at := range x.at {
		if n := len(spans); n > 0 && spans[n-1].End == at {
			spans[n-1].End++
		} else {
			spans = append(spans, python.Span{Start: at, End: at + 1})
		}
	}
	return spans
}

// excerpt rewrites an excerpt. It reports false if that is no Python.
func (r *rewriter) excerpt(x excerpt) bool {
	f := python.Parse(x.text)
	if f.ErrorLine != 0 || len(x.text) == 0 {
		return false
	}
	inner := &rewriter{m: r.m, f: f, path: r.path}
	inner.run()
	inner.importedBefore()
	for _, e := range inner.edits {
		last := e.Start
		if e.End > e.Start {
			last = e.End - 1
		}
		if e.Start == len(x.at) { // behind the last line
			e.Start, e.End = x.at[e.Start-1]+1, x.at[e.Start-1]+1
		} else {
			end := x.at[last]
			if e.End > e.Start {
				end++
			}
			e.Text = r.indented(x, e)
			e.Start, e.End = x.at[e.Start], end
		}
		r.edits = append(r.edits, e)
	}
	line := func(n int) int {
		at := 0
		for range n - 1 {
			at += bytes.IndexByte(x.text[at:], '\n') + 1
		}
		return r.f.Line(x.at[min(at, len(x.at)-1)])
	}
	for _, l := range inner.left {
		l.line, l.soft = line(l.line), true
		r.left = append(r.left, l)
	}
	for _, w := range inner.warnings {
		w.Line = line(w.Line)
		r.warnings = append(r.warnings, w)
	}
	return true
}

// importedBefore rewrites the chains of an excerpt that start from a name which
// it does not bind: an excerpt before it may.
func (r *rewriter) importedBefore() {
	if slices.ContainsFunc(r.f.Imports, func(imp *python.Import) bool { return imp.Star }) {
		return
	}
	for _, u := range r.f.Uses {
		if last := len(u.Parts) - 1; last > 0 && !u.Quoted && u.Resolve() == nil {
			r.scan(python.Span{Start: u.Parts[0].Start, End: u.Parts[last].End}, true)
		}
	}
}

// indented returns the text of an edit with what lines of the excerpt have in
// front: spaces, and the prompt of an interactive session.
func (r *rewriter) indented(x excerpt, e python.Edit) string {
	first, rest, more := strings.Cut(e.Text, "\n")
	if !more {
		return e.Text
	}
	start := bytes.LastIndexByte(x.text[:e.Start], '\n') + 1
	at := x.at[start]
	front := string(r.f.Src[bytes.LastIndexByte(r.f.Src[:at], '\n')+1 : at])
	for line := range strings.SplitSeq(rest, "\n") {
		prompt := front
		if inside := line == "" || strings.ContainsAny(line[:1], " \t)"); inside && strings.HasSuffix(front, ">>> ") {
			prompt = strings.TrimSuffix(front, ">>> ") + "... "
		}
		first += "\n" + prompt + line
	}
	return first
}

// blockStart matches the line before a block of Python: a fence of Markdown, or
// a directive of reStructuredText, whose indentation is the group.
var (
	blockStart = regexp.MustCompile("(?m)^(?:[ \\t]*(?:```+|~~~+)[ \\t]*(?:python3?|py|pycon|ipython)\\b[^\n]*\n|" +
		`([ \t]*)\.\. (?:code-block|code|sourcecode|testcode|testsetup|ipython|jupyter-execute)::[ \t]*(?:python3?|py|pycon)?[ \t]*\r?\n)`)
	blockMarks = [][]byte{[]byte("```"), []byte("~~~"), []byte(".. ")} // one of which it needs
	fenceEnd   = regexp.MustCompile("(?m)^[ \t]*(?:```+|~~~+)[ \t]*$")
)

// excerpts finds the Python in a text, in order: fenced blocks of Markdown,
// directives of reStructuredText, and interactive sessions.
func excerpts(src []byte, s python.Span) []excerpt {
	var list []excerpt
	var blocks []python.Span
	for at := s.Start; at < s.End; {
		block, next := nextBlock(src, python.Span{Start: at, End: s.End})
		blocks = append(blocks, block)
		if x := session(src, python.Span{Start: at, End: block.Start}); len(x.text) > 0 {
			list = append(list, x)
		}
		if block.Start == block.End {
		} else if x := session(src, block); len(x.text) > 0 {
			list = append(list, x)
		} else {
			list = append(list, dedented(src, block))
		}
		at = next
	}
	return list
}

// nextBlock returns the next block of Python and where to look for the one
// after it; an empty one at the end if there is none.
func nextBlock(src []byte, s python.Span) (block python.Span, next int) {
	text := src[s.Start:s.End]
	var m []int
	if slices.ContainsFunc(blockMarks, func(mark []byte) bool { return bytes.Contains(text, mark) }) {
		m = blockStart.FindSubmatchIndex(text)
	}
	if m == nil {
		return python.Span{Start: s.End, End: s.End}, s.End
	}
	end := m[1]
	if m[2] < 0 {
		if m := fenceEnd.FindIndex(text[end:]); m != nil {
			end += m[0]
		} else {
			end = len(text)
		}
		return python.Span{Start: s.Start + m[1], End: s.Start + end}, s.Start + end
	}
	for line := range bytes.Lines(text[m[1]:]) {
		if indent := len(line) - len(bytes.TrimLeft(line, " \t")); len(bytes.TrimSpace(line)) > 0 && indent <= m[3]-m[2] {
			break
		}
		end += len(line)
	}
	return python.Span{Start: s.Start + m[1], End: s.Start + end}, s.Start + end
}

// dedented returns a block without its indentation, and without the options of
// a directive.
func dedented(src []byte, s python.Span) excerpt {
	var x excerpt
	lines := slices.Collect(bytes.Lines(src[s.Start:s.End]))
	indent, at := -1, s.Start
	for _, line := range lines {
		text := bytes.TrimLeft(line, " \t")
		if width := len(line) - len(text); len(bytes.TrimSpace(text)) > 0 && text[0] != ':' && (indent < 0 || width < indent) {
			indent = width
		}
	}
	for _, line := range lines {
		if text := bytes.TrimLeft(line, " \t"); len(text) == 0 || text[0] != ':' {
			x.add(src, at+min(max(indent, 0), len(line)-len(text)), at+len(line))
		}
		at += len(line)
	}
	return x
}

// session returns what was entered in an interactive session.
func session(src []byte, s python.Span) excerpt {
	var x excerpt
	if !bytes.Contains(src[s.Start:s.End], []byte(">>> ")) {
		return x
	}
	at, inside := s.Start, false
	for line := range bytes.Lines(src[s.Start:s.End]) {
		text := bytes.TrimLeft(line, " \t")
		prompt := len(line) - len(text)
		switch entered := bytes.TrimRight(text, "\r\n"); {
		case bytes.HasPrefix(text, []byte(">>> ")), inside && bytes.HasPrefix(text, []byte("... ")):
			x.add(src, at+prompt+4, at+len(line))
			inside = true
		case inside && string(entered) == "...":
			x.add(src, at+prompt+3, at+len(line))
		default:
			inside = false
		}
		at += len(line)
	}
	return x
}
