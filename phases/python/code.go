package python

import (
	"strings"
)

// Own returns what the file has of its own, by name, in order. A wrapper has
// nothing: it re-exports, gives other names to what it imports, forwards calls,
// warns.
func (f *Syntax) Own() []string {
	var o owner
	withTree(f.Src, func(t *syntaxTree) {
		o = owner{syntaxTree: t, f: f}
		o.statements(&t.root)
	})
	return o.own
}

// An owner collects what a file has of its own.
type owner struct {
	*syntaxTree
	f   *Syntax
	own []string
}

func (o *owner) add(name string) { o.own = append(o.own, name) }

func (o *owner) statements(n *node) {
	children := o.children(n)
	for i := range children {
		o.statement(&children[i])
	}
}

func (o *owner) statement(n *node) {
	switch n.kind {
	case kindImport, kindFromImport, kindFuture, kindPass, kindGlobal, kindDelete:
	case kindExpression:
		o.expression(&o.children(n)[0])
	case kindFunction:
		if name := o.text(o.child(n, fieldName)); name != "__getattr__" && name != "__dir__" && !o.forwards(n) {
			o.add(name)
		}
	case kindClass:
		o.add(o.text(o.child(n, fieldName)))
	case kindDecorated:
		o.statement(o.child(n, fieldDefinition))
	case kindIf, kindTry, kindElse, kindExcept, kindFinally, kindWith:
		children := o.children(n)
		for i := range children {
			switch ch := &children[i]; ch.kind {
			case kindBlock:
				o.statements(ch)
			case kindIf, kindElse, kindExcept, kindFinally:
				o.statement(ch)
			}
		}
	default:
		o.add("code that runs")
	}
}

func (o *owner) expression(n *node) {
	switch n.kind {
	case kindString, kindConcatenated:
	case kindConstant:
		if o.text(n) != "..." {
			o.add("code that runs")
		}
	case kindCall:
		if !strings.Contains(o.text(o.child(n, fieldFunction)), "warn") {
			o.add("code that runs")
		}
	case kindAugmented:
		if left := o.text(o.child(n, fieldLeft)); left != "__all__" {
			o.add(left)
		}
	case kindAssignment:
		left, right := o.child(n, fieldLeft), o.child(n, fieldRight)
		if left.kind != kindIdentifier || right == nil {
			return
		}
		name := o.text(left)
		switch {
		case strings.HasPrefix(name, "_"):
		case right.kind == kindAttribute || right.kind == kindIdentifier || right.kind == kindConstant && o.text(right) == "None":
		case right.kind == kindCall && strings.Contains(o.text(right), "getLogger"):
		default:
			o.add(name)
		}
	default:
		o.add("code that runs")
	}
}

// forwards reports whether a function only warns and hands its call on to
// something imported.
func (o *owner) forwards(fn *node) bool {
	returns := false
	body := o.children(o.child(fn, fieldBody))
	for i := range body {
		ok, call := o.forwarding(&body[i], fn)
		if !ok {
			return false
		}
		returns = returns || call
	}
	return returns
}

// forwarding reports whether a statement may stand in a function that forwards,
// and whether it is what hands the call on.
func (o *owner) forwarding(n, fn *node) (ok, call bool) {
	switch n.kind {
	case kindImport, kindFromImport, kindPass:
		return true, false
	case kindExpression:
		value := &o.children(n)[0]
		if isString(value) {
			return true, false
		}
		if value.kind != kindCall {
			return false, false
		}
		callee := o.text(o.child(value, fieldFunction))
		if strings.Contains(callee, "warn") || strings.Contains(callee, "deprecat") {
			return true, false
		}
		call = o.imported(callee, fn)
		return call, call
	case kindReturn:
		if n.count == 0 {
			return true, false
		}
		value := &o.children(n)[0]
		if value.kind == kindAwait {
			value = &o.children(value)[0]
		}
		call = value.kind == kindCall && o.imported(o.text(o.child(value, fieldFunction)), fn)
		return call, call
	}
	return false, false
}

