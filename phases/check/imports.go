package check

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// imports finds the references that led somewhere before and no longer do:
// imports, attributes of imported modules, and strings that are imported or
// patched; and the files that parsed before and no longer do, which nothing
// can import. What was broken before in the same file is not reported.
func (c *checker) imports(ctx context.Context) (Result, error) {
	r := report{name: Imports, kinds: []string{"syntax", "import", "attribute", "string", "code", "text"}}
	files, look := c.candidates()
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		c.parses(&r, f)
		found := c.brokenIn(c.after, f, look(f))
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
	c.kept(&r)
	r.looked = fmt.Sprintf("%s read", count(len(files), "file", "files"))
	return r.result("no import is broken", "broken reference", "broken references"), nil
}

// parses reports a Python file that has a syntax error, and had none before,
// wherever it was then. Of a tree before that is not known, what moved may have
// had one.
func (c *checker) parses(r *report, f string) {
	if !isPython(f) || c.after.syntax(f).ErrorLine == 0 {
		return
	}
	a := Annotation{f, c.after.syntax(f).ErrorLine, "failure", "this file does not parse"}
	if c.before == nil {
		if c.olds[f] != "" {
			a.Level = "warning"
			r.unsure++
			r.add("syntax", a)
		}
		return
	}
	for _, at := range []string{f, c.olds[f]} {
		if at != "" && c.before.sources[at] != nil && c.before.syntax(at).ErrorLine != 0 {
			r.old++
			return
		}
	}
	r.add("syntax", a)
}

// everything is for files that changed themselves.
func everything(string) bool { return true }

// brokenIn returns the broken references of a Python file, or of the code
// cells of a notebook, of those that look is true for.
func (c *checker) brokenIn(w *world, f string, look func(string) bool) []broken {
	ours := func(name string) bool {
		return w.owns(name) || c.after.owns(name) || c.before != nil && c.before.owns(name)
	}
	if !isNotebook(f) {
		name, pkg := w.self(f)
		return w.broken(w.syntax(f), name, pkg, ours, look)
	}
	code, line := program(cells(w.sources[f]))
	var found []broken
	for _, b := range w.broken(code, "", false, ours, look) {
		if b.what == "attribute" && b.name == "" {
			continue // %run may have imported it
		}
		b.line = line(b.line)
		found = append(found, b)
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
		for _, b := range c.brokenIn(c.before, at, everything) {
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
		slices.ContainsFunc(c.Olds, func(o Old) bool { return within(o.Module) || slices.Contains(o.New, b.module) }) ||
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
// changed, and those that name a module which did, or is gone. Look returns,
// for one of them, which dotted names are worth following.
func (c *checker) candidates() (files []string, look func(f string) func(string) bool) {
	all := slices.DeleteFunc(slices.Clone(c.after.files), func(f string) bool { return !isPython(f) && !isNotebook(f) })
	if c.before == nil {
		return all, func(string) func(string) bool { return everything }
	}
	touched := c.touched()
	leads := func(dotted string) bool {
		for at, ok := c.after.bare(dotted), true; ok; at, _, ok = cutLast(at) {
			if touched[at] {
				return true
			}
		}
		return false
	}
	same := func(f string) bool { return bytes.Equal(c.after.sources[f], c.before.sources[f]) && c.before.exists[f] }
	names := newMentions(c.after, touched)
	files = slices.DeleteFunc(all, func(f string) bool { return same(f) && !names.in(f) })
	return files, func(f string) func(string) bool {
		if same(f) {
			return leads
		}
		return everything
	}
}

var (
	starImport   = regexp.MustCompile(`(?m)^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]*\*`)
	relativeFrom = regexp.MustCompile(`(?m)^[ \t]*from[ \t]*\.`)
)

// touched returns the modules that changed, came or went, with those that have
// their names from one of them by a star.
func (c *checker) touched() map[string]bool {
	touched := map[string]bool{}
	for _, f := range slices.Concat(c.changed(), c.before.files) {
		if isPython(f) && !bytes.Equal(c.after.sources[f], c.before.sources[f]) {
			touched[c.after.index.NameOf(f)] = true
		}
	}
	delete(touched, "")
	sources := map[string][]string{} // what a module takes all names from
	for _, f := range c.after.files {
		if !isPython(f) {
			continue
		}
		self, pkg := c.after.self(f)
		for _, m := range starImport.FindAllSubmatch(c.after.sources[f], -1) {
			sources[self] = append(sources[self], python.Absolute(self, pkg, len(m[1]), string(m[2])))
		}
		if m := c.after.module(self); m != nil && m.alias != "" {
			sources[self] = append(sources[self], m.alias)
		}
	}
	for more := true; more; {
		more = false
		for self, list := range sources {
			if !touched[self] && slices.ContainsFunc(list, func(s string) bool { return touched[s] }) {
				touched[self], more = true, true
			}
		}
	}
	return touched
}

// mentions finds the files that may name one of a set of modules: they contain
// its last part, and its first or dots in place of that.
type mentions struct {
	world *world
	words map[string][]string // last parts by first part
}

func newMentions(w *world, modules map[string]bool) *mentions {
	m := &mentions{w, map[string][]string{}}
	for name := range modules {
		first, _, _ := strings.Cut(name, ".")
		_, last, _ := cutLast(name)
		m.words[first] = append(m.words[first], last)
	}
	return m
}

func (m *mentions) in(f string) bool {
	src := m.world.sources[f]
	home := m.world.top(m.world.index.NameOf(f))
	for first, lasts := range m.words {
		switch {
		case first == home && relativeFrom.Match(src):
			return true
		case containsWord(src, first) && slices.ContainsFunc(lasts, func(last string) bool { return containsWord(src, last) }):
			return true
		}
	}
	return false
}

// containsWord reports whether word stands in src, not as a part of another.
func containsWord(src []byte, word string) bool {
	for at := 0; ; {
		i := bytes.Index(src[at:], []byte(word))
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(word)
		if (start == 0 || !python.IsNameByte(src[start-1])) && (end == len(src) || !python.IsNameByte(src[end])) {
			return true
		}
		at = start + 1
	}
}
