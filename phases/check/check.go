// Package check verifies the result of a phase without running any code:
// structure, imports, cycles and leftovers. It resolves modules and names by
// its own means, not by the rewriter's, so that a mistake of one is caught by
// the other.
//
// What is expected comes from the plan, as an Expectation: plain paths and
// dotted names. What is there is read from the trees, before and after.
// Nothing is held against a change that was wrong before it.
package check

import (
	"context"
	"fmt"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// Names of the checks, in the order they are shown. Each becomes the check run
// "restage / NAME".
const (
	Structure = "structure" // everything the plan says is where it says, exports exist
	Imports   = "imports"   // no first-party import is unresolved that was resolved before
	Cycles    = "cycles"    // no new import-time cycle
	Leftovers = "leftovers" // no reference to a path that is gone
	Plan      = "plan"      // what the plan's own shell blocks say; only if they say something
)

// A Conclusion is how a check ended, in GitHub's words.
type Conclusion string

// The conclusions.
const (
	Success Conclusion = "success"
	Failure Conclusion = "failure"
	Neutral Conclusion = "neutral"
)

// A Result is what one check found.
type Result struct {
	Name        string       `json:"name"`
	Conclusion  Conclusion   `json:"conclusion"`
	Title       string       `json:"title"`   // one line a person understands
	Summary     string       `json:"summary"` // Markdown, untrusted parts escaped
	Annotations []Annotation `json:"annotations"`
}

// An Annotation points at one line of one file.
type Annotation struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`  // from 1
	Level   string `json:"level"` // notice, warning or failure
	Message string `json:"message"`
}

// A Stage says how far a plan is carried out.
type Stage int

// The stages, one after each phase.
const (
	Moved     Stage = iota // files are at their new places, shims at the old ones
	Rewritten              // references lead to the new places
	Cleaned                // what the plan does away with is gone
)

// An Expectation is what a tree is checked against. Paths are relative to the
// repository root, without a trailing slash.
type Expectation struct {
	Stage         Stage
	Roots         []string  // source roots, as for python.NewIndex
	Before, After tree.Tree // Before, the tree that the phase started from, may be nil

	Moves   []Move
	Exports []Export
	Olds    []Old
	Map     []Row
	Leaving []string // files of the tree before that need not be there any more
	Going   []string // files that are there until cleanup; what they refer to does not count
	Gone    []string // files that are not to be there after cleanup
	Kept    []string // files and folders that are to be there
	Open    []string // the paths of open decisions, as the plan spells them

	// Ignored reports whether a file is none that references are sought in;
	// nil if there is no such file.
	Ignored func(path string) bool

	// Parse reads a Python file; nil means python.Parse. One that remembers
	// what it has read saves most of the time that the checks take.
	Parse func(src []byte) *python.Syntax
}

// A Move is a file that is to be at a new place.
type Move struct {
	From, To string
	Old, New string   // dotted modules; "" if the file is none
	Shim     bool     // until cleanup, a shim is to be at From
	Stays    bool     // From may be there for good: nobody has decided on it
	Merged   bool     // To was there already, and From goes without its code
	Names    []string // names that To must bind
	Meta     *Meta    // what its @meta block must say, if it has one
}

// Meta is what the plan says about an @meta block.
type Meta struct {
	Domain     string   // "" if nothing
	With, Sans []string // tags it must have, and must not have
}

// An Export is what the __init__.py of a package is to re-export.
type Export struct {
	Init  string
	Names []string
}

// A Row of the import map says where what was imported from Old is imported from:
// dotted modules, or "module:name".
type Row struct{ Old, New string }

// An Old is a module or path that the plan does away with.
type Old struct {
	Module string   // dotted, "" if it is none
	Path   string   // of the file or folder, "" if it has none
	New    []string // modules and paths that take its place; none: nothing does
}

// Run makes the four checks, in the order of their names above. It fails only
// if a tree cannot be read or ctx is done.
func Run(ctx context.Context, e Expectation) ([]Result, error) {
	c, err := open(ctx, e)
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, run := range []func(context.Context) (Result, error){c.structure, c.imports, c.cycles, c.leftovers} {
		r, err := run(ctx)
		if err != nil {
			return nil, fmt.Errorf("check: %w", err)
		}
		results = append(results, r)
	}
	return results, nil
}

// A checker holds what the four checks share.
type checker struct {
	Expectation
	before *world // nil if unknown
	after  *world
	news   map[string]string // new module by old one
	twins  map[string]bool   // old modules of one name below several source roots
	olds   map[string]string // old path by new one
}

func open(ctx context.Context, e Expectation) (*checker, error) {
	if e.Parse == nil {
		e.Parse = python.Parse
	}
	c := &checker{Expectation: e, news: map[string]string{}, twins: map[string]bool{}, olds: map[string]string{}}
	var err error
	if e.After != nil {
		if c.after, err = newWorld(ctx, e.After, e.Roots, words(e.Olds), e.Parse); err != nil {
			return nil, err
		}
	}
	if e.Before != nil {
		if c.before, err = newWorld(ctx, e.Before, e.Roots, nil, e.Parse); err != nil {
			return nil, err
		}
	}
	for _, mv := range e.Moves {
		c.olds[mv.To] = mv.From
		if mv.Old != "" && mv.New != "" {
			c.twins[mv.Old] = c.twins[mv.Old] || c.news[mv.Old] != "" && c.news[mv.Old] != mv.New
			c.news[mv.Old] = mv.New
		}
	}
	return c, nil
}

// changed returns the Python files of the tree after that differ from the tree
// before, or of all if there is none to compare with.
func (c *checker) changed() []string {
	var files []string
	for _, f := range c.after.files {
		if isPython(f) && (c.before == nil || string(c.before.sources[f]) != string(c.after.sources[f])) {
			files = append(files, f)
		}
	}
	return files
}
