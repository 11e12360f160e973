package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/tree"
)

// make computes a phase from the newest base and brings GitHub to what came of
// it: branch, pull request, check runs. What came of it is stored last, so that
// all is looked at again if the process dies on the way. It reports whether
// there was nothing to do, so that the next phase may follow.
func (l *look) make(ctx context.Context, s *stage) (skipped bool, err error) {
	if l.issue.GetState() == "closed" {
		return false, pause(closedText)
	}
	// While it waits, the phase is not computed each time that this is looked at.
	if l.rivals, err = l.store.Rivals(ctx, l.m.ID, l.m.Revision); err != nil || len(l.rivals) > 0 {
		return false, err
	}
	cfg, err := l.config()
	if isBroken(err) {
		return false, pause(brokenText(err) + " Then comment `/restage rerun`.")
	}
	if err != nil {
		return false, err
	}
	if err := l.findBase(ctx); err != nil {
		return false, err
	}
	if s.open() && s.row.Base != l.base {
		// The base may hold the pull request that was open a moment ago.
		if s.pull, err = l.repo.Pull(ctx, s.branch, s.own); err != nil {
			return false, err
		}
		if !s.open() {
			return l.next(ctx, s)
		}
	}
	tip, foreign := l.clone.Head(s.branch)
	if foreign = foreign && !s.own[tip]; foreign && !s.open() {
		return false, pause(fmt.Sprintf("The branch %s has commits that restage did not make, so it leaves it alone. "+
			"Delete or rename the branch, then comment `/restage rerun`.", markdown.Code(s.branch)))
	}
	green, err := l.requireGreen(ctx, s, cfg)
	if err != nil {
		return false, err
	}
	if l.testing = !green; l.testing {
		return false, nil // the end of a command brings the next look
	}
	if err := l.showStatus(ctx, true); err != nil {
		return false, err
	}
	if err := l.fetchBase(ctx); err != nil {
		return false, err
	}
	s.row.Migration, s.row.Round, s.row.Number = l.m.ID, l.m.Round, s.number
	s.row.Revision, s.row.Rechecks = l.m.Revision, l.m.Rechecks
	s.row.Skipped, s.row.Error = false, ""

	opt, err := l.options(ctx, cfg)
	if err != nil {
		return false, err
	}
	before, err := l.clone.Tree(l.base)
	if err != nil {
		return false, err
	}
	change, err := l.compute(ctx, s, before, opt)
	if err != nil {
		return false, err
	}
	if ok, err := l.begin(ctx, change.Claims); !ok {
		return false, err
	}
	if opt.Known == nil {
		if err := l.store.SetSources(ctx, l.m.ID, l.m.Revision, change.Sources); err != nil {
			return false, err
		}
	}
	was, from := s.report, s.row.Base
	s.report = record{Change: *change, Commands: s.report.Commands, Into: l.m.Base}
	if err := l.format(ctx, s, before, cfg); err != nil {
		return false, err
	}
	head, err := l.commit(ctx, s, before)
	if err != nil {
		return false, err
	}
	checked := head
	if foreign {
		if checked, err = l.join(ctx, s, was, tip, head); err != nil {
			return false, err
		}
		if s.after, err = l.clone.Tree(checked); err != nil {
			return false, err
		}
	}
	if head == l.base {
		return true, l.skip(ctx, s)
	}
	if s.report.Touched, err = l.clone.Touched(l.base, checked); err != nil {
		return false, err
	}
	s.report.Results, err = phases.Verify(ctx, before, s.after, l.plan, s.phase, opt)
	if err != nil {
		return false, l.giveUp(ctx, s, err)
	}
	if err := l.setCommands(ctx, s, cfg, l.base, checked); err != nil {
		return false, err
	}
	s.row.Base, s.row.Head, s.row.Checked, s.row.Tried = l.base, head, checked, l.base
	if err := l.publish(ctx, s, cfg, tip); err != nil {
		return false, err
	}
	if err := l.sayWhatCame(ctx, s, &was, from); err != nil {
		return false, err
	}
	return false, l.save(ctx, s)
}

