package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/markdown"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// onComment carries out the commands in a comment on an issue or on a pull
// request of the bot.
//
// The reactions tell the author how far it got: eyes when the commands were
// seen, then +1 or, if one of them cannot be followed, confused and a reply.
func (b *Bot) onComment(ctx context.Context, e *gh.IssueCommentEvent) error {
	if e.GetAction() != "created" || isBot(e.GetSender()) || isBot(e.GetComment().GetUser()) {
		return nil
	}
	commands := parseCommands(e.GetComment().GetBody())
	if len(commands) == 0 {
		return nil
	}
	repo, err := b.repo(e.Repo, e.Installation)
	if err != nil {
		return err
	}
	number, who, id := e.GetIssue().GetNumber(), e.GetSender().GetLogin(), e.GetComment().GetID()
	key := fmt.Sprintf("comment %d", id)
	if done, err := b.store.Requested(ctx, key); done || err != nil {
		return err
	}
	allowed, err := repo.CanWrite(ctx, who)
	if err != nil {
		return err
	}
	issue := number
	if e.GetIssue().IsPullRequest() {
		if issue, err = issueOfPull(ctx, repo, number); err != nil {
			return err
		}
	}
	if !allowed {
		return b.refuse(ctx, repo, e.GetRepo().GetID(), issue, number, who, key)
	}
	if err := repo.ReactToComment(ctx, id, "eyes"); err != nil {
		return err
	}
	m, answer, err := b.follow(ctx, repo, e, issue, commands)
	if err != nil {
		return err
	}
	if len(answer.replies) > 0 {
		if err := b.reply(ctx, repo, number, key, strings.Join(answer.replies, "\n\n")); err != nil {
			return err
		}
	}
	reaction := "+1"
	if answer.confused {
		reaction = "confused"
	}
	if err := repo.ReactToComment(ctx, id, reaction); err != nil || m.ID == 0 {
		return err
	}
	// The store comes last: what was asked for changes what the commands mean, if
	// they have to be read again because the process died before.
	answer.request.ID = key
	if err := b.store.Request(ctx, m.ID, answer.request); err != nil {
		return err
	}
	b.log.Info("commands followed", "migration", m.ID, "comment", id,
		"answers", len(answer.request.Answers), "rerun", answer.request.Rerun, "by", who)
	return nil
}

// issueOfPull returns the issue that a pull request belongs to, 0 if it is not
// one of the bot's.
func issueOfPull(ctx context.Context, repo *github.Repo, number int) (int, error) {
	branch, err := repo.PullBranch(ctx, number)
	if err != nil {
		return 0, err
	}
	issue, _ := issueOf(branch)
	return issue, nil
}

// answer is what becomes of the commands in one comment.
type answer struct {
	request  store.Request
	wish     store.Wish // that holds when the request is taken in
	replies  []string   // Markdown
	confused bool       // some command could not be followed
}

// say adds to the reply what it does not say already.
func (a *answer) say(text string) {
	if !slices.Contains(a.replies, text) {
		a.replies = append(a.replies, text)
	}
}

func (a *answer) fail(format string, args ...any) {
	a.confused = true
	a.say(fmt.Sprintf(format, args...))
}

// recheck takes a request to do one check again. To name a second one is to name
// all.
func (b *Bot) recheck(ctx context.Context, m store.Migration, a *answer, name string) error {
	names, err := b.checkNames(ctx, m)
	if err != nil {
		return err
	}
	known, ok := option(strings.TrimPrefix(unquote(name), checkPrefix), names)
	if !ok {
		s := fmt.Sprintf("There is no check called %s.", markdown.Code(name))
		if near := nearest(name, names); near != "" {
			s += fmt.Sprintf(" Did you mean %s?", markdown.Code(near))
		}
		if len(names) > 0 {
			s += " There are " + strings.Join(codes(names), ", ") + "."
		}
		a.fail("%s", s)
		return nil
	}
	if a.request.Recheck && a.request.Check != known {
		known = ""
	}
	a.request.Recheck, a.request.Check = true, known
	return nil
}

