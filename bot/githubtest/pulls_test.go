package githubtest_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"
	"github.com/restage/restage/bot/githubtest"
)

// git runs git as a person would, with nothing of this machine's settings.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := tryGit(dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryGit(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Bob", "GIT_AUTHOR_EMAIL=bob@example.com", "GIT_AUTHOR_DATE=2024-02-01T00:00:00Z",
		"GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.com", "GIT_COMMITTER_DATE=2024-02-01T00:00:00Z")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// clone clones ada/engine as login and returns the folder.
func (w *world) clone(t *testing.T, login string, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	url := strings.Replace(w.URL(), "://", "://"+login+":"+w.token[login]+"@", 1) + "/ada/engine.git"
	git(t, ".", append(append([]string{"clone", "-q"}, args...), url, dir)...)
	return dir
}

// commit writes files and commits them on a branch, which it pushes.
func commit(t *testing.T, dir, branch, message string, pairs ...string) string {
	t.Helper()
	git(t, dir, "checkout", "-q", "-B", branch)
	for i := 0; i < len(pairs); i += 2 {
		write(t, filepath.Join(dir, pairs[i]), pairs[i+1])
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", message)
	git(t, dir, "push", "-q", "origin", branch)
	return git(t, dir, "rev-parse", "HEAD")
}

func newPull(title, head, base string) *github.NewPullRequest {
	return &github.NewPullRequest{Title: &title, Head: &head, Base: &base, Body: github.String("why")}
}

func TestPullRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	base := git(t, dir, "rev-parse", "HEAD")
	commit(t, dir, "work", "One", "c.txt", "c\n")
	head := commit(t, dir, "work", "Two\n\nMore.", "a.txt", "one\n2\n")
	same(t, "events", w.events(t), "[installation created push create check_suite requested push check_suite requested]")

	p, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
	check(t, err)
	same(t, "new", []any{p.GetNumber(), p.GetState(), p.GetMergeable(), p.GetMergeableState(), p.GetCommits(), p.GetChangedFiles(),
		p.GetAdditions(), p.GetDeletions(), p.GetHead().GetSHA() == head, p.GetBase().GetSHA() == base},
		"[1 open true clean 2 2 2 1 true true]")
	same(t, "events", w.events(t), "[pull_request opened]")

	for _, c := range []struct{ head, base, want string }{
		{"work", "main", "A pull request already exists for ada:work."},
		{"main", "main", "No commits between main and main"},
		{"nope", "main", "head"},
		{"work", "nope", "base"},
		{"someone:work", "main", "head"},
		{"work~1", "main", "head"},
		{"work", "main^", "base"},
	} {
		_, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", c.head, c.base))
		wantError(t, err, 422, c.want)
	}
	for filter, want := range map[github.PullRequestListOptions]int{
		{}:                                 1,
		{Head: "ada:work"}:                 1,
		{Head: "ada:other"}:                0,
		{Base: "other"}:                    0,
		{State: "closed"}:                  0,
		{State: "all", Head: "ada:work"}:   1,
		{Base: "main", Direction: "asc"}:   1,
		{Sort: "updated", Head: "ignored"}: 1,
	} {
		found, _, err := w.bot.PullRequests.List(ctx, "ada", "engine", &filter)
		check(t, err)
		same(t, fmt.Sprintf("%+v", filter), len(found), want)
	}
	commits, _, err := w.bot.PullRequests.ListCommits(ctx, "ada", "engine", 1, nil)
	check(t, err)
	same(t, "commits", commits[0].GetCommit().GetMessage()+"|"+commits[1].GetCommit().GetMessage(), "One|Two\n\nMore.")
	changed, _, err := w.bot.PullRequests.ListFiles(ctx, "ada", "engine", 1, nil)
	check(t, err)
	same(t, "files", []any{changed[0].GetFilename(), changed[0].GetStatus(), changed[1].GetPatch()}, "[a.txt modified @@ -0,0 +1 @@\n+c]")

	_, _, err = w.bot.Issues.AddLabelsToIssue(ctx, "ada", "engine", 1, []string{"bug"})
	check(t, err)
	_, _, err = w.ada.Issues.CreateComment(ctx, "ada", "engine", 1, &github.IssueComment{Body: github.String("nice")})
	check(t, err)
	commit(t, dir, "work", "Three", "c.txt", "cc\n")
	same(t, "events", w.events(t), "[pull_request labeled issue_comment created push pull_request synchronize check_suite requested]")

	_, _, err = w.bot.PullRequests.Edit(ctx, "ada", "engine", 1, &github.PullRequest{Title: github.String("Better"), State: github.String("closed")})
	check(t, err)
	_, err = w.bot.Git.DeleteRef(ctx, "ada", "engine", "heads/work")
	check(t, err)
	_, _, err = w.bot.PullRequests.Edit(ctx, "ada", "engine", 1, &github.PullRequest{State: github.String("open")})
	wantError(t, err, 422, "branch was deleted")
	p, _, err = w.ada.PullRequests.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "closed", []any{p.GetTitle(), p.GetState(), p.GetMerged(), p.GetCommits()}, "[Better closed false 3]")
	same(t, "events", w.events(t), "[pull_request edited pull_request closed push delete]")
	same(t, "its commits stay", git(t, dir, "ls-remote", "origin", "refs/pull/*"), p.GetHead().GetSHA()+"\trefs/pull/1/head")
}

