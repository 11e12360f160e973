package phases

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/restage/restage/phases/python"
)

// Text names modules by dotted paths and by file paths. A token of text is
// rewritten only when it names one in full; a lone word never is.

// strings rewrites string literals: a literal that is one dotted name, as
// mock.patch and import_module take it, and dotted names and paths in others.
func (r *rewriter) strings() {
	quoted := r.quoted()
	for _, s := range r.f.Strings {
		if strings.Contains(s.Prefix, "b") {
			continue
		}
		if chains := inside(quoted, s.Content); len(chains) > 0 {
			r.scanAround(s.Content, chains)
			continue
		}
		text := s.Text(r.f.Src)
		if (s.Format || s.Joined) && len(s.Pieces) > 0 && s.Pieces[0].Start == s.Content.Start {
			r.computed(s)
		}
		if !s.Format && !s.Doc && !s.Joined && dottedString.MatchString(text) {
			r.dottedLiteral(s, text)
			continue
		}
		if s.Doc {
			r.text(s.Content)
			continue
		}
		for _, piece := range s.Pieces {
			r.scan(piece, false)
		}
	}
}

// quoted returns the chains in annotations that are strings, sorted. Those that
// begin with a name that the file binds are rewritten like chains in code.
func (r *rewriter) quoted() []python.Span {
	var spans []python.Span
	for _, u := range r.f.Uses {
		if u.Quoted && u.Resolve() != nil {
			spans = append(spans, python.Span{Start: u.Parts[0].Start, End: u.Parts[len(u.Parts)-1].End})
		}
	}
	slices.SortFunc(spans, func(a, b python.Span) int { return a.Start - b.Start })
	return spans
}

// inside returns those of the sorted spans that lie in s.
func inside(spans []python.Span, s python.Span) []python.Span {
	before := func(a python.Span, at int) int { return a.Start - at }
	i, _ := slices.BinarySearchFunc(spans, s.Start, before)
	j, _ := slices.BinarySearchFunc(spans, s.End, before)
	return spans[i:j]
}

// scanAround rewrites the tokens of s that are not in the given spans.
func (r *rewriter) scanAround(s python.Span, spans []python.Span) {
	for _, skip := range spans {
		r.scan(python.Span{Start: s.Start, End: skip.Start}, false)
		s.Start = skip.End
	}
	r.scan(s, false)
}

