package plan

import (
	"path"
	"regexp"
	"strings"

	md "github.com/restage/restage/phases/markdown"
)

const arrow = `(?:→|⟶|➜|➔|➝|➞|➡\x{fe0f}?|⇒|⟹|=>|-{1,2}>)`

// marks matches white space and quotes of all kinds.
const marks = "[\\s\"'`\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a\u2018\u2019\u201a\u00a0\u202f]*"

var (
	// pairOf matches "`a` → `b`", "`a` (3 files) → **DELETE**".
	pairOf = regexp.MustCompile("`([^`]+)`(?:\\s*\\([^()]*\\))?\\s*" + arrow + "\\s*(?:`([^`]+)`|(DELETE|Delete|delete)\\b)")
	// moveTo matches "Move `a` to `b`".
	moveTo = regexp.MustCompile("(?i)\\b(?:move|rename|relocate)\\s+(?:the\\s+)?(?:file\\s+|folder\\s+|directory\\s+|package\\s+|module\\s+)?`([^`]+)`(?:\\s*\\([^()]*\\))?\\s+(?:in)?to\\s+`([^`]+)`")
	// becomes matches "`a` becomes `b`", "`a`: use `b`".
	becomes = regexp.MustCompile("(?i)`([^`]+)`(?:\\s*\\([^()]*\\))?\\s*(?:[:,–—-]\\s*)?(?:(?:is|are|was|should(?: be)?|will(?: be)?|must(?: be)?|now|imports?|deprecated|wrapper)[,;:]?\\s+){0,3}(?:becomes?|replaced (?:by|with)|go(?:es)? (?:in)?to|move[sd]? to|imported from|(?:please\\s+)?use|use instead:?|replacement:?|lives? in|superseded by|in favou?r of)\\s+(?:the\\s+)?`([^`]+)`")
	// replaceBy matches "Replace `a` with `b`", "Retire `a` in favour of `b`".
	replaceBy = regexp.MustCompile("(?i)\\b(?:replace|retire|swap|deprecate|substitute)\\s+(?:(?:the|imports?|of|from|references?|to|layer|wrapper|module|old)\\s+)*`([^`]+)`(?:\\s*\\([^()]*\\))?\\s+(?:with|by|for|in favou?r of|and use)\\s+`([^`]+)`")
	// insteadOf matches "Import from `b` instead of `a`".
	insteadOf = regexp.MustCompile("(?i)\\b(?:import|use)\\s+(?:from\\s+)?`([^`]+)`,?\\s+(?:instead of|not|rather than)\\s+(?:from\\s+)?`([^`]+)`")
	// plainPair matches "a/b.py -> c/d.py" without backticks, alone in its line.
	plainPair = regexp.MustCompile(`^(\S+)\s+` + arrow + `\s+(\S+)$`)

	exporting  = regexp.MustCompile(`(?i)\bexport\w*`)
	createInit = regexp.MustCompile("(?i)\\b(?:create|add|write|populate|update|fill)\\s+(?:the\\s+|new\\s+|file\\s+)*`([^`]*__init__\\.py)`")
	domain     = regexp.MustCompile("(?i)\\bdomain" + marks + "(?::|\\bfrom\\b)?" + marks + "([\\w-]+)" + marks + "(?:" + arrow + "|\\bto\\b|\\bbecomes\\b)" + marks + "(?:domain:" + marks + ")?([\\w-]+)")
	setDomain  = regexp.MustCompile("(?i)\\b(?:set|change)\\s+(?:the\\s+)?" + marks + "domain" + marks + "(?::|\\bto\\b)" + marks + "([\\w-]+)")
	tagOne     = regexp.MustCompile("(?i)\\b(add|remove|drop|delete)\\s+(?:the\\s+)?(?:tag\\s+[\"`]?([\\w-]+)|[\"`]?([\\w-]+)[\"`]?\\s+(?:tag\\b|(?:from|to)\\s+(?:the\\s+|its\\s+)?`?tags\\b))")
	tags       = regexp.MustCompile("(?i)`?\\btags?`?\\s+to\\s+(.*)")
	tagWord    = regexp.MustCompile(`(?i)\b(add|remove|drop|delete)\s+(?:the\s+)?([\w-]+)(\s+tags?\b|\s*$)`)
	tagVerb    = regexp.MustCompile("(?i)\\b(add|remove|drop|delete)\\b|`([^`]+)`")
	expected   = regexp.MustCompile("(?i)^Expected(?:\\s+(?:names|functions|classes))?:\\s*(.*)")
	checkFor   = regexp.MustCompile("(?i)\\bcheck\\s+`([^`]+)`\\s+for:?\\s+(.*)")

	// label matches the "Remove duplicate:" in front of a sentence.
	label    = regexp.MustCompile("^[^:`\n]{1,60}:\\s+")
	negation = regexp.MustCompile(`(?i)\b(not|never|\pL+n['’]t)(\s+\pL+){0,3}\s*$`)
	// partOf matches what stands before a path of which only a part is meant.
	partOf    = regexp.MustCompile("`[^`]+`(?:\\s+\\w+)?\\s+(?:from|in|of|out of)\\s+(?:the\\s+)?(?:file\\s+|module\\s+)?$")
	condition = regexp.MustCompile(`(?i)^\s*(if|when|unless|once)\b`)
	deleteOne = regexp.MustCompile("(?i)^(?:please\\s+)?(?:delete|remove|drop|get rid of)\\s+(?:(?:the|entire|whole|old|empty|deprecated|obsolete|unused|duplicate|directory|folder|file|package|module)\\s+)*((?:`[^`]+`(?:\\s*(?:,|and|&|,\\s*and)\\s*)?)+)")
	deleteAll = regexp.MustCompile("(?i)^(?:delete|remove|drop)\\b[^`]*:\\s*$")
	// onlyDelete matches an item that stands above what goes, or below.
	onlyDelete = regexp.MustCompile(`(?i)^(?:to be )?(?:delete|remove)d?[^\pL\pN]*$`)
	// deleteTitle matches the title of a section that lists what goes.
	deleteTitle = regexp.MustCompile(`(?i)^(?:\d+[.):]?\s+)?(?:(?:files?|folders?|modules?|paths?|code|what|which files?)\s+)?(?:(?:to|should|must|can|will)\s+)?(?:be\s+(?:deleted|removed)|delete|deletions?|remove|removals?)[^\pL\pN]*$`)
	folder      = regexp.MustCompile(`(?i)^\s*(directory|folder|package)\b`)
)

