package python

// A Scope is a region in which names are bound: a module, a class, a function
// or lambda, a comprehension. See "Naming and binding" in the Python language
// reference.
type Scope struct {
	Kind   ScopeKind
	Parent *Scope
	Body   int             // where the statements of a function begin, behind its docstring; 0 if it has none
	bound  []Binding       // in the order of the source
	ends   map[string]ends // where in bound those of each name are, if there are many
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
	Name   string
	Value  string  // for AssignBinding of one name: the dotted name that it is given, or ""
	Import *Import // for ImportBinding
	Start  int     // byte offset
	At     int     // where Value stands
	Index  int32   // for ImportBinding: which of Import.Names
	next   int32   // where in the scope the next one of this name is, if there is one
	end    int32   // for AssignBinding of one name: where the assignment ends
	Kind   BindingKind
	none   bool // for AssignBinding of one name: it is given None or nothing
	always bool // of a module: it is bound whenever the module is loaded, under no condition
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

// bind adds a binding to s, or to the scope that a declaration takes it to, and
// returns that.
func (s *Scope) bind(name string, b Binding) *Scope {
	switch {
	case s.global[name]:
		s = s.module()
	case s.outer[name] && s.Parent != nil:
		s = s.Parent
	}
	b.Name = name
	if s.bound == nil {
		s.bound = make([]Binding, 0, few/2)
	}
	if _, last := s.find(name); last >= 0 {
		s.bound[last].next = int32(len(s.bound))
	}
	s.bound = append(s.bound, b)
	if s.ends != nil {
		s.index(len(s.bound) - 1)
	} else if len(s.bound) > few {
		s.ends = make(map[string]ends, 4*few)
		for i := range s.bound {
			s.index(i)
		}
	}
	return s
}

// ends are the first and the last binding of a name.
type ends struct{ first, last int }

// few is how many bindings are looked through one by one, which takes less time
// than to make a map: most functions have fewer names.
const few = 8

// index notes the binding at i as the last of its name.
func (s *Scope) index(i int) {
	e, ok := s.ends[s.bound[i].Name]
	if !ok {
		e.first = i
	}
	e.last = i
	s.ends[s.bound[i].Name] = e
}

// find returns where the first and the last binding of name are, or -1.
func (s *Scope) find(name string) (first, last int) {
	if s.ends != nil {
		if e, ok := s.ends[name]; ok {
			return e.first, e.last
		}
		return -1, -1
	}
	first, last = -1, -1
	for i := range s.bound {
		if s.bound[i].Name == name {
			if last = i; first < 0 {
				first = i
			}
		}
	}
	return first, last
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

// Bindings returns the bindings of name in s itself, in the order of the source.
func (s *Scope) Bindings(name string) []Binding {
	i, last := s.find(name)
	if i < 0 {
		return nil
	}
	list := s.bound[i : i+1 : i+1]
	for i != last {
		i = int(s.bound[i].next)
		list = append(list, s.bound[i])
	}
	return list
}

// Names returns the names bound in s itself, in the order of the source.
func (s *Scope) Names() []string {
	names := make([]string, 0, len(s.bound))
	for i := range s.bound {
		name := s.bound[i].Name
		if first, _ := s.find(name); first == i {
			names = append(names, name)
		}
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
		if first, _ := at.find(name); first >= 0 {
			return at
		}
	}
	return nil
}

// Resolve returns the scope in which the use's name is bound, or nil. A class
// body that reads a name before it binds it reads the module's.
func (u Use) Resolve() *Scope {
	name := u.Parts[0].Text
	if u.Scope.Kind == ClassScope {
		if i, _ := u.Scope.find(name); i >= 0 && u.Parts[0].Start < u.Scope.bound[i].from() {
			return u.Scope.module().Resolve(name)
		}
	}
	return u.Scope.Resolve(name)
}

// from returns the offset behind which the binding holds.
func (b Binding) from() int {
	return max(b.Start, int(b.end))
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
