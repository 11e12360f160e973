package plan

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/restage/restage/phases/input"
)

// Read returns the plan that data holds, Markdown or YAML. Name is the path of
// the file for messages and, by its extension, a hint at what it is; it is ""
// for the body of an issue. The error is made of *Error, one for each mistake;
// errors.As finds the first.
func Read(name string, data []byte) (*Plan, error) {
	r := &reader{errs: &input.Errors{File: name}, plan: &Plan{}}
	if len(data) > input.MaxSize {
		r.errs.Add(0, 0, "the plan is too large: %d bytes; at most %d are read", len(data), input.MaxSize)
		return nil, r.errs.Err()
	}
	if r.valid(data); !r.errs.Empty() {
		return nil, r.errs.Err()
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var err error
	front, rest := frontMatter(data)
	switch ext := path.Ext(name); {
	case ext != ".yaml" && ext != ".yml" && isYAML(front) && len(bytes.TrimSpace(rest)) > 0 && !isYAML(rest):
		if err = input.YAML(input.Source{File: name, Data: front, Line: 1}, r.yaml); err == nil {
			err = r.around(append(blank(data[:len(data)-len(rest)]), rest...))
		}
	case ext == ".yaml", ext == ".yml", ext == ".json", isYAML(data):
		err = input.YAML(input.Source{File: name, Data: data}, r.yaml)
	default:
		err = r.markdown(append(blank(data[:len(data)-len(rest)]), rest...))
		if front != nil && err == nil {
			r.plan.Unused = append([]Unused{{Text: "the YAML above the Markdown", Line: 1}}, r.plan.Unused...)
		}
	}
	if err != nil {
		return nil, err
	}
	r.check()
	if err := r.errs.Err(); err != nil {
		return nil, err
	}
	return r.plan, nil
}

// frontMatter splits Markdown into the YAML between the lines "---" at its
// start, nil if there is none, and what comes after.
func frontMatter(data []byte) (front, rest []byte) {
	match := matter.FindSubmatchIndex(data)
	if match == nil || !matterKey.Match(data[match[2]:match[3]]) {
		return nil, data
	}
	return data[match[2]:match[3]], data[match[1]:]
}

var matter = regexp.MustCompile(`^---[ \t]*\r?\n((?:[^\n]*\n)*?)---[ \t]*\r?(?:\n|$)`)

// matterKey matches what front matter starts with, and a paragraph between two
// lines hardly does.
var matterKey = regexp.MustCompile(`^[\w-]+[ \t]*:`)

// blank returns data with a space for all but the ends of lines.
func blank(data []byte) []byte {
	return bytes.Map(func(c rune) rune {
		if c == '\n' || c == '\r' {
			return c
		}
		return ' '
	}, data)
}

// valid records the first byte of data that is no text.
func (r *reader) valid(data []byte) {
	line, start := 1, 0
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			r.errs.Add(line, i-start+1, "not UTF-8: the byte %#02x; save the plan as UTF-8", data[i])
			return
		case c == 0:
			r.errs.Add(line, i-start+1, "a NUL character; save the plan as text")
			return
		case c == '\n':
			line, start = line+1, i+1
		}
		i += size
	}
}

// firstKey matches text whose first line, comments and "---" aside, is the key
// that a YAML plan starts with. JSON is YAML.
var firstKey = regexp.MustCompile(`^(?:[ \t]*(?:#[^\n]*|---[ \t]*)?\r?\n)*(?:restage[ \t]*:|\{\s*"restage"\s*:)`)

// isYAML reports whether data is a YAML plan by its looks. A Markdown heading
// and a YAML comment look the same, so what counts is the key after them.
func isYAML(data []byte) bool { return firstKey.Match(data) }

// IsPlan reports whether data is a plan by its looks: YAML, or Markdown with a
// fenced block of YAML, that starts with the key "restage".
func IsPlan(name string, data []byte) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return isYAML(data)
	case ".md", ".markdown":
		return slices.ContainsFunc(fenceStart.FindAllIndex(data, -1), func(m []int) bool { return isYAML(data[m[1]:]) })
	}
	return false
}

