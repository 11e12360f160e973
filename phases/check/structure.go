package check

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/python"
)

// The rows of the structure table.
const (
	rowMoved    = "files at their new place"
	rowLost     = "files lost"
	rowMap      = "rows of the import map"
	rowKept     = "kept paths"
	rowShims    = "old paths"
	rowNames    = "names defined"
	rowPackages = "new packages"
	rowExports  = "exports"
	rowMeta     = "metadata blocks"
	rowGone     = "files deleted"
)

// structure finds what is not where the plan says. Decisions that are open
// make it neutral: what they are about is not done.
func (c *checker) structure(ctx context.Context) (Result, error) {
	s := &structure{checker: c, looked: map[string]bool{}, report: report{name: Structure, good: map[string]int{},
		kinds: []string{rowMoved, rowLost, rowNames, rowPackages, rowExports, rowMap, rowMeta, rowShims, rowGone, rowKept}}}
	for _, mv := range c.Moves {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		if err := s.move(mv); err != nil {
			return Result{}, err
		}
	}
	s.lost()
	for _, row := range c.Map {
		s.row(row)
	}
	s.packages()
	for _, x := range c.Exports {
		s.export(x)
	}
	if c.Stage == Cleaned {
		for _, f := range c.Gone {
			s.expect(rowGone, f, !c.after.exists[f], "%s is to be deleted, and is still there", quoted(f))
		}
	}
	for _, p := range c.Kept {
		s.keep(p)
	}
	if s.was.files > 0 {
		s.notes = append(s.notes, s.sizes())
	}
	open := slices.Clone(c.Open)
	if len(open) > 0 {
		s.notes = append(s.notes, waiting(open))
	}
	r := s.result("everything is where the plan says", "deviation from the plan", "deviations from the plan")
	if r.Conclusion == Success && len(open) > 0 {
		r.Conclusion, r.Title = Neutral, "Waiting for "+count(len(open), "decision", "decisions")
	}
	return r, nil
}

// waiting lists the decisions that are open.
func waiting(open []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Waiting for %s; what they are about is left as it was:\n", count(len(open), "decision", "decisions"))
	for _, p := range open[:min(len(open), maxRows)] {
		fmt.Fprintf(&b, "\n- %s", markdown.Code(markdown.Shorten(p, maxName)))
	}
	if more := len(open) - maxRows; more > 0 {
		fmt.Fprintf(&b, "\n- and %d more", more)
	}
	return b.String()
}

type structure struct {
	*checker
	report
	was, now size            // of the files that moved, as far as both are known
	looked   map[string]bool // __init__.py files that were read for double imports
}

// expect counts one thing as fine, or reports it.
func (s *structure) expect(kind, at string, fine bool, format string, args ...any) {
	if fine {
		s.ok(kind)
		return
	}
	s.add(kind, Annotation{at, 1, "failure", fmt.Sprintf(format, args...)})
}

// move checks one file that moves: it is at its new place with all it had, and
// at its old place is what the stage wants there.
func (s *structure) move(mv Move) error {
	there := s.after.exists[mv.To]
	s.expect(rowMoved, mv.To, there, "%s is not here, where it is to move", quoted(mv.From))
	s.oldPath(mv)
	if err := s.measure(mv); err != nil {
		return err
	}
	if !there || !isPython(mv.To) {
		return nil
	}
	f := s.after.syntax(mv.To)
	for _, name := range mv.Names {
		s.expect(rowNames, mv.To, bound(f, name), "%s does not define %s, which the plan expects", quoted(mv.To), quoted(name))
	}
	if s.before != nil && !mv.Merged {
		s.keeps(mv, f)
	}
	if mv.Meta != nil && f.Meta != nil {
		s.meta(mv, f)
	}
	return nil
}

// otherOf returns the module below another source root that is called like the
// old one, if there is one.
func (s *structure) otherOf(mv Move) *module {
	m := s.after.module(mv.Old)
	if m == nil || m.Path == mv.From || s.after.index.Root(m.Path) == s.after.index.Root(mv.From) {
		return nil
	}
	return m
}

// oldPath checks the place that a file moved from.
func (s *structure) oldPath(mv Move) {
	there := s.after.exists[mv.From]
	switch {
	case mv.Stays:
	case s.Stage == Cleaned || !mv.Shim:
		s.expect(rowShims, mv.From, !there, "%s moved to %s, and nothing is to be left here", quoted(mv.From), quoted(mv.To))
	case !there:
		s.expect(rowShims, mv.To, false, "there is no shim at %s, so old imports break", quoted(mv.From))
	case s.otherOf(mv) != nil: // whom the old name leads to
		s.expect(rowShims, mv.From, swap.Match(s.after.sources[mv.From]), "%s is to be a shim that stands for %s, and is not", quoted(mv.From), quoted(mv.New))
	default:
		target := s.after.follow(mv.Old)
		s.expect(rowShims, mv.From, target != nil && target.Name == mv.New && mv.New != mv.Old,
			"%s is to be a shim that stands for %s, and is not", quoted(mv.From), quoted(mv.New))
	}
}

// packages checks that the folders which the plan makes are packages: those
// below which all files came by a move. One that has a portion in another
// source root is a namespace package, which an __init__.py would split
// (PEP 420).
func (s *structure) packages() {
	seen := map[string]bool{}
	for _, mv := range s.Moves {
		if !isPython(mv.To) || mv.New == "" || !s.after.exists[mv.To] {
			continue
		}
		root := s.after.index.Root(mv.To)
		for dir := path.Dir(mv.To); dir != root && dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			if !s.made(dir) || s.portionElsewhere(dir, root) {
				continue
			}
			init := dir + "/__init__.py"
			s.expect(rowPackages, init, s.after.exists[init], "the new package %s has no __init__.py", quoted(dir))
			s.twice(init)
		}
	}
}

