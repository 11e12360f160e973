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
	switch l.wish.Kind {
	case store.Pause:
		return pause(l.wish.Why + " Comment `/restage resume` to go on.")
	case store.Cancel:
		return l.cancel(ctx)
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

// wishOf returns the wish that a command states, nil if it states none.
func wishOf(c command, who string) *store.Wish {
	switch c.verb {
	case "pause":
		return &store.Wish{Kind: store.Pause, Why: fmt.Sprintf("%s asked restage to pause.", markdown.Code(who))}
	case "cancel":
		return &store.Wish{Kind: store.Cancel, Why: fmt.Sprintf("%s cancelled this migration.", markdown.Code(who))}
	case "resume":
		return &store.Wish{Kind: store.GoOn}
	}
	return nil
}
