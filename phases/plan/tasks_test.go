package plan

import (
	"slices"
	"testing"
)

func TestTasks(t *testing.T) {
	p := mustRead(t, "plan.md", []byte(`# Tidy

### Step 1: Move it

| From | To |
|------|----|
| `+"`a/b.py` | `c/d.py`"+` |

- Update imports in moved file
- Create `+"`c/__init__.py`"+`
- If different: Review differences carefully
- Verify each move works

### Step 2: Documentation

- Write the migration guide to docs/migration.md
- Add a section on jobs
- Update `+"`README.md`"+`:
- File moved to its place
`))
	var got []string
	for _, task := range p.Tasks() {
		got = append(got, task.Text)
		if task.Line == 0 {
			t.Errorf("%q has no line", task.Text)
		}
	}
	want := []string{"If different: Review differences carefully", "Add a section on jobs", "Update `README.md`"}
	if !slices.Equal(got, want) {
		t.Errorf("tasks %q, want %q", got, want)
	}
}

func TestSeedTasks(t *testing.T) {
	p := mustRead(t, "plan.md", readFile(t, seed))
	for _, want := range []Task{
		{Step: 6, Text: "Update `tags` to reflect shared utility nature"},
		{Step: 8, Text: "If different: Review differences carefully"},
		{Step: 15, Text: "Update `.gitignore` if needed (unlikely, but check)"},
		{Step: 16, Text: "Add section for shared utilities (backup)"},
	} {
		if !slices.ContainsFunc(p.Tasks(), func(task Task) bool { return task.Step == want.Step && task.Text == want.Text }) {
			t.Errorf("step %d does not ask to %q", want.Step, want.Text)
		}
	}
	for _, task := range p.Tasks() {
		if task.Step < 8 && task.Step != 6 {
			t.Errorf("step %d, which restage carries out by itself, asks to %q", task.Step, task.Text)
		}
	}
}
