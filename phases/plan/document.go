package plan

import (
	"bytes"
	"regexp"
	"sort"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	table "github.com/yuin/goldmark/extension/ast"
	gmtext "github.com/yuin/goldmark/text"

	md "github.com/restage/restage/phases/markdown"
)

// A document is Markdown made flat: blocks in their order, each with the
// headings above it. Comments and HTML are not in it.
type document struct {
	source   []byte
	lines    []int // offset of the start of each line
	sections []*heading
	blocks   []*block
	number   int  // of the item that is walked next, if it is one of an outermost ordered list
	open     bool // no table of HTML ends any more
	read     int  // offset up to which HTML is read
}

// A heading starts a section that ends at the next heading of its level or a
// higher one.
type heading struct {
	parent *heading // nil at the top
	level  int      // 1 to 6; 7 for a bold line that stands for a heading
	title  string
	kind   kind // what the title, or one above it, says the section is about
	line   int
	start  int // offset at which the section starts
	end    int // offset at which it ends
	step   int // number of the step that the section is or lies in
	used   bool
	items  bool // a list item lies directly in it
}

// A block is a paragraph, the text of a list item, a code block or a table.
type block struct {
	heading *heading // nil before the first
	depth   int      // how many list items enclose it
	item    bool     // it is the first block of a list item
	number  int      // of an item of an outermost ordered list
	inert   bool     // it is HTML that is not read
	title   bool     // it is the title of its section
	text    phrase   // of a paragraph or item
	code    []string // lines of a code block; nil for others
	lang    string   // first word after the fence, lower case
	rows    [][]phrase
	read    []bool   // which rows after the first say something
	used    bool     // it says something
	said    []int    // offsets of what was understood in a text of several sentences
	rest    []*block // of a code block that is used, the lines that say nothing
	pos     int
	index   int // in the document
}

// A phrase is the text of a block as a person reads it. Emphasis is gone, and so
// is what was struck out; code stands in backticks and has none inside; lines
// are separated by "\n".
type phrase struct {
	s     string
	marks []mark
}

// A mark says that the text from offset at on was read from pos on.
type mark struct{ at, pos int }

// pos returns the offset in the source of offset at of p.
func (p phrase) pos(at int) int {
	i := sort.Search(len(p.marks), func(i int) bool { return p.marks[i].at > at }) - 1
	if len(p.marks) == 0 {
		return 0
	}
	m := p.marks[max(i, 0)]
	return m.pos + max(at-m.at, 0)
}

// from returns the part of p from offset at on.
func (p phrase) from(at int) phrase {
	q := phrase{p.s[at:], nil}
	for i, m := range p.marks {
		if i+1 < len(p.marks) && p.marks[i+1].at <= at {
			continue
		}
		if m.at < at {
			m = mark{at, m.pos + at - m.at}
		}
		q.marks = append(q.marks, mark{m.at - at, m.pos})
	}
	return q
}

// place returns line and column, from 1, of an offset in the source.
func (d *document) place(pos int) (line, column int) {
	i := sort.SearchInts(d.lines, pos+1) - 1
	return i + 1, pos - d.lines[i] + 1
}

// Bounds of what Markdown is parsed: beyond them the time it takes grows faster
// than the text.
const (
	maxMarkdown = 256 << 10 // bytes
	maxQuotes   = 32        // ">" at the start of one line
	maxColumns  = 64        // of one table
	maxLinks    = 2000
)

// simple records what makes data too hard to parse.
func (r *reader) simple(data []byte) {
	if len(data) > maxMarkdown {
		r.errs.Add(0, 0, "the plan is too large: %d bytes; at most %d of Markdown are read, write it as YAML", len(data), maxMarkdown)
		return
	}
	links, number := 0, 0
	for line := range bytes.Lines(data) {
		number++
		rest := bytes.TrimLeft(line, "> \t-+*.)0123456789")
		if bytes.Count(line[:len(line)-len(rest)], []byte(">")) > maxQuotes {
			r.errs.Add(number, 1, "quoted deeper than %d levels", maxQuotes)
		}
		if len(bytes.Trim(line, "> \t|:-\r\n")) == 0 && bytes.Count(line, []byte("|")) > maxColumns+1 {
			r.errs.Add(number, 1, "a table with more than %d columns", maxColumns)
		}
		if links += bytes.Count(line, []byte("](")); links > maxLinks {
			r.errs.Add(number, 1, "more than %d links", maxLinks)
			return
		}
	}
}

