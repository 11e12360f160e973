package githubtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"
	"github.com/restage/restage/bot/githubtest"
)

func TestCheckRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	head := commit(t, dir, "a/work", "One", "c.txt", "c\n")
	_, _, err := w.ada.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "a/work", "main"))
	check(t, err)
	w.events(t)

	run, _, err := w.bot.Checks.CreateCheckRun(ctx, "ada", "engine", github.CreateCheckRunOptions{
		Name: "restage / imports", HeadSHA: head, ExternalID: github.String("1/moves"), Status: github.String("in_progress")})
	check(t, err)
	same(t, "new", []any{run.GetStatus(), run.GetConclusion(), run.GetApp().GetSlug(), run.GetExternalID(), len(run.PullRequests)}, "[in_progress  mover 1/moves 1]")
	same(t, "events", w.events(t), "[check_run created]")

	note := func(n int) []*github.CheckRunAnnotation {
		var out []*github.CheckRunAnnotation
		for i := range n {
			out = append(out, &github.CheckRunAnnotation{Path: github.String("c.txt"), StartLine: github.Int(i + 1), EndLine: github.Int(i + 1),
				AnnotationLevel: github.String("failure"), Message: github.String(fmt.Sprint("no ", i))})
		}
		return out
	}
	update := func(o *github.CheckRunOutput, conclusion *string) error {
		_, _, err := w.bot.Checks.UpdateCheckRun(ctx, "ada", "engine", run.GetID(), github.UpdateCheckRunOptions{
			Name: "restage / imports", Conclusion: conclusion, Output: o})
		return err
	}
	title, summary := github.String("Imports"), github.String("ok")
	wantError(t, update(&github.CheckRunOutput{Title: title, Summary: summary, Annotations: note(51)}, nil), 422, "No more than 50 items")
	wantError(t, update(&github.CheckRunOutput{Title: title, Summary: github.String(strings.Repeat("é", 65536))}, nil), 422, "Only 65535 characters")
	wantError(t, update(nil, github.String("fine")), 422, "conclusion")
	check(t, update(&github.CheckRunOutput{Title: title, Summary: github.String(strings.Repeat("é", 65535)), Annotations: note(50)}, nil))
	check(t, update(&github.CheckRunOutput{Title: title, Summary: summary, Annotations: note(1)}, github.String("failure")))
	same(t, "events", w.events(t), "[check_run completed check_suite completed]")
	notes, resp, err := w.ada.Checks.ListCheckRunAnnotations(ctx, "ada", "engine", run.GetID(), &github.ListOptions{PerPage: 50})
	check(t, err)
	same(t, "annotations", []any{len(notes), notes[49].GetMessage(), resp.LastPage}, "[50 no 49 2]")

	again, _, err := w.bot.Checks.CreateCheckRun(ctx, "ada", "engine", github.CreateCheckRunOptions{
		Name: "restage / imports", HeadSHA: head, Conclusion: github.String("success"), Output: &github.CheckRunOutput{Title: title, Summary: summary}})
	check(t, err)
	same(t, "suite", again.GetCheckSuite().GetID(), run.GetCheckSuite().GetID())
	for filter, want := range map[github.ListCheckRunsOptions]int{
		{}:                             1,
		{Filter: github.String("all")}: 2,
		{CheckName: github.String("restage / imports")}: 1,
		{CheckName: github.String("other")}:             0,
		{Status: github.String("queued")}:               0,
		{AppID: github.Int64(w.app.ID)}:                 1,
		{AppID: github.Int64(7)}:                        0,
	} {
		found, _, err := w.bot.Checks.ListCheckRunsForRef(ctx, "ada", "engine", "a/work", &filter)
		check(t, err)
		same(t, fmt.Sprintf("%+v", filter), found.GetTotal(), want)
	}
	suites, _, err := w.bot.Checks.ListCheckSuitesForRef(ctx, "ada", "engine", head, nil)
	check(t, err)
	same(t, "suites", []any{suites.GetTotal(), suites.CheckSuites[0].GetConclusion(), suites.CheckSuites[0].GetHeadBranch()}, "[1 success a/work]")
	w.events(t)

	_, err = w.ada.Checks.ReRequestCheckRun(ctx, "ada", "engine", again.GetID())
	check(t, err)
	_, err = w.bob.Checks.ReRequestCheckSuite(ctx, "ada", "engine", suites.CheckSuites[0].GetID())
	check(t, err)
	same(t, "events", w.events(t), "[check_run rerequested check_suite rerequested]")
	suite, _, err := w.bot.Checks.GetCheckSuite(ctx, "ada", "engine", suites.CheckSuites[0].GetID())
	check(t, err)
	same(t, "suite", suite.GetStatus()+suite.GetConclusion(), "queued")

	for _, o := range []github.CreateCheckRunOptions{
		{Name: "x", HeadSHA: strings.Repeat("a", 40)},
		{HeadSHA: head},
		{Name: "x", HeadSHA: head, Status: github.String("completed")},
		{Name: "x", HeadSHA: head, Status: github.String("done")},
		{Name: "x", HeadSHA: head, Output: &github.CheckRunOutput{Summary: summary}},
		{Name: "x", HeadSHA: head, Output: &github.CheckRunOutput{Title: title}},
	} {
		_, _, err := w.bot.Checks.CreateCheckRun(ctx, "ada", "engine", o)
		wantError(t, err, 422, "")
	}
	got, _, err := w.ada.Checks.GetCheckRun(ctx, "ada", "engine", run.GetID())
	check(t, err)
	same(t, "run", []any{got.GetConclusion(), got.GetOutput().GetAnnotationsCount()}, "[failure 51]")
}

