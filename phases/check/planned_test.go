package check

import (
	"context"
	"strings"
	"testing"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

func TestPlanned(t *testing.T) {
	at := tree.NewMap(map[string]string{"src/a.py": "x = 1\n"})
	there := plan.Check{Kind: plan.File, Paths: []string{"src/a.py"}, Step: 1, Line: 3}
	gone := plan.Check{Kind: plan.File, Paths: []string{"src/`b`.py"}, Step: 2, Line: 7}
	r, err := Planned(context.Background(), at, nil, Promise{Checks: []plan.Check{there, there}, Later: 3})
	if err != nil || r.Conclusion != Success || r.Title != "2 of 2 checks of the plan hold" {
		t.Errorf("all is there: %+v, %v", r, err)
	}
	r, err = Planned(context.Background(), at, nil, Promise{Checks: []plan.Check{there, gone, there}, Steps: []plan.Step{{Number: 2, Title: "Move *b*"}}})
	if err != nil || r.Conclusion != Neutral || r.Title != "2 of 3 checks of the plan hold" {
		t.Errorf("one is not there: %+v, %v", r, err)
	}
	const want = `2 of 3 checks of the plan hold.

The plan's shell blocks were read, not run.

#### Step 2: Move \*b\*: 0 of 1

- ❌ ` + "`src/'b'.py` is a file (line 7 of the plan): `src/'b'.py` is no file" + `

<details><summary>Steps of which all holds</summary>

#### Step 1: 2 of 2

- ✅ ` + "`src/a.py` is a file (line 3 of the plan)" + `
- ✅ ` + "`src/a.py` is a file (line 3 of the plan)" + `

</details>
`
	if r.Summary != want {
		t.Errorf("got:\n%s\nwant:\n%s", r.Summary, want)
	}
}

// What a plan wants to be gone and also wants to keep cannot be gone: that is
// told apart from what somebody forgot.
func TestPlannedStays(t *testing.T) {
	files := map[string]string{
		"src/old/__init__.py":        "",
		"src/old/local/__init__.py":  "",
		"src/old/local/kept.py":      "import old.local.kept\n",
		"src/use.py":                 "from old.local import kept\nold = 1\n",
		"src/deploy/old/__init__.py": "",
	}
	forgotten := map[string]string{"src/old/lost.py": "import old.lost\n"}
	for name, data := range files {
		forgotten[name] = data
	}
	for _, test := range []struct {
		files     map[string]string
		check     plan.Check
		leftovers []Annotation
		want      string
	}{
		{files, plan.Check{Kind: plan.Absent, Paths: []string{"src/old"}}, nil,
			"❌ `src/old` is gone: cannot hold here: what is in `src/old` is to stay"},
		{forgotten, plan.Check{Kind: plan.Absent, Paths: []string{"src/old"}}, nil,
			"❌ `src/old` is gone: there are still files in `src/old`, such as `src/old/lost.py`"},
		{files, plan.Check{Kind: plan.Absent, Paths: []string{"src/deploy/old"}}, nil,
			"❌ `src/deploy/old` is gone: there are still files in `src/deploy/old`, such as `src/deploy/old/__init__.py`"},
		{files, plan.Check{Kind: plan.Found, Paths: []string{"src/old/local"}, Files: []string{"k*.py"}}, nil,
			"❌ no files in `src/old/local`: cannot hold here: there are 1 files in `src/old/local`, of which 1 are about what is to stay"},
		{files, plan.Check{Kind: plan.Found, Paths: []string{"src/old/local"}}, nil,
			"❌ no files in `src/old/local`: there are 2 files in `src/old/local`, and there must be 0"},
		{files, plan.Check{Kind: plan.Text, Text: "old", Paths: []string{"src"}}, nil,
			"❌ no lines with `old` in `src`: cannot hold here: there are 3 lines that match `old` in `src`, of which 2 are about what is to stay, and none of the others names an old path"},
		{files, plan.Check{Kind: plan.Text, Text: "old", Paths: []string{"src"}}, []Annotation{{Path: "src/use.py", Line: 2}},
			"❌ no lines with `old` in `src`: there are 3 lines that match `old` in `src`, and there must be 0"},
		{files, plan.Check{Kind: plan.Text, Text: "= 1", Paths: []string{"src"}}, nil,
			"❌ no lines with `= 1` in `src`: there are 1 lines that match `= 1` in `src`, and there must be 0"},
		{files, plan.Check{Kind: plan.Import, Module: "old.local.kept"}, nil, "✅ `old.local.kept` can be imported"},
		{files, plan.Check{Kind: plan.Import, Module: "numpy", Names: []string{"a", "b"}}, nil,
			"➖ `a`, `b` can be imported from `numpy`: `numpy` is no module of this repository"},
	} {
		claims, err := Claims(context.Background(), tree.NewMap(test.files), []string{"src"}, Promise{
			Checks: []plan.Check{test.check}, Stays: []string{"src/old/local/kept.py"}, Leftovers: test.leftovers,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := claims[0].row(); got != "- "+test.want+"\n" {
			t.Errorf("got  %swant - %s", got, test.want)
		}
	}
}

// However much a plan says, what is said about it has an end, and what does not
// hold is there.
func TestPlannedBounds(t *testing.T) {
	var checks []plan.Check
	for i := range 5000 {
		checks = append(checks, plan.Check{Kind: plan.File, Paths: []string{"src/a.py"}, Step: i%2 + 1})
	}
	checks = append(checks, plan.Check{Kind: plan.File, Paths: []string{"src/b.py"}, Step: 3})
	r, err := Planned(context.Background(), tree.NewMap(map[string]string{"src/a.py": ""}), nil, Promise{Checks: checks})
	if err != nil || len(r.Summary) > 2*maxHeld || !strings.Contains(r.Summary, "❌ `src/b.py`") || !strings.Contains(r.Summary, " more.\n") {
		t.Errorf("%v, %d bytes:\n%.300s", err, len(r.Summary), r.Summary)
	}
}
