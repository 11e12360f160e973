package tree

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// maxFile is the size in bytes above which a file is not read: GitHub takes no
// larger ones ("About large files on GitHub").
const maxFile = 100 << 20

// dir is the working folder at root as a tree.
type dir struct {
	root    *os.Root
	entries []Entry
	sums    []atomic.Uint64 // of what was read of each of entries; 0 is of none
	temps   []string        // what a Write left that was killed
}

// seed makes what is read twice comparable without keeping it.
var seed = maphash.MakeSeed()

// OpenDir returns the files of the working folder at root as a tree. Left out
// is what git leaves out: what .gitignore files and .git/info/exclude name
// (unless it is tracked all the same), the folder .git, other repositories and
// submodules inside, what is neither a file nor a symbolic link, and the
// temporary files of Write. No
// symbolic link below root is followed. The folder need not be a repository.
//
// The list of files is taken at once, their content when it is read. Read
// refuses a file of more than 100 MiB, and one that is not what it was when it was
// read first.
func OpenDir(root string) (Tree, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", root)
	}
	git := gitDir(root)
	w := &walker{root: root, tracked: tracked(git)}
	exclude, err := os.ReadFile(filepath.Join(git.common, "info", "exclude"))
	if err == nil {
		w.patterns = parseIgnore("", exclude)
	}
	if err := w.walk("", false); err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", root, err)
	}
	slices.SortFunc(w.entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	return &dir{root: r, entries: w.entries, sums: make([]atomic.Uint64, len(w.entries)), temps: w.temps}, nil
}

// Entries implements Tree.
func (d *dir) Entries() []Entry { return d.entries }

// Read implements Tree.
func (d *dir) Read(name string) ([]byte, error) {
	return d.read(d.root, name, name, nil)
}

// read reads the file called name into buf, or into more memory if it needs it.
// In the folder at, the file is called base.
func (d *dir) read(at *os.Root, base, name string, buf []byte) ([]byte, error) {
	i, ok := find(d.entries, name)
	if !ok {
		return nil, notExist(name)
	}
	var data []byte
	var err error
	if d.entries[i].Mode == Symlink {
		var target string
		target, err = at.Readlink(base)
		data = []byte(target)
	} else {
		data, err = readFile(at, base, buf)
	}
	sum := max(1, maphash.Bytes(seed, data))
	switch first := d.sums[i].Load(); {
	case first != 0 && (IsNotExist(err) || err == nil && first != sum):
		return nil, fmt.Errorf("%s: %w", name, errChanged)
	case err != nil:
		return nil, err
	}
	d.sums[i].Store(sum)
	return data, nil
}

// readFile reads a file into buf, or into more memory if it needs it.
func readFile(at *os.Root, name string, buf []byte) ([]byte, error) {
	f, err := at.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB; leave it out of the folder or let git ignore it", name, maxFile>>20)
	}
	buf = slices.Grow(buf[:0], int(info.Size())+1)
	for len(buf) <= maxFile {
		n, err := f.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
		buf = slices.Grow(buf, 1)
	}
	return buf, nil
}

// walker collects the entries of a working folder.
type walker struct {
	root     string
	patterns []pattern       // of the folders from the top down to the one being read
	tracked  map[string]bool // the files that git tracks, and the folders they lie in
	entries  []Entry
	temps    []string
}

// walk adds the files below the folder name, "" for the top. In an ignored
// folder only tracked files count.
func (w *walker) walk(name string, ignoredDir bool) error {
	full := filepath.Join(w.root, filepath.FromSlash(name))
	list, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	outer := len(w.patterns)
	defer func() { w.patterns = w.patterns[:outer] }()
	for _, item := range list {
		if item.Name() == ".gitignore" && item.Type().IsRegular() {
			data, err := os.ReadFile(filepath.Join(full, ".gitignore"))
			if err != nil {
				return err
			}
			w.patterns = append(w.patterns, parseIgnore(name, data)...)
		}
	}
	for _, item := range list {
		if item.Name() == ".git" {
			continue
		}
		if err := w.add(path.Join(name, item.Name()), item, ignoredDir); err != nil {
			return err
		}
	}
	return nil
}

// add adds the file at name, or what lies below it if it is a folder.
func (w *walker) add(name string, item os.DirEntry, ignoredDir bool) error {
	if isTemp(item.Name()) {
		if !item.IsDir() {
			w.temps = append(w.temps, name)
		}
		return nil
	}
	out := ignoredDir || ignored(w.patterns, name, item.IsDir())
	if out && !w.tracked[name] {
		return nil
	}
	if item.IsDir() {
		if _, err := os.Lstat(filepath.Join(w.root, filepath.FromSlash(name), ".git")); err == nil {
			return nil // a submodule or another repository
		}
		return w.walk(name, out)
	}
	e := Entry{Path: name}
	switch {
	case item.Type() == os.ModeSymlink:
		e.Mode = Symlink
	case item.Type().IsRegular():
		info, err := item.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o100 != 0 {
			e.Mode = Executable
		}
	default:
		return nil
	}
	w.entries = append(w.entries, e)
	return nil
}

// gitDirs says where the repository of a working folder keeps its state.
type gitDirs struct {
	own    string // index, HEAD
	common string // info/exclude; differs from own in a linked worktree
}

// gitDir finds the state of the repository whose top is root. Without a
// repository its folders do not exist.
func gitDir(root string) gitDirs {
	dot := filepath.Join(root, ".git")
	dirs := gitDirs{dot, dot}
	// gitrepository-layout(5): in a worktree or submodule .git is a file.
	link, err := os.ReadFile(dot)
	if err != nil {
		return dirs
	}
	dirs.own = inDir(root, strings.TrimSpace(strings.TrimPrefix(string(link), "gitdir:")))
	dirs.common = dirs.own
	if common, err := os.ReadFile(filepath.Join(dirs.own, "commondir")); err == nil {
		dirs.common = inDir(dirs.own, strings.TrimSpace(string(common)))
	}
	return dirs
}

// inDir returns name, taken relative to dir unless it is absolute.
func inDir(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// tracked returns the paths in the index and the folders above them. An index
// in a form that only git itself reads counts as empty: then ignored files are
// left out even where they are tracked.
func tracked(git gitDirs) map[string]bool {
	data, err := os.ReadFile(filepath.Join(git.own, "index"))
	if err != nil {
		return nil
	}
	var idx index.Index
	if err := index.NewDecoder(bytes.NewReader(data)).Decode(&idx); err != nil {
		return nil
	}
	paths := map[string]bool{}
	for _, e := range idx.Entries {
		for p := e.Name; p != "." && !paths[p]; p = path.Dir(p) {
			paths[p] = true
		}
	}
	return paths
}
