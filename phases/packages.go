package phases

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// Explicit package lists name packages one by one: pyproject.toml, setup.py
// and setup.cfg. They gain the new packages in moves and lose the old ones in
// cleanup.

var (
	listStart = regexp.MustCompile(`(?m)(?:^|[\s,(])packages[ \t]*=[ \t]*\[`)
	cfgList   = regexp.MustCompile(`(?m)^packages[ \t]*=[ \t]*\r?\n((?:[ \t]+\S[^\n]*\n?)+)`)
	modStart  = regexp.MustCompile(`(?m)(?:^|[\s,(])py[_-]modules[ \t]*=[ \t]*\[`)
	cfgMods   = regexp.MustCompile(`(?m)^py[_-]modules[ \t]*=[ \t]*\r?\n((?:[ \t]+\S[^\n]*\n?)+)`)
	anyList   = regexp.MustCompile(`(?m)\bpackages\b`) // a list of packages, or a way to find them
	listItem  = regexp.MustCompile(`["']([\w.]+)["']`)
	listOther = regexp.MustCompile(`(?m)#.*$|[\s,]+`) // what may stand between items
	cfgItem   = regexp.MustCompile(`(?m)^[ \t]+([\w.]+)[ \t]*\r?\n?`)
)

// A packageList is an explicit list of packages in a file.
type packageList struct {
	span  python.Span // of the items
	items []python.Span
	names []string
	cfg   bool // one item a line, unquoted
}

// readPackageList returns the package list of a file, or nil if it has none or
// one of another kind, such as a list of folders or of tables.
func readPackageList(file string, src []byte) *packageList {
	return readList(file, src, listStart, cfgList)
}

// readModuleList returns the list of modules outside packages of a file
// (py_modules), or nil.
func readModuleList(file string, src []byte) *packageList {
	return readList(file, src, modStart, cfgMods)
}

// readList returns the list that begins with start, or matches cfg in
// setup.cfg.
func readList(file string, src []byte, start, cfg *regexp.Regexp) *packageList {
	switch path.Base(file) {
	case "pyproject.toml", "setup.py":
		m := start.FindIndex(src)
		if path.Base(file) == "pyproject.toml" {
			m = inSetuptools(src, start)
		}
		if m == nil {
			return nil
		}
		end := slices.Index(src[m[1]:], ']')
		if end < 0 {
			return nil
		}
		list := src[m[1] : m[1]+end]
		if len(listOther.ReplaceAll(listItem.ReplaceAll(list, nil), nil)) > 0 {
			return nil
		}
		return newPackageList(src, python.Span{Start: m[1], End: m[1] + end}, listItem)
	case "setup.cfg":
		m := cfg.FindSubmatchIndex(src)
		if m == nil {
			return nil
		}
		l := newPackageList(src, python.Span{Start: m[2], End: m[3]}, cfgItem)
		l.cfg = true
		return l
	}
	return nil
}

var tomlTable = regexp.MustCompile(`(?m)^[ \t]*\[+[ \t]*([^\]\n]*?)[ \t]*\]`)

// inSetuptools finds a key of setuptools in pyproject.toml: other tools have
// lists of packages, too.
func inSetuptools(src []byte, key *regexp.Regexp) []int {
	tables := tomlTable.FindAllSubmatchIndex(src, -1)
	for i, t := range tables {
		end := len(src)
		if i+1 < len(tables) {
			end = tables[i+1][0]
		}
		if string(src[t[2]:t[3]]) != "tool.setuptools" {
			continue
		}
		if m := key.FindIndex(src[t[1]:end]); m != nil {
			return []int{t[1] + m[0], t[1] + m[1]}
		}
	}
	return nil
}

func newPackageList(src []byte, span python.Span, item *regexp.Regexp) *packageList {
	l := &packageList{span: span}
	for _, m := range item.FindAllSubmatchIndex(src[span.Start:span.End], -1) {
		l.items = append(l.items, python.Span{Start: span.Start + m[0], End: span.Start + m[1]})
		l.names = append(l.names, string(src[span.Start+m[2]:span.Start+m[3]]))
	}
	return l
}

// packageFiles returns the files of t that may hold an explicit package list.
func packageFiles(t tree.Tree) []string {
	var files []string
	for _, e := range t.Entries() {
		switch path.Base(e.Path) {
		case "pyproject.toml", "setup.py", "setup.cfg":
			if e.Mode != tree.Symlink {
				files = append(files, e.Path)
			}
		}
	}
	return files
}

// addPackages adds the packages that the moves need to explicit lists.
func (j *job) addPackages(staged tree.Tree, steps *commits) error {
	for _, f := range packageFiles(staged) {
		src, err := staged.Read(f)
		if err != nil {
			return err
		}
		var edits []python.Edit
		l, modules := readPackageList(f, src), readModuleList(f, src)
		if l == nil || len(l.items) == 0 {
			j.warnModules(f, src, modules)
		} else if missing := j.missingPackages(staged, l, modules); len(missing) > 0 {
			edits = append(edits, l.add(src, missing))
		}
		if missing := j.missingModules(modules); len(missing) > 0 {
			edits = append(edits, modules.add(src, missing))
		}
		if len(edits) == 0 {
			continue
		}
		data, err := python.Apply(src, edits)
		if err != nil {
			return err
		}
		steps.add(0, write(staged, f, data))
	}
	return nil
}

