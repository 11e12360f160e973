package check_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	"golang.org/x/tools/txtar"

	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/tree"
)

var update = flag.Bool("update", false, "write what the checks say into testdata")

// A case is a txtar file. Its comment says what it shows. Files below "before/"
// and "after/" are the two trees, those below "both/" are in both; without any
// before/ or both/ nothing is known of the tree before. "expect" is the
// Expectation in YAML. "want" lists what is not plain success, as
//
//	CHECK CONCLUSION: TITLE
//	  PATH:LINE: LEVEL: MESSAGE
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			e, want := readCase(t, a)
			results, err := check.Run(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(results)
			if again, err := check.Run(t.Context(), e); err != nil || describe(again) != got {
				t.Errorf("a second look says:\n%s%v", describe(again), err)
			}
			if *update {
				a.Files[want].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o666); err != nil {
					t.Fatal(err)
				}
			} else if got != string(a.Files[want].Data) {
				t.Errorf("got:\n%s\nwant:\n%s", got, a.Files[want].Data)
			}
		})
	}
}

// readCase returns the expectation of a case, and which of its files is the
// one with what is wanted.
func readCase(t *testing.T, a *txtar.Archive) (e check.Expectation, want int) {
	t.Helper()
	before, after := map[string]string{}, map[string]string{}
	known := false
	for _, f := range a.Files {
		where, name, _ := strings.Cut(f.Name, "/")
		known = known || where == "before" || where == "both"
		if where == "before" || where == "both" {
			before[name] = string(f.Data)
		}
		if where == "after" || where == "both" {
			after[name] = string(f.Data)
		}
		if f.Name == "expect" {
			e = readExpectation(t, f.Data)
		}
	}
	e.After = tree.NewMap(after)
	if known {
		e.Before = tree.NewMap(before)
	}
	want = slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	if want < 0 {
		t.Fatal(`there is no file "want"`)
	}
	return e, want
}

func readExpectation(t *testing.T, data []byte) check.Expectation {
	t.Helper()
	var in struct {
		Stage   string
		Roots   []string
		Moves   []check.Move
		Exports []check.Export
		Olds    []check.Old
		Map     []check.Row
		Leaving []string
		Going   []string
		Gone    []string
		Kept    []string
		Open    []string
		Ignored []string
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&in); err != nil {
		t.Fatalf("expect: %v", err)
	}
	stage := slices.Index([]string{"moved", "rewritten", "cleaned"}, in.Stage)
	if stage < 0 {
		t.Fatalf("expect: stage %q", in.Stage)
	}
	return check.Expectation{
		Stage: check.Stage(stage), Roots: in.Roots, Moves: in.Moves, Exports: in.Exports, Olds: in.Olds, Map: in.Map, Leaving: in.Leaving,
		Going: in.Going, Gone: in.Gone, Kept: in.Kept, Open: in.Open,
		Ignored: func(p string) bool { return slices.Contains(in.Ignored, p) },
	}
}

// describe writes the results that are not plain success.
func describe(results []check.Result) string {
	var b strings.Builder
	for _, r := range results {
		if r.Conclusion == check.Success && len(r.Annotations) == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s %s: %s\n", r.Name, r.Conclusion, r.Title)
		for _, a := range r.Annotations {
			fmt.Fprintf(&b, "  %s:%d: %s: %s\n", a.Path, a.Line, a.Level, a.Message)
		}
	}
	return b.String()
}
