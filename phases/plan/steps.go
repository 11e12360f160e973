package plan

import (
	"regexp"
	"strconv"
	"strings"

	md "github.com/restage/restage/phases/markdown"
)

var (
	// stepTitle matches the title of a step. Marks such as a tick may stand before.
	stepTitle = regexp.MustCompile(`(?i)^[^\pL\pN]*Step\s+#?(\d{1,4})\b\s*[:.)–—-]*\s*(.*)$`)
	// taskTitle matches the title of a step under another name.
	taskTitle = regexp.MustCompile(`(?i)^[^\pL\pN]*(?:Task|Part|Stage|Item|Schritt|[ÉE]tape|Paso)\s+#?(\d{1,4})\b\s*[:.)–—-]*\s*(.*)$`)
	// numbered matches a title that starts with a number.
	numbered = regexp.MustCompile(`^\W*(\d{1,4})\s*[.):–—-]\s*(\pL.*)$`)
	// stepsTitle matches the title of the section that holds the steps.
	stepsTitle = regexp.MustCompile(`(?i)\b(steps?|tasks?|procedure|implementation|to-?dos?|how|work|actions?)\b`)
	// reportTitle matches the title of a section that reports how far the work is.
	reportTitle = regexp.MustCompile(`(?i)\b(status|completed|pending|progress|done|criteria|risks?|mitigations?|notes?)\b`)
)

// steps finds the title of the plan, the steps and their phases. Steps are
// sections called "Step 3: Title"; or, if there is none, sections of another
// such name; or numbered sections, or a numbered list, below a title such as
// "Steps".
func (m *markdown) steps() {
	said := m.phases()
	for _, h := range m.doc.sections {
		if h.level == 1 && m.plan.Title == "" && !stepTitle.MatchString(h.title) {
			m.plan.Title, h.used = h.title, true
		}
	}
	switch {
	case m.sectionSteps(said, stepTitle, false):
	case m.sectionSteps(said, taskTitle, false):
	case m.sectionSteps(said, numbered, true):
	default:
		m.listSteps(said)
	}
}

// sectionSteps notes the sections whose titles match re as steps, and reports
// whether there is one. If below is set they must lie below a title such as
// "Steps".
func (m *markdown) sectionSteps(said phaseRanges, re *regexp.Regexp, below bool) bool {
	seen := map[int]int{}
	for _, h := range m.doc.sections {
		if h.parent != nil && h.parent.step != 0 {
			h.step, h.used = h.parent.step, true
			continue
		}
		match := re.FindStringSubmatch(h.title)
		if match == nil || below && (h.parent == nil || h.parent.kind != other || !stepsTitle.MatchString(h.parent.title)) {
			continue
		}
		number, _ := strconv.Atoi(match[1])
		if first, ok := seen[number]; ok || number == 0 {
			m.errs.Add(h.line, 1, "step %d is there twice, first in line %d; give it another number", number, first)
			continue
		}
		seen[number] = h.line
		m.step(h, number, match[2], said)
	}
	return len(seen) > 0
}

// step notes that the section h is a step.
func (m *markdown) step(h *heading, number int, title string, said phaseRanges) {
	h.step = number
	for p := h; p != nil; p = p.parent {
		p.used = true
	}
	m.plan.Steps = append(m.plan.Steps, Step{number, title, said.of(h, number)})
	m.stepHeads = append(m.stepHeads, h)
}

// listSteps makes the items of a list that are steps sections of their own:
// those called "Step 3: Title", or the numbered ones below a title such as
// "Steps".
func (m *markdown) listSteps(said phaseRanges) {
	seen := map[int]bool{}
	var current *heading
	for _, b := range m.doc.blocks {
		if current != nil && (b.heading != current.parent || b.depth == 0) {
			m.endStep(current, b.pos)
			current = nil
		}
		if number, title := b.listStep(); number != 0 && !seen[number] && number <= maxStep {
			if current != nil {
				m.endStep(current, b.pos)
			}
			seen[number] = true
			line, _ := m.doc.place(b.pos)
			current = &heading{parent: b.heading, level: 7, title: title, line: line, start: b.pos, end: len(m.doc.source)}
			m.step(current, number, title, said)
		}
		if current != nil {
			b.heading = current
		}
	}
}

// endStep ends a step of a list before what starts at an offset of the source.
func (m *markdown) endStep(h *heading, pos int) { h.end = max(pos, h.start) }

// listStep returns the number and the title of the step that b starts, if it is
// the item of a list that does.
func (b *block) listStep() (number int, title string) {
	if !b.item || b.depth != 1 || b.kind() != other {
		return 0, ""
	}
	for h := b.heading; h != nil; h = h.parent {
		if reportTitle.MatchString(h.title) {
			return 0, ""
		}
	}
	first, _, _ := strings.Cut(b.text.s, "\n")
	if match := stepTitle.FindStringSubmatch(first); match != nil {
		number, _ = strconv.Atoi(match[1])
		return number, strings.TrimRight(md.OneLine(match[2]), " .:")
	}
	if b.heading != nil && stepsTitle.MatchString(b.heading.title) {
		return b.number, strings.TrimRight(md.OneLine(first), " .:")
	}
	return 0, ""
}
