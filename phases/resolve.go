package phases

import "strings"

// A resolution says what becomes of a dotted name.
type resolution struct {
	state resolutionState
	parts []string // of the new name
	at    int      // how many of parts are the module
	step  int
	found bool   // the module is known to have what follows it
	old   string // the module that was named
	name  string // and the name in it, if any
}

type resolutionState uint8

const (
	unconcerned resolutionState = iota // names nothing that the plan touches
	rewritten                          // has a new name
	lost                               // names something that goes, and nothing takes its place
)

// text writes the new name; an entry point has a colon behind its module.
func (p resolution) text(colon bool) string {
	if !colon || p.at >= len(p.parts) {
		return strings.Join(p.parts, ".")
	}
	return strings.Join(p.parts[:p.at], ".") + ":" + strings.Join(p.parts[p.at:], ".")
}

// resolve finds the new name of a dotted name: the module that holds the name
// in the end, since that is what a patch has to name.
func (r *rewriter) resolve(parts []string) resolution {
	n := r.m.longest(parts)
	if n == 0 || len(parts) < 2 {
		return resolution{}
	}
	name, prefix := r.m.canonical(strings.Join(parts[:n], "."))
	rest := parts[n:]
	d := r.m.fates[name]
	if d == nil || d.fate == remapped {
		if on, led := r.m.ledOn(reach{parts: parts}); led && len(on.parts) > 1 {
			return r.resolve(on.parts)
		}
		return r.resolveSymbol(name, prefix, rest)
	}
	out := resolution{state: rewritten, old: name, step: d.step}
	build := func(module string, tail ...string) resolution {
		mod := strings.Split(prefix+module, ".")
		out.parts, out.at = append(mod, tail...), len(mod)
		return out
	}
	if len(rest) > 0 {
		out.name = rest[0]
		if t, ok := r.m.find(name, rest[0]); ok {
			if t.concrete == name {
				return resolution{}
			}
			if !r.m.isModule(t.concrete) {
				prefix = "" // not of this repository
			}
			out.found = true
			if t.step != 0 {
				out.step = t.step
			}
			if t.name == "" {
				return build(t.concrete, rest[1:]...)
			}
			return build(t.concrete, append([]string{t.name}, rest[1:]...)...)
		}
		if n == 1 || d.fate != moved && d.fate != merged {
			if d.fate == emptied || n == 1 {
				return resolution{}
			}
			out.state = lost
			return out
		}
	}
	t, ok := r.m.whole(name)
	if !ok {
		if d.fate == emptied {
			return resolution{}
		}
		out.state = lost
		return out
	}
	out.step, out.found = t.step, len(rest) == 0
	return build(t.concrete, rest...)
}

// resolveSymbol finds the new name of a symbol that the import map sends from
// a module that stays.
func (r *rewriter) resolveSymbol(module, prefix string, rest []string) resolution {
	if len(rest) == 0 {
		return resolution{}
	}
	t, ok := r.m.symbols[module+":"+rest[0]]
	if !ok {
		return resolution{}
	}
	mod := strings.Split(prefix+t.module, ".")
	return resolution{state: rewritten, old: module, name: rest[0], step: t.step, found: true,
		parts: append(append(mod, t.name), rest[1:]...), at: len(mod)}
}
