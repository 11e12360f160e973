package tree_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/restage/restage/phases/tree"
)

// folder writes the files of a txtar archive to a new folder.
func folder(t *testing.T, archive string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, root, f.Name, string(f.Data))
	}
	return root
}

func write(t *testing.T, root, name, data string) {
	t.Helper()
	file := filepath.Join(root, name)
	must(t, os.MkdirAll(filepath.Dir(file), 0o777))
	must(t, os.WriteFile(file, []byte(data), 0o666))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, root string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", root, "-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "core.excludesFile="}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func open(t *testing.T, root string) tree.Tree {
	t.Helper()
	tr, err := tree.OpenDir(root)
	must(t, err)
	return tr
}

func paths(tr tree.Tree) []string {
	var out []string
	for _, e := range tr.Entries() {
		out = append(out, e.Path)
	}
	return out
}

// ignoreCases are folders in which git itself is asked what belongs to the tree.
var ignoreCases = map[string]string{
	"plain names and folders": `
-- .gitignore --
*.pyc
build/
/only_top.txt
docs/*.html
-- a.py --
-- a.pyc --
-- src/b.pyc --
-- src/build/x.py --
-- src/build.py --
-- only_top.txt --
-- src/only_top.txt --
-- docs/a.html --
-- docs/deep/a.html --
`,
	"everything but": `
-- .gitignore --
*
!*/
!*.py
!.gitignore
-- a.py --
-- a.txt --
-- src/b.py --
-- src/b.txt --
`,
	"only one folder": `
-- .gitignore --
/*
!/src
!.gitignore
-- a.py --
-- src/b.txt --
-- src/src/c.txt --
`,
	"nested files win": `
-- .gitignore --
*.log
tmp
-- src/.gitignore --
!keep.log
/local.py
-- src/keep.log --
-- src/drop.log --
-- src/local.py --
-- src/deep/local.py --
-- src/deep/keep.log --
-- keep.log --
-- src/tmp/x.py --
`,
	"an ignored folder cannot be opened from inside": `
-- .gitignore --
out/
!out/keep.py
-- out/keep.py --
-- out/.gitignore --
!*
`,
	"two stars": `
-- .gitignore --
**/cache
logs/**
a/**/z.py
!logs/keep.py
-- cache/x --
-- src/cache/x --
-- logs/keep.py --
-- logs/deep/drop.py --
-- a/z.py --
-- a/b/c/z.py --
-- b/a/z.py --
-- xcache/x --
`,
	"classes, escapes, spaces and broken lines": `
-- .gitignore --
[!a].txt
\#x
\!y
trailing   
kept\ 
[broken
# comment

foo*bar
?.dat
-- a.txt --
-- b.txt --
-- #x --
-- !y --
-- trailing --
-- kept --
-- [broken --
-- foo.x.bar --
-- ab.dat --
-- a.dat --
`,
	"tracked all the same": `
-- .gitignore --
*.gen.py
vendor/
-- tracked.gen.py --
-- untracked.gen.py --
-- vendor/tracked.py --
-- vendor/deep/tracked.py --
-- vendor/untracked.py --
`,
}

func TestOpenDirAgreesWithGit(t *testing.T) {
	for name, archive := range ignoreCases {
		t.Run(name, func(t *testing.T) {
			root := folder(t, archive)
			git(t, root, "init", "-q")
			write(t, root, ".git/info/exclude", "excluded.py\n")
			write(t, root, "src/excluded.py", "")
			for _, p := range []string{"tracked.gen.py", "vendor/tracked.py", "vendor/deep/tracked.py"} {
				if _, err := os.Stat(filepath.Join(root, p)); err == nil {
					git(t, root, "add", "-f", p)
				}
			}
			want := strings.Split(strings.TrimSuffix(git(t, root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00"), "\x00")
			slices.Sort(want)
			if got := paths(open(t, root)); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestOpenDirWithoutGit(t *testing.T) {
	root := folder(t, "-- .gitignore --\n*.log\n-- a.py --\nx = 1\n-- a.log --\n")
	tr := open(t, root)
	if got, want := paths(tr), []string{".gitignore", "a.py"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	data, err := tr.Read("a.py")
	if err != nil || string(data) != "x = 1\n" {
		t.Errorf("Read = %q, %v", data, err)
	}
	if _, err := tr.Read("a.log"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading an ignored file: %v, want not exist", err)
	}
}

func TestOpenDirOfWhatIsNoFolder(t *testing.T) {
	root := folder(t, "-- f --\n")
	for _, name := range []string{"f", "missing"} {
		if _, err := tree.OpenDir(filepath.Join(root, name)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("OpenDir(%s) = %v, want an error that names it", name, err)
		}
	}
}

func TestOpenDirLinksModesAndSubmodules(t *testing.T) {
	root := folder(t, `
-- run.sh --
-- sub/.git --
gitdir: ../.git/modules/sub
-- sub/inside.py --
-- other/.git/HEAD --
-- other/inside.py --
-- real/a.py --
`)
	outside := folder(t, "-- secret.py --\n")
	must(t, os.Chmod(filepath.Join(root, "run.sh"), 0o755))
	must(t, os.Symlink(outside, filepath.Join(root, "escape")))
	must(t, os.Symlink("real", filepath.Join(root, "alias")))
	tr := open(t, root)
	want := []tree.Entry{{Path: "alias", Mode: tree.Symlink}, {Path: "escape", Mode: tree.Symlink}, {Path: "real/a.py"}, {Path: "run.sh", Mode: tree.Executable}}
	if !slices.Equal(tr.Entries(), want) {
		t.Errorf("got %v, want %v", tr.Entries(), want)
	}
	if data, err := tr.Read("alias"); err != nil || string(data) != "real" {
		t.Errorf("Read(alias) = %q, %v, want the target", data, err)
	}
}

func TestOpenDirOfLinkedWorktree(t *testing.T) {
	root := folder(t, "-- .gitignore --\n*.gen\n-- a.gen --\n")
	git(t, root, "init", "-q")
	git(t, root, "add", "-f", ".")
	git(t, root, "commit", "-q", "-m", "first")
	write(t, root, ".git/info/exclude", "local.py\n")
	linked := filepath.Join(t.TempDir(), "linked")
	git(t, root, "worktree", "add", "-q", linked)
	write(t, linked, "local.py", "")
	if got, want := paths(open(t, linked)), []string{".gitignore", "a.gen"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOpenDirRefusesHugeFile(t *testing.T) {
	root := folder(t, "-- small --\n")
	must(t, os.Truncate(filepath.Join(root, "small"), 100<<20+1))
	if _, err := open(t, root).Read("small"); err == nil || !strings.Contains(err.Error(), "small is larger than 100 MiB") {
		t.Errorf("got %v", err)
	}
}
