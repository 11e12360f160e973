package plan

import (
	"regexp"
	"strings"
)

// The two ends of a pair may stand in lines of their own: "From: `a`" and
// "To: `b`", or `a` in an item and "→ `b`" in the item below it.

var (
	fromLine = regexp.MustCompile("(?i)^\\W*(?:from|source|old(?:\\s+\\w+)?|current(?:\\s+\\w+)?|was|path|file|layer)\\s*:\\s*(`[^`]+`)")
	toLine   = regexp.MustCompile("(?i)^(?:\\W*(?:to|target|destination|new(?:\\s+\\w+)?|becomes|use(?:\\s+instead)?|replace(?:ment|d by|\\s+with))\\s*:|\\W*(?:goes (?:in)?to|moved? (?:in)?to|moves (?:in)?to|becomes|(?:is )?(?:now )?imported from|(?:is )?replaced by)\\s|\\s*" + arrow + ")\\s*(`[^`]+`|delete\\b)(.*)")
	onlyCode = regexp.MustCompile("^\\W*(`[^`]+`)\\s*(?:\\([^()]*\\))?\\s*:?\\s*$")
)

// An end is one end of a pair.
type end struct {
	block *block
	code  string // in backticks
	pos   int
}

// ends reads the lines of a block that are one end of a pair each.
func (m *markdown) ends(b *block, text phrase) {
	at := 0
	for s := range strings.SplitAfterSeq(text.s, "\n") {
		line := strings.TrimRight(s, "\n")
		if match := toLine.FindStringSubmatchIndex(line); match != nil && m.from.block != nil && m.from.block.heading == b.heading {
			m.bothEnds(b, line[match[2]:match[3]], line[match[4]:match[5]], text.pos(at+match[2]))
		} else if m.from.block != nil && m.from.block.heading == b.heading && b.item && b.depth > m.from.block.depth && onlyDelete.MatchString(b.text.s) {
			m.bothEnds(b, "", "", text.pos(at))
		} else if match := fromLine.FindStringSubmatchIndex(line); match != nil {
			m.from = end{b, line[match[2]:match[3]], text.pos(at + match[2])}
		} else if match := onlyCode.FindStringSubmatchIndex(line); match != nil && b.item {
			m.from = end{b, line[match[2]:match[3]], text.pos(at + match[2])}
		}
		at += len(s)
	}
}

// bothEnds reads a pair of which the second end was found.
func (m *markdown) bothEnds(b *block, to, rest string, pos int) {
	said := m.from.code + " → " + to
	if !strings.HasPrefix(to, "`") {
		said = m.from.code + " → DELETE"
	}
	whole := &block{heading: b.heading, item: true, pos: m.from.pos, text: phrase{
		said + rest, []mark{{0, m.from.pos}, {len(m.from.code), pos}}}}
	m.pairs(whole)
	if whole.used {
		b.used, m.from.block.used = true, true
		m.from = end{}
	}
}
