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
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/tree"
)

// Bounds of the guard.
const (
	guardedPulls = 100     // open pull requests that are looked at, those that changed last
	guardedNow   = 10      // of those, in one look
	guardedFiles = 3000    // of one pull request, as many as GitHub shows
	guardedSize  = 4 << 20 // bytes of one file
	maxUses      = 500     // that are annotated
	listedUses   = 50      // that the summary lists
)

// guardCheck is the name of the guard's check run.
const guardCheck = checkPrefix + "guard"

// isOwn reports whether a pull request is the bot's: anybody may name a branch as
// the bot does.
func isOwn(p *gh.PullRequest) bool { return fromOwnBranch(p) && isBot(p.GetUser()) }

// fromOwnBranch reports whether a pull request comes from a branch with a name of
// the bot's, whoever opened it.
func fromOwnBranch(p *gh.PullRequest) bool {
	return isBranch(p.GetHead().GetRef()) && p.GetHead().GetRepo().GetID() == p.GetBase().GetRepo().GetID()
}

// isBranch reports whether a branch has a name of the bot's.
func isBranch(name string) bool {
	_, ok := issueOf(name)
	return ok
}

// setGuard stores whether other pull requests are to be kept from the old paths:
// from the merge of the imports on, unless people take that back.
func (l *look) setGuard(ctx context.Context) error {
	g := store.Guard{Migration: l.m.ID}
	for _, s := range slices.Concat(l.earlier, l.stages) {
		ended := s.merged() || s.known && s.row.Skipped
		switch {
		case !ended || s.row.Base == "":
		case s.phase == phases.Imports:
			g.Base, g.Cleaned = s.row.Base, false
		case s.phase == phases.Cleanup:
			g.Cleaned = true
		}
	}
	back := slices.ContainsFunc(l.reverts, func(r store.Revert) bool {
		return r.Number < 3 && (r.State == store.Wanted || r.State == store.Reverted)
	})
	if back || g.Base == "" {
		g = store.Guard{Migration: l.m.ID}
	}
	return l.store.SetGuard(ctx, l.m.Repository, g)
}

// onOtherPull asks the guard to look when somebody else's pull request was opened
// or pushed to, or goes to another branch now.
func (b *Bot) onOtherPull(ctx context.Context, e *gh.PullRequestEvent) error {
	switch e.GetAction() {
	case "opened", "reopened", "synchronize":
	case "edited":
		if e.GetChanges().GetBase() == nil {
			return nil
		}
	default:
		return nil
	}
	guards, err := b.store.Guards(ctx, e.GetRepo().GetID())
	if err != nil || len(guards) == 0 {
		return err
	}
	return b.store.EnqueueGuard(ctx, e.GetRepo().GetID())
}

// onGuardAgain does the guard's check on a commit again when somebody who may
// write asks for that.
func (b *Bot) onGuardAgain(ctx context.Context, d store.Delivery, r *gh.Repository, inst *gh.Installation, sender *gh.User, commit string) error {
	if isBot(sender) {
		return nil
	}
	repo, err := b.repo(r, inst)
	if err != nil {
		return err
	}
	if ok, err := repo.CanWrite(ctx, sender.GetLogin()); err != nil || !ok {
		return err
	}
	return b.store.GuardAgain(ctx, r.GetID(), commit, "delivery "+d.ID)
}

