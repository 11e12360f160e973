package github

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/restage/restage/phases/tree"
)

// Bounds of a tree. GitHub takes no file larger than 100 MB.
const (
	maxBlob    = 100 << 20
	maxEntries = 1 << 20
	maxDepth   = 200 // folders in folders
)

// A LimitError says that a repository holds more than restage reads. Trying
// again is of no use.
type LimitError struct{ Reason string }

// Error implements error.
func (e *LimitError) Error() string { return e.Reason }

// commitTree is the tree.Tree of one commit.
type commitTree struct {
	clone   *Clone
	entries []tree.Entry
	blobs   map[string]plumbing.Hash
	seen    int // entries of git trees
}

// Tree returns the files of a commit that was fetched or made by Commit. Left
// out are submodules, files whose names are not UTF-8, for which a plan and
// GitHub's API have no word, and what lies more than 200 folders deep. Commit
// keeps all these as they are. More than a million files, or reading one larger than
// 100 MiB, give a *LimitError.
func (c *Clone) Tree(commit string) (tree.Tree, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	obj, err := object.GetCommit(c.objects, plumbing.NewHash(commit))
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w", commit, err)
	}
	t := &commitTree{clone: c, blobs: map[string]plumbing.Hash{}}
	if err := t.add("", obj.TreeHash, 0); err != nil {
		return nil, fmt.Errorf("reading the tree of commit %s: %w", commit, err)
	}
	slices.SortFunc(t.entries, func(a, b tree.Entry) int { return strings.Compare(a.Path, b.Path) })
	return t, nil
}

// add adds what is in the git tree at hash, which stands at prefix.
func (t *commitTree) add(prefix string, hash plumbing.Hash, depth int) error {
	if depth > maxDepth {
		return nil
	}
	dir, err := object.GetTree(t.clone.objects, hash)
	if err != nil {
		return err
	}
	for _, e := range dir.Entries {
		path := prefix + e.Name
		if strings.Contains(e.Name, "/") || !fs.ValidPath(path) {
			continue
		}
		if t.seen++; t.seen > maxEntries {
			return &LimitError{fmt.Sprintf("more than %d files", maxEntries)}
		}
		switch e.Mode {
		case filemode.Dir:
			if err := t.add(path+"/", e.Hash, depth+1); err != nil {
				return err
			}
		case filemode.Regular, filemode.Deprecated:
			t.entries = append(t.entries, tree.Entry{Path: path})
			t.blobs[path] = e.Hash
		case filemode.Executable:
			t.entries = append(t.entries, tree.Entry{Path: path, Mode: tree.Executable})
			t.blobs[path] = e.Hash
		case filemode.Symlink:
			t.entries = append(t.entries, tree.Entry{Path: path, Mode: tree.Symlink})
			t.blobs[path] = e.Hash
		}
	}
	return nil
}

// Entries implements tree.Tree.
func (t *commitTree) Entries() []tree.Entry { return t.entries }

// Read implements tree.Tree.
func (t *commitTree) Read(path string) ([]byte, error) {
	hash, ok := t.blobs[path]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	t.clone.mu.Lock()
	defer t.clone.mu.Unlock()
	data, err := t.clone.read(hash)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return data, nil
}

// read returns the content of a file. The caller holds the lock.
func (c *Clone) read(hash plumbing.Hash) ([]byte, error) {
	if size, err := c.objects.EncodedObjectSize(hash); err == nil && size > maxBlob {
		return nil, &LimitError{fmt.Sprintf("larger than %d MiB", maxBlob>>20)}
	}
	obj, err := c.objects.EncodedObject(plumbing.BlobObject, hash)
	if err != nil {
		return nil, err
	}
	r, err := obj.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, obj.Size())
	_, err = io.ReadFull(r, data)
	return data, err
}
