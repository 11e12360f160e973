package python

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// accepts asks CPython of each text whether it parses.
func accepts(t *testing.T, texts []string) []bool {
	t.Helper()
	const program = `
import ast, json, sys, warnings
warnings.simplefilter("ignore")
def parses(text):
    try:
        ast.parse(text.encode("utf-8", "surrogateescape"))
        return True
    except SyntaxError as e:
        return "(unicode error)" in e.msg  # in a string: that is not syntax
    except (ValueError, RecursionError, MemoryError):
        return False
json.dump([parses(text) for text in json.load(sys.stdin)], sys.stdout)
`
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", program)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []bool
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// library returns the files of Python's standard library, but for very large
// ones.
func library(t testing.TB) []string {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import os; print(os.path.dirname(os.__file__), end='')").Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(string(out), func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (strings.HasSuffix(d.Name(), "-packages") || d.Name() == "lib2to3") {
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(p, ".py") && !strings.HasPrefix(d.Name(), "bad_coding") {
			src, err := os.ReadFile(p)
			if err == nil && len(src) < 30_000 {
				files = append(files, string(src))
			}
		}
		return nil
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files in %s, %v", len(files), out, err)
	}
	return files
}

// TestLibrary parses Python's standard library, and texts made from it by
// changing some tokens: what CPython accepts parses, and nothing else.
func TestLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var texts []string
	for _, f := range library(t) {
		texts = append(texts, f)
		if 100 < len(f) && len(f) < 4000 && isASCII(f) {
			texts = append(texts, mutate(r, f), mutate(r, f), mutate(r, f), mutate(r, f))
		}
	}
	valid := 0
	for i, accepted := range accepts(t, texts) {
		if accepted {
			valid++
		}
		if f := Parse([]byte(texts[i])); (f.ErrorLine == 0) != accepted {
			t.Errorf("CPython accepts: %t, error in line %d\n%s", accepted, f.ErrorLine, texts[i])
		}
	}
	if valid < 500 || len(texts)-valid < 500 {
		t.Errorf("%d texts, of which %d are Python: too few of a kind to tell", len(texts), valid)
	}
}

// mutate returns text with some of its words and marks left out, doubled,
// replaced or swapped.
func mutate(r *rand.Rand, text string) string {
	words := regexp.MustCompile(`\w+| +|.|\n`).FindAllString(text, -1)
	for range 1 + r.IntN(3) {
		i, j := r.IntN(len(words)), r.IntN(len(words))
		switch r.IntN(4) {
		case 0:
			words = slices.Delete(words, i, i+1)
		case 1:
			words = slices.Insert(words, i, words[j])
		case 2:
			words[i] = words[j]
		case 3:
			words[i], words[j] = words[j], words[i]
		}
	}
	return strings.Join(words, "")
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c >= 0x80 }) < 0
}
