package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/markdown"
)

// follow finds out what commands ask for, and of which migration: that of an
// issue, which may have none. It changes nothing.
func (b *Bot) follow(ctx context.Context, repo *github.Repo, e *gh.IssueCommentEvent, issue int, commands []command) (store.Migration, answer, error) {
	var a answer
	m, err := b.store.MigrationOf(ctx, e.GetRepo().GetID(), issue)
	missing := errors.Is(err, store.ErrNotFound)
	if err != nil && !missing {
		return m, a, err
	}
	if a.wish, err = b.store.Wish(ctx, m.ID); err != nil {
		return m, a, err
	}
	for _, c := range commands {
		switch {
		case c.verb == "help" || c.verb == "":
			a.say(helpText)
		case !slices.Contains(verbs, c.verb):
			a.fail("%s", unknownText(c))
		case missing:
			a.fail("No migration belongs to this conversation. Put the label %s on an issue that holds a plan to start one.", markdown.Code(b.label))
		default:
			if err := b.steer(ctx, repo, e, &m, &a, c); err != nil {
				return m, a, err
			}
		}
	}
	if r := a.request; (a.wish.Kind == store.Pause || m.Absence == store.Noticed) && (r.Rerun || r.Recheck || r.Plan != nil || len(r.Answers)+len(r.Skips)+len(r.Reverts) > 0) {
		a.say("The migration is paused. This is done when one of you comments `/restage resume`.")
	}
	return m, a, nil
}

// steer takes a command for a migration into the answer. The wish that is in the
// answer, and the state of the migration, are as the commands before leave them.
func (b *Bot) steer(ctx context.Context, repo *github.Repo, e *gh.IssueCommentEvent, m *store.Migration, a *answer, c command) error {
	who := markdown.Code(e.GetSender().GetLogin())
	if c.isWish() {
		a.request.Said = e.GetComment().GetID()
	}
	switch {
	case c.verb == "status":
		text, err := b.currentStatus(ctx, repo, *m)
		a.say(text)
		return err
	case e.GetComment().GetCreatedAt().Before(m.Labelled):
		a.fail("This migration was started after that comment, which changes nothing. Comment it again if it is meant for this one.")
	case c.verb == "revert" && a.wish.Kind != store.Cancel:
		return b.revert(ctx, *m, a, c, e.GetSender().GetLogin())
	case m.State == store.Done:
		a.fail("This migration is done. For more, open another issue.")
	case c.isWish() && e.GetComment().GetID() < m.Said:
		a.fail("A newer comment said otherwise already, so `/restage %s` changes nothing.", c.verb)
	case c.verb == "resume" && len(c.args) == 0:
		return b.resume(ctx, repo, m, a)
	case a.wish.Kind == store.Cancel && c.verb != "cancel":
		a.fail("This migration was cancelled. Comment `/restage resume` to go on with it first.")
	case m.State == store.Failed && a.wish.Kind != store.Cancel:
		a.fail("This migration could not be started. Edit the plan in #%d and put the label on again.", m.Issue)
	case c.verb == "pause":
		a.want(store.Pause, who+" asked restage to pause.")
	case c.verb == "cancel":
		a.want(store.Cancel, who+" cancelled this migration.")
	case c.verb == "rerun" && len(c.args) == 0:
		a.request.Rerun, a.request.Recheck, a.request.Check = true, true, ""
	case c.verb == "rerun":
		return b.recheck(ctx, *m, a, strings.Join(c.args, " "))
	case c.verb == "rebuild":
		return b.rebuild(ctx, repo, e, *m, a, c)
	case c.verb == "skip":
		return b.skip(ctx, *m, a, c, store.Skip{By: e.GetSender().GetLogin(), Comment: e.GetComment().GetID()})
	case c.verb == "resume":
		return b.skip(ctx, *m, a, c, store.Skip{Comment: e.GetComment().GetID()})
	case c.verb == "plan":
		return b.readAgain(ctx, repo, *m, a, e.GetComment().GetID())
	case c.verb == "decide":
		decisions, err := b.decisions(ctx, *m)
		a.decide(c, decisions, e)
		return err
	}
	return nil
}

// want takes a wish.
func (a *answer) want(kind store.WishKind, why string) {
	a.wish = store.Wish{Kind: kind, Why: why}
	a.request.Wish = &a.wish
}

// resume takes the wish that a migration goes on, which may be one that was
// cancelled, or one that has not noticed yet that it lost its label.
func (b *Bot) resume(ctx context.Context, repo *github.Repo, m *store.Migration, a *answer) error {
	switch {
	case a.wish.Kind == store.Cancel:
		m.State = store.Live
	case a.wish.Kind == store.GoOn && m.State == store.Failed:
		a.fail("This migration could not be started. Edit the plan in #%d and put the label on again.", m.Issue)
		return nil
	case a.wish.Kind == store.GoOn && m.State == store.Live && len(a.request.Reverts) == 0:
		issue, err := repo.Issue(ctx, m.Issue)
		if err != nil {
			return err
		}
		if labelled(issue, *m) {
			a.fail("This migration is not paused.")
			return nil
		}
	}
	m.Absence = store.Answered
	a.want(store.GoOn, "")
	return nil
}

