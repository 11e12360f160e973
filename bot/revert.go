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
	"github.com/restage/restage/phases/tree"
)

// reverting reports whether phases are being taken back, or were and nobody
// has said since that the migration goes on.
func reverting(reverts []store.Revert) bool {
	return slices.ContainsFunc(reverts, func(r store.Revert) bool { return r.State == store.Wanted || r.State == store.Reverted })
}

// revertOf returns the revert of a stage, nil if there is none.
func (l *look) revertOf(s *stage) *store.Revert {
	for i, r := range l.reverts {
		if r.Round == s.row.Round && r.Number == s.number && r.State != store.Dropped {
			return &l.reverts[i]
		}
	}
	return nil
}

// revertText says where a revert stands.
func revertText(r store.Revert) string {
	switch {
	case r.State == store.Wanted && r.Pull == 0:
		return "merged, to be taken back"
	case r.State == store.Wanted:
		return fmt.Sprintf("merged, #%d takes it back", r.Pull)
	case r.Commit != "":
		return "taken back by " + r.Commit
	case r.Pull == 0:
		return "taken back"
	}
	return fmt.Sprintf("taken back by #%d", r.Pull)
}

// takeBack takes merged phases back, each by a pull request of its own that waits
// for those of later phases. It always ends in a pause.
func (l *look) takeBack(ctx context.Context) error {
	for _, s := range l.stages {
		if !s.merged() && s.known && (!s.row.Skipped || s.open()) {
			if err := l.setAside(ctx, s, "An earlier phase is taken back."); err != nil {
				return err
			}
		}
	}
	var done []string
	for i, r := range l.reverts {
		if r.State == store.Wanted {
			if err := l.revert(ctx, &l.reverts[i]); err != nil {
				return err
			}
		}
		if r.State != store.Past && r.State != store.Dropped {
			by := ""
			if r.Commit != "" {
				by = " by " + r.Commit
			}
			done = append(done, string(phases.All[r.Number-1])+by)
		}
	}
	return pause(fmt.Sprintf("Taken back: %s. `/restage resume` does that again, from the newest %s; `/restage cancel` ends the migration.",
		strings.Join(done, ", "), markdown.Code(l.m.Base)))
}

// drop ends the reverts that nobody wants any more.
func (l *look) drop(ctx context.Context) error {
	for _, r := range l.reverts {
		if r.State != store.Dropped {
			continue
		}
		s, err := l.revertStage(ctx, r)
		if err != nil {
			return err
		}
		if err := l.withdraw(ctx, s, "The migration goes on."); err != nil {
			return err
		}
		r.Pull = s.pull.GetNumber()
		if err := l.store.EndRevert(ctx, l.m.ID, r, s.merged()); err != nil {
			return err
		}
		if s.merged() {
			return pause("The migration begins another round.")
		}
	}
	return nil
}

// revertStage returns the branch and the pull request that take a phase back, as
// a stage.
func (l *look) revertStage(ctx context.Context, r store.Revert) (s *stage, err error) {
	phase := phases.All[r.Number-1]
	s = &stage{phase: phase, number: r.Number, branch: branch(l.m.Issue, r.Number, "revert-"+string(phase), r.Round), base: l.m.Base}
	if s.own, err = l.store.Pushes(ctx, l.m.Repository, s.branch); err != nil {
		return nil, err
	}
	s.pull, err = l.repo.Pull(ctx, s.branch, s.own)
	return s, err
}

// revert brings the pull request that takes a phase back to GitHub, and pauses
// until it is merged.
func (l *look) revert(ctx context.Context, r *store.Revert) error {
	s, err := l.revertStage(ctx, *r)
	if err != nil {
		return err
	}
	if s.pull == nil {
		if s.pull, err = l.openRevert(ctx, s, r); err != nil {
			return err
		}
	}
	if s.landed() && !s.merged() { // unless the branch has another name
		if err := l.findBase(ctx); err != nil {
			return err
		}
		s.base = l.m.Base
	}
	number := s.pull.GetNumber()
	switch {
	case s.pull == nil || s.merged(): // nothing was left to take back, or somebody merged that
		r.State, r.Pull = store.Reverted, number
		return l.store.SaveRevert(ctx, l.m.ID, *r)
	case s.landed():
		return pause(fmt.Sprintf("#%d, which takes back %s, was merged into %s, but this migration goes into %s. Merge it there, too, by hand; "+
			"`/restage resume` goes on.", number, s.phase, markdown.Code(s.pull.GetBase().GetRef()), markdown.Code(s.base)))
	case !s.open():
		return pause(fmt.Sprintf("#%d, which takes back %s, was closed without merging. Open it again, or comment `/restage resume` to leave everything as it is and go on.", number, s.phase))
	}
	if r.Pull != number {
		r.Pull = number
		if err := l.store.SaveRevert(ctx, l.m.ID, *r); err != nil {
			return err
		}
	}
	return pause(fmt.Sprintf("#%d takes back %s. Review it and merge it, or comment `/restage resume` to leave everything as it is and go on.", number, s.phase))
}

