package check

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// What moves is to arrive with all it had.

// A size is how much there is in files.
type size struct{ files, lines, definitions int }

func (n *size) add(src []byte, f *python.Syntax) {
	n.files++
	n.lines += bytes.Count(src, []byte("\n"))
	if f != nil {
		n.definitions += len(f.Definitions)
	}
}

// sizes says how much moved.
func (s *structure) sizes() string {
	return fmt.Sprintf("| What moved | Before | Now |\n|---|--:|--:|\n| files | %d | %d |\n| lines | %d | %d |\n| functions and classes | %d | %d |",
		s.was.files, s.now.files, s.was.lines, s.now.lines, s.was.definitions, s.now.definitions)
}

// measure counts what a file that moved had and has. Only a Python file has
// imports to rewrite, and so may have other lines than before.
func (s *structure) measure(mv Move) error {
	if s.before == nil || mv.Merged {
		return nil
	}
	was := s.hadMoved(mv)
	if !s.before.exists[was] {
		return nil
	}
	old, err := s.Before.Read(was)
	if err != nil || !isText(old) {
		return err
	}
	if !isPython(mv.To) {
		s.was.add(old, nil)
	} else {
		s.was.add(old, s.before.syntax(was))
	}
	if !s.after.exists[mv.To] {
		return nil
	}
	now, err := s.After.Read(mv.To)
	if err != nil {
		return err
	}
	if isPython(mv.To) {
		s.now.add(now, s.after.syntax(mv.To))
		return nil
	}
	s.now.add(now, nil)
	if a, b := bytes.Count(old, []byte("\n")), bytes.Count(now, []byte("\n")); b < a {
		s.add(rowMoved, Annotation{mv.To, 1, "failure", fmt.Sprintf("%s had %d lines, and %d are left", quoted(was), a, b)})
	}
	return nil
}

// keeps checks that a file still has all that it defined before it moved, and
// its @meta block.
func (s *structure) keeps(mv Move, f *python.Syntax) {
	was := s.hadMoved(mv)
	if s.before.sources[was] == nil || path.Base(was) == "__init__.py" {
		return // an __init__.py may be merged with what the plan exports
	}
	old := s.before.syntax(was)
	if old.Meta != nil && f.Meta == nil {
		s.add(rowMeta, Annotation{mv.To, 1, "failure", fmt.Sprintf("%s had an @meta block, and it is gone", quoted(was))})
	}
	names := old.Module.Names()
	slices.Sort(names)
	for _, name := range names {
		if defined(old, name) && !slices.Contains(mv.Names, name) {
			s.expect(rowNames, mv.To, bound(f, name), "%s defined %s, and it is gone", quoted(was), quoted(name))
		}
	}
	left := map[string]int{}
	for _, name := range f.Definitions {
		left[name]++
	}
	for _, name := range old.Definitions {
		if left[name]--; left[name] == -1 && !slices.Contains(names, name) {
			s.add(rowNames, Annotation{mv.To, 1, "failure", fmt.Sprintf("%s defined %s inside of something, and it is gone", quoted(was), quoted(name))})
		}
	}
}

// hadMoved returns where a file that moves was in the tree before: at its new
// place already, if that was the result of a phase.
func (s *structure) hadMoved(mv Move) string {
	if old := s.before.module(mv.Old); old != nil && old.alias != "" || !s.before.exists[mv.From] {
		return mv.To
	}
	return mv.From
}

// defined reports whether a file binds name by more than an import.
func defined(f *python.Syntax, name string) bool {
	return slices.ContainsFunc(f.Module.Bindings(name), func(b python.Binding) bool {
		return b.Kind == python.DefBinding || b.Kind == python.AssignBinding
	})
}

func bound(f *python.Syntax, name string) bool {
	return slices.ContainsFunc(f.Module.Bindings(name), func(b python.Binding) bool { return b.Kind != python.DeleteBinding })
}

// lost finds files that were there before and are nowhere, though the plan does
// not say so. A person may have deleted them, so they are only pointed at.
func (s *structure) lost() {
	if s.before == nil {
		return
	}
	known := map[string]bool{}
	for _, f := range s.Leaving {
		known[f] = true
	}
	for _, mv := range s.Moves {
		known[mv.From], known[mv.To] = true, true // said already
	}
	for _, o := range s.Olds {
		known[o.Path] = true
	}
	kept := newStays(s.Kept, nil)
	for _, f := range s.before.paths {
		if !s.after.exists[f] && !known[f] && !kept.file(f) {
			s.add(rowLost, Annotation{f, 1, "warning", fmt.Sprintf("%s is gone, and the plan does not say so", quoted(f))})
		}
	}
}

// row checks that what a row of the import map leads to is there, if it was
// there before or is to come: of rows that lead nowhere the phase itself warns.
func (s *structure) row(r Row) {
	module, name, symbol := strings.Cut(r.New, ":")
	from, _, _ := strings.Cut(r.Old, ":")
	was := s.before == nil || s.before.follow(module) != nil
	comes := slices.ContainsFunc(s.Moves, func(mv Move) bool { return mv.New == module || strings.HasPrefix(mv.New, module+".") })
	if !was && !comes || s.before != nil && s.before.follow(from) == nil || !s.after.owns(module) {
		return
	}
	at := strings.ReplaceAll(module, ".", "/") + ".py"
	if i := slices.IndexFunc(s.Moves, func(mv Move) bool { return mv.New == module }); i >= 0 {
		at = s.Moves[i].To
	} else if m := s.after.module(module); m != nil && m.Path != "" {
		at = m.Path
	}
	there := s.after.follow(module) != nil
	if symbol && there {
		_, there = s.after.attr(module, name, false)
	}
	s.expect(rowMap, at, there, "%s is to be found as %s, and there is no such thing", quoted(r.Old), quoted(r.New))
}
