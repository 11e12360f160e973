package plan

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/restage/restage/phases/input"
	md "github.com/restage/restage/phases/markdown"
)

// The names that columns have, lower case.
var (
	fromColumn = []string{"from", "source", "source file", "von", "source path", "move from", "was", "before", "existing path", "current file", "existing", "existing location", "old path", "old location", "current path", "current location", "old file", "current", "old", "alt"}
	toColumn   = []string{"to", "target", "nach", "destination", "target path", "target location", "target file", "move to", "becomes", "after", "is to be", "goes to", "new path", "new location", "new file", "new home", "new", "neu", "proposed", "proposed path", "proposed location", "planned"}
	oldColumn  = []string{"old import", "import from (old)", "imports from", "was imported from", "old import statement", "old import path", "old module", "current import", "import"}
	newColumn  = []string{"new import", "import from (new)", "import from", "is imported from", "new import statement", "import instead", "new import path", "new module", "target import"}
	fileColumn = []string{"file", "directory", "folder", "path", "module", "file/directory", "file/folder",
		"file or directory", "file or folder", "deprecated", "deprecated layer", "retire", "files", "layer", "wrapper", "datei", "ordner"}
	replacementColumn = []string{"replacement", "replaced by", "replace with", "use", "use instead", "instead", "superseded by", "ersatz"}
	stepColumn        = []string{"step", "step #", "#"}
)

// column returns the index of the column that has one of names, or -1.
func column(header []phrase, names []string) int {
	return slices.IndexFunc(header, func(h phrase) bool {
		return slices.ContainsFunc([]string{h.s, remark.ReplaceAllString(h.s, "")}, func(s string) bool {
			name := strings.ToLower(md.OneLine(strings.Trim(s, " \n`*_:")))
			return slices.Contains(names, strings.ReplaceAll(name, " / ", "/"))
		})
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
		m.rows(b, first, second, kind.read)
		return
	}
}

// rows reads the rows of a table that says something in two columns; the second
// may be -1. If one row can be read, all must be: none is to be lost.
func (m *markdown) rows(b *block, first, second int, read func(row) bool) {
	var unread []phrase
	b.read = make([]bool, len(b.rows)-1)
	steps := column(b.rows[0], stepColumn)
	for i, cells := range b.rows[1:] {
		r := row{first: cells[first], cells: cells, step: b.step()}
		if second >= 0 {
			r.second = cells[second]
		}
		if steps >= 0 {
			first, _, _ := strings.Cut(strings.TrimSpace(cells[steps].s), "\n")
			if n, err := strconv.Atoi(first); err == nil && 0 < n && n <= maxStep {
				r.step = n
			}
		}
		if read(r) {
			b.use()
			b.read[i] = true
		} else if r.first.s != "" {
			unread = append(unread, r.first)
		}
		if m.entries >= maxEntries {
			return
		}
	}
	if len(unread) == len(b.rows)-1 {
		return
	}
	for _, cell := range unread {
		m.errorAt(cell.pos(0), "cannot tell what the row of %s says; write paths as in `folder/file.py` or `folder/`, modules as in `package.module`",
			input.Quote(cell.s))
	}
}

// moveRow reads "from | to". A row of two modules is an import. As many targets
// as sources are pairs.
func (m *markdown) moveRow(r row) bool {
	from, to := subjects(r.first), subjects(r.second)
	if !slices.ContainsFunc(append(from, to...), looksLikePath) {
		return strings.Contains(strings.Join(append(from, to...), ""), ".") && m.importRow(r)
	}
	if len(from) == 0 {
		from = []string{""}
	}
	target, ok := "", true
	if !deleting(r.second) {
		target, ok = m.cellPath(r.second, "")
	}
	for i, s := range from {
		if len(to) == len(from) && i > 0 && target != "" {
			target, ok = m.cellPath(r.second, to[i])
		}
		path, fine := m.cellPath(r.first, s)
		switch line, _ := m.doc.place(r.first.pos(0)); {
		case !ok || !fine:
		case target == "":
			why := phrase{strings.ReplaceAll(r.second.s, "\n", " "), r.second.marks} // one sentence
			m.remove(Delete{Path: path, Step: r.step, Line: line}, why, 0)
		case len(from) > 1 && len(to) != len(from) && !strings.HasSuffix(target, "/"):
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
	old, new := modules(subjects(r.first)), modules(subjects(r.second))
	switch {
	case len(old) == 0:
		return false
	case looksLikePath(old[0]) && (deleting(r.second) || len(new) > 0 && looksLikePath(new[0])):
		return m.moveRow(r)
	case !slices.ContainsFunc(append(old, new...), isModule):
		return false
	}
	if len(new) > 1 && len(new) != len(old) {
		m.errorAt(r.second.pos(0), "%d old imports and %d new ones; write a row for each", len(old), len(new))
		return true
	}
	line, _ := m.doc.place(r.first.pos(0))
	for i, s := range old {
		mapping := Mapping{Step: r.step, Line: line}
		var ok bool
		if mapping.Old, ok = m.cellModule(r.first, s); !ok {
			continue
		}
		if !deleting(r.second) {
			target := ""
			if len(new) > 0 {
				target = new[min(i, len(new)-1)]
			}
			if mapping.New, ok = m.cellModule(r.second, target); !ok {
				return true
			}
		}
		m.mapping(mapping)
	}
	return true
}

// importStatement matches an import as code has it.
var importStatement = regexp.MustCompile(`^(?:from\s+([\w.]+)\s+import\s+\(?([\w\s,]+?)\)?|import\s+([\w.]+))$`)

// modules returns list with import statements written as an import map has
// them: "from a import b, c" is "a:b" and "a:c".
func modules(list []string) []string {
	var all []string
	for _, s := range list {
		match := importStatement.FindStringSubmatch(s)
		switch {
		case match == nil:
			all = append(all, s)
		case match[3] != "":
			all = append(all, match[3])
		default:
			for name := range strings.SplitSeq(match[2], ",") {
				all = append(all, match[1]+":"+strings.TrimSpace(name))
			}
		}
	}
	return all
}

// retireRow reads "file | replacement". What is only a duplicate is deleted.
func (m *markdown) retireRow(r row) bool {
	names := subjects(r.first)
	if len(names) == 0 || !looksLikePath(names[0]) {
		return false
	}
	use := ""
	for _, s := range subjects(r.second) {
		if isModule(s) && (strings.Contains(s, ".") || strings.Contains(r.second.s, "`")) {
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
		duplicate := slices.IndexFunc(r.cells, func(c phrase) bool { return duplicateOf.MatchString(c.s) })
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
	remark   = regexp.MustCompile("`[^`]*`|\\((?:[^()`]|`[^`]*`)*\\)") // or code, which stays
	gone     = regexp.MustCompile(`(?i)^[\W_]*(?:deleted?|removed?|drop|dropped|löschen|entfernen|entfällt)_*(?:[^\pL]|$)`)
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
	plain := strings.TrimSpace(remark.ReplaceAllStringFunc(cell.s, func(s string) string {
		if s[0] == '(' {
			return ""
		}
		return s
	}))
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
	word, _, _ := strings.Cut(strings.Trim(cell.s, "` "), " ")
	return gone.MatchString(word) && !looksLikePath(word)
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
	if s == "" && cell.s != "" {
		m.errorAt(cell.pos(0), "cannot tell what %s means; %s", input.Quote(cell.s), remedy)
		return "", false
	}
	value, err := clean(s)
	if err != nil {
		m.errorAt(cell.pos(max(strings.Index(cell.s, s), 0)), "%s", err)
	}
	return value, err == nil
}