// missingPackages returns the packages that a list is to gain, sorted.
func (j *job) missingPackages(staged tree.Tree, l, modules *packageList) []string {
	var missing []string
	for _, mv := range j.moves {
		if mv.old == "" || mv.new == "" || !j.lists(l, mv.old) && !modules.has(mv.old) {
			continue
		}
		for name, at := mv.new, path.Dir(mv.to); strings.Contains(name, "."); at = path.Dir(at) {
			if name, _ = cutLast(name); path.Base(mv.to) == "__init__.py" && at == path.Dir(mv.to) {
				name = mv.new
			}
			if _, regular := tree.Find(staged, at+"/__init__.py"); regular && !slices.Contains(l.names, name) && !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
			if at == "." || name == "" {
				break
			}
		}
	}
	return sorted(missing)
}

// missingModules returns the modules outside packages that a list of such
// modules is to gain, because one in it has a new name.
func (j *job) missingModules(l *packageList) []string {
	var missing []string
	for _, mv := range j.moves {
		if mv.new != "" && !strings.Contains(mv.new, ".") && path.Base(mv.to) != "__init__.py" && l.has(mv.old) && !l.has(mv.new) {
			missing = append(missing, mv.new)
		}
	}
	return sorted(missing)
}

// warnModules warns of modules that leave a list of modules for packages that
// nothing lists.
func (j *job) warnModules(f string, src []byte, l *packageList) {
	if l == nil || len(l.items) == 0 || anyList.Match(src) {
		return
	}
	line := 1 + bytes.Count(src[:l.items[0].Start], []byte("\n"))
	for _, mv := range j.moves {
		if pkg, _ := cutLast(mv.new); pkg != "" && !mv.done && l.has(mv.old) {
			j.warn(f, line, "packaging", "%s is listed here and moves into the package %s, but no packages are listed: list it, or the next release goes without", mv.old, pkg)
		}
	}
}

// has reports whether the list, which may be nil, has a name.
func (l *packageList) has(name string) bool { return l != nil && slices.Contains(l.names, name) }

// lists reports whether the list names the package that a module was in.
func (j *job) lists(l *packageList, old string) bool {
	for name := old; name != ""; name, _ = cutLast(name) {
		if slices.Contains(l.names, name) {
			return true
		}
	}
	return false
}

// add returns the edit that adds names behind the last item, in its layout.
func (l *packageList) add(src []byte, names []string) python.Edit {
	last := l.items[len(l.items)-1]
	start := strings.LastIndexByte(string(src[:last.Start]), '\n') + 1
	if l.cfg {
		line := string(src[last.Start:last.End])
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		text := indent + strings.Join(names, "\n"+indent) + "\n"
		if !strings.HasSuffix(line, "\n") {
			text = "\n" + strings.TrimSuffix(text, "\n")
		}
		return python.Edit{Span: python.Span{Start: last.End, End: last.End}, Text: text}
	}
	quote := string(src[last.Start])
	indent := string(src[start:last.Start])
	separator := ", "
	if strings.TrimSpace(indent) == "" {
		separator = ",\n" + indent
	}
	text := ""
	for _, n := range names {
		text += separator + quote + n + quote
	}
	return python.Edit{Span: python.Span{Start: last.End, End: last.End}, Text: text}
}

// removePackages takes packages that are gone from explicit lists.
func (j *job) removePackages(after tree.Tree, going map[string]bool, steps *commits) error {
	for _, f := range packageFiles(after) {
		src, err := after.Read(f)
		if err != nil {
			return err
		}
		var edits []python.Edit
		for _, l := range []*packageList{readPackageList(f, src), readModuleList(f, src)} {
			if l == nil {
				continue
			}
			for i, name := range l.names {
				mod, _ := j.index.Lookup(name)
				if mod == nil || mod.Path != "" && !going[mod.Path] {
					continue
				}
				stays := func(e tree.Entry) bool { return !going[e.Path] }
				if mod.Path == "" && slices.ContainsFunc(tree.Under(after, mod.Dir), stays) {
					continue // a namespace package goes with its last file
				}
				edits = append(edits, l.remove(src, i))
			}
		}
		if len(edits) > 0 {
			data, err := python.Apply(src, edits)
			if err != nil {
				return err
			}
			steps.add(0, write(after, f, data))
		}
	}
	return nil
}

// remove returns the edit that takes out an item with its comma, and with its
// line and the comment on it if it has one to itself.
func (l *packageList) remove(src []byte, i int) python.Edit {
	s := l.items[i]
	if l.cfg {
		return python.Edit{Span: s}
	}
	for s.End < l.span.End && (src[s.End] == ',' || src[s.End] == ' ') {
		s.End++
	}
	start := s.Start
	for start > l.span.Start && (src[start-1] == ' ' || src[start-1] == '\t') {
		start--
	}
	line, _, more := bytes.Cut(src[s.End:], []byte("\n"))
	rest := bytes.TrimSpace(line)
	if more && start > 0 && src[start-1] == '\n' && (len(rest) == 0 || rest[0] == '#') {
		s.Start, s.End = start, s.End+len(line)+1
	}
	return python.Edit{Span: s}
}
