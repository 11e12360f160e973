package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/check"
)

// A story is being told. It knows nothing but what can be seen on GitHub: it
// looks, does the one thing that a maintainer would do next, and waits for what
// comes of it. So it can be cut short anywhere and told again.
type story struct {
	Options
	user   *user
	url    string // of the GitHub
	begin  time.Time
	issue  *gh.Issue
	phases []chapter
	tests  []tested
}

// A chapter is a phase that is merged.
type chapter struct {
	pull   *gh.PullRequest
	checks []*gh.CheckRun
	change *phases.Change
}

func tell(ctx context.Context, opt Options, w *world) error {
	u, err := newUser(w.url, w.token)
	if err != nil {
		return err
	}
	s := &story{Options: opt, user: u, url: w.url, begin: time.Now()}
	s.say("GitHub at %s, restage at http://%s, all of it in %s", w.url, w.listener.Addr(), opt.Dir)
	if err := s.play(ctx); err != nil {
		return err
	}
	if err := s.sum(ctx); err != nil {
		return err
	}
	if opt.KeepRunning {
		s.say("everything stays up until Ctrl-C; the GitHub takes %s's token %s", maintainer, w.token)
		<-ctx.Done()
	}
	return nil
}

// say tells what happened, one line with the time since the beginning.
func (s *story) say(format string, args ...any) {
	fmt.Fprintf(s.Out, "%6.1fs  %s\n", time.Since(s.begin).Seconds(), fmt.Sprintf(format, args...))
}

// play acts from the issue to its end.
func (s *story) play(ctx context.Context) error {
	first, err := s.firstCommit(ctx)
	if err != nil {
		return err
	}
	if err := s.test(ctx, "before", first); err != nil {
		return err
	}
	if err := s.ask(ctx); err != nil {
		return err
	}
	for i, phase := range phases.All {
		if err := s.carryOut(ctx, i, phase); err != nil {
			return fmt.Errorf("phase %s: %w", phase, err)
		}
	}
	return s.close(ctx)
}

// firstCommit returns the commit that the migration started from.
func (s *story) firstCommit(ctx context.Context) (string, error) {
	issue, err := s.user.findIssue(ctx, planTitle())
	if err != nil || issue == nil {
		return s.newest(ctx, err)
	}
	pulls, err := s.user.pulls(ctx, issue.GetNumber())
	if err != nil || len(pulls) == 0 || pulls[0].GetMergedAt().IsZero() {
		return s.newest(ctx, err)
	}
	return s.user.firstParent(ctx, pulls[0].GetMergeCommitSHA())
}

func (s *story) newest(ctx context.Context, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return s.user.newestCommit(ctx)
}

// planTitle returns the title of the plan: its first heading.
func planTitle() string {
	first, _, _ := strings.Cut(string(planText), "\n")
	return strings.TrimPrefix(first, "# ")
}

// ask opens the issue with the plan and labels it.
func (s *story) ask(ctx context.Context) error {
	issue, err := s.user.findIssue(ctx, planTitle())
	if err != nil {
		return err
	}
	if issue == nil {
		if issue, err = s.user.openIssue(ctx, planTitle(), string(planText)); err != nil {
			return fmt.Errorf("open the issue: %w", err)
		}
	}
	s.say("issue #%d: %s", issue.GetNumber(), issue.GetTitle())
	if !hasLabel(issue, label) {
		if err := s.user.label(ctx, issue.GetNumber(), label); err != nil {
			return fmt.Errorf("label the issue: %w", err)
		}
	}
	s.say("%s puts the label %s on it", maintainer, label)
	s.issue = issue
	return nil
}

