package phases

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// A NewImport says where names are to be imported from when the plan is
// carried out: the migration guide is made of them.
type NewImport struct {
	Area  string   `json:"area"` // the top-level package that the names went to
	Old   string   `json:"old"`  // module
	New   string   `json:"new"`  // module
	Names []string `json:"names"`
}

// guide returns the old and new import of every public name that a moved
// module defines, that a retired layer or a duplicate has, and that the import
// map names, by area, old and new module.
func (j *job) guide(m *model) []NewImport {
	type pair struct{ old, new string }
	names := map[pair][]string{}
	add := func(old, name string) {
		if t, ok := m.find(old, name); ok && t.name == name && t.module != old && t.module != "" && !m.misses(t.module) {
			at := pair{old, t.module}
			if !contains(names[at], name) {
				names[at] = append(names[at], name)
			}
		}
	}
	for old, d := range j.fates {
		for _, name := range j.publicNames(m, old, d) {
			add(old, name)
		}
	}
	for _, row := range j.plan.Imports {
		if module, name, ok := strings.Cut(row.Old, ":"); ok {
			add(module, name)
		}
	}
	var list []NewImport
	for at, n := range names {
		area, _, _ := strings.Cut(at.new, ".")
		list = append(list, NewImport{Area: area, Old: at.old, New: at.new, Names: sorted(n)})
	}
	sortGuide(list)
	return list
}

// publicNames returns the names that others may have imported from a module
// that has a fate: what a moved one defines, what a layer passes on.
func (j *job) publicNames(m *model, old string, d *dest) []string {
	at := old
	if to := m.fates[d.module]; d.fate == merged && to != nil && to.fate == moved {
		at = to.module
	} else if d.fate == moved || d.fate == merged {
		at = d.module
	}
	mod, _ := m.index.Lookup(at)
	t := m.table(mod)
	if t == nil || d.fate == deleted || d.fate == emptied {
		return nil
	}
	var names []string
	for _, name := range m.binds(t) {
		sym, _ := m.symbol(t, name)
		listed := t.All != nil && contains(t.All.Names, name)
		if listed || t.Public(name) && (sym.Defined() || d.fate == retired && sym.Name != "" && m.isModule(sym.Module)) {
			names = append(names, name)
		}
	}
	return names
}

// binds returns the names that a module binds, be it with "import *", sorted.
func (m *model) binds(t *python.Symbols) []string {
	names, seen := map[string]bool{}, map[string]bool{}
	for name := range t.Names {
		names[name] = true
	}
	for stars := slices.Clone(t.Stars); len(stars) > 0; stars = stars[1:] {
		from, _ := m.canonical(stars[0].Module)
		if d := m.fates[from]; d != nil && d.fate == moved {
			from = d.module
		}
		mod, _ := m.index.Lookup(from)
		more := m.table(mod)
		if more == nil || seen[from] {
			continue
		}
		seen[from] = true
		stars = append(stars, more.Stars...)
		for name := range more.Names {
			if _, ok := m.symbol(t, name); ok {
				names[name] = true
			}
		}
	}
	return sorted(keys(names))
}

// misses reports whether a module would be one of the repository, and is not
// there.
func (m *model) misses(module string) bool {
	top, _, below := strings.Cut(module, ".")
	return below && m.isModule(top) && !m.isModule(module)
}

// GuideText returns a migration guide in Markdown, "" if there is nothing to
// say.
func GuideText(list []NewImport) string {
	var b strings.Builder
	area := ""
	for i, n := range list {
		if n.Area != area || i == 0 {
			area = n.Area
			fmt.Fprintf(&b, "#### `%s`\n\n| Old import | New import |\n|---|---|\n", area)
		}
		for _, line := range n.lines() {
			fmt.Fprintf(&b, "| `from %s import %s` | `from %s import %[2]s` |\n", n.Old, line, n.New)
		}
		if i == len(list)-1 || list[i+1].Area != area {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// lines joins the names so that each line can be read.
func (n NewImport) lines() []string {
	const width = 60
	var lines []string
	for _, name := range n.Names {
		if last := len(lines) - 1; last >= 0 && len(lines[last])+len(name) < width {
			lines[last] += ", " + name
		} else {
			lines = append(lines, name)
		}
	}
	return lines
}

// Marks of the guide in a file that may hold more.
var (
	guideBegin = []byte("<!-- restage: migration guide -->\n")
	guideEnd   = []byte("<!-- restage: end of the migration guide -->\n")
)

// writeGuide puts the guide into the file that the plan names for it: in place
// of one that is there, whose lines it keeps, else at its end.
func (j *job) writeGuide(list []NewImport) (edit tree.Edit, ok bool, err error) {
	file := j.plan.Guide
	if file == "" || len(list) == 0 {
		return edit, false, nil
	}
	old, err := j.tree.Read(file)
	if err != nil && !tree.IsNotExist(err) {
		return edit, false, fmt.Errorf("read %s: %w", file, err)
	}
	before, rest, begun := bytes.Cut(old, guideBegin)
	there, after, ended := bytes.Cut(rest, guideEnd)
	if !begun || !ended {
		before, there, after = old, nil, nil
		if len(old) > 0 {
			before = append(bytes.TrimRight(old, "\n"), "\n\n"...)
		}
	}
	text := "## Migration guide\n\n" + GuideText(mergeGuides(list, readGuide(there)))
	data := slices.Concat(before, guideBegin, []byte(text), guideEnd, after)
	return write(j.tree, file, data), !bytes.Equal(data, old), nil
}

var guideRow = regexp.MustCompile("(?m)^\\| `from (\\S+) import ([^`]+)` \\| `from (\\S+) import ")

// readGuide returns what a guide says.
func readGuide(text []byte) []NewImport {
	var list []NewImport
	for _, m := range guideRow.FindAllSubmatch(text, -1) {
		area, _, _ := strings.Cut(string(m[3]), ".")
		list = append(list, NewImport{Area: area, Old: string(m[1]), New: string(m[3]), Names: strings.Split(string(m[2]), ", ")})
	}
	return list
}

// mergeGuides returns one guide of two; what the first says of a name holds.
func mergeGuides(list, more []NewImport) []NewImport {
	known := map[string]bool{}
	for _, n := range list {
		for _, name := range n.Names {
			known[n.Old+":"+name] = true
		}
	}
	for _, n := range more {
		n.Names = slices.DeleteFunc(n.Names, func(name string) bool { return known[n.Old+":"+name] })
		at := slices.IndexFunc(list, func(l NewImport) bool { return l.Old == n.Old && l.New == n.New })
		switch {
		case len(n.Names) == 0:
		case at >= 0:
			list[at].Names = sorted(append(list[at].Names, n.Names...))
		default:
			list = append(list, n)
		}
	}
	sortGuide(list)
	return list
}

func sortGuide(list []NewImport) {
	slices.SortFunc(list, func(a, b NewImport) int {
		return cmp.Or(strings.Compare(a.Area, b.Area), strings.Compare(a.Old, b.Old), strings.Compare(a.New, b.New))
	})
}
