package python

import "strings"

// context is what the statements around a node mean for it.
type context struct {
	moduleLevel bool
	typeOnly    bool
	guarded     bool
	block       int
	sole        bool
}

// A reader fills a Syntax in one walk over the nodes.
type reader struct {
	*syntaxTree
	f         *Syntax
	whole     string // the source, for names to be slices of
	parts     []Part // of the uses, side by side
	allOpen   bool   // something that is no literal is added to __all__
	annotated bool   // within an annotation
	literals  bool   // within Literal[...], whose strings are no annotations
}

// makeRoom allocates what is to be filled once, as far as it can be counted.
func (r *reader) makeRoom() {
	names, chained, literals := 0, 0, 0
	for i := range r.nodes {
		switch r.nodes[i].kind {
		case kindIdentifier:
			names++
		case kindAttribute:
			chained++
		case kindString:
			literals++
		}
	}
	r.parts = make([]Part, 0, names)
	r.f.Uses = make([]Use, 0, max(0, names-chained))
	r.f.Strings = make([]String, 0, literals)
}

func (r *reader) text(n *node) string { return r.whole[n.start:n.end] }

func (n *node) span() Span { return Span{int(n.start), int(n.end)} }

func (r *reader) block(n *node, s *Scope, c context) {
	if n.kind == kindBlock {
		c.block, c.sole = int(n.start), n.count == 1
	}
	children := r.children(n)
	for i := range children {
		r.visit(&children[i], s, c)
	}
}

func (r *reader) visit(n *node, s *Scope, c context) {
	if n.field == fieldType && !r.annotated {
		r.annotated = true
		defer func() { r.annotated = false }()
	}
	switch n.kind {
	case kindFuture, kindOperator, kindNumber, kindConstant, kindPass:
	case kindImport, kindFromImport:
		r.importStatement(n, s, c)
	case kindFunction:
		r.function(n, s, c)
	case kindClass:
		r.class(n, s, c)
	case kindLambda:
		inner := s.inner(FunctionScope)
		r.parameters(r.child(n, fieldParameters), s, s, inner, c)
		r.visit(r.child(n, fieldBody), inner, context{})
	case kindListComprehension, kindSetComprehension, kindDictComprehension, kindGenerator:
		r.comprehension(n, s)
	case kindIdentifier:
		r.use(n, s)
	case kindAttribute:
		r.attribute(n, s, false)
	case kindString, kindConcatenated:
		r.str(n, s, String{Arg: -1})
	case kindCall:
		r.call(n, s, c, false)
	case kindDecorator:
		if call := &r.children(n)[0]; call.kind == kindCall {
			r.call(call, s, c, true)
		} else {
			r.visit(call, s, c)
		}
	case kindKeyword:
		r.visit(r.child(n, fieldValue), s, c)
	case kindExpression:
		r.expression(n, s, c)
	case kindAssignment:
		r.assignment(n, s, c)
	case kindAugmented:
		left := r.child(n, fieldLeft)
		if left.kind == kindIdentifier {
			r.use(left, s)
		}
		r.target(left, s, AssignBinding)
		r.rest(n, s, c, fieldLeft)
		r.allList(n, s)
	case kindNamed:
		name := r.child(n, fieldName)
		s.function().bind(r.text(name), Binding{Kind: AssignBinding, Start: int(name.start)})
		r.rest(n, s, c, fieldName)
	case kindFor:
		r.target(r.child(n, fieldLeft), s, AssignBinding)
		r.rest(n, s, c, fieldLeft)
	case kindAs:
		r.rest(n, s, c, fieldAlias)
		r.target(r.child(n, fieldAlias), s, AssignBinding)
	case kindCapture:
		s.bind(r.text(n), Binding{Kind: AssignBinding, Start: int(n.start)})
	case kindGlobal, kindNonlocal:
		children := r.children(n)
		for i := range children {
			s.declare(r.text(&children[i]), n.kind == kindGlobal)
		}
	case kindDelete:
		r.deleteStatement(n, s, c)
	case kindSubscript:
		defer func(was bool) { r.literals = was }(r.literals)
		r.literals = r.literals || strings.HasSuffix(r.text(&r.children(n)[0]), "Literal")
		r.block(n, s, c)
	case kindIf:
		r.ifStatement(n, s, c)
	case kindTry:
		c.guarded = true
		r.block(n, s, c)
	case kindTypeAlias:
		r.typeAlias(n, s, c)
	default:
		r.block(n, s, c)
	}
}