// carryOut waits for the pull request of phase i, decides what is asked, and
// merges it.
func (s *story) carryOut(ctx context.Context, i int, phase phases.Phase) error {
	pull, err := s.awaitPull(ctx, i)
	if err != nil {
		return err
	}
	if i == 0 {
		if err := s.preflight(ctx); err != nil {
			return err
		}
	}
	s.say("pull request #%d: %s", pull.GetNumber(), pull.GetTitle())
	if pull.GetMergedAt().IsZero() {
		if err := s.decide(ctx); err != nil {
			return err
		}
		if pull, err = s.awaitPull(ctx, i); err != nil { // the answers may have renewed it
			return err
		}
		if _, err := s.green(ctx, pull); err != nil {
			return err
		}
		if err := s.user.merge(ctx, pull); err != nil {
			return fmt.Errorf("merge #%d: %w", pull.GetNumber(), err)
		}
	}
	c := chapter{}
	if c.pull, err = s.user.pull(ctx, pull.GetNumber()); err != nil {
		return err
	}
	if c.checks, err = s.green(ctx, c.pull); err != nil {
		return err
	}
	s.say("#%d is merged: %d commits, %d checks green", c.pull.GetNumber(), c.pull.GetCommits(), len(c.checks))
	before := s.tests[len(s.tests)-1]
	if err := s.test(ctx, "after "+string(phase), c.pull.GetMergeCommitSHA()); err != nil {
		return err
	}
	if c.change, err = s.compare(ctx, phase, before.dir, s.tests[len(s.tests)-1].dir); err != nil {
		return err
	}
	s.phases = append(s.phases, c)
	return nil
}

// awaitPull waits until the pull request of phase i can be merged, or was.
func (s *story) awaitPull(ctx context.Context, i int) (*gh.PullRequest, error) {
	var pull *gh.PullRequest
	err := s.wait(ctx, "the pull request", func() (bool, error) {
		pulls, err := s.user.pulls(ctx, s.issue.GetNumber())
		if err != nil || len(pulls) <= i {
			return false, err
		}
		pull = pulls[i]
		if !pull.GetMergedAt().IsZero() {
			return true, nil
		}
		status, err := s.status(ctx)
		return strings.Contains(status, fmt.Sprintf("Review #%d and merge it", pull.GetNumber())), err
	})
	return pull, err
}

// question matches the command by which restage wants a decision answered, in
// its status: path and answer.
var question = regexp.MustCompile("`/restage decide (.+?) (\\S+)`")

// decide answers what is open, in one comment, and waits until nothing is.
func (s *story) decide(ctx context.Context) error {
	status, err := s.status(ctx)
	if err != nil {
		return err
	}
	var asked []string
	for _, q := range question.FindAllStringSubmatch(status, -1) {
		asked = append(asked, q[1])
	}
	slices.Sort(asked)
	asked = slices.Compact(asked)
	if len(asked) == 0 {
		return nil
	}
	var lines []string
	for _, path := range asked {
		answer := answers[path]
		if answer == "" {
			return fmt.Errorf("restage asks about %s, which the plan should have settled", path)
		}
		lines = append(lines, fmt.Sprintf("/restage decide %s %s", path, answer))
	}
	body := strings.Join(lines, "\n")
	comments, err := s.user.comments(ctx, s.issue.GetNumber())
	if err != nil {
		return err
	}
	said := func(c *gh.IssueComment) bool { return c.GetUser().GetLogin() == maintainer && c.GetBody() == body }
	if !slices.ContainsFunc(comments, said) {
		if err := s.user.comment(ctx, s.issue.GetNumber(), body); err != nil {
			return fmt.Errorf("comment on the issue: %w", err)
		}
	}
	for _, line := range lines {
		s.say("%s: %s", maintainer, line)
	}
	return s.wait(ctx, "the answers to be followed", func() (bool, error) {
		status, err := s.status(ctx)
		return err == nil && !question.MatchString(status), err
	})
}

// required are the names of the check runs that each pull request must have.
var required = []string{check.Structure, check.Imports, check.Cycles, check.Leftovers}

