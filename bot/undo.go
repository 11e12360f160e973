package bot

import (
	"bytes"
	"errors"
	"io/fs"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/tree"
)

// An undo finds the edits that undo in one tree, now, what changed between two
// others.
type undo struct {
	before, after, now tree.Tree
	edits              map[string]tree.Edit
	carried            map[string]bool // the paths that got what was changed since
	conflicts          []string
}

// A file is what a tree has at a path; nil is no file.
type file struct {
	mode tree.Mode
	data []byte
}

func (f *file) equal(o *file) bool {
	if f == nil || o == nil {
		return f == o
	}
	return f.mode == o.mode && bytes.Equal(f.data, o.data)
}

func at(t tree.Tree, path string) (*file, error) {
	data, err := t.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e, _ := tree.Find(t, path)
	return &file{e.Mode, data}, nil
}

// all undoes the changes of the files that were touched. What was changed since in
// a file that had moved goes along to where it was.
func (u *undo) all(touched []github.Touched, moved []phases.Moved) error {
	from := map[string]string{}
	for _, m := range moved {
		if !m.Merged {
			from[m.To] = m.From
		}
	}
	for _, t := range touched {
		if err := u.one(t.Path, from[t.Path]); err != nil {
			return err
		}
	}
	return nil
}

// one undoes the change of the file at path, which may have come from another.
func (u *undo) one(path, from string) error {
	var old, changed, now, origin *file
	for _, f := range []struct {
		file *(*file)
		tree tree.Tree
		path string
	}{{&old, u.before, path}, {&changed, u.after, path}, {&now, u.now, path}, {&origin, u.before, from}} {
		var err error
		if *f.file, err = at(f.tree, f.path); err != nil {
			return err
		}
	}
	switch {
	case now.equal(old):
	case now.equal(changed):
		u.set(path, old)
	case now == nil || changed == nil:
		u.conflicts = append(u.conflicts, path)
	case old == nil && origin != nil:
		if data, ok := github.MergeLines(changed.data, now.data, origin.data); ok {
			u.set(path, nil)
			u.set(from, &file{origin.mode, data})
			u.carried[from] = true
			break
		}
		u.conflicts = append(u.conflicts, path)
	case old == nil:
		u.conflicts = append(u.conflicts, path)
	default:
		if data, ok := github.MergeLines(changed.data, now.data, old.data); ok {
			u.set(path, &file{old.mode, data})
			break
		}
		u.conflicts = append(u.conflicts, path)
	}
	return nil
}

// set makes f the file at path, unless it has what was changed since in the file
// that had moved.
func (u *undo) set(path string, f *file) {
	switch {
	case u.carried[path]:
		return
	case f == nil:
		u.edits[path] = tree.Edit{Path: path, Delete: true}
		return
	}
	u.edits[path] = tree.Edit{Path: path, Data: f.data, Mode: f.mode}
}
