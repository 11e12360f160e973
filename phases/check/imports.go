package check

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// imports finds the references that led somewhere before and no longer do:
// imports, attributes of imported modules, and strings that are imported or
// patched. What was broken before in the same file is not reported.
func (c *checker) imports(ctx context.Context) (Result, error) {
	r := report{name: Imports, kinds: []string{"import", "attribute", "string"}}
	files := c.candidates()
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		found := c.brokenIn(c.after, f)
		if len(found) == 0 {
			continue
		}
		was, known := c.brokenBefore(f)
		for _, b := range found {
			keys := b.keys()
			switch {
			case was[keys[0]] || was[keys[1]]:
				r.old++
				continue
			case !known && (!c.touches(b) || slices.Contains(c.Going, f)):
				b.level = "warning"
				r.unsure++
			case c.awaited(b):
				b.level = "warning"
			}
			r.add(b.what, Annotation{f, b.line, b.level, b.String()})
		}
	}
	r.looked = fmt.Sprintf("%s read", count(len(files), "file", "files"))
	return r.result("no import is broken", "broken reference", "broken references"), nil
}

// brokenIn returns the broken references of a Python file, or of the code
// cells of a notebook.
func (c *checker) brokenIn(w *world, f string) []broken {
	ours := func(name string) bool {
		return w.owns(name) || c.after.owns(name) || c.before != nil && c.before.owns(name)
	}
	if !isNotebook(f) {
		name, pkg := w.self(f)
		return w.broken(w.syntax(f), name, pkg, ours)
	}
	var found []broken
	for _, cell := range cells(w.sources[f]) {
		if cell.kind != codeCell {
			continue
		}
		for _, b := range w.broken(cell.parse(), "", false, ours) {
			if b.what == "attribute" && b.name == "" {
				continue // another cell may import it
			}
			b.line = cell.line(b.line)
			found = append(found, b)
		}
	}
	return found
}

// brokenBefore returns the keys of what was broken in a file before, wherever
// it was then, and whether that is known. Old modules count as what they are
// called now.
func (c *checker) brokenBefore(f string) (keys map[string]bool, known bool) {
	if c.before == nil {
		return nil, false
	}
	keys = map[string]bool{}
	for _, at := range []string{f, c.olds[f]} {
		if at == "" || c.before.sources[at] == nil {
			continue
		}
		for _, b := range c.brokenIn(c.before, at) {
			for _, k := range b.keys() {
				keys[k] = true
			}
			keys[c.renamed(b.module)+":"+b.name] = true
		}
	}
	return keys, true
}

// renamed returns what a module is called after the plan.
func (c *checker) renamed(name string) string {
	for at, rest := name, ""; ; {
		if now := c.news[at]; now != "" {
			return now + rest
		}
		up, last, ok := cutLast(at)
		if !ok {
			return name
		}
		at, rest = up, "."+last+rest
	}
}

// touches reports whether a reference names anything of the plan.
func (c *checker) touches(b broken) bool {
	full := strings.Trim(b.module+"."+b.name, ".")
	within := func(mod string) bool {
		return mod != "" && (full == mod || strings.HasPrefix(full, mod+".") || strings.HasPrefix(mod, full+"."))
	}
	return slices.ContainsFunc(c.Moves, func(mv Move) bool { return within(mv.Old) || within(mv.New) }) ||
		slices.ContainsFunc(c.Olds, func(o Old) bool { return within(o.Module) }) ||
		slices.ContainsFunc(c.Exports, func(x Export) bool { return within(c.after.index.NameOf(path.Dir(x.Init))) })
}

// awaited reports whether a reference is to a moved module that has no shim,
// by the wish of the repository: the imports phase mends it.
func (c *checker) awaited(b broken) bool {
	if c.Stage != Moved {
		return false
	}
	full := strings.Trim(b.module+"."+b.name, ".")
	return slices.ContainsFunc(c.Moves, func(mv Move) bool {
		return mv.Old != "" && !mv.Shim && (b.module == mv.Old || full == mv.Old || strings.HasPrefix(b.module, mv.Old+"."))
	})
}

// candidates returns the files in which something may have broken: those that
// changed, and those that contain the name of a module that did or is gone.
func (c *checker) candidates() []string {
	all := slices.DeleteFunc(slices.Clone(c.after.files), func(f string) bool { return !isPython(f) && !isNotebook(f) })
	if c.before == nil {
		return all
	}
	picked := map[string]bool{}
	for _, f := range all {
		picked[f] = !bytes.Equal(c.after.sources[f], c.before.sources[f])
	}
	for touched := c.touched(); len(touched) > 0; {
		var words [][]byte
		var folders []string
		for _, f := range touched {
			dir, base := path.Split(f)
			if base == "__init__.py" {
				base = path.Base(dir)
				folders = append(folders, dir)
			}
			words = append(words, []byte(strings.TrimSuffix(base, ".py")))
		}
		touched = nil
		for _, f := range all {
			src := c.after.sources[f]
			inside := func(dir string) bool { return strings.HasPrefix(f, dir) }
			if picked[f] || !containsAny(src, words) && !slices.ContainsFunc(folders, inside) {
				continue
			}
			picked[f] = true
			if bytes.Contains(src, []byte("import *")) {
				touched = append(touched, f) // what it has depends on others
			}
		}
	}
	return slices.DeleteFunc(all, func(f string) bool { return !picked[f] })
}

// touched returns the Python files that changed, came or went.
func (c *checker) touched() []string {
	files := c.changed()
	for _, f := range c.before.files {
		if isPython(f) && c.after.sources[f] == nil {
			files = append(files, f)
		}
	}
	return files
}
