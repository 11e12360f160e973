package bot

import (
	"context"
	"fmt"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases/markdown"
)

// heed does what people want of the migration: that it goes on, waits or ends.
func (l *look) heed(ctx context.Context) error {
	if err := l.readPlan(ctx); err != nil && l.wish.Kind != store.Cancel {
		return err
	}
	if l.wish.Kind == store.Cancel {
		return l.cancel(ctx)
	}
	labelled, err := l.seeLabel(ctx)
	switch {
	case err != nil:
		return err
	case l.wish.Kind == store.Pause:
		return pause(l.wish.Why + " Comment `/restage resume` to go on.")
	case !labelled:
		return pause(unlabelledText(l.m.Label))
	}
	if err := l.noticeTakenBack(ctx); err != nil {
		return err
	}
	if reverting(l.reverts) {
		return l.takeBack(ctx)
	}
	if err := l.drop(ctx); err != nil {
		return err
	}
	return l.advance(ctx)
}

// cancel ends the migration on GitHub: what is open is closed. What was merged
// stays.
func (l *look) cancel(ctx context.Context) error {
	for _, s := range l.stages {
		if err := l.withdraw(ctx, s, l.wish.Why); err != nil {
			return err
		}
	}
	for _, r := range l.reverts {
		if r.State != store.Wanted {
			continue
		}
		s, err := l.revertStage(ctx, r)
		if err != nil {
			return err
		}
		if err := l.withdraw(ctx, s, l.wish.Why); err != nil {
			return err
		}
	}
	return pause(l.wish.Why + " What was merged stays. Comment `/restage resume` to go on after all.")
}

// withdraw closes the pull request of a stage if that is open, says why, and
// deletes its branch unless somebody else committed to it.
func (l *look) withdraw(ctx context.Context, s *stage, why string) error {
	if s.open() {
		number := s.pull.GetNumber()
		if err := l.reply(ctx, l.repo, number, fmt.Sprintf("withdrawn %d.%d", l.m.ID, l.m.Revision), why); err != nil {
			return err
		}
		if err := l.repo.ClosePull(ctx, number); err != nil {
			return err
		}
		closed := "closed"
		s.pull.State = &closed
		l.log.Info("pull request closed", "migration", l.m.ID, "pull", number)
	}
	if len(s.own) == 0 || s.pull != nil && s.landed() {
		return nil
	}
	if err := l.openClone(ctx); err != nil {
		return err
	}
	deleted, err := l.clone.DeleteBranch(ctx, s.branch, func(tip string) bool { return s.own[tip] })
	if err != nil {
		return err
	}
	if deleted {
		l.log.Info("branch deleted", "migration", l.m.ID, "branch", s.branch)
	}
	return nil
}

// pass passes over a phase because somebody wants that.
func (l *look) pass(ctx context.Context, s *stage) error {
	if s.known && s.row.Skipped && s.row.Revision == l.m.Revision && !s.open() {
		return nil
	}
	why := fmt.Sprintf("%s skipped this phase. Comment `/restage resume %s` to do it after all.", markdown.Code(l.skips[s.number].By), s.phase)
	l.log.Info("phase skipped", "migration", l.m.ID, "phase", s.phase)
	return l.setAside(ctx, s, why)
}

// setAside withdraws a stage, and stores that there is nothing to do for it.
func (l *look) setAside(ctx context.Context, s *stage, why string) error {
	if err := l.cancelHead(ctx, s, why); err != nil {
		return err
	}
	if err := l.withdraw(ctx, s, why); err != nil {
		return err
	}
	s.row = store.Phase{Migration: l.m.ID, Round: l.m.Round, Number: s.number, Revision: l.m.Revision, Rechecks: l.m.Rechecks, Pull: s.row.Pull, Skipped: true}
	s.report = record{}
	return l.save(ctx, s)
}
