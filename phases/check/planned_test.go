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
	r, err := Planned(context.Background(), at, nil, []plan.Check{there, there})
	if err != nil || r.Conclusion != Success || r.Title != "2 of 2 checks of the plan hold" {
		t.Errorf("all is there: %+v, %v", r, err)
	}
	r, err = Planned(context.Background(), at, nil, []plan.Check{there, gone})
	if err != nil || r.Conclusion != Neutral || r.Title != "1 of 2 checks of the plan hold" {
		t.Errorf("one is not there: %+v, %v", r, err)
	}
	if !strings.Contains(r.Summary, "| fails | step 2, line 7 | ") {
		t.Errorf("the summary does not say where:\n%s", r.Summary)
	}
}
