package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// A circle of imports does no harm until a name is asked of a module that is
// still being imported and has not bound it yet. Packages are part of it:
// importing a.b.c imports a and a.b first, so a file that leaves a package but
// still needs it can be asked for what it has not defined. A loader imports
// modules as Python does, statement by statement, without running them.

// maxEntries is how many modules are imported first, each in a fresh loader.
const maxEntries = 200

// circles adds the imports that fail because the module is still being
// imported, and did not before.
func (c *checker) circles(r *report) {
	if c.before == nil {
		return
	}
	old := map[string]string{}
	for from, to := range c.news {
		old[to] = from
	}
	entries := c.starts()
	slices.Sort(entries)
	entries = slices.Compact(entries)
	if len(entries) > maxEntries {
		entries = entries[:maxEntries]
	}
	now, was := map[*module][]step{}, map[*module][]step{}
	seen := map[string]bool{}
	for _, entry := range entries {
		after := loader{world: c.after, steps: now}
		after.load(entry)
		if after.failed == nil {
			continue
		}
		name := entry
		if o := old[entry]; o != "" {
			name = o
		}
		before := loader{world: c.before, steps: was}
		before.load(name)
		if before.failed != nil {
			r.old++
			continue
		}
		f := after.failed
		at := fmt.Sprintf("%s:%d", f.module.Path, f.line)
		if seen[at] {
			continue
		}
		seen[at] = true
		r.add("import in a circle", Annotation{f.module.Path, f.line, "failure", fmt.Sprintf(
			"importing %s first fails: %s asks %s for %s, which is still being imported and has not got there: %s",
			quoted(entry), quoted(f.module.Name), quoted(f.from), quoted(f.name), quotedChain(f.chain))})
	}
}

// A loader is one run of Python, in which modules are imported.
type loader struct {
	world  *world
	steps  map[*module][]step // what each module does, shared by loaders of a world
	states map[*module]*state
	chain  []string // the modules being imported, outermost first
	failed *failure // the first import that failed
}

type state struct {
	done  bool
	bound map[string]bool
	open  bool // has names that nobody can tell
}

type failure struct {
	module     *module
	line       int
	from, name string
	chain      []string
}

// A step is one statement of a module that matters to imports: it imports, or
// it binds a name.
type step struct {
	start int
	imp   *python.Import // nil for a binding
	base  string         // absolute module of a from import
	name  string         // of a binding
}

// load imports a dotted name: the packages above it first.
func (l *loader) load(name string) {
	for i := range len(name) + 1 {
		if (i == len(name) || name[i] == '.') && l.failed == nil {
			if m := l.world.module(name[:i]); m != nil {
				l.loadOne(m)
			}
		}
	}
}

func (l *loader) loadOne(m *module) {
	if l.states == nil {
		l.states = map[*module]*state{}
	}
	if l.states[m] != nil {
		return
	}
	st := &state{bound: map[string]bool{}}
	l.states[m] = st
	l.chain = append(l.chain, m.Name)
	if m.alias != "" {
		l.load(m.alias)
	} else {
		for _, s := range l.stepsOf(m) {
			if l.failed != nil {
				return
			}
			l.step(m, st, s)
		}
	}
	st.done = true
	l.chain = l.chain[:len(l.chain)-1]
}

func (l *loader) step(m *module, st *state, s step) {
	switch {
	case s.imp == nil:
		st.bound[s.name] = true
	case !s.imp.From:
		for _, in := range s.imp.Names {
			l.load(in.Name)
			st.bound[in.Bound] = true
		}
	default:
		l.load(s.base)
		st.open = st.open || s.imp.Star
		for _, in := range s.imp.Names {
			if l.failed == nil {
				l.take(m, s, in.Name)
				st.bound[in.Bound] = true
			}
		}
	}
}

// take is "from base import name" once base is imported, or is being so.
func (l *loader) take(m *module, s step, name string) {
	from := l.world.follow(s.base)
	if from == nil {
		return
	}
	st := l.states[from]
	if st != nil && st.bound[name] {
		return
	}
	if sub := l.world.follow(from.Name + "." + name); sub != nil && from.Package {
		l.load(from.Name + "." + name)
		return
	}
	if st == nil || st.done || st.open || s.imp.Guarded || from.open() {
		return
	}
	if _, exists := l.world.attr(from.Name, name, false); !exists {
		return // it would fail in any case, which is for another check to say
	}
	l.failed = &failure{m, m.syntax().Line(s.start), from.Name, name, append(slices.Clone(l.chain), from.Name)}
}

// stepsOf returns the steps of a module in the order of its text.
func (l *loader) stepsOf(m *module) []step {
	if steps, ok := l.steps[m]; ok {
		return steps
	}
	var steps []step
	if f := m.syntax(); f != nil {
		for _, imp := range f.Imports {
			if imp.ModuleLevel {
				s := step{start: imp.Start, imp: imp}
				if imp.From {
					s.base = python.Absolute(m.Name, m.Package, imp.Level, imp.Name)
				}
				steps = append(steps, s)
			}
		}
		for _, name := range f.Module.Names() {
			for _, b := range f.Module.Bindings(name) {
				if b.Kind != python.ImportBinding && b.Kind != python.DeleteBinding {
					steps = append(steps, step{start: b.Start, name: name})
				}
			}
		}
		slices.SortStableFunc(steps, func(a, b step) int {
			if a.start != b.start {
				return a.start - b.start
			}
			return strings.Compare(a.name, b.name)
		})
	}
	l.steps[m] = steps
	return steps
}