// compute carries out a phase. Before the first one, it says what all will do.
func (l *look) compute(ctx context.Context, s *stage, before tree.Tree, opt phases.Options) (*phases.Change, error) {
	if s.phase != phases.Moves {
		change, err := phases.Run(ctx, before, l.plan, s.phase, opt)
		if err != nil {
			return nil, l.giveUp(ctx, s, err)
		}
		return change, nil
	}
	pre, err := phases.Look(ctx, before, l.plan, opt)
	if err != nil {
		return nil, l.giveUp(ctx, s, err)
	}
	return pre.Changes[0], l.showPreflight(ctx, pre)
}

// openClone makes the clone of this look, once.
func (l *look) openClone(ctx context.Context) (err error) {
	if l.clone == nil {
		l.clone, err = l.repo.Clone(ctx)
	}
	return err
}

// findBase finds the newest commit of the base branch, once in a look.
func (l *look) findBase(ctx context.Context) error {
	if err := l.openClone(ctx); err != nil || l.base != "" {
		return err
	}
	base, ok := l.clone.Head(l.m.Base)
	if !ok {
		if err := l.followBase(ctx); err != nil {
			return err
		}
		base, ok = l.clone.Head(l.m.Base)
	}
	if !ok {
		return pause(fmt.Sprintf("There is no branch %s to work on. Create it, then comment `/restage rerun`.", markdown.Code(l.m.Base)))
	}
	l.base = base
	return nil
}

// followBase looks for the base branch, which is gone, by another name: the one it
// was given on GitHub, or else the branch that a migration would have now.
func (l *look) followBase(ctx context.Context) error {
	name, err := l.repo.Renamed(ctx, l.m.Base)
	if err != nil {
		return err
	}
	if _, ok := l.clone.Head(name); !ok {
		cfg, err := l.config()
		if err != nil && !isBroken(err) {
			return err
		}
		if name = cfg.Base; name == "" {
			if name, err = l.repo.DefaultBranch(ctx); err != nil {
				return err
			}
		}
		if _, ok := l.clone.Head(name); !ok {
			return nil
		}
	}
	l.log.Info("base branch has another name", "migration", l.m.ID, "was", l.m.Base, "is", name)
	l.m.Base = name
	for _, s := range l.stages {
		s.base = name
	}
	return l.store.SetBase(ctx, l.m.ID, name)
}

// fetchBase fetches the commit that findBase found.
func (l *look) fetchBase(ctx context.Context) error { return l.clone.Fetch(ctx, l.base) }

// commit makes the commits of the phase in the clone.
func (l *look) commit(ctx context.Context, s *stage, before tree.Tree) (head string, err error) {
	me, err := l.repo.Identity(ctx)
	if err != nil {
		return "", err
	}
	head = l.base
	for _, c := range s.report.Commits {
		head, err = l.clone.Commit(head, github.Commit{
			Edits:   c.Edits,
			Message: commitMessage(c, s.number, l.m.Issue),
			Name:    me.Login,
			Email:   me.Email,
			When:    l.m.Created,
		})
		if err != nil {
			return "", err
		}
		s.report.IDs = append(s.report.IDs, head)
	}
	s.after = before
	if head != l.base {
		s.after, err = l.clone.Tree(head)
	}
	return head, err
}

func commitMessage(c phases.Commit, number, issue int) string {
	if c.Step == 0 {
		return fmt.Sprintf("%s\n\nPhase %d of #%d.\n", title(c.Title), number, issue)
	}
	return fmt.Sprintf("%s\n\nStep %d of #%d.\n", title(c.Title), c.Step, issue)
}

