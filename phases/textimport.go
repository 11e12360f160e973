package phases

import (
	"regexp"
	"strings"

	"github.com/restage/restage/phases/python"
)

var (
	importAfter = regexp.MustCompile(`^\s+import\s+(\([^)]*\)|[^\n;#"'` + "`" + `]*)`)
	importName  = regexp.MustCompile(`([A-Za-z_]\w*)(\s+as\s+[A-Za-z_]\w*)?[^,]*`)
)

// textImport rewrites "from MODULE import a, b" in text, where t is the module.
// It reports false if it is none.
func (r *rewriter) textImport(t token, parts []string) bool {
	src := r.f.Src
	before := strings.TrimRight(string(src[max(t.in.Start, t.at-8):t.at]), " \t")
	if !strings.HasSuffix(before, "from") {
		return false
	}
	m := importAfter.FindSubmatchIndex(src[t.end:min(t.in.End, t.end+sight)])
	if m == nil {
		return false
	}
	names := python.Span{Start: t.end + m[2], End: t.end + m[3]}
	base, prefix := r.m.canonical(strings.Join(parts, "."))
	if d := r.m.fates[base]; d == nil || d.fate == emptied {
		r.textSubmodules(t, base, prefix, names)
		return true
	}
	module, step := r.commonHome(base, names)
	if module == "" {
		whole, found := r.m.whole(base)
		if !found {
			return false
		}
		module, step = whole.concrete, whole.step
	}
	if module != base {
		r.write(t, prefix+module, step)
	}
	return true
}

// commonHome returns the one module from which all names in the list behind
// "import" can be imported that were in base, or "".
func (r *rewriter) commonHome(base string, names python.Span) (module string, step int) {
	for _, m := range importName.FindAllSubmatch(r.f.Src[names.Start:names.End], -1) {
		t, found := r.m.find(base, string(m[1]))
		if !found || t.name != string(m[1]) || module != "" && module != t.module {
			return "", 0
		}
		module, step = t.module, t.step
	}
	return module, step
}

// textSubmodules rewrites "from PACKAGE import a, b" where a and b are modules
// with new homes and the package stays. One line of text can lead to one place
// only.
func (r *rewriter) textSubmodules(t token, base, prefix string, names python.Span) {
	parent, step, stay := "", 0, false
	var edits []python.Edit
	for _, m := range importName.FindAllSubmatchIndex(r.f.Src[names.Start:names.End], -1) {
		name := string(r.f.Src[names.Start+m[2] : names.Start+m[3]])
		home, ok := r.m.whole(base + "." + name)
		if !ok || r.m.bindsOther(base, name) {
			stay = true
			continue
		}
		pkg, last := cutLast(home.concrete)
		stay = stay || pkg == "" || parent != "" && pkg != parent
		parent, step = pkg, home.step
		if last != name && m[4] < 0 {
			last += " as " + name
		}
		edits = append(edits, python.Edit{Span: python.Span{Start: names.Start + m[2], End: names.Start + m[3]}, Text: last, Step: step})
	}
	switch {
	case len(edits) == 0 || t.prose && r.contrasts(t, prefix+parent):
	case !stay:
		r.write(t, prefix+parent, step)
		for _, e := range edits {
			r.edit(e.Span, e.Text, e.Step, 0)
		}
	default:
		r.warn(t.at, "doubtful", "what this imports from "+base+" has more than one new home: write an import for each")
	}
}
