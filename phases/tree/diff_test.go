package tree_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/restage/restage/phases/tree"
)

func TestDiff(t *testing.T) {
	before := tree.NewMap(map[string]string{
		"changed.py":  "one\ntwo\nthree\n",
		"gone.py":     "gone\n",
		"moved.py":    "a\nb\n",
		"shimmed.py":  "real\n",
		"logo.png":    "\x00\x01",
		"touched.py":  "same\n",
		"strange\n+x": "s\n",
	})
	patches, err := tree.Diff(before, []tree.Edit{
		{Path: "changed.py", Data: []byte("one\n2\nthree")},
		{Path: "gone.py", Delete: true},
		{Path: "step/moved.py", From: "moved.py", Data: []byte("a\nb\n")},
		{Path: "new/moved.py", From: "step/moved.py", Data: []byte("a\nB\n")},
		{Path: "new/real.py", From: "shimmed.py", Data: []byte("real\n")},
		{Path: "shimmed.py", Data: []byte("shim\n")},
		{Path: "logo.png", Data: []byte("\x00\x02")},
		{Path: "touched.py", Data: []byte("same\n"), Mode: tree.Executable},
		{Path: "empty.py"},
		{Path: "passing.py", Data: []byte("x")},
		{Path: "passing.py", Delete: true},
		{Path: "strange\n+x", Delete: true},
	})
	must(t, err)
	var got strings.Builder
	for _, p := range patches {
		got.WriteString(p.Diff)
	}
	want := `diff --git a/changed.py b/changed.py
--- a/changed.py
+++ b/changed.py
@@ -1,3 +1,3 @@
 one
-two
-three
+2
+three
\ No newline at end of file
diff --git a/empty.py b/empty.py
new file mode 100644
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1,1 +0,0 @@
-gone
diff --git a/logo.png b/logo.png
Binary files a/logo.png and b/logo.png differ
diff --git a/moved.py b/new/moved.py
rename from moved.py
rename to new/moved.py
--- a/moved.py
+++ b/new/moved.py
@@ -1,2 +1,2 @@
 a
-b
+B
diff --git a/shimmed.py b/new/real.py
copy from shimmed.py
copy to new/real.py
diff --git a/shimmed.py b/shimmed.py
--- a/shimmed.py
+++ b/shimmed.py
@@ -1,1 +1,1 @@
-real
+shim
diff --git "a/strange\012+x" "b/strange\012+x"
deleted file mode 100644
--- "a/strange\012+x"
+++ /dev/null
@@ -1,1 +0,0 @@
-s
diff --git a/touched.py b/touched.py
old mode 100644
new mode 100755
`
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

// What Diff says and what Write does is the same, says git.
func TestGitAppliesDiff(t *testing.T) {
	const files = "-- a.py --\none\ntwo\n-- old/b.py --\nb\nbb\n-- old/c.py --\nc\n-- d.py --\nd\n"
	edits := []tree.Edit{
		{Path: "a.py", Data: []byte("one\n2")},
		{Path: "new/b.py", From: "old/b.py", Data: []byte("b\nBB\n")},
		{Path: "old/b.py", Data: []byte("shim\n")},
		{Path: "new/c.py", From: "old/c.py", Data: []byte("c\n"), Mode: tree.Executable},
		{Path: "d.py", Delete: true},
		{Path: "new/__init__.py"},
	}
	written, patched := folder(t, files), folder(t, files)
	patches, err := tree.Diff(open(t, written), edits)
	must(t, err)
	must(t, tree.Write(written, open(t, written), edits))
	var all strings.Builder
	for _, p := range patches {
		all.WriteString(p.Diff)
	}
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = patched, strings.NewReader(all.String())
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(patched))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\npatch:\n%s", err, out, all.String())
	}
	if got, want := list(t, patched), list(t, written); got != want {
		t.Errorf("patched:\n%s\nwritten:\n%s", got, want)
	}
}
