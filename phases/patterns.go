package phases

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/glob"
	"github.com/restage/restage/phases/python"
)

// Settings name files by patterns, too. A pattern that has matched a file and
// does not match its new home is for a person to change.

// pathPattern matches a path with a glob or a regular expression in it.
var pathPattern = regexp.MustCompile(`([A-Za-z0-9_./@-]*/)[A-Za-z0-9_.-]*(?:\\?\.)?[*?\[({][^\s"',;=]*`)

// mostPatterns is how many patterns of a file are looked at.
const mostPatterns = 1000

// patterns lists the patterns of a file that lose something that moves.
func (r *rewriter) patterns() {
	for _, m := range pathPattern.FindAllSubmatchIndex(r.f.Src, mostPatterns) {
		folder := strings.TrimLeft(string(r.f.Src[m[2]:m[3]]), "./")
		rest := string(r.f.Src[m[3]:m[1]])
		edited := slices.ContainsFunc(r.edits, func(e python.Edit) bool { return e.Start < m[1] && m[0] < e.End })
		if folder == "" || edited || m[0] > 1 && string(r.f.Src[m[0]-2:m[0]]) == ":/" {
			continue
		}
		for _, root := range r.m.index.Roots() {
			if from := r.m.escapes(path.Join(root, folder)+"/", rest); from != "" {
				r.warn(m[0], "doubtful", string(r.f.Src[m[0]:m[1]])+" is left as it is: it matches "+from+", which has a new home at "+r.m.paths[from].path)
				break
			}
		}
	}
}

// escapes returns a file that moves out of what a pattern matches, "" if there is
// none: rest is the pattern behind the folder.
func (m *model) escapes(folder, rest string) string {
	if _, moves := m.paths[strings.TrimSuffix(folder, "/")]; moves {
		return ""
	}
	at, _ := slices.BinarySearch(m.movers, folder)
	for _, from := range m.movers[at:] {
		below, ok := strings.CutPrefix(from, folder)
		if !ok {
			break
		}
		now, stays := strings.CutPrefix(m.paths[from].path, folder)
		if matches(rest, below) && !(stays && matches(rest, now)) {
			return from
		}
	}
	return ""
}

// matches reports whether a glob matches a path, or a regular expression has its
// name in it.
func matches(pattern, name string) bool {
	if glob.Match(pattern, name) || strings.HasPrefix(pattern, "*") && glob.Match("**/"+pattern, name) {
		return true
	}
	stem := strings.TrimSuffix(path.Base(name), ".py")
	words := strings.FieldsFunc(pattern, func(c rune) bool { return strings.ContainsRune(`(){}[]|,\.*?+^$`, c) })
	return strings.ContainsAny(pattern, "({") && slices.Contains(words, stem)
}

// tail lists a path that ends like one with a new home and begins in a place
// that is not part of the tree, such as a folder of an image.
func (r *rewriter) tail(t token, clean string) {
	if t.prose || !r.configures() || exists(r.m.tree, clean) || exists(r.m.tree, path.Join(path.Dir(r.path), clean)) {
		return
	}
	for at, c := range clean {
		if c != '/' {
			continue
		}
		for _, root := range r.m.index.Roots() {
			end := path.Join(root, clean[at+1:])
			if to, ok := r.m.paths[end]; ok && strings.Contains(clean[at+1:], "/") {
				r.warn(t.at, "doubtful", t.word+" is left as it is: it ends like "+end+", which has a new home at "+to.path)
				return
			}
		}
	}
}
