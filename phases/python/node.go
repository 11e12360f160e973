package python

import (
	"bytes"
	"sync"
)

// A node is one piece of Python syntax. Its children lie side by side in the
// tree's nodes, in the order of the source.
type node struct {
	kind       kind
	field      field
	start, end int32 // byte offsets
	first      int32 // index of the first child
	count      int32
}

// A kind is the kind of a node, after the sections of the Python language
// reference.
type kind uint8

const (
	kindNone kind = iota
	kindModule
	kindBlock

	// Statements.
	kindImport     // import a.b as c: a dotted or aliased for each name
	kindFromImport // from a import b: the module in fieldModule, then names
	kindFuture
	kindFunction
	kindClass
	kindDecorated
	kindDecorator
	kindIf // and elif
	kindElse
	kindFor
	kindWhile
	kindTry
	kindExcept
	kindFinally
	kindWith
	kindMatch
	kindCase
	kindReturn
	kindRaise
	kindAssert
	kindDelete
	kindGlobal
	kindNonlocal
	kindPass // and break, continue
	kindTypeAlias
	kindExpression // an expression as a statement, and assignments
	kindAssignment
	kindAugmented

	// Parts of statements.
	kindDotted
	kindAliased
	kindStarName // the * of a star import
	kindParameters
	kindParameter
	kindTypeParameters
	kindTypeParameter
	kindAs // "expression as target" in with and except
	kindPattern
	kindCapture // a name that a pattern binds

	// Expressions.
	kindIdentifier
	kindNumber
	kindConstant // None, True, False, ...
	kindString
	kindPiece         // the literal part of an f-string
	kindInterpolation // the replaced part of an f-string
	kindConcatenated
	kindAttribute
	kindCall
	kindArguments
	kindKeyword // name=value
	kindSubscript
	kindSlice
	kindOperator
	kindBinary // operands and operators in turn; comparisons and "and" too
	kindUnary
	kindConditional
	kindLambda
	kindNamed // :=
	kindAwait
	kindYield
	kindStar // *a and **a
	kindParenthesized
	kindTuple
	kindList
	kindSet
	kindDict
	kindListComprehension
	kindSetComprehension
	kindDictComprehension
	kindGenerator
	kindForIn
)

// A field says what a child is to its parent.
type field uint8

const (
	fieldNone field = iota
	fieldName
	fieldAlias
	fieldModule
	fieldParameters
	fieldTypeParameters
	fieldType
	fieldDefault
	fieldBody // of an if statement: what its condition guards
	fieldCondition
	fieldDefinition
	fieldLeft
	fieldRight
	fieldFunction
	fieldArguments
	fieldObject
	fieldAttribute
	fieldValue
)

// A syntaxTree is what the parser makes of one file. It holds no pointers, and
// its memory is used again for the next.
type syntaxTree struct {
	src       []byte
	nodes     []node
	root      node
	comments  []Span
	errorLine int // of the first syntax error, from 1; 0 if there is none
}

// children returns the nodes directly below n.
func (t *syntaxTree) children(n *node) []node { return t.nodes[n.first : n.first+n.count] }

// child returns the child of n in the given field, or nil.
func (t *syntaxTree) child(n *node, f field) *node {
	children := t.children(n)
	for i := range children {
		if children[i].field == f {
			return &children[i]
		}
	}
	return nil
}

// begins returns where statements of the module begin a line that does not go
// on from the one before.
func (t *syntaxTree) begins() []int {
	var list []int
	statements := t.children(&t.root)
	for i := range statements {
		at := int(statements[i].start)
		line := at == 0 || t.src[at-1] == '\n'
		if line && !bytes.HasSuffix(t.src[:at], []byte("\\\n")) && !bytes.HasSuffix(t.src[:at], []byte("\\\r\n")) {
			list = append(list, at)
		}
	}
	return list
}

func (t *syntaxTree) text(n *node) string { return string(t.src[n.start:n.end]) }

var parsers = sync.Pool{New: func() any { return new(parser) }}

// withTree parses src and calls use with the tree, which is gone afterwards.
func withTree(src []byte, use func(*syntaxTree)) {
	p := parsers.Get().(*parser)
	use(p.parse(src))
	p.lexer = lexer{indents: p.indents}
	if cap(p.nodes) < 1<<20 { // the memory for one huge file is not for keeping
		parsers.Put(p)
	}
}
