package phases

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/restage/restage/phases/python"
)

// Text names modules by dotted paths and by file paths. A token of text is
// rewritten only when it names one in full; a lone word never is.

// A token is a run of text that may be a dotted name or a path.
type token struct {
	in      python.Span // the text that it stands in
	at, end int
	word    string
	escape  string // what stands before each dot of a regular expression: "\\", in a string "\\\\"
	prose   bool   // written for people alone
}

// scan rewrites the tokens of a range of text. In prose, a line that names the
// new place too contrasts the two, and stays.
func (r *rewriter) scan(s python.Span, prose bool) {
	if !r.mayName(s) {
		return
	}
	src := r.f.Src
	for at := s.Start; at < s.End; {
		size, _ := tokenRune(src[at:s.End], prose)
		if size == 0 {
			_, size = utf8.DecodeRune(src[at:s.End])
			at += size
			continue
		}
		t := token{in: s, at: at, end: at, prose: prose}
		for {
			size, escape := tokenRune(src[t.end:s.End], prose)
			if size == 0 {
				break
			}
			if escape > 0 {
				t.escape = string(src[t.end : t.end+escape])
			}
			t.end += size
		}
		at = t.end
		for t.end > t.at && (src[t.end-1] == '.' || src[t.end-1] == '-' || src[t.end-1] == '\\') {
			t.end--
		}
		if t.word = strings.ReplaceAll(string(src[t.at:t.end]), `\`, ""); t.word != "" {
			r.token(t)
		}
	}
}

// mayName reports whether a range of text has a word without which it names
// nothing of the plan. In a folder that moves or goes, and in a file that has
// moved, what is beside it may be named without.
func (r *rewriter) mayName(s python.Span) bool {
	if r.origin != r.module || r.m.names.inFolder(r.path) {
		return true
	}
	if r.places == nil {
		r.places = r.m.names.places(r.f.Src)
	}
	i, _ := slices.BinarySearch(r.places, s.Start)
	return i < len(r.places) && r.places[i] < s.End
}

// tokenRune returns the length of the next character of a token, 0 if there is
// none, and how much of it escapes a dot.
func tokenRune(text []byte, prose bool) (size, escape int) {
	if len(text) > 0 && text[0] < utf8.RuneSelf && text[0] != '\\' {
		if c := text[0]; python.IsNameByte(c) || c == '.' || c == '/' || c == '-' {
			return 1, 0
		}
		return 0, 0
	}
	for escape < min(2, len(text)) && text[escape] == '\\' && !prose {
		escape++
	}
	if escape > 0 {
		if escape < len(text) && text[escape] == '.' {
			return escape + 1, escape
		}
		return 0, 0
	}
	c, size := utf8.DecodeRune(text)
	if unicode.IsLetter(c) || unicode.IsDigit(c) {
		return size, 0
	}
	return 0, 0
}

// write replaces a token, unless it stands in a sentence that names the new
// place too.
func (r *rewriter) write(t token, text string, step int) {
	if t.prose && r.contrasts(t, text) {
		return
	}
	if t.escape != "" {
		text = strings.ReplaceAll(text, ".", t.escape+".")
	}
	r.edit(python.Span{Start: t.at, End: t.end}, text, step, 1)
}

// cut takes the first n bytes from a token.
func (t token) cut(n int) token {
	t.at, t.word = t.at+n, t.word[n:]
	return t
}

// before returns the byte before a token, 0 if there is none.
func (r *rewriter) before(t token) byte {
	if t.at == t.in.Start {
		return 0
	}
	return r.f.Src[t.at-1]
}

// token rewrites a token if it names something in full.
func (r *rewriter) token(t token) {
	if i := strings.IndexByte(t.word, '/'); i >= 0 {
		if r.before(t) == '$' && i > 0 && t.escape == "" { // a folder in a variable
			t = t.cut(i)
		}
		known := len(r.edits) + len(r.left) + len(r.warnings)
		r.pathToken(t)
		if len(r.edits)+len(r.left)+len(r.warnings) == known {
			r.inPath(t)
		}
		return
	}
	if strings.HasPrefix(t.word, "mypy-") && r.before(t) == '[' { // a section of setup.cfg, mypy.ini
		t = t.cut(len("mypy-"))
	}
	if (strings.HasPrefix(t.word, "-m") || strings.HasPrefix(t.word, "-p")) && strings.Contains(t.word, ".") { // python -mpkg.mod
		t = t.cut(2)
	}
	if t.prose && t.word[0] == '_' && bytes.HasSuffix(r.f.Src[t.in.Start:t.at], []byte(".. ")) { // a label in reStructuredText
		t = t.cut(1)
	}
	if !r.bareFile(t) {
		r.dotted(t)
	}
}

// dotted rewrites a token that is a dotted name, or "module:name".
func (r *rewriter) dotted(t token) {
	src := r.f.Src
	if t.word == "" || strings.Contains(t.word, "-") || t.word[0] == '.' || strings.IndexByte("@$\\", r.before(t)) >= 0 {
		return
	}
	parts := strings.Split(t.word, ".")
	if r.textImport(t, parts) {
		return
	}
	lone := len(parts) == 1
	if lone && (t.prose || !r.configures()) {
		return
	}
	whole := t
	switch rest := src[t.end:t.in.End]; {
	case len(rest) < 2 || rest[0] != ':' || !python.IsNameByte(rest[1]):
	case isDigit(rest[1]) && !t.prose:
		return // a host and its port, or its address
	case !isDigit(rest[1]):
		n := 1
		for n < len(rest) && python.IsNameByte(rest[n]) {
			n++
		}
		parts = append(parts, string(rest[1:n]))
		whole.end += n
	}
	if lone && whole.end == t.end {
		return
	}
	p := r.resolve(parts)
	if page, ok := r.fragment(t); ok {
		if p.state == rewritten && !strings.Contains(page, "://") {
			r.warn(t.at, "doubtful", t.word+" is left as it is: it is a place on the page "+page)
		}
		return
	}
	if d := r.m.fates[t.word]; lone && d != nil && d.fate == deleted && r.m.exports(t.word, parts[1]) {
		p = resolution{state: lost, old: t.word, name: parts[1]}
	}
	switch {
	case p.state == lost:
		r.left = append(r.left, leftover{path: r.path, line: r.f.Line(t.at), module: p.old, name: p.name, soft: t.prose})
	case p.state == rewritten && !p.found:
		if !t.prose {
			r.doubt(t.at, t.word, p)
		}
	case p.state == rewritten && r.namesPage(t):
	case p.state == rewritten && p.name == "" && !t.prose && r.namesHost(t.at, t.end):
		r.warn(t.at, "doubtful", t.word+" is left as it is: it may be the name of a host")
	case p.state == rewritten:
		text := p.text(whole.end > t.end)
		if d := r.m.fates[p.old]; t.prose && p.name == "" && d.shadow != nil && d.shadow.facade != "" {
			text = d.shadow.facade // Python takes the package; who writes of both means what the map says
		}
		if !t.prose || !r.contrastsFacade(t, p.old) {
			r.write(whole, text, p.step)
			r.importInText(whole, t.word, text, p.step)
		}
	}
}

var (
	hostBefore = regexp.MustCompile(`(?i)(?:hosts?|hostnames?|address(?:es)?|endpoints?)\b["']?\s*[:=][^:=]*$`)
	hostAfter  = regexp.MustCompile(`^=(?:\d+\.){3}\d`)
)

// namesHost reports whether a range of text stands where a host is named: its
// line says so, or gives it an address.
func (r *rewriter) namesHost(start, end int) bool {
	src := r.f.Src
	line := bytes.LastIndexByte(src[max(0, start-sight):start], '\n') + 1 + max(0, start-sight)
	return hostBefore.Match(src[line:start]) || hostAfter.Match(src[end:])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// doubt warns of a dotted name that begins like a module with a new home, and
// goes on with something that the module does not have.
func (r *rewriter) doubt(at int, word string, p resolution) {
	if !notAName(word) {
		r.warn(at, "doubtful", word+" is left as it is: "+p.old+" has a new home, but nothing called "+p.name)
	}
}

// notAName reports whether a dotted word ends like the name of a file or of a
// host.
func notAName(word string) bool {
	switch word[strings.LastIndexByte(word, '.')+1:] {
	case "bz2", "cfg", "conf", "css", "csv", "db", "gz", "html", "ini", "ipynb", "jpg", "js", "json", "jsonl", "lock", "log", "md", "parquet", "pdf",
		"pkl", "png", "py", "pyc", "pyi", "rst", "sh", "sock", "sql", "sqlite", "svg", "toml", "ts", "tsv", "txt", "xml", "yaml", "yml", "zip",
		"app", "cloud", "com", "dev", "io", "internal", "lan", "local", "localhost", "net", "org":
		return true
	}
	return false
}

// sight is how far to both sides, in bytes, a line is looked at. Machines write
// lines without end; no sentence is as long.
const sight = 2000

// contrasts reports whether the line around a token names the new place
// already.
func (r *rewriter) contrasts(t token, text string) bool {
	src := r.f.Src
	start, end := t.at, t.at
	for start > max(t.in.Start, t.at-sight) && src[start-1] != '\n' {
		start--
	}
	for end < min(t.in.End, t.at+sight) && src[end] != '\n' {
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

// contrastsFacade reports whether the line around a token names the package
// that the import map gives for an old module.
func (r *rewriter) contrastsFacade(t token, old string) bool {
	d := r.m.fates[old]
	return d != nil && d.facade != "" && r.contrasts(t, d.facade)
}
