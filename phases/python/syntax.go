// Package python reads Python as text: which modules a tree has, what a file
// imports, binds and refers to, and where exactly, to the byte. It rewrites
// nothing by itself; it hands out places, and Edits put new text there.
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
	All       *AllList // the module's __all__, if a list of strings is part of it
	Meta      *String  // the first module-level string that begins with @meta
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
	Quoted bool // stands in an annotation that is a string
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
	Arg     int    // its position among the call's arguments, from 0; -1 for a keyword
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
	root, errorLine := parseTree(src)
	f := &Syntax{Src: src, ErrorLine: errorLine}
	f.Module = &Scope{Kind: ModuleScope, bound: map[string][]Binding{}}
	r := &reader{f: f, src: src}
	r.block(&root, f.Module, context{moduleLevel: true})
	if f.All != nil {
		f.All.Open = r.allOpen
	}
	return f
}

// Line returns the line of a byte offset, from 1.
func (f *Syntax) Line(offset int) int { return 1 + bytes.Count(f.Src[:offset], []byte("\n")) }

// context is what the statements around a node mean for it.
type context struct {
	moduleLevel bool
	typeOnly    bool
	guarded     bool
	block       int
	sole        bool
}

// reader fills a Syntax in one walk over the nodes.
type reader struct {
	f         *Syntax
	src       []byte
	allOpen   bool // something that is no literal is added to __all__
	annotated bool // within an annotation
	literals  bool // within Literal[...], whose strings are no annotations
}

func (r *reader) block(n *node, s *Scope, c context) {
	if n.kind == "block" {
		c.block, c.sole = n.start, n.statements() == 1
	}
	for i := range n.children {
		r.visit(&n.children[i], s, c)
	}
}

func (r *reader) visit(n *node, s *Scope, c context) {
	switch n.kind {
	case "comment":
		r.f.Comments = append(r.f.Comments, Span{n.start, n.end})
	case "import_statement", "import_from_statement", "future_import_statement":
		r.importStatement(n, s, c)
	case "function_definition":
		r.function(n, s, c)
	case "class_definition":
		r.class(n, s, c)
	case "lambda":
		inner := s.inner(FunctionScope)
		r.parameters(n.child("parameters"), s, inner, c)
		if body := n.child("body"); body != nil {
			r.visit(body, inner, context{})
		}
	case "list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression":
		r.comprehension(n, s)
	case "identifier":
		r.use(n, s, false)
	case "attribute":
		r.attribute(n, s, false)
	case "string", "concatenated_string":
		r.str(n, s, String{Arg: -1})
	case "call":
		r.call(n, s, c, false)
	case "decorator":
		for i := range n.children {
			if n.children[i].kind == "call" {
				r.call(&n.children[i], s, c, true)
			} else {
				r.visit(&n.children[i], s, c)
			}
		}
	case "keyword_argument":
		if v := n.child("value"); v != nil {
			r.visit(v, s, c)
		}
	case "expression_statement":
		r.expressionStatement(n, s, c)
	case "assignment":
		r.assignment(n, s, c)
	case "augmented_assignment":
		if left := n.child("left"); left != nil {
			if left.kind == "identifier" {
				r.use(left, s, false)
			}
			r.target(left, s, AssignBinding)
		}
		r.rest(n, s, c, "left")
		r.allList(n, s)
	case "named_expression":
		if name := n.child("name"); name != nil {
			s.function().bind(name.text(r.src), Binding{Kind: AssignBinding, Start: name.start})
		}
		r.rest(n, s, c, "name")
	case "for_statement":
		r.target(n.child("left"), s, AssignBinding)
		r.rest(n, s, c, "left")
	case "as_pattern":
		for i := range n.children {
			if ch := &n.children[i]; ch.kind == "as_pattern_target" {
				r.targets(ch, s, AssignBinding)
			} else {
				r.visit(ch, s, c)
			}
		}
	case "global_statement", "nonlocal_statement":
		for i := range n.children {
			if ch := &n.children[i]; ch.kind == "identifier" {
				s.declare(ch.text(r.src), n.kind == "global_statement")
			}
		}
	case "delete_statement":
		for i := range n.children {
			switch ch := &n.children[i]; {
			case ch.kind == "identifier":
				s.bind(ch.text(r.src), Binding{Kind: DeleteBinding, Start: ch.start, always: c.block == 0})
			case ch.named:
				r.target(ch, s, DeleteBinding)
			}
		}
	case "type":
		defer func(was bool) { r.annotated = was }(r.annotated)
		r.annotated = true
		r.block(n, s, c)
	case "generic_type", "subscript":
		defer func(was bool) { r.literals = was }(r.literals)
		r.literals = r.literals || len(n.children) > 0 && strings.HasSuffix(n.children[0].text(r.src), "Literal")
		r.block(n, s, c)
	case "if_statement":
		r.ifStatement(n, s, c)
	case "try_statement":
		c.guarded = true
		r.block(n, s, c)
	case "case_clause":
		r.caseClause(n, s, c)
	case "type_alias_statement":
		r.block(n, s, c)
	default:
		r.block(n, s, c)
	}
}

