package plan

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/restage/restage/phases/input"
)

// markdown reads a Markdown plan by meaning: tables by the names of their
// columns, sections by their titles, sentences by their verbs. It records
// mistakes; an error it returns is about text that it could not read at all.
func (r *reader) markdown(data []byte) error {
	if r.simple(data); !r.errs.Empty() {
		return r.errs.Err()
	}
	d := parse(data)
	if b := fencedYAML(d); b != nil {
		line, column := d.place(b.pos)
		text := strings.Join(b.code, "\n")
		source := input.Source{File: r.errs.File, Data: []byte(text), Line: line - 1, Column: column - 1}
		if err := input.YAML(source, r.yaml); err != nil {
			return err
		}
		b.use()
		(&markdown{reader: r, doc: d}).unused()
		return nil
	}
	if wrapped(d) {
		d = parse(unwrap(data))
	}
	m := &markdown{reader: r, doc: d, checks: map[string]bool{}}
	m.steps()
	for _, b := range d.blocks {
		switch {
		case b.kind() == aside || b.inert:
		case b.rows != nil:
			m.table(b)
		case b.code != nil:
			m.code(b)
		default:
			m.sentence(b)
		}
	}
	m.assign()
	m.plan.Estimate, m.plan.Guide = estimate(string(data)), guideFile(string(data))
	m.unused()
	return nil
}

// around lists what stands in Markdown beside a plan in YAML.
func (r *reader) around(data []byte) error {
	if r.simple(data); !r.errs.Empty() {
		return r.errs.Err()
	}
	(&markdown{reader: r, doc: parse(data)}).unused()
	return nil
}

// fencedYAML returns the code block that holds a whole YAML plan.
func fencedYAML(d *document) *block {
	for _, b := range d.blocks {
		if b.code != nil && (b.lang == "yaml" || b.lang == "yml" || b.lang == "") && isYAML([]byte(strings.Join(b.code, "\n"))) {
			return b
		}
	}
	return nil
}

// markdown holds what is found while the blocks of a document are read.
type markdown struct {
	*reader
	doc *document

	stepHeads []*heading      // the sections of the steps of the plan
	from      end             // of a pair whose other end is still to come
	creates   *create         // "Create x/__init__.py:" whose code is still to come
	provided  *block          // "If x exists:" whose items are still to come
	stays     *block          // "Leave alone" whose items are still to come
	deletes   *block          // "Delete these files:" whose items are still to come
	expects   []expect        // names that files must define
	packages  []create        // contents of new __init__.py
	metadata  []meta          // changes of @meta blocks
	renames   []rename        // old and new imports
	deletions []Delete        // Step is where the plan says so
	checks    map[string]bool // that are known already
	entries   int             // how many things were found
	left      int             // how many unused things are not listed
}

// expect says that the moved file must define names.
type expect struct {
	block *block // that says so
	step  int
	files []string // paths or base names that tell which file; may be empty
	names []string
}

// meta says what becomes of the @meta blocks of the files that a step moves.
type meta struct {
	block *block // that says so
	Metadata
}

// A kind is what a section is about, by its title.
type kind int

const (
	other kind = iota
	outOfScope
	preconditions
	knownIssues
	aside // what is not done, or not now
)

var titles = []struct {
	kind kind
	re   *regexp.Regexp
}{
	{outOfScope, regexp.MustCompile(`(?i)^\W*(out[ -]of[ -]scope|not in scope|non[ -]?goals|keep\b|kept\b|(what|which \w+) (must |should |has to |will )?stays?|what (must|should|will) not (be )?(touch|move|change|delete|migrate)|stays?\b|unchanged|untouched|exclu(ded|sions?)\b|leave (alone|as|untouched)|left (alone|as|where|out)|not (part|included|touched|moved|covered|migrated)\b|((what )?we )?(do(n['’]?t| not)|won['’]t|will not) (touch|move|change|migrate)|nicht (teil|enthalten|betroffen|verschoben)|außerhalb|bleibt|unverändert)`)},
	{preconditions, regexp.MustCompile(`(?i)^\W*(pre-?conditions?|pre-?requisites?|requirements|before (you|we|i|the) (start|begin)\w*|before (starting|beginning)|needed first|voraussetzung(en)?)\b`)},
	{aside, regexp.MustCompile(`(?i)^\W*(roll[ -]?back|undo|revert|alternatives?|rejected|future|later|follow[ -]?ups?|not now)\b`)},
	{knownIssues, regexp.MustCompile(`(?i)^\W*(known\b|caveats|gotchas|pitfalls|watch out|beware|open (issues|problems)|bekannte (probleme|fehler))`)},
}

