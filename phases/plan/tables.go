package plan

import (
	"path"
	"regexp"
	"strings"

	"github.com/restage/restage/phases/input"
)

// The names that columns have, lower case.
var (
	fromColumn        = words("from", "source", "old path", "old location", "current path", "current location", "old file", "current")
	toColumn          = words("to", "target", "destination", "new path", "new location", "new file", "new home")
	oldColumn         = words("old import", "old import path", "old module", "current import", "import", "old")
	newColumn         = words("new import", "new import path", "new module", "target import", "new")
	fileColumn        = words("file", "directory", "folder", "path", "module", "file/directory", "file/folder", "file or directory", "file or folder", "files", "layer", "wrapper")
	replacementColumn = words("replacement", "replaced by", "replace with", "use", "use instead")
)

func words(list ...string) map[string]bool {
	set := map[string]bool{}
	for _, w := range list {
		set[w] = true
	}
	return set
}

// columns finds for each wanted set of names the column that has one. It
// reports false if one is missing.
func columns(header []phrase, wanted ...map[string]bool) ([]int, bool) {
	found := make([]int, len(wanted))
	for i, names := range wanted {
		found[i] = -1
		for j, h := range header {
			name := strings.ToLower(oneLine(strings.Trim(h.string, " `*_:")))
			name = strings.ReplaceAll(name, " / ", "/")
			if names[name] {
				found[i] = j
				break
			}
		}
		if found[i] < 0 {
			return nil, false
		}
	}
	return found, true
}

// table reads a table if its columns have names that tell what it says.
func (m *markdown) table(b *block) {
	header := b.rows[0]
	row := m.otherRow
	cols, ok := columns(header, fromColumn, toColumn)
	if ok {
		row = m.moveRow
	} else if cols, ok = columns(header, oldColumn, newColumn); ok {
		row = m.importRow
	} else if cols, ok = columns(header, fileColumn, replacementColumn); ok {
		row = m.retireRow
	} else if cols, ok = columns(header, fileColumn); ok && b.kind() == outOfScope {
		row = m.keepRow
	} else {
		return
	}
	for _, cells := range b.rows[1:] {
		picked := make([]phrase, len(cols))
		for i, c := range cols {
			if c < len(cells) {
				picked[i] = cells[c]
			}
		}
		var rest strings.Builder
		for _, c := range cells {
			rest.WriteString(c.string + "\n")
		}
		if row(b, picked, rest.String()) {
			b.use()
		}
	}
}

func (m *markdown) otherRow(*block, []phrase, string) bool { return false }

// moveRow reads "from | to". A row of two modules is an import.
func (m *markdown) moveRow(b *block, cells []phrase, _ string) bool {
	from, to := cells[0], cells[1]
	if !looksLikePath(subject(from)) && !looksLikePath(subject(to)) {
		if isModule(subject(from)) && (isModule(subject(to)) || deleting(to)) {
			return m.importRow(b, cells, "")
		}
		return false
	}
	path, ok := m.path(from)
	if !ok {
		return true
	}
	line, _ := m.doc.place(from.pos(0))
	if deleting(to) {
		m.remove(Delete{Path: path, Line: line}, to.string)
		return true
	}
	target, ok := m.path(to)
	if ok {
		m.move(Move{From: path, To: target, Line: line})
	}
	return true
}

// importRow reads "old import | new import". A row of two paths is a move.
func (m *markdown) importRow(b *block, cells []phrase, _ string) bool {
	old, new := cells[0], cells[1]
	if looksLikePath(subject(old)) && (looksLikePath(subject(new)) || deleting(new)) {
		return m.moveRow(b, cells, "")
	}
	if subject(old) == "" {
		return false
	}
	line, _ := m.doc.place(old.pos(0))
	mapping := Mapping{Line: line}
	var ok bool
	if mapping.Old, ok = m.module(old); !ok {
		return true
	}
	if !deleting(new) {
		if mapping.New, ok = m.module(new); !ok {
			return true
		}
	}
	m.mapping(mapping)
	return true
}

// retireRow reads "file | replacement". What is only a duplicate is deleted.
func (m *markdown) retireRow(_ *block, cells []phrase, row string) bool {
	if !looksLikePath(subject(cells[0])) {
		return false
	}
	p, ok := m.path(cells[0])
	if !ok {
		return true
	}
	line, _ := m.doc.place(cells[0].pos(0))
	if duplicateOf.MatchString(row) {
		m.remove(Delete{Path: p, Line: line}, row)
		return true
	}
	t := Retire{Path: p, Line: line}
	for _, c := range codes(cells[1].string) {
		if isModule(c) {
			t.Use = c
			break
		}
	}
	if s := subject(cells[1]); t.Use == "" && isModule(s) && strings.Contains(s, ".") {
		t.Use = s
	}
	m.plan.Retire = append(m.plan.Retire, t)
	return true
}