// publish brings branch, pull request and check runs to GitHub. The branch goes
// from tip to what is checked: restage's head or, where people committed, a merge
// of that.
func (l *look) publish(ctx context.Context, s *stage, cfg *config.Config, tip string) error {
	if s.pull != nil && !s.open() {
		// Before the push: GitHub opens no pull request again whose branch moved.
		if err := l.reopen(ctx, s); err != nil {
			return err
		}
	}
	if err := l.store.AddPush(ctx, l.m.Repository, s.branch, s.row.Head); err != nil {
		return err
	}
	s.own[s.row.Head] = true
	replaces := func(at string) bool { return s.own[at] }
	if s.row.Checked != s.row.Head {
		replaces = func(at string) bool { return at == tip }
	}
	pushed, err := l.clone.Push(ctx, s.branch, s.row.Checked, replaces)
	var refused *github.RefusedError
	if errors.As(err, &refused) {
		s.row.Checked, s.report.Results, s.report.Commands = "", nil, nil // of a commit that nobody can look at
		return l.stick(ctx, s, fmt.Sprintf("GitHub did not take the branch %s: %s\n\nWhen that is settled, comment `/restage rerun`.",
			markdown.Code(s.branch), markdown.Text(refused.Reason)))
	}
	if err != nil {
		return err
	}
	if pushed {
		l.log.Info("branch pushed", "migration", l.m.ID, "branch", s.branch, "commit", s.row.Checked)
	}
	if err := l.setPull(ctx, s, cfg.PullRequests); err != nil {
		return err
	}
	s.row.Pull = s.pull.GetNumber()
	if err := l.linkPhases(ctx, s); err != nil {
		return err
	}
	return l.followCommands(ctx, s)
}

// linkPhases lets the other pull requests of the migration, merged ones too,
// lead to that of a stage.
func (l *look) linkPhases(ctx context.Context, s *stage) error {
	for _, o := range l.stages {
		if o == s || o.pull == nil {
			continue
		}
		if err := l.setSection(ctx, o, "phases", l.phaseList(o)); err != nil {
			return err
		}
	}
	return nil
}

// setSection gives the body of a stage's pull request another text for a section.
// The rest of the body may be a person's by now, so it is read right before.
func (l *look) setSection(ctx context.Context, s *stage, name, text string) error {
	if withSection(s.pull.GetBody(), name, text) == s.pull.GetBody() {
		return nil
	}
	pull, err := l.repo.Pull(ctx, s.branch, s.own)
	if err != nil {
		return err
	}
	body := withSection(pull.GetBody(), name, text)
	if pull.GetNumber() != s.pull.GetNumber() || github.SameText(body, pull.GetBody()) || utf8.RuneCountInString(body) > github.MaxBody {
		return nil
	}
	if err := l.repo.EditPull(ctx, pull.GetNumber(), pull.GetTitle(), body); err != nil {
		return err
	}
	s.pull.Body = &body
	l.log.Info("pull request edited", "migration", l.m.ID, "pull", pull.GetNumber(), "section", name)
	return nil
}

func (l *look) reopen(ctx context.Context, s *stage) error {
	ok, err := l.repo.ReopenPull(ctx, s.pull.GetNumber())
	if err != nil {
		return err
	}
	if !ok {
		s.pull = nil
		return nil
	}
	l.log.Info("pull request opened again", "migration", l.m.ID, "pull", s.pull.GetNumber())
	s.pull.State = gh.String("open")
	return nil
}

// setPull opens the pull request of a stage, or brings the one that is open up
// to date.
func (l *look) setPull(ctx context.Context, s *stage, opt config.PullRequests) error {
	title, body := l.pullTitle(s), l.pullBody(s)
	if s.pull != nil {
		body = keepTicks(body, s.pull.GetBody())
	}
	if s.pull == nil {
		pull, err := l.repo.OpenPull(ctx, &gh.NewPullRequest{
			Title: &title,
			Head:  &s.branch,
			Base:  &l.m.Base,
			Body:  &body,
			Draft: &opt.Draft,
		})
		if err != nil {
			return err
		}
		s.pull = pull
		l.log.Info("pull request opened", "migration", l.m.ID, "phase", s.phase, "pull", pull.GetNumber())
	} else if s.pull.GetTitle() != title || !github.SameText(s.pull.GetBody(), body) {
		if err := l.repo.EditPull(ctx, s.pull.GetNumber(), title, body); err != nil {
			return err
		}
		s.pull.Title, s.pull.Body = &title, &body
		l.log.Info("pull request edited", "migration", l.m.ID, "pull", s.pull.GetNumber())
	}
	if s.known && s.row.Pull == s.pull.GetNumber() {
		return nil // labels and reviewers are for people to change from here on
	}
	return l.introduce(ctx, s, opt)
}

