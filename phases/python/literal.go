package python

import "strings"

func (r *reader) call(n *node, s *Scope, c context, decorator bool) {
	function, args := r.child(n, fieldFunction), r.child(n, fieldArguments)
	r.visit(function, s, c)
	into := String{Deco: decorator, Call: n.span()}
	if function.kind == kindIdentifier || function.kind == kindAttribute {
		into.Callee = compact(r.text(function))
	}
	items := r.children(args)
	if s.Kind == ModuleScope && strings.HasPrefix(into.Callee, "__all__.") {
		r.calledAll(into.Callee, items)
	}
	for i := range items {
		if items[i].kind != kindKeyword {
			into.Args++
		}
	}
	for i := range items {
		ch := &items[i]
		switch {
		case ch.kind == kindKeyword:
			value := r.bare(r.child(ch, fieldValue))
			if !isString(value) {
				r.visit(value, s, c)
				continue
			}
			keyword := into
			keyword.Arg, keyword.First, keyword.Keyword = -1, nil, r.text(r.child(ch, fieldName))
			r.str(value, s, keyword)
			continue
		case isString(r.bare(ch)):
			r.str(r.bare(ch), s, into)
		case r.isJoined(ch):
			r.joined(ch, s, c, into)
		default:
			before := len(r.f.Uses)
			r.visit(ch, s, c)
			if into.Arg == 0 && len(r.f.Uses) == before+1 && (ch.kind == kindIdentifier || ch.kind == kindAttribute) {
				use := r.f.Uses[before]
				into.First = &use
			}
		}
		into.Arg++
	}
}

// calledAll reads __all__.extend([...]) and __all__.append("name").
func (r *reader) calledAll(callee string, args []node) {
	for i := range args {
		if callee == "__all__.extend" || callee == "__all__.append" {
			r.listed(&args[i])
		} else {
			r.allOpen = true
		}
	}
}

// bare returns what stands in the parentheses around an expression.
func (r *reader) bare(n *node) *node {
	for n.kind == kindParenthesized {
		n = &r.children(n)[0]
	}
	return n
}

func isString(n *node) bool { return n.kind == kindString || n.kind == kindConcatenated }

// isJoined reports whether an expression is a literal with + or % behind it.
func (r *reader) isJoined(n *node) bool {
	if n.kind != kindBinary || !isString(&r.children(n)[0]) {
		return false
	}
	operator := r.text(&r.children(n)[1])
	return operator == "+" || operator == "%"
}

// joined reads an argument that is a literal with more added to it.
func (r *reader) joined(n *node, s *Scope, c context, into String) {
	into.Joined, into.First = true, nil
	operands := r.children(n)
	r.str(&operands[0], s, into)
	for i := range operands[1:] {
		r.visit(&operands[1+i], s, c)
	}
}

// concatenated records literals side by side: as one if they are plain and
// alike, else each by itself.
func (r *reader) concatenated(n *node, s *Scope, into String) {
	whole, ok := into, true
	var value strings.Builder
	children := r.children(n)
	for i := range children {
		lit := literal(&children[i], r.text(&children[i]))
		if i == 0 {
			whole.Span, whole.Content, whole.Prefix, whole.Scope = lit.Span, lit.Content, lit.Prefix, s
		}
		quote := r.whole[lit.Content.End:lit.End]
		between := r.whole[whole.End:max(whole.End, lit.Start)]
		ok = ok && lit.Prefix == whole.Prefix && !strings.Contains(between, "#") && !strings.ContainsAny(lit.Prefix, "ft") &&
			quote == r.whole[whole.Content.End:whole.End]
		whole.Content.End, whole.End = lit.Content.End, lit.End
		whole.Pieces = append(whole.Pieces, lit.Content)
		value.WriteString(r.whole[lit.Content.Start:lit.Content.End])
	}
	if ok {
		whole.value = value.String()
		r.f.Strings = append(r.f.Strings, whole)
		return
	}
	into.Joined = true
	for i := range children {
		r.str(&children[i], s, into)
	}
}

// str records a string literal and reads the expressions in an f-string.
func (r *reader) str(n *node, s *Scope, into String) {
	if n.kind == kindConcatenated {
		r.concatenated(n, s, into)
		return
	}
	lit := literal(n, r.text(n))
	into.Span, into.Content, into.Prefix, into.Scope = lit.Span, lit.Content, lit.Prefix, s
	if !strings.ContainsAny(lit.Prefix, "ft") && lit.Content.End > lit.Content.Start {
		into.Pieces = []Span{lit.Content}
	}
	children := r.children(n)
	for i := range children {
		switch ch := &children[i]; ch.kind {
		case kindPiece:
			into.Pieces = append(into.Pieces, ch.span())
		case kindInterpolation:
			into.Format = true
			r.block(ch, s, context{})
		}
	}
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
	text := r.whole[lit.Content.Start:lit.Content.End]
	if lit.Format || !strings.Contains(text, ".") || strings.Contains(text, "\\") {
		return
	}
	src := []byte(text)
	withTree(src, func(t *syntaxTree) {
		if t.errorLine != 0 || !t.isExpression() {
			return
		}
		inner := &reader{syntaxTree: t, f: &Syntax{Src: src}, whole: text, annotated: true}
		inner.block(&t.root, s, context{})
		for _, u := range inner.f.Uses {
			for i := range u.Parts {
				u.Parts[i].Start += lit.Content.Start
				u.Parts[i].End += lit.Content.Start
			}
			u.Quoted = true
			r.f.Uses = append(r.f.Uses, u)
		}
	})
}

// isExpression reports whether a file is one expression that binds nothing.
func (t *syntaxTree) isExpression() bool {
	statements := t.children(&t.root)
	if len(statements) != 1 || statements[0].kind != kindExpression {
		return false
	}
	kind := t.children(&statements[0])[0].kind
	return kind != kindAssignment && kind != kindAugmented && kind != kindNamed
}

// literal returns the extent of a string literal, whose text is given.
func literal(n *node, text string) String {
	s := String{Span: n.span()}
	quote := strings.IndexAny(text, `'"`)
	width := quoteWidth(text[quote:])
	s.Prefix = strings.ToLower(text[:quote])
	s.Content = Span{s.Start + quote + width, s.End - width}
	return s
}
