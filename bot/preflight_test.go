package bot

import (
	"testing"

	gh "github.com/google/go-github/v60/github"
)

func TestBaseChecks(t *testing.T) {
	run := func(name, status, conclusion string) *gh.CheckRun {
		return &gh.CheckRun{Name: &name, Status: &status, Conclusion: &conclusion}
	}
	good, skipped := run("unit", "completed", "success"), run("docs", "completed", "skipped")
	tests := []struct {
		name string
		runs []*gh.CheckRun
		want string
	}{
		{"none", nil, "has no checks of its own that restage can see"},
		{"green", []*gh.CheckRun{good, skipped}, "is green"},
		{"red", []*gh.CheckRun{good, run("lint", "completed", "failure"), run("e2e", "completed", "timed_out"), run("slow", "in_progress", "")},
			"**is not green**: `lint`, `e2e` failed, so failures in the pull requests may not be theirs"},
		{"not done", []*gh.CheckRun{good, run("slow", "queued", "")}, "is being checked: `slow` is not done"},
	}
	for _, tt := range tests {
		if got := baseChecks(tt.runs); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