// checkNames returns the names of the checks that a migration has.
func (b *Bot) checkNames(ctx context.Context, m store.Migration) ([]string, error) {
	rows, err := b.store.Phases(ctx, m.ID, m.Round)
	if err != nil {
		return nil, err
	}
	var names []string
	for number := range len(phases.All) {
		var r record
		if err := r.read(rows[number+1].Report); err != nil {
			return nil, err
		}
		for _, c := range r.results() {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	return names, nil
}

func codes(names []string) []string {
	var list []string
	for _, n := range names {
		list = append(list, markdown.Code(n))
	}
	return list
}

// readAgain reads the plan of a migration again. What changed is said before it
// is stored: afterwards nobody could tell any more.
func (b *Bot) readAgain(ctx context.Context, repo *github.Repo, m store.Migration, a *answer, comment int64) error {
	issue, err := repo.Issue(ctx, m.Issue)
	if err != nil {
		return err
	}
	now := store.Migration{Plan: issue.GetBody()}
	if err := followLink(ctx, repo, &now); err != nil {
		return err
	}
	if now.State == store.Failed {
		a.fail("%s restage goes on with the plan that it has.", now.Message)
		return nil
	}
	p, err := plan.Read(now.PlanFile, []byte(now.Plan))
	if err != nil {
		a.fail("The plan cannot be read:\n\n%s\nrestage goes on with the plan that it has.", mistakes(err))
		return nil
	}
	changes, err := planChanges(m, p)
	if err != nil {
		return err
	}
	if changes == "" {
		a.say("The plan is as it was.")
		return nil
	}
	a.request.Plan = &store.Plan{File: now.PlanFile, Text: now.Plan}
	return b.reply(ctx, repo, m.Issue, fmt.Sprintf("plan of comment %d", comment), "The plan was read again. This changed:\n\n"+markdown.Block("diff", changes))
}

// planChanges returns how a plan differs from that of the migration, as a diff.
func planChanges(m store.Migration, now *plan.Plan) (string, error) {
	var before []byte
	if p, err := plan.Read(m.PlanFile, []byte(m.Plan)); err == nil {
		if before, err = p.YAML(); err != nil {
			return "", err
		}
	}
	after, err := now.YAML()
	if err != nil {
		return "", err
	}
	const maxLines = 400
	return tree.Compare("the plan before", before, "the plan now", after, maxLines), nil
}

// decide takes an answer to one of decisions.
func (a *answer) decide(c command, decisions []phases.Decision, e *gh.IssueCommentEvent) {
	path, word, ok := c.decision()
	if !ok {
		a.fail("To decide, name a path and an answer: `/restage decide PATH ANSWER`.\n\n%s", decisionsText(decisions))
		return
	}
	i := slices.IndexFunc(decisions, func(d phases.Decision) bool { return samePath(d.Path, path) })
	if i < 0 {
		a.fail("%s", noDecisionText(path, decisions))
		return
	}
	d := decisions[i]
	choice, ok := option(word, d.Options)
	if !ok {
		a.fail("%s cannot be answered with %s. %s", markdown.Code(d.Path), markdown.Code(word), decisionText(d))
		return
	}
	a.request.Answers = append(a.request.Answers, store.Answer{
		Path:     d.Path,
		Answer:   choice,
		Question: d.Question,
		Options:  d.Options,
		By:       e.GetSender().GetLogin(),
		Comment:  e.GetComment().GetID(),
		At:       time.Now(),
	})
}

// decisions returns the questions of a migration, those already answered too:
// an answer may be changed as long as nothing is merged that rests on it.
func (b *Bot) decisions(ctx context.Context, m store.Migration) ([]phases.Decision, error) {
	rows, err := b.store.Phases(ctx, m.ID, m.Round)
	if err != nil {
		return nil, err
	}
	var all []phases.Decision
	add := func(d phases.Decision) {
		if !slices.ContainsFunc(all, func(o phases.Decision) bool { return samePath(o.Path, d.Path) }) {
			all = append(all, d)
		}
	}
	for number := len(phases.All); number > 0; number-- { // what was computed last is the truest
		var r record
		if err := r.read(rows[number].Report); err != nil {
			return nil, err
		}
		for _, d := range r.Decisions {
			add(d)
		}
	}
	answers, err := b.store.Answers(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	for _, a := range answers {
		add(phases.Decision{Path: a.Path, Question: a.Question, Options: a.Options})
	}
	return all, nil
}

// refuse tells somebody without write permission, once for an issue and its pull
// requests, that the bot does not act for them: in the conversation of that number,
// where the request with that ID was made.
func (b *Bot) refuse(ctx context.Context, repo *github.Repo, repository int64, issue, number int, who, request string) error {
	first, err := b.store.Refuse(ctx, repository, cmp.Or(issue, number), who, request)
	if !first || err != nil {
		return err
	}
	return b.reply(ctx, repo, number, "refusal "+who, fmt.Sprintf(
		"Thank you, %s. restage acts only for people who may write to this repository; please ask one of them.", markdown.Code(who)))
}

// reply comments on an issue or a pull request unless a comment with that key is
// there already.
func (b *Bot) reply(ctx context.Context, repo *github.Repo, number int, key, body string) error {
	lock, _ := b.replies.LoadOrStore(fmt.Sprintf("%s#%d", repo, number), new(sync.Mutex))
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	mark := marker("reply " + key)
	comments, err := repo.Comments(ctx, number)
	if err != nil {
		return err
	}
	if find(comments, mark) != nil {
		return nil
	}
	if _, err := repo.AddComment(ctx, number, mark+"\n"+github.Clip(body, maxText)); err != nil {
		return err
	}
	b.log.Info("replied", "repository", repo.String(), "number", number, "reply", key)
	return nil
}

// marker returns the hidden first line by which a comment is found again.
func marker(key string) string { return "<!-- restage:" + key + " -->" }

// find returns the first comment with that marker, nil if there is none.
func find(comments []*gh.IssueComment, mark string) *gh.IssueComment {
	for _, c := range comments {
		if strings.HasPrefix(c.GetBody(), mark) {
			return c
		}
	}
	return nil
}