// rest visits all children but the one in the field skip.
func (r *reader) rest(n *node, s *Scope, c context, skip field) {
	children := r.children(n)
	for i := range children {
		if children[i].field != skip {
			r.visit(&children[i], s, c)
		}
	}
}

func (r *reader) importStatement(n *node, s *Scope, c context) {
	imp := &Import{Span: n.span(), From: n.kind == kindFromImport, Scope: s,
		ModuleLevel: c.moduleLevel && !c.typeOnly, TypeOnly: c.typeOnly, Guarded: c.guarded, Block: c.block, Sole: c.sole}
	children := r.children(n)
	for i := range children {
		switch ch := &children[i]; {
		case ch.field == fieldModule:
			imp.Module = ch.span()
			text := compact(r.text(ch))
			imp.Name = strings.TrimLeft(text, ".")
			imp.Level = len(text) - len(imp.Name)
		case ch.kind == kindStarName:
			imp.Star = true
		case ch.field == fieldName:
			imp.Names = append(imp.Names, r.importName(ch))
		}
	}
	r.f.Imports = append(r.f.Imports, imp)
	for i, name := range imp.Names {
		s.bind(name.Bound, Binding{Kind: ImportBinding, Start: name.Start, Import: imp, Index: int32(i), always: c.block == 0})
	}
}

func (r *reader) importName(n *node) ImportName {
	in := ImportName{Span: n.span(), Path: n.span()}
	if n.kind == kindAliased {
		in.Path = r.child(n, fieldName).span()
		in.As = r.text(r.child(n, fieldAlias))
	}
	in.Name = compact(r.whole[in.Path.Start:in.Path.End])
	in.Bound, _, _ = strings.Cut(in.Name, ".")
	if in.As != "" {
		in.Bound = in.As
		in.Exposed = in.As == in.Name
	}
	return in
}

// compact removes the white space and line continuations that Python allows
// around the dots of a name.
func compact(s string) string {
	if !strings.ContainsAny(s, " \t\r\n\\\f") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n\\\f", r) {
			return -1
		}
		return r
	}, s)
}

func (r *reader) function(n *node, s *Scope, c context) {
	name := r.child(n, fieldName)
	r.f.Definitions = append(r.f.Definitions, r.text(name))
	s.bind(r.text(name), Binding{Kind: DefBinding, Start: int(name.start), always: c.block == 0})
	types := r.typeParameters(n, s, c)
	inner := types.inner(FunctionScope)
	children := r.children(n)
	for i := range children {
		switch ch := &children[i]; ch.field {
		case fieldParameters:
			r.parameters(ch, s, types, inner, c)
		case fieldType:
			r.visit(ch, types, c)
		case fieldBody:
			inner.Body = r.bodyStart(ch)
			r.block(ch, inner, context{typeOnly: c.typeOnly})
		}
	}
}

// bodyStart returns where the first statement of a block begins that is no
// docstring, 0 if there is none.
func (r *reader) bodyStart(block *node) int {
	children := r.children(block)
	for i := range children {
		if ch := &children[i]; ch.kind != kindExpression || r.children(ch)[0].kind != kindString {
			return int(ch.start)
		}
	}
	return 0
}

