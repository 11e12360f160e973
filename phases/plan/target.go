package plan

import (
	"path"
	"slices"
	"strings"

	"github.com/restage/restage/phases/input"
)

// keywords are the words that no module can be called (Python's
// keyword.kwlist). The soft ones, such as match and type, can.
var keywords = strings.Fields(`False None True and as assert async await break class continue def del elif else except
	finally for from global if import in is lambda nonlocal not or pass raise return try while with yield`)

// Importable reports whether a folder, or a file by its name without ".py", can
// be named in an import statement: it is a Python identifier and no keyword.
func Importable(name string) bool { return isIdentifier(name) && !slices.Contains(keywords, name) }

// checkTarget records a new home where no module can be. Of the folders in its
// path nobody knows here which are source roots, so only what they cannot be
// called wherever they are is a mistake. A file that could not be imported
// before, such as run-tests.py, needs no better name.
func (r *reader) checkTarget(m Move) {
	for dir := path.Dir(m.To); dir != "."; dir = path.Dir(dir) {
		if path.Ext(dir) == ".py" {
			r.errs.Add(m.Line, 0, "the new home of %s lies in a folder called %s; write the file without a slash behind it", input.Quote(m.From), input.Quote(dir+"/"))
			return
		}
	}
	if path.Ext(m.From) != ".py" {
		return
	}
	stem, isModule := strings.CutSuffix(path.Base(m.To), ".py")
	switch was := strings.TrimSuffix(path.Base(m.From), ".py"); {
	case !isModule:
		r.errs.Add(m.Line, 0, "%s is Python and its new home %s is not; end it in .py, or in a slash for a folder", input.Quote(m.From), input.Quote(m.To))
	case Importable(was) && slices.Contains(keywords, stem):
		r.errs.Add(m.Line, 0, "nobody could import %s: %q is a keyword of Python; choose another name", input.Quote(m.To), stem)
	case Importable(was) && !Importable(stem):
		r.errs.Add(m.Line, 0, "nobody could import %s: %s is no Python name; use letters, digits and _, and no digit first", input.Quote(m.To), input.Quote(stem))
	}
}