func TestRequestedReviewers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	commit(t, dir, "work", "One", "c.txt", "c\n")
	_, _, err := w.bob.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
	check(t, err)
	w.events(t)

	for _, c := range []struct {
		ask  github.ReviewersRequest
		want string
	}{
		{github.ReviewersRequest{Reviewers: []string{"ada", "bob"}}, "Review cannot be requested from pull request author."},
		{github.ReviewersRequest{Reviewers: []string{"ada", "eve"}}, "not a collaborator of the ada/engine repository"},
		{github.ReviewersRequest{Reviewers: []string{"nobody"}}, "not a collaborator"},
		{github.ReviewersRequest{TeamReviewers: []string{"crew"}}, "not a collaborator"},
	} {
		_, _, err := w.bot.PullRequests.RequestReviewers(ctx, "ada", "engine", 1, c.ask)
		wantError(t, err, 422, c.want)
	}
	_, _, err = w.eve.PullRequests.RequestReviewers(ctx, "ada", "engine", 1, github.ReviewersRequest{Reviewers: []string{"ada"}})
	wantError(t, err, 404, "Not Found")
	same(t, "events", w.events(t), "[]")

	for range 2 {
		p, resp, err := w.bot.PullRequests.RequestReviewers(ctx, "ada", "engine", 1, github.ReviewersRequest{Reviewers: []string{"Ada"}})
		check(t, err)
		same(t, "asked", []any{resp.StatusCode, len(p.RequestedReviewers), p.RequestedReviewers[0].GetLogin()}, "[201 1 ada]")
	}
	same(t, "events", w.events(t), "[pull_request review_requested]")
	p, _, err := w.ada.PullRequests.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "asked", len(p.RequestedReviewers), 1)
}

// A label made on the fly has no description. Lists of pull requests have an
// empty one in its place.
func TestLabelOfPullRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	commit(t, dir, "work", "One", "c.txt", "c\n")
	_, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
	check(t, err)
	_, _, err = w.bot.Issues.AddLabelsToIssue(ctx, "ada", "engine", 1, []string{"fresh"})
	check(t, err)
	found, _, err := w.bot.PullRequests.List(ctx, "ada", "engine", nil)
	check(t, err)
	same(t, "in a list", *found[0].Labels[0].Description, "")
	one, _, err := w.bot.PullRequests.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "alone", one.Labels[0].Description == nil, true)
}

