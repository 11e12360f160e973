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

// errorLines asks CPython for the line of the syntax error in each text, 0 if
// it parses.
func errorLines(t *testing.T, texts []string) []int {
	t.Helper()
	const program = `
import ast, base64, json, sys, warnings
warnings.simplefilter("ignore")
def error_line(text):
    try:
        ast.parse(base64.b64decode(text))
        return 0
    except SyntaxError as e:
        return 0 if "unicodeescape" in e.msg else e.lineno or 1  # in a string: that is not syntax
    except (ValueError, RecursionError, MemoryError):
        return 1
json.dump([error_line(text) for text in json.load(sys.stdin)], sys.stdout)
`
	var all [][]byte // which JSON leaves as they are
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-c", program)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []int
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
		if 100 < len(f) && len(f) < 4000 && isASCII(f) && !strings.Contains(f[:100], "coding") {
			texts = append(texts, mutate(r, f), mutate(r, f), mutate(r, f), mutate(r, f))
		}
	}
	valid := 0
	for i, want := range errorLines(t, texts) {
		if want == 0 {
			valid++
		}
		if f := Parse([]byte(texts[i])); (f.ErrorLine == 0) != (want == 0) {
			t.Errorf("error in line %d, for CPython in line %d\n%s", f.ErrorLine, want, texts[i])
		}
	}
	if valid < 500 || len(texts)-valid < 500 {
		t.Errorf("%d texts, of which %d are Python: too few of a kind to tell", len(texts), valid)
	}
}

// TestErrorLine compares the lines of errors with CPython's, and what is read
// of the rest of the file: it binds before, and after.
func TestErrorLine(t *testing.T) {
	texts := []string{
		"before = 1\ndef f(:\n    pass\nafter = 2\n",
		"before = 1\nx = (1,\n     2\ndef after(): pass\n",
		"before = 1\nif x\n    y\nafter = 2\n",
		"before = 1\nif x:\ny = 1\nafter = 2\n",
		"before = 1\nclass C:\n    def f(self):\n        x = = 1\n        y = 2\n    z = 3\nafter = 2\n",
		"before = 1\n    indented = 1\nafter = 2\n",
		"before = 1\nif x:\n        a\n    b\nafter = 2\n",
		"before = 1\nx = 'open\nafter = 2\n",
		"before = 1\nx = 'caf\xe9'\nafter = 2\n",
		"# coding: utf-8\nbefore = 1\n# caf\xe9\nx = 'caf\xe9'\nafter = 2\n",
		"before = 1\nx = f'{a b}'\nafter = 2\n",
		"before = 1\nx = f'{a'\nafter = 2\n",
		"before = 1\nprint 'x'\nafter = 2\n",
		"before = 1\nx = [1, 2)\nafter = 2\n",
		"before = 1\nfrom a import b,\nafter = 2\n",
		"before = 1\nfor f() in x: pass\nafter = 2\n",
		"before = 1\nmatch x:\n    case 1\n        pass\nafter = 2\n",
		"before = 1\nx = 0777\nafter = 2\n",
		"before = 1\nx = $y\nafter = 2\n",
		"before = 1\nx = 1 \\ \nafter = 2\n",
		"before = 1\ntry:\n    x\nafter = 2\n",
		"before = 1\nif x:\n        y\n\tz\nafter = 2\n",
		"before = 1\nif x:\n\tif y:\n        z\nafter = 2\n",
	}
	for i, want := range errorLines(t, texts) {
		f := Parse([]byte(texts[i]))
		if f.ErrorLine != want || want == 0 {
			t.Errorf("error in line %d, for CPython in line %d\n%s", f.ErrorLine, want, texts[i])
		}
		for _, name := range []string{"before", "after"} {
			if len(f.Module.Bindings(name)) != 1 {
				t.Errorf("%s is not bound\n%s", name, texts[i])
			}
		}
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
