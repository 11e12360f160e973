package github

import (
	"fmt"
	"os"
	"path"

	"github.com/restage/restage/phases/tree"
)

// Export writes the files of a tree to a new folder and returns its path, which
// is absolute. The folder lies in that of the clone, and goes with it.
func (c *Clone) Export(t tree.Tree) (dir string, err error) {
	// Commands run as another user, who has to get through.
	if err := os.Chmod(c.dir, 0o711); err != nil {
		return "", fmt.Errorf("making room for a work tree: %w", err)
	}
	if dir, err = os.MkdirTemp(c.dir, "tree-"); err != nil {
		return "", fmt.Errorf("making room for a work tree: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("writing a work tree: %w", err)
	}
	defer root.Close()
	made := map[string]bool{}
	for _, e := range t.Entries() {
		if folder := path.Dir(e.Path); !made[folder] {
			if err := root.MkdirAll(folder, 0o755); err != nil {
				return "", fmt.Errorf("writing a work tree: %w", err)
			}
			made[folder] = true
		}
		if err := export(root, t, e); err != nil {
			return "", fmt.Errorf("writing a work tree: %w", err)
		}
	}
	return dir, nil
}

func export(root *os.Root, t tree.Tree, e tree.Entry) error {
	data, err := t.Read(e.Path)
	if err != nil {
		return err
	}
	switch e.Mode {
	case tree.Symlink:
		return root.Symlink(string(data), e.Path)
	case tree.Executable:
		return root.WriteFile(e.Path, data, 0o755)
	}
	return root.WriteFile(e.Path, data, 0o644)
}
