package phases

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// warnMoved warns of code whose meaning depends on where its file is, or on
// what its module is called.
func (j *job) warnMoved(r *rewriter, mv *fileMove) {
	if guard := mainGuard.FindIndex(r.f.Src); guard != nil && mv.runs() != mv.new && path.Base(mv.from) != "__init__.py" {
		r.warn(guard[0], "script", "this is a package now, and python -m "+mv.new+" runs the __main__.py of a package; python -m "+mv.runs()+" runs this")
	}
	for _, u := range r.f.Uses {
		switch name := u.Parts[0].Text; name {
		case "__file__":
			r.warn(u.Parts[0].Start, "file-relative", "this file moved, and what it finds relative to __file__ did not")
			j.warnBeside(mv)
			continue
		case "__package__", "__spec__":
			r.warn(u.Parts[0].Start, "package-relative", name+" is another one after the move")
			continue
		}
		switch name := qualified(u); {
		case resource(name) && !strings.HasSuffix(mv.row.From, "/") && !r.elsewhere(u): // a folder takes its data along
			r.warnResource(u.Parts[0].Start, mv.to)
			j.warnBeside(mv)
		case pickler(name) && mv.old != "":
			r.warnPickled(u.Parts[0].Start, mv.old)
		}
	}
}

func (r *rewriter) warnResource(at int, moved string) {
	r.warn(at, "resource", moved+" moved, and the data that is read as a resource beside it did not")
}

func (r *rewriter) warnPickled(at int, old string) {
	r.warn(at, "pickled", "a pickle names a class by its module: what was pickled before the move says "+old+", which is there until cleanup")
}

// pickled warns of bytes that name a module which moves, as a pickle does.
func (r *rewriter) pickled(s python.String) {
	if !r.mayName(s.Content) {
		return
	}
	text := s.Text(r.f.Src)
	for _, old := range sorted(keys(r.m.fates)) {
		if d := r.m.fates[old]; d.fate == moved && strings.Contains(old, ".") && pickledName(text, old) {
			r.warnPickled(s.Start, old)
			return
		}
	}
}

// pickledName reports whether bytes name a module in the way of a pickle: behind
// the opcode c, up to the end of the line, or with its length before it and an
// opcode behind (pickletools).
func pickledName(text, module string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], module)
		if i < 0 {
			return false
		}
		if pickleBefore.MatchString(text[max(0, at+i-4):at+i]) && pickleAfter.MatchString(text[at+i+len(module):]) {
			return true
		}
		at += i + len(module)
	}
}

// pickleBefore and pickleAfter match what stands around the name, in Python's
// spelling of bytes.
var (
	pickleBefore = regexp.MustCompile(`(?:c|\\x[0-9a-f]{2}|[^\w.])$`)
	pickleAfter  = regexp.MustCompile(`^(?:\n|\\n|\\x)`)
)

// warnPickles warns of the first place in a file that reads a file of pickles,
// if it imports a class that moved. What is pickled and read in one breath
// outlives nothing.
func (r *rewriter) warnPickles() {
	if !slices.ContainsFunc(r.f.Imports, importsPickler) {
		return
	}
	i := slices.IndexFunc(r.f.Uses, func(u python.Use) bool {
		_, function := cutLast(qualified(u))
		return pickler(qualified(u)) && (function == "load" || function == "Unpickler" || function == "open")
	})
	if i < 0 {
		return
	}
	for _, imp := range r.f.Imports {
		base, _ := r.m.canonical(python.Absolute(r.origin, r.wasPkg, imp.Level, imp.Name))
		if d := r.m.fates[base]; !imp.From || d == nil || d.fate != moved {
			continue
		}
		for _, in := range imp.Names {
			if name := strings.TrimLeft(in.Name, "_"); name != "" && unicode.IsUpper(rune(name[0])) {
				r.warnPickled(r.f.Uses[i].Parts[0].Start, base)
				return
			}
		}
	}
}

// qualified returns the full name of what a use leads to by the file's imports,
// or "".
func qualified(u python.Use) string {
	scope := u.Resolve()
	if scope == nil {
		return ""
	}
	bindings := scope.Bindings(u.Parts[0].Text)
	if bindings[0].Kind != python.ImportBinding {
		return ""
	}
	rest := strings.TrimPrefix(u.Dotted(len(u.Parts)), u.Parts[0].Text)
	switch imp := bindings[0].Import; {
	case imp.From:
		return imp.Name + "." + imp.Names[bindings[0].Index].Name + rest
	default:
		in := imp.Names[bindings[0].Index]
		if in.As == "" {
			return in.Bound + rest
		}
		return in.Name + rest
	}
}

