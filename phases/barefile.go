package phases

import (
	"path"
	"strings"

	"github.com/restage/restage/phases/python"
)

// Files at the top of the repository have paths without a slash, and modules
// there have names without a dot. Text names them by a word that may mean many
// things, so they are found only where it can mean nothing else.

// configures reports whether the file may have entry points, "module:name".
func (r *rewriter) configures() bool {
	return path.Ext(r.path) != ".py" && path.Ext(r.path) != ".pyi" && !isNotebook(r.path) || path.Base(r.path) == "setup.py"
}

// bareFile rewrites the name of a file at the top of the repository: where
// commands and settings name it, and in prose as the target of a link or as
// code, if no other file is called so. It reports whether the word is such a
// name.
func (r *rewriter) bareFile(s python.Span, at, end int, word string, prose bool) bool {
	src, dir, key := r.f.Src, path.Dir(r.path), word
	link := prose && strings.HasSuffix(string(src[s.Start:at]), "](") && path.Ext(r.path) == ".md"
	switch {
	case !strings.Contains(word, "."):
		return false
	case link:
		key = path.Join(dir, word)
	case prose:
		if at == s.Start || end == s.End || src[at-1] != '`' || src[end] != '`' || !r.m.onlyFile(word) {
			return false
		}
	case !r.configures() || path.Base(r.path) == "setup.py",
		at > s.Start && strings.IndexByte("*?]}$@\\", src[at-1]) >= 0,
		end < s.End && strings.IndexByte("*?[", src[end]) >= 0,
		dir != "." && exists(r.m.tree, path.Join(dir, word)):
		return false
	}
	to, ok := r.m.paths[key]
	if !ok {
		return r.lose(at, key, prose)
	}
	text := to.path
	if link {
		text = relativePath(dir, to.path)
	}
	if !(prose && r.contrasts(s, at, text)) {
		r.edit(python.Span{Start: at, End: end}, text, to.step, 1)
	}
	return true
}

// onlyFile reports whether no file but the one at the top of the repository is
// called so, before the plan and after it.
func (m *model) onlyFile(name string) bool {
	for _, e := range m.tree.Entries() {
		if path.Base(e.Path) == name && e.Path != name && e.Path != m.paths[name].path {
			return false
		}
	}
	return true
}
