package plan

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// Each file in testdata/markdown is one way to write a plan. It holds
//
//	plan.md      what the author wrote
//	want.yaml    the plan that says the same; or
//	error        the error, a mistake a line
//	unused       titles of the sections that were not used, if that matters
func TestMarkdown(t *testing.T) {
	files, err := filepath.Glob("testdata/markdown/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string][]byte{}
			for _, f := range archive.Files {
				parts[f.Name] = f.Data
			}
			got, err := Read("plan.md", parts["plan.md"])
			if want, ok := parts["error"]; ok {
				wantError(t, got, err, string(want))
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			compare(t, got, mustRead(t, "want.yaml", parts["want.yaml"]))
			if want, ok := parts["unused"]; ok {
				var titles strings.Builder
				for _, s := range got.Unused {
					fmt.Fprintln(&titles, s.Text)
				}
				if titles.String() != string(want) {
					t.Errorf("unused sections are\n%swant\n%s", titles.String(), want)
				}
			}
		})
	}
}

// wantError fails the test unless err is made of *Error and reads like want.
func wantError(t *testing.T, p *Plan, err error, want string) {
	t.Helper()
	if err == nil {
		data, _ := p.YAML()
		t.Fatalf("no error, but this plan\n%s", data)
	}
	if got := err.Error() + "\n"; got != want {
		t.Errorf("got error\n%swant\n%s", got, want)
	}
	var mistake *Error
	if !errors.As(err, &mistake) {
		t.Errorf("%T holds no *Error", err)
	}
	if p != nil {
		t.Error("a plan comes with the error")
	}
}
