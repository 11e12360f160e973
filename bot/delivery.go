package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/plan"
)

// Delivery acts on one webhook delivery. It stores what is asked for, answers
// who asked, and asks for a look at the migration. Events that mean nothing to
// the bot, and everything done by bots, are passed over. Handling a delivery
// again does nothing twice.
func (b *Bot) Delivery(ctx context.Context, d store.Delivery) error {
	event, err := b.event(d)
	if err != nil {
		// It will not be readable the next time either.
		b.log.Warn("delivery not understood", "delivery", d.ID, "event", d.Event, "error", err)
		return nil
	}
	switch e := event.(type) {
	case *gh.IssuesEvent:
		err = b.onIssue(ctx, d, e)
	case *gh.IssueCommentEvent:
		err = b.onComment(ctx, e)
	case *gh.PullRequestEvent:
		err = b.onPull(ctx, e)
	case *gh.PushEvent:
		err = b.onPush(ctx, e)
	case *gh.RepositoryEvent:
		err = b.onRepository(ctx, e)
	case *gh.InstallationEvent:
		err = b.onInstallation(ctx, e)
	case *gh.InstallationRepositoriesEvent:
		err = b.onAdded(ctx, e)
	case *gh.CheckRunEvent:
		err = b.onCheckRun(ctx, d, e)
	case *gh.CheckSuiteEvent:
		if suite := e.GetCheckSuite(); e.GetAction() == "rerequested" && !isBranch(suite.GetHeadBranch()) {
			err = b.onGuardAgain(ctx, d, e.Repo, e.Installation, e.Sender, suite.GetHeadSHA())
		} else if e.GetAction() == "rerequested" {
			err = b.onRerequest(ctx, d, e.Repo, e.Installation, e.Sender, suite.GetHeadBranch(), "")
		}
	}
	if wait, ok := github.RetryAfter(err); ok {
		b.log.Warn("rate limit reached", "delivery", d.ID, "wait", wait)
		return store.Snooze(wait)
	}
	if why, ok := github.OutOfReach(err); ok {
		b.log.Warn("delivery not followed", "delivery", d.ID, "event", d.Event, "why", why, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("delivery %s (%s %s): %w", d.ID, d.Event, d.Action, err)
	}
	return nil
}

// event returns the payload of a delivery, nil if the bot has no use for it.
func (b *Bot) event(d store.Delivery) (any, error) {
	switch d.Event {
	case "issues", "issue_comment", "pull_request", "check_run", "check_suite",
		"push", "repository", "installation", "installation_repositories":
		return gh.ParseWebHook(d.Event, d.Payload)
	}
	return nil, nil
}

// onIssue starts a migration when the label is put on an issue, or lets one go
// on. An issue that is opened again, or loses a label, is looked at.
func (b *Bot) onIssue(ctx context.Context, d store.Delivery, e *gh.IssuesEvent) error {
	switch {
	case e.GetAction() == "reopened", e.GetAction() == "unlabeled":
		return b.lookAt(ctx, e.GetRepo().GetID(), e.GetIssue().GetNumber())
	case e.GetAction() == "closed":
		return b.onClosed(ctx, d, e)
	case e.GetAction() != "labeled" || isBot(e.GetSender()):
		return nil
	}
	repo, err := b.repo(e.Repo, e.Installation)
	if err != nil {
		return err
	}
	cfg, broken := readConfig(ctx, repo)
	if broken != nil && !isBroken(broken) {
		return broken
	}
	if !strings.EqualFold(e.GetLabel().GetName(), cmp.Or(cfg.Label, b.label)) {
		return nil
	}
	number, who := e.GetIssue().GetNumber(), e.GetSender().GetLogin()
	allowed, err := repo.CanWrite(ctx, who)
	if err != nil {
		return err
	}
	if !allowed {
		return b.refuse(ctx, repo, e.GetRepo().GetID(), number, number, who, "delivery "+d.ID)
	}
	if err := repo.ReactToIssue(ctx, number, "eyes"); err != nil {
		return err
	}
	if goesOn, err := b.labelledAgain(ctx, d, e); goesOn || err != nil {
		return err
	}
	m := store.Migration{
		Delivery:     d.ID,
		Installation: e.GetInstallation().GetID(),
		Repository:   e.GetRepo().GetID(),
		Owner:        repo.Owner,
		Name:         repo.Name,
		Issue:        number,
		StartedBy:    who,
		Base:         cmp.Or(cfg.Base, e.GetRepo().GetDefaultBranch()),
		Plan:         e.GetIssue().GetBody(),
		Created:      d.Received,
		State:        store.Live,
		Label:        e.GetLabel().GetName(),
		LabelID:      e.GetLabel().GetID(),
		Labelled:     e.GetIssue().GetUpdatedAt().Time,
	}
	if broken != nil {
		m.State, m.Message = store.Failed, brokenText(broken)+" Then put the label on again."
	}
	return b.start(ctx, repo, m)
}

// closedText says what became of a migration whose issue was closed.
const closedText = "The issue was closed. Open it again to go on, or comment `/restage cancel` to end this: " +
	"that closes the open pull request."

// onClosed asks what is to become of a migration whose issue was closed, by
// somebody or by a bot that tidies up.
func (b *Bot) onClosed(ctx context.Context, d store.Delivery, e *gh.IssuesEvent) error {
	m, err := b.store.MigrationOf(ctx, e.GetRepo().GetID(), e.GetIssue().GetNumber())
	if errors.Is(err, store.ErrNotFound) || err == nil && m.State != store.Live && m.State != store.Paused {
		return nil
	}
	if err != nil {
		return err
	}
	repo, err := b.repo(e.Repo, e.Installation)
	if err != nil {
		return err
	}
	me, err := repo.Identity(ctx)
	if err != nil || e.GetSender().GetLogin() == me.Login {
		return err
	}
	if err := b.reply(ctx, repo, m.Issue, "delivery "+d.ID, closedText); err != nil {
		return err
	}
	return b.store.Enqueue(ctx, m.ID, time.Now())
}

// start starts a migration, unless one is under way for the issue.
func (b *Bot) start(ctx context.Context, repo *github.Repo, m store.Migration) error {
	if err := followLink(ctx, repo, &m); err != nil {
		return err
	}
	delivery := m.Delivery
	m, started, err := b.store.StartMigration(ctx, m)
	if err != nil {
		return err
	}
	if !started {
		return b.reply(ctx, repo, m.Issue, "delivery "+delivery, alreadyText(m))
	}
	b.log.Info("migration started", "migration", m.ID, "repository", repo.String(), "issue", m.Issue, "by", m.StartedBy)
	return nil
}

// followLink replaces a plan that says "Plan: path" by the file at that path on
// the default branch. If it cannot be read, the migration has failed.
func followLink(ctx context.Context, repo *github.Repo, m *store.Migration) error {
	path, ok := plan.Link([]byte(m.Plan))
	if !ok {
		return nil
	}
	data, err := repo.File(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.State = store.Failed
		m.Message = fmt.Sprintf("The plan points to %s, which is not a file on the default branch. "+
			"Correct the path or add the file, then put the label on again.", markdown.Code(path))
	case errors.Is(err, fs.ErrInvalid):
		m.State = store.Failed
		m.Message = fmt.Sprintf("The plan points to %s, which cannot be read: it must be a path inside the repository, of a file up to 1 MB. "+
			"Correct it, then put the label on again.", markdown.Code(path))
	case err != nil:
		return err
	}
	m.PlanFile, m.Plan = path, string(data)
	return nil
}

// onPull asks for a look when a pull request from a branch of the bot was merged,
// closed, opened again or pushed to by others.
func (b *Bot) onPull(ctx context.Context, e *gh.PullRequestEvent) error {
	if p := e.GetPullRequest(); !isOwn(p) {
		if err := b.onOtherPull(ctx, e); err != nil || !fromOwnBranch(p) {
			return err
		}
	}
	switch e.GetAction() {
	case "closed", "reopened", "synchronize":
	default:
		return nil
	}
	head := e.GetPullRequest().GetHead()
	issue, _ := issueOf(head.GetRef())
	if e.GetAction() == "synchronize" && isBot(e.GetSender()) {
		own, err := b.store.Pushes(ctx, e.GetRepo().GetID(), head.GetRef())
		if err != nil || own[head.GetSHA()] {
			return err
		}
	}
	return b.lookAt(ctx, e.GetRepo().GetID(), issue)
}

// onCheckRun follows the buttons of a check run, GitHub's own and the bot's.
func (b *Bot) onCheckRun(ctx context.Context, d store.Delivery, e *gh.CheckRunEvent) error {
	run, action := e.GetCheckRun(), e.GetAction()
	head := run.GetCheckSuite().GetHeadBranch()
	button := ""
	if action == "requested_action" {
		button = e.GetRequestedAction().Identifier
	}
	switch {
	case run.GetName() == guardCheck && (action == "rerequested" || button == rerunButton):
		return b.onGuardAgain(ctx, d, e.Repo, e.Installation, e.Sender, run.GetHeadSHA())
	case action == "rerequested", button == rerunButton:
		return b.onRerequest(ctx, d, e.Repo, e.Installation, e.Sender, head, strings.TrimPrefix(run.GetName(), checkPrefix))
	case button == decisionsButton:
		return b.showDecisions(ctx, d, e, head)
	}
	return nil
}

// showDecisions lists the open decisions in the pull request of a check run.
func (b *Bot) showDecisions(ctx context.Context, d store.Delivery, e *gh.CheckRunEvent, head string) error {
	issue, ok := issueOf(head)
	if !ok || isBot(e.Sender) || len(e.GetCheckRun().PullRequests) == 0 {
		return nil
	}
	m, err := b.store.MigrationOf(ctx, e.GetRepo().GetID(), issue)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := b.decisions(ctx, m)
	if err != nil {
		return err
	}
	answers, err := b.store.Answers(ctx, m.ID)
	if err != nil {
		return err
	}
	text := decisionsText(unanswered(all, answers))
	if text == "" {
		text = "No decision is open."
	}
	repo, err := b.repo(e.Repo, e.Installation)
	if err != nil {
		return err
	}
	return b.reply(ctx, repo, e.GetCheckRun().PullRequests[0].GetNumber(), "delivery "+d.ID, text)
}

// onRerequest does a check again, or all if name is "", when somebody asks for
// that on GitHub.
func (b *Bot) onRerequest(ctx context.Context, d store.Delivery, r *gh.Repository, inst *gh.Installation, sender *gh.User, head, name string) error {
	issue, ok := issueOf(head)
	if !ok || isBot(sender) {
		return nil
	}
	repo, err := b.repo(r, inst)
	if err != nil {
		return err
	}
	if ok, err := repo.CanWrite(ctx, sender.GetLogin()); err != nil || !ok {
		return err
	}
	m, err := b.store.MigrationOf(ctx, r.GetID(), issue)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.store.Request(ctx, m.ID, store.Request{ID: "delivery " + d.ID, Recheck: true, Check: name})
}

// lookAt asks for a look at the migration of an issue, if it has one.
func (b *Bot) lookAt(ctx context.Context, repository int64, issue int) error {
	m, err := b.store.MigrationOf(ctx, repository, issue)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.store.Enqueue(ctx, m.ID, time.Now())
}

// repo returns the repository that an event is about.
func (b *Bot) repo(r *gh.Repository, inst *gh.Installation) (*github.Repo, error) {
	return b.github.Repo(inst.GetID(), r.GetOwner().GetLogin(), r.GetName())
}

func isBot(u *gh.User) bool { return u.GetType() == "Bot" }