// rest visits all children but the one in the field skip.
func (r *reader) rest(n *node, s *Scope, c context, skip string) {
	for i := range n.children {
		if n.children[i].field != skip {
			r.visit(&n.children[i], s, c)
		}
	}
}

func (r *reader) importStatement(n *node, s *Scope, c context) {
	imp := &Import{Span: Span{n.start, n.end}, From: n.kind != "import_statement", Scope: s,
		ModuleLevel: c.moduleLevel && !c.typeOnly, TypeOnly: c.typeOnly, Guarded: c.guarded, Block: c.block, Sole: c.sole}
	if n.kind == "future_import_statement" {
		return
	}
	for i := range n.children {
		ch := &n.children[i]
		switch {
		case ch.field == "module_name":
			imp.Module = Span{ch.start, ch.end}
			text := compact(ch.text(r.src))
			imp.Name = strings.TrimLeft(text, ".")
			imp.Level = len(text) - len(imp.Name)
		case ch.kind == "wildcard_import":
			imp.Star = true
		case ch.kind == "comment":
			r.f.Comments = append(r.f.Comments, Span{ch.start, ch.end})
		case ch.field == "name":
			imp.Names = append(imp.Names, r.importName(ch, imp.From))
		}
	}
	r.f.Imports = append(r.f.Imports, imp)
	for i, name := range imp.Names {
		s.bind(name.Bound, Binding{Kind: ImportBinding, Start: name.Start, Import: imp, Index: i, always: c.block == 0})
	}
}

func (r *reader) importName(n *node, from bool) ImportName {
	in := ImportName{Span: Span{n.start, n.end}, Path: Span{n.start, n.end}}
	if n.kind == "aliased_import" {
		if p := n.child("name"); p != nil {
			in.Path = Span{p.start, p.end}
		}
		if a := n.child("alias"); a != nil {
			in.As = a.text(r.src)
		}
	}
	in.Name = compact(string(r.src[in.Path.Start:in.Path.End]))
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
	inner := s.inner(FunctionScope)
	for i := range n.children {
		ch := &n.children[i]
		switch ch.field {
		case "name":
			s.bind(ch.text(r.src), Binding{Kind: DefBinding, Start: ch.start, always: c.block == 0})
		case "parameters":
			r.parameters(ch, s, inner, c)
		case "body":
			r.block(ch, inner, context{typeOnly: c.typeOnly})
		default:
			r.visit(ch, s, c)
		}
	}
}