// introduce gives a new pull request the labels and reviewers that the
// repository wants.
func (l *look) introduce(ctx context.Context, s *stage, opt config.PullRequests) error {
	number := s.pull.GetNumber()
	labels := slices.DeleteFunc(slices.Clone(opt.Labels), func(name string) bool {
		return slices.ContainsFunc(s.pull.Labels, func(has *gh.Label) bool { return strings.EqualFold(has.GetName(), name) })
	})
	if len(labels) > 0 {
		if err := l.repo.AddLabels(ctx, number, labels); err != nil {
			return err
		}
	}
	reviewers := slices.DeleteFunc(slices.Clone(opt.Reviewers), func(name string) bool {
		return slices.ContainsFunc(s.pull.RequestedReviewers, func(has *gh.User) bool { return strings.EqualFold(has.GetLogin(), name) }) ||
			slices.ContainsFunc(s.pull.RequestedTeams, func(has *gh.Team) bool { return strings.HasSuffix(name, "/"+has.GetSlug()) })
	})
	if len(reviewers) == 0 {
		return nil
	}
	ok, err := l.repo.AskReviewers(ctx, number, reviewers)
	if err == nil && !ok {
		l.log.Warn("reviewers not accepted", "migration", l.m.ID, "pull", number, "reviewers", reviewers)
	}
	return err
}

// skip ends a phase that changes nothing. A pull request that was open for it
// is closed: it would show what is no longer wanted.
func (l *look) skip(ctx context.Context, s *stage) error {
	if err := l.cancelHead(ctx, s, "There is nothing to do any more."); err != nil {
		return err
	}
	s.report.Commands = nil
	s.row.Skipped = true
	s.row.Base, s.row.Head, s.row.Checked, s.row.Tried = l.base, "", "", l.base
	if s.open() {
		if err := l.repo.ClosePull(ctx, s.pull.GetNumber()); err != nil {
			return err
		}
		s.pull.State = gh.String("closed")
	}
	l.log.Info("phase has nothing to do", "migration", l.m.ID, "phase", s.phase)
	return l.save(ctx, s)
}

// giveUp ends the attempt to compute a phase that failed. Computing is a pure
// function: trying the same again would fail the same way.
func (l *look) giveUp(ctx context.Context, s *stage, failure error) error {
	if ctx.Err() != nil {
		return failure
	}
	return l.stick(ctx, s, fmt.Sprintf("Phase %d, %s, cannot be carried out: %s\n\nRepair the repository and comment `/restage rerun`, "+
		"or edit the plan and put the label on again.", s.number, s.phase, markdown.Text(l.public(failure.Error()))))
}

// stick records why a phase was not carried out, and pauses. It is not tried
// again until somebody asks for that or there is another base.
func (l *look) stick(ctx context.Context, s *stage, reason string) error {
	if err := l.findBase(ctx); err != nil {
		return err
	}
	s.row.Migration, s.row.Round, s.row.Number = l.m.ID, l.m.Round, s.number
	s.row.Revision, s.row.Rechecks = l.m.Revision, l.m.Rechecks
	s.row.Error, s.row.Tried = reason, l.base
	if err := l.save(ctx, s); err != nil {
		return err
	}
	return pause(reason)
}

// save stores what came of a phase.
func (l *look) save(ctx context.Context, s *stage) error {
	data, err := json.Marshal(s.report)
	if err != nil {
		return fmt.Errorf("keeping what came of phase %d: %w", s.number, err)
	}
	s.row.Report = data
	s.known = true
	return l.store.SavePhase(ctx, s.row)
}