// keepRow reads a file that is out of scope.
func (m *markdown) keepRow(_ *block, cells []phrase, _ string) bool {
	if !looksLikePath(subject(cells[0])) {
		return false
	}
	if p, ok := m.path(cells[0]); ok {
		m.keep(p)
	}
	return true
}

var (
	codeSpan = regexp.MustCompile("`([^`]*)`")
	remark   = regexp.MustCompile(`\([^()]*\)`)
	gone     = regexp.MustCompile(`(?i)^\W*(delete|deleted|remove|removed|drop|dropped)\b`)
	// duplicateOf finds the file that another one duplicates.
	duplicateOf = regexp.MustCompile("(?i)\\bduplicates?(?: of)?:?\\s+(?:`([^`]+)`|([^\\s()|,;`]+/[^\\s()|,;`]+|[^\\s()|,;`]+\\.\\w+))")
)

// codes returns the code in p.
func codes(p string) []string {
	var all []string
	for _, c := range codeSpan.FindAllStringSubmatch(p, -1) {
		all = append(all, strings.TrimSpace(c[1]))
	}
	return all
}

// subject returns what a cell is about: its first code, or its text without
// remarks in parentheses if it is one word.
func subject(cell phrase) string {
	if c := codes(cell.string); len(c) > 0 {
		return c[0]
	}
	plain := strings.TrimSpace(remark.ReplaceAllString(cell.string, ""))
	if strings.ContainsAny(plain, " \n") {
		return ""
	}
	return plain
}

// deleting reports whether a cell says, instead of a target, that something is
// to go.
func deleting(cell phrase) bool {
	return gone.MatchString(strings.ReplaceAll(cell.string, "`", ""))
}

// fileNames matches the names of files that are written without a folder.
var fileNames = regexp.MustCompile(`^[\w.-]+\.(py|pyi|pyx|ipynb|md|rst|txt|toml|cfg|ini|ya?ml|json|sh)$`)

// looksLikePath reports whether a person who writes s means a path.
func looksLikePath(s string) bool {
	switch {
	case s == "" || strings.ContainsAny(s, " \t\n\"'(){}=,;|<>$") || strings.Contains(s, "://"):
		return false
	case strings.ContainsAny(s, `/\`), s == "..", drive.MatchString(s):
		return true
	}
	return fileNames.MatchString(s)
}

// isModule reports whether s is a module as an import map has it.
func isModule(s string) bool {
	_, err := cleanModule(s)
	return err == nil && !looksLikePath(s)
}

// path returns the path that a cell is about, or records why it is none.
func (m *markdown) path(cell phrase) (string, bool) {
	s := subject(cell)
	if s == "" && strings.TrimSpace(cell.string) != "" {
		m.errorAt(cell.pos(0), "the cell %s names no path; write one in backticks, or DELETE for a file that goes", input.Quote(cell.string))
		return "", false
	}
	p, err := CleanPath(s)
	if err != nil {
		m.errorAt(cell.pos(max(strings.Index(cell.string, s), 0)), "%s", err)
	}
	return p, err == nil
}

// module returns the module that a cell is about, or records why it is none.
func (m *markdown) module(cell phrase) (string, bool) {
	s := subject(cell)
	name, err := cleanModule(s)
	if err != nil {
		m.errorAt(cell.pos(max(strings.Index(cell.string, s), 0)), "%s", err)
	}
	return name, err == nil
}

// remove notes a file or folder that goes. The text around may say what it
// duplicates.
func (m *markdown) remove(d Delete, text string) {
	if match := duplicateOf.FindStringSubmatch(text); match != nil {
		of, err := CleanPath(match[1] + match[2])
		if err != nil {
			m.errs.Add(d.Line, 0, "%s", err)
		}
		d.DuplicateOf = of
	}
	m.deletions = append(m.deletions, d)
}

// move notes a move, once.
func (m *markdown) move(v Move) {
	v.From, v.To = pair(v.From, v.To)
	for i, old := range m.plan.Moves {
		if old.From == v.From && old.To == v.To {
			if old.Step == 0 {
				m.plan.Moves[i].Step = v.Step
			}
			return
		}
	}
	m.plan.Moves = append(m.plan.Moves, v)
}

// mapping notes a row of the import map, once.
func (m *markdown) mapping(v Mapping) {
	for _, old := range m.plan.Imports {
		if old.Old == v.Old && old.New == v.New {
			return
		}
	}
	m.plan.Imports = append(m.plan.Imports, v)
}

// keep notes a path that stays, once.
func (m *markdown) keep(p string) {
	for _, old := range m.plan.Keep {
		if old == p {
			return
		}
	}
	m.plan.Keep = append(m.plan.Keep, p)
}

// inFolder returns the path that rel means when the text is about p: a bare
// name lies beside p.
func inFolder(p, rel string) string { return path.Join(path.Dir(strings.TrimSuffix(p, "/")), rel) }
