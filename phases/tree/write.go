package tree

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Write makes the working folder at root, which base is the tree of, into what
// edits say. All of it is checked before the first file is touched. An error
// names the path and means that nothing was changed, unless the disk failed
// half way: then every file is either the old or the new one, whole.
//
// Nothing is written or deleted through a symbolic link, in .git, or over a
// file that base does not know. Folders that end up empty are removed, also
// when all that is left in them is Python's __pycache__.
func Write(root string, base Tree, edits []Edit) error {
	after, err := Apply(base, edits)
	if err != nil {
		return err
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer r.Close()

	w := &writer{root: r, base: base, after: after}
	if err := w.collect(edits); err != nil {
		return err
	}
	if err := w.check(); err != nil {
		return err
	}
	return w.run()
}

// writer brings a folder from one tree to another.
type writer struct {
	root        *os.Root
	base, after Tree
	writes      []Entry  // what is new or differs in after
	deletes     []string // what is in base only
}

// collect finds out what edits come to in the end.
func (w *writer) collect(edits []Edit) error {
	touched := map[string]bool{}
	for _, e := range edits {
		touched[e.Path] = true
		if e.From != "" {
			touched[e.From] = true
		}
	}
	for name := range touched {
		old, before := Find(w.base, name)
		e, now := Find(w.after, name)
		switch {
		case !now && before:
			w.deletes = append(w.deletes, name)
		case now:
			same, err := w.same(old, e, before)
			if err != nil {
				return err
			}
			if !same {
				w.writes = append(w.writes, e)
			}
		}
	}
	slices.Sort(w.deletes)
	slices.SortFunc(w.writes, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

// same reports whether the entry old of base, if there was one, is e of after.
func (w *writer) same(old, e Entry, before bool) (bool, error) {
	if !before || old.Mode != e.Mode {
		return false, nil
	}
	a, err := w.base.Read(e.Path)
	if err != nil {
		return false, err
	}
	b, err := w.after.Read(e.Path)
	return bytes.Equal(a, b), err
}

// check looks at every path that is to be touched.
func (w *writer) check() error {
	for _, name := range w.deletes {
		if _, err := w.checkAbove(name); err != nil {
			return fmt.Errorf("delete %s: %w", name, err)
		}
	}
	for _, e := range w.writes {
		there, err := w.checkAbove(e.Path)
		if err == nil && there {
			err = w.checkTarget(e.Path)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", e.Path, err)
		}
	}
	return nil
}

// checkAbove refuses .git and any folder above name that is not a real one,
// and reports whether name's folder is there.
func (w *writer) checkAbove(name string) (bool, error) {
	parts := strings.Split(name, "/")
	if slices.ContainsFunc(parts, func(s string) bool { return strings.EqualFold(s, ".git") }) {
		return false, errors.New(".git is not part of the tree")
	}
	for i := 1; i < len(parts); i++ {
		above := strings.Join(parts[:i], "/")
		info, err := w.root.Lstat(above)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, nil
		case err != nil:
			return false, err
		case info.IsDir():
		case slices.Contains(w.deletes, above):
			return false, nil // it makes room
		case info.Mode()&fs.ModeSymlink != 0:
			return false, fmt.Errorf("%s is a symbolic link", above)
		default:
			return false, fmt.Errorf("%s is not a folder", above)
		}
	}
	return true, nil
}

// checkTarget refuses to replace what base does not know.
func (w *writer) checkTarget(name string) error {
	info, err := w.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("a folder is in the way")
	}
	if _, known := Find(w.base, name); !known {
		return errors.New("a file that is not part of the tree is in the way; move or delete it first")
	}
	return nil
}

// run writes first and deletes then, so that at no time a moved file is
// nowhere. Only a file that has to make room goes before.
func (w *writer) run() error {
	inTheWay := func(name string) bool {
		return slices.ContainsFunc(w.writes, func(e Entry) bool {
			return strings.HasPrefix(e.Path, name+"/")
		})
	}
	var later []string
	for _, name := range w.deletes {
		if !inTheWay(name) {
			later = append(later, name)
		} else if err := w.delete(name); err != nil {
			return err
		}
	}
	for _, e := range w.writes {
		if err := w.write(e); err != nil {
			return fmt.Errorf("write %s: %w", e.Path, err)
		}
	}
	for _, name := range later {
		if err := w.delete(name); err != nil {
			return err
		}
	}
	return nil
}

// write replaces the file of e by way of a temporary one beside it.
func (w *writer) write(e Entry) error {
	data, err := w.after.Read(e.Path)
	if err != nil {
		return err
	}
	if err := w.root.MkdirAll(path.Dir(e.Path), 0o777); err != nil {
		return err
	}
	temp := path.Join(path.Dir(e.Path), ".restage-"+rand.Text()+".tmp")
	if e.Mode == Symlink {
		err = w.root.Symlink(string(data), temp)
	} else {
		err = w.writeTemp(temp, data, e)
	}
	if err == nil {
		err = w.root.Rename(temp, e.Path)
	}
	if err != nil {
		w.root.Remove(temp)
	}
	return err
}

// writeTemp writes data to the new file temp, with the permissions that the
// file of e has or, for a new file, those that git would give.
func (w *writer) writeTemp(temp string, data []byte, e Entry) error {
	perm := fs.FileMode(0o666)
	if e.Mode == Executable {
		perm = 0o777
	}
	f, err := w.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	old, known := Find(w.base, e.Path)
	if err == nil && known && old.Mode == e.Mode {
		var info fs.FileInfo
		if info, err = w.root.Lstat(e.Path); err == nil {
			err = f.Chmod(info.Mode().Perm())
		}
	}
	return errors.Join(err, f.Close())
}

// delete removes a file and the folders that are empty without it.
func (w *writer) delete(name string) error {
	if err := w.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		w.deleteCache(above)
		if w.root.Remove(above) != nil {
			break // not empty
		}
	}
	return nil
}

// deleteCache removes the __pycache__ of a folder that holds nothing else.
// Left alone, it would keep a deleted package importable as a namespace.
func (w *writer) deleteCache(name string) {
	list, err := fs.ReadDir(w.root.FS(), name)
	if err != nil || len(list) != 1 || list[0].Name() != "__pycache__" || !list[0].IsDir() {
		return
	}
	cache := path.Join(name, "__pycache__")
	compiled, err := fs.ReadDir(w.root.FS(), cache)
	if err != nil || slices.ContainsFunc(compiled, func(e fs.DirEntry) bool { return path.Ext(e.Name()) != ".pyc" }) {
		return
	}
	w.root.RemoveAll(cache)
}
