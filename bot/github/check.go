package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	gh "github.com/google/go-github/v60/github"
)

// Bounds of a check run.
const (
	MaxSummary     = 65535 // characters of the summary
	MaxAnnotations = 50    // annotations in one request
)

// A CheckRun is a check, to be shown on a commit.
type CheckRun struct {
	Name        string // such as "restage / structure"
	Commit      string // full hash
	Key         string // tells this run from others of the same name on the same commit
	URL         string // where to read more; "" if nowhere
	Status      string // queued or in_progress; "" when it has ended
	Conclusion  string // of one that has ended: success, failure, neutral or cancelled
	Title       string
	Summary     string // Markdown, at most MaxSummary characters
	Text        string // Markdown below the summary, likewise
	Annotations []*gh.CheckRunAnnotation
	Actions     []*gh.CheckRunAction // buttons, 3 at most
}

// Action returns a button of a check run. The label has at most 20 characters,
// the description 40.
func Action(identifier, label, description string) *gh.CheckRunAction {
	return &gh.CheckRunAction{Identifier: identifier, Label: label, Description: description}
}

// Annotate returns an annotation of one line (from 1) of a file.
// Level is notice, warning or failure.
func Annotate(path string, line int, level, message string) *gh.CheckRunAnnotation {
	return &gh.CheckRunAnnotation{
		Path:            &path,
		StartLine:       &line,
		EndLine:         &line,
		AnnotationLevel: &level,
		Message:         &message,
	}
}

