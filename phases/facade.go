package phases

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

func contains(list []string, s string) bool { return slices.Contains(list, s) }

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// An export is what one package is to re-export from one of its modules.
type export struct {
	module string // relative, without the dot
	names  []string
}

// exportsOf returns, by __init__.py, what the plan wants the new packages to
// re-export, with the modules that have the names in t.
func (j *job) exportsOf(t tree.Tree) map[string][]export {
	out := map[string][]export{}
	for i := range j.plan.Moves {
		row := &j.plan.Moves[i]
		if len(row.Export) == 0 {
			continue
		}
		var files []string
		for _, mv := range j.moves {
			if mv.row == row && strings.HasSuffix(mv.to, ".py") && path.Base(mv.to) != "__init__.py" {
				files = append(files, mv.to)
			}
		}
		if len(files) == 0 {
			continue
		}
		init := path.Join(j.packageOf(row, files), "__init__.py")
		for _, name := range row.Export {
			at := j.definer(t, files, name)
			if at == "" {
				j.ask(files[0], row.From, fmt.Sprintf("The plan exports %s from %s, but no file that moves there defines it. Go on without it?", name, path.Dir(init)), "skip")
				continue
			}
			module := strings.TrimSuffix(strings.TrimPrefix(at, path.Dir(init)+"/"), ".py")
			module = strings.ReplaceAll(module, "/", ".")
			list := out[init]
			k := slices.IndexFunc(list, func(e export) bool { return e.module == module })
			if k < 0 {
				list = append(list, export{module: module})
				k = len(list) - 1
			}
			list[k].names = append(list[k].names, name)
			out[init] = list
		}
	}
	return out
}

// packageOf returns the folder of the package that a row moves files into.
func (j *job) packageOf(row *plan.Move, files []string) string {
	from, _ := j.findMoved(row)
	to := j.destination(from, row.To)
	if strings.HasSuffix(to, ".py") {
		return path.Dir(to)
	}
	if len(files) == 1 && files[0] == to+"/"+path.Base(files[0]) {
		return to
	}
	return to
}

func (j *job) definer(t tree.Tree, files []string, name string) string {
	for _, f := range files {
		src, err := t.Read(f)
		if err == nil && len(j.src.parse.parse(src).Module.Bindings(name)) > 0 {
			return f
		}
	}
	return ""
}

// initFile returns the text of a new package's __init__.py.
func initFile(exports []export) []byte {
	if len(exports) == 0 {
		return nil
	}
	var b strings.Builder
	var all []string
	for _, e := range exports {
		b.WriteString(fromImport("."+e.module, e.names))
		all = append(all, e.names...)
	}
	b.WriteString("\n" + allList(all))
	return []byte(b.String())
}

func fromImport(module string, names []string) string {
	if len(names) == 1 {
		return "from " + module + " import " + names[0] + "\n"
	}
	return "from " + module + " import (\n    " + strings.Join(names, ",\n    ") + ",\n)\n"
}

func allList(names []string) string {
	if len(names) == 1 {
		return "__all__ = [\"" + names[0] + "\"]\n"
	}
	return "__all__ = [\n    \"" + strings.Join(names, "\",\n    \"") + "\",\n]\n"
}

// addExports adds to an existing __init__.py what it lacks: imports behind its
// last one, names at the end of its __all__.
func addExports(src []byte, module string, exports []export) ([]byte, error) {
	f := python.Parse(src)
	bound := f.Symbols(module, true).Names
	var imports string
	var names []string
	for _, e := range exports {
		var missing []string
		for _, n := range e.names {
			if _, ok := bound[n]; !ok {
				missing = append(missing, n)
			}
			if f.All == nil || !contains(f.All.Names, n) {
				names = append(names, n)
			}
		}
		if len(missing) > 0 {
			imports += fromImport("."+e.module, missing)
		}
	}
	var edits []python.Edit
	if imports != "" {
		at := f.AfterImports()
		if at > 0 && src[at-1] != '\n' {
			imports = "\n" + imports
		}
		edits = append(edits, python.Edit{Span: python.Span{Start: at, End: at}, Text: imports})
	}
	public := false // a new __all__ would hide the names that the package had
	for name := range bound {
		public = public || !strings.HasPrefix(name, "_")
	}
	if len(names) > 0 && (f.All != nil || !public) {
		if f.All == nil {
			text := allList(names)
			if len(src) > 0 && src[len(src)-1] != '\n' {
				text = "\n" + text
			}
			edits = append(edits, python.Edit{Span: python.Span{Start: len(src), End: len(src)}, Text: "\n" + text})
		} else {
			edits = append(edits, f.AppendAll(names))
		}
	}
	return python.Apply(src, edits)
}
