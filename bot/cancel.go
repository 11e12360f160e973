package bot

import (
	"context"
	"slices"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases/check"
)

// cancelled is how a check ends that nobody awaits any more.
const cancelled check.Conclusion = "cancelled"

// whyLetGo says why runs are cancelled at the end of a look.
var whyLetGo = map[store.State]string{
	store.Live:   "It will be done anew when its turn comes.",
	store.Paused: "The migration is paused.",
	store.Failed: "The migration has ended.",
}

// letGo cancels what the look did not ask for: the runs of a pull request that was
// closed, of a migration that is paused, of an older head or an older request. The
// check runs of a stage that it did not follow end with the reason.
func (l *look) letGo(ctx context.Context, why string) error {
	if err := l.store.CancelRuns(ctx, l.m.ID, l.awaited); err != nil {
		return err
	}
	for _, s := range l.stages {
		if s.awaited || !s.report.pending() {
			continue
		}
		reason := why
		if s.pull != nil && !s.open() && !s.landed() {
			reason = "The pull request was closed."
		}
		if err := l.letStageGo(ctx, s, reason); err != nil {
			return err
		}
	}
	return nil
}

// leave cancels what runs for a migration whose issue is gone. The look is nil if
// the repository is gone, too.
func (b *Bot) leave(ctx context.Context, m store.Migration, l *look) error {
	if l == nil {
		return b.store.CancelRuns(ctx, m.ID, nil)
	}
	return l.letGo(ctx, "The issue is gone.")
}

func (l *look) letStageGo(ctx context.Context, s *stage, why string) error {
	if err := l.cancelHead(ctx, s, why); err != nil {
		return err
	}
	for i := range s.report.Commands {
		if v := &s.report.Commands[i]; v.Result == nil {
			v.Result = &check.Result{Name: v.Name, Conclusion: cancelled, Title: "cancelled", Summary: why}
		}
	}
	if s.pull != nil {
		if err := l.setSection(ctx, s, "checks", l.checksTable(s)); err != nil {
			return err
		}
	}
	return l.save(ctx, s)
}

// cancelHead ends the check runs of a stage's head that have not ended.
func (l *look) cancelHead(ctx context.Context, s *stage, why string) error {
	if s.row.Checked == "" || !s.report.pending() {
		return nil
	}
	runs, err := l.repo.CheckRuns(ctx, s.row.Checked)
	if err != nil {
		return err
	}
	return l.cancelChecks(ctx, runs, nil, why)
}

// A checkKey tells a check run from all others on its commit.
type checkKey struct{ name, key string }

// cancelChecks ends those check runs of a commit that have not ended, but for some.
func (l *look) cancelChecks(ctx context.Context, runs []*gh.CheckRun, but []checkKey, why string) error {
	for _, run := range runs {
		is := checkKey{run.GetName(), run.GetExternalID()}
		if run.GetStatus() == "completed" || slices.Contains(but, is) {
			continue
		}
		_, err := l.repo.SetCheckRun(ctx, runs, github.CheckRun{
			Name: is.name, Key: is.key, Commit: run.GetHeadSHA(), Conclusion: string(cancelled), Title: "cancelled", Summary: why,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
