package github

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMergeLines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, base, ours, theirs, want string }{
		{"apart", "1\n2\n3\n", "one\n2\n3\n", "1\n2\nthree\n", "one\n2\nthree\n"},
		{"the same", "1\n2\n3\n", "1\ntwo\n3\n", "1\ntwo\n3\n", "1\ntwo\n3\n"},
		{"the same and more", "1\n2\n3\n4\n", "1\ntwo\n3\n4\n", "1\ntwo\n3\nfour\n", "1\ntwo\n3\nfour\n"},
		{"the same line", "1\n2\n3\n", "1\ntwo\n3\n", "1\nzwei\n3\n", "conflict"},
		{"lines side by side", "1\n2\n3\n", "1\ntwo\n3\n", "1\n2\nthree\n", "conflict"},
		{"taken away and changed", "1\n2\n3\n", "1\n3\n", "1\ntwo\n3\n", "conflict"},
		{"into nothing", "", "1\n", "2\n", "conflict"},
		{"at both ends", "2\n", "1\n2\n", "2\n3\n", "1\n2\n3\n"},
		{"no newline at the end", "1\n2\n3", "one\n2\n3", "1\n2\n3\n", "one\n2\n3\n"},
		{"no text", "1\x00\n2\n3\n", "one\x00\n2\n3\n", "1\x00\n2\nthree\n", "conflict"},
	} {
		got, ok := MergeLines([]byte(test.base), []byte(test.ours), []byte(test.theirs))
		if !ok {
			got = []byte("conflict")
		}
		if string(got) != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// What is merged here is merged by git too, and in the same way.
func TestMergeLinesAsGitDoes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(1))
	edit := func(lines []string) []string {
		var out []string
		for _, line := range lines {
			switch random.Intn(12) {
			case 0:
			case 1:
				out = append(out, fmt.Sprintf("%dx\n", random.Intn(3)))
			case 2:
				out = append(out, line, fmt.Sprintf("%dy\n", random.Intn(3)))
			default:
				out = append(out, line)
			}
		}
		return out
	}
	dir := t.TempDir()
	write := func(name string, lines []string) []byte {
		var b bytes.Buffer
		for _, line := range lines {
			b.WriteString(line)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	merged := 0
	for n := range 150 {
		var lines []string
		for i := range 1 + random.Intn(12) {
			lines = append(lines, fmt.Sprintf("%d\n", i))
		}
		base, ours, theirs := write("base", lines), write("ours", edit(lines)), write("theirs", edit(lines))
		got, ok := MergeLines(base, ours, theirs)
		if !ok {
			continue
		}
		merged++
		cmd := exec.Command("git", "merge-file", "-p", "ours", "base", "theirs")
		cmd.Dir = dir
		want, err := cmd.Output()
		if err != nil {
			t.Fatalf("case %d: %v, but merged to %q: base %q, ours %q, theirs %q", n, err, got, base, ours, theirs)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("case %d: %q, git says %q: base %q, ours %q, theirs %q", n, got, want, base, ours, theirs)
		}
	}
	if merged < 20 {
		t.Errorf("only %d cases were merged", merged)
	}
}
