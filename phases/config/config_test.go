package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/restage/restage/phases/input"
)

func TestReadEverything(t *testing.T) {
	got, err := Read([]byte(`# how restage works here
label: reorganize
base: develop
source_roots: [src, ./, lib/]
include: [src/, "*.ipynb"]
exclude:
  - docs/history/**
shims: false
image: example.com/python:3.13
format:
  - ruff check --select I --fix {files}
verify:
  - name: tests
    run: |
      pip install -e .
      pytest -q
    report: pytest
    timeout: 45m
    network: true
  - {name: types, run: mypy src, report: mypy}
  - {name: docs, run: make docs}
baseline: require-green
pull_requests:
  draft: true
  labels: [refactoring]
  reviewers: [octocat, "@acme/platform"]
guard: {fail: true, after_cleanup: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Label:       "reorganize",
		Base:        "develop",
		SourceRoots: []string{"src", ".", "lib"},
		Include:     []string{"src/", "*.ipynb"},
		Exclude:     []string{"docs/history/**"},
		Image:       "example.com/python:3.13",
		Format:      []string{"ruff check --select I --fix {files}"},
		Verify: []Verify{
			{"tests", "pip install -e .\npytest -q", Pytest, 45 * time.Minute, true},
			{"types", "mypy src", Mypy, DefaultTimeout, false},
			{"docs", "make docs", Exit, DefaultTimeout, false},
		},
		Baseline:     RequireGreen,
		PullRequests: PullRequests{true, []string{"refactoring"}, []string{"octocat", "acme/platform"}},
		Guard:        Guard{Fail: true, AfterCleanup: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadNothing(t *testing.T) {
	for _, data := range []string{"", "\n", "# only a comment\n", "---\n", "{}", "verify:\nformat: []\n"} {
		got, err := Read([]byte(data))
		if err != nil || !reflect.DeepEqual(got, Default()) {
			t.Errorf("Read(%q) = %+v, %v, want the default", data, got, err)
		}
	}
}

func TestReadMistakes(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"unknown key", "label: x\nbaselin: compare", `:2:1: unknown key "baselin"; did you mean "baseline"?`},
		{"unknown key, nothing close", "colour: red", `:1:1: unknown key "colour"; known are base, baseline,`},
		{"unknown key inside", "verify:\n  - name: a\n    run: b\n    time_out: 3s", `:4:5: unknown key "time_out"; did you mean "timeout"?`},
		{"swapped letters", "shmis: true", `:1:1: unknown key "shmis"; did you mean "shims"?`},
		{"key twice", "label: a\nbase: x\nlabel: b", `:3:1: key "label" is given twice, first in line 1; keep one`},
		{"key in two cases is unknown", "Label: a", `:1:1: unknown key "Label"; did you mean "label"?`},
		{"not YAML", "label: [a", `:2:1: not valid YAML: while parsing a flow sequence: did not find expected ',' or ']'`},
		{"a list", "- a", `:1:1: expected keys and values, found a list`},
		{"a word", "label", `:1:1: expected keys and values, found "label"`},
		{"two documents", "label: a\n---\nlabel: b", `:2:1: a second document starts here; keep one`},
		{"alias of nothing", "label: a\nbase: *x", `:2:7: not valid YAML: unknown anchor 'x' referenced`},
		{"merge", "pull_requests:\n  <<: {draft: true}", `:2:3: merge keys (<<) are not supported`},
		{"tag", "label: !!binary YQ==", `:1:8: tags such as !!binary are not supported`},
		{"no value", "label:", `:1:7: expected text, found nothing`},
		{"list for text", "label: [a]", `:1:8: expected text, found a list`},
		{"text for list", "exclude: docs/", `:1:10: expected a list, found "docs/"`},
		{"yes is no boolean", "shims: yes", `:1:8: expected true or false, found "yes"`},
		{"several lines", "label: |\n  a\n  b", `:1:8: the value has several lines`},
		{"absolute root", "source_roots: [/usr/lib]", `:1:16: the path "/usr/lib" is absolute`},
		{"root outside", "source_roots: [src/../..]", `:1:16: the path "src/../.." has a ".." in it`},
		{"glob outside", "exclude: [../x/*]", `:1:11: the pattern "../x/*" has an element ".."`},
		{"glob open", "include: ['a[b']", `:1:11: the pattern "a[b" has a [ that is not closed`},
		{"format without files", "format: [black .]", `:1:10: the command "black ." does not say where the files go; add {files}`},
		{"verify without name", "verify:\n  - run: x", `:2:5: the entry has no name; add "name"`},
		{"verify without run", "verify:\n  - name: x", `:2:5: "x" has nothing to run; add "run"`},
		{"verify name twice", "verify:\n  - {name: x, run: a}\n  - {name: X, run: b}", `:3:5: the name "X" is used twice`},
		{"verify name taken", "verify: [{name: Structure, run: a}]", `:1:17: "Structure" is the name of a check that restage always runs`},
		{"verify name odd", "verify: [{name: 'a/b', run: a}]", `:1:17: "a/b" is no name for a check`},
		{"report", "verify: [{name: a, run: a, report: pytests}]", `:1:36: unknown value "pytests"; did you mean "pytest"?`},
		{"timeout without unit", "verify: [{name: a, run: a, timeout: 30}]", `:1:37: expected a time from 1s to 6h0m0s, such as 90s or 20m`},
		{"timeout too long", "verify: [{name: a, run: a, timeout: 7h}]", `:1:37: expected a time`},
		{"timeout negative", "verify: [{name: a, run: a, timeout: -5m}]", `:1:37: expected a time`},
		{"baseline", "baseline: require_green", `:1:11: unknown value "require_green"; did you mean "require-green"?`},
		{"branch", "base: 'a b'", `:1:7: "a b" is no name of a branch`},
		{"branch as option", "base: --upload-pack=x", `is no name of a branch`},
		{"branch up", "base: a/../b", `is no name of a branch`},
		{"guard", "guard: fail", `:1:8: expected keys and values, found "fail"`},
		{"guard, unknown key", "guard: {fails: true}", `:1:9: unknown key "fails"; did you mean "fail"?`},
		{"image", "image: 'python 3'", `:1:8: "python 3" is no name of a container image`},
		{"image as option", "image: -v", `is no name of a container image`},
		{"reviewer", "pull_requests: {reviewers: ['a b']}", `:1:29: "a b" is no reviewer`},
		{"too large", "# " + strings.Repeat("x", input.MaxSize), `.github/restage.yml: too large`},
		{"too deep", "label: " + strings.Repeat("[", 40), `nested deeper than 32 levels`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Read([]byte(test.data))
			if err == nil {
				t.Fatalf("read as %+v", c)
			}
			if !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), Path+":") {
				t.Errorf("got  %v\nwant %s%s", err, Path, test.want)
			}
			var mistake *input.Error
			if !errors.As(err, &mistake) {
				t.Errorf("%T holds no *input.Error", err)
			}
		})
	}
}

// All mistakes are reported at once, in their order.
func TestReadSeveralMistakes(t *testing.T) {
	_, err := Read([]byte("shims: 3\nbase: ''\ncolor: red\n"))
	want := Path + `:1:8: expected true or false, found "3"
` + Path + `:2:7: "" is no name of a branch
` + Path + `:3:1: unknown key "color"; known are base, baseline, exclude, format, guard, image, include, label, pull_requests, shims, source_roots, verify`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %v", err, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("label: x\nverify: [{name: a, run: b}]\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := Read(data); (c == nil) == (err == nil) {
			t.Errorf("Read = %v, %v", c, err)
		}
	})
}
