package plan

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
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

// essence returns what restage acts on: all but lines, and what was not used.
func essence(p *Plan) *Plan {
	e := *p
	e.Commands, e.NotRun, e.Unused = slices.Clone(p.Commands), nil, nil
	for i := range e.Commands {
		e.Commands[i].Line = 0
	}
	e.Checks = slices.Clone(p.Checks)
	for i := range e.Checks {
		e.Checks[i].Line = 0
	}
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
	plain := strings.NewReplacer("*", "", "`", "", "#", "", "|", "")
	for i := range lines {
		lines[i] = plain.Replace(lines[i])
	}
	for _, u := range p.Unused {
		first, _, _ := strings.Cut(plain.Replace(u.Text), "  ")
		check(u.Line, strings.TrimSpace(first[:min(len(first), 30)]))
	}
}

func TestSeedShellLines(t *testing.T) {
	data := readFile(t, seed)
	p := mustRead(t, "plan.md", data)
	lines := strings.Split(string(data), "\n")
	for _, c := range p.Checks {
		if c.Kind == File || c.Kind == Folder || c.Kind == Absent {
			if !strings.Contains(lines[c.Line-1], c.Paths[0]) {
				t.Errorf("line %d does not hold %q", c.Line, c.Paths[0])
			}
		}
	}
	for _, c := range slices.Concat(p.Commands, p.NotRun) {
		first, _, _ := strings.Cut(c.Text, "\n")
		if !strings.Contains(lines[c.Line-1], first) {
			t.Errorf("line %d does not hold %q", c.Line, first)
		}
	}
}

// What is not used is said, with its line: sections, and in the sections that
// are used what a person must do.
func TestSeedUnused(t *testing.T) {
	data := readFile(t, seed)
	lines := strings.Split(string(data), "\n")
	var titles []string
	unused := map[string]int{}
	for _, u := range mustRead(t, "plan.md", data).Unused {
		if strings.HasPrefix(lines[u.Line-1], "#") {
			titles = append(titles, u.Text)
		}
		unused[u.Text] = u.Step
	}
	want := []string{"Goal", "Completed Steps", "Pending Steps", "1. Orchestration Module Contains Mixed Concerns",
		"2. Import Usage Analysis", "Target Structure", "Success Criteria (Overall)", "Estimated Impact", "Notes", "Risk Mitigation"}
	if !slices.Equal(titles, want) {
		t.Errorf("unused sections are %q, want %q", titles, want)
	}
	for text, step := range map[string]int{
		"Update `tags` to reflect shared utility nature":                    6,
		"If different: Review differences carefully":                        8,
		"Add section for AzureML job creation":                              16,
		"Delete or archive `orchestration/README.md` (if still exists)":     16,
		"Verify each move works before proceeding":                          0,
		"Update `.gitignore` if needed (unlikely, but check)":               15,
		"Check `evaluation/selection/__init__.py` and add export if needed": 8,
		"If it exports anything from orchestration, remove those exports":   15,
		"And others": 13,
	} {
		if got, ok := unused[text]; !ok || got != step {
			t.Errorf("%q is not listed for step %d", text, step)
		}
	}
}

// Whatever is added to the plan and means nothing is listed with its line.
func TestSeedLosesNothing(t *testing.T) {
	lines := strings.Split(string(readFile(t, seed)), "\n")
	added := 0
	for i, line := range lines {
		if !strings.HasPrefix(line, "### ") && !strings.HasPrefix(line, "## ") {
			continue
		}
		added++
		text := "Frobnicate the widget"
		with := slices.Concat(lines[:i+1], []string{"", "- " + text, ""}, lines[i+1:])
		p := mustRead(t, "", []byte(strings.Join(with, "\n")))
		if len(p.KnownIssues) > 6 || len(p.Preconditions) > 6 {
			continue // read as one of these
		}
		listed := slices.ContainsFunc(p.Unused, func(u Unused) bool {
			return u.Text == text && u.Line == i+3 || u.Line == i+1 || strings.HasPrefix(lines[u.Line-1], "#") && u.Line <= i
		})
		if !listed {
			t.Errorf("line %d, below %q, is lost", i+3, line)
		}
	}
	if added < 20 {
		t.Errorf("tried in %d sections only", added)
	}
}