// green returns the check runs of a pull request that succeeded: all must have,
// but that of the plan's own greps, which find the kept folders in the end, and
// those of commands where none are run.
func (s *story) green(ctx context.Context, pull *gh.PullRequest) ([]*gh.CheckRun, error) {
	runs, err := s.user.checks(ctx, pull.GetHead().GetSHA())
	if err != nil {
		return nil, err
	}
	runs = slices.DeleteFunc(runs, func(run *gh.CheckRun) bool {
		return run.GetConclusion() == "neutral" && (strings.HasSuffix(run.GetName(), " "+check.Plan) || run.GetOutput().GetTitle() == runner.ErrNone.Error())
	})
	for _, run := range runs {
		if run.GetConclusion() != "success" {
			return nil, fmt.Errorf("#%d: the check %q is not green but %q: %s", pull.GetNumber(), run.GetName(),
				run.GetStatus()+" "+run.GetConclusion(), run.GetOutput().GetTitle())
		}
	}
	for _, name := range required {
		if !slices.ContainsFunc(runs, func(r *gh.CheckRun) bool { return r.GetName() == "restage / "+name }) {
			return nil, fmt.Errorf("#%d: the check %q is missing", pull.GetNumber(), "restage / "+name)
		}
	}
	return runs, nil
}

// close waits until restage has closed the issue.
func (s *story) close(ctx context.Context) error {
	err := s.wait(ctx, "the issue to be closed", func() (bool, error) {
		issue, err := s.user.issue(ctx, s.issue.GetNumber())
		return err == nil && issue.GetState() == "closed", err
	})
	if err != nil {
		return err
	}
	s.say("issue #%d is closed", s.issue.GetNumber())
	status, err := s.status(ctx)
	if err != nil {
		return err
	}
	if question.MatchString(status) {
		return fmt.Errorf("issue #%d is closed with open decisions", s.issue.GetNumber())
	}
	pulls, err := s.user.pulls(ctx, s.issue.GetNumber())
	if err != nil {
		return err
	}
	if len(pulls) != len(phases.All) {
		return fmt.Errorf("there are %d pull requests, not %d", len(pulls), len(phases.All))
	}
	last, err := s.user.newestCommit(ctx)
	if err != nil {
		return err
	}
	return s.clone(ctx, last, filepath.Join(s.Dir, "result"))
}

// What comments of restage begin with.
const (
	statusMark    = "<!-- restage:status -->"
	preflightMark = "<!-- restage:preflight -->"
)

// status returns the text of the status comment on the issue, "" if there is
// none yet.
func (s *story) status(ctx context.Context) (string, error) { return s.comment(ctx, statusMark) }

// preflight tells what restage has said before it began.
func (s *story) preflight(ctx context.Context) error {
	text, err := s.comment(ctx, preflightMark)
	if err != nil {
		return err
	}
	_, text, found := strings.Cut(text, "**Risk: ")
	if !found {
		return fmt.Errorf("issue #%d has no comment that says what the plan will do", s.issue.GetNumber())
	}
	risk, _, _ := strings.Cut(text, "\n")
	s.say("restage looks first: risk %s", strings.ReplaceAll(risk, "**", ""))
	return nil
}

// comment returns the comment on the issue that begins with a mark of
// restage's, without that; "" if there is none.
func (s *story) comment(ctx context.Context, mark string) (string, error) {
	comments, err := s.user.comments(ctx, s.issue.GetNumber())
	if err != nil {
		return "", err
	}
	for _, c := range comments {
		if text, ok := strings.CutPrefix(c.GetBody(), mark); ok && c.GetUser().GetType() == "Bot" {
			return strings.TrimSpace(text), nil
		}
	}
	return "", nil
}

// look is how often the maintainer looks whether something happened.
const look = 200 * time.Millisecond

// wait looks until done, and gives up when patience ends, or when restage says
// that it cannot go on.
func (s *story) wait(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, s.Patience)
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		ok, err := done()
		if err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return s.impatient(what, ctx.Err())
		}
	}
}

// impatient says what was waited for in vain, and what restage says to that.
func (s *story) impatient(what string, err error) error {
	if err != context.DeadlineExceeded {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	status, _ := s.status(ctx)
	lines := strings.SplitN(status, "\n", 4)
	if len(lines) > 2 {
		return fmt.Errorf("waited %s in vain for %s; restage says: %s", s.Patience, what, lines[2])
	}
	return fmt.Errorf("waited %s in vain for %s; restage says nothing", s.Patience, what)
}
