package plan

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	md "github.com/restage/restage/phases/markdown"
)

// html adds the tables of a block of HTML, to the end of the last one even if
// blank lines tear it apart. Other text in it is not read.
func (d *document) html(n *ast.HTMLBlock, depth int) {
	start := d.start(n)
	if start < d.read {
		return
	}
	lines := n.Lines()
	end := start
	if lines.Len() > 0 {
		end = lines.At(lines.Len() - 1).Stop
	}
	if n.HasClosure() {
		end = n.ClosureLine.Stop
	}
	if text := d.source[start:end]; !d.open && openTable.Match(text) && !closeTable.Match(text) {
		at := closeTable.FindIndex(d.source[end:])
		if d.open = at == nil; !d.open {
			end += at[1]
		}
	}
	d.read = end
	d.tables(start, end, depth)
}

var (
	openTable  = regexp.MustCompile(`(?i)<table\b`)
	closeTable = regexp.MustCompile(`(?i)</table\s*>`)
)

// tables adds the tables of the HTML from start to end, and the text around
// them.
func (d *document) tables(start, end, depth int) {
	z := html.NewTokenizer(bytes.NewReader(d.source[start:end]))
	pos := start
	var rows [][]phrase
	var cells []phrase
	var cell *phraser
	text := &phraser{source: d.source}
	row := func() {
		if cell != nil {
			cells = append(cells, cell.phrase())
		}
		if cells != nil && len(rows) < maxEntries {
			rows = append(rows, cells)
		}
		cell, cells = nil, nil
	}
	for inTable := false; ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		raw := z.Raw()
		at := pos
		pos += len(raw)
		name, _ := z.TagName()
		to := text
		if cell != nil {
			to = cell
		}
		switch tag := atom.Lookup(name); {
		case kind == html.TextToken:
			if s := string(z.Text()); !inTable || cell != nil {
				to.raw(at, s)
			}
		case kind == html.CommentToken || kind == html.DoctypeToken:
		case tag == atom.Table && kind == html.StartTagToken:
			inTable = true
		case tag == atom.Table:
			row()
			d.square(rows, at, depth)
			rows, inTable = nil, false
		case tag == atom.Tr:
			row()
		case tag == atom.Td || tag == atom.Th:
			if cell != nil {
				cells = append(cells, cell.phrase())
			}
			if cell = nil; kind == html.StartTagToken && len(cells) < maxColumns {
				cell = &phraser{source: d.source}
				cell.raw(pos, "")
			}
		case tag == atom.Code || tag == atom.Tt || tag == atom.Kbd:
			to.text.WriteByte('`')
		case tag == atom.Br:
			to.text.WriteByte('\n')
		}
	}
	if p := text.phrase(); md.OneLine(p.s) != "" {
		d.add(&block{depth: depth, inert: true, text: p, pos: p.pos(0)})
	}
}

// square adds a table whose rows are made as long as the first.
func (d *document) square(rows [][]phrase, pos, depth int) {
	if len(rows) == 0 {
		return
	}
	for i, cells := range rows {
		for len(cells) < len(rows[0]) {
			cells = append(cells, phrase{marks: []mark{{0, cells[0].pos(0)}}})
		}
		rows[i] = cells[:len(rows[0])]
	}
	d.add(&block{depth: depth, rows: rows, pos: rows[0][0].pos(0)})
}

// raw adds text that stands at an offset of the source.
func (b *phraser) raw(pos int, s string) {
	b.marks = append(b.marks, mark{b.text.Len(), pos})
	b.text.WriteString(s)
}

// phrase returns what was written, without white space around it.
func (b *phraser) phrase() phrase {
	p := phrase{b.text.String(), b.marks}
	s := strings.TrimLeft(p.s, " \t\r\n")
	p = p.from(len(p.s) - len(s))
	p.s = strings.TrimRight(p.s, " \t\r\n")
	return p
}
