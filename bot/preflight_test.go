package bot

import (
	"testing"

	gh "github.com/google/go-github/v60/github"
)

func TestBaseChecks(t *testing.T) {
	run := func(name, status, conclusion string) *gh.CheckRun {
		return &gh.CheckRun{Name: &name, Status: &status, Conclusion: &conclusion}
	}
	status := func(context, state string) *gh.RepoStatus { return &gh.RepoStatus{Context: &context, State: &state} }
	good, skipped := run("unit", "completed", "success"), run("docs", "completed", "skipped")
	tests := []struct {
		name     string
		runs     []*gh.CheckRun
		statuses []*gh.RepoStatus
		want     string
	}{
		{"none", nil, nil, "has no checks of its own that restage can see"},
		{"green", []*gh.CheckRun{good, skipped}, nil, "is green"},
		{"green, by statuses alone", nil, []*gh.RepoStatus{status("ci/build", "success")}, "is green"},
		{"red, by a status", []*gh.CheckRun{good}, []*gh.RepoStatus{status("ci/build", "failure"), status("ci/`x`", "error"), status("ci/docs", "success")},
			"**is not green**: `ci/build`, `` ci/`x` `` failed, so failures in the pull requests may not be theirs"},
		{"not done, by a status", []*gh.CheckRun{good}, []*gh.RepoStatus{status("ci/build", "pending")}, "is being checked: `ci/build` not done yet"},
		{"red", []*gh.CheckRun{good, run("lint", "completed", "failure"), run("e2e", "completed", "timed_out"), run("slow", "in_progress", "")}, nil,
			"**is not green**: `lint`, `e2e` failed, so failures in the pull requests may not be theirs"},
		{"not done", []*gh.CheckRun{good, run("slow", "queued", "")}, nil, "is being checked: `slow` not done yet"},
	}
	for _, tt := range tests {
		if got := baseChecks(tt.runs, tt.statuses); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
