// Package phases carries out a plan on a tree. It is a pure function: the same
// tree and the same plan give the same Change, byte for byte, with no network,
// no clock and no database. The command line, the bot and the tests all call
// Run.
//
// There are three phases, one file each, run one after the other on the result
// of the one before:
//
//	moves    files go to their new homes, a shim stays at each old path
//	imports  every reference to an old path is rewritten
//	cleanup  shims, retired layers, duplicates and the emptied module go
package phases

import (
	"strings"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// A Phase is moves, imports or cleanup.
type Phase string

// The phases.
const (
	Moves   Phase = "moves"
	Imports Phase = "imports"
	Cleanup Phase = "cleanup"
)

// All is the phases in their order.
var All = []Phase{Moves, Imports, Cleanup}

// A Change is what one phase does to a tree. Paths are relative to the
// repository root.
type Change struct {
	Phase     Phase      `json:"phase"`
	Commits   []Commit   `json:"commits"`
	Moved     []Moved    `json:"moved"`
	Rewritten []Rewrite  `json:"rewritten"`
	Deleted   []string   `json:"deleted"`
	Decisions []Decision `json:"decisions"`
	Warnings  []Warning  `json:"warnings"`

	// Guide is, of cleanup, the old and new import of every public name that the
	// plan gives a new home.
	Guide []NewImport `json:"guide,omitempty"`

	// Claims lists the files and folders that the plan moves, makes, deletes or
	// compares, in whatever phase, sorted.
	Claims []string `json:"-"`

	// Sources lists the files that the plan moves and that are still, or again,
	// at their old places, sorted. See Options.Known.
	Sources []string `json:"-"`

	// Unasked lists the paths of the answers in the plan that neither this
	// phase nor one after it has a question for, sorted.
	Unasked []string `json:"-"`
}

// A Commit is one step of the plan carried out: apply Edits with tree.Apply.
type Commit struct {
	Step  int         `json:"step"` // 0 when no step of the plan asks for it
	Title string      `json:"title"`
	Files []string    `json:"files"` // the paths that Edits touch, sorted
	Edits []tree.Edit `json:"-"`
}

// Moved says that a file went From one path To another.
type Moved struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Merged bool   `json:"merged,omitempty"` // To was there already and stays as it is
}

// A Rewrite counts the references that were rewritten in one file.
type Rewrite struct {
	Path       string `json:"path"`
	References int    `json:"references"`

	kinds [python.ReferenceKinds]int
}

func newRewrite(path string, edits []python.Edit) Rewrite {
	r := Rewrite{Path: path}
	for _, e := range edits {
		r.References += e.Refs
		r.kinds[e.Kind] += e.Refs
	}
	return r
}

// A Decision is a question only a maintainer can answer. It is answered by its
// path, with one of its options.
type Decision struct {
	Path     string   `json:"path"` // spelt as in the plan
	Question string   `json:"question"`
	Options  []string `json:"options"` // the first is what restage would choose

	holds []string // files that stay while it is open, if they are not below Path
}

// Answers lists the options for people.
func (d Decision) Answers() string {
	all := strings.Join(d.Options, " or ")
	if len(d.Options) > 1 {
		all += "; restage would choose " + d.Options[0]
	}
	return all
}

// A Warning is something a person should look at.
type Warning struct {
	Path    string `json:"path"`
	Line    int    `json:"line"` // from 1; 0 for the whole file
	Rule    string `json:"rule"` // a short name, such as "dynamic-import"
	Message string `json:"message"`
}

// Options are the settings that change what phases do. Most come from
// .github/restage.yml on the default branch.
type Options struct {
	SourceRoots []string // as in a plan, used when the plan has none
	Include     []string // globs of paths that may be rewritten; empty means all
	Exclude     []string // globs of paths that are never rewritten
	NoShims     bool     // leave no shim at old paths
	Workflows   bool     // rewrite .github/workflows too, which an app may push only by a permission of its own
	Known       []string // the Sources of a Change when the plan was first looked at: about others it is asked whether they move; nil: all move
	PlanFile    string   // path of the plan in the repository, which is never rewritten; "" if none
}
