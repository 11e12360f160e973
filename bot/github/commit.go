package github

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/restage/restage/phases/tree"
)

// A Commit is one commit to be made.
type Commit struct {
	Edits   []tree.Edit
	Message string
	Name    string // of author and committer
	Email   string
	When    time.Time // recorded in UTC, to the second
}

// Commit makes a commit on top of parent, a commit that was fetched or made
// before, and returns its hash. The same arguments give the same hash. Edits
// that change nothing make no commit: the answer is parent.
func (c *Clone) Commit(parent string, n Commit) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, err := object.GetCommit(c.objects, plumbing.NewHash(parent))
	if err != nil {
		return "", fmt.Errorf("reading commit %s: %w", parent, err)
	}
	root := &dir{hash: before.TreeHash}
	if err := c.edit(root, n.Edits); err != nil {
		return "", fmt.Errorf("committing %q: %w", n.Message, err)
	}
	hash, err := root.write(c)
	if err != nil {
		return "", fmt.Errorf("committing %q: %w", n.Message, err)
	}
	if hash == before.TreeHash {
		return parent, nil
	}
	return c.write(n, hash, before.Hash)
}

// write stores a commit of a tree.
func (c *Clone) write(n Commit, tree plumbing.Hash, parents ...plumbing.Hash) (string, error) {
	who := object.Signature{Name: n.Name, Email: n.Email, When: n.When.UTC()}
	commit := &object.Commit{
		Author:       who,
		Committer:    who,
		Message:      n.Message,
		TreeHash:     tree,
		ParentHashes: parents,
	}
	hash, err := c.store(commit.Encode)
	if err != nil {
		return "", fmt.Errorf("committing %q: %w", n.Message, err)
	}
	return hash.String(), nil
}

// edit carries out edits in the folder root: what goes first, so that a file
// may become a folder and a folder a file, then what comes.
func (c *Clone) edit(root *dir, edits []tree.Edit) error {
	last := map[string]*tree.Edit{} // what becomes of each path in the end; nil: it goes
	var paths []string
	set := func(path string, e *tree.Edit) {
		if _, ok := last[path]; !ok {
			paths = append(paths, path)
		}
		last[path] = e
	}
	for _, e := range edits {
		if e.From != "" {
			set(e.From, nil)
		}
		if e.Delete {
			set(e.Path, nil)
		} else {
			set(e.Path, &e)
		}
	}
	for _, path := range paths {
		if last[path] != nil {
			continue
		}
		if err := root.set(c, path, nil); err != nil {
			return err
		}
	}
	for _, path := range paths {
		e := last[path]
		if e == nil {
			continue
		}
		if strings.Count(path, "/") > maxDepth {
			return &LimitError{fmt.Sprintf("%s: more than %d folders deep", path, maxDepth)}
		}
		hash, err := c.store(blob(e.Data))
		if err != nil {
			return err
		}
		if err := root.set(c, path, &object.TreeEntry{Mode: gitMode(e.Mode), Hash: hash}); err != nil {
			return err
		}
	}
	return nil
}

func gitMode(m tree.Mode) filemode.FileMode {
	switch m {
	case tree.Executable:
		return filemode.Executable
	case tree.Symlink:
		return filemode.Symlink
	}
	return filemode.Regular
}

// store keeps an object unless the server has it.
func (c *Clone) store(encode func(plumbing.EncodedObject) error) (plumbing.Hash, error) {
	obj := c.fresh.NewEncodedObject()
	if err := encode(obj); err != nil {
		return plumbing.ZeroHash, err
	}
	if c.fetched.HasEncodedObject(obj.Hash()) == nil {
		return obj.Hash(), nil
	}
	return c.fresh.SetEncodedObject(obj)
}

// dir is a folder being changed. Folders that nothing changes are not read.
type dir struct {
	hash    plumbing.Hash
	entries map[string]object.TreeEntry
	dirs    map[string]*dir // those of the folders among entries that were looked into
}

func (d *dir) read(c *Clone) error {
	if d.entries != nil {
		return nil
	}
	d.entries, d.dirs = map[string]object.TreeEntry{}, map[string]*dir{}
	if d.hash.IsZero() {
		return nil
	}
	t, err := object.GetTree(c.objects, d.hash)
	if err != nil {
		return err
	}
	for _, e := range t.Entries {
		d.entries[e.Name] = e
	}
	return nil
}

// set puts a file at path, or takes it away if file is nil.
func (d *dir) set(c *Clone, path string, file *object.TreeEntry) error {
	if err := d.read(c); err != nil {
		return err
	}
	name, rest, deeper := strings.Cut(path, "/")
	have, there := d.entries[name]
	switch {
	case !deeper && file == nil:
		if have.Mode != filemode.Dir {
			delete(d.entries, name)
		}
		return nil
	case !deeper:
		if have.Mode == filemode.Dir && !d.empty(c, name) {
			return fmt.Errorf("%s is a folder", name)
		}
		delete(d.dirs, name)
		d.entries[name] = object.TreeEntry{Name: name, Mode: file.Mode, Hash: file.Hash}
		return nil
	case there && have.Mode != filemode.Dir:
		if file == nil {
			return nil
		}
		return fmt.Errorf("%s is a file", name)
	case !there && file == nil:
		return nil
	}
	if d.dirs[name] == nil {
		d.dirs[name] = &dir{hash: have.Hash}
		d.entries[name] = object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: have.Hash}
	}
	return d.dirs[name].set(c, rest, file)
}

// empty reports whether nothing is left in the folder name of d.
func (d *dir) empty(c *Clone, name string) bool {
	sub := d.dirs[name]
	if sub == nil || sub.entries == nil {
		return false
	}
	for name, e := range sub.entries {
		if e.Mode != filemode.Dir || !sub.empty(c, name) {
			return false
		}
	}
	return true
}

// write stores the folder and those below it as they are now and returns its
// hash, zero if it is empty: git knows no empty folders.
func (d *dir) write(c *Clone) (plumbing.Hash, error) {
	if d.entries == nil {
		return d.hash, nil
	}
	t := &object.Tree{}
	for name, e := range d.entries {
		if sub := d.dirs[name]; sub != nil {
			hash, err := sub.write(c)
			if err != nil {
				return plumbing.ZeroHash, err
			}
			if hash.IsZero() {
				continue
			}
			e.Hash = hash
		}
		t.Entries = append(t.Entries, e)
	}
	if len(t.Entries) == 0 {
		return plumbing.ZeroHash, nil
	}
	slices.SortFunc(t.Entries, func(a, b object.TreeEntry) int { return strings.Compare(sortKey(a), sortKey(b)) })
	return c.store(t.Encode)
}

// sortKey is what git sorts the entries of a tree by.
func sortKey(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}
