package bot

import (
	"context"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/markdown"
)

// keepChecked makes sure that the head of an open pull request has its check
// runs. They are computed anew when somebody asked for that, and when somebody
// pushed commits of their own: those are checked like restage's.
func (l *look) keepChecked(ctx context.Context, s *stage) error {
	head := s.pull.GetHead().GetSHA()
	if s.own[head] {
		head = s.row.Head // GitHub may be a moment behind the last push
	}
	if s.row.Checked == head && s.row.Rechecks == l.m.Rechecks {
		return l.followCommands(ctx, s)
	}
	cfg, err := l.config()
	if isBroken(err) {
		return pause(brokenText(err) + " Then comment `/restage rerun`.")
	}
	if err != nil {
		return err
	}
	if err := l.openClone(ctx); err != nil {
		return err
	}
	if err := l.clone.Fetch(ctx, s.row.Base, head); err != nil {
		return err
	}
	before, err := l.clone.Tree(s.row.Base)
	if err != nil {
		return err
	}
	after, err := l.clone.Tree(head)
	if err != nil {
		return err
	}
	opt, err := l.options(ctx, cfg)
	if err != nil {
		return err
	}
	results, err := phases.Verify(ctx, before, after, l.plan, s.phase, opt)
	if err != nil {
		return l.giveUp(ctx, s, err)
	}
	s.report.Results = results
	if err := l.setCommands(ctx, s, cfg, s.row.Base, head); err != nil {
		return err
	}
	s.row.Checked, s.row.Rechecks = head, l.m.Rechecks
	if err := l.followCommands(ctx, s); err != nil {
		return err
	}
	return l.save(ctx, s)
}

// followCommands brings the check runs to where the commands are, and the body of
// the pull request when something has ended. A result is stored when it is
// posted, so that one is posted that was not when the process died.
func (l *look) followCommands(ctx context.Context, s *stage) error {
	news, err := l.runCommands(ctx, s)
	if err != nil {
		return err
	}
	if err := l.postChecks(ctx, s); err != nil {
		return err
	}
	if err := l.setSection(ctx, s, "checks", l.checksTable(s)); err != nil || !news {
		return err
	}
	return l.save(ctx, s)
}

// postChecks posts the results of a stage as check runs, those that are not
// there yet. The key of a run says what it was computed for; see
// github.SetCheckRun on why a check that is done again is a new run.
func (l *look) postChecks(ctx context.Context, s *stage) error {
	runs, err := l.repo.CheckRuns(ctx, s.row.Checked)
	if err != nil {
		return err
	}
	var current []checkKey
	for _, r := range s.report.results() {
		run := github.CheckRun{
			Name:       checkPrefix + r.Name,
			Commit:     s.row.Checked,
			Key:        fmt.Sprintf("%d.%d.%s.%d.%d", l.m.ID, l.m.Round, s.phase, s.row.Revision, l.attempt(r.Name)),
			URL:        l.issue.GetHTMLURL(), // where the whole migration is told
			Conclusion: string(r.Conclusion),
			Title:      markdown.Shorten(markdown.OneLine(r.Title), 250),
			Summary:    github.Clip(l.checkSummary(s, r), github.MaxSummary),
			Actions:    l.buttons(s),
		}
		current = append(current, checkKey{run.Name, run.Key})
		for _, a := range r.Annotations {
			run.Annotations = append(run.Annotations, annotation(a))
		}
		if v := s.report.command(r.Name); v != nil {
			run.Status, run.Text = v.status(), github.Clip(v.text(), github.MaxSummary)
		}
		posted, err := l.repo.SetCheckRun(ctx, runs, run)
		if err != nil {
			return err
		}
		if posted {
			l.log.Info("check run posted", "migration", l.m.ID, "check", r.Name, "commit", run.Commit, "status", run.Status, "conclusion", run.Conclusion)
		}
	}
	return l.cancelChecks(ctx, runs, current, "It was asked for again, or the configuration does not have it any more.")
}

// checkPrefix begins the names of the check runs.
const checkPrefix = "restage / "

// The buttons of a check run.
const (
	rerunButton     = "rerun"
	decisionsButton = "decisions"
)

func (l *look) buttons(s *stage) []*gh.CheckRunAction {
	list := []*gh.CheckRunAction{github.Action(rerunButton, "Re-run", "Do this check again")}
	if len(unanswered(s.report.Decisions, l.answers)) > 0 {
		list = append(list, github.Action(decisionsButton, "Show decisions", "List what waits for an answer"))
	}
	return list
}

// maxAnnotation is how long the message of an annotation may be, in bytes;
// GitHub takes 64 KB.
const maxAnnotation = 16 << 10

func annotation(a check.Annotation) *gh.CheckRunAnnotation {
	message := strings.TrimSpace(markdown.Plain(a.Message))
	if len(message) > maxAnnotation {
		message = markdown.Shorten(message, maxAnnotation/4)
	}
	return github.Annotate(a.Path, max(a.Line, 1), a.Level, message)
}

// checkSummary returns the summary of a check run. That of the structure also
// lists the decisions that are open, since what they are about is not carried
// out.
func (l *look) checkSummary(s *stage, r check.Result) string {
	summary := r.Summary
	if summary == "" {
		summary = markdown.Text(r.Title)
	}
	open := unanswered(s.report.Decisions, l.answers)
	if r.Name != check.Structure || len(open) == 0 {
		return summary
	}
	return summary + "\n\n" + decisionsText(open)
}