func TestMerge(t *testing.T) {
	t.Parallel()
	const by = "--format=%an <%ae>, %cn <%ce>: %B"
	for _, c := range []struct{ method, parents, log string }{
		{"merge", "2", "ada <ID+ada@users.noreply.github.com>, GitHub <noreply@github.com>: Merge pull request #1 from ada/work\n\nWork"},
		{"squash", "1", "mover[bot] <ID+mover[bot]@users.noreply.github.com>, GitHub <noreply@github.com>: Work (#1)\n\n* One\n\n* Two"},
		{"rebase", "1", "Bob <bob@example.com>, ada <ID+ada@users.noreply.github.com>: Two"},
	} {
		t.Run(c.method, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			dir := w.clone(t, "bob")
			commit(t, dir, "work", "One", "c.txt", "c\n")
			head := commit(t, dir, "work", "Two", "d.txt", "d\n")
			git(t, dir, "checkout", "-q", "main")
			commit(t, dir, "main", "Meanwhile", "e.txt", "e\n")
			_, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
			check(t, err)
			w.events(t)

			_, _, err = w.ada.PullRequests.Merge(ctx, "ada", "engine", 1, "", &github.PullRequestOptions{MergeMethod: c.method, SHA: strings.Repeat("a", 40)})
			wantError(t, err, 409, "Head branch was modified")
			_, _, err = w.ada.PullRequests.Merge(ctx, "ada", "engine", 1, "", &github.PullRequestOptions{MergeMethod: "octopus"})
			wantError(t, err, 422, "merge_method")
			m, _, err := w.ada.PullRequests.Merge(ctx, "ada", "engine", 1, "", &github.PullRequestOptions{MergeMethod: c.method, SHA: head})
			check(t, err)
			same(t, "events", w.events(t), "[pull_request closed push check_suite requested]")
			p, _, err := w.bot.PullRequests.Get(ctx, "ada", "engine", 1)
			check(t, err)
			same(t, "merged", []any{p.GetState(), p.GetMerged(), p.GetMergedBy().GetLogin(), p.GetMergeCommitSHA() == m.GetSHA(), p.GetCommits(), p.GetChangedFiles()},
				"[closed true ada true 2 2]")

			git(t, dir, "pull", "-q", "--ff-only")
			same(t, "base", git(t, dir, "rev-parse", "HEAD"), m.GetSHA())
			same(t, "files", git(t, dir, "ls-files"), "a.txt\nc.txt\nd.txt\ndir/b c.txt\ne.txt")
			same(t, "parents", len(strings.Fields(git(t, dir, "log", "-1", "--format=%P"))), c.parents)
			user, _, err := w.ada.Users.Get(ctx, strings.TrimPrefix(strings.SplitN(c.log, " ", 2)[0], "Bob"))
			if c.method == "rebase" {
				user, _, err = w.ada.Users.Get(ctx, "ada")
			}
			check(t, err)
			same(t, "commit", git(t, dir, "log", "-1", by), strings.ReplaceAll(c.log, "ID", fmt.Sprint(user.GetID())))

			_, _, err = w.ada.PullRequests.Merge(ctx, "ada", "engine", 1, "", nil)
			wantError(t, err, 405, "not mergeable")
		})
	}
}

func TestMergeConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	commit(t, dir, "work", "One", "a.txt", "mine\n")
	git(t, dir, "checkout", "-q", "main")
	_, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
	check(t, err)
	before := commit(t, dir, "main", "Meanwhile", "a.txt", "theirs\n")
	p, _, err := w.bot.PullRequests.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "conflict", []any{p.GetMergeable(), p.GetMergeableState()}, "[false dirty]")
	for _, method := range []string{"merge", "squash", "rebase"} {
		_, _, err = w.ada.PullRequests.Merge(ctx, "ada", "engine", 1, "", &github.PullRequestOptions{MergeMethod: method})
		wantError(t, err, 405, "")
	}
	ref, _, err := w.ada.Git.GetRef(ctx, "ada", "engine", "heads/main")
	check(t, err)
	same(t, "base", ref.GetObject().GetSHA(), before)
	_, _, err = w.eve.PullRequests.Merge(ctx, "ada", "engine", 1, "", nil)
	wantError(t, err, 404, "Not Found")
}

// Commits that arrive in the base by a push are a merge too.
func TestMergedByPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	head := commit(t, dir, "work", "One", "c.txt", "c\n")
	_, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
	check(t, err)
	git(t, dir, "push", "-q", "origin", "work:main")
	p, _, err := w.bot.PullRequests.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "merged", []any{p.GetState(), p.GetMerged(), p.GetMergedBy().GetLogin(), p.GetMergeCommitSHA() == head, p.GetCommits()}, "[closed true bob true 1]")
}
