package tree

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// Write makes the working folder at root, which base is the tree of, into what
// edits say: all of it or nothing. Everything is checked, and everything new is
// on the disk under temporary names, before the first file is touched; what fails
// after that is undone. An error names the path and means that nothing was
// changed, or says what could not be undone. If the process is killed half
// way, every file is either the old or the new one, whole, and the next Write
// removes what was left.
//
// A file that is no longer what base says, since somebody else wrote to it, is
// an error too.
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

	w := &writer{
		root:    r,
		folders: map[string]*os.Root{},
		base:    base,
		after:   after,
		found:   map[string]fs.FileInfo{},
		above:   map[string]bool{},
		temps:   map[string]string{},
		saves:   map[string]string{},
	}
	defer w.closeFolders()
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
	folders     map[string]*os.Root // those that are open
	base, after Tree
	writes      []Entry  // what is new or differs in after
	deletes     []string // what is in base only

	found map[string]fs.FileInfo // what was at a path when it was checked first
	above map[string]bool        // folders that were looked at, and whether they are there
	temps map[string]string      // where the new content of a path is kept until its turn
	saves map[string]string      // where the old content of a path is kept until all is done
	undo  []func() error         // takes back what was done, the newest last
}

// maxFolders is how many folders are kept open.
const maxFolders = 20

// in returns the folder of name, and what name is called there: the way to a
// file is long where every folder above it is looked at every time. CheckAbove
// has looked at them once.
func (w *writer) in(name string) (*os.Root, string) {
	dir, base := path.Split(name)
	if dir == "" {
		return w.root, name
	}
	if r := w.folders[dir]; r != nil {
		return r, base
	}
	if len(w.folders) == maxFolders {
		w.closeFolders()
	}
	r, err := w.root.OpenRoot(dir)
	if err != nil {
		w.closeFolders() // there may be no room for so many
		if r, err = w.root.OpenRoot(dir); err != nil {
			return w.root, name // whoever uses it gets the error
		}
	}
	w.folders[dir] = r
	return r, base
}

func (w *writer) closeFolders() {
	for dir, r := range w.folders {
		r.Close()
		delete(w.folders, dir)
	}
}

func (w *writer) lstat(name string) (fs.FileInfo, error) {
	r, base := w.in(name)
	return r.Lstat(base)
}

func (w *writer) remove(name string) error {
	r, base := w.in(name)
	return r.Remove(base)
}

// rename moves a file, within its folder or to another.
func (w *writer) rename(from, to string) error {
	if path.Dir(from) != path.Dir(to) {
		return w.root.Rename(from, to)
	}
	r, base := w.in(to)
	return r.Rename(path.Base(from), base)
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
		_, err := w.checkAbove(name)
		if err == nil {
			err = w.checkTarget(name)
		}
		if err != nil {
			return fmt.Errorf("delete %s: %w", name, err)
		}
	}
	for _, e := range w.writes {
		there, err := w.checkAbove(e.Path)
		if _, known := Find(w.base, e.Path); err == nil && (there || known) {
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
	return w.checkFolder(path.Dir(name))
}

// checkFolder is checkAbove for what is in the folder called name.
func (w *writer) checkFolder(name string) (bool, error) {
	if name == "." {
		return true, nil
	}
	if there, known := w.above[name]; known {
		return there, nil
	}
	there, err := w.checkFolder(path.Dir(name))
	if err != nil || !there {
		return false, err
	}
	info, err := w.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		there = false
	case err != nil:
		return false, err
	case info.IsDir():
	case slices.Contains(w.deletes, name):
		there = false // it makes room
	case info.Mode()&fs.ModeSymlink != 0:
		return false, fmt.Errorf("%s is a symbolic link", name)
	default:
		return false, fmt.Errorf("%s is not a folder", name)
	}
	w.above[name] = there
	return there, nil
}

// checkTarget refuses to replace what base does not know, or knows otherwise.
func (w *writer) checkTarget(name string) error {
	e, known := Find(w.base, name)
	var want []byte
	if known {
		var err error
		if want, err = w.base.Read(name); err != nil {
			return err
		}
	}
	r, base := w.in(name)
	info, err := r.Lstat(base)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !known:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errChanged
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("a folder is in the way")
	case !known:
		return errors.New("a file that is not part of the tree is in the way; move or delete it first")
	case info.Mode().Type() != e.Mode.fileType():
		return errChanged
	case w.untouched(name, info):
		return nil
	}
	var got []byte
	if e.Mode == Symlink {
		var target string
		target, err = r.Readlink(base)
		got = []byte(target)
	} else if info.Size() == int64(len(want)) {
		got, err = r.ReadFile(base)
	}
	if err == nil && !bytes.Equal(got, want) {
		err = errChanged
	}
	if err == nil {
		w.found[name] = info
	}
	return err
}

// untouched reports whether a file is the one that was found to be as base knows
// it, and nobody wrote to it since.
func (w *writer) untouched(name string, now fs.FileInfo) bool {
	was := w.found[name]
	return was != nil && os.SameFile(was, now) && was.Size() == now.Size() && was.ModTime().Equal(now.ModTime())
}

// errChanged says that a file is not what it was when it was read.
var errChanged = errors.New("the file was changed while restage was at work; run it again")

func (m Mode) fileType() fs.FileMode {
	if m == Symlink {
		return fs.ModeSymlink
	}
	return 0
}

