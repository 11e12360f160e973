package check

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// A phase changes references and nothing else. What a file loses is found by
// comparing it with what it was: names, entries of __all__, imports for their
// effect, code and text. What differs may come from a person all the same, so
// it is only pointed at.

// kept compares each Python file that changed with what it was.
func (c *checker) kept(r *report) {
	if c.before == nil {
		return
	}
	for _, f := range c.changed() {
		was := c.origin(f)
		if c.before.sources[was] == nil || path.Base(f) == "setup.py" || c.written(f) {
			continue
		}
		old, now := c.before.syntax(was), c.after.syntax(f)
		if old.ErrorLine != 0 {
			if !bytes.Equal(old.Src, now.Src) {
				r.add("code", Annotation{f, old.ErrorLine, "warning", "this file did not parse, and has changed all the same"})
			}
			continue
		}
		if now.ErrorLine != 0 {
			continue // said already
		}
		c.keptNames(r, f, old, now)
		c.keptEffects(r, f, old, now)
		if bound(now, "__getattr__") && !bound(old, "__getattr__") {
			continue // it finds what "import *" found by itself
		}
		if line := differs(old, now); line > 0 {
			r.add("code", Annotation{f, line, "warning", "this is other code than before, and no reference"})
		}
		c.keptText(r, f, old, now)
	}
}

// origin returns where a file of the tree after was before.
func (c *checker) origin(f string) string {
	for _, mv := range c.Moves {
		if mv.To == f && !mv.Merged && c.before.sources[mv.From] != nil && (mv.Old == "" || c.before.follow(mv.Old) == c.before.module(mv.Old)) {
			return mv.From
		}
	}
	return f
}

// written reports whether the plan has a file written anew: it becomes a shim,
// or the __init__.py of a package that is to export something.
func (c *checker) written(f string) bool {
	return slices.ContainsFunc(c.Moves, func(mv Move) bool { return mv.From == f }) ||
		slices.ContainsFunc(c.Exports, func(x Export) bool { return x.Init == f }) ||
		c.after.sources[f] != nil && bytes.Contains(c.after.sources[f], []byte("sys.modules[__name__] ="))
}

// keptNames finds names that a module bound, and entries of its __all__, that
// are gone. "import a.b" binds what it is called now.
func (c *checker) keptNames(r *report, f string, old, now *python.Syntax) {
	names := old.Module.Names()
	slices.Sort(names)
	for _, name := range names {
		given := slices.ContainsFunc(old.Module.Bindings(name), func(b python.Binding) bool {
			return b.Kind != python.DeleteBinding && (b.Kind != python.ImportBinding || b.Import.From || b.Import.Names[b.Index].As != "")
		})
		if given && !bound(now, name) {
			r.add("code", Annotation{f, 1, "warning", fmt.Sprintf("this module had %s, and has it no more", quoted(name))})
		}
	}
	if old.All == nil {
		return
	}
	for _, name := range old.All.Names {
		if now.All == nil || !slices.Contains(now.All.Names, name) {
			r.add("code", Annotation{f, 1, "warning", fmt.Sprintf("`__all__` had %s, and has it no more", quoted(name))})
			continue
		}
		_, had := c.before.attr(c.before.index.NameOf(c.origin(f)), name, false)
		if _, has := c.after.attr(c.after.index.NameOf(f), name, false); had && !has {
			r.add("code", Annotation{f, now.Line(now.All.Start), "failure", fmt.Sprintf("`__all__` lists %s, which is here no more", quoted(name))})
		}
	}
}

// keptEffects finds modules that a file imported by "import a.b", if only for
// what they do when they are loaded, and imports no more.
func (c *checker) keptEffects(r *report, f string, old, now *python.Syntax) {
	loaded := map[string]bool{}
	load := func(name string) {
		if m := c.after.follow(name); m != nil {
			loaded[m.Name] = true
		}
	}
	self, pkg := c.after.self(f)
	for _, imp := range now.Imports {
		base := python.Absolute(self, pkg, imp.Level, imp.Name)
		if imp.From {
			load(base)
		}
		for _, in := range imp.Names {
			if imp.From {
				load(base + "." + in.Name)
			} else {
				load(in.Name)
			}
		}
	}
	for _, imp := range old.Imports {
		if imp.From {
			continue
		}
		for _, in := range imp.Names {
			name := c.before.bare(in.Name)
			m := c.after.follow(c.renamed(name))
			goes := c.news[name] == "" && slices.ContainsFunc(c.Olds, func(o Old) bool { return o.Module == name })
			if m != nil && !goes && !c.twins[name] && !loaded[m.Name] {
				r.add("code", Annotation{f, 1, "warning", fmt.Sprintf("this file imported %s, and %s is imported no more", quoted(in.Name), quoted(m.Name))})
			}
		}
	}
}

