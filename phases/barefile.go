package phases

import (
	"bytes"
	"path"
	"strings"
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
func (r *rewriter) bareFile(t token) bool {
	src, dir, key := r.f.Src, path.Dir(r.path), t.word
	link := t.prose && bytes.HasSuffix(src[t.in.Start:t.at], []byte("](")) && path.Ext(r.path) == ".md"
	switch {
	case !strings.Contains(t.word, "."):
		return false
	case link:
		key = path.Join(dir, t.word)
	case t.prose:
		if r.before(t) != '`' || t.end == t.in.End || src[t.end] != '`' || !r.m.onlyFile(t.word) {
			return false
		}
	case !r.configures() || path.Base(r.path) == "setup.py",
		strings.IndexByte("*?]}$@\\", r.before(t)) >= 0,
		t.end < t.in.End && strings.IndexByte("*?[", src[t.end]) >= 0,
		dir != "." && exists(r.m.tree, path.Join(dir, t.word)):
		return false
	}
	to, ok := r.m.paths[key]
	if !ok {
		return r.lose(t, key)
	}
	text := to.path
	if link {
		text = relativePath(dir, to.path)
	}
	r.write(t, text, to.step)
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
