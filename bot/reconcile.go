package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// A pause is why a migration cannot go on until somebody does something, and
// what to do. It is Markdown.
type pause string

func (p pause) Error() string { return string(p) }

// A look is one call of Reconcile: what was seen, and what is being done.
type look struct {
	*Bot
	m        store.Migration
	repo     *github.Repo
	issue    *gh.Issue
	plan     *plan.Plan // nil when it cannot be read
	wish     store.Wish
	skips    map[int]store.Skip // see store.Skips
	reverts  []store.Revert
	answers  []store.Answer
	rechecks map[string]int // see store.Rechecks
	testing  bool           // the base is being verified before anything is done
	rivals   []store.Rival  // that have to end before anything is done
	awaited  []int64        // the runs that this look asked for
	stages   []*stage
	earlier  []*stage // those of earlier rounds that were merged

	config   func() (*config.Config, error) // see readConfig; GitHub is asked once
	comments []*gh.IssueComment             // of the bot on the issue, nil until they are needed

	clone *github.Clone // nil until it is needed
	base  string        // commit of the base branch, once there is a clone
}

// A stage is one phase of the migration that is looked at.
type stage struct {
	phase  phases.Phase
	number int // from 1
	branch string
	base   string          // branch that it is to be merged into
	pull   *gh.PullRequest // the newest of the bot's from branch, nil if there is none
	own    map[string]bool // the commits that the bot pushed to branch
	known  bool            // the phase was computed before, row and report say what came of it
	row    store.Phase
	report record
	after  tree.Tree // what the phase leads to, once it was computed in this look

	awaited bool // this look asked for the runs of its commands
}

// A record is what is kept of a computed phase.
type record struct {
	phases.Change
	IDs      []string       `json:"ids"`     // of the commits as they were pushed
	Results  []check.Result `json:"results"` // of static checks
	Commands []verification `json:"commands"`
	Tip      string         `json:"tip,omitempty"` // of the branch with people's commits, that the phase did not go together with

	Into    string           `json:"into,omitempty"`    // name of the base branch then
	Touched []github.Touched `json:"touched,omitempty"` // what merging it changes on the base branch
	Landed  bool             `json:"landed,omitempty"`  // that was seen there, see noticeTakenBack
}

// read fills r with what was stored; with nothing if nothing was.
func (r *record) read(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, r); err != nil {
		return fmt.Errorf("reading what came of a phase: %w", err)
	}
	return nil
}

func (s *stage) open() bool { return s.pull != nil && s.pull.GetState() == "open" }

// merged reports whether the pull request was merged into the base branch, by the
// name that this has or had then.
func (s *stage) merged() bool {
	if !s.landed() {
		return false
	}
	into := s.pull.GetBase().GetRef()
	return into == s.base || s.report.Into != "" && into == s.report.Into
}

// landed reports whether the pull request was merged into any branch. That of
// another migration, which nothing is known of here, does not count.
func (s *stage) landed() bool {
	return s.pull != nil && !s.pull.GetMergedAt().IsZero() && (s.known || s.own[s.pull.GetHead().GetSHA()])
}

// Reconcile looks at a migration and does what is to be done next: it opens or
// renews a pull request, posts check runs, or ends the migration; then it says on the
// issue where things stand. An error means that something did not work now
// and may work later.
func (b *Bot) Reconcile(ctx context.Context, migration int64) error {
	m, err := b.store.Migration(ctx, migration)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	newest, err := b.store.MigrationOf(ctx, m.Repository, m.Issue)
	if err != nil {
		return err
	}
	if m.State == store.Done {
		reverts, err := b.store.Reverts(ctx, m.ID)
		if err != nil || !reverting(reverts) {
			return err
		}
	}
	err = b.reconcile(ctx, m, newest.ID != m.ID)
	if wait, ok := github.RetryAfter(err); ok {
		b.log.Warn("rate limit reached", "migration", m.ID, "wait", wait)
		return store.Snooze(wait)
	}
	if why, ok := github.OutOfReach(err); ok {
		return b.await(ctx, m, why)
	}
	if err != nil {
		return fmt.Errorf("migration %d of %s/%s#%d: %w", m.ID, m.Owner, m.Name, m.Issue, err)
	}
	return nil
}