// resource reports whether a function reads data that lies beside a module.
func resource(name string) bool {
	for _, prefix := range []string{"importlib.resources.", "importlib_resources.", "pkg_resources.resource_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "pkgutil.get_data"
}

// readsResource reports whether a call by this name looks for data beside the
// module that its first argument names.
func readsResource(callee string) bool {
	switch callee[strings.LastIndexByte(callee, '.')+1:] {
	case "get_data", "files", "read_text", "read_binary", "open_text", "open_binary", "resource_filename", "resource_string", "resource_stream", "resource_exists", "resource_listdir":
		return true
	}
	return false
}

// movedResource warns of a call that names a module which moved by itself, and
// not with its folder.
func (r *rewriter) movedResource(at int, module string) {
	if mod, _ := r.m.index.Lookup(module); mod != nil && !mod.Package {
		r.warnResource(at, mod.Path)
	}
}

// picklers are the modules that write and read pickles.
var picklers = []string{"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve"}

// importsPickler reports whether an import brings one of them.
func importsPickler(imp *python.Import) bool {
	return imp.From && contains(picklers, imp.Name) ||
		slices.ContainsFunc(imp.Names, func(in python.ImportName) bool { return !imp.From && contains(picklers, in.Name) })
}

// pickler reports whether a function writes or reads pickles.
func pickler(name string) bool {
	module, function := cutLast(name)
	if !contains(picklers, module) {
		return false
	}
	switch function {
	case "dump", "dumps", "load", "loads", "open", "Pickler", "Unpickler":
		return true
	}
	return false
}

// elsewhere reports whether the function that u names is called for a package
// in a literal, and that is not one that moves.
func (r *rewriter) elsewhere(u python.Use) bool {
	end := u.Parts[len(u.Parts)-1].End
	s, ok := r.stringFrom(end)
	if !ok || s.Arg != 0 || len(bytes.Trim(r.f.Src[end:s.Start], "( \t\r\n")) > 0 {
		return false
	}
	name, _ := r.m.canonical(s.Text(r.f.Src))
	return r.m.fates[name] == nil
}

// warnBeside warns of the files that a module leaves behind in its folder.
func (j *job) warnBeside(mv *fileMove) {
	var left []string
	for _, e := range tree.Under(j.tree, path.Dir(mv.from)) {
		if path.Dir(e.Path) == path.Dir(mv.from) && !strings.HasSuffix(e.Path, ".py") && !slices.ContainsFunc(j.moves, func(m *fileMove) bool { return m.from == e.Path }) {
			left = append(left, e.Path)
		}
	}
	if len(left) == 0 {
		return
	}
	const most = 5
	if more := len(left) - most; more > 0 {
		left = append(left[:most], fmt.Sprintf("and %d more", more))
	}
	j.warn(mv.to, 0, "beside", "this file moved, and what was beside it did not: %s", list(left))
}

// warnPickleFiles warns of pickles in the repository that name a module which
// moves.
func (j *job) warnPickleFiles() error {
	for _, f := range j.src.paths {
		switch path.Ext(f) {
		case ".pkl", ".pickle", ".joblib", ".dill":
		default:
			continue
		}
		data, err := j.tree.Read(f)
		if err != nil {
			return fmt.Errorf("read %s: %w", f, err)
		}
		for _, mv := range j.moves {
			if mv.old != "" && mv.old != mv.new && !mv.shadowed && namesModule(data, mv.old) {
				j.warn(f, 0, "pickled", "this pickle names %s, which is there until cleanup; make it anew after the move", mv.old)
			}
		}
	}
	return nil
}

// namesModule reports whether a pickle has a module's name in it. What comes
// before the name is an opcode or the name's length; what follows ends it.
func namesModule(data []byte, name string) bool {
	for {
		i := bytes.Index(data, []byte(name))
		if i < 0 {
			return false
		}
		data = data[i+len(name):]
		if len(data) == 0 || data[0] != '.' && !python.IsNameByte(data[0]) || data[0] >= 0x80 {
			return true
		}
	}
}

// settle makes the lines of what is told about the file those that it has when
// its edits are done.
func (r *rewriter) settle() {
	if len(r.warnings)+len(r.left)+len(r.computes) == 0 {
		return
	}
	edits := slices.Clone(r.edits)
	slices.SortFunc(edits, func(a, b python.Edit) int { return cmp.Or(a.End-b.End, a.Start-b.Start) })
	ends, added := make([]int, len(edits)), make([]int, len(edits)+1) // last lines of edits, and lines added up to there
	line, at := 1, 0
	for i, e := range edits {
		if end := e.End - 1; end > at {
			line, at = line+bytes.Count(r.f.Src[at:end], []byte("\n")), end
		}
		if ends[i] = line; e.End == 0 {
			ends[i] = 0
		}
		added[i+1] = added[i]
		if i == 0 || e.Span != edits[i-1].Span {
			added[i+1] += strings.Count(e.Text, "\n") - bytes.Count(r.f.Src[e.Start:e.End], []byte("\n"))
		}
	}
	settle := func(line *int) {
		i, _ := slices.BinarySearch(ends, *line)
		*line += added[i]
	}
	for i := range r.warnings {
		settle(&r.warnings[i].Line)
	}
	for i := range r.left {
		settle(&r.left[i].line)
	}
	for i := range r.computes {
		settle(&r.computes[i].line)
	}
}
