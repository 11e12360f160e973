// Package python reads Python as text: which modules a tree has, what a file
// imports, binds and refers to, and where exactly, to the byte. It rewrites
// nothing by itself; it hands out places, and Edits put new text there.
//
// Parse goes over a file from front to back. A lexer cuts it into tokens, a
// parser makes a tree of them, as strict as CPython, and a reader takes from the
// tree what a Syntax holds: imports, uses, strings, and the scopes that say what
// a name means. The tree is gone then, and its memory serves the next file.
package python

import (
	"bytes"
	"strings"
)

// A Syntax is what restage needs to know of one Python file. Offsets are bytes
// in Src.
type Syntax struct {
	Src       []byte
	ErrorLine int // line of the first syntax error, from 1; 0 if the file parses
	Imports   []*Import
	Uses      []Use
	Strings   []String
	Comments  []Span
	Module    *Scope
	Aliases   []Alias  // every place that does so, in order
	All       *AllList // the module's __all__, if a list of strings is part of it
	Meta      *String  // the first module-level string that begins with @meta

	Definitions []string // names of all functions and classes, in the order of the source

	begins []int // where statements of the module begin a line
}

// An Alias is a name that is given a dotted name, as in "u = lib.util".
type Alias struct {
	Scope *Scope // in which it is bound
	Name  string
}

// A Span is a range of bytes.
type Span struct{ Start, End int }

// An Import is one import statement.
type Import struct {
	Span
	From        bool
	Level       int  // leading dots of a relative import
	Module      Span // in a from import: dots and dotted name
	Name        string
	Names       []ImportName
	Star        bool
	Scope       *Scope
	ModuleLevel bool // runs when the module is imported, and not only for type checkers
	TypeOnly    bool // stands under "if TYPE_CHECKING"
	Guarded     bool // stands in a try statement
	Block       int  // where its block begins; what is in one block runs in order
	Sole        bool // is the only statement of its block
}

// An ImportName is one name of an import statement.
type ImportName struct {
	Span         // "a.b as c"
	Path    Span // "a.b"
	Name    string
	As      string // "" if there is none
	Bound   string // the name that the statement binds: As, or the first part of Name
	Exposed bool   // "from m import a as a"
}

// A Use is a name that is read, with the attributes that follow: a.b.c.
type Use struct {
	Scope  *Scope
	Parts  []Part
	Store  bool // the last part is assigned to or deleted
	Quoted bool // stands in an annotation that is a string or a comment
}

// A Part is one identifier of a Use.
type Part struct {
	Text string
	Span
}

// Dotted returns the first n parts joined by dots.
func (u Use) Dotted(n int) string {
	parts := make([]string, n)
	for i := range n {
		parts[i] = u.Parts[i].Text
	}
	return strings.Join(parts, ".")
}

// A String is one string literal.
type String struct {
	Span           // with prefix and quotes
	Content Span   // between the quotes
	Pieces  []Span // the literal parts of Content, without interpolations
	Prefix  string // lower case: "", "f", "rb", ...
	Doc     bool   // an expression statement of its own: a docstring
	Callee  string // "mock.patch" if the literal is an argument of such a call
	Call    Span   // that call, from the callee to the closing parenthesis
	Arg     int    // its position among the call's arguments, from 0; -1 for a keyword
	Keyword string // which keyword
	Args    int    // how many positional arguments the call has
	First   *Use   // the first argument of the call, if it is a name or chain before the literal
	Scope   *Scope
	Format  bool   // has interpolations
	Deco    bool   // the call is a decorator
	Joined  bool   // more is added to it with + or %, or by a literal beside it
	value   string // of several literals side by side: what they are together
}

// Text returns the bytes between the quotes.
func (s String) Text(src []byte) string {
	if s.value != "" {
		return s.value
	}
	return string(src[s.Content.Start:s.Content.End])
}

// An AllList is the module's __all__.
type AllList struct {
	Span  // the first list of literals
	Names []string
	Items []Span // the literals of the first list
	Open  bool   // it has more names, which are put together at run time
}

// Parse reads one Python file. It never fails: what does not parse has an
// ErrorLine, and whatever else could be read of it.
func Parse(src []byte) *Syntax {
	f := &Syntax{Src: src}
	f.Module = &Scope{Kind: ModuleScope}
	withTree(src, func(t *syntaxTree) {
		f.ErrorLine, f.Comments = t.errorLine, t.comments
		if line := undecodable(src, t.comments); line > 0 && (f.ErrorLine == 0 || line < f.ErrorLine) {
			f.ErrorLine = line
		}
		r := &reader{syntaxTree: t, f: f, whole: string(src)}
		r.makeRoom()
		f.begins = t.begins()
		r.block(&t.root, f.Module, context{moduleLevel: true})
		r.typeComments()
		if f.All != nil {
			f.All.Open = r.allOpen
		}
	})
	return f
}

// Line returns the line of a byte offset, from 1.
func (f *Syntax) Line(offset int) int { return 1 + bytes.Count(f.Src[:offset], []byte("\n")) }
