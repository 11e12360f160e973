package phases

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// A Preflight is what there is to know before a plan is carried out: what the
// phases will do, and what the code says to what the plan says. Paths are
// relative to the repository root.
type Preflight struct {
	Total      Total              `json:"total"`
	Areas      []Area             `json:"areas"`      // where the references are, by name
	Sizes      []Size             `json:"phases"`     // what each phase changes
	Moves      []MoveFinding      `json:"moves"`      // by row of the plan
	Order      []string           `json:"order"`      // what to move first, so that dependencies come before what needs them; empty if the plan's order is right
	Layers     []LayerFinding     `json:"layers"`     // by row of the plan
	Duplicates []DuplicateFinding `json:"duplicates"` // by row of the plan
	Nothing    []string           `json:"nothing"`    // what the plan deletes and is not there, as the plan spells it
	Kept       []KeptFinding      `json:"kept"`       // by row of the plan
	Cycles     [][]string         `json:"cycles"`     // import cycles that modules of the plan are in
	NewCycles  []string           `json:"new_cycles"` // what the plan moves into an import cycle, as the plan spells it
	Computed   []Warning          `json:"computed"`   // references that no tool can follow
	Decisions  []Decision         `json:"-"`
	Warnings   []Warning          `json:"warnings"`
	Changes    []*Change          `json:"-"` // by phase
}

// A Total is how many references there are, beside how many the plan says.
type Total struct {
	References int    `json:"references"`
	Imports    int    `json:"imports"`            // those of them that are names in import statements
	Estimate   string `json:"estimate,omitempty"` // the author's words
}

// An Area counts the references in one part of the repository.
type Area struct {
	Name    string `json:"name"` // a top-level package or module, or "tests", "notebooks", "docs", "configuration"
	Files   int    `json:"files"`
	Imports int    `json:"imports"` // names in import statements
	Uses    int    `json:"uses"`    // attribute chains
	Strings int    `json:"strings"`
	Text    int    `json:"text"` // in comments, docstrings, documents, settings
}

// A Size says how much a phase changes.
type Size struct {
	Phase      Phase `json:"phase"`
	Files      int   `json:"files"`
	References int   `json:"references"`
}

// references returns how many references there are of all kinds.
func (a Area) references() int { return a.Imports + a.Uses + a.Strings + a.Text }

// Look compares a plan with a tree and says what carrying it out will do. It
// changes nothing, and fails where Run does.
func Look(ctx context.Context, t tree.Tree, p *plan.Plan, opt Options) (*Preflight, error) {
	src, err := readSources(ctx, t, p, newParser())
	if err != nil {
		return nil, err
	}
	changes, before, err := runFrom(ctx, src, p, Moves, opt)
	if err != nil {
		return nil, err
	}
	j, err := look(ctx, before[0], p, Moves, opt)
	if err != nil {
		return nil, err
	}
	pre := &Preflight{Total: Total{Estimate: p.Estimate}, Areas: []Area{}, Moves: []MoveFinding{}, Order: []string{}, Layers: []LayerFinding{}, Duplicates: []DuplicateFinding{}, Nothing: []string{}, Kept: []KeptFinding{},
		Cycles: [][]string{}, NewCycles: []string{}, Computed: []Warning{}, Warnings: []Warning{}, Changes: changes, Decisions: changes[0].Decisions}
	pre.count(changes, j.index)
	then, err := look(ctx, before[1], p, Imports, opt)
	if err != nil {
		return nil, err
	}
	s := newSurveyor(j, then)
	for i := range p.Moves {
		pre.Moves = append(pre.Moves, s.move(&p.Moves[i]))
	}
	for _, r := range p.Retire {
		pre.Layers = append(pre.Layers, s.layer(r))
	}
	for _, d := range p.Delete {
		if d.DuplicateOf != "" {
			pre.Duplicates = append(pre.Duplicates, s.duplicate(d))
		} else if len(s.goner(d.Path, d.Step).files) == 0 {
			pre.Nothing = append(pre.Nothing, d.Path)
		}
	}
	for _, spelt := range p.Keep {
		pre.Kept = append(pre.Kept, s.keep(spelt))
	}
	pre.Order, pre.Cycles = append(pre.Order, s.order()...), append(pre.Cycles, s.cycles()...)
	for i := range p.Moves {
		if j.cyclic[&p.Moves[i]] {
			pre.NewCycles = append(pre.NewCycles, p.Moves[i].From)
		}
	}
	return pre, nil
}

// count adds up what the phases do.
func (pre *Preflight) count(changes []*Change, index *python.Index) {
	areas := map[string]*Area{}
	seen := map[string]bool{}
	for _, c := range changes {
		files := map[string]bool{}
		size := Size{Phase: c.Phase}
		for _, commit := range c.Commits {
			for _, f := range commit.Files {
				files[f] = true
			}
		}
		size.Files = len(files)
		for _, r := range c.Rewritten {
			size.References += r.References
			name := areaOf(r.Path, index)
			a := areas[name]
			if a == nil {
				a = &Area{Name: name}
				areas[name] = a
			}
			if !seen[r.Path] {
				seen[r.Path] = true
				a.Files++
			}
			a.Imports += r.kinds[python.ImportReference]
			a.Uses += r.kinds[python.UseReference]
			a.Strings += r.kinds[python.StringReference]
			a.Text += r.kinds[python.TextReference]
		}
		pre.Sizes = append(pre.Sizes, size)
		pre.take(c.Warnings)
	}
	for _, name := range sorted(keys(areas)) {
		a := *areas[name]
		pre.Areas = append(pre.Areas, a)
		pre.Total.Imports += a.Imports
		pre.Total.References += a.references()
	}
}

// take adds the warnings of a phase: what no tool can follow apart from the
// rest, and what two phases warn of once.
func (pre *Preflight) take(warnings []Warning) {
	for _, w := range warnings {
		list := &pre.Warnings
		if w.Rule == "dynamic-import" {
			list = &pre.Computed
		}
		if !slices.Contains(*list, w) {
			*list = append(*list, w)
		}
	}
}

// areaOf returns the part of the repository that a file belongs to.
func areaOf(f string, index *python.Index) string {
	base := path.Base(f)
	ext := path.Ext(base)
	inTests := slices.ContainsFunc(strings.Split(path.Dir(f), "/"), func(dir string) bool { return dir == "tests" || dir == "test" })
	switch {
	case ext == ".ipynb":
		return "notebooks"
	case inTests, ext == ".py" && (base == "conftest.py" || strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py")):
		return "tests"
	case ext == ".py" || ext == ".pyi":
		if name := index.NameOf(f); name != "" {
			top, _, _ := strings.Cut(name, ".")
			return top
		}
		return "scripts"
	case ext == ".md" || ext == ".rst" || ext == ".txt" || ext == ".adoc" || within(f, "docs") || within(f, "doc"):
		return "docs"
	}
	return "configuration"
}
