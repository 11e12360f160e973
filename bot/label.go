package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases/markdown"
)

// seeLabel reports whether the migration may go on as far as its label is
// concerned: it is on the issue, or somebody answered for its absence. What is on
// GitHub counts, not what an event tells. So the label that is on again is only as
// good as who put it on.
func (l *look) seeLabel(ctx context.Context) (ok bool, err error) {
	on := labelled(l.issue, l.m)
	now := l.m.Absence
	switch {
	case on && now == store.Noticed:
		if ok, err := l.labelCounts(ctx); !ok {
			return false, err
		}
		now = store.Unknown
	case on:
		now = store.Unknown
	case now == store.Unknown:
		now = store.Noticed
	}
	if now != l.m.Absence {
		if err := l.store.SetAbsence(ctx, l.m.ID, l.m.Absence, now); err != nil {
			return false, err
		}
		l.m.Absence = now
	}
	return now != store.Noticed, nil
}

// labelled reports whether the label of a migration is on its issue, by that name or
// by another that it got.
func labelled(issue *gh.Issue, m store.Migration) bool {
	return m.Label == "" || slices.ContainsFunc(issue.Labels, func(has *gh.Label) bool {
		return has.GetID() == m.LabelID || strings.EqualFold(has.GetName(), m.Label)
	})
}

// labelCounts reports whether somebody put the label on who may start a migration.
func (l *look) labelCounts(ctx context.Context) (bool, error) {
	who, err := l.repo.LabelledBy(ctx, l.m.Issue, l.m.Label)
	if err != nil || who == nil || isBot(who) {
		return false, err
	}
	return l.repo.CanWrite(ctx, who.GetLogin())
}

// unlabelledText says why a migration waits for its label.
func unlabelledText(label string) string {
	return fmt.Sprintf("The label %s was taken off. Somebody who may write to this repository can go on: "+
		"by putting it on again, or with the comment `/restage resume`.", markdown.Code(label))
}

// labelledAgain takes a label for what lets a migration go on, if one of the issue
// waits for people's word and nothing else is in its way. Otherwise the label
// may begin another.
func (b *Bot) labelledAgain(ctx context.Context, d store.Delivery, e *gh.IssuesEvent) (bool, error) {
	key := "delivery " + d.ID
	if done, err := b.store.Requested(ctx, key); done || err != nil {
		return done, err
	}
	m, err := b.store.MigrationOf(ctx, e.GetRepo().GetID(), e.GetIssue().GetNumber())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || m.State == store.Failed || m.State == store.Done {
		return false, err
	}
	wish, err := b.store.Wish(ctx, m.ID)
	if err != nil {
		return false, err
	}
	waits := m.State == store.Paused && (wish.Kind == store.Pause || e.GetIssue().GetState() == "closed")
	if m.Absence != store.Noticed && !waits {
		return false, nil
	}
	l, err := b.see(ctx, m)
	if err != nil || l.stuck() {
		return false, err
	}
	return true, b.store.Request(ctx, m.ID, store.Request{ID: key, Label: e.GetLabel().GetName(), LabelID: e.GetLabel().GetID()})
}

// stuck reports whether the phase that is to be done next cannot be carried out as
// it is, or its pull request was not wanted.
func (l *look) stuck() bool {
	for _, s := range l.stages {
		current := s.known && s.row.Revision == l.m.Revision
		switch {
		case s.merged(), l.skips[s.number].By != "":
		case current && s.row.Error != "":
			return true
		case current && s.row.Skipped:
		default:
			return current && s.pull != nil && !s.open()
		}
	}
	return false
}
