package python

import (
	"sync"

	sitter "github.com/tree-sitter/go-tree-sitter"
	grammar "github.com/tree-sitter/tree-sitter-python/bindings/go"
)

// node is a syntax node copied out of tree-sitter, so that everything after
// the parse is plain Go.
type node struct {
	kind       string // tree-sitter-python's name of the node
	field      string // the field of the parent it fills, or ""
	named      bool
	missing    bool
	start, end int // byte offsets
	children   []node
}

// child returns the child in the given field, or nil.
func (n *node) child(field string) *node {
	for i := range n.children {
		if n.children[i].field == field {
			return &n.children[i]
		}
	}
	return nil
}

// statements returns how many statements a block has.
func (n *node) statements() int {
	count := 0
	for i := range n.children {
		if ch := &n.children[i]; ch.named && ch.kind != "comment" {
			count++
		}
	}
	return count
}

func (n *node) text(src []byte) string { return string(src[n.start:n.end]) }

var language = sync.OnceValue(func() *grammarTable {
	lang := sitter.NewLanguage(grammar.Language())
	t := &grammarTable{lang: lang}
	for id := range lang.NodeKindCount() {
		t.kinds = append(t.kinds, lang.NodeKindForId(uint16(id)))
		t.named = append(t.named, lang.NodeKindIsNamed(uint16(id)))
	}
	for id := range lang.FieldCount() + 1 {
		t.fields = append(t.fields, lang.FieldNameForId(uint16(id)))
	}
	return t
})

// grammarTable holds the names of the grammar, which are costly to ask C for
// one by one.
type grammarTable struct {
	lang   *sitter.Language
	kinds  []string
	named  []bool
	fields []string
}

// parseTree parses src and returns its root, and the line (from 1) of the
// first syntax error, 0 if there is none.
func parseTree(src []byte) (root node, errorLine int) {
	table := language()
	parser := sitter.NewParser()
	defer parser.Close()
	if err := parser.SetLanguage(table.lang); err != nil {
		panic("tree-sitter-python does not fit tree-sitter: " + err.Error())
	}
	tree := parser.Parse(src, nil)
	defer tree.Close()
	cursor := tree.Walk()
	defer cursor.Close()
	broken := tree.RootNode().HasError()
	root = table.copy(cursor, broken, 0, &errorLine)
	return root, errorLine
}

// maxDepth is how deep syntax may be nested. CPython itself gives up on less;
// a file that goes deeper is not to be read at the price of the whole stack.
const maxDepth = 5000

// copy copies the node under the cursor, depth levels down, with all below it.
func (t *grammarTable) copy(cursor *sitter.TreeCursor, broken bool, depth int, errorLine *int) node {
	sn := cursor.Node()
	id := sn.KindId()
	n := node{start: int(sn.StartByte()), end: int(sn.EndByte()), field: t.fields[cursor.FieldId()]}
	switch {
	case int(id) < len(t.kinds):
		n.kind, n.named = t.kinds[id], t.named[id]
	default:
		n.kind, n.named = "ERROR", true
	}
	if broken && *errorLine == 0 && (n.kind == "ERROR" || sn.IsMissing()) {
		*errorLine = int(sn.StartPosition().Row) + 1
	}
	if depth >= maxDepth {
		if *errorLine == 0 {
			*errorLine = int(sn.StartPosition().Row) + 1
		}
		return n
	}
	if cursor.GotoFirstChild() {
		for {
			n.children = append(n.children, t.copy(cursor, broken, depth+1, errorLine))
			if !cursor.GotoNextSibling() {
				break
			}
		}
		cursor.GotoParent()
	}
	return n
}
