package python

// A Scope is a region in which names are bound: a module, a class, a function
// or lambda, a comprehension. See "Naming and binding" in the Python language
// reference.
type Scope struct {
	Kind   ScopeKind
	Parent *Scope
	Body   int // where the statements of a function begin, behind its docstring; 0 if it has none
	bound  map[string][]Binding
	global map[string]bool // names that "global" takes to the module's scope
	outer  map[string]bool // names that "nonlocal" takes to the scope around
}

// A ScopeKind is the kind of a Scope.
type ScopeKind uint8

// The kinds of scopes.
const (
	ModuleScope ScopeKind = iota
	ClassScope
	FunctionScope
	ComprehensionScope
	TypeScope // of the type parameters of a function, class or type alias (PEP 695)
)

// A Binding is one place that gives a name its meaning.
type Binding struct {
	Kind   BindingKind
	Start  int     // byte offset
	Import *Import // for ImportBinding
	Index  int     // which of Import.Names
	Value  string  // for AssignBinding of one name: the dotted name that it is given, or ""
	At     int     // where Value stands
	none   bool    // for AssignBinding of one name: it is given None or nothing
	end    int     // for AssignBinding of one name: where the assignment ends
	always bool    // of a module: it is bound whenever the module is loaded, under no condition
}

// A BindingKind says how a name is bound.
type BindingKind uint8

// The ways to bind a name.
const (
	ImportBinding BindingKind = iota
	DefBinding
	AssignBinding
	ParameterBinding
	DeleteBinding
)

func (s *Scope) inner(kind ScopeKind) *Scope {
	return &Scope{Kind: kind, Parent: s}
}

// function returns the scope that a walrus in s binds in.
func (s *Scope) function() *Scope {
	for s.Kind == ComprehensionScope {
		s = s.Parent
	}
	return s
}

func (s *Scope) bind(name string, b Binding) {
	switch {
	case s.global[name]:
		s = s.module()
	case s.outer[name] && s.Parent != nil:
		s = s.Parent
	}
	if s.bound == nil {
		s.bound = map[string][]Binding{}
	}
	s.bound[name] = append(s.bound[name], b)
}

func (s *Scope) module() *Scope {
	for s.Parent != nil {
		s = s.Parent
	}
	return s
}

func (s *Scope) declare(name string, global bool) {
	set := &s.outer
	if global {
		set = &s.global
	}
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[name] = true
}

// Bindings returns the bindings of name in s itself.
func (s *Scope) Bindings(name string) []Binding { return s.bound[name] }

// Names returns the names bound in s itself, in no order.
func (s *Scope) Names() []string {
	names := make([]string, 0, len(s.bound))
	for name := range s.bound {
		names = append(names, name)
	}
	return names
}

// Resolve returns the scope in which a name used in s is bound, or nil if the
// file binds it nowhere in reach.
func (s *Scope) Resolve(name string) *Scope {
	for at := s; at != nil; at = at.Parent {
		switch {
		case at.Kind == ClassScope && at != s && (at != s.Parent || s.Kind != TypeScope):
			continue // a class body is no scope for the functions in it
		case at.global[name]:
			at = at.module()
		case at.outer[name]:
			continue
		}
		if len(at.bound[name]) > 0 {
			return at
		}
	}
	return nil
}

// Resolve returns the scope in which the use's name is bound, or nil. A class
// body that reads a name before it binds it reads the module's.
func (u Use) Resolve() *Scope {
	name := u.Parts[0].Text
	if bound := u.Scope.bound[name]; u.Scope.Kind == ClassScope && len(bound) > 0 && u.Parts[0].Start < bound[0].from() {
		return u.Scope.module().Resolve(name)
	}
	return u.Scope.Resolve(name)
}

// from returns the offset behind which the binding holds.
func (b Binding) from() int {
	return max(b.Start, b.end)
}

// Within reports whether s is outer or inside it.
func (s *Scope) Within(outer *Scope) bool {
	for at := s; at != nil; at = at.Parent {
		if at == outer {
			return true
		}
	}
	return false
}