// parameters binds the names in inner and reads defaults and annotations in
// the scope around the function.
func (r *reader) parameters(n *node, outer, inner *Scope, c context) {
	if n == nil {
		return
	}
	for i := range n.children {
		ch := &n.children[i]
		switch ch.kind {
		case "identifier":
			inner.bind(ch.text(r.src), Binding{Kind: ParameterBinding, Start: ch.start})
		case "default_parameter", "typed_default_parameter":
			r.target(ch.child("name"), inner, ParameterBinding)
			r.rest(ch, outer, c, "name")
		case "typed_parameter":
			for j := range ch.children {
				if ch.children[j].kind == "type" {
					r.visit(&ch.children[j], outer, c)
				} else {
					r.target(&ch.children[j], inner, ParameterBinding)
				}
			}
		case "list_splat_pattern", "dictionary_splat_pattern", "tuple_pattern":
			r.target(ch, inner, ParameterBinding)
		case "comment":
			r.visit(ch, outer, c)
		}
	}
}

func (r *reader) class(n *node, s *Scope, c context) {
	inner := s.inner(ClassScope)
	for i := range n.children {
		ch := &n.children[i]
		switch ch.field {
		case "name":
			s.bind(ch.text(r.src), Binding{Kind: DefBinding, Start: ch.start, always: c.block == 0})
		case "body":
			r.block(ch, inner, c)
		default:
			r.visit(ch, s, c)
		}
	}
}

func (r *reader) comprehension(n *node, s *Scope) {
	inner := s.inner(ComprehensionScope)
	first := true
	for i := range n.children {
		ch := &n.children[i]
		if ch.kind != "for_in_clause" {
			r.visit(ch, inner, context{})
			continue
		}
		r.target(ch.child("left"), inner, AssignBinding)
		for j := range ch.children {
			switch {
			case ch.children[j].field == "left":
			case first:
				r.visit(&ch.children[j], s, context{})
			default:
				r.visit(&ch.children[j], inner, context{})
			}
		}
		first = false
	}
}

func (r *reader) use(n *node, s *Scope, store bool) {
	r.f.Uses = append(r.f.Uses, Use{Scope: s, Store: store, Parts: []Part{{n.text(r.src), Span{n.start, n.end}}}})
}

// attribute records a.b.c as one use; an attribute of anything but a name is
// no reference of its own, only what is below it.
func (r *reader) attribute(n *node, s *Scope, store bool) {
	var parts []Part
	at := n
	for at.kind == "attribute" {
		attr, object := at.child("attribute"), at.child("object")
		if attr == nil || object == nil {
			r.block(at, s, context{})
			return
		}
		parts = append(parts, Part{attr.text(r.src), Span{attr.start, attr.end}})
		at = object
	}
	if at.kind != "identifier" {
		r.visit(at, s, context{})
		return
	}
	parts = append(parts, Part{at.text(r.src), Span{at.start, at.end}})
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	r.f.Uses = append(r.f.Uses, Use{Scope: s, Parts: parts, Store: store})
}

// target binds the names of an assignment target and reads the rest of it.
func (r *reader) target(n *node, s *Scope, kind BindingKind) {
	if n == nil {
		return
	}
	switch n.kind {
	case "identifier":
		s.bind(n.text(r.src), Binding{Kind: kind, Start: n.start})
	case "attribute":
		r.attribute(n, s, true)
	case "subscript":
		r.block(n, s, context{})
	default:
		if n.named {
			r.targets(n, s, kind)
		}
	}
}

func (r *reader) targets(n *node, s *Scope, kind BindingKind) {
	for i := range n.children {
		r.target(&n.children[i], s, kind)
	}
}

func (r *reader) assignment(n *node, s *Scope, c context) {
	left := n.child("left")
	if left != nil && left.kind == "identifier" {
		b := Binding{Kind: AssignBinding, Start: left.start, end: n.end, always: c.block == 0}
		switch right := n.child("right"); {
		case right == nil || right.kind == "none":
			b.none = true
		case right.kind == "attribute" || right.kind == "identifier":
			b.value = compact(right.text(r.src))
		}
		s.bind(left.text(r.src), b)
	} else {
		r.target(left, s, AssignBinding)
	}
	if t := n.child("type"); t != nil && strings.HasSuffix(t.text(r.src), "TypeAlias") {
		defer func(was bool) { r.annotated = was }(r.annotated)
		r.annotated = true
	}
	r.rest(n, s, c, "left")
	r.allList(n, s)
}