// CheckRuns returns the check runs of the app on a commit.
//
// GitHub REST: List check runs for a Git reference.
func (r *Repo) CheckRuns(ctx context.Context, commit string) ([]*gh.CheckRun, error) {
	runs, err := all(func(page gh.ListOptions) ([]*gh.CheckRun, *gh.Response, error) {
		list, res, err := r.rest.Checks.ListCheckRunsForRef(ctx, r.Owner, r.Name, commit, &gh.ListCheckRunsOptions{
			Filter:      gh.String("all"),
			AppID:       gh.Int64(r.app.id),
			ListOptions: page,
		})
		if err != nil {
			return nil, res, err
		}
		return list.CheckRuns, res, nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the check runs of %s: %w", commit, err)
	}
	return runs, nil
}

// Failures are the conclusions of a check run that is not green.
var Failures = []string{"failure", "timed_out", "cancelled", "action_required", "startup_failure"}

// LatestRuns returns the newest check run of each name on a commit, by whatever
// app; of very many, the first 100.
//
// GitHub REST: List check runs for a Git reference.
func (r *Repo) LatestRuns(ctx context.Context, commit string) ([]*gh.CheckRun, error) {
	list, _, err := r.rest.Checks.ListCheckRunsForRef(ctx, r.Owner, r.Name, commit, &gh.ListCheckRunsOptions{
		Filter:      gh.String("latest"),
		ListOptions: gh.ListOptions{PerPage: 100},
	})
	if err != nil {
		return nil, fmt.Errorf("listing the check runs of %s: %w", commit, err)
	}
	return list.CheckRuns, nil
}

// Statuses returns the newest status of each context on a commit, which systems
// that make no check runs leave there; of very many, the first 100. Where the
// app may not read them, there are none: whoever installed it before it asked
// for that has yet to agree.
//
// GitHub REST: Get the combined status for a specific reference.
func (r *Repo) Statuses(ctx context.Context, commit string) ([]*gh.RepoStatus, error) {
	combined, res, err := r.rest.Repositories.GetCombinedStatus(ctx, r.Owner, r.Name, commit, &gh.ListOptions{PerPage: 100})
	if err != nil && res != nil && res.StatusCode == http.StatusForbidden {
		if _, granted, err := r.inst.session.token(ctx); err == nil && granted.GetStatuses() == "" {
			return nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the status of %s: %w", commit, err)
	}
	return combined.Statuses, nil
}

// SetCheckRun brings a check run to where c says it stands. Runs are the check
// runs of its commit: one with its name and its key is that run. One that has
// ended stays as it is, but one that lapsed is passed over: its commit may be
// the head again. It reports whether there was anything to do.
//
// Annotations can be added to a check run, 50 a request, but never taken away.
// So a run stays in progress until all are there, and one that was left
// halfway is gone on with from the count GitHub gives. For the same reason a
// check that is done again is a new run with a new key and not an update of
// the old one: GitHub shows the newest run of a name.
//
// GitHub REST: Create a check run; Update a check run.
func (r *Repo) SetCheckRun(ctx context.Context, runs []*gh.CheckRun, c CheckRun) (posted bool, err error) {
	var run *gh.CheckRun
	if i := slices.IndexFunc(runs, func(run *gh.CheckRun) bool {
		return run.GetName() == c.Name && run.GetExternalID() == c.Key && !slices.Contains(lapsed, run.GetConclusion())
	}); i >= 0 {
		run = runs[i]
	}
	if run.GetStatus() == "completed" || c.Status != "" && c.shownBy(run) {
		return false, nil
	}
	sent := run.GetOutput().GetAnnotationsCount()
	for {
		sent = min(sent, len(c.Annotations))
		next := c.Annotations[sent:min(sent+MaxAnnotations, len(c.Annotations))]
		done := sent+len(next) == len(c.Annotations)
		if run == nil {
			run, err = r.createCheckRun(ctx, c, next, done)
		} else {
			err = r.updateCheckRun(ctx, c, run.GetID(), next, done)
		}
		if err != nil {
			return false, fmt.Errorf("posting the check run %q: %w", c.Name, err)
		}
		if done {
			return true, nil
		}
		sent += len(next)
	}
}

// lapsed are the conclusions of a check run that came to no result: it was
// cancelled, or GitHub gave it up because it took too long.
var lapsed = []string{"cancelled", "stale"}

// shownBy reports whether a run shows already what c, which has not ended, says.
func (c *CheckRun) shownBy(run *gh.CheckRun) bool {
	out := run.GetOutput()
	return run.GetStatus() == c.Status && out.GetTitle() == c.Title && SameText(out.GetSummary(), c.Summary) && SameText(out.GetText(), c.Text)
}

// status returns the status and the conclusion to send, nil for none, with the
// last annotations or before.
func (c *CheckRun) status(done bool) (status, conclusion *string) {
	switch {
	case c.Status != "":
		return &c.Status, nil
	case done:
		return gh.String("completed"), &c.Conclusion
	}
	return gh.String("in_progress"), nil
}

func (c *CheckRun) output(next []*gh.CheckRunAnnotation) *gh.CheckRunOutput {
	out := &gh.CheckRunOutput{Title: &c.Title, Summary: &c.Summary, Annotations: next}
	if c.Text != "" {
		out.Text = &c.Text
	}
	return out
}

func (r *Repo) createCheckRun(ctx context.Context, c CheckRun, next []*gh.CheckRunAnnotation, done bool) (*gh.CheckRun, error) {
	opt := gh.CreateCheckRunOptions{
		Name:       c.Name,
		HeadSHA:    c.Commit,
		ExternalID: &c.Key,
		Output:     c.output(next),
		Actions:    c.Actions,
	}
	opt.Status, opt.Conclusion = c.status(done)
	if c.URL != "" {
		opt.DetailsURL = &c.URL
	}
	run, _, err := r.rest.Checks.CreateCheckRun(ctx, r.Owner, r.Name, opt)
	return run, err
}

func (r *Repo) updateCheckRun(ctx context.Context, c CheckRun, id int64, next []*gh.CheckRunAnnotation, done bool) error {
	opt := gh.UpdateCheckRunOptions{Name: c.Name, Output: c.output(next), Actions: c.Actions}
	opt.Status, opt.Conclusion = c.status(done)
	_, _, err := r.rest.Checks.UpdateCheckRun(ctx, r.Owner, r.Name, id, opt)
	return err
}
