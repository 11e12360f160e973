package tree_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restage/restage/phases/tree"
)

// list shows all that lies below root, with links, modes and empty folders.
func list(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch {
		case e.IsDir():
			if below, _ := os.ReadDir(name); len(below) == 0 {
				fmt.Fprintf(&b, "%s/\n", rel)
			}
		case e.Type() == fs.ModeSymlink:
			target, _ := os.Readlink(name)
			fmt.Fprintf(&b, "%s -> %s\n", rel, target)
		default:
			data, _ := os.ReadFile(name)
			x := ""
			if info.Mode()&0o100 != 0 {
				x = "*"
			}
			fmt.Fprintf(&b, "%s%s: %s\n", rel, x, strings.TrimSpace(string(data)))
		}
		return nil
	}))
	return b.String()
}

func TestWrite(t *testing.T) {
	root := folder(t, `
-- keep.py --
keep
-- old/__init__.py --
-- old/a.py --
a
-- old/__pycache__/a.cpython-311.pyc --
-- old/deep/b.py --
b
-- half/a.py --
a
-- half/notes.log --
left
-- script --
#!/bin/sh
-- .gitignore --
*.log
__pycache__
`)
	must(t, os.Symlink("keep.py", filepath.Join(root, "link")))
	base := open(t, root)
	must(t, tree.Write(root, base, []tree.Edit{
		{Path: "new/pkg/a.py", From: "old/a.py", Data: []byte("a2")},
		{Path: "new/b.py", From: "old/deep/b.py", Data: []byte("b"), Mode: tree.Executable},
		{Path: "old/__init__.py", Delete: true},
		{Path: "half/a.py", Delete: true},
		{Path: "script", Delete: true},
		{Path: "script/__main__.py", Data: []byte("main")},
		{Path: "link", Data: []byte("new/b.py"), Mode: tree.Symlink},
		{Path: "passing.py", Data: []byte("first")},
		{Path: "passing.py", Delete: true},
		{Path: "keep.py", Data: []byte("kept")},
	}))
	want := `.gitignore: *.log
__pycache__
half/notes.log: left
keep.py: kept
link -> new/b.py
new/b.py*: b
new/pkg/a.py: a2
script/__main__.py: main
`
	if got := list(t, root); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWriteKeepsPermissions(t *testing.T) {
	root := folder(t, "-- a.py --\na\n")
	must(t, os.Chmod(filepath.Join(root, "a.py"), 0o600))
	must(t, tree.Write(root, open(t, root), []tree.Edit{{Path: "a.py", Data: []byte("b")}}))
	info, err := os.Stat(filepath.Join(root, "a.py"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, want 0600", info.Mode())
	}
}

func TestWriteReplacesLinkItself(t *testing.T) {
	root := folder(t, "-- real.py --\nreal\n")
	must(t, os.Symlink("real.py", filepath.Join(root, "link.py")))
	must(t, tree.Write(root, open(t, root), []tree.Edit{{Path: "link.py", Data: []byte("own")}}))
	if got, want := list(t, root), "link.py: own\nreal.py: real\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWriteRefuses(t *testing.T) {
	outside := folder(t, "-- victim.py --\nvictim\n")
	tests := []struct {
		name string
		edit tree.Edit
		want string
	}{
		{"write out of the tree", tree.Edit{Path: "../x.py"}, "not a path inside"},
		{"absolute path", tree.Edit{Path: "/etc/x.py"}, "not a path inside"},
		{"write in .git", tree.Edit{Path: ".git/hooks/post-checkout"}, ".git is not part"},
		{"write in .GIT below", tree.Edit{Path: "sub/.GIT/config"}, ".git is not part"},
		{"write through a link", tree.Edit{Path: "escape/new.py"}, "escape is a symbolic link"},
		{"overwrite through a link", tree.Edit{Path: "escape/victim.py"}, "escape is a symbolic link"},
		{"write through a link inside", tree.Edit{Path: "alias/new.py"}, "alias is a symbolic link"},
		{"overwrite an ignored file", tree.Edit{Path: "secret.env"}, "secret.env: a file that is not part of the tree is in the way"},
		{"file as a folder", tree.Edit{Path: "a.py/b.py"}, "a.py is not a folder"},
		{"folder as a file", tree.Edit{Path: "real"}, "a folder is in the way"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := folder(t, "-- a.py --\na\n-- real/b.py --\nb\n-- secret.env --\ns\n-- .gitignore --\n*.env\n")
			must(t, os.Symlink(outside, filepath.Join(root, "escape")))
			must(t, os.Symlink("real", filepath.Join(root, "alias")))
			before := list(t, root) + list(t, outside)
			// The first edit is fine: it must not be carried out either.
			err := tree.Write(root, open(t, root), []tree.Edit{{Path: "a.py", Data: []byte("changed")}, test.edit})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
			if after := list(t, root) + list(t, outside); after != before {
				t.Errorf("something changed:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

func TestWriteDeletesNothingThroughLink(t *testing.T) {
	outside := folder(t, "-- victim.py --\nvictim\n")
	root := folder(t, "-- dir/victim.py --\nmine\n")
	base := open(t, root)
	must(t, os.RemoveAll(filepath.Join(root, "dir")))
	must(t, os.Symlink(outside, filepath.Join(root, "dir")))
	err := tree.Write(root, base, []tree.Edit{{Path: "dir/victim.py", Delete: true}})
	if err == nil || !strings.Contains(err.Error(), "dir is a symbolic link") {
		t.Errorf("got error %v", err)
	}
	if got := list(t, outside); got != "victim.py: victim\n" {
		t.Errorf("outside is now:\n%s", got)
	}
}

// What somebody else wrote since it was read is never overwritten or deleted.
func TestWriteRefusesWhatChanged(t *testing.T) {
	edits := []tree.Edit{
		{Path: "a.py", Data: []byte("a2")},
		{Path: "new/b.py", From: "b.py", Data: []byte("b")},
		{Path: "c.py", Delete: true},
	}
	for _, name := range []string{"a.py", "b.py", "c.py"} {
		for what, change := range map[string]func(file string) error{
			"written": func(file string) error { return os.WriteFile(file, []byte("mine"), 0o666) },
			"deleted": os.Remove,
			"linked":  func(file string) error { return errors.Join(os.Remove(file), os.Symlink("d.py", file)) },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				root := folder(t, "-- a.py --\na\n-- b.py --\nb\n-- c.py --\nc\n-- d.py --\nd\n")
				base := open(t, root)
				for _, e := range base.Entries() {
					_, err := base.Read(e.Path)
					must(t, err)
				}
				must(t, change(filepath.Join(root, name)))
				before := list(t, root)
				err := tree.Write(root, base, edits)
				if err == nil || !strings.Contains(err.Error(), name+": the file was changed") {
					t.Errorf("got error %v", err)
				}
				if after := list(t, root); after != before {
					t.Errorf("something changed:\n%s\nbefore:\n%s", after, before)
				}
			})
		}
	}
}

// meddler is a tree that runs a function before each reading.
type meddler struct {
	tree.Tree
	read func()
}

func (m meddler) Read(name string) ([]byte, error) {
	m.read()
	return m.Tree.Read(name)
}

// A file is changed at each moment of a Write in turn: all is done, or nothing.
func TestWriteIsAllOrNothing(t *testing.T) {
	edits := []tree.Edit{
		{Path: "a.py", Data: []byte("a2")},
		{Path: "deep/er/b.py", From: "b.py", Data: []byte("b")},
		{Path: "d", Delete: true},
		{Path: "d/__main__.py", Data: []byte("d")},
		{Path: "x/y.py", Delete: true},
		{Path: "z.py", Delete: true},
	}
	const archive = "-- a.py --\na\n-- b.py --\nb\n-- d --\nd\n-- x/y.py --\ny\n-- z.py --\nz\n"
	undone := 0
	for moment := 1; ; moment++ {
		root := folder(t, archive)
		before := list(t, root)
		base := open(t, root)
		_, err := base.Read("z.py")
		must(t, err)
		count := 0
		err = tree.Write(root, meddler{base, func() {
			if count++; count == moment {
				must(t, os.WriteFile(filepath.Join(root, "z.py"), []byte("mine"), 0o666))
			}
		}}, edits)
		after := list(t, root)
		if err == nil {
			if want := "a.py: a2\nd/__main__.py: d\ndeep/er/b.py: b\n"; after != want {
				t.Errorf("done:\n%s\nwant:\n%s", after, want)
			}
			if count < moment {
				break
			}
			continue
		}
		undone++
		if want := strings.Replace(before, "z.py: z\n", "z.py: mine\n", 1); after != want {
			t.Fatalf("moment %d: %v:\n%s\nwant:\n%s", moment, err, after, want)
		}
	}
	if undone < 10 {
		t.Errorf("only %d moments at which the change was seen", undone)
	}
}

// What a Write left that was killed is removed by the next.
func TestWriteOverLeftovers(t *testing.T) {
	root := folder(t, "-- a.py --\na\n-- sub/b.py --\nb\n-- sub/.restage-ABC.tmp --\nhalf\n-- .restage-ABC.tmp --\nhalf\n-- .restage.tmpl --\nmine\n")
	base := open(t, root)
	if _, found := tree.Find(base, "sub/.restage-ABC.tmp"); found {
		t.Error("what a killed Write left is in the tree")
	}
	must(t, tree.Write(root, base, []tree.Edit{{Path: "a.py", Data: []byte("a2")}}))
	if got, want := list(t, root), ".restage.tmpl: mine\na.py: a2\nsub/b.py: b\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