// allList reads __all__ = [...] and __all__ += [...] at module level.
func (r *reader) allList(n *node, s *Scope) {
	left, right := n.child("left"), n.child("right")
	if s.Kind == ModuleScope && left != nil && right != nil && left.text(r.src) == "__all__" {
		r.listed(right)
	}
}

// listed adds what is a literal in n to the module's __all__: lists, lists
// added together, and strings in them.
func (r *reader) listed(n *node) {
	switch n.kind {
	case "list", "tuple":
		if r.f.All == nil {
			r.f.All = &AllList{Span: Span{n.start, n.end}}
		}
		for i := range n.children {
			if ch := &n.children[i]; ch.named && ch.kind != "comment" {
				r.listed(ch)
			}
		}
	case "binary_operator":
		r.listed(n.child("left"))
		r.listed(n.child("right"))
	case "string":
		if all := r.f.All; all != nil {
			all.Names = append(all.Names, literal(n, r.src).Text(r.src))
			if n.end <= all.End {
				all.Items = append(all.Items, Span{n.start, n.end})
			}
		}
	default:
		r.allOpen = true
	}
}

func (r *reader) ifStatement(n *node, s *Scope, c context) {
	inner := c
	if cond := n.child("condition"); cond != nil {
		switch cond.text(r.src) {
		case "TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING":
			inner.typeOnly = true
		}
	}
	for i := range n.children {
		if ch := &n.children[i]; ch.field == "consequence" {
			r.visit(ch, s, inner)
		} else {
			r.visit(ch, s, c)
		}
	}
}

// caseClause binds capture patterns: a lone name in a pattern is a target, a
// dotted one and the class of a class pattern are uses.
func (r *reader) caseClause(n *node, s *Scope, c context) {
	var pattern func(n *node)
	pattern = func(n *node) {
		switch n.kind {
		case "class_pattern":
			for i := range n.children {
				if ch := &n.children[i]; ch.kind == "dotted_name" {
					r.dottedUse(ch, s)
				} else {
					pattern(ch)
				}
			}
		case "keyword_pattern":
			for i := range n.children {
				if n.children[i].kind != "identifier" {
					pattern(&n.children[i])
				}
			}
		case "dotted_name":
			if len(n.children) == 1 {
				r.target(&n.children[0], s, AssignBinding)
				return
			}
			r.dottedUse(n, s)
		case "identifier":
			r.target(n, s, AssignBinding)
		case "string":
			r.str(n, s, String{Arg: -1})
		default:
			for i := range n.children {
				pattern(&n.children[i])
			}
		}
	}
	for i := range n.children {
		if ch := &n.children[i]; ch.kind == "case_pattern" {
			pattern(ch)
		} else {
			r.visit(ch, s, c)
		}
	}
}

func (r *reader) dottedUse(n *node, s *Scope) {
	u := Use{Scope: s}
	for i := range n.children {
		if ch := &n.children[i]; ch.kind == "identifier" {
			u.Parts = append(u.Parts, Part{ch.text(r.src), Span{ch.start, ch.end}})
		}
	}
	if len(u.Parts) > 0 {
		r.f.Uses = append(r.f.Uses, u)
	}
}

func (r *reader) expressionStatement(n *node, s *Scope, c context) {
	for i := range n.children {
		ch := &n.children[i]
		if ch.kind != "string" {
			r.visit(ch, s, c)
			continue
		}
		r.str(ch, s, String{Arg: -1, Doc: true})
		last := r.f.Strings[len(r.f.Strings)-1]
		if s.Kind == ModuleScope && r.f.Meta == nil && strings.HasPrefix(strings.TrimSpace(last.Text(r.src)), "@meta") {
			r.f.Meta = &last
		}
	}
}
