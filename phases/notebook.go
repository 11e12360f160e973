package phases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/restage/restage/phases/python"
)

// rewriteNotebook rewrites the sources of a notebook's cells (nbformat 4 and 3). All
// other bytes, outputs among them, stay as they are.
func (m *model) rewriteNotebook(file string, src []byte) (*rewriter, error) {
	cells, err := notebookCells(src)
	if err != nil {
		return nil, err
	}
	var code program
	inner := make([]*rewriter, len(cells))
	for i, c := range cells {
		if c.code {
			inner[i] = &rewriter{m: m, path: file, f: &python.Syntax{Src: c.text}}
			code.add(inner[i])
		} else {
			inner[i] = m.rewriteText(strings.TrimSuffix(file, ".ipynb")+".md", c.text)
		}
	}
	code.rewrite(m, file)
	out := &rewriter{m: m, f: &python.Syntax{Src: src}, path: file}
	for i, c := range cells {
		edits, err := c.edits(src, inner[i].edits)
		if err != nil {
			return nil, err
		}
		out.edits = append(out.edits, edits...)
		for _, l := range inner[i].left {
			l.path, l.line = file, out.f.Line(c.start(l.line))
			out.left = append(out.left, l)
		}
		for _, w := range inner[i].warnings {
			w.Path, w.Line = file, out.f.Line(c.start(w.Line))
			out.warnings = append(out.warnings, w)
		}
	}
	return out, nil
}

// A cell is the source of one notebook cell, with the way back to the file.
type cell struct {
	code   bool
	text   []byte
	chunks []chunk // the JSON strings that text is made of
}

// A chunk is one JSON string of a cell's source.
type chunk struct {
	start, end int   // in the file, with quotes
	from, to   int   // in the cell's text
	offsets    []int // for each byte of the decoded string, where it is in the file; one more for its end
}

// start returns the file offset of a line of the cell, from 1.
func (c cell) start(line int) int {
	at := 0
	for range line - 1 {
		i := bytes.IndexByte(c.text[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	for _, ch := range c.chunks {
		if at < ch.to {
			return ch.offsets[at-ch.from]
		}
	}
	return 0
}

// edits translates edits of the cell's text to edits of the file. One that
// spans several strings is written into the first.
func (c cell) edits(src []byte, in []python.Edit) ([]python.Edit, error) {
	var out []python.Edit
	for _, e := range in {
		text := e.Text
		first := true
		for i, ch := range c.chunks {
			from, to := max(e.Start, ch.from), min(e.End, ch.to)
			if from > to || from == to && !(first && e.Start == e.End && from < ch.to) {
				continue
			}
			quoted, err := quote(text, c.between(src, i))
			if err != nil {
				return nil, err
			}
			part := python.Edit{Span: python.Span{Start: ch.offsets[from-ch.from], End: ch.offsets[to-ch.from]}, Text: quoted, Step: e.Step, Kind: e.Kind}
			if first {
				part.Refs = e.Refs
			}
			out = append(out, part)
			first, text = false, ""
		}
	}
	return out, nil
}

// between returns what stands between the string and its neighbour in a list of
// lines, "" if the source is one string.
func (c cell) between(src []byte, i int) string {
	if len(c.chunks) == 1 {
		return ""
	}
	i = min(i, len(c.chunks)-2)
	return string(src[c.chunks[i].end:c.chunks[i+1].start])
}

// quote returns text as it stands in a JSON string, in a list with one for each
// line if there is something between those.
func quote(text, between string) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		quoted, err := json.Marshal(line)
		if err != nil {
			return "", fmt.Errorf("encode cell: %w", err)
		}
		if b.Len() > 0 && between != "" {
			b.WriteString(`"` + between + `"`)
		}
		b.Write(unescapeHTML(quoted[1 : len(quoted)-1]))
	}
	return b.String(), nil
}

// unescapeHTML undoes encoding/json's escapes of <, > and &.
func unescapeHTML(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte(`\u003c`), []byte("<"))
	b = bytes.ReplaceAll(b, []byte(`\u003e`), []byte(">"))
	return bytes.ReplaceAll(b, []byte(`\u0026`), []byte("&"))
}

// notebookCells reads the cells of a notebook with the offsets of their
// sources.
func notebookCells(src []byte) ([]cell, error) {
	dec := json.NewDecoder(bytes.NewReader(src))
	w := &notebookWalk{src: src, dec: dec}
	if err := w.value(nil); err != nil {
		return nil, fmt.Errorf("not a notebook: %w", err)
	}
	return w.cells, nil
}

type notebookWalk struct {
	src   []byte
	dec   *json.Decoder
	cells []cell
	depth int
}

// value reads one JSON value; at is the keys that lead to it, "#" for an
// element of an array.
func (w *notebookWalk) value(at []string) error {
	if w.depth++; w.depth > 200 {
		return fmt.Errorf("nested too deep")
	}
	defer func() { w.depth-- }()
	before := int(w.dec.InputOffset())
	t, err := w.dec.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		return w.compound(t, at)
	case string:
		at = inSheet(at)
		if inCell(at) && (len(at) == 3 || len(at) == 4 && at[3] == "#") && (at[2] == "source" || at[2] == "input") {
			c := &w.cells[len(w.cells)-1]
			c.add(w.src, before, int(w.dec.InputOffset()))
		}
		if inCell(at) && len(at) == 3 && at[2] == "cell_type" {
			w.cells[len(w.cells)-1].code = t == "code"
		}
	}
	return nil
}

// inSheet takes away the keys that nbformat 3 has around its cells.
func inSheet(at []string) []string {
	if len(at) > 2 && at[0] == "worksheets" && at[1] == "#" {
		return at[2:]
	}
	return at
}

func inCell(at []string) bool { return len(at) >= 3 && at[0] == "cells" && at[1] == "#" }

func (w *notebookWalk) compound(t json.Delim, at []string) error {
	if in := inSheet(at); t == '{' && len(in) == 2 && in[0] == "cells" {
		w.cells = append(w.cells, cell{})
	}
	for w.dec.More() {
		key := "#"
		if t == '{' {
			k, err := w.dec.Token()
			if err != nil {
				return err
			}
			key, _ = k.(string)
		}
		if err := w.value(append(at[:len(at):len(at)], key)); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

// add appends the JSON string between two file offsets to the cell's text.
func (c *cell) add(src []byte, before, end int) {
	start := before + bytes.IndexByte(src[before:end], '"')
	ch := chunk{start: start, end: end, from: len(c.text)}
	for i := start + 1; i < end-1; {
		size := 1
		decoded := src[i : i+1]
		if src[i] == '\\' {
			size = 2
			if src[i+1] == 'u' {
				size = 6
				if i+12 <= end-1 && src[i+6] == '\\' && src[i+7] == 'u' {
					var pair string
					if json.Unmarshal([]byte(`"`+string(src[i:i+12])+`"`), &pair) == nil && utf8.RuneCountInString(pair) == 1 {
						size = 12
					}
				}
			}
			var s string
			if json.Unmarshal([]byte(`"`+string(src[i:i+size])+`"`), &s) == nil {
				decoded = []byte(s)
			}
		}
		for range decoded {
			ch.offsets = append(ch.offsets, i)
		}
		c.text = append(c.text, decoded...)
		i += size
	}
	ch.offsets = append(ch.offsets, end-1)
	ch.to = len(c.text)
	c.chunks = append(c.chunks, ch)
}

// isNotebook reports whether a file is a Jupyter notebook by its name.
func isNotebook(file string) bool { return strings.HasSuffix(file, ".ipynb") }
