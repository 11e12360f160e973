package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/markdown"
)

var preflightMarker = marker("preflight")

// maxPulls bounds how many open pull requests are looked into for files that
// the plan touches too.
const maxPulls = 20

// showPreflight says on the issue what carrying out the plan will do, what the
// code says to it, and who else is at work on the same files.
func (l *look) showPreflight(ctx context.Context, pre *phases.Preflight) error {
	overlaps, more, err := l.overlaps(ctx, pre)
	if err != nil {
		return err
	}
	runs, err := l.repo.LatestRuns(ctx, l.base)
	if err != nil {
		return err
	}
	statuses, err := l.repo.Statuses(ctx, l.base)
	if err != nil {
		return err
	}
	body := render("preflight", preflightData{
		Title:    markdown.Text(l.title()),
		Base:     markdown.Code(l.m.Base),
		Findings: pre.Markdown(),
		Overlaps: overlaps,
		More:     more,
		Checks:   baseChecks(runs, statuses),
	})
	changed, err := l.putComment(ctx, preflightMarker, body)
	if changed {
		l.log.Info("preflight shown", "migration", l.m.ID)
	}
	return err
}

// preflightData is what the template of the preflight shows. Strings are
// Markdown.
type preflightData struct {
	Title    string
	Base     string
	Findings string
	Overlaps []string // one for each open pull request that touches the same files
	More     bool     // there are more open pull requests than were looked into
	Checks   string
}

// overlaps finds the open pull requests of others that touch files which the
// phases touch too.
func (l *look) overlaps(ctx context.Context, pre *phases.Preflight) (lines []string, more bool, err error) {
	touched := map[string]bool{}
	for _, c := range pre.Changes {
		for _, commit := range c.Commits {
			for _, f := range commit.Files {
				touched[f] = true
			}
		}
	}
	pulls, err := l.repo.OpenPulls(ctx, "", maxPulls+1)
	if err != nil {
		return nil, false, err
	}
	for _, p := range pulls[:min(len(pulls), maxPulls)] {
		if issue, ours := issueOf(p.GetHead().GetRef()); ours && issue == l.m.Issue {
			continue
		}
		files, err := l.repo.PullFiles(ctx, p.GetNumber())
		if err != nil {
			return nil, false, err
		}
		files = slices.DeleteFunc(files, func(f string) bool { return !touched[f] })
		if len(files) > 0 {
			lines = append(lines, fmt.Sprintf("#%d (%s): %s", p.GetNumber(), markdown.Text(markdown.Shorten(p.GetTitle(), 100)), fileList(files)))
		}
	}
	return lines, len(pulls) > maxPulls, nil
}

// fileList returns paths as code, the first few of them.
func fileList(files []string) string {
	const most = 5
	var out []string
	for _, f := range files[:min(len(files), most)] {
		out = append(out, markdown.Code(f))
	}
	if more := len(files) - most; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}

// baseChecks says whether the checks of the base branch are green: its check
// runs, and the statuses that other systems gave it.
func baseChecks(runs []*gh.CheckRun, statuses []*gh.RepoStatus) string {
	var red, running []string
	for _, run := range runs {
		switch {
		case run.GetStatus() != "completed":
			running = append(running, markdown.Code(run.GetName()))
		case slices.Contains(github.Failures, run.GetConclusion()):
			red = append(red, markdown.Code(run.GetName()))
		}
	}
	for _, s := range statuses {
		switch s.GetState() {
		case "pending":
			running = append(running, markdown.Code(s.GetContext()))
		case "failure", "error":
			red = append(red, markdown.Code(s.GetContext()))
		}
	}
	switch {
	case len(runs)+len(statuses) == 0:
		return "has no checks of its own that restage can see"
	case len(red) > 0:
		return "**is not green**: " + strings.Join(red, ", ") + " failed, so failures in the pull requests may not be theirs"
	case len(running) > 0:
		return "is being checked: " + strings.Join(running, ", ") + " not done yet"
	}
	return "is green"
}