// folds matches lines of HTML that only fold a text away. What they enclose is
// part of the plan, whether or not blank lines make it Markdown for GitHub too.
var folds = regexp.MustCompile(`(?im)^[ \t]*(?:</?details[^>\n]*>|<summary[^>\n]*>[^\n]*</summary>|</?summary[^>\n]*>|[ \t])+\r?$`)

// parse reads Markdown as GitHub does: CommonMark with tables, task lists and
// text that is struck out.
func parse(source []byte) *document {
	source = folds.ReplaceAllFunc(bytes.Clone(source), func(line []byte) []byte {
		return bytes.Repeat([]byte{' '}, len(line))
	})
	d := &document{source: source, lines: []int{0}}
	for i, c := range source {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table, extension.TaskList, extension.Strikethrough))
	d.walk(markdown.Parser().Parse(gmtext.NewReader(source)), 0)
	for i, h := range d.sections {
		h.end = len(source)
		for _, next := range d.sections[i+1:] {
			if next.level <= h.level {
				h.end = next.start
				break
			}
		}
	}
	return d
}

// walk adds the blocks below n, which lies in depth list items.
func (d *document) walk(n ast.Node, depth int) {
	first, number := n.Kind() == ast.KindListItem, d.number
	list, _ := n.(*ast.List)
	d.number = 0
	items := 0
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Heading:
			d.section(d.phrase(c), c.Level, d.start(c))
		case *ast.Paragraph, *ast.TextBlock:
			d.paragraph(c, depth, first, number)
		case *ast.FencedCodeBlock:
			lang, _, _ := strings.Cut(strings.ToLower(string(c.Language(d.source))), " ")
			d.code(c, lang, depth)
		case *ast.CodeBlock:
			d.code(c, "", depth)
		case *table.Table:
			d.table(c, depth)
		case *ast.ListItem:
			if depth == 0 && list.IsOrdered() {
				d.number = list.Start + items
				items++
			}
			d.walk(c, depth+1)
		case *ast.HTMLBlock:
			d.html(c, depth)
		default:
			d.walk(c, depth)
		}
		first, number = false, 0
	}
}

// section starts a section. Its title is also its first block.
func (d *document) section(title phrase, level, pos int) {
	line, _ := d.place(pos)
	h := &heading{level: level, title: md.OneLine(title.s), line: line, start: d.lines[line-1]}
	for p := d.current(); p != nil; p = p.parent {
		if p.level < level {
			h.parent, h.kind = p, p.kind
			break
		}
	}
	if k := titleKind(h.title); k != other {
		h.kind = k
	}
	d.sections = append(d.sections, h)
	d.add(&block{title: true, text: title, pos: pos})
}

func (d *document) current() *heading {
	if len(d.sections) == 0 {
		return nil
	}
	return d.sections[len(d.sections)-1]
}

// add appends b as a block of the current section.
func (d *document) add(b *block) {
	b.heading, b.index = d.current(), len(d.blocks)
	if b.item && b.heading != nil {
		b.heading.items = true
	}
	d.blocks = append(d.blocks, b)
}

// paragraph adds a paragraph. One that is nothing but a bold "Step 3: ..." is
// a heading in all but name.
func (d *document) paragraph(n ast.Node, depth int, item bool, number int) {
	text := d.phrase(n)
	if strong, ok := n.FirstChild().(*ast.Emphasis); ok && depth == 0 && strong.Level == 2 &&
		n.ChildCount() == 1 && stepTitle.MatchString(text.s) {
		d.section(text, 7, d.start(n))
		return
	}
	d.add(&block{depth: depth, item: item, number: number, text: text, pos: d.start(n)})
}

// code adds a code block.
func (d *document) code(n ast.Node, lang string, depth int) {
	b := &block{depth: depth, lang: lang, code: []string{}}
	for _, s := range n.Lines().Sliced(0, n.Lines().Len()) {
		if len(b.code) == 0 {
			b.pos = s.Start
		}
		b.code = append(b.code, strings.TrimRight(string(s.Value(d.source)), "\r\n"))
	}
	d.add(b)
}