// fenceStart matches the first line of a fenced block that may be YAML.
var fenceStart = regexp.MustCompile("(?m)^[ \t]*(?:```+|~~~+)[ \t]*(?:ya?ml)?[ \t]*\r?\n")

// reader holds what one Read is about.
type reader struct {
	errs *input.Errors
	plan *Plan
}

// check records what is wrong with the plan as a whole.
func (r *reader) check() {
	p := r.plan
	if len(p.Moves)+len(p.Imports)+len(p.Retire)+len(p.Delete) == 0 && r.errs.Empty() {
		r.errs.Add(0, 0, "the plan moves nothing: write a table with the columns From and To, one row a file, "+
			"such as \"| From | To |\", \"|---|---|\", \"| `old/a.py` | `new/a.py` |\", or the YAML key \"moves\"")
	}
	from, to := map[string]Move{}, map[string]Move{}
	for _, m := range p.Moves {
		if m.From == m.To {
			r.errs.Add(m.Line, 0, "%s is moved to itself", input.Quote(m.From))
		}
		if strings.HasSuffix(m.From, "/") && strings.HasPrefix(m.To, m.From) {
			r.errs.Add(m.Line, 0, "%s is moved into itself, to %s", input.Quote(m.From), input.Quote(m.To))
		}
		if first, ok := from[m.From]; ok {
			r.errs.Add(m.Line, 0, "%s is moved twice: to %s in line %d, to %s here; keep one",
				input.Quote(m.From), input.Quote(first.To), first.Line, input.Quote(m.To))
		} else if first, ok := to[m.To]; ok && !strings.HasSuffix(m.To, "/") {
			r.errs.Add(m.Line, 0, "%s is the target of two moves: %s in line %d and %s here; name another target",
				input.Quote(m.To), input.Quote(first.From), first.Line, input.Quote(m.From))
		}
		r.checkTarget(m)
		from[m.From], to[m.To] = m, m
	}
	r.checkImports()
	r.checkGone(from)
	r.checkSteps()
}

// checkImports records old imports that are mapped twice.
func (r *reader) checkImports() {
	seen := map[string]Mapping{}
	for _, m := range r.plan.Imports {
		if first, ok := seen[m.Old]; ok {
			r.errs.Add(m.Line, 0, "%s is mapped twice: to %s in line %d, to %s here; keep one",
				input.Quote(m.Old), input.Quote(first.New), first.Line, input.Quote(m.New))
		}
		if err := checkMapping(m.Old, m.New); err != nil {
			r.errs.Add(m.Line, 0, "%s", err)
		}
		seen[m.Old] = m
	}
}

// checkGone records paths that are to go for two reasons.
func (r *reader) checkGone(moved map[string]Move) {
	type reason struct {
		verb string
		line int
	}
	seen := map[string]reason{}
	for p, m := range moved {
		seen[p] = reason{"moved", m.Line}
	}
	note := func(p, verb string, line int) {
		if first, ok := seen[p]; ok {
			r.errs.Add(line, 0, "%s is %s in line %d and %s here; keep one", input.Quote(p), first.verb, first.line, verb)
			return
		}
		seen[p] = reason{verb, line}
	}
	for _, t := range r.plan.Retire {
		note(t.Path, "retired", t.Line)
	}
	for _, d := range r.plan.Delete {
		note(d.Path, "deleted", d.Line)
		if d.DuplicateOf == d.Path {
			r.errs.Add(d.Line, 0, "%s is a duplicate of itself", input.Quote(d.Path))
		}
	}
}

// checkSteps records steps that are named but not listed. A plan that lists
// none may number its entries as it likes.
func (r *reader) checkSteps() {
	p := r.plan
	if len(p.Steps) == 0 {
		return
	}
	known := map[int]bool{0: true}
	for _, s := range p.Steps {
		known[s.Number] = true
	}
	note := func(step, line int) {
		if !known[step] {
			r.errs.Add(line, 0, "step %d is not in the list of steps; add it there", step)
		}
	}
	for _, m := range p.Moves {
		note(m.Step, m.Line)
	}
	for _, m := range p.Imports {
		note(m.Step, m.Line)
	}
	for _, t := range p.Retire {
		note(t.Step, t.Line)
	}
	for _, d := range p.Delete {
		note(d.Step, d.Line)
	}
}