// lead matches what may stand before the first word of a sentence.
var lead = regexp.MustCompile("^[^\\pL\\pN`./]+")

// sentence reads a paragraph, the text of a list item or a title.
func (m *markdown) sentence(b *block) {
	said := b.text
	b.text = b.text.tick()
	ticked := b.text
	b.text = b.text.from(len(lead.FindString(b.text.s)))
	if m.creates != nil && (b.title || b.item && b.depth <= m.creates.depth || b.depth < m.creates.depth || strings.HasSuffix(b.text.s, ":")) {
		m.creates = nil
	}
	if m.deletes != nil && (b.depth <= m.deletes.depth && !m.deletes.title || b.heading != m.deletes.heading) {
		m.deletes = nil
	}
	if m.provided != nil && (b.depth <= m.provided.depth || b.heading != m.provided.heading) {
		m.provided = nil
	}
	if m.provided == nil && condition.MatchString(b.text.s) && strings.HasSuffix(b.text.s, ":") {
		m.provided = b
	}
	if m.stays != nil && (b.depth <= m.stays.depth || b.heading != m.stays.heading) {
		m.stays = nil
	}
	switch kind := b.kind(); {
	case kind == outOfScope, m.stays != nil:
		m.outOfScope(b)
		return
	case b.item && alone.MatchString(b.text.s):
		m.stays, b.used = b, true
		return
	}
	switch b.kind() {
	case preconditions:
		b.text = said.from(len(lead.FindString(said.s)))
		m.note(b, &m.plan.Preconditions)
		return
	case knownIssues:
		b.text = said.from(len(lead.FindString(said.s)))
		m.note(b, &m.plan.KnownIssues)
		return
	}
	m.pairs(b)
	m.ends(b, ticked)
	if m.provided == nil {
		m.delete(b)
	}
	m.create(b)
	m.meta(b)
	m.expect(b)
}

