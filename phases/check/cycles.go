package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// cycles finds import cycles that are new: modules that import each other
// while they are imported themselves. What only type checkers see and what
// functions import is no part of it, nor is that importing a module imports
// the packages above it.
//
// The strongly connected components of the import graphs before and after are
// compared, with the modules before under their new names; a cycle is new if
// it has an import between modules that were in no cycle together. Whether an
// import fails on the way round is for circles to say.
func (c *checker) cycles(ctx context.Context) (Result, error) {
	r := report{name: Cycles, kinds: []string{"new cycle", "import in a circle"}}
	after := newGraph(c.after, func(name string) string { return name })
	groups := after.groups(c.starts())
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	var was map[string]int
	if c.before != nil {
		was = c.groupsBefore(groups)
	}
	for _, group := range groups {
		edge, ok := after.fresh(group, was)
		if !ok {
			r.old++
			continue
		}
		level := "failure"
		if c.before == nil {
			level = "warning"
			r.unsure++
		}
		chain := append([]string{edge.from}, after.path(edge.to, edge.from, group)...)
		r.add("new cycle", Annotation{c.after.module(edge.from).Path, edge.line, level,
			"these modules import each other: " + quotedChain(chain)})
	}
	c.circles(&r)
	r.looked = fmt.Sprintf("%s followed", count(len(after.edges), "module", "modules"))
	return r.result("no new import cycle", "new import cycle", "new import cycles"), nil
}

// maxChain is how many modules of a cycle are named.
const maxChain = 12

func quotedChain(chain []string) string {
	var parts []string
	for _, name := range chain {
		parts = append(parts, quoted(name))
	}
	if len(parts) > maxChain {
		parts = append(parts[:maxChain-1:maxChain-1], "…", parts[len(parts)-1])
	}
	return strings.Join(parts, " → ")
}

// starts returns the modules from which a new cycle must be reachable: those
// whose files changed, or, if that is not known, those of the plan.
func (c *checker) starts() []string {
	var names []string
	if c.before == nil {
		for _, mv := range c.Moves {
			if m := c.after.module(mv.New); m != nil {
				names = append(names, m.Name)
			}
		}
		return names
	}
	for _, f := range c.changed() {
		if m := c.after.index.ByPath(f); m != nil {
			if m := c.after.follow(m.Name); m != nil {
				names = append(names, m.Name)
			}
		}
	}
	return names
}

// groupsBefore returns the number of the cycle that each module was in before
// under the name that it has now.
func (c *checker) groupsBefore(groups [][]string) map[string]int {
	graph := newGraph(c.before, c.renamed)
	old := map[string][]string{}
	for from, to := range c.news {
		old[to] = append(old[to], from)
	}
	var starts []string
	for _, name := range slices.Concat(groups...) {
		for _, at := range append(old[name], name) {
			if m := c.before.follow(at); m != nil {
				starts = append(starts, c.renamed(m.Name))
				graph.actual[c.renamed(m.Name)] = m.Name
			}
		}
	}
	was := map[string]int{}
	for i, group := range graph.groups(starts) {
		for _, name := range group {
			was[name] = i + 1
		}
	}
	return was
}

// A graph has an edge for each module that a module imports when it is
// imported itself. It grows as it is walked.
type graph struct {
	world  *world
	rename func(string) string
	actual map[string]string // the name in the world by the name in the graph
	edges  map[string][]edge
}

type edge struct {
	from, to string
	line     int
}

func newGraph(w *world, rename func(string) string) *graph {
	return &graph{world: w, rename: rename, actual: map[string]string{}, edges: map[string][]edge{}}
}

// out returns the edges from the module called name, in the order of its
// imports.
func (g *graph) out(name string) []edge {
	if list, ok := g.edges[name]; ok {
		return list
	}
	g.edges[name] = nil
	actual := name
	if a := g.actual[name]; a != "" {
		actual = a
	}
	m := g.world.module(actual)
	if m == nil || m.syntax() == nil {
		return nil
	}
	seen := map[string]bool{name: true}
	add := func(target string, at int) {
		next := g.world.follow(target)
		if next == nil || next.syntax() == nil {
			return
		}
		to := g.rename(next.Name)
		if !seen[to] {
			seen[to] = true
			g.actual[to] = next.Name
			g.edges[name] = append(g.edges[name], edge{name, to, m.syntax().Line(at)})
		}
	}
	for _, imp := range m.syntax().Imports {
		if imp.ModuleLevel {
			g.imports(m, imp, add)
		}
	}
	return g.edges[name]
}

// imports calls add for each module that one import statement of m names.
func (g *graph) imports(m *module, imp *python.Import, add func(string, int)) {
	if !imp.From {
		for _, in := range imp.Names {
			add(in.Name, imp.Start)
		}
		return
	}
	base := python.Absolute(m.Name, m.Package, imp.Level, imp.Name)
	if base == "" {
		return
	}
	if imp.Star {
		add(base, imp.Start)
	}
	for _, in := range imp.Names {
		if sub := base + "." + in.Name; g.world.follow(sub) != nil {
			add(sub, imp.Start)
		} else if base != m.Name {
			add(base, imp.Start)
		}
	}
}

// groups returns the strongly connected components of two modules or more that
// can be reached from starts (Tarjan's algorithm), each sorted.
func (g *graph) groups(starts []string) [][]string {
	starts = slices.Compact(slices.Sorted(slices.Values(starts)))
	var groups [][]string
	var stack []string
	number, low, on := map[string]int{}, map[string]int{}, map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		number[name] = len(number) + 1
		low[name] = number[name]
		stack, on[name] = append(stack, name), true
		for _, e := range g.out(name) {
			if number[e.to] == 0 {
				visit(e.to)
				low[name] = min(low[name], low[e.to])
			} else if on[e.to] {
				low[name] = min(low[name], number[e.to])
			}
		}
		if low[name] != number[name] {
			return
		}
		i := len(stack) - 1
		for stack[i] != name {
			i--
		}
		group := slices.Clone(stack[i:])
		stack = stack[:i]
		for _, n := range group {
			on[n] = false
		}
		if len(group) > 1 {
			slices.Sort(group)
			groups = append(groups, group)
		}
	}
	for _, name := range starts {
		if number[name] == 0 {
			visit(name)
		}
	}
	slices.SortFunc(groups, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return groups
}

// fresh returns the first edge of a component between modules that were in no
// component together before.
func (g *graph) fresh(group []string, was map[string]int) (edge, bool) {
	for _, name := range group {
		for _, e := range g.out(name) {
			if _, in := slices.BinarySearch(group, e.to); in && (was[e.from] == 0 || was[e.from] != was[e.to]) {
				return e, true
			}
		}
	}
	return edge{}, false
}

// path returns a shortest way between two modules of a component, both ends
// included.
func (g *graph) path(from, to string, group []string) []string {
	back := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at == to {
			break
		}
		for _, e := range g.out(at) {
			_, in := slices.BinarySearch(group, e.to)
			if _, seen := back[e.to]; in && !seen {
				back[e.to] = at
				queue = append(queue, e.to)
			}
		}
	}
	var way []string
	for at := to; at != ""; at = back[at] {
		way = append(way, at)
	}
	slices.Reverse(way)
	return way
}
