package check

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/restage/restage/phases/python"
)

func isNotebook(f string) bool { return strings.HasSuffix(f, ".ipynb") }

// The kinds of text in a notebook (nbformat 4 and 3).
const (
	codeCell = iota
	textCell
	outputCell
)

// A cell is one piece of text of a notebook.
type cell struct {
	kind  int
	text  []byte
	lines []int // for each line of text, its line in the file
}

// line returns the line in the file of a line of the cell, from 1.
func (c cell) line(n int) int {
	if n < 1 || n > len(c.lines) {
		return 1
	}
	return c.lines[n-1]
}

// Magics, shell lines and questions for help are no Python.
var (
	magic = regexp.MustCompile(`(?m)^[ \t]*(?:[\w.,* \t]+=[ \t]*)?([%!?][^\n]*)`)
	help  = regexp.MustCompile(`(?m)\?{1,2}[ \t]*;?[ \t]*$`)
)

// code returns the Python of a code cell, line by line; nil if it is none.
func (c cell) code() []byte {
	if bytes.HasPrefix(bytes.TrimSpace(c.text), []byte("%%")) {
		return nil
	}
	if python.Parse(c.text).ErrorLine == 0 {
		return c.text
	}
	code := bytes.Clone(c.text)
	for _, m := range magic.FindAllSubmatchIndex(code, -1) {
		copy(code[m[2]:m[3]], "0"+strings.Repeat(" ", m[3]-m[2]))
	}
	code = help.ReplaceAll(code, nil)
	if python.Parse(code).ErrorLine != 0 {
		return nil
	}
	return code
}

// program returns the Python of all code cells together, since what one imports
// the others use, and for each of its lines the line in the file.
func program(list []cell) (*python.Syntax, func(line int) int) {
	var text []byte
	var lines []int
	for _, c := range list {
		if code := c.code(); c.kind == codeCell && code != nil {
			text = append(append(text, code...), '\n')
			for n := range 1 + bytes.Count(code, []byte("\n")) {
				lines = append(lines, c.line(n+1))
			}
		}
	}
	return python.Parse(text), cell{lines: lines}.line
}

// commands returns the magics and shell lines of a code cell, each in its line.
func (c cell) commands() []byte {
	if bytes.HasPrefix(bytes.TrimSpace(c.text), []byte("%%")) {
		return c.text
	}
	var out []byte
	for line := range bytes.Lines(c.text) {
		if !magic.Match(line) {
			line = []byte("\n")
		}
		out = append(out, line...)
	}
	return out
}

// cells returns the sources and the outputs of a notebook's cells; nothing of
// a file that is no notebook.
func cells(src []byte) []cell {
	type sheet struct {
		Cells []json.RawMessage `json:"cells"`
	}
	var book struct {
		sheet
		Worksheets []sheet `json:"worksheets"` // of nbformat 3
	}
	if json.Unmarshal(src, &book) != nil {
		return nil
	}
	for _, s := range book.Worksheets {
		book.Cells = append(book.Cells, s.Cells...)
	}
	var list []cell
	at := 0
	for _, raw := range book.Cells {
		start := at + max(bytes.Index(src[at:], raw), 0)
		at = start + len(raw)
		var parts struct {
			Type    string          `json:"cell_type"`
			Source  json.RawMessage `json:"source"`
			Input   json.RawMessage `json:"input"` // the source of a code cell of nbformat 3
			Outputs json.RawMessage `json:"outputs"`
		}
		if json.Unmarshal(raw, &parts) != nil {
			continue
		}
		line := func(part []byte) int {
			return 1 + bytes.Count(src[:start+max(bytes.Index(raw, part), 0)], []byte("\n"))
		}
		kind := textCell
		if parts.Type == "code" {
			kind = codeCell
		}
		if parts.Source == nil {
			parts.Source = parts.Input
		}
		list = append(list, source(kind, parts.Source, line(parts.Source)))
		if len(parts.Outputs) > 0 {
			list = append(list, output(parts.Outputs, line(parts.Outputs)))
		}
	}
	return list
}

// source decodes the source of a cell, one string or a list of them, that
// begins on the given line of the file.
func source(kind int, raw json.RawMessage, line int) cell {
	c := cell{kind: kind}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	at := 0
	fresh := true // the next text begins a line
	for _, one := range list {
		i := at + max(bytes.Index(raw[at:], one), 0)
		here := line + bytes.Count(raw[:i], []byte("\n"))
		at = i + len(one)
		var text string
		if json.Unmarshal(one, &text) != nil {
			continue
		}
		for part := range strings.SplitAfterSeq(text, "\n") {
			if part != "" && fresh {
				c.lines = append(c.lines, here)
			}
			if part != "" {
				fresh = strings.HasSuffix(part, "\n")
			}
		}
		c.text = append(c.text, text...)
	}
	return c
}

// output returns the outputs of a cell as they stand in the file.
func output(raw json.RawMessage, line int) cell {
	c := cell{kind: outputCell, text: bytes.ReplaceAll(raw, []byte(`\n`), []byte("  "))}
	for i := range 1 + bytes.Count(raw, []byte("\n")) {
		c.lines = append(c.lines, line+i)
	}
	return c
}