// note adds a list item, or a paragraph of a section without a list, to a list
// for people.
func (m *markdown) note(b *block, list *[]string) {
	if text := md.OneLine(b.text.s); text != "" && (b.item || b.heading != nil && !b.heading.items && !strings.HasSuffix(text, ":")) && !b.title && !m.full() {
		*list = append(*list, text)
		b.use()
	}
}

var (
	// alone matches an item that stands above what stays.
	alone = regexp.MustCompile(`(?i)^(?:out[ -]of[ -]scope|not in scope|keep|kept|what stays|stays|unchanged|untouched|excluded|leave (?:alone|as is|untouched)|left alone|not (?:included|touched|moved|migrated))[^\pL\pN]*$`)
	// leaveOne matches "Leave `a/` alone".
	leaveOne = regexp.MustCompile("(?i)^(?:please\\s+)?(?:leave|keep)\\s+(?:(?:the|file|folder|directory|package|module)\\s+)*`([^`]+)`\\s+(?:(?:file|folder|directory|package|module)\\s+)?(?:alone|as[ -]is|as it is|untouched|unchanged|in place|where it is|out of (?:this|it|scope))\\b")
)

// keepEnd matches where the paths of an item end and their explanation begins.
var keepEnd = regexp.MustCompile(`\s[-–—]\s|:\s|\(`)

// outOfScope reads an item of the paths that stay: "`a/` - why".
func (m *markdown) outOfScope(b *block) {
	if !b.item && !onlyPaths(b.text.s) {
		return
	}
	text := b.text.s
	if end := keepEnd.FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	found := codeSpan.FindAllStringSubmatchIndex(text, -1)
	if first, _, _ := strings.Cut(text, " "); len(found) == 0 && looksLikePath(first) {
		found = [][]int{{0, len(first), 0, len(first)}}
	}
	for _, at := range found {
		if s := text[at[2]:at[3]]; looksLikePath(s) {
			b.use()
			if p, ok := m.pathAt(b.text, at[2], s); ok {
				m.keep(p)
			}
		}
	}
}

// onlyPaths reports whether a text is but a list of paths.
func onlyPaths(text string) bool {
	return strings.Trim(codeSpan.ReplaceAllString(text, ""), " ,&\n") == ""
}

// leaveAlone reads "Leave `a/` alone" at an offset of the text of b.
func (m *markdown) leaveAlone(b *block, at int) {
	match := leaveOne.FindStringSubmatchIndex(b.text.s[at:])
	if match == nil {
		return
	}
	start, end := at+match[2], at+match[3]
	if s := b.text.s[start:end]; looksLikePath(s) {
		if p, ok := m.pathAt(b.text, start, s); ok {
			m.keep(p)
			b.said = append(b.said, at)
			b.use()
		}
	}
}

// pairs reads "`a` → `b`": two paths are a move. In an item, or alone, two
// modules are a row of the import map, a path and a module a layer to retire.
func (m *markdown) pairs(b *block) {
	text := b.text.s
	found := append(pairOf.FindAllStringSubmatchIndex(text, -1), moveTo.FindAllStringSubmatchIndex(text, -1)...)
	if len(found) == 0 {
		found = plainPair.FindAllStringSubmatchIndex(text, -1)
	}
	for _, at := range found {
		m.pair(b, at, at[0] == 0 && (b.item || b.title || at[1] == len(text)))
	}
	if len(found) > 0 {
		return
	}
	for _, re := range []*regexp.Regexp{becomes, replaceBy} {
		for _, at := range re.FindAllStringSubmatchIndex(text, -1) {
			m.pair(b, at, true)
		}
	}
	for _, at := range insteadOf.FindAllStringSubmatchIndex(text, -1) {
		m.pair(b, []int{at[0], at[1], at[4], at[5], at[2], at[3]}, true)
	}
}

