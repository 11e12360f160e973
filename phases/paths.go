package phases

import (
	"path"
	"strings"
)

// pathToken rewrites a file path: from the repository root, from a source
// root, or relative to the file that names it.
func (r *rewriter) pathToken(t token) {
	if strings.HasPrefix(t.word, "//") {
		return // a URL
	}
	clean := strings.Trim(t.word, "/")
	lead, slash := t.word[:len(t.word)-len(strings.TrimPrefix(t.word, "/"))], ""
	if strings.HasSuffix(t.word, "/") {
		slash = "/"
	}
	try := func(key, root string) bool {
		to, ok := r.m.paths[key]
		if !ok {
			return r.lose(t, key)
		}
		text := to.path
		if root != "" {
			if text, ok = strings.CutPrefix(to.path, root+"/"); !ok {
				text = to.path
			}
		}
		r.write(t, lead+text+slash, to.step)
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
		r.tail(t, clean)
		return
	}
	dir := path.Dir(r.path)
	_, here := r.m.paths[path.Join(dir, clean)]
	if strings.HasPrefix(clean, "./") && !here {
		dir = "." // as seen from the root, where commands are run
	}
	if to, ok := r.m.paths[path.Join(dir, clean)]; ok {
		text := relativePath(dir, to.path) + slash
		if strings.HasPrefix(t.word, "./") && !strings.HasPrefix(text, ".") {
			text = "./" + text
		}
		r.write(t, text, to.step)
		return
	}
	if !r.lose(t, path.Join(dir, clean)) {
		r.tail(t, clean)
	}
}

// lose notes a path to a file that goes, and reports whether it is one.
func (r *rewriter) lose(t token, file string) bool {
	if r.m.gone[file] {
		r.left = append(r.left, leftover{path: r.path, line: r.f.Line(t.at), file: file, soft: t.prose})
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