// reconcile is Reconcile for a migration, which another one of its issue may have
// replaced.
func (b *Bot) reconcile(ctx context.Context, m store.Migration, replaced bool) error {
	l, err := b.see(ctx, m)
	if _, ok := github.OutOfReach(err); ok {
		return err
	}
	if l == nil && github.IsGone(err) && !github.IsTaken(err) {
		return b.await(ctx, m, "The repository is gone, or restage may not see it. Let the app into it to go on.")
	}
	if github.IsGone(err) {
		b.log.Warn("migration has no issue any more", "migration", m.ID, "error", err)
		if err := b.leave(ctx, m, l); err != nil {
			return err
		}
		return b.store.SetState(ctx, m.ID, store.Failed, "The issue or its repository is gone, or restage may not see it any more.")
	}
	if err != nil {
		return err
	}
	defer l.close()
	if replaced {
		return l.letGo(ctx, "The issue was labelled again.")
	}

	state, message := m.State, m.Message
	if state != store.Failed || l.wish.Kind == store.Cancel {
		state, message = store.Live, ""
		err = l.heed(ctx)
		var p pause
		switch {
		case errors.As(err, &p):
			state, message = store.Paused, string(p)
		case err != nil:
			return err
		}
		if l.plan == nil || l.wish.Kind == store.Cancel {
			state = store.Failed
		}
	}
	if err := l.letGo(ctx, whyLetGo[state]); err != nil {
		return err
	}
	return l.conclude(ctx, state, message)
}

// conclude says where the migration stands and records it. The store comes
// last when the migration ends, since nobody looks at it again after that.
func (l *look) conclude(ctx context.Context, state store.State, message string) error {
	if state == store.Live && l.finished() {
		state = store.Done
	}
	l.m.State, l.m.Message = state, message
	if err := l.setGuard(ctx); err != nil {
		return err
	}
	if err := l.showStatus(ctx, false); err != nil {
		return err
	}
	switch {
	case l.wish.Kind == store.Cancel:
		return l.store.Cancelled(ctx, l.m.ID, message)
	case state == store.Failed:
		if err := l.repo.ReactToIssue(ctx, l.m.Issue, "confused"); err != nil {
			return err
		}
	case state == store.Done:
		if err := l.closeIssue(ctx); err != nil {
			return err
		}
	}
	return l.store.SetState(ctx, l.m.ID, state, message)
}

// see looks at everything that a migration is about. If only its issue is gone, it
// returns the look beside the error.
func (b *Bot) see(ctx context.Context, m store.Migration) (*look, error) {
	repo, err := b.github.Repo(m.Installation, m.Owner, m.Name)
	if err != nil {
		return nil, err
	}
	if repo, err = repo.Find(ctx, m.Repository); err != nil {
		return nil, err
	}
	if repo.Owner != m.Owner || repo.Name != m.Name {
		if err := b.store.Rename(ctx, m.ID, repo.Owner, repo.Name); err != nil {
			return nil, err
		}
		m.Owner, m.Name = repo.Owner, repo.Name
	}
	l := &look{Bot: b, m: m, repo: repo}
	l.config = sync.OnceValues(func() (*config.Config, error) { return readConfig(ctx, repo) })
	if l.wish, err = b.store.Wish(ctx, m.ID); err != nil {
		return nil, err
	}
	if l.skips, err = b.store.Skips(ctx, m.ID); err != nil {
		return nil, err
	}
	if l.reverts, err = b.store.Reverts(ctx, m.ID); err != nil {
		return nil, err
	}
	if l.answers, err = b.store.Answers(ctx, m.ID); err != nil {
		return nil, err
	}
	// An answer that came after m was read is for the look that it asked for:
	// here it would seem to be followed already.
	l.answers = slices.DeleteFunc(l.answers, func(a store.Answer) bool { return a.Revision > m.Revision })
	if l.rechecks, err = b.store.Rechecks(ctx, m.ID); err != nil {
		return nil, err
	}
	if err := l.seeEarlier(ctx); err != nil {
		return nil, err
	}
	rows, err := b.store.Phases(ctx, m.ID, m.Round)
	if err != nil {
		return nil, err
	}
	for i, phase := range phases.All {
		s := &stage{phase: phase, number: i + 1, branch: branch(m.Issue, i+1, string(phase), m.Round), base: m.Base}
		if s.row, s.known = rows[s.number]; s.known {
			if err := s.report.read(s.row.Report); err != nil {
				return nil, err
			}
		}
		if s.own, err = b.store.Pushes(ctx, m.Repository, s.branch); err != nil {
			return nil, err
		}
		if l.begun(s) {
			if s.pull, err = repo.Pull(ctx, s.branch, s.own); err != nil {
				return nil, err
			}
		}
		l.stages = append(l.stages, s)
	}
	l.issue, err = repo.Issue(ctx, m.Issue)
	return l, err
}

