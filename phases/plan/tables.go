package plan

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/restage/restage/phases/input"
)

// The names that columns have, lower case.
var (
	fromColumn = []string{"from", "source", "old path", "old location", "current path", "current location", "old file", "current"}
	toColumn   = []string{"to", "target", "destination", "new path", "new location", "new file", "new home"}
	oldColumn  = []string{"old import", "old import path", "old module", "current import", "import", "old"}
	newColumn  = []string{"new import", "new import path", "new module", "target import", "new"}
	fileColumn = []string{"file", "directory", "folder", "path", "module", "file/directory", "file/folder",
		"file or directory", "file or folder", "files", "layer", "wrapper"}
	replacementColumn = []string{"replacement", "replaced by", "replace with", "use", "use instead"}
	stepColumn        = []string{"step", "step #", "#"}
)

// column returns the index of the column that has one of names, or -1.
func column(header []phrase, names []string) int {
	return slices.IndexFunc(header, func(h phrase) bool {
		name := strings.ToLower(oneLine(strings.Trim(h.string, " `*_:")))
		return slices.Contains(names, strings.ReplaceAll(name, " / ", "/"))
	})
}

// A row is what a row of a table says: two cells that count, all cells, and the
// step that one of them may name.
type row struct {
	first, second phrase
	cells         []phrase
	step          int
}

// table reads a table if its columns have names that tell what it says.
func (m *markdown) table(b *block) {
	header := b.rows[0]
	for _, kind := range []struct {
		first, second []string
		read          func(row) bool
	}{
		{fromColumn, toColumn, m.moveRow},
		{oldColumn, newColumn, m.importRow},
		{fileColumn, replacementColumn, m.retireRow},
		{fileColumn, nil, m.keepRow},
	} {
		first, second := column(header, kind.first), column(header, kind.second)
		if first < 0 || kind.second != nil && second < 0 || kind.second == nil && b.kind() != outOfScope {
			continue
		}
		for _, cells := range b.rows[1:] {
			r := row{first: cells[first], cells: cells, step: b.step()}
			if second >= 0 {
				r.second = cells[second]
			}
			if i := column(header, stepColumn); i >= 0 {
				if n, err := strconv.Atoi(strings.TrimSpace(cells[i].string)); err == nil && 0 < n && n <= maxStep {
					r.step = n
				}
			}
			if kind.read(r) {
				b.use()
			}
			if m.full() {
				return
			}
		}
		return
	}
}

// moveRow reads "from | to". A row of two modules is an import.
func (m *markdown) moveRow(r row) bool {
	from, to := subjects(r.first), subjects(r.second)
	if !slices.ContainsFunc(append(from, to...), looksLikePath) {
		return len(from) > 0 && isModule(from[0]) && (deleting(r.second) || len(to) > 0 && isModule(to[0])) && m.importRow(r)
	}
	if len(from) == 0 {
		from = []string{""}
	}
	target, ok := "", true
	if !deleting(r.second) {
		target, ok = m.cellPath(r.second, "")
	}
	for _, s := range from {
		path, fine := m.cellPath(r.first, s)
		switch line, _ := m.doc.place(r.first.pos(0)); {
		case !ok || !fine:
		case target == "":
			m.remove(Delete{Path: path, Step: r.step, Line: line}, r.second, 0)
		case len(from) > 1 && !strings.HasSuffix(target, "/"):
			m.errorAt(r.second.pos(0), "several files go to %s; end it in a slash if it is a folder, or write a row for each", input.Quote(target))
			return true
		default:
			m.move(Move{From: path, To: target, Step: r.step, Line: line})
		}
	}
	return true
}

// importRow reads "old import | new import". A row of two paths is a move.
func (m *markdown) importRow(r row) bool {
	old, new := subjects(r.first), subjects(r.second)
	if len(old) == 0 {
		return false
	}
	if looksLikePath(old[0]) && (deleting(r.second) || len(new) > 0 && looksLikePath(new[0])) {
		return m.moveRow(r)
	}
	target, ok := "", true
	if !deleting(r.second) {
		target, ok = m.cellModule(r.second, "")
	}
	for _, s := range old {
		name, fine := m.cellModule(r.first, s)
		if ok && fine {
			line, _ := m.doc.place(r.first.pos(0))
			m.mapping(Mapping{Old: name, New: target, Step: r.step, Line: line})
		}
	}
	return true
}

