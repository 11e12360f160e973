package plan

import (
	"regexp"
	"strings"
)

// Many authors write paths and modules in quotes, or as plain words. Whoever
// reads the plan sees them in backticks.

var (
	// quoted matches a word in quotes of all kinds, French ones with a space.
	quoted = regexp.MustCompile(`(?:[“”„‟«»‹›‘’‚"]|'')[\x{00a0}\x{202f} ]?([^\s\x{00a0}\x{202f}“”„‟«»‹›‘’‚"'` + "`" + `]+)[\x{00a0}\x{202f} ]?(?:[“”«»‹›‘’"]|'')`)
	// bare matches a path, the name of a file or a dotted module in plain text.
	bare = regexp.MustCompile(`(?:~?/)?(?:[\w.-]+[/\\])+(?:[\w.-]*\w)?|\b\w[\w-]*\.(?:py|pyi|ipynb)\b|\b[A-Za-z_]\w+(?:\.[A-Za-z_]\w+)+(?:\.\*)?`)
	// spelt matches code, a link target or an address, where nothing is to do.
	spelt = regexp.MustCompile("`[^`\n]*`|\\w+://\\S*")
)

// tick returns p with paths, modules and names that stand in quotes in
// backticks and, if it has no code at all, also those that stand alone.
func (p phrase) tick() phrase {
	p = p.wrap(quoted, func(s string) bool { return looksLikePath(s) || isModule(strings.TrimSuffix(s, "()")) })
	if strings.Contains(p.s, "`") {
		return p
	}
	return p.wrap(bare, looksNamed)
}

// looksNamed reports whether a word of plain text can hardly be but the name of
// a file, a folder or a module: "and/or" is none.
func looksNamed(s string) bool {
	if !strings.ContainsAny(s, `/\`) {
		return true
	}
	return strings.ContainsAny(s, "._") || strings.Count(s, "/")+strings.Count(s, `\`) > 1 || strings.HasSuffix(s, "/")
}

// wrap puts what re matches, or its first group, in backticks where it is
// fitting and not in code.
func (p phrase) wrap(re *regexp.Regexp, fitting func(string) bool) phrase {
	q := phrase{}
	var b strings.Builder
	done, next := 0, 0
	copyTo := func(end int) {
		q.marks = append(q.marks, mark{b.Len(), p.pos(done)})
		for ; next < len(p.marks) && p.marks[next].at < end; next++ {
			if m := p.marks[next]; m.at > done {
				q.marks = append(q.marks, mark{b.Len() + m.at - done, m.pos})
			}
		}
		b.WriteString(p.s[done:end])
		done = end
	}
	gap := func(start, end int) {
		for _, at := range re.FindAllStringSubmatchIndex(p.s[start:end], -1) {
			outer, inner := at[:2], at[len(at)-2:]
			if !fitting(p.s[start+inner[0] : start+inner[1]]) {
				continue
			}
			copyTo(start + outer[0])
			done = start + inner[0]
			b.WriteByte('`')
			copyTo(start + inner[1])
			b.WriteByte('`')
			done = start + outer[1]
		}
	}
	start := 0
	for _, code := range spelt.FindAllStringIndex(p.s, -1) {
		gap(start, code[0])
		start = code[1]
	}
	gap(start, len(p.s))
	if b.Len() == 0 {
		return p
	}
	copyTo(len(p.s))
	q.s = b.String()
	return q
}