// begun reports whether there may be a pull request of a stage, the next one to
// be seen: something is known of it, or of the one before.
func (l *look) begun(s *stage) bool {
	if s.known || len(s.own) > 0 || len(l.stages) == 0 {
		return true
	}
	before := l.stages[len(l.stages)-1]
	return before.known || before.pull != nil
}

// seeEarlier recalls the rounds before this one. They ended with everything
// merged that was not skipped.
func (l *look) seeEarlier(ctx context.Context) error {
	for round := 1; round < l.m.Round; round++ {
		rows, err := l.store.Phases(ctx, l.m.ID, round)
		if err != nil {
			return err
		}
		for i, phase := range phases.All {
			row, ok := rows[i+1]
			if !ok || row.Skipped {
				continue
			}
			s := &stage{phase: phase, number: i + 1, known: true, row: row}
			if r := l.revertOf(s); r != nil && r.State == store.Past {
				continue
			}
			s.pull = &gh.PullRequest{Number: &row.Pull, State: gh.String("closed"), MergedAt: &gh.Timestamp{Time: l.m.Created}}
			if err := s.report.read(row.Report); err != nil {
				return err
			}
			l.earlier = append(l.earlier, s)
		}
	}
	return nil
}

func (l *look) close() {
	if l.clone == nil {
		return
	}
	if err := l.clone.Close(); err != nil {
		l.log.Warn("could not remove a clone", "error", err)
	}
}

// readPlan reads the plan with the answers that it got.
func (l *look) readPlan(ctx context.Context) error {
	p, err := plan.Read(l.m.PlanFile, []byte(l.m.Plan))
	if err != nil {
		return pause(fmt.Sprintf("The plan cannot be read:\n\n%s\nEdit it, take the label off and put it on again.", mistakes(err)))
	}
	if p.Decide == nil {
		p.Decide = map[string]string{}
	}
	for _, a := range l.answers {
		p.Decide[a.Path] = a.Answer
	}
	if l.plan = p; len(p.Commands) > 0 {
		cfg, err := l.config()
		if err != nil && !isBroken(err) { // a broken one stops what needs it
			return err
		}
		p.Allow(cfg.Commands())
	}
	return nil
}

// advance takes the phases in their order up to the first that waits for
// something.
func (l *look) advance(ctx context.Context) error {
	for _, s := range l.stages {
		if done, err := l.step(ctx, s); err != nil || !done {
			return err
		}
	}
	if l.late() {
		l.awaited = nil
		for _, s := range l.stages {
			s.awaited = false
		}
		if err := l.letGo(ctx, "The migration begins another round."); err != nil {
			return err
		}
		return l.store.NextRound(ctx, l.m.ID, l.m.Round)
	}
	return nil
}

