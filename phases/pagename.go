package phases

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// Pages that are made of modules have their names: api/pkg.mod.html is one of
// pkg.mod, and index.html#pkg.mod.f a place on one. What they will be called is
// for whoever makes them to say.

// inPath warns of a path that has the name of a module with a new home among its
// parts, and is not the path of a file.
func (r *rewriter) inPath(t token) {
	if strings.HasPrefix(t.word, "//") {
		return
	}
	for part := range strings.SplitSeq(t.word, "/") {
		part = strings.TrimSuffix(part, ".html")
		if !strings.Contains(part, ".") {
			continue
		}
		if p := r.resolve(strings.Split(part, ".")); p.state == rewritten && p.found && !r.isPage(t.word) {
			r.warn(t.at, "doubtful", t.word+" is left as it is: it may name "+part+", which has a new home")
			return
		}
	}
}

// namesPage reports whether a token is the name of a page that is there: an entry
// of a toctree, or what :doc: names.
func (r *rewriter) namesPage(t token) bool {
	if !t.prose || !r.isPage(t.word) {
		return false
	}
	before := r.f.Src[max(t.in.Start, t.at-sight):t.at]
	return docRole.Match(before) || toctree.Match(before)
}

var (
	docRole = regexp.MustCompile("(?m):doc:`(?:[^`\n]*<)?$")
	toctree = regexp.MustCompile(`(?m)\.\. toctree::[^\n]*\n(?:[ \t]+[^\n]*\n|\r?\n)*[ \t]+(?:[^\n]*<)?$`)
)

// isPage reports whether a path, perhaps without its extension, is that of a
// file.
func (r *rewriter) isPage(word string) bool {
	for _, ext := range []string{"", ".rst", ".md"} {
		if exists(r.m.tree, strings.Trim(word, "/")+ext) || exists(r.m.tree, path.Join(path.Dir(r.path), word)+ext) {
			return true
		}
	}
	return false
}

// fragment reports whether a token is what a link names in a page, and the
// page, "" if there is none.
func (r *rewriter) fragment(t token) (page string, ok bool) {
	before := r.f.Src[max(t.in.Start, t.at-sight):t.at]
	link := before[bytes.LastIndexAny(before, " \t\r\n\"'`<>()[]")+1:]
	page, _, ok = strings.Cut(string(link), "#")
	return page, ok && page != ""
}
