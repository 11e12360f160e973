package phases

import (
	"bytes"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// A rewriter finds the references of one Python file to what the plan touches
// and collects the edits that lead them to their new homes.
type rewriter struct {
	m      *model
	f      *python.Syntax
	path   string // where the file is now
	module string // what it is called now, "" if it cannot be imported
	origin string // what it was called when its relative imports were written
	pkg    bool   // it is an __init__.py
	wasPkg bool   // it was one when it was called origin

	edits    []python.Edit
	kind     python.ReferenceKind // of the references that are being rewritten
	ordered  []python.String      // the file's strings by place
	places   []int                // where words of the plan stand; see mayName
	follows  []followed           // see followed
	uses     map[start][]reach    // see reaches
	imported map[plainImport]int  // what plain imports have come to import, and where first
	aliases  map[string]string    // names made up for modules whose own is taken
	passed   map[string]bool      // packages that are passed on as objects
	told     map[int]bool         // where imports are that are warned of as dynamic
	looked   map[string][]string  // packages that are looked up by their names, by the first part
	left     []leftover
	computes []leftover // imports of some module below a package, which one is known at run time
	warnings []Warning
}

// A leftover is a reference that could not be led anywhere.
type leftover struct {
	path   string
	line   int
	module string // what it names
	name   string
	file   string // what it names, if it does so by a path
	soft   bool   // in prose, where nothing breaks
	told   bool   // a warning says why
}

// run collects the edits for everything in the file.
func (r *rewriter) run() {
	r.imported = map[plainImport]int{}
	r.objects()
	r.lookups()
	r.kind = python.ImportReference
	for _, imp := range r.f.Imports {
		if imp.From {
			r.fromImport(imp)
		}
	}
	r.plainImports()
	r.throughPackages()
	r.listedSubmodules()
	r.kind = python.StringReference
	quoted := r.quoted()
	r.strings(quoted)
	r.composed()
	r.kind = python.TextReference
	for _, c := range r.f.Comments {
		if chains := inside(quoted, c); len(chains) > 0 {
			r.scanAround(c, chains)
		} else {
			r.text(c)
		}
	}
}

func (r *rewriter) edit(s python.Span, text string, step, refs int) {
	if string(r.f.Src[s.Start:s.End]) == text {
		return
	}
	r.edits = append(r.edits, python.Edit{Span: s, Text: text, Step: step, Refs: refs, Kind: r.kind})
}

// editUse is edit for a chain.
func (r *rewriter) editUse(s python.Span, text string, step int) {
	defer func(was python.ReferenceKind) { r.kind = was }(r.kind)
	r.kind = python.UseReference
	r.edit(s, text, step, 1)
}

// editModule writes the module of a from import: dots need no white space
// around them ("from.import x"), words do.
func (r *rewriter) editModule(imp *python.Import, text string, step, refs int) {
	if at := imp.Module.Start; text[0] != '.' && python.IsNameByte(r.f.Src[at-1]) {
		text = " " + text
	}
	if at := imp.Module.End; !strings.HasSuffix(text, ".") && python.IsNameByte(r.f.Src[at]) {
		text += " "
	}
	r.edit(imp.Module, text, step, refs)
}

func (r *rewriter) leave(at int, module, name string) {
	r.left = append(r.left, leftover{path: r.path, line: r.f.Line(at), module: module, name: name})
}

func (r *rewriter) warn(at int, rule, message string) {
	r.warnings = append(r.warnings, Warning{Path: r.path, Line: r.f.Line(at), Rule: rule, Message: message})
}

// A placed name is one name of a from import with the place it comes from
// after the plan.
type placed struct {
	in     python.ImportName
	module string // "" if it stays as the statement has it
	name   string
	step   int
	object bool // the name is a module
}

func (r *rewriter) fromImport(imp *python.Import) {
	base := python.Absolute(r.origin, r.wasPkg, imp.Level, imp.Name)
	if base == "" {
		return
	}
	base, prefix := r.m.canonical(base)
	if imp.Star {
		r.starImport(imp, base, prefix)
		return
	}
	names := make([]placed, len(imp.Names))
	changed := false
	for i, in := range imp.Names {
		names[i] = r.place(imp, base, in)
		changed = changed || names[i].module != "" || names[i].object
	}
	stay := r.stays(imp, base)
	if !changed && stay == "" {
		return
	}
	for i := range names {
		if names[i].module == "" && !names[i].object {
			names[i].module, names[i].name = stay, names[i].in.Name
		}
	}
	r.writeFrom(imp, names, prefix)
}

// stays returns the module text for names that stay where they are: the
// written text does unless the file moved and the import is relative.
func (r *rewriter) stays(imp *python.Import, base string) string {
	if imp.Level == 0 || r.origin == r.module && r.wasPkg == r.pkg {
		return ""
	}
	return base
}

// place finds the new place of one imported name.
func (r *rewriter) place(imp *python.Import, base string, in python.ImportName) placed {
	p := placed{in: in}
	sub := base + "." + in.Name
	if t, ok := r.m.symbols[base+":"+in.Name]; ok && !r.loadedBy(imp, t.module) {
		p.module, p.name, p.step = t.module, t.name, t.step
		return p
	}
	if r.m.fates[sub] != nil && !r.m.bindsOther(base, in.Name) {
		return r.placeModule(imp, p, sub)
	}
	d := r.m.fates[base]
	if d == nil {
		if lost := r.m.loses(base, in.Name); lost != nil {
			p.name, p.object, p.step = in.Name, true, lost.step
		}
		return p
	}
	t, ok := r.m.findIn(d, base, in.Name, []string{base + ":" + in.Name})
	switch {
	case !ok:
		if !r.m.isModule(sub) {
			r.leave(in.Start, base, in.Name)
		}
	case t.name == "":
		p.module, p.name = cutLast(t.module)
		p.step, p.object = t.step, true
	case t.module != base:
		p.module, p.name, p.step = r.choose(imp, t), t.name, t.step
	}
	return p
}

func (r *rewriter) placeModule(imp *python.Import, p placed, sub string) placed {
	t, ok := r.wholeFor(imp.Scope, p.in.Bound, sub)
	if !ok {
		if d := r.m.fates[sub]; d.fate != emptied && d.fate != remapped {
			r.leave(p.in.Start, sub, "")
		}
		return p
	}
	if r.hidden(p.in.Start, sub, t.module, false) {
		return p
	}
	p.module, p.name = cutLast(t.module)
	p.step, p.object = t.step, true
	return p
}

// wholeFor returns where the module called mod is to be found as the object
// that scope knows as bound. A wrapper's names may be in several modules: then
// it is the one that has all attributes which the file uses.
func (r *rewriter) wholeFor(scope *python.Scope, bound, mod string) (target, bool) {
	t, ok := r.m.whole(mod)
	if r.m.fates[mod].fate != retired || ok && r.hasUses(scope, bound, t.concrete) {
		return t, ok
	}
	return r.wholeByUses(scope, bound, mod)
}

// hasUses reports whether a module has all attributes that the file uses of
// what scope knows as bound.
func (r *rewriter) hasUses(scope *python.Scope, bound, module string) bool {
	return !slices.ContainsFunc(r.f.Uses, func(u python.Use) bool {
		return u.Parts[0].Text == bound && len(u.Parts) > 1 && u.Resolve() == scope &&
			!r.m.exports(module, u.Parts[1].Text) && !r.m.isModule(module+"."+u.Parts[1].Text)
	})
}

// wholeByUses finds the one module that has all attributes which the file uses
// of a wrapper imported as a whole.
func (r *rewriter) wholeByUses(scope *python.Scope, bound, wrapper string) (target, bool) {
	var all target
	for _, u := range r.f.Uses {
		if u.Parts[0].Text != bound || u.Resolve() != scope {
			continue
		}
		if len(u.Parts) == 1 || u.Store {
			return target{}, false
		}
		t, ok := r.m.find(wrapper, u.Parts[1].Text)
		if !ok || t.name != u.Parts[1].Text || all.concrete != "" && all.concrete != t.concrete {
			return target{}, false
		}
		all = t
	}
	return target{module: all.concrete, concrete: all.concrete, step: all.step}, all.concrete != ""
}

// choose decides between the facade and the concrete module for one name.
func (r *rewriter) choose(imp *python.Import, t target) string {
	if t.module == t.concrete {
		return t.module
	}
	if imp.Scope.Kind == python.FunctionScope && r.m.patched()[r.m.home(t.concrete, t.name)] {
		return t.concrete
	}
	if r.loadedBy(imp, t.module) {
		return t.concrete
	}
	return t.module
}

// loadedBy reports whether a module is this file or loads it, so that an import
// of it here finds it half done.
func (r *rewriter) loadedBy(imp *python.Import, module string) bool {
	if module == r.module || r.module == "" || !imp.ModuleLevel {
		return module == r.module
	}
	return r.m.reaches(module, r.module) || r.pkg && r.m.reachesInto(module, r.module)
}

func (r *rewriter) starImport(imp *python.Import, base, prefix string) {
	t, ok := r.m.whole(base)
	if !ok {
		if d := r.m.fates[base]; d != nil && d.fate != emptied && d.fate != remapped {
			r.leave(imp.Start, base, "*")
		} else if stay := r.stays(imp, base); stay != "" {
			r.editModule(imp, r.moduleText(imp, stay, prefix), 0, 1)
		}
		return
	}
	r.editModule(imp, r.moduleText(imp, t.concrete, prefix), t.step, 1)
}

// moduleText writes a module as the statement's author would: relative if the
// import was and can be, absolute otherwise.
func (r *rewriter) moduleText(imp *python.Import, module, prefix string) string {
	if imp.Level > 0 && r.module != "" {
		if rel := relative(r.module, r.pkg, module); rel != "" {
			return rel
		}
	}
	return prefix + module
}

// relative writes module relative to the module called from, or returns "" if
// they share no top-level package.
func relative(from string, isPackage bool, module string) string {
	here := strings.Split(from, ".")
	if !isPackage {
		here = here[:len(here)-1]
	}
	there := strings.Split(module, ".")
	common := 0
	for common < len(here) && common < len(there) && here[common] == there[common] {
		common++
	}
	if common == 0 {
		return ""
	}
	return strings.Repeat(".", 1+len(here)-common) + strings.Join(there[common:], ".")
}

func cutLast(dotted string) (before, last string) {
	i := strings.LastIndexByte(dotted, '.')
	if i < 0 {
		return "", dotted
	}
	return dotted[:i], dotted[i+1:]
}

// top reports whether the name is a module at the top, which no from import can
// name.
func (p placed) top() bool { return p.object && p.module == "" }

// clause writes one name of a from import so that it binds what it bound.
func (p placed) clause() string {
	switch {
	case p.in.As != "":
		return p.name + " as " + p.in.As
	case p.name != p.in.Name:
		return p.name + " as " + p.in.Name
	}
	return p.name
}

// writeFrom writes the edits that give each name its module. Where one module
// serves all, only the words that change are touched; otherwise the statement
// is split, and comments stay with their names.
func (r *rewriter) writeFrom(imp *python.Import, names []placed, prefix string) {
	same := true
	for _, p := range names {
		same = same && p.module == names[0].module && !p.top()
	}
	if same && names[0].module == "" {
		return
	}
	if same {
		refs := 0
		step := 0
		for _, p := range names {
			if p.name != p.in.Name {
				r.edit(p.in.Span, p.clause(), p.step, 0)
			}
			step = max(step, p.step)
			refs++
		}
		r.editModule(imp, r.moduleText(imp, names[0].module, prefix), step, refs)
		return
	}
	r.splitFrom(imp, names, prefix)
}

// splitFrom replaces a from import by one for each module.
func (r *rewriter) splitFrom(imp *python.Import, names []placed, prefix string) {
	var modules []string // in order of first appearance; "" is the old one
	groups := map[string][]placed{}
	step, refs := 0, 0
	for _, p := range names {
		key := p.module
		if p.top() {
			key = "\x00" + p.name // "import top as name"
		}
		if !slices.Contains(modules, key) {
			modules = append(modules, key)
		}
		groups[key] = append(groups[key], p)
		if p.module != "" || p.object {
			step = max(step, p.step)
			refs++
		}
	}
	src := r.f.Src
	indent, alone := r.alone(imp)
	separator := "; "
	if alone {
		separator = r.newline() + indent
	}
	multiline := alone && bytes.ContainsRune(src[imp.Start:imp.End], '\n')
	head, comments := r.comments(imp)
	var out []string
	for _, key := range modules {
		if top, ok := strings.CutPrefix(key, "\x00"); ok {
			for _, p := range groups[key] {
				if bound := p.in.Bound; bound != top {
					out = append(out, "import "+top+" as "+bound)
				} else {
					out = append(out, "import "+top)
				}
			}
			continue
		}
		text := string(src[imp.Module.Start:imp.Module.End])
		if key != "" {
			text = r.moduleText(imp, key, prefix)
		}
		out = append(out, r.fromText(text, groups[key], multiline, indent, head, comments))
	}
	r.edit(imp.Span, strings.Join(out, separator), step, refs)
}

// fromText writes one from import, over several lines if the author did and
// there is more than one name or a comment to keep.
func (r *rewriter) fromText(module string, names []placed, multiline bool, indent, head string, comments map[int]nameComments) string {
	own := head != ""
	for _, p := range names {
		c := comments[p.in.Start]
		own = own || len(c.before) > 0 || c.after != ""
	}
	if !multiline || len(names) == 1 && !own {
		clauses := make([]string, len(names))
		for i, p := range names {
			clauses[i] = p.clause()
		}
		return "from " + module + " import " + strings.Join(clauses, ", ")
	}
	nl := r.newline()
	unit := "    "
	if strings.HasPrefix(indent, "\t") {
		unit = "\t"
	}
	var b strings.Builder
	b.WriteString("from " + module + " import (" + head + nl)
	for _, p := range names {
		c := comments[p.in.Start]
		for _, line := range c.before {
			b.WriteString(indent + unit + line + nl)
		}
		b.WriteString(indent + unit + p.clause() + ",")
		if c.after != "" {
			b.WriteString("  " + c.after)
		}
		b.WriteString(nl)
	}
	b.WriteString(indent + ")")
	return b.String()
}

// nameComments are the comments that belong to one name of an import.
type nameComments struct {
	before []string
	after  string
}

// comments gives each comment within an import to a name: to the one before it
// on its line, else to the next. The one behind the parenthesis is for all.
func (r *rewriter) comments(imp *python.Import) (head string, out map[int]nameComments) {
	out = map[int]nameComments{}
	for _, c := range r.f.Comments {
		if c.Start < imp.Start || c.End > imp.End || len(imp.Names) == 0 {
			continue
		}
		text := string(r.f.Src[c.Start:c.End])
		prev := -1
		for i, in := range imp.Names {
			if in.End <= c.Start {
				prev = i
			}
		}
		if prev >= 0 && (!bytes.ContainsRune(r.f.Src[imp.Names[prev].End:c.Start], '\n') || prev == len(imp.Names)-1) {
			nc := out[imp.Names[prev].Start]
			nc.after = strings.TrimSpace(nc.after + " " + text)
			out[imp.Names[prev].Start] = nc
			continue
		}
		if prev < 0 && !bytes.ContainsRune(r.f.Src[imp.Start:c.Start], '\n') {
			head = "  " + text
			continue
		}
		next := imp.Names[prev+1].Start
		nc := out[next]
		nc.before = append(nc.before, text)
		out[next] = nc
	}
	return head, out
}

func (r *rewriter) newline() string {
	if bytes.Contains(r.f.Src, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// alone reports whether the statement has its lines to itself, and with what
// indentation.
func (r *rewriter) alone(imp *python.Import) (indent string, ok bool) {
	src := r.f.Src
	indent = string(src[bytes.LastIndexByte(src[:imp.Start], '\n')+1 : imp.Start])
	rest := src[imp.End:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	return indent, strings.TrimSpace(indent) == "" && !bytes.HasPrefix(bytes.TrimSpace(rest), []byte(";"))
}