// retireRow reads "file | replacement". What is only a duplicate is deleted.
func (m *markdown) retireRow(r row) bool {
	names := subjects(r.first)
	if len(names) == 0 || !looksLikePath(names[0]) {
		return false
	}
	use := ""
	for _, s := range subjects(r.second) {
		if isModule(s) && (strings.Contains(s, ".") || strings.Contains(r.second.string, "`")) {
			use = s
			break
		}
	}
	for _, s := range names {
		path, ok := m.cellPath(r.first, s)
		if !ok {
			continue
		}
		line, _ := m.doc.place(r.first.pos(0))
		duplicate := slices.IndexFunc(r.cells, func(c phrase) bool { return duplicateOf.MatchString(c.string) })
		if use == "" && duplicate >= 0 {
			m.remove(Delete{Path: path, Step: r.step, Line: line}, r.cells[duplicate], 0)
		} else {
			m.retire(Retire{Path: path, Use: use, Step: r.step, Line: line})
		}
	}
	return true
}

// keepRow reads a file that is out of scope.
func (m *markdown) keepRow(r row) bool {
	names := slices.DeleteFunc(subjects(r.first), func(s string) bool { return !looksLikePath(s) })
	for _, s := range names {
		if p, ok := m.cellPath(r.first, s); ok {
			m.keep(p)
		}
	}
	return len(names) > 0
}

var (
	codeSpan = regexp.MustCompile("`([^`]*)`")
	remark   = regexp.MustCompile(`\([^()]*\)`)
	gone     = regexp.MustCompile(`(?i)^\W*(delete|deleted|remove|removed|drop|dropped)\b`)
)

// codes returns the code in p.
func codes(p string) []string {
	var all []string
	for _, c := range codeSpan.FindAllStringSubmatch(p, -1) {
		all = append(all, strings.TrimSpace(c[1]))
	}
	return all
}

// subjects returns what a cell is about, remarks in parentheses aside: its
// code, or its text if that is one word.
func subjects(cell phrase) []string {
	plain := strings.TrimSpace(remark.ReplaceAllString(cell.string, ""))
	if c := codes(plain); len(c) > 0 {
		return c
	}
	if plain == "" || strings.ContainsAny(plain, " \n`") {
		return nil
	}
	return []string{plain}
}

// deleting reports whether a cell says, instead of a target, that something is
// to go.
func deleting(cell phrase) bool {
	word := strings.Trim(cell.string, "` ")
	return gone.MatchString(word) && !looksLikePath(word) && !looksLikePath(strings.Join(subjects(cell), " "))
}

// fileNames matches the names of files that are written without a folder.
var fileNames = regexp.MustCompile(`^[\w.-]+\.(py|pyi|pyx|ipynb|md|rst|txt|toml|cfg|ini|ya?ml|json|sh)$`)

// looksLikePath reports whether a person who writes s means a path.
func looksLikePath(s string) bool {
	switch {
	case s == "" || strings.ContainsAny(s, " \t\n\"'(){}=,;|<>$") || strings.Contains(s, "://"):
		return false
	case strings.ContainsAny(s, `/\`), s == "..", drive.MatchString(s):
		return !strings.HasPrefix(s, "//") || len(s) > 2
	}
	return fileNames.MatchString(s)
}

// isModule reports whether s is a module as an import map has it.
func isModule(s string) bool {
	_, err := cleanModule(s)
	return err == nil && !looksLikePath(s)
}

// cellPath returns the path s of a cell, "" for the first there, or records
// why it is none.
func (m *markdown) cellPath(cell phrase, s string) (string, bool) {
	return m.cell(cell, s, CleanPath, "write a path in backticks, or DELETE for a file that goes")
}

// cellModule returns the module s of a cell, "" for the first there, or
// records why it is none.
func (m *markdown) cellModule(cell phrase, s string) (string, bool) {
	return m.cell(cell, s, cleanModule, "write a dotted module in backticks, or DELETE if there is no replacement")
}

func (m *markdown) cell(cell phrase, s string, clean func(string) (string, error), remedy string) (string, bool) {
	if all := subjects(cell); s == "" && len(all) > 0 {
		s = all[0]
	}
	if s == "" && strings.TrimSpace(cell.string) != "" {
		m.errorAt(cell.pos(0), "cannot tell what %s means; %s", input.Quote(cell.string), remedy)
		return "", false
	}
	value, err := clean(s)
	if err != nil {
		m.errorAt(cell.pos(max(strings.Index(cell.string, s), 0)), "%s", err)
	}
	return value, err == nil
}
