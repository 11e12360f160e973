package phases

import (
	"bytes"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/restage/restage/phases/python"
)

// A program is the Python of a notebook: what one cell imports, the others use.
type program struct {
	text  []byte
	lines int
	parts []programPart
}

// A programPart is where the code of one cell is in a program.
type programPart struct {
	cell  *rewriter
	start int
	line  int // lines before it
	size  int
}

// rewrite rewrites the program and gives each cell what is its own.
func (p *program) rewrite(m *model, file string) {
	r := &rewriter{m: m, f: python.Parse(p.text), path: file}
	r.run()
	for _, e := range r.edits {
		part := p.parts[sort.Search(len(p.parts), func(i int) bool { return p.parts[i].start > e.Start })-1]
		e.Start -= part.start
		e.End = min(e.End-part.start, part.size)
		part.cell.edits = append(part.cell.edits, e)
	}
	at := func(line *int) *rewriter {
		part := p.parts[sort.Search(len(p.parts), func(i int) bool { return p.parts[i].line >= *line })-1]
		*line -= part.line
		return part.cell
	}
	for _, l := range r.left {
		cell := at(&l.line)
		cell.left = append(cell.left, l)
	}
	for _, w := range r.warnings {
		cell := at(&w.Line)
		cell.warnings = append(cell.warnings, w)
	}
}

// pythonMagics are the cell magics below which there is Python, too.
var pythonMagics = []string{"capture", "debug", "memit", "prun", "pypy", "python", "python3", "time", "timeit"}

var (
	magic = regexp.MustCompile(`(?m)^[ \t]*(?:[\w.,* \t]+=[ \t]*)?([%!?][^\n]*)`)
	help  = regexp.MustCompile(`(?m)\?{1,2}[ \t]*;?[ \t]*$`)
)

// add adds a code cell to the program. Magics and shell lines are no Python:
// they are read as text. So is a cell that does not parse without them.
func (p *program) add(r *rewriter) {
	text := r.f.Src
	if name, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte("%%")); ok {
		if words := bytes.Fields(name); len(words) == 0 || !slices.Contains(pythonMagics, string(words[0])) {
			r.scan(python.Span{End: len(text)}, false)
			return
		}
	}
	if python.Parse(text).ErrorLine != 0 {
		code := bytes.Clone(text)
		for _, m := range magic.FindAllSubmatchIndex(text, -1) {
			r.scan(python.Span{Start: m[2], End: m[3]}, false)
			copy(code[m[2]:m[3]], "0"+strings.Repeat(" ", m[3]-m[2]))
		}
		for _, m := range help.FindAllIndex(code, -1) {
			copy(code[m[0]:m[1]], strings.Repeat(" ", m[1]-m[0]))
		}
		if python.Parse(code).ErrorLine != 0 {
			r.edits = nil
			r.scan(python.Span{End: len(text)}, false)
			return
		}
		text = code
	}
	p.parts = append(p.parts, programPart{r, len(p.text), p.lines, len(text)})
	p.lines += 1 + bytes.Count(text, []byte("\n"))
	p.text = append(append(p.text, text...), '\n')
}