// skip takes the wish to pass over the phase that the command names, or to do it
// after all.
func (b *Bot) skip(ctx context.Context, m store.Migration, a *answer, c command, skip store.Skip) error {
	number, ok := a.phase(c)
	if !ok {
		return nil
	}
	before, err := b.store.Skips(ctx, m.ID)
	if err != nil {
		return err
	}
	if before[number].Comment > skip.Comment {
		a.fail("A newer comment said otherwise already, so `/restage %s` changes nothing.", c.verb)
		return nil
	}
	skip.Number = number
	a.request.Skips = append(a.request.Skips, skip)
	return nil
}

// phase returns the number of the phase that a command names.
func (a *answer) phase(c command) (number int, ok bool) {
	var names []string
	for _, p := range phases.All {
		names = append(names, string(p))
	}
	word := unquote(strings.Join(c.args, " "))
	name, ok := option(word, names)
	if !ok {
		s := fmt.Sprintf("To do that, name a phase: %s.", strings.Join(codes(names), ", "))
		if near := nearest(word, names); word != "" && near != "" {
			s = fmt.Sprintf("There is no phase called %s. Did you mean %s?", markdown.Code(word), markdown.Code(near))
		}
		a.fail("%s", s)
	}
	return slices.Index(names, name) + 1, ok
}

// revert takes the wish to take back a merged phase, and those that were merged
// after it before.
func (b *Bot) revert(ctx context.Context, m store.Migration, a *answer, c command, who string) error {
	number, ok := a.phase(c)
	if !ok {
		return nil
	}
	l, err := b.see(ctx, m)
	if err != nil {
		return err
	}
	defer l.close()
	var merged []*stage
	target := -1
	for _, s := range slices.Concat(l.earlier, l.stages) {
		if r := l.revertOf(s); !s.merged() || !s.known || r != nil && r.State != store.Wanted {
			continue
		}
		if s.number == number {
			target = len(merged)
		}
		merged = append(merged, s)
	}
	if target < 0 {
		a.fail("Nothing of %s is merged that could be taken back.", markdown.Code(string(phases.All[number-1])))
		return nil
	}
	var order []string
	for _, s := range slices.Backward(merged[target:]) {
		order = append(order, fmt.Sprintf("%s (#%d)", s.phase, s.pull.GetNumber()))
		a.request.Reverts = append(a.request.Reverts, store.Revert{Round: s.row.Round, Number: s.number, By: who})
	}
	a.say(fmt.Sprintf("This is taken back, by a pull request each: %s.", strings.Join(order, ", then ")))
	return nil
}

// rebuild takes the wish to have the branch of the open pull request made anew. What
// people committed to it goes only if they say so, and only what they can have
// seen when they did: a comment may come late.
func (b *Bot) rebuild(ctx context.Context, repo *github.Repo, e *gh.IssueCommentEvent, m store.Migration, a *answer, c command) error {
	discard := slices.Equal(c.args, []string{"--discard"})
	if len(c.args) > 0 && !discard {
		a.fail("Comment `/restage rebuild` or `/restage rebuild --discard`, without anything behind it.")
		return nil
	}
	s, tip, err := b.foreign(ctx, m)
	switch {
	case err != nil:
		return err
	case s == nil:
	case discard:
		when, err := repo.Pushed(ctx, s.branch, tip)
		if err != nil {
			return err
		}
		if when.After(e.GetComment().GetCreatedAt().Time) {
			a.fail("The newest commit of %s, %s, came after that comment. Comment `/restage rebuild --discard` again if it may go, too.",
				markdown.Code(s.branch), markdown.Code(tip[:7]))
			return nil
		}
		a.request.Discard = &store.Tip{Branch: s.branch, Commit: tip}
	default:
		a.fail("The branch %s has commits that restage did not make; the newest is %s. `/restage rebuild --discard` throws them away "+
			"and makes the branch anew. To keep them, move them to another branch first, or merge %s into this one by hand.",
			markdown.Code(s.branch), markdown.Code(tip[:7]), markdown.Code(m.Base))
		return nil
	}
	a.request.Rerun = true
	return nil
}

// foreign returns the stage whose branch somebody else has committed to, and the
// newest commit of that; nil if there is none among those not yet merged.
func (b *Bot) foreign(ctx context.Context, m store.Migration) (*stage, string, error) {
	l, err := b.see(ctx, m)
	if err != nil {
		return nil, "", err
	}
	defer l.close()
	if err := l.openClone(ctx); err != nil {
		return nil, "", err
	}
	for _, s := range l.stages {
		if tip, ok := l.clone.Head(s.branch); ok && !s.landed() && !s.own[tip] {
			return s, tip, nil
		}
	}
	return nil, "", nil
}