// typeParameters returns the scope that the type parameters of a function,
// class or type alias are bound in: one around its own (PEP 695), or s if it
// has none.
func (r *reader) typeParameters(n *node, s *Scope, c context) *Scope {
	list := r.child(n, fieldTypeParameters)
	if list == nil {
		return s
	}
	inner := s.inner(TypeScope)
	children := r.children(list)
	for i := range children {
		r.target(r.child(&children[i], fieldName), inner, ParameterBinding)
		r.rest(&children[i], inner, c, fieldName)
	}
	return inner
}

func (r *reader) typeAlias(n *node, s *Scope, c context) {
	r.target(r.child(n, fieldName), s, AssignBinding)
	r.visit(r.child(n, fieldValue), r.typeParameters(n, s, c), context{})
}

// parameters binds the names in inner, and reads defaults in the scope around
// the function and annotations in that of its type parameters.
func (r *reader) parameters(n *node, outer, types, inner *Scope, c context) {
	children := r.children(n)
	for i := range children {
		parts := r.children(&children[i])
		for j := range parts {
			switch part := &parts[j]; part.field {
			case fieldName:
				r.target(part, inner, ParameterBinding)
			case fieldType:
				r.visit(part, types, c)
			default:
				r.visit(part, outer, c)
			}
		}
	}
}

func (r *reader) class(n *node, s *Scope, c context) {
	name := r.child(n, fieldName)
	r.f.Definitions = append(r.f.Definitions, r.text(name))
	s.bind(r.text(name), Binding{Kind: DefBinding, Start: int(name.start), always: c.block == 0})
	s = r.typeParameters(n, s, c)
	inner := s.inner(ClassScope)
	children := r.children(n)
	for i := range children {
		switch ch := &children[i]; ch.field {
		case fieldArguments:
			r.visit(ch, s, c)
		case fieldBody:
			r.block(ch, inner, c)
		}
	}
}

func (r *reader) comprehension(n *node, s *Scope) {
	inner := s.inner(ComprehensionScope)
	first := true
	children := r.children(n)
	for i := range children {
		ch := &children[i]
		if ch.kind != kindForIn {
			r.visit(ch, inner, context{})
			continue
		}
		r.target(r.child(ch, fieldLeft), inner, AssignBinding)
		if first {
			r.rest(ch, s, context{}, fieldLeft)
		} else {
			r.rest(ch, inner, context{}, fieldLeft)
		}
		first = false
	}
}

func (r *reader) use(n *node, s *Scope) {
	r.parts = append(r.parts, Part{r.text(n), n.span()})
	r.addUse(s, 1, false)
}

// addUse records a use of which the last parts are those of r.parts.
func (r *reader) addUse(s *Scope, parts int, store bool) {
	at := len(r.parts) - parts
	r.f.Uses = append(r.f.Uses, Use{Scope: s, Parts: r.parts[at:len(r.parts):len(r.parts)], Store: store})
}

// attribute records a.b.c as one use; an attribute of anything but a name is
// no reference of its own, only what is below it.
func (r *reader) attribute(n *node, s *Scope, store bool) {
	parts := 1
	at := n
	for ; at.kind == kindAttribute; parts++ {
		at = &r.children(at)[0]
	}
	if at.kind != kindIdentifier {
		r.visit(at, s, context{})
		return
	}
	from := len(r.parts)
	for range parts {
		r.parts = append(r.parts, Part{})
	}
	r.parts[from] = Part{r.text(at), at.span()}
	for i := from + parts - 1; i > from; i-- {
		name := &r.children(n)[1]
		r.parts[i] = Part{r.text(name), name.span()}
		n = &r.children(n)[0]
	}
	r.addUse(s, parts, store)
}

// target binds the names of an assignment target and reads the rest of it.
func (r *reader) target(n *node, s *Scope, kind BindingKind) {
	switch n.kind {
	case kindIdentifier:
		s.bind(r.text(n), Binding{Kind: kind, Start: int(n.start)})
	case kindAttribute:
		r.attribute(n, s, true)
	case kindSubscript, kindCall:
		r.visit(n, s, context{})
	default:
		r.targets(n, s, kind)
	}
}

