// Package tree is the view that the rest of restage has of a repository: the
// files of one commit, read-only, and the edits that lead to the next one.
//
// A Tree never changes. Apply lays edits over a tree and gives a new one, so
// each phase, each step and each check looks at exactly the commit it means.
package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Mode says what kind of file an entry is. Submodules are no entries: they are
// not part of the tree.
type Mode uint8

// The modes that git knows for files.
const (
	Regular Mode = iota
	Executable
	Symlink
)

// An Entry is one file of a tree.
type Entry struct {
	Path string // relative to the repository root, slash-separated, clean
	Mode Mode
}

// A Tree is a read-only view of the files of one commit or folder. It is safe
// for use by several goroutines.
type Tree interface {
	// Entries returns all files sorted by path. The caller must not change
	// the slice.
	Entries() []Entry

	// Read returns the content of the file at path (of a symbolic link: its
	// target). The caller must not change it. A path that is no entry gives
	// an error that wraps fs.ErrNotExist.
	Read(path string) ([]byte, error)
}

// An Edit is one change to one file.
type Edit struct {
	Path   string // the file that is written or, with Delete, removed
	From   string // where the file was before, if the edit moves it: that file is removed
	Data   []byte // the whole new content; unused with Delete
	Mode   Mode   // the new mode; unused with Delete
	Delete bool
}

// Map is a tree held in memory.
type Map struct {
	entries []Entry
	data    map[string][]byte
}

// NewMap returns a tree of regular files with the given contents, by path.
func NewMap(files map[string]string) *Map {
	m := &Map{data: make(map[string][]byte, len(files))}
	for _, p := range slices.Sorted(maps.Keys(files)) {
		m.entries = append(m.entries, Entry{Path: p})
		m.data[p] = []byte(files[p])
	}
	return m
}

// Entries implements Tree.
func (m *Map) Entries() []Entry { return m.entries }

// Read implements Tree.
func (m *Map) Read(path string) ([]byte, error) {
	data, ok := m.data[path]
	if !ok {
		return nil, notExist(path)
	}
	return data, nil
}

// overlay is a tree with edits laid over it.
type overlay struct {
	base    Tree
	entries []Entry
	data    map[string][]byte // content of the paths that the edits wrote
	removed map[string]bool
}

// Apply returns the tree that t is after edits, in their order. It checks
// nothing but that paths stay inside the tree.
func Apply(t Tree, edits []Edit) (Tree, error) {
	if len(edits) == 0 {
		return t, nil
	}
	o := &overlay{base: t, data: map[string][]byte{}, removed: map[string]bool{}}
	modes := map[string]Mode{}
	remove := func(p string) {
		o.removed[p] = true
		delete(o.data, p)
		delete(modes, p)
	}
	for _, e := range edits {
		if !fs.ValidPath(e.Path) || e.Path == "." {
			return nil, fmt.Errorf("edit of %q: not a path inside the repository", e.Path)
		}
		if e.From != "" {
			remove(e.From)
		}
		if e.Delete {
			remove(e.Path)
			continue
		}
		delete(o.removed, e.Path)
		o.data[e.Path] = e.Data
		modes[e.Path] = e.Mode
	}
	o.entries = make([]Entry, 0, len(t.Entries())+len(modes))
	written := slices.Sorted(maps.Keys(modes))
	for _, e := range t.Entries() {
		for len(written) > 0 && written[0] <= e.Path {
			o.entries = append(o.entries, Entry{written[0], modes[written[0]]})
			written = written[1:]
		}
		if _, again := modes[e.Path]; !again && !o.removed[e.Path] {
			o.entries = append(o.entries, e)
		}
	}
	for _, p := range written {
		o.entries = append(o.entries, Entry{p, modes[p]})
	}
	return o, nil
}

func (o *overlay) Entries() []Entry { return o.entries }

func (o *overlay) Read(path string) ([]byte, error) {
	if o.removed[path] {
		return nil, notExist(path)
	}
	if data, ok := o.data[path]; ok {
		return data, nil
	}
	return o.base.Read(path)
}

func notExist(path string) error {
	return &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
}

// Find returns the entry at path and whether there is one.
func Find(t Tree, path string) (Entry, bool) {
	entries := t.Entries()
	i, ok := find(entries, path)
	if !ok {
		return Entry{}, false
	}
	return entries[i], true
}

func find(entries []Entry, path string) (int, bool) {
	return slices.BinarySearchFunc(entries, path, func(e Entry, p string) int { return strings.Compare(e.Path, p) })
}

// Under returns the entries below the folder dir ("" or "." for the whole
// tree), sorted by path.
func Under(t Tree, dir string) []Entry {
	entries := t.Entries()
	if dir = path.Clean(dir); dir == "." {
		return entries
	}
	prefix := dir + "/"
	i, _ := find(entries, prefix)
	j := i
	for j < len(entries) && strings.HasPrefix(entries[j].Path, prefix) {
		j++
	}
	return entries[i:j]
}

// IsNotExist reports whether err says that a path is no entry of the tree.
func IsNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
