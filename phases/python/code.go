package python

import "strings"

// Own returns what the file has of its own, by name, in order. A wrapper has
// nothing: it re-exports, gives other names to what it imports, forwards calls,
// warns.
func (f *Syntax) Own() []string {
	var own []string
	root, _ := parseTree(f.Src)
	for i := range root.children {
		f.own(&root.children[i], &own)
	}
	return own
}

func (f *Syntax) own(n *node, own *[]string) {
	switch n.kind {
	case "comment", "import_statement", "import_from_statement", "future_import_statement", "pass_statement", "global_statement", "delete_statement":
	case "expression_statement":
		for i := range n.children {
			f.ownExpression(&n.children[i], own)
		}
	case "function_definition":
		if name := n.child("name").text(f.Src); name != "__getattr__" && name != "__dir__" && !f.forwards(n) {
			*own = append(*own, name)
		}
	case "class_definition":
		*own = append(*own, n.child("name").text(f.Src))
	case "decorated_definition":
		if d := n.child("definition"); d != nil {
			f.own(d, own)
		}
	case "if_statement", "try_statement", "else_clause", "elif_clause", "except_clause", "finally_clause", "block", "with_statement":
		for i := range n.children {
			if n.children[i].kind == "block" || strings.HasSuffix(n.children[i].kind, "_clause") {
				f.ownBlock(&n.children[i], own)
			}
		}
	default:
		if n.named {
			*own = append(*own, "code that runs")
		}
	}
}

func (f *Syntax) ownBlock(n *node, own *[]string) {
	for i := range n.children {
		ch := &n.children[i]
		if n.kind == "block" || ch.kind == "block" {
			if ch.kind == "block" {
				f.ownBlock(ch, own)
			} else if ch.named {
				f.own(ch, own)
			}
		}
	}
}

func (f *Syntax) ownExpression(n *node, own *[]string) {
	switch n.kind {
	case "string", "ellipsis", "concatenated_string":
	case "call":
		if fn := n.child("function"); fn == nil || !strings.Contains(fn.text(f.Src), "warn") {
			*own = append(*own, "code that runs")
		}
	case "augmented_assignment":
		if left := n.child("left"); left == nil || left.text(f.Src) != "__all__" {
			*own = append(*own, left.text(f.Src))
		}
	case "assignment":
		left, right := n.child("left"), n.child("right")
		if left == nil || left.kind != "identifier" || right == nil {
			return
		}
		name := left.text(f.Src)
		switch {
		case strings.HasPrefix(name, "_"):
		case right.kind == "attribute" || right.kind == "identifier" || right.kind == "none":
		case right.kind == "call" && strings.Contains(right.text(f.Src), "getLogger"):
		default:
			*own = append(*own, name)
		}
	default:
		if n.named && n.kind != "comment" {
			*own = append(*own, "code that runs")
		}
	}
}

// forwards reports whether a function only warns and hands its call on to
// something imported.
func (f *Syntax) forwards(fn *node) bool {
	body := fn.child("body")
	if body == nil {
		return false
	}
	returns := false
	for i := range body.children {
		n := &body.children[i]
		switch n.kind {
		case "comment", "import_statement", "import_from_statement", "pass_statement":
		case "expression_statement":
			ok := false
			for j := range n.children {
				switch ch := &n.children[j]; ch.kind {
				case "string":
					ok = true
				case "call":
					callee := ch.child("function").text(f.Src)
					if strings.Contains(callee, "warn") || strings.Contains(callee, "deprecat") {
						ok = true
					} else if f.imported(callee, fn) {
						ok, returns = true, true
					}
				}
			}
			if !ok {
				return false
			}
		case "return_statement":
			for j := range n.children {
				ch := &n.children[j]
				if ch.kind == "await" && len(ch.children) > 0 {
					ch = &ch.children[len(ch.children)-1]
				}
				if ch.kind == "call" && f.imported(ch.child("function").text(f.Src), fn) {
					returns = true
				} else if ch.named && ch.kind != "comment" && !returns {
					return false
				}
			}
		default:
			return false
		}
	}
	return returns
}

// imported reports whether the first part of a dotted name is imported, by the
// module or within the function.
func (f *Syntax) imported(dotted string, fn *node) bool {
	head, _, _ := strings.Cut(compact(dotted), ".")
	for _, imp := range f.Imports {
		inside := imp.Start >= fn.start && imp.End <= fn.end
		if imp.Scope != f.Module && !inside {
			continue
		}
		for _, in := range imp.Names {
			if in.Bound == head {
				return true
			}
		}
	}
	return false
}

// Code returns the file's code in a form that is the same for files that have
// equal syntax trees but for docstrings, comments and layout. What an import
// names is passed through name, so that imports of one thing by different
// paths can be the same.
func (f *Syntax) Code(name func(*Import) string) string {
	var b strings.Builder
	at := map[int]*Import{}
	for _, imp := range f.Imports {
		at[imp.Start] = imp
	}
	root, _ := parseTree(f.Src)
	f.code(&root, &b, at, name)
	return b.String()
}

func (f *Syntax) code(n *node, b *strings.Builder, imports map[int]*Import, name func(*Import) string) {
	switch n.kind {
	case "comment", "line_continuation":
		return
	case "import_from_statement":
		if imp := imports[n.start]; imp != nil {
			b.WriteString("from " + name(imp) + " import ")
			for _, in := range imp.Names {
				b.WriteString(in.Name + " as " + in.Bound + " ")
			}
			if imp.Star {
				b.WriteString("*")
			}
			b.WriteString("\n")
			return
		}
	case "expression_statement":
		if len(n.children) == 1 && n.children[0].kind == "string" {
			return // a docstring
		}
	case "string":
		lit := literal(n, f.Src)
		b.WriteString(strings.Trim(lit.Prefix, "u") + `"` + lit.Text(f.Src) + "\" ")
		return
	case "argument_list", "list", "tuple", "set", "dictionary", "parameters":
		f.codeItems(n, b, imports, name)
		return
	}
	if len(n.children) == 0 {
		b.WriteString(n.text(f.Src) + " ")
		return
	}
	block := n.kind == "block" || n.kind == "module"
	for i := range n.children {
		before := b.Len()
		f.code(&n.children[i], b, imports, name)
		if block && b.Len() > before {
			b.WriteString("\n|")
		}
	}
	if block {
		b.WriteString("\n}")
	}
}

// codeItems writes a bracketed list without the trailing comma, which means
// nothing except in a tuple of one.
func (f *Syntax) codeItems(n *node, b *strings.Builder, imports map[int]*Import, name func(*Import) string) {
	var items []*node
	for i := range n.children {
		if n.children[i].kind != "comment" {
			items = append(items, &n.children[i])
		}
	}
	if k := len(items); k > 3 && items[k-2].kind == "," {
		items = append(items[:k-2], items[k-1])
	}
	for _, item := range items {
		f.code(item, b, imports, name)
	}
}