// pair reads the old and the new name at the offsets at[2] to at[3] and at[4]
// to at[5] of the text of b; at[4] is -1 if the old one goes. Modules count
// when the sentence is about them.
func (m *markdown) pair(b *block, at []int, about bool) {
	text := b.text.s
	from, to := strings.TrimSpace(text[at[2]:at[3]]), ""
	if at[4] >= 0 {
		to = strings.TrimSpace(text[at[4]:at[5]])
	}
	if before := text[max(0, at[0]-80):at[0]]; negation.MatchString(before) || partOf.MatchString(before) {
		return
	}
	line := m.lineAt(b.text, at[2])
	switch {
	case looksLikePath(from) && (to == "" || gone.MatchString(to) && !looksLikePath(to)):
		if p, ok := m.pathAt(b.text, at[2], from); ok {
			m.remove(Delete{Path: p, Step: b.step(), Line: line}, b.text, at[1])
		}
	case looksLikePath(from) && looksLikePath(to):
		p, ok := m.pathAt(b.text, at[2], from)
		target, fine := m.pathAt(b.text, at[4], to)
		if ok && fine {
			m.move(Move{From: p, To: target, Step: b.step(), Line: line})
		}
	case about && looksLikePath(from) && strings.Contains(to, ".") && isModule(to):
		if p, ok := m.pathAt(b.text, at[2], from); ok {
			m.retire(Retire{Path: p, Use: to, Step: b.step(), Line: line})
		}
	case about && isModule(from) && strings.Contains(from, ".") && (to == "" || gone.MatchString(to) || isModule(to)):
		if gone.MatchString(to) {
			to = ""
		}
		m.mapping(Mapping{Old: from, New: to, Step: b.step(), Line: line})
	default:
		return
	}
	b.said = append(b.said, at[0])
	b.use()
}

// delete reads "Delete `a/` directory" and the items below "Delete these:".
// What is said under a condition is decided against the tree.
func (m *markdown) delete(b *block) {
	text := b.text.s
	if m.deletes != nil && (b.item || m.deletes.title && onlyPaths(text)) {
		m.deleteSpans(b, 0, len(text))
		return
	}
	if deleteAll.MatchString(text) || b.item && onlyDelete.MatchString(text) || b.title && deleteTitle.MatchString(text) {
		m.deletes, b.used = b, true
		return
	}
	starts := [][]int{{0, 0}}
	const most = 100
	for _, start := range append(starts, sentenceEnd.FindAllStringIndex(text, most)...) {
		m.deleteSentence(b, start[1])
		m.leaveAlone(b, start[1])
	}
}

// sentenceEnd matches the end of a sentence or line.
var sentenceEnd = regexp.MustCompile(`[.;!]\s+|\n\s*`)

// deleteSentence reads "Delete `a/` directory" at an offset of the text of b.
func (m *markdown) deleteSentence(b *block, at int) {
	text := b.text.s
	if l := label.FindString(text[at:]); !condition.MatchString(text[at:]) {
		at += len(l)
	}
	match := deleteOne.FindStringSubmatchIndex(text[at:])
	if match == nil {
		return
	}
	start, end := at+match[2], at+match[3]
	if names := codes(text[start:end]); len(names) == 1 && folder.MatchString(text[end:]) && !strings.HasSuffix(names[0], "/") {
		m.deleteFolder(b, start+1, names[0])
		return
	}
	m.deleteSpans(b, start, end)
}

// deleteFolder notes a folder that is called one: "Delete `a` directory".
func (m *markdown) deleteFolder(b *block, at int, name string) {
	if !looksLikePath(name) && !isIdentifier(name) {
		return
	}
	if p, ok := m.pathAt(b.text, at, name+"/"); ok {
		m.remove(Delete{Path: p, Step: b.step(), Line: m.lineAt(b.text, at)}, b.text, at)
		b.said = append(b.said, at)
		b.use()
	}
}

// deleteSpans notes the paths that stand one after the other from offset start
// to end of the text of b.
func (m *markdown) deleteSpans(b *block, start, end int) {
	text := b.text.s
	for _, at := range codeSpan.FindAllStringSubmatchIndex(text[:end], -1) {
		if at[0] < start {
			continue
		}
		if between := strings.Trim(text[start:at[0]], ", &\n"); between != "" && between != "and" {
			return
		}
		start = at[1]
		s := text[at[2]:at[3]]
		if !looksLikePath(s) {
			continue
		}
		if p, ok := m.pathAt(b.text, at[2], s); ok {
			m.remove(Delete{Path: p, Step: b.step(), Line: m.lineAt(b.text, at[2])}, b.text, at[1])
			b.said = append(b.said, at[0])
			b.use()
		}
	}
}