func (r *reader) targets(n *node, s *Scope, kind BindingKind) {
	children := r.children(n)
	for i := range children {
		r.target(&children[i], s, kind)
	}
}

// deleteStatement binds what "del" takes away, one name or several.
func (r *reader) deleteStatement(n *node, s *Scope, c context) {
	names := r.bare(&r.children(n)[0])
	targets := []node{*names}
	if names.kind == kindTuple || names.kind == kindList {
		targets = r.children(names)
	}
	for i := range targets {
		if t := r.bare(&targets[i]); t.kind == kindIdentifier {
			s.bind(r.text(t), Binding{Kind: DeleteBinding, Start: int(t.start), always: c.block == 0})
		} else {
			r.target(t, s, DeleteBinding)
		}
	}
}

func (r *reader) assignment(n *node, s *Scope, c context) {
	left, right := r.child(n, fieldLeft), r.child(n, fieldRight)
	if left.kind == kindIdentifier {
		b := Binding{Kind: AssignBinding, Start: int(left.start), end: n.end, always: c.block == 0}
		switch {
		case right == nil || right.kind == kindConstant && r.text(right) == "None":
			b.none = true
		case right.kind == kindAttribute || right.kind == kindIdentifier:
			b.Value, b.At = compact(r.text(right)), int(right.start)
		}
		if in := s.bind(r.text(left), b); b.Value != "" {
			r.f.Aliases = append(r.f.Aliases, Alias{in, r.text(left)})
		}
	} else {
		r.target(left, s, AssignBinding)
	}
	if t := r.child(n, fieldType); t != nil && strings.HasSuffix(r.text(t), "TypeAlias") {
		defer func(was bool) { r.annotated = was }(r.annotated)
		r.annotated = true
	}
	r.rest(n, s, c, fieldLeft)
	r.allList(n, s)
}

// allList reads __all__ = [...] and __all__ += [...] at module level.
func (r *reader) allList(n *node, s *Scope) {
	left, right := r.child(n, fieldLeft), r.child(n, fieldRight)
	if s.Kind == ModuleScope && right != nil && r.text(left) == "__all__" {
		r.listed(right)
	}
}

// listed adds what is a literal in n to the module's __all__: lists, lists
// added together, and strings in them.
func (r *reader) listed(n *node) {
	children := r.children(n)
	switch n.kind {
	case kindList, kindTuple:
		if r.f.All == nil {
			r.f.All = &AllList{Span: n.span()}
		}
		for i := range children {
			r.listed(&children[i])
		}
	case kindParenthesized:
		r.listed(&children[0])
	case kindBinary:
		for i := range children {
			if children[i].kind != kindOperator {
				r.listed(&children[i])
			}
		}
	case kindString:
		if all := r.f.All; all != nil {
			lit := literal(n, r.text(n))
			all.Names = append(all.Names, r.whole[lit.Content.Start:lit.Content.End])
			if lit.End <= all.End {
				all.Items = append(all.Items, lit.Span)
			}
		}
	default:
		r.allOpen = true
	}
}

func (r *reader) ifStatement(n *node, s *Scope, c context) {
	inner := c
	switch r.text(r.child(n, fieldCondition)) {
	case "TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING":
		inner.typeOnly = true
	}
	children := r.children(n)
	for i := range children {
		if ch := &children[i]; ch.field == fieldBody {
			r.visit(ch, s, inner)
		} else {
			r.visit(ch, s, c)
		}
	}
}

func (r *reader) expression(n *node, s *Scope, c context) {
	ch := &r.children(n)[0]
	if ch.kind != kindString {
		r.visit(ch, s, c)
		return
	}
	r.str(ch, s, String{Arg: -1, Doc: true})
	last := r.f.Strings[len(r.f.Strings)-1]
	if s.Kind == ModuleScope && r.f.Meta == nil && strings.HasPrefix(strings.TrimSpace(last.Text(r.src)), "@meta") {
		r.f.Meta = &last
	}
}
