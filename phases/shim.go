package phases

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// shim returns the file that keeps the old path of a moved module working: it
// puts the new module into sys.modules under the old name, so that both names
// are one object, with one set of classes and one state. Type checkers, which
// do not follow that, read the imports.
func (j *job) shim(mv *fileMove, content []byte, mode tree.Mode) []byte {
	var b strings.Builder
	f := j.src.parse.parse(content)
	script := mode == tree.Executable || path.Base(mv.from) == "__main__.py" ||
		bytes.HasPrefix(content, []byte("#!")) || bytes.Contains(content, []byte("__main__")) && mainGuard.Match(content)
	if bytes.HasPrefix(content, []byte("#!")) {
		line, _, _ := bytes.Cut(content, []byte("\n"))
		b.Write(bytes.TrimRight(line, "\r"))
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\"\"\"Moved to %s. The old import works until the old path goes.\"\"\"\n", mv.new)
	b.WriteString(shimMark + "\n")
	b.WriteString("import sys\nfrom typing import TYPE_CHECKING\n\n")
	if script {
		j.shimScript(&b, mv)
		b.WriteString("elif TYPE_CHECKING:\n")
	} else {
		b.WriteString("if TYPE_CHECKING:\n")
	}
	fmt.Fprintf(&b, "    from %s import *  # noqa: F401,F403\n", mv.new)
	for _, name := range privateNames(f) {
		fmt.Fprintf(&b, "    from %s import %s as %s  # noqa: F401\n", mv.new, name, name)
	}
	b.WriteString("else:\n\n    def __getattr__(name):  # for imports in a circle, while the new module is being loaded\n")
	fmt.Fprintf(&b, "        import %s\n\n        return getattr(sys.modules[%s], name)\n\n    import %s\n\n", mv.new, pythonString(mv.new), mv.new)
	if path.Base(mv.from) == "__init__.py" {
		b.WriteString(packageShim)
	}
	if script {
		fmt.Fprintf(&b, runnableShim, pythonString(mv.new))
	}
	fmt.Fprintf(&b, "    sys.modules[__name__] = sys.modules[%s]\n", pythonString(mv.new))
	return []byte(b.String())
}

// packageShim goes into the shim of a package. With the new package in place
// of the old one in sys.modules, Python would look for old submodules in the
// new folder and load them a second time under the old name; this finder makes
// it find the shims in the old folder instead.
const packageShim = `    from importlib.machinery import PathFinder

    class _OldFolder:
        name, folder = __name__, __path__

        @classmethod
        def find_spec(cls, name, path=None, target=None):
            if name.rpartition(".")[0] == cls.name:
                return PathFinder.find_spec(name, cls.folder, target)
            return None

    sys.meta_path.insert(0, _OldFolder)
`

// runnableShim is for "python -m old.path" when a package above imports the
// old path: runpy then asks the loader of the new module for the code of the
// old name, and a loader refuses names that are not its own.
const runnableShim = `    _loader = sys.modules[%s].__spec__.loader
    _loader.get_filename = lambda name=None, _new=_loader.get_filename: _new()
`

var mainGuard = regexp.MustCompile(`(?m)^if\s+__name__\s*==\s*['"]__main__['"]`)

// shimScript writes the branch for "python -m old.path", and for the file run
// as a script.
func (j *job) shimScript(b *strings.Builder, mv *fileMove) {
	rel := relativePath(path.Dir(mv.from), mv.to)
	b.WriteString("if __name__ == \"__main__\":\n    import runpy\n\n")
	b.WriteString("    if globals()[\"__spec__\"] is None:\n        import os\n\n")
	fmt.Fprintf(b, "        _new = os.path.join(os.path.dirname(os.path.abspath(__file__)), %s)\n", pythonString(rel))
	b.WriteString("        _new = os.path.normpath(_new)\n        sys.path[0] = os.path.dirname(_new)\n")
	b.WriteString("        runpy.run_path(_new, run_name=\"__main__\")\n    else:\n")
	fmt.Fprintf(b, "        runpy.run_module(%s, run_name=\"__main__\", alter_sys=True)\n", pythonString(mv.runs()))
}

// runs returns what "python -m" calls the code of the new file: run by its name
// alone, a package runs its __main__.py.
func (mv *fileMove) runs() string {
	if path.Base(mv.to) == "__init__.py" {
		return mv.new + ".__init__"
	}
	return mv.new
}

func pythonString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// importSystem are the names of a module that Python sets by itself.
var importSystem = []string{"__all__", "__doc__", "__file__", "__name__", "__package__", "__path__", "__dir__"}

// privateNames returns the names that "import *" leaves out, sorted: those
// with a leading underscore, and those that __all__ lacks. Of what is imported,
// type checkers see no more than "import a as a".
func privateNames(f *python.Syntax) []string {
	var names []string
	for name, sym := range f.Symbols("", false).Names {
		public := !strings.HasPrefix(name, "_")
		if f.All != nil {
			public = contains(f.All.Names, name)
		}
		exposed := slices.ContainsFunc(f.Module.Bindings(name), func(b python.Binding) bool {
			return b.Kind == python.ImportBinding && b.Import.Names[b.Index].Exposed
		})
		if !public && (sym.Defined() || exposed) && !contains(importSystem, name) {
			names = append(names, name)
		}
	}
	return sorted(names)
}
