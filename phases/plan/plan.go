// Package plan reads what a maintainer wrote, Markdown or YAML, into a Plan:
// what to move, map, retire, delete and keep.
//
// Read finds out which of the two it has before it. A fenced YAML block that
// starts with "restage: 1" wins over the Markdown around it. Everything in a
// plan is hostile until Read has checked it: paths are clean and stay inside
// the repository, sizes and counts are bounded, keys are known.
package plan

import "github.com/restage/restage/phases/input"

// A Plan is one module reorganization. Paths in it are as the author meant
// them: slash-separated and clean, relative to a source root or to the
// repository root, folders with a trailing slash.
type Plan struct {
	Title       string
	SourceRoots []string // where import paths start; empty: detected
	Steps       []Step   // numbered parts of the plan, in order; may be empty
	Moves       []Move
	Imports     []Mapping
	Retire      []Retire
	Delete      []Delete
	Keep        []string          // paths that are never moved and never deleted
	Decide      map[string]string // answers to decisions, by path
	Guide       string            // file that the migration guide is written to, from the repository root; "" for none

	Preconditions []string  // what must hold before the start, a line each, for people
	KnownIssues   []string  // what the author warns of, a line each, for people
	Estimate      string    // what the author says of the plan's size, "~40-50 import statements"; "" if nothing
	Checks        []Check   // what must be so, and can be seen without running anything
	Commands      []Command // programs that the plan wants to be run, such as pytest
	NotRun        []Command // other shell commands; never run either
	Unused        []Unused  // what says nothing that restage acts on
}

// A Step is a numbered part of the plan. Each becomes one commit.
type Step struct {
	Number int
	Title  string // without "Step N:"
	Phase  string // moves, imports or cleanup: the phase the author put it in; "" if unsaid
}

// A Move takes a file or a folder to its new home.
type Move struct {
	From     string // file, or folder with a trailing slash
	To       string // likewise
	Expect   []string
	Export   []string // names the new package's __init__.py re-exports and lists in __all__
	Metadata *Metadata
	Step     int // 0 if none
	Line     int // where the plan says so, from 1; 0 if unknown
}

// Metadata is what becomes of the @meta block of a moved file.
type Metadata struct {
	Domain     string // the new domain; "" leaves it
	FromDomain string // the domain the author believes it has; "" if unsaid
	AddTags    []string
	RemoveTags []string
}

// A Mapping is one row of the import map: names that were imported from Old
// are to be imported from New. Both are dotted modules, "module:name" for one
// symbol, or end in ".*" for a whole package. An empty New means that Old goes
// without replacement.
type Mapping struct {
	Old, New string
	Step     int
	Line     int
}

// A Retire names a compatibility layer: references go to Use, the file or
// folder goes in cleanup.
type Retire struct {
	Path string
	Use  string // dotted module, may end in ".*"; "" when the layer just goes
	Step int
	Line int
}

// A Delete names a file or a folder (trailing slash) that goes in cleanup.
type Delete struct {
	Path        string
	DuplicateOf string // the file it duplicates; "" if none
	Step        int
	Line        int
}

// An Unused is a part of the Markdown that says nothing restage acts on: a
// section, a paragraph, an item, a row of a table or a block of code.
type Unused struct {
	Step int
	Text string // one line; of a section, the title
	Line int
}

// An Error is a mistake in a plan. It says where and what to do about it.
type Error = input.Error
