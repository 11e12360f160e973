// Package check verifies the result of a phase without running any code:
// structure, imports, cycles and leftovers. It resolves modules and names by
// its own means, not by the rewriter's, so that a mistake of one is caught by
// the other.
package check

import "github.com/restage/restage/phases/tree"

// Names of the checks, in the order they are shown. Each becomes the check run
// "restage / NAME".
const (
	Structure = "structure" // everything the plan says is where it says, exports exist
	Imports   = "imports"   // no first-party import is unresolved that was resolved before
	Cycles    = "cycles"    // no new import-time cycle
	Leftovers = "leftovers" // no reference to a path that is gone
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

// An Expectation is what a tree is checked against.
type Expectation struct {
	Roots         []string
	Before, After tree.Tree // Before may be nil
}
