package github

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Merge makes a commit that has the changes from base to theirs on top of ours.
// Its parents are ours and theirs; n has no edits. If ours has these changes
// already, the answer is ours. Where both sides changed the same lines of a
// file, or one changed what the other took away, the file stays as it is in ours
// and is one of conflicts. Files are told by their path: what moved on one side
// only is there under both.
func (c *Clone) Merge(base, ours, theirs string, n Commit) (commit string, conflicts []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tree, conflicts, err := c.mergeTrees(base, ours, theirs)
	if err != nil {
		return "", nil, err
	}
	before, err := object.GetCommit(c.objects, plumbing.NewHash(ours))
	if err != nil {
		return "", nil, fmt.Errorf("reading commit %s: %w", ours, err)
	}
	if tree == before.TreeHash {
		return ours, conflicts, nil
	}
	hash, err := c.write(n, tree, before.Hash, plumbing.NewHash(theirs))
	return hash, conflicts, err
}

// Merges reports whether the changes from base to ours and those from base to
// theirs together, without a conflict, lead to what want holds.
func (c *Clone) Merges(base, ours, theirs, want string) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	tree, conflicts, err := c.mergeTrees(base, ours, theirs)
	if err != nil {
		return false, err
	}
	wanted, err := object.GetCommit(c.objects, plumbing.NewHash(want))
	if err != nil {
		return false, fmt.Errorf("reading commit %s: %w", want, err)
	}
	return len(conflicts) == 0 && tree == wanted.TreeHash, nil
}

func (c *Clone) mergeTrees(base, ours, theirs string) (plumbing.Hash, []string, error) {
	var roots [3]plumbing.Hash
	for i, id := range []string{base, ours, theirs} {
		commit, err := object.GetCommit(c.objects, plumbing.NewHash(id))
		if err != nil {
			return plumbing.ZeroHash, nil, fmt.Errorf("reading commit %s: %w", id, err)
		}
		roots[i] = commit.TreeHash
	}
	m := merger{clone: c}
	tree, err := m.folder("", roots)
	if err != nil {
		return plumbing.ZeroHash, nil, fmt.Errorf("merging %s and %s: %w", ours, theirs, err)
	}
	return tree, m.conflicts, nil
}

// A merger merges trees. What stands in three of anything is: base, ours,
// theirs.
type merger struct {
	clone     *Clone
	conflicts []string
	depth     int
}

// pick merges what is no more than equal or different. It reports false if all
// three differ.
func pick[T comparable](three [3]T) (T, bool) {
	base, ours, theirs := three[0], three[1], three[2]
	if ours == theirs || theirs == base {
		return ours, true
	}
	return theirs, ours == base
}

// folder merges the folder path, which a tree lacks if its hash is zero.
func (m *merger) folder(path string, trees [3]plumbing.Hash) (plumbing.Hash, error) {
	if hash, ok := pick(trees); ok {
		return hash, nil
	}
	if m.depth++; m.depth > maxDepth {
		return plumbing.ZeroHash, &LimitError{fmt.Sprintf("%s: more than %d folders deep", path, maxDepth)}
	}
	defer func() { m.depth-- }()
	entries := map[string][3]object.TreeEntry{} // by name; one that is not there has no mode
	for i, hash := range trees {
		d := &dir{hash: hash}
		if err := d.read(m.clone); err != nil {
			return plumbing.ZeroHash, err
		}
		for name, e := range d.entries {
			three := entries[name]
			three[i] = e
			entries[name] = three
		}
	}
	merged := &dir{entries: map[string]object.TreeEntry{}}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		e, err := m.entry(path+name, entries[name])
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if e.Mode != filemode.Empty {
			e.Name = name
			merged.entries[name] = e
		}
	}
	return merged.write(m.clone)
}

// entry merges what is at path.
func (m *merger) entry(path string, three [3]object.TreeEntry) (object.TreeEntry, error) {
	if e, ok := pick(three); ok {
		return e, nil
	}
	var modes [3]filemode.FileMode
	var hashes [3]plumbing.Hash
	folders, files := true, true
	for i, e := range three {
		modes[i], hashes[i] = e.Mode, e.Hash
		folders = folders && (e.Mode == filemode.Dir || e.Mode == filemode.Empty)
		files = files && e.Mode.IsFile() && e.Mode != filemode.Symlink
	}
	if folders {
		hash, err := m.folder(path+"/", hashes)
		if err != nil || hash.IsZero() {
			return object.TreeEntry{}, err
		}
		return object.TreeEntry{Mode: filemode.Dir, Hash: hash}, nil
	}
	mode, ok := pick(modes)
	if !files || !ok {
		m.conflicts = append(m.conflicts, path)
		return three[1], nil
	}
	hash, err := m.file(path, hashes)
	return object.TreeEntry{Mode: mode, Hash: hash}, err
}

// file merges a file line by line.
func (m *merger) file(path string, blobs [3]plumbing.Hash) (plumbing.Hash, error) {
	if hash, ok := pick(blobs); ok {
		return hash, nil
	}
	var texts [3][]byte
	for i, hash := range blobs {
		data, err := m.clone.read(hash)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		texts[i] = data
	}
	text, ok := MergeLines(texts[0], texts[1], texts[2])
	if !ok {
		m.conflicts = append(m.conflicts, path)
		return blobs[1], nil
	}
	return m.clone.store(blob(text))
}

// blob encodes the content of a file.
func blob(data []byte) func(plumbing.EncodedObject) error {
	return func(o plumbing.EncodedObject) error {
		o.SetType(plumbing.BlobObject)
		w, err := o.Writer()
		if err != nil {
			return err
		}
		defer w.Close()
		_, err = io.Copy(w, bytes.NewReader(data))
		return err
	}
}
