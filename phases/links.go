package phases

import (
	"fmt"
	"path"

	"github.com/restage/restage/phases/tree"
)

// warnLinks warns of symbolic links that lead somewhere before the change and
// nowhere after it.
func (j *job) warnLinks(c *Change) error {
	after, err := c.Apply(j.tree)
	if err != nil {
		return err
	}
	for _, e := range after.Entries() {
		if e.Mode != tree.Symlink {
			continue
		}
		data, err := after.Read(e.Path)
		if err != nil {
			return fmt.Errorf("read the link %s: %w", e.Path, err)
		}
		target, was, dir := string(data), e.Path, path.Dir(e.Path)
		if mv := j.moveTo(e.Path); mv != nil && !mv.done {
			was = mv.from
		}
		led := path.Join(path.Dir(was), target)
		if path.IsAbs(target) || !exists(j.tree, led) || exists(after, path.Join(dir, target)) {
			continue
		}
		if home, ok := j.newModel(j.tree).paths[led]; ok {
			j.warn(e.Path, 0, "symlink", "this link leads to %s, and nothing is there any more: let it lead to %s", target, relativePath(dir, home.path))
		} else if exists(after, led) {
			j.warn(e.Path, 0, "symlink", "this link moved, and %s leads nowhere from here: let it lead to %s", target, relativePath(dir, led))
		} else {
			j.warn(e.Path, 0, "symlink", "this link leads to %s, and nothing is there any more", target)
		}
	}
	return nil
}