// imported reports whether the first part of a dotted name is imported, by the
// module or within the function.
func (o *owner) imported(dotted string, fn *node) bool {
	head, _, _ := strings.Cut(compact(dotted), ".")
	for _, imp := range o.f.Imports {
		inside := imp.Start >= int(fn.start) && imp.End <= int(fn.end)
		if imp.Scope != o.f.Module && !inside {
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
// equal syntax trees but for docstrings, comments and layout. What imports name,
// and chains that start from a plain import, is passed through name, with the
// leading dots of a relative import, so that one thing by different paths can be
// the same.
func (f *Syntax) Code(name func(module string, level int) string) string {
	c := coder{imports: map[int]*Import{}, heads: map[string]bool{}, name: name}
	for _, imp := range f.Imports {
		c.imports[imp.Start] = imp
		for _, in := range imp.Names {
			if !imp.From && in.As == "" {
				c.heads[in.Bound] = true
			}
		}
	}
	withTree(f.Src, func(t *syntaxTree) {
		c.syntaxTree = t
		c.write(&t.root)
	})
	return c.String()
}

// A coder writes a syntax tree.
type coder struct {
	*syntaxTree
	strings.Builder
	imports map[int]*Import // by offset
	heads   map[string]bool // names that plain imports bind
	name    func(module string, level int) string
}

func (c *coder) write(n *node) {
	switch n.kind {
	case kindFromImport:
		c.fromImport(c.imports[int(n.start)])
		return
	case kindImport:
		for _, in := range c.imports[int(n.start)].Names {
			c.WriteString("import " + c.name(in.Name, 0) + " as " + in.As + "\n")
		}
		return
	case kindAttribute:
		if chain := compact(c.text(n)); c.isChain(n) {
			c.chain(strings.Split(chain, "."))
			return
		}
	case kindExpression:
		if c.children(n)[0].kind == kindString {
			return // a docstring
		}
	case kindParenthesized:
		c.write(&c.children(n)[0])
		return
	case kindString:
		c.literal(n)
		return
	}
	c.WriteByte(byte('A' + n.kind/26))
	c.WriteByte(byte('a' + n.kind%26))
	c.WriteByte(byte('0' + n.field))
	if n.count == 0 {
		c.WriteString(compact(c.text(n)) + " ")
		return
	}
	c.WriteByte('(')
	children := c.children(n)
	for i := range children {
		c.write(&children[i])
	}
	c.WriteByte(')')
}

func (c *coder) fromImport(imp *Import) {
	c.WriteString("from " + c.name(imp.Name, imp.Level) + " import ")
	for _, in := range imp.Names {
		c.WriteString(in.Name + " as " + in.Bound + " ")
	}
	if imp.Star {
		c.WriteByte('*')
	}
	c.WriteByte('\n')
}

// isChain reports whether an attribute is one of names alone that starts from a
// plain import.
func (c *coder) isChain(n *node) bool {
	for n.kind == kindAttribute {
		n = &c.children(n)[0]
	}
	return n.kind == kindIdentifier && c.heads[c.text(n)]
}

// chain writes a.b.c with the longest module in it by the name that it gets.
func (c *coder) chain(parts []string) {
	for n := len(parts); n > 0; n-- {
		module := strings.Join(parts[:n], ".")
		if to := c.name(module, 0); to != module {
			parts = append([]string{to}, parts[n:]...)
			break
		}
	}
	c.WriteString(strings.Join(parts, ".") + " ")
}

func (c *coder) literal(n *node) {
	text := c.text(n)
	lit := literal(n, text)
	content := text[lit.Content.Start-lit.Start : lit.Content.End-lit.Start]
	c.WriteString(strings.Trim(lit.Prefix, "u") + `"` + content + `" `)
}