// step does what is to be done for a phase and reports whether the next may
// follow.
func (l *look) step(ctx context.Context, s *stage) (done bool, err error) {
	done, err = l.next(ctx, s)
	var limit *github.LimitError
	if errors.As(err, &limit) {
		return false, l.giveUp(ctx, s, err)
	}
	return done, err
}

func (l *look) next(ctx context.Context, s *stage) (done bool, err error) {
	current := s.known && s.row.Revision == l.m.Revision
	if s.landed() && !s.merged() { // unless the branch has another name
		if err := l.findBase(ctx); err != nil {
			return false, err
		}
	}
	switch {
	case s.merged() && s.report.pending(): // somebody did not wait
		return true, l.followCommands(ctx, s)
	case s.merged():
		return true, nil
	case l.skips[s.number].By != "":
		return true, l.pass(ctx, s)
	case current && s.row.Error != "":
		if err := l.findBase(ctx); err != nil {
			return false, err
		}
		if tip, _ := l.clone.Head(s.branch); s.row.Tried == l.base && (s.report.Tip == "" || s.report.Tip == tip) {
			return false, pause(s.row.Error)
		}
		return l.make(ctx, s)
	case current && s.row.Skipped:
		return true, nil
	case !current || s.pull == nil:
		return l.make(ctx, s)
	case s.landed():
		return false, pause(fmt.Sprintf("#%d was merged into %s, but this migration goes into %s. Comment `/restage rerun` "+
			"to have a pull request made for what %[3]s lacks.", s.pull.GetNumber(),
			markdown.Code(s.pull.GetBase().GetRef()), markdown.Code(s.base)))
	case !s.open():
		return false, pause(fmt.Sprintf("#%d was closed without merging. Open it again to go on with it, "+
			"or comment `/restage rerun` to have it made anew.", s.pull.GetNumber()))
	}
	return l.keepUp(ctx, s)
}

// late reports whether something was asked for after the phases were computed
// that only another round can bring: an answer to a decision, or a rerun when
// all was merged.
func (l *look) late() bool {
	last := l.stages[len(l.stages)-1]
	if last.known && last.row.Revision < l.m.Revision {
		return true
	}
	for _, s := range l.stages {
		for _, a := range l.answers {
			if a.Revision > s.row.Revision && s.merged() {
				return true
			}
		}
	}
	return false
}

// finished reports whether all phases are merged, or had nothing to do, their
// commands have ended, and no decision is open.
func (l *look) finished() bool {
	for _, s := range l.stages {
		if s.merged() && s.report.pending() {
			return false
		}
		if !s.merged() && !(s.known && s.row.Skipped && s.row.Revision == l.m.Revision) {
			return false
		}
	}
	return !l.late() && len(l.openDecisions()) == 0
}

// openDecisions returns the questions without an answer. Each phase reports all
// of them, so the last one computed knows.
func (l *look) openDecisions() []phases.Decision {
	var last *stage
	for _, s := range l.stages {
		if s.known && l.skips[s.number].By == "" {
			last = s
		}
	}
	if last == nil {
		return nil
	}
	return unanswered(last.report.Decisions, l.answers)
}

func unanswered(decisions []phases.Decision, answers []store.Answer) []phases.Decision {
	return slices.DeleteFunc(slices.Clone(decisions), func(d phases.Decision) bool {
		return slices.ContainsFunc(answers, func(a store.Answer) bool { return samePath(a.Path, d.Path) })
	})
}

// closeIssue ends a migration on GitHub: a summary, then the issue is closed.
func (l *look) closeIssue(ctx context.Context) error {
	if err := l.reply(ctx, l.repo, l.m.Issue, fmt.Sprintf("summary %d.%d", l.m.ID, l.m.Round), l.summaryText()); err != nil {
		return err
	}
	if l.issue.GetState() == "closed" {
		return nil
	}
	if err := l.repo.CloseIssue(ctx, l.m.Issue); err != nil {
		return err
	}
	l.log.Info("migration done", "migration", l.m.ID, "repository", l.repo.String(), "issue", l.m.Issue)
	return nil
}