// meta reads "Change `domain: a` → `domain: b`" and "Update `tags` to remove
// `c` tag".
func (m *markdown) meta(b *block) {
	text := md.OneLine(b.text.s)
	var found Metadata
	if match := domain.FindStringSubmatch(text); match != nil {
		found.FromDomain, found.Domain = md.OneLine(match[1]), md.OneLine(match[2])
	} else if match := setDomain.FindStringSubmatch(text); match != nil {
		found.Domain = md.OneLine(match[1])
	}
	if !strings.Contains(text, "`") {
		text = tagWord.ReplaceAllString(text, "$1 `$2`$3")
	}
	if match := tags.FindStringSubmatch(text); match == nil {
		for _, word := range tagOne.FindAllStringSubmatch(text, -1) {
			if strings.EqualFold(word[1], "add") {
				found.AddTags = append(found.AddTags, word[2]+word[3])
			} else {
				found.RemoveTags = append(found.RemoveTags, word[2]+word[3])
			}
		}
	} else {
		verb := ""
		for _, word := range tagVerb.FindAllStringSubmatch(match[1], -1) {
			switch {
			case word[1] != "":
				verb = strings.ToLower(word[1])
			case verb == "add":
				found.AddTags = append(found.AddTags, word[2])
			case verb != "":
				found.RemoveTags = append(found.RemoveTags, word[2])
			}
		}
	}
	if b.step() != 0 && !m.full() && (found.Domain != "" || found.AddTags != nil || found.RemoveTags != nil) {
		m.metadata = append(m.metadata, meta{b, found})
	}
}

// expect reads "Expected: `a`, `b`" and "Check `x.py` for: `a`, `b`".
func (m *markdown) expect(b *block) {
	for line := range strings.SplitSeq(b.text.s, "\n") {
		var e expect
		if match := checkFor.FindStringSubmatch(line); match != nil && looksLikePath(match[1]) {
			e = expect{b, b.step(), []string{match[1]}, m.names(listed(match[2]))}
		} else if match := expected.FindStringSubmatch(line); match != nil {
			e = expect{b, b.step(), nil, m.names(listed(match[1]))}
		}
		if e.names != nil {
			m.expects = append(m.expects, e)
		}
	}
}

// listed returns the code in text or, if there is none, its words if it is but
// a list of them.
func listed(text string) []string {
	if strings.Contains(text, "`") {
		return codes(text)
	}
	text = strings.Trim(remark.ReplaceAllString(text, ""), " .")
	all := wordList.Split(text, -1)
	for i := range all {
		if all[i] = strings.Trim(all[i], " \"'"); strings.Contains(all[i], " ") {
			return nil
		}
	}
	return all
}

// wordList matches what stands between the words of a list.
var wordList = regexp.MustCompile(`\s*(?:,\s*and\b|,|;|&|\band\b)\s*`)

// names returns those of list that are Python names, each once and without
// "()".
func (m *markdown) names(list []string) []string {
	var all []string
	seen := map[string]bool{}
	for _, s := range list {
		if s = strings.TrimSuffix(s, "()"); isIdentifier(s) && !seen[s] && !m.full() {
			seen[s] = true
			all = append(all, s)
		}
	}
	return all
}

// A create is the content that a plan gives for a new __init__.py.
type create struct {
	step    int
	depth   int
	index   int // of the block that says so
	line    int
	dir     string              // the folder of the package, no trailing slash
	all     []string            // names in __all__, or imported if there is none
	modules map[string][]string // names imported from each module of the package
}

// create reads "Create `x/__init__.py`:", whose code follows.
func (m *markdown) create(b *block) {
	match := createInit.FindStringSubmatchIndex(b.text.s)
	if match == nil {
		return
	}
	p, ok := m.pathAt(b.text, match[2], b.text.s[match[2]:match[3]])
	if !ok || !strings.Contains(p, "/") {
		return
	}
	b.use()
	c := create{step: b.step(), depth: b.depth, index: b.index, line: m.line(b), dir: path.Dir(p)}
	if at := exporting.FindStringIndex(b.text.s[match[1]:]); at != nil {
		if c.all = m.names(exports(b.text.s[match[1]+at[1]:])); c.all != nil {
			m.packages = append(m.packages, c)
			return
		}
	}
	m.creates = &c
}

// exports returns the names that a sentence says a package exports. Of plain
// words there must be two or more: "exporting everything" names nothing.
func exports(text string) []string {
	if all := listed(text); strings.Contains(text, "`") || len(all) > 1 {
		return all
	}
	return nil
}