// made reports whether a folder is one that the plan makes.
func (s *structure) made(dir string) bool {
	return !slices.ContainsFunc(s.after.under(dir), func(f string) bool {
		return s.olds[f] == "" && path.Base(f) != "__init__.py"
	})
}

func (s *structure) portionElsewhere(dir, root string) bool {
	rel := strings.TrimPrefix(strings.TrimPrefix(dir, root), "/")
	return slices.ContainsFunc(s.after.index.Roots(), func(r string) bool {
		other := path.Join(r, rel)
		return r != root && s.after.has(other) && !s.after.exists[other+"/__init__.py"]
	})
}

// twice reports names that an __init__.py imports more than once.
func (s *structure) twice(init string) {
	if !s.after.exists[init] || s.looked[init] {
		return
	}
	s.looked[init] = true
	f := s.after.syntax(init)
	names := f.Module.Names()
	slices.Sort(names)
	for _, name := range names {
		first := map[int]*python.Import{} // by block: of the branches of an if, one is taken
		for _, b := range f.Module.Bindings(name) {
			if b.Kind != python.ImportBinding || b.Import.Guarded || !b.Import.ModuleLevel || !b.Import.From {
				continue
			}
			if was := first[b.Import.Block]; was != nil {
				s.add(rowPackages, Annotation{init, f.Line(b.Start), "failure",
					fmt.Sprintf("%s is imported twice; the first time in line %d", quoted(name), f.Line(was.Start))})
				continue
			}
			first[b.Import.Block] = b.Import
		}
	}
}

// export checks that a package offers the names it is to offer.
func (s *structure) export(x Export) {
	if !s.after.exists[x.Init] {
		s.expect(rowExports, x.Init, false, "there is no %s to export %s", quoted(x.Init), quoted(strings.Join(x.Names, ", ")))
		return
	}
	s.twice(x.Init)
	f := s.after.syntax(x.Init)
	for _, name := range x.Names {
		_, ok := s.after.attr(s.after.index.NameOf(x.Init), name, false)
		s.expect(rowExports, x.Init, ok && s.resolves(x.Init, name), "%s does not export %s, as the plan wants", quoted(x.Init), quoted(name))
		if f.All != nil && !slices.Contains(f.All.Names, name) {
			s.add(rowExports, Annotation{x.Init, f.Line(f.All.Start), "failure", fmt.Sprintf("%s is not in `__all__`, as the plan wants", quoted(name))})
		}
	}
	if f.All == nil && len(x.Names) > 0 && !s.others(f, x.Names) {
		s.add(rowExports, Annotation{x.Init, 1, "failure", fmt.Sprintf("%s has no `__all__`, as the plan wants", quoted(x.Init))})
	}
}

// resolves reports whether the imports by which a file binds name lead
// somewhere.
func (s *structure) resolves(file, name string) bool {
	self, pkg := s.after.self(file)
	for _, b := range s.after.syntax(file).Module.Bindings(name) {
		if b.Kind != python.ImportBinding || !b.Import.From {
			continue
		}
		base := python.Absolute(self, pkg, b.Import.Level, b.Import.Name)
		if base == self || !s.after.owns(base) {
			continue
		}
		if _, ok := s.after.attr(base, b.Import.Names[b.Index].Name, false); !ok {
			return false
		}
	}
	return true
}

// others reports whether a package binds public names besides those given: an
// __all__ would hide them.
func (s *structure) others(f *python.Syntax, names []string) bool {
	return slices.ContainsFunc(f.Module.Names(), func(n string) bool {
		return !strings.HasPrefix(n, "_") && !slices.Contains(names, n)
	})
}

// keep checks that a kept file or folder is there, with all that was in it.
func (s *structure) keep(p string) {
	s.expect(rowKept, p, s.after.has(p), "%s is to be kept, and is gone", quoted(p))
	if s.before == nil || !s.after.has(p) {
		return
	}
	for _, f := range s.before.under(p) {
		if !s.after.exists[f] {
			s.add(rowKept, Annotation{f, 1, "failure", fmt.Sprintf("%s is to be kept, and is gone", quoted(f))})
		}
	}
}

// meta checks the @meta block of a moved file.
func (s *structure) meta(mv Move, f *python.Syntax) {
	_, text, _ := strings.Cut(f.Meta.Text(f.Src), "@meta")
	text, _, _ = strings.Cut(text, "@/meta")
	var block struct {
		Domain string   `yaml:"domain"`
		Tags   []string `yaml:"tags"`
	}
	at := f.Line(f.Meta.Start)
	if err := yaml.Unmarshal([]byte(text), &block); err != nil {
		s.add(rowMeta, Annotation{mv.To, at, "warning", "the @meta block cannot be read as YAML"})
		return
	}
	var wrong []string
	if mv.Meta.Domain != "" && block.Domain != "" && block.Domain != mv.Meta.Domain {
		wrong = append(wrong, fmt.Sprintf("the domain is %s, not %s", quoted(block.Domain), quoted(mv.Meta.Domain)))
	}
	for _, tag := range mv.Meta.Sans {
		if slices.Contains(block.Tags, tag) {
			wrong = append(wrong, fmt.Sprintf("the tag %s is still there", quoted(tag)))
		}
	}
	for _, tag := range mv.Meta.With {
		if block.Tags != nil && !slices.Contains(block.Tags, tag) {
			wrong = append(wrong, fmt.Sprintf("the tag %s is missing", quoted(tag)))
		}
	}
	if len(wrong) == 0 {
		s.ok(rowMeta)
		return
	}
	s.add(rowMeta, Annotation{mv.To, at, "failure", "@meta: " + strings.Join(wrong, "; ")})
}