var dottedString = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?$`)

// dottedLiteral rewrites a literal that is a dotted name as a whole.
func (r *rewriter) dottedLiteral(s python.String, text string) {
	dotted, attr, colon := strings.Cut(text, ":")
	parts := strings.Split(dotted, ".")
	if colon {
		parts = append(parts, strings.Split(attr, ".")...)
	}
	p := r.resolve(parts)
	switch p.state {
	case rewritten:
		r.edit(s.Content, p.text(colon), p.step, 1)
	case lost:
		r.left = append(r.left, leftover{path: r.path, line: r.f.Line(s.Start), module: p.old, name: p.name})
	}
}

// importer reports whether a call by this name imports what its string names.
func importer(callee string) bool {
	last := callee[strings.LastIndexByte(callee, '.')+1:]
	switch last {
	case "import_module", "__import__", "patch", "setattr", "delattr", "find_spec", "resolve_name", "import_string", "run_module", "importorskip":
		return true
	}
	return strings.Contains(callee, "patch.")
}

// computed warns of an import whose name is put together at run time.
func (r *rewriter) computed(s python.String) {
	start := string(r.f.Src[s.Pieces[0].Start:s.Pieces[0].End])
	pkg, dot := strings.CutSuffix(start, ".")
	if s.Joined {
		pkg, _, _ = strings.Cut(pkg, "%")
		pkg = strings.TrimSuffix(pkg, ".")
		dot = dot || strings.Contains(start, ".%")
	}
	if !dot || !importer(s.Callee) {
		return
	}
	name, _ := r.m.canonical(pkg)
	for old := range r.m.fates {
		if strings.HasPrefix(old, name+".") {
			r.warn(s.Start, "dynamic-import", "this import is put together at run time and may name a module of "+pkg+" that moves or goes")
			r.computes = append(r.computes, leftover{path: r.path, line: r.f.Line(s.Start), module: name})
			return
		}
	}
}

// A resolution says what becomes of a dotted name.
type resolution struct {
	state resolutionState
	parts []string // of the new name
	at    int      // how many of parts are the module
	step  int
	found bool   // the module is known to have what follows it
	old   string // the module that was named
	name  string // and the name in it, if any
}

type resolutionState uint8

const (
	unconcerned resolutionState = iota // names nothing that the plan touches
	rewritten                          // has a new name
	lost                               // names something that goes, and nothing takes its place
)

// text writes the new name; an entry point has a colon behind its module.
func (p resolution) text(colon bool) string {
	if !colon || p.at >= len(p.parts) {
		return strings.Join(p.parts, ".")
	}
	return strings.Join(p.parts[:p.at], ".") + ":" + strings.Join(p.parts[p.at:], ".")
}

// resolve finds the new name of a dotted name: the module that holds the name
// in the end, since that is what a patch has to name.
func (r *rewriter) resolve(parts []string) resolution {
	n := r.m.longest(parts)
	if n == 0 || len(parts) < 2 {
		return resolution{}
	}
	name, prefix := r.m.canonical(strings.Join(parts[:n], "."))
	rest := parts[n:]
	d := r.m.fates[name]
	if d == nil || d.fate == remapped {
		if on, led := r.m.ledOn(reach{parts: parts}); led && len(on.parts) > 1 {
			return r.resolve(on.parts)
		}
		return r.resolveSymbol(name, prefix, rest)
	}
	out := resolution{state: rewritten, old: name, step: d.step}
	build := func(module string, tail ...string) resolution {
		mod := strings.Split(prefix+module, ".")
		out.parts, out.at = append(mod, tail...), len(mod)
		return out
	}
	if len(rest) > 0 {
		out.name = rest[0]
		if t, ok := r.m.find(name, rest[0]); ok {
			if t.concrete == name {
				return resolution{}
			}
			if !r.m.isModule(t.concrete) {
				prefix = "" // not of this repository
			}
			out.found = true
			if t.step != 0 {
				out.step = t.step
			}
			if t.name == "" {
				return build(t.concrete, rest[1:]...)
			}
			return build(t.concrete, append([]string{t.name}, rest[1:]...)...)
		}
		if n == 1 || d.fate != moved && d.fate != merged {
			if d.fate == emptied || n == 1 {
				return resolution{}
			}
			out.state = lost
			return out
		}
	}
	t, ok := r.m.whole(name)
	if !ok {
		if d.fate == emptied {
			return resolution{}
		}
		out.state = lost
		return out
	}
	out.step, out.found = t.step, len(rest) == 0
	return build(t.concrete, rest...)
}

// resolveSymbol finds the new name of a symbol that the import map sends from
// a module that stays.
func (r *rewriter) resolveSymbol(module, prefix string, rest []string) resolution {
	if len(rest) == 0 {
		return resolution{}
	}
	t, ok := r.m.symbols[module+":"+rest[0]]
	if !ok {
		return resolution{}
	}
	mod := strings.Split(prefix+t.module, ".")
	return resolution{state: rewritten, old: module, name: rest[0], step: t.step, found: true,
		parts: append(append(mod, t.name), rest[1:]...), at: len(mod)}
}

// text rewrites prose: comments, docstrings, documents.
func (r *rewriter) text(s python.Span) { r.scan(s, true) }

// scan rewrites the tokens of a range of text. In prose, a line that names the
// new place too contrasts the two, and stays.
func (r *rewriter) scan(s python.Span, prose bool) {
	src := r.f.Src
	for at := s.Start; at < s.End; {
		c, size := utf8.DecodeRune(src[at:s.End])
		if !tokenRune(c) {
			at += size
			continue
		}
		end := at
		for end < s.End {
			c, size := utf8.DecodeRune(src[end:s.End])
			if !tokenRune(c) {
				break
			}
			end += size
		}
		r.token(s, at, end, prose)
		at = end
	}
}

func tokenRune(c rune) bool {
	return c == '_' || c == '.' || c == '/' || c == '-' || unicode.IsLetter(c) || unicode.IsDigit(c)
}

// token rewrites src[at:end] if it names something in full.
func (r *rewriter) token(s python.Span, at, end int, prose bool) {
	src := r.f.Src
	for end > at && (src[end-1] == '.' || src[end-1] == '-') {
		end--
	}
	word := string(src[at:end])
	if strings.Contains(word, "/") {
		r.pathToken(s, at, end, word, prose)
		return
	}
	if rest, ok := strings.CutPrefix(word, "mypy-"); ok && at > 0 && src[at-1] == '[' { // a section of setup.cfg, mypy.ini
		at, word = end-len(rest), rest
	}
	if r.bareFile(s, at, end, word, prose) {
		return
	}
	lone := !strings.Contains(word, ".")
	if lone && (!python.IsIdentifier(word) || prose || !r.configures()) {
		return
	}
	if strings.Contains(word, "-") || word[0] == '.' || at > 0 && strings.IndexByte("@$\\", src[at-1]) >= 0 {
		return
	}
	parts := strings.Split(word, ".")
	attr := 0
	if rest := src[end:s.End]; len(rest) > 1 && rest[0] == ':' && python.IsNameByte(rest[1]) && !isDigit(rest[1]) {
		for attr = 1; attr < len(rest) && python.IsNameByte(rest[attr]); attr++ {
		}
		parts = append(parts, string(rest[1:attr]))
	}
	if lone && attr == 0 {
		return
	}
	if module, step, ok := r.textImport(s, at, end, parts); ok {
		if module != "" && !(prose && r.contrasts(s, at, module)) {
			r.edit(python.Span{Start: at, End: end}, module, step, 1)
		}
		return
	}
	p := r.resolve(parts)
	if d := r.m.fates[word]; lone && d != nil && d.fate == deleted && r.m.exports(word, parts[1]) {
		p = resolution{state: lost, old: word, name: parts[1]}
	}
	switch p.state {
	case rewritten:
		if !p.found {
			return // app.job.example.com
		}
		text := p.text(attr > 0)
		if d := r.m.fates[p.old]; prose && p.name == "" && d.shadow != nil && d.shadow.facade != "" {
			text = d.shadow.facade // Python takes the package; who writes of both means what the map says
		}
		if prose && (r.contrasts(s, at, text) || r.contrastsFacade(s, at, p.old)) {
			return
		}
		r.edit(python.Span{Start: at, End: end + attr}, text, p.step, 1)
	case lost:
		r.left = append(r.left, leftover{path: r.path, line: r.f.Line(at), module: p.old, name: p.name, soft: prose})
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

var importAfter = regexp.MustCompile(`^\s+import\s+(\([^)]{0,999}\)|[^\n;#"'` + "`" + `]*)`)

// textImport finds the module for "from MODULE import a, b" in text. It
// reports false if the token is no such module; the module is "" if there is
// none that has all names.
func (r *rewriter) textImport(s python.Span, at, end int, parts []string) (module string, step int, ok bool) {
	src := r.f.Src
	before := strings.TrimRight(string(src[max(s.Start, at-8):at]), " \t")
	if !strings.HasSuffix(before, "from") {
		return "", 0, false
	}
	m := importAfter.FindSubmatch(src[end:s.End])
	if m == nil {
		return "", 0, false
	}
	base, prefix := r.m.canonical(strings.Join(parts, "."))
	if r.m.fates[base] == nil {
		return "", 0, true
	}
	for _, clause := range strings.Split(strings.Trim(string(m[1]), "() \t\r\n.…"), ",") {
		fields := strings.Fields(clause)
		if len(fields) == 0 || !python.IsIdentifier(fields[0]) {
			continue
		}
		t, found := r.m.find(base, fields[0])
		if !found || t.name != fields[0] || module != "" && module != t.module {
			module = ""
			break
		}
		module, step = t.module, t.step
	}
	if module == "" {
		t, found := r.m.whole(base)
		if !found {
			return "", 0, false
		}
		module, step = t.concrete, t.step
	}
	if module == base {
		return "", 0, true
	}
	return prefix + module, step, true
}

// sight is how far to both sides, in bytes, a line is looked at. Machines write
// lines without end; no sentence is as long.
const sight = 2000

// contrasts reports whether the line around at names the new place already.
func (r *rewriter) contrasts(s python.Span, at int, text string) bool {
	src := r.f.Src
	start, end := at, at
	for start > max(s.Start, at-sight) && src[start-1] != '\n' {
		start--
	}
	for end < min(s.End, at+sight) && src[end] != '\n' {
		end++
	}
	line := string(src[start:end])
	for {
		i := strings.Index(line, text)
		if i < 0 {
			return false
		}
		next := line[i+len(text):]
		if (i == 0 || !python.IsNameByte(line[i-1])) && (next == "" || !python.IsNameByte(next[0])) {
			return true
		}
		line = next
	}
}

// contrastsFacade reports whether the line around at names the package that
// the import map gives for an old module.
func (r *rewriter) contrastsFacade(s python.Span, at int, old string) bool {
	d := r.m.fates[old]
	return d != nil && d.facade != "" && r.contrasts(s, at, d.facade)
}

// pathToken rewrites a file path: from the repository root, from a source
// root, or relative to the file that names it.
func (r *rewriter) pathToken(s python.Span, at, end int, word string, prose bool) {
	if strings.HasPrefix(word, "//") {
		return // a URL
	}
	clean := strings.TrimSuffix(strings.TrimPrefix(word, "/"), "/")
	lead, slash := word[:len(word)-len(strings.TrimPrefix(word, "/"))], ""
	if strings.HasSuffix(word, "/") {
		slash = "/"
	}
	try := func(key, root string) bool {
		to, ok := r.m.paths[key]
		if !ok {
			return r.lose(at, key, prose)
		}
		text := to.path
		if root != "" {
			if text, ok = strings.CutPrefix(to.path, root+"/"); !ok {
				text = to.path
			}
		}
		text = lead + text + slash
		if !(prose && r.contrasts(s, at, text)) {
			r.edit(python.Span{Start: at, End: end}, text, to.step, 1)
		}
		return true
	}
	if !strings.HasPrefix(clean, ".") {
		if try(clean, "") {
			return
		}
		for _, root := range r.m.index.Roots() {
			if root != "" && try(path.Join(root, clean), root) {
				return
			}
		}
	}
	if lead != "" {
		return
	}
	dir := path.Dir(r.path)
	_, here := r.m.paths[path.Join(dir, clean)]
	if strings.HasPrefix(clean, "./") && !here {
		dir = "." // as seen from the root, where commands are run
	}
	if to, ok := r.m.paths[path.Join(dir, clean)]; ok {
		text := relativePath(dir, to.path) + slash
		if strings.HasPrefix(word, "./") && !strings.HasPrefix(text, ".") {
			text = "./" + text
		}
		if !(prose && r.contrasts(s, at, text)) {
			r.edit(python.Span{Start: at, End: end}, text, to.step, 1)
		}
		return
	}
	r.lose(at, path.Join(dir, clean), prose)
}

// lose notes a path to a file that goes, and reports whether it is one.
func (r *rewriter) lose(at int, file string, prose bool) bool {
	if r.m.gone[file] {
		r.left = append(r.left, leftover{path: r.path, line: r.f.Line(at), file: file, soft: prose})
	}
	return r.m.gone[file]
}

// relativePath writes the path to as seen from the folder dir.
func relativePath(dir, to string) string {
	here, there := strings.Split(dir, "/"), strings.Split(to, "/")
	if dir == "." {
		here = nil
	}
	common := 0
	for common < len(here) && common < len(there)-1 && here[common] == there[common] {
		common++
	}
	return strings.Repeat("../", len(here)-common) + strings.Join(there[common:], "/")
}