// run prepares everything, does it, and tidies up.
func (w *writer) run() error {
	w.sweep()
	err := w.prepare()
	if err == nil {
		err = w.replace()
	}
	if err != nil {
		for _, undo := range slices.Backward(w.undo) {
			err = errors.Join(err, undo())
		}
	}
	for _, temp := range slices.Concat(slices.Collect(maps.Values(w.temps)), slices.Collect(maps.Values(w.saves))) {
		w.remove(temp)
	}
	if err == nil {
		w.prune()
	}
	return err
}

// isTemp reports whether name is that of a file that Write keeps for a while.
func isTemp(name string) bool {
	return strings.HasPrefix(name, ".restage-") && strings.HasSuffix(name, ".tmp")
}

// tempIn returns a name for a temporary file in the folder dir.
func tempIn(dir string) string { return path.Join(dir, ".restage-"+rand.Text()+".tmp") }

// sweep removes the temporary files that a Write left behind when it was killed,
// as far as base was read from the folder.
func (w *writer) sweep() {
	if d, ok := w.base.(*dir); ok {
		for _, name := range d.temps {
			w.root.Remove(name)
		}
	}
}

// prepare puts all that is new, and a second name for all that goes, on the
// disk. A full disk or a folder that cannot be written to shows here.
func (w *writer) prepare() error {
	for _, e := range w.writes {
		data, err := w.after.Read(e.Path)
		if err != nil {
			return fmt.Errorf("write %s: %w", e.Path, err)
		}
		w.temps[e.Path] = tempIn(w.folder(e.Path))
		if err := w.create(w.temps[e.Path], data, e); err != nil {
			return fmt.Errorf("write %s: %w", e.Path, err)
		}
		if err := w.save(e.Path); err != nil {
			return fmt.Errorf("write %s: %w", e.Path, err)
		}
	}
	for _, name := range w.deletes {
		if err := w.save(name); err != nil {
			return fmt.Errorf("delete %s: %w", name, err)
		}
	}
	return nil
}

// folder returns the folder of name or, where that is still to be made, the
// nearest one above it.
func (w *writer) folder(name string) string {
	dir := path.Dir(name)
	for dir != "." {
		if info, err := w.lstat(dir); err == nil && info.IsDir() {
			break
		}
		dir = path.Dir(dir)
	}
	return dir
}

// save keeps the file at name, if base has it, under a second name.
func (w *writer) save(name string) error {
	e, known := Find(w.base, name)
	if !known {
		return nil
	}
	w.saves[name] = tempIn(path.Dir(name))
	if r, base := w.in(name); r.Link(base, path.Base(w.saves[name])) == nil {
		return nil
	}
	data, err := w.base.Read(name) // not every disk knows links
	if err != nil {
		return err
	}
	return w.create(w.saves[name], data, e)
}

// create makes the new file temp what e is to be, with the permissions that the
// file of e has or, for a new file, those that git would give.
func (w *writer) create(temp string, data []byte, e Entry) error {
	r, base := w.in(temp)
	if e.Mode == Symlink {
		return r.Symlink(string(data), base)
	}
	perm := fs.FileMode(0o666)
	if e.Mode == Executable {
		perm = 0o777
	}
	f, err := r.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	old, known := Find(w.base, e.Path)
	if err == nil && known && old.Mode == e.Mode {
		var info fs.FileInfo
		if info, err = w.lstat(e.Path); err == nil {
			err = f.Chmod(info.Mode().Perm())
		}
	}
	return errors.Join(err, f.Close())
}

// replace writes first and deletes then, so that at no time a moved file is
// nowhere. Only a file that has to make room goes before.
func (w *writer) replace() error {
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
		if err := w.write(e.Path); err != nil {
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

// write puts the new content of name in its place.
func (w *writer) write(name string) error {
	if err := w.checkTarget(name); err != nil {
		return err
	}
	if err := w.makeFolder(path.Dir(name)); err != nil {
		return err
	}
	if err := w.rename(w.temps[name], name); err != nil {
		return err
	}
	delete(w.temps, name)
	w.undo = append(w.undo, func() error {
		if _, known := w.saves[name]; known {
			return w.restore(name)
		}
		return w.remove(name)
	})
	return nil
}

func (w *writer) restore(name string) error { return w.rename(w.saves[name], name) }

// makeFolder makes the folder dir and those above it that are not there.
func (w *writer) makeFolder(dir string) error {
	if _, err := w.lstat(dir); err == nil {
		return nil
	}
	if err := w.makeFolder(path.Dir(dir)); err != nil {
		return err
	}
	if err := w.root.Mkdir(dir, 0o777); err != nil {
		return err
	}
	w.undo = append(w.undo, func() error { return w.root.Remove(dir) })
	return nil
}

func (w *writer) delete(name string) error {
	err := w.checkTarget(name)
	if err == nil {
		err = w.remove(name)
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	w.undo = append(w.undo, func() error { return w.restore(name) })
	return nil
}

// prune removes the folders that are empty without the files deleted.
func (w *writer) prune() {
	for _, name := range w.deletes {
		for above := path.Dir(name); above != "."; above = path.Dir(above) {
			w.deleteCache(above)
			if w.root.Remove(above) != nil {
				break // not empty
			}
		}
	}
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
