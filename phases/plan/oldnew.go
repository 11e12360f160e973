package plan

import (
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// A rename is what a block of Python says with imports under "# OLD" and under
// "# NEW": a name of an old module, and the modules it is imported from then.
type rename struct {
	block     *block
	old, name string
	new       []string
	line      int
}

// side matches the comment above old imports, or above new ones.
var side = regexp.MustCompile(`(?i)^\s*#\W*(?:(old|before|was|current(?:ly)?)|(new|after|now|becomes))\b`)

// oldNew reads a block of Python with old and new imports, if it is one.
func (m *markdown) oldNew(b *block) {
	var parts [2][]string // the lines of the old and new side, others empty
	at := -1
	for i, text := range b.code {
		if match := side.FindStringSubmatch(text); match != nil {
			at = 0
			if match[1] == "" {
				at = 1
			}
		}
		if at >= 0 {
			parts[at] = append(parts[at], make([]string, i-len(parts[at]))...)
			parts[at] = append(parts[at], text)
		}
	}
	if parts[0] == nil || parts[1] == nil {
		return
	}
	line := m.line(b)
	homes := map[string][]string{}
	facades := map[string]*Check{}
	var order []*Check
	for _, n := range imported(parts[1]) {
		if !slices.Contains(homes[n.name], n.old) {
			homes[n.name] = append(homes[n.name], n.old)
		}
		if facades[n.old] == nil {
			facades[n.old] = &Check{Kind: Import, Module: n.old, Step: b.step(), Line: line + n.line - 1}
			order = append(order, facades[n.old])
		}
	}
	for _, n := range imported(parts[0]) {
		if m.full() {
			return
		}
		n.block, n.new, n.line = b, homes[n.name], line+n.line-1
		m.renames = append(m.renames, n)
		if len(n.new) == 1 {
			c := facades[n.new[0]]
			c.Names = union(c.Names, []string{n.name})
		}
	}
	for _, c := range order {
		if c.Names != nil {
			m.check(*c)
			b.use()
		}
	}
}

// imported returns the names that lines import and the modules they come from.
func imported(lines []string) []rename {
	var all []rename
	code := python.Parse([]byte(strings.Join(lines, "\n")))
	for _, i := range code.Imports {
		if !i.From || i.Level > 0 || i.Star {
			continue
		}
		for _, n := range i.Names {
			all = append(all, rename{old: i.Name, name: n.Name, line: code.Line(n.Start)})
		}
	}
	return all
}

// attachRenames turns what blocks of old and new imports say into rows of the
// import map, where it says nothing: one for the module if all its names go to
// one place, else one for each name.
func (m *markdown) attachRenames() {
	table := slices.Clone(m.plan.Imports)
	for _, r := range m.renames {
		if len(r.new) != 1 || slices.ContainsFunc(table, func(row Mapping) bool { return covers(row.Old, r.old) }) {
			continue
		}
		r.block.use()
		v := Mapping{Old: r.old, New: r.new[0], Step: r.block.step(), Line: r.line}
		if m.splits(r) {
			v.Old, v.New = r.old+":"+r.name, r.new[0]+":"+r.name
		}
		if v.Old != v.New && !slices.ContainsFunc(m.plan.Imports, func(o Mapping) bool { return o.Old == v.Old }) {
			m.mapping(v)
		}
	}
}

// splits reports whether the names of the module that r is about go to several
// places.
func (m *markdown) splits(r rename) bool {
	return slices.ContainsFunc(m.renames, func(o rename) bool {
		return o.old == r.old && !slices.Equal(o.new, r.new)
	})
}

// covers reports whether a row of the import map says where the names of a
// module go: it is about the module, a package around it, or what is in it.
func covers(row, module string) bool {
	row, _, _ = strings.Cut(row, ":")
	around, whole := strings.CutSuffix(row, ".*")
	return around == module || whole && strings.HasPrefix(module, around+".") || strings.HasPrefix(row, module+".")
}
