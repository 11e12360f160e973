package plan

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// seed is the plan of the demo: a real one, seventeen steps long.
const seed = "../../bot/demo/plan.md"

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustRead(t *testing.T, name string, data []byte) *Plan {
	t.Helper()
	p, err := Read(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// essence returns what YAML holds of a plan: all but lines, commands and unused
// sections.
func essence(p *Plan) *Plan {
	e := *p
	e.Commands, e.Unused = nil, nil
	e.Moves = slices.Clone(p.Moves)
	for i := range e.Moves {
		e.Moves[i].Line = 0
	}
	e.Imports = slices.Clone(p.Imports)
	for i := range e.Imports {
		e.Imports[i].Line = 0
	}
	e.Retire = slices.Clone(p.Retire)
	for i := range e.Retire {
		e.Retire[i].Line = 0
	}
	e.Delete = slices.Clone(p.Delete)
	for i := range e.Delete {
		e.Delete[i].Line = 0
	}
	return &e
}

// compare fails the test if two plans do not say the same.
func compare(t *testing.T, got, want *Plan) {
	t.Helper()
	if reflect.DeepEqual(essence(got), essence(want)) {
		return
	}
	a, err := got.YAML()
	if err != nil {
		t.Fatal(err)
	}
	b, err := want.YAML()
	if err != nil {
		t.Fatal(err)
	}
	t.Errorf("plans differ\n--- got\n%s--- want\n%s", a, b)
}

func TestSeed(t *testing.T) {
	compare(t, mustRead(t, "plan.md", readFile(t, seed)), mustRead(t, "seed.yaml", readFile(t, "testdata/seed.yaml")))
}

// Browsers send issues with lines that end in CR LF.
func TestSeedWithCRLF(t *testing.T) {
	data := bytes.ReplaceAll(readFile(t, seed), []byte("\n"), []byte("\r\n"))
	got := mustRead(t, "", data)
	compare(t, got, mustRead(t, "seed.yaml", readFile(t, "testdata/seed.yaml")))
	for _, c := range got.Commands {
		if strings.Contains(c.Text, "\r") {
			t.Errorf("line %d: command %q holds a carriage return", c.Line, c.Text)
		}
	}
}

func TestSeedFoldedAway(t *testing.T) {
	data := slices.Concat([]byte("Please carry this out.\n\n<details>\n<summary>The plan</summary>\n"),
		readFile(t, seed), []byte("\n</details>\n"))
	compare(t, mustRead(t, "", data), mustRead(t, "seed.yaml", readFile(t, "testdata/seed.yaml")))
}

// Lines are where a person looks first.
func TestSeedLines(t *testing.T) {
	data := readFile(t, seed)
	p := mustRead(t, "plan.md", data)
	lines := strings.Split(string(data), "\n")
	check := func(line int, words ...string) {
		t.Helper()
		for _, word := range words {
			if line < 1 || !strings.Contains(lines[line-1], word) {
				t.Errorf("line %d does not hold %q", line, word)
			}
		}
	}
	for _, m := range p.Moves {
		check(m.Line, m.From, m.To, "|")
	}
	for _, m := range p.Imports {
		check(m.Line, m.Old, m.New, "|")
	}
	for _, r := range p.Retire {
		check(r.Line, r.Path, r.Use, "|")
	}
	for _, d := range p.Delete {
		check(d.Line, d.Path)
	}
	for _, u := range p.Unused {
		check(u.Line, u.Title, "#")
	}
	for _, c := range p.Commands {
		first, _, _ := strings.Cut(c.Text, "\n")
		check(c.Line, first)
	}
}

func TestSeedUnused(t *testing.T) {
	var titles []string
	for _, s := range mustRead(t, "plan.md", readFile(t, seed)).Unused {
		titles = append(titles, s.Title)
	}
	want := []string{"Goal", "Completed Steps", "Pending Steps", "1. Orchestration Module Contains Mixed Concerns",
		"2. Import Usage Analysis", "Target Structure", "Success Criteria (Overall)", "Estimated Impact",
		"Migration Guide for Users", "Notes", "Risk Mitigation"}
	if !slices.Equal(titles, want) {
		t.Errorf("unused sections are %q, want %q", titles, want)
	}
}

func TestSeedCommands(t *testing.T) {
	p := mustRead(t, "plan.md", readFile(t, seed))
	for _, want := range []Command{
		{1, `test -d src/training/azureml && echo "✓ training/azureml exists"`, 198},
		{3, `test ! -f src/orchestration/jobs/sweeps.py && echo "✓ Duplicate removed"`, 323},
		{7, `python -c "from infrastructure.tracking.mlflow.index import update_mlflow_index, reserve_run_name_version; print('✓ Imports work')"`, 531},
		{15, `rm -rf src/orchestration/`, 933},
		{17, `uvx mypy src --show-error-codes`, 1032},
	} {
		if !slices.Contains(p.Commands, want) {
			t.Errorf("no command %+v", want)
		}
	}
	for _, c := range p.Commands {
		if strings.HasPrefix(c.Text, "import sys") {
			t.Errorf("line %d: %q is part of a command, not one", c.Line, c.Text)
		}
	}
}