// openRevert makes the branch that takes a phase back and opens its pull request.
// It returns nil if the base branch has nothing of the phase any more.
func (l *look) openRevert(ctx context.Context, s *stage, r *store.Revert) (*gh.PullRequest, error) {
	if err := l.findBase(ctx); err != nil {
		return nil, err
	}
	if r.Error != "" && r.Tried == l.base {
		return nil, pause(r.Error)
	}
	if tip, ok := l.clone.Head(s.branch); ok && !s.own[tip] {
		return nil, pause(fmt.Sprintf("The branch %s has commits that restage did not make, so it leaves it alone. "+
			"Delete or rename the branch, then comment `/restage revert %s`.", markdown.Code(s.branch), s.phase))
	}
	merged, err := l.mergedPull(ctx, *r)
	if err != nil {
		return nil, err
	}
	edits, err := l.reverse(ctx, s, r, merged)
	if err != nil {
		return nil, err
	}
	me, err := l.repo.Identity(ctx)
	if err != nil {
		return nil, err
	}
	head, err := l.clone.Commit(l.base, github.Commit{
		Edits:   edits,
		Message: fmt.Sprintf("Take back %s\n\nThis undoes #%d.\n", s.phase, merged.GetNumber()),
		Name:    me.Login,
		Email:   me.Email,
		When:    l.m.Created,
	})
	if err != nil || head == l.base {
		return nil, err
	}
	if err := l.store.AddPush(ctx, l.m.Repository, s.branch, head); err != nil {
		return nil, err
	}
	s.own[head] = true
	_, err = l.clone.Push(ctx, s.branch, head, func(tip string) bool { return s.own[tip] })
	var refused *github.RefusedError
	if errors.As(err, &refused) {
		return nil, l.stickRevert(ctx, r, fmt.Sprintf("GitHub did not take the branch %s: %s\n\nWhen that is settled, comment `/restage revert %s`.",
			markdown.Code(s.branch), markdown.Text(refused.Reason), s.phase))
	}
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("restage: take back %s (%s)", s.phase, title(l.title()))
	body := l.revertBody(s, r, merged.GetNumber())
	pull, err := l.repo.OpenPull(ctx, &gh.NewPullRequest{Title: &title, Head: &s.branch, Base: &l.m.Base, Body: &body})
	if err == nil {
		l.log.Info("pull request opened", "migration", l.m.ID, "takes back", s.phase, "pull", pull.GetNumber())
	}
	return pull, err
}

// mergedPull returns the pull request by which the phase of a revert was merged.
func (l *look) mergedPull(ctx context.Context, r store.Revert) (*gh.PullRequest, error) {
	rows, err := l.store.Phases(ctx, l.m.ID, r.Round)
	if err != nil {
		return nil, err
	}
	return l.repo.PullNumber(ctx, rows[r.Number].Pull)
}

func (l *look) revertBody(s *stage, r *store.Revert, pull int) string {
	next := ""
	for _, o := range l.reverts {
		if o.State == store.Wanted && (o.Round < r.Round || o.Round == r.Round && o.Number < r.Number) {
			next = string(phases.All[o.Number-1])
			break
		}
	}
	return github.Clip(render("revert", struct {
		By, Next, Title, Base string
		Phase                 phases.Phase
		Number, Issue, Pull   int
	}{r.By, next, markdown.Text(l.title()), l.m.Base, s.phase, s.number, l.m.Issue, pull}), maxText)
}

// stickRevert records why a phase cannot be taken back, and pauses. It is not
// tried again until somebody asks for that or there is another base.
func (l *look) stickRevert(ctx context.Context, r *store.Revert, reason string) error {
	r.Error, r.Tried = reason, l.base
	if err := l.store.SaveRevert(ctx, l.m.ID, *r); err != nil {
		return err
	}
	return pause(reason)
}

// reverse returns the edits of the newest base that undo what a pull request
// changed.
func (l *look) reverse(ctx context.Context, s *stage, r *store.Revert, merged *gh.PullRequest) ([]tree.Edit, error) {
	after := merged.GetMergeCommitSHA()
	before, err := l.clone.BeforeMerge(ctx, after, merged.GetHead().GetSHA(), merged.GetCommits())
	if err != nil {
		return nil, err
	}
	if err := l.fetchBase(ctx); err != nil {
		return nil, err
	}
	touched, err := l.clone.Touched(before, after)
	if err != nil {
		return nil, err
	}
	u := undo{edits: map[string]tree.Edit{}, carried: map[string]bool{}}
	for t, commit := range map[*tree.Tree]string{&u.before: before, &u.after: after, &u.now: l.base} {
		if *t, err = l.clone.Tree(commit); err != nil {
			return nil, err
		}
	}
	stored, err := l.store.Phases(ctx, l.m.ID, r.Round)
	if err != nil {
		return nil, err
	}
	var report record
	if err := report.read(stored[r.Number].Report); err != nil {
		return nil, err
	}
	if err := u.all(touched, report.Moved); err != nil {
		return nil, err
	}
	if len(u.conflicts) > 0 {
		var lines []string
		for _, path := range u.conflicts {
			lines = append(lines, "- "+markdown.Code(path))
		}
		return nil, l.stickRevert(ctx, r, fmt.Sprintf("restage cannot take back %s: what #%d changed in these files was changed again since.\n\n%s\n\n"+
			"Undo the later changes and comment `/restage revert %[1]s`, take the phase back by hand (`git revert` of %[4]s), "+
			"or comment `/restage resume` to leave everything as it is and go on.",
			s.phase, merged.GetNumber(), rows("", plural(len(lines), "file"), lines), markdown.Code(after[:7])))
	}
	edits := make([]tree.Edit, 0, len(u.edits))
	for _, e := range u.edits {
		edits = append(edits, e)
	}
	slices.SortFunc(edits, func(a, b tree.Edit) int { return strings.Compare(a.Path, b.Path) })
	return edits, nil
}
