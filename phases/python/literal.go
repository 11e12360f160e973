package python

import (
	"bytes"
	"strings"
)

func (r *reader) call(n *node, s *Scope, c context, decorator bool) {
	function, args := n.child("function"), n.child("arguments")
	if function != nil {
		r.visit(function, s, c)
	}
	if args == nil {
		return
	}
	if args.kind != "argument_list" {
		r.visit(args, s, c)
		return
	}
	callee := ""
	if function != nil && (function.kind == "identifier" || function.kind == "attribute") {
		callee = compact(function.text(r.src))
	}
	positional := 0
	for i := range args.children {
		if ch := &args.children[i]; ch.named && ch.kind != "comment" && ch.kind != "keyword_argument" {
			positional++
		}
	}
	if s.Kind == ModuleScope && strings.HasPrefix(callee, "__all__.") {
		r.calledAll(callee, args)
	}
	at := 0
	var first *Use
	for i := range args.children {
		ch := &args.children[i]
		switch {
		case isString(ch):
			r.str(ch, s, String{Callee: callee, Arg: at, Args: positional, Deco: decorator, First: first})
			at++
		case ch.kind == "binary_operator" && isString(ch.child("left")):
			r.str(ch.child("left"), s, String{Callee: callee, Arg: at, Args: positional, Deco: decorator, Joined: true})
			r.rest(ch, s, c, "left")
			at++
		case ch.kind == "keyword_argument" && isString(ch.child("value")):
			r.str(ch.child("value"), s, String{Callee: callee, Arg: -1, Args: positional, Deco: decorator})
		default:
			before := len(r.f.Uses)
			r.visit(ch, s, c)
			if at == 0 && len(r.f.Uses) == before+1 && (ch.kind == "identifier" || ch.kind == "attribute") {
				use := r.f.Uses[before]
				first = &use
			}
			if ch.named && ch.kind != "comment" {
				at++
			}
		}
	}
}

// calledAll reads __all__.extend([...]) and __all__.append("name").
func (r *reader) calledAll(callee string, args *node) {
	for i := range args.children {
		switch ch := &args.children[i]; {
		case !ch.named || ch.kind == "comment":
		case callee == "__all__.extend" || callee == "__all__.append":
			r.listed(ch)
		default:
			r.allOpen = true
		}
	}
}

func isString(n *node) bool {
	return n != nil && (n.kind == "string" || n.kind == "concatenated_string")
}

// isExpression reports whether a module is one expression that binds nothing.
func isExpression(root *node) bool {
	if len(root.children) != 1 || root.children[0].kind != "expression_statement" || len(root.children[0].children) != 1 {
		return false
	}
	kind := root.children[0].children[0].kind
	return kind != "assignment" && kind != "augmented_assignment" && kind != "named_expression"
}

// concatenated records literals side by side: as one if they are plain and
// alike, else each by itself.
func (r *reader) concatenated(n *node, s *Scope, into String) {
	whole, ok := into, true
	for i := range n.children {
		ch := &n.children[i]
		lit := literal(ch, r.src)
		if i == 0 {
			whole.Span, whole.Content, whole.Prefix, whole.Scope = lit.Span, lit.Content, lit.Prefix, s
		}
		quote := string(r.src[lit.Content.End:lit.End])
		ok = ok && ch.kind == "string" && lit.Prefix == whole.Prefix && strings.IndexByte(lit.Prefix, 'f') < 0 &&
			quote == string(r.src[whole.Content.End:whole.End])
		whole.Content.End, whole.End = lit.Content.End, lit.End
		whole.Pieces = append(whole.Pieces, lit.Content)
		whole.value += lit.Text(r.src)
	}
	if ok {
		r.f.Strings = append(r.f.Strings, whole)
		return
	}
	into.Joined = true
	for i := range n.children {
		if ch := &n.children[i]; ch.kind == "string" {
			r.str(ch, s, into)
		} else {
			r.visit(ch, s, context{})
		}
	}
}

// str records a string literal and reads the expressions in an f-string.
func (r *reader) str(n *node, s *Scope, into String) {
	if n.kind == "concatenated_string" {
		r.concatenated(n, s, into)
		return
	}
	lit := literal(n, r.src)
	into.Span, into.Content, into.Prefix, into.Scope = lit.Span, lit.Content, lit.Prefix, s
	var interpolations func(n *node)
	interpolations = func(n *node) {
		for i := range n.children {
			if ch := &n.children[i]; ch.kind == "interpolation" || ch.kind == "format_expression" {
				into.Format = true
				r.block(ch, s, context{})
			} else if ch.kind == "string_content" {
				into.Pieces = append(into.Pieces, Span{ch.start, ch.end})
				interpolations(ch)
			}
		}
	}
	interpolations(n)
	r.f.Strings = append(r.f.Strings, into)
	if r.annotated && !r.literals || into.annotates() {
		r.quoted(into, s)
	}
}

// annotates reports whether the string is an argument that type checkers read
// as an annotation.
func (s String) annotates() bool {
	switch s.Callee[strings.LastIndexByte(s.Callee, '.')+1:] {
	case "cast", "ForwardRef":
		return s.Arg == 0
	case "NewType":
		return s.Arg == 1
	case "TypeVar":
		return s.Arg != 0
	}
	return false
}

// quoted reads the uses in an annotation that is a string.
func (r *reader) quoted(lit String, s *Scope) {
	src := r.src[lit.Content.Start:lit.Content.End]
	if lit.Format || bytes.IndexByte(src, '.') < 0 || bytes.IndexByte(src, '\\') >= 0 {
		return
	}
	root, errorLine := parseTree(src)
	if errorLine != 0 || !isExpression(&root) {
		return
	}
	inner := &reader{f: &Syntax{Src: src}, src: src, annotated: true}
	inner.block(&root, s, context{})
	for _, u := range inner.f.Uses {
		for i := range u.Parts {
			u.Parts[i].Start += lit.Content.Start
			u.Parts[i].End += lit.Content.Start
		}
		u.Quoted = true
		r.f.Uses = append(r.f.Uses, u)
	}
}

// literal returns the extent of a string literal.
func literal(n *node, src []byte) String {
	s := String{Span: Span{n.start, n.end}, Content: Span{n.start, n.end}}
	for i := range n.children {
		switch ch := &n.children[i]; ch.kind {
		case "string_start":
			s.Content.Start = ch.end
			s.Prefix = strings.ToLower(strings.TrimRight(ch.text(src), `'"`))
		case "string_end":
			s.Content.End = ch.start
		}
	}
	return s
}