// table adds a table, the header first.
func (d *document) table(n ast.Node, depth int) {
	b := &block{depth: depth, pos: d.start(n)}
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []phrase
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			p := d.phrase(cell).tick()
			if len(p.marks) == 0 {
				p.marks = []mark{{0, max(row.Pos(), 0)}}
			}
			cells = append(cells, p)
		}
		b.rows = append(b.rows, cells)
	}
	d.add(b)
}

// start returns the offset in the source at which n starts.
func (d *document) start(n ast.Node) int {
	if lines := n.Lines(); lines != nil && lines.Len() > 0 {
		return lines.At(0).Start
	}
	return max(n.Pos(), 0)
}

// phrase returns the text of the inline nodes below n.
func (d *document) phrase(n ast.Node) phrase {
	b := &phraser{source: d.source}
	b.inlines(n, false)
	text := strings.TrimRight(b.text.String(), " \t\r\n")
	return phrase{text, b.marks}
}

// phraser builds a phrase.
type phraser struct {
	source []byte
	text   strings.Builder
	marks  []mark
}

// write adds the source text of a segment.
func (b *phraser) write(s gmtext.Segment, text string) {
	b.marks = append(b.marks, mark{b.text.Len(), s.Start})
	b.text.WriteString(text)
}

// inlines adds the inline nodes below n; code says that n is code.
func (b *phraser) inlines(n ast.Node, code bool) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			value := string(c.Segment.Value(b.source))
			if code {
				value = strings.ReplaceAll(strings.TrimRight(value, "\r\n"), "`", "'")
			} else {
				value = strings.ReplaceAll(unescape(value), "`", "'")
			}
			b.write(c.Segment, value)
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.text.WriteByte('\n')
			}
		case *ast.CodeSpan:
			b.text.WriteByte('`')
			b.inlines(c, true)
			b.text.WriteByte('`')
		case *ast.Emphasis:
			b.emphasis(c)
		case *ast.AutoLink:
			b.text.Write(c.Label(b.source))
		case *ast.RawHTML:
			b.html(c)
		case *table.Strikethrough:
		case *ast.Link:
			b.link(c, code)
		default:
			b.inlines(c, code)
		}
	}
}

// link adds the text of a link. In a line "Plan: [here](docs/plan.md)" it is the
// address that counts.
func (b *phraser) link(n *ast.Link, code bool) {
	before := b.text.String()
	line := before[strings.LastIndexByte(before, '\n')+1:]
	words := &phraser{source: b.source}
	if words.inlines(n, code); planLabel.MatchString(line) && planFile(string(n.Destination)) && !planFile(strings.Trim(words.text.String(), "` ")) {
		b.text.Write(n.Destination)
		return
	}
	b.inlines(n, code)
}

// planLabel matches what stands before the path of a plan.
var planLabel = regexp.MustCompile(`(?i)^\W*(?:restage )?plan(?: file)?:\W*$`)

// emphasis adds emphasized text. Underscores stay: people write __init__.py
// without backticks and mean it.
func (b *phraser) emphasis(n *ast.Emphasis) {
	mark := ""
	if pos := n.Pos(); pos >= 0 && pos < len(b.source) && b.source[pos] == '_' {
		mark = strings.Repeat("_", n.Level)
	}
	b.text.WriteString(mark)
	b.inlines(n, false)
	b.text.WriteString(mark)
}

// html adds backticks for <code> tags and nothing for others.
func (b *phraser) html(n *ast.RawHTML) {
	switch tag := strings.ToLower(string(n.Segments.Value(b.source))); tag {
	case "<code>", "</code>":
		b.text.WriteByte('`')
	case "<br>", "<br/>", "<br />":
		b.text.WriteByte('\n')
	}
}

// escaped matches a backslash escape of Markdown that may stand in a path.
var escaped = regexp.MustCompile("\\\\([_*`#|~<>&{}\\[\\]()!+.-])")

func unescape(s string) string { return escaped.ReplaceAllString(s, "$1") }
