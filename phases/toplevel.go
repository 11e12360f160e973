package phases

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/tree"
)

// Some settings list packages at the top by their names: what is released, what
// belongs to the project. A plan that makes a new one leaves it out of them.

// topLists matches the settings that list packages at the top, with their keys.
var topLists = regexp.MustCompile(`(?m)^[ \t]*(packages|only-include|root_packages?|known[_-]first[_-]party|source_pkgs)[ \t]*[=:][ \t]*(\[[^\]]*\]|[^\n]*(?:\n[ \t]+[^\n]+)*)`)

var topName = regexp.MustCompile(`[\w./-]+`)

// warnTopLevel warns of lists that have a package from which modules move into
// a new one at the top, and not that one.
func (j *job) warnTopLevel(after tree.Tree) error {
	tops := map[string]string{} // new package → the one that its modules come from
	for _, mv := range j.moves {
		from, _, _ := strings.Cut(mv.old, ".")
		to, _, _ := strings.Cut(mv.new, ".")
		if known, _ := j.index.Lookup(to); known == nil && to != "" && from != "" && !mv.done && tops[to] == "" {
			tops[to] = from
		}
	}
	if len(tops) == 0 {
		return nil
	}
	for _, e := range after.Entries() {
		switch path.Base(e.Path) {
		case "pyproject.toml", "setup.cfg", "tox.ini", ".isort.cfg", ".importlinter", ".coveragerc", "ruff.toml", ".ruff.toml":
		default:
			continue
		}
		if e.Mode == tree.Symlink || j.excluded(e.Path) {
			continue
		}
		src, err := after.Read(e.Path)
		if err != nil {
			return fmt.Errorf("read %s: %w", e.Path, err)
		}
		kept := readPackageList(e.Path, src) // up to date
		for _, m := range topLists.FindAllSubmatchIndex(src, -1) {
			if kept != nil && m[0] <= kept.span.Start && kept.span.Start <= m[1] {
				continue
			}
			names := topName.FindAllString(string(src[m[4]:m[5]]), -1)
			lists := func(pkg string) bool {
				return slices.ContainsFunc(names, func(n string) bool { return path.Base(n) == pkg })
			}
			for _, to := range sorted(keys(tops)) {
				if lists(tops[to]) && !lists(to) {
					j.warn(e.Path, 1+bytes.Count(src[:m[2]], []byte("\n")), "packaging", "%s lists %s, and not the new package %s that its modules move to", src[m[2]:m[3]], tops[to], to)
				}
			}
		}
	}
	return nil
}
