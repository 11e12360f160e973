package phases

import (
	"bytes"
	"path"
	"strings"

	"github.com/restage/restage/phases/python"
)

// shimMark is the comment by which a shim is known again.
const shimMark = "# restage: shim, gone after cleanup"

// isShim reports whether the file at p is a shim that moves has left.
func (j *job) isShim(p string) bool {
	src, err := j.tree.Read(p)
	return err == nil && bytes.Contains(src, []byte(shimMark))
}

// sameCode reports whether two Python files have equal syntax trees without
// docstrings, after the plan's own rewriting of both.
func (j *job) sameCode(a, b string) bool {
	for _, p := range []string{a, b} {
		if !strings.HasSuffix(p, ".py") {
			return false
		}
		if _, err := j.tree.Read(p); err != nil {
			return false
		}
		if j.src.syntax(p).ErrorLine != 0 {
			return false
		}
	}
	return j.code(a) == j.code(b)
}

func (j *job) code(p string) string {
	name := j.index.NameOf(p)
	return j.src.syntax(p).Code(func(module string, level int) string {
		base := python.Absolute(name, path.Base(p) == "__init__.py", level, module)
		for _, row := range j.plan.Moves {
			from, _ := j.find(row.From)
			if old := j.index.NameOf(from); old != "" && (base == old || strings.HasPrefix(base, old+".")) {
				base = j.index.NameOf(j.destination(from, row.To)) + strings.TrimPrefix(base, old)
				break
			}
		}
		for _, row := range j.plan.Imports {
			if to, tail := strings.CutSuffix(row.New, ".*"); base == to || tail && strings.HasPrefix(base, to+".") {
				// A facade and what it re-exports are one home.
				for _, mv := range j.plan.Moves {
					from, _ := j.find(mv.From)
					if j.index.NameOf(from) == row.Old {
						return j.index.NameOf(j.destination(from, mv.To))
					}
				}
			}
		}
		return base
	})
}