// differs returns the first line in which the code of two files differs, apart
// from references; 0 if in none.
func differs(old, now *python.Syntax) int {
	plain := plainNames(old)
	maps.Copy(plain, plainNames(now))
	was := code(old, func(name string) bool { return plain[name] })
	is := code(now, func(name string) bool { return plain[name] || !bytes.Contains(old.Src, []byte(name)) })
	for i, at := range was {
		if i >= len(is) || at.text != is[i].text {
			return at.line
		}
	}
	if len(is) > len(was) {
		return is[len(was)].line
	}
	return 0
}

// A codeLine is one line of code without its references.
type codeLine struct {
	line int
	text string
}

// code returns the lines of a file without imports, comments and the content of
// strings, and with a mark for each chain, and for each name that stands for one.
func code(f *python.Syntax, chain func(name string) bool) []codeLine {
	type cut struct {
		python.Span
		mark string
	}
	var cuts []cut
	for _, imp := range f.Imports {
		cuts = append(cuts, cut{imp.Span, ""})
	}
	for _, s := range f.Comments {
		cuts = append(cuts, cut{s, ""})
	}
	for _, s := range f.Strings {
		if !s.Format { // perhaps several, side by side
			cuts = append(cuts, cut{s.Content, ""})
			continue
		}
		for _, p := range s.Pieces {
			cuts = append(cuts, cut{p, ""})
		}
	}
	for _, u := range f.Uses {
		if !u.Quoted && (len(u.Parts) > 1 || chain(u.Parts[0].Text)) {
			cuts = append(cuts, cut{python.Span{Start: u.Parts[0].Start, End: u.Parts[len(u.Parts)-1].End}, "§"})
		}
	}
	slices.SortFunc(cuts, func(a, b cut) int { return a.Start - b.Start })
	out, at := bytes.Buffer{}, 0
	for _, c := range cuts {
		if c.Start < at {
			continue
		}
		out.Write(f.Src[at:c.Start])
		out.WriteString(c.mark)
		out.Write(bytes.Repeat([]byte("\n"), bytes.Count(f.Src[c.Start:c.End], []byte("\n"))))
		at = c.End
	}
	out.Write(f.Src[at:])
	var lines []codeLine
	n := 0
	for line := range strings.Lines(out.String()) {
		n++
		line = importCall.ReplaceAllString(line, "§")
		if line = statement(line); line != "" {
			lines = append(lines, codeLine{n, line})
		}
	}
	return lines
}

// plainNames returns what "import name" binds in a file.
func plainNames(f *python.Syntax) map[string]bool {
	names := map[string]bool{}
	for _, imp := range f.Imports {
		for _, in := range imp.Names {
			if !imp.From && in.As == "" {
				names[in.Bound] = true
			}
		}
	}
	return names
}

// importCall matches __import__("a.b").b, in which the end follows the string.
var importCall = regexp.MustCompile(`__import__\([^()]*\)(?:\.\w+)*`)

var nothing = regexp.MustCompile(`(^|[:;])\s*(?:pass)?\s*(?:;|$)`)

// statement returns a line with its indentation and without what an import
// leaves when it goes.
func statement(line string) string {
	text := strings.TrimSpace(strings.TrimRight(line, "\\ \t\r\n\f"))
	for before := ""; before != text; {
		before = text
		text = strings.TrimSpace(nothing.ReplaceAllString(text, "$1"))
		text = strings.TrimSuffix(text, ";")
	}
	if text == "" {
		return ""
	}
	return line[:strings.Index(line, text[:1])] + text
}

var word = regexp.MustCompile(`[\pL\pN_./\\-]+`)

// keptText finds strings that changed in more than names of modules and files.
func (c *checker) keptText(r *report, f string, old, now *python.Syntax) {
	was, is := texts(old), texts(now)
	if len(was) != len(is) {
		r.add("text", Annotation{f, 1, "warning", "this file has other strings than before"})
		return
	}
	names := words(c.Olds)
	for i := range was {
		if was[i] == is[i] {
			continue
		}
		a, b := word.FindAllString(was[i], -1), word.FindAllString(is[i], -1)
		same := len(a) == len(b) && word.ReplaceAllString(was[i], "§") == word.ReplaceAllString(is[i], "§")
		for k := 0; same && k < len(a); k++ {
			same = a[k] == b[k] || (a[k] == was[i] || strings.ContainsAny(a[k], "./")) && (containsAny([]byte(a[k]), names) || c.after.owns(b[k]))
		}
		if !same {
			r.add("text", Annotation{f, 1, "warning", fmt.Sprintf("%s became %s, and is no name of the plan", quoted(was[i]), quoted(is[i]))})
		}
	}
}

// texts returns the contents of the strings of a file but for its docstrings and
// its @meta block.
func texts(f *python.Syntax) []string {
	var list []string
	for _, s := range f.Strings {
		switch {
		case s.Doc || f.Meta != nil && s.Start == f.Meta.Start:
		case !s.Format:
			list = append(list, s.Text(f.Src))
		default:
			for _, p := range s.Pieces {
				list = append(list, string(f.Src[p.Start:p.End]))
			}
		}
	}
	return list
}