// titleKind returns what a section with the title is about.
func titleKind(title string) kind {
	for _, t := range titles {
		if t.re.MatchString(title) {
			return t.kind
		}
	}
	return other
}

// kind returns what the section of b is about.
func (b *block) kind() kind {
	if b.heading == nil {
		return other
	}
	return b.heading.kind
}

// step returns the number of the step that b lies in, or 0.
func (b *block) step() int {
	if b.heading == nil {
		return 0
	}
	return b.heading.step
}

// use notes that the section of b, and so those around it, says something.
func (b *block) use() {
	b.used = true
	for h := b.heading; h != nil; h = h.parent {
		h.used = true
	}
}

// line returns the line that b starts in.
func (m *markdown) line(b *block) int {
	line, _ := m.doc.place(b.pos)
	return line
}

// maxEntries bounds how many things a plan may say.
const maxEntries = 5000

// full counts one more thing found and reports whether that is too many.
func (m *markdown) full() bool {
	if m.entries++; m.entries == maxEntries {
		m.errs.Add(0, 0, "the plan says more than %d things; split it", maxEntries)
	}
	return m.entries >= maxEntries
}

// errorAt records a mistake at an offset of the source.
func (m *markdown) errorAt(pos int, format string, args ...any) {
	line, column := m.doc.place(pos)
	m.errs.Add(line, column, format, args...)
}

// A phaseRange says in which phase a range of steps is.
type phaseRange struct {
	first, last int
	phase       string
	status      bool // said by a line that reports a status; counts less
}

type phaseRanges []phaseRange

// of returns the phase of a step: what the plan says of its number, or else
// the title of a section around it.
func (all phaseRanges) of(h *heading, number int) string {
	for _, status := range []bool{false, true} {
		for _, r := range all {
			if r.status == status && r.first <= number && number <= r.last {
				return r.phase
			}
		}
	}
	for h = h.parent; h != nil; h = h.parent {
		if match := phaseTitle.FindStringSubmatch(h.title); match != nil {
			return phaseWord(match[1])
		}
	}
	return ""
}

var (
	// phaseTitle matches "Phase 1: Move files" or "Phase 1 (File Moves) ...".
	phaseTitle = regexp.MustCompile(`(?i)^[^\pL\pN]*Phase\s+\d+\s*(.*)$`)
	// stepRange matches "(Steps 1-7)", "Steps 1, 3 and 5-7".
	stepRange = regexp.MustCompile(`(?i)\bSteps?\s+(\d{1,4}(?:\s*(?:-|–|—|,|and|to|&)\s*\d{1,4})*)`)
	span      = regexp.MustCompile(`(\d+)(?:\s*(?:-|–|—|to)\s*(\d+))?`)
)

// phases returns the phases that lines such as "Phase 1: Move files (Steps
// 1-8)" tell. A plan has few; a hostile one is not read on.
func (m *markdown) phases() phaseRanges {
	const most = 500
	var all phaseRanges
	for _, b := range m.doc.blocks {
		reports := b.heading != nil && strings.Contains(b.heading.title, "Status")
		for line := range strings.SplitSeq(b.text.s, "\n") {
			title, steps := phaseTitle.FindStringSubmatch(line), stepRange.FindStringSubmatch(line)
			if title == nil || steps == nil || phaseWord(title[1]) == "" || len(all) > most {
				continue
			}
			b.use()
			for _, s := range span.FindAllStringSubmatch(steps[1], -1) {
				first, _ := strconv.Atoi(s[1])
				last, err := strconv.Atoi(s[2])
				if err != nil {
					last = first
				}
				all = append(all, phaseRange{first, last, phaseWord(title[1]), reports || strings.Contains(line, "Status")})
			}
		}
	}
	return all
}

var phaseWords = regexp.MustCompile(`(?i)\b(?:(mov(?:e|es|ed|ing)|relocat\w*)|(imports?|references?)|(clean\w*|verif\w*|delet\w*|remov\w*|retir\w*))\b`)

// phaseWord returns the phase that the first telling word of a title means.
func phaseWord(title string) string {
	match := phaseWords.FindStringSubmatch(title)
	for i, word := range match {
		if i > 0 && word != "" {
			return phases[i-1]
		}
	}
	return ""
}