// Guard looks at the open pull requests of a repository that are not restage's,
// and gives each head that has none yet a check run about the old paths that it
// begins to use. It does so many, and asks for another look at the rest: the
// guard's time may be over by then.
func (b *Bot) Guard(ctx context.Context, repository int64) error {
	err := b.guard(ctx, repository)
	if wait, ok := github.RetryAfter(err); ok {
		b.log.Warn("rate limit reached", "guard", repository, "wait", wait)
		return store.Snooze(wait)
	}
	if _, ok := github.OutOfReach(err); ok || github.IsGone(err) { // until the next resync
		b.log.Warn("repository cannot be guarded", "repository", repository, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("guard of repository %d: %w", repository, err)
	}
	return nil
}

// A watch is one call of Guard.
type watch struct {
	*Bot
	repository int64
	repo       *github.Repo
	config     *config.Config
	guards     []*guard
	clone      *github.Clone
}

// A guard is a migration that is guarded.
type guard struct {
	store.Guard
	m    store.Migration
	uses *check.Guard // nil if its plan cannot be carried out any more
}

// A watched is a pull request without its check run.
type watched struct {
	*gh.PullRequest
	guards []*guard // those of its base branch
	base   string   // commit where it parted from that
	key    string   // of the check run
}

func (w *watched) head() string { return w.GetHead().GetSHA() }

func (b *Bot) guard(ctx context.Context, repository int64) error {
	w := &watch{Bot: b, repository: repository}
	if err := w.findGuards(ctx); err != nil || len(w.guards) == 0 {
		return err
	}
	list, err := w.pulls(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	if w.clone, err = w.repo.Clone(ctx); err != nil {
		return err
	}
	defer w.clone.Close()
	now, failed := w.compare(ctx, list)
	if err := w.fetch(ctx, now); err != nil {
		return err
	}
	posted := 0
	for _, p := range now {
		if err := w.post(ctx, p); err != nil {
			failed = errors.Join(failed, fmt.Errorf("#%d: %w", p.GetNumber(), err))
			continue
		}
		posted++
	}
	if posted > 0 && len(list) > len(now) {
		failed = errors.Join(failed, b.store.EnqueueGuard(ctx, repository))
	}
	return failed
}

// compare finds where pull requests parted from their base branches. It returns
// as many as one look takes of those of which it found that out: what GitHub cannot
// compare keeps no other back.
func (w *watch) compare(ctx context.Context, list []*watched) (found []*watched, failed error) {
	for _, p := range list {
		if len(found) == guardedNow {
			break
		}
		var err error
		if p.base, err = w.repo.MergeBase(ctx, p.GetBase().GetRef(), p.head()); err != nil {
			failed = errors.Join(failed, fmt.Errorf("#%d: %w", p.GetNumber(), err))
			continue
		}
		found = append(found, p)
	}
	return found, failed
}

// findGuards finds the migrations whose guard is on, and their repository.
func (w *watch) findGuards(ctx context.Context) error {
	stored, err := w.store.Guards(ctx, w.repository)
	if err != nil || len(stored) == 0 {
		return err
	}
	for _, g := range stored {
		m, err := w.store.Migration(ctx, g.Migration)
		if err != nil {
			return err
		}
		w.guards = append(w.guards, &guard{Guard: g, m: m})
	}
	m := w.guards[len(w.guards)-1].m
	if w.repo, err = w.github.Repo(m.Installation, m.Owner, m.Name); err != nil {
		return err
	}
	if w.repo, err = w.repo.Find(ctx, w.repository); err != nil {
		return err
	}
	// One that is broken is told of in the issue.
	if w.config, err = readConfig(ctx, w.repo); err != nil && !isBroken(err) {
		return err
	}
	w.guards = slices.DeleteFunc(w.guards, func(g *guard) bool { return g.Cleaned && !w.config.Guard.AfterCleanup })
	return nil
}

// pulls returns the open pull requests of others that lack their check run. The
// key of one says what it is about: the migrations, and which attempt it is.
func (w *watch) pulls(ctx context.Context) ([]*watched, error) {
	known, err := w.store.Guarded(ctx, w.repository)
	if err != nil {
		return nil, err
	}
	var list []*watched
	heads, bases := map[string]bool{}, map[string]bool{}
	for _, g := range w.guards {
		if bases[g.m.Base] {
			continue
		}
		open, err := w.open(ctx, g)
		if err != nil {
			return nil, err
		}
		bases[g.m.Base] = true
		before := len(list)
		for _, p := range open {
			next := &watched{PullRequest: p}
			if isOwn(p) || heads[next.head()] {
				continue
			}
			heads[next.head()] = true
			next.key = "guard"
			for _, g := range w.guards {
				if g.m.Base == p.GetBase().GetRef() {
					next.guards = append(next.guards, g)
					next.key += fmt.Sprintf(" %d.%d", g.m.ID, g.m.Round)
				}
			}
			was := known[next.head()]
			next.key += fmt.Sprintf(" again %d", was.Attempt)
			if was.Posted != next.key {
				list = append(list, next)
			}
		}
		if len(open) == guardedPulls && len(list) > before {
			if err := w.tellMore(ctx, g); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// open returns the open pull requests to the base branch of a migration, which may
// have got another name since nobody looks at the migration any more.
func (w *watch) open(ctx context.Context, g *guard) ([]*gh.PullRequest, error) {
	open, err := w.repo.OpenPulls(ctx, g.m.Base, guardedPulls)
	if err != nil || len(open) > 0 {
		return open, err
	}
	was := g.m.Base
	now, err := w.repo.Renamed(ctx, was)
	if err != nil || now == "" || now == was {
		return nil, err
	}
	for _, g := range w.guards {
		if g.m.Base != was {
			continue
		}
		if err := w.store.SetBase(ctx, g.m.ID, now); err != nil {
			return nil, err
		}
		g.m.Base = now
	}
	return w.repo.OpenPulls(ctx, now, guardedPulls)
}

// tellMore says in the issue of a migration, once, that there are more pull
// requests than the guard looks at.
func (w *watch) tellMore(ctx context.Context, g *guard) error {
	return w.reply(ctx, w.repo, g.m.Issue, fmt.Sprintf("guard %d", g.m.ID), fmt.Sprintf(
		"At least %d pull requests to %s are open. `%s` looks at the %[1]d that changed last; any other gets its check run when somebody pushes to it.",
		guardedPulls, markdown.Code(g.m.Base), guardCheck))
}

// fetch fetches what is compared, and makes the guards ready.
func (w *watch) fetch(ctx context.Context, list []*watched) error {
	var commits []string
	add := func(commit string) {
		if !slices.Contains(commits, commit) {
			commits = append(commits, commit)
		}
	}
	for _, p := range list {
		if p.base != "" {
			add(p.base)
		}
		add(p.head())
		for _, g := range p.guards {
			add(g.Base)
		}
	}
	if err := w.clone.Fetch(ctx, commits...); err != nil {
		return err
	}
	for _, g := range w.guards {
		if !slices.Contains(commits, g.Base) {
			continue
		}
		if err := w.ready(ctx, g); err != nil {
			if ctx.Err() != nil {
				return err
			}
			w.log.Warn("plan cannot be guarded", "migration", g.m.ID, "error", err)
		}
	}
	return nil
}

// ready finds what the old paths of a migration are.
func (w *watch) ready(ctx context.Context, g *guard) error {
	l := &look{Bot: w.Bot, m: g.m, repo: w.repo}
	var err error
	if l.answers, err = w.store.Answers(ctx, g.m.ID); err != nil {
		return err
	}
	l.config = func() (*config.Config, error) { return w.config, nil }
	if err := l.readPlan(ctx); err != nil {
		return err
	}
	opt, err := l.options(ctx, w.config)
	if err != nil {
		return err
	}
	before, err := w.clone.Tree(g.Base)
	if err != nil {
		return err
	}
	g.uses, err = phases.NewGuard(ctx, before, l.plan, opt)
	return err
}

// post gives a pull request its check run.
func (w *watch) post(ctx context.Context, p *watched) error {
	uses, unread, err := w.uses(ctx, p)
	var limit *github.LimitError
	if errors.As(err, &limit) {
		w.log.Warn("pull request cannot be guarded", "pull", p.GetNumber(), "error", err)
		return w.store.SetGuarded(ctx, w.repository, p.head(), p.key)
	}
	if err != nil {
		return err
	}
	run := github.CheckRun{
		Name:    guardCheck,
		Commit:  p.head(),
		Key:     p.key,
		URL:     w.repo.URL() + fmt.Sprintf("/issues/%d", p.guards[len(p.guards)-1].m.Issue),
		Summary: github.Clip(guardSummary(p, uses, unread), github.MaxSummary),
		Actions: []*gh.CheckRunAction{github.Action(rerunButton, "Re-run", "Do this check again")},
	}
	run.Conclusion, run.Title = w.conclude(uses)
	for _, a := range uses[:min(len(uses), maxUses)] {
		if !w.config.Guard.Fail && a.Level == "failure" {
			a.Level = "warning"
		}
		run.Annotations = append(run.Annotations, annotation(a))
	}
	runs, err := w.repo.CheckRuns(ctx, run.Commit)
	if err != nil {
		return err
	}
	posted, err := w.repo.SetCheckRun(ctx, runs, run)
	if err != nil {
		return err
	}
	if posted {
		w.log.Info("check run posted", "repository", w.repo.String(), "pull", p.GetNumber(), "check", guardCheck, "commit", run.Commit, "conclusion", run.Conclusion)
	}
	return w.store.SetGuarded(ctx, w.repository, run.Commit, p.key)
}

// conclude says how the check ends. What only people read never makes it fail.
func (w *watch) conclude(uses []check.Annotation) (conclusion, title string) {
	serious := slices.ContainsFunc(uses, func(a check.Annotation) bool { return a.Level == "failure" })
	switch {
	case len(uses) == 0:
		return string(check.Success), "No new use of an old path"
	case w.config.Guard.Fail && serious:
		conclusion = string(check.Failure)
	default:
		conclusion = string(check.Neutral)
	}
	if len(uses) == 1 {
		return conclusion, "1 new use of an old path"
	}
	return conclusion, fmt.Sprintf("%d new uses of old paths", len(uses))
}

// uses returns the old paths that a pull request begins to use, by file and
// line, and how many of its files were too large or too many to be read.
func (w *watch) uses(ctx context.Context, p *watched) (uses []check.Annotation, unread int, err error) {
	after, err := w.clone.Tree(p.head())
	if err != nil {
		return nil, 0, err
	}
	lines, unread, err := w.added(ctx, p, after)
	if err != nil || len(lines) == 0 {
		return nil, unread, err
	}
	seen := map[check.Annotation]bool{}
	for _, g := range p.guards {
		if g.uses == nil {
			continue
		}
		more, err := g.uses.Uses(ctx, after, lines)
		if err != nil {
			return nil, 0, err
		}
		for _, a := range more {
			if !seen[a] {
				seen[a], uses = true, append(uses, a)
			}
		}
	}
	return uses, unread, nil
}

// added returns the lines that a pull request adds, by file.
func (w *watch) added(ctx context.Context, p *watched, after tree.Tree) (lines map[string]map[int]bool, unread int, err error) {
	base := p.base
	if base == "" { // no history in common: all is new
		base = p.guards[0].Base
	}
	changes, err := w.clone.Changes(ctx, base, p.head())
	if err != nil {
		return nil, 0, err
	}
	before, err := w.clone.Tree(base)
	if err != nil {
		return nil, 0, err
	}
	unread = max(0, len(changes)-guardedFiles)
	lines = map[string]map[int]bool{}
	for _, c := range changes[:len(changes)-unread] {
		now, err := after.Read(c.Path)
		if err != nil {
			return nil, 0, err
		}
		var old []byte
		if c.From != "" {
			if old, err = before.Read(c.From); err != nil && !tree.IsNotExist(err) {
				return nil, 0, err
			}
		}
		if len(now) > guardedSize || len(old) > guardedSize {
			unread++
			continue
		}
		lines[c.Path] = tree.Added(old, now)
	}
	return lines, unread, nil
}

// guardSummary says what the guard found and why it looked.
func guardSummary(p *watched, uses []check.Annotation, unread int) string {
	var why []string
	for _, g := range p.guards {
		why = append(why, fmt.Sprintf("#%d", g.m.Issue))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Files have moved for %s. An old path goes away, or is gone already: use the new one.\n", strings.Join(why, ", "))
	if len(uses) == 0 {
		b.WriteString("\nNo line that this pull request adds uses an old path.\n")
	} else {
		b.WriteString("\n| Where | What |\n|---|---|\n")
	}
	for _, a := range uses[:min(len(uses), listedUses)] {
		where := fmt.Sprintf("%s:%d", markdown.Shorten(a.Path, 200), a.Line)
		fmt.Fprintf(&b, "| %s | %s |\n", markdown.Code(where), markdown.Text(a.Message))
	}
	if more := len(uses) - listedUses; more > 0 {
		fmt.Fprintf(&b, "\nand %d more.\n", more)
	}
	if len(uses) > maxUses {
		fmt.Fprintf(&b, "\nThe first %d are annotated.\n", maxUses)
	}
	if unread > 0 {
		fmt.Fprintf(&b, "\nNot looked at: %d of the files that change. They are larger than %d MiB, or come after the first %d.\n", unread, guardedSize>>20, guardedFiles)
	}
	for _, g := range p.guards {
		if g.uses == nil {
			fmt.Fprintf(&b, "\nThe plan of #%d does not fit the repository any more, so its paths are not looked for.\n", g.m.Issue)
		}
	}
	return b.String()
}