func TestSeedCommands(t *testing.T) {
	p := mustRead(t, "plan.md", readFile(t, seed))
	for _, want := range []Command{
		{1, `test -d src/training/hpo/azureml && echo "EXISTS" || echo "NOT_EXISTS"`, 181, "it asks a question, and does not say what the answer must be", ""},
		{15, `rm -rf src/orchestration/`, 933, "restage changes only what tables and sentences of the plan say", ""},
		{15, `find src/orchestration -name "*.py" -type f | grep -v "__pycache__" | wc -l`, 918, `it prints what it finds; write above it what must come out, as in "# must be 0"`, ""},
		{16, "python -c \"$(grep -A 5 '^```python' src/training/README.md | grep -v '^```' | head -10)\"", 1004, "it runs a command inside a command", ""},
	} {
		if !slices.Contains(p.NotRun, want) {
			t.Errorf("not among what is not run: %+v", want)
		}
	}
	if want := (Command{17, `uvx mypy src --show-error-codes`, 1032, "", ""}); !slices.Contains(p.Commands, want) {
		t.Errorf("no command %+v", want)
	}
	if len(p.NotRun) != 28 {
		t.Errorf("%d commands are not run", len(p.NotRun))
	}
}

// The plan of the demo, whole, with one habit of another author at a time.
func TestSeedHabits(t *testing.T) {
	replace := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	each := func(f func(string) string) func(string) string {
		return func(text string) string {
			lines := strings.Split(text, "\n")
			for i := range lines {
				lines[i] = f(lines[i])
			}
			return strings.Join(lines, "\n")
		}
	}
	for _, test := range []struct {
		name  string
		habit func(string) string
	}{
		{"arrows", replace("→", "->")},
		{"double arrows", replace("→", "=>")},
		{"stars for bullets", replace("\n- ", "\n* ", "\n   - ", "\n   * ")},
		{"parentheses for numbers", each(func(s string) string { return listNumber.ReplaceAllString(s, "$1) ") })},
		{"headings one level deeper", replace("\n# ", "\n## ", "\n## ", "\n### ", "\n### ", "\n#### ", "\n#### ", "\n##### ")},
		{"names of columns", replace("| From | To |", "| Source | TARGET |", "| Old Import | New Import |", "| OLD MODULE | new module |",
			"| File/Directory | Status | Replacement |", "| Path | State | Use instead |")},
		{"names of sections", replace("## Preconditions", "## Prerequisites", "## Out of Scope", "## What we do not touch",
			"## Known Issues to Address", "## Gotchas", "### Step ", "### STEP #")},
		{"language of the shell", replace("```bash", "```shell")},
		{"no language of the shell", replace("```bash", "```")},
		{"tildes", replace("```bash", "~~~bash", "```python", "~~~python", "```\n", "~~~\n")},
		{"html code", each(func(s string) string {
			if strings.HasPrefix(s, "|") {
				s = codeSpan.ReplaceAllString(s, "<code>$1</code>")
			}
			return s
		})},
		{"no bold", replace("**", "")},
		{"a quote", each(func(s string) string { return "> " + s })},
		{"a block", func(s string) string { return "Please.\n\n````md\n" + s + "\n````\n" }},
		{"a block that is not long enough", func(s string) string { return "```markdown\n" + s + "\n```\n" }},
		{"front matter", func(s string) string { return "---\nauthor: Ann\n---\n" + s }},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := string(readFile(t, seed))
			habit := test.habit(text)
			if habit == text {
				t.Fatal("the habit changes nothing")
			}
			compare(t, mustRead(t, "", []byte(habit)), mustRead(t, "seed.yaml", readFile(t, "testdata/seed.yaml")))
		})
	}
}

var listNumber = regexp.MustCompile(`^(\s*\d+)\. `)
