package phases

import (
	"fmt"
	"path"
	"strings"

	"github.com/restage/restage/phases/plan"
)

// checkTargets fails when the plan moves a module to where no import can name
// it. Files that nobody could import before, such as scripts with a hyphen in
// their names, may go anywhere.
func (j *job) checkTargets() error {
	for _, mv := range j.moves {
		if mv.done || path.Ext(mv.from) != ".py" || j.unimportable(mv.from) != "" {
			continue
		}
		if part := j.unimportable(mv.to); part != "" {
			return fmt.Errorf("move of %s to %s: nobody could import %s, because %q is no Python name; choose another, or list the source root that %s starts at under source_roots",
				mv.row.From, mv.row.To, mv.to, part, mv.row.To)
		}
	}
	return nil
}

// unimportable returns the first part of a Python file's path below its source
// root that an import statement cannot name, or "".
func (j *job) unimportable(f string) string {
	rel := strings.TrimPrefix(strings.TrimPrefix(f, j.index.Root(f)), "/")
	for part := range strings.SplitSeq(strings.TrimSuffix(rel, path.Ext(rel)), "/") {
		if !plan.Importable(part) {
			return part
		}
	}
	return ""
}