// Another app cannot touch what is not its own.
func TestOtherApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	head := git(t, dir, "rev-parse", "HEAD")
	run, _, err := w.bot.Checks.CreateCheckRun(ctx, "ada", "engine", github.CreateCheckRunOptions{Name: "x", HeadSHA: head})
	check(t, err)
	same(t, "events", w.events(t), "[installation created check_run created]") // those of two apps come in no certain order
	w.app, err = w.RegisterApp("bob", []byte(strings.Replace(manifest, "Mover", "Shaker", 1)), w.hook.URL, secret)
	check(t, err)
	w.inst, err = w.Install(w.app.ID, "ada", "engine")
	check(t, err)
	other := w.restricted(t, github.InstallationPermissions{Checks: github.String("write")})
	_, _, err = other.Checks.UpdateCheckRun(ctx, "ada", "engine", run.GetID(), github.UpdateCheckRunOptions{Name: "x"})
	wantError(t, err, 403, "can only be modified by the GitHub App that created it")
	same(t, "events of the other", w.events(t), "[installation created]")
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	head := commit(t, dir, "a/work", "One", "c.txt", "c\n")
	combined := func() string {
		c, _, err := w.ada.Repositories.GetCombinedStatus(ctx, "ada", "engine", "a/work", nil)
		check(t, err)
		var all []string
		for _, s := range c.Statuses {
			all = append(all, s.GetContext()+" "+s.GetState())
		}
		return fmt.Sprint(c.GetState(), c.GetTotalCount(), all)
	}
	set := func(context, state string) error {
		_, _, err := w.ada.Repositories.CreateStatus(ctx, "ada", "engine", head, &github.RepoStatus{Context: &context, State: &state})
		return err
	}
	same(t, "none", combined(), "pending0 []")
	check(t, set("build", "success"))
	same(t, "one", combined(), "success1 [build success]")
	check(t, set("docs", "pending"))
	same(t, "two", combined(), "pending2 [build success docs pending]")
	check(t, set("Build", "error"))
	same(t, "the newest counts", combined(), "failure2 [docs pending Build error]")
	wantError(t, set("docs", "fine"), 422, "state is not included in the list")
	_, _, err := w.ada.Repositories.CreateStatus(ctx, "ada", "engine", strings.Repeat("0", 40), &github.RepoStatus{State: github.String("success")})
	wantError(t, err, 422, "No commit found for SHA")
	_, _, err = w.bot.Repositories.GetCombinedStatus(ctx, "ada", "engine", "a/work", nil)
	wantError(t, err, 403, "Resource not accessible by integration")
}
