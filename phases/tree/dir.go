package tree

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing/format/index"
	"golang.org/x/sync/errgroup"
)

// maxFile is the size in bytes above which a file is not read: GitHub takes no
// larger ones ("About large files on GitHub").
const maxFile = 100 << 20

// dir is the working folder at root as a tree.
type dir struct {
	root    *os.Root
	entries []Entry
	sums    []atomic.Uint64 // of what was read of each of entries; 0 is of none
	kept    sync.Map        // what was read of single files, by path: []byte
	size    atomic.Int64    // of what is kept, in bytes
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
// The list of files is taken at once, their content when it is read. What was
// read by itself is kept, up to 32 MiB. Read refuses a file of more than 100 MiB,
// and one that is not what it was when it was read first.
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
	w.group.SetLimit(runtime.GOMAXPROCS(0))
	var patterns []pattern
	exclude, err := os.ReadFile(filepath.Join(git.common, "info", "exclude"))
	if err == nil {
		patterns = parseIgnore("", exclude)
	}
	w.group.Go(func() error { return w.walk("", patterns, false) })
	if err := w.group.Wait(); err != nil {
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

// maxKept is how many bytes of single files are kept: the few that a plan
// touches are asked for again and again.
const maxKept = 32 << 20

// Read implements Tree.
func (d *dir) Read(name string) ([]byte, error) {
	if data, kept := d.kept.Load(name); kept {
		return data.([]byte), nil
	}
	data, err := d.read(d.root, name, name, nil)
	if err == nil && d.size.Add(int64(len(data))) <= maxKept {
		d.kept.Store(name, data)
	}
	return data, err
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

// walker collects the entries of a working folder, of several folders at once.
type walker struct {
	root    string
	tracked map[string]bool // the files that git tracks, and the folders they lie in
	group   errgroup.Group

	mu      sync.Mutex
	entries []Entry
	temps   []string
}

// walk adds the files below the folder name, "" for the top. Patterns are those
// of the folders above. In an ignored folder only tracked files count.
func (w *walker) walk(name string, patterns []pattern, ignoredDir bool) error {
	full := filepath.Join(w.root, filepath.FromSlash(name))
	list, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	patterns = slices.Clip(patterns)
	for _, item := range list {
		if item.Name() == ".gitignore" && item.Type().IsRegular() {
			data, err := os.ReadFile(filepath.Join(full, ".gitignore"))
			if err != nil {
				return err
			}
			patterns = append(patterns, parseIgnore(name, data)...)
		}
	}
	var entries []Entry
	var temps []string
	for _, item := range list {
		at := path.Join(name, item.Name())
		out := item.Name() != ".git" && !isTemp(item.Name()) && (ignoredDir || ignored(patterns, at, item.IsDir()))
		switch {
		case item.Name() == ".git", out && !w.tracked[at]:
		case isTemp(item.Name()):
			if !item.IsDir() {
				temps = append(temps, at)
			}
		case item.IsDir():
			if err := w.below(at, patterns, out); err != nil {
				return err
			}
		default:
			e, ok, err := entry(at, item)
			if err != nil {
				return err
			}
			if ok {
				entries = append(entries, e)
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.entries = append(w.entries, entries...)
	w.temps = append(w.temps, temps...)
	return nil
}

// below walks a folder in a folder, beside what else is walked if there is a
// processor for it.
func (w *walker) below(name string, patterns []pattern, ignoredDir bool) error {
	if _, err := os.Lstat(filepath.Join(w.root, filepath.FromSlash(name), ".git")); err == nil {
		return nil // a submodule or another repository
	}
	walk := func() error { return w.walk(name, patterns, ignoredDir) }
	if w.group.TryGo(walk) {
		return nil
	}
	return walk()
}

// entry returns the entry for a file or a symbolic link, and false for anything
// else.
func entry(name string, item os.DirEntry) (e Entry, ok bool, err error) {
	e.Path = name
	switch {
	case item.Type() == os.ModeSymlink:
		e.Mode = Symlink
		return e, true, nil
	case !item.Type().IsRegular():
		return e, false, nil
	}
	info, err := item.Info()
	if err != nil {
		return e, false, err
	}
	if info.Mode()&0o100 != 0 {
		e.Mode = Executable
	}
	return e, true, nil
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
