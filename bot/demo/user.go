package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

// A user is a maintainer at their browser: all they know and do goes through
// GitHub's REST API, with a token of their own. They look before they act, so
// that to act again is harmless.
type user struct {
	api *gh.Client
}

func newUser(url, token string) (*user, error) {
	api, err := gh.NewClient(nil).WithAuthToken(token).WithEnterpriseURLs(url, url)
	if err != nil {
		return nil, err
	}
	return &user{api}, nil
}

// everything asks for pages until there are no more.
func everything[T any](get func(gh.ListOptions) ([]T, *gh.Response, error)) ([]T, error) {
	var all []T
	page := gh.ListOptions{PerPage: 100}
	for {
		some, resp, err := get(page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if resp.NextPage == 0 {
			return all, nil
		}
		page.Page = resp.NextPage
	}
}

// findIssue returns the issue with that title, nil if there is none.
func (u *user) findIssue(ctx context.Context, title string) (*gh.Issue, error) {
	issues, err := everything(func(page gh.ListOptions) ([]*gh.Issue, *gh.Response, error) {
		return u.api.Issues.ListByRepo(ctx, owner, repository, &gh.IssueListByRepoOptions{State: "all", ListOptions: page})
	})
	i := slices.IndexFunc(issues, func(i *gh.Issue) bool { return !i.IsPullRequest() && i.GetTitle() == title })
	if err != nil || i < 0 {
		return nil, err
	}
	return issues[i], nil
}

func (u *user) openIssue(ctx context.Context, title, body string) (*gh.Issue, error) {
	issue, _, err := u.api.Issues.Create(ctx, owner, repository, &gh.IssueRequest{Title: &title, Body: &body})
	return issue, err
}

func (u *user) issue(ctx context.Context, number int) (*gh.Issue, error) {
	issue, _, err := u.api.Issues.Get(ctx, owner, repository, number)
	return issue, err
}

func (u *user) label(ctx context.Context, issue int, name string) error {
	_, _, err := u.api.Issues.AddLabelsToIssue(ctx, owner, repository, issue, []string{name})
	return err
}

func hasLabel(issue *gh.Issue, name string) bool {
	return slices.ContainsFunc(issue.Labels, func(l *gh.Label) bool { return l.GetName() == name })
}

// pulls returns all pull requests from the bot's branches for an issue, by
// number.
func (u *user) pulls(ctx context.Context, issue int) ([]*gh.PullRequest, error) {
	pulls, err := everything(func(page gh.ListOptions) ([]*gh.PullRequest, *gh.Response, error) {
		return u.api.PullRequests.List(ctx, owner, repository, &gh.PullRequestListOptions{State: "all", Sort: "created", Direction: "asc", ListOptions: page})
	})
	prefix := fmt.Sprintf("restage/%d/", issue)
	return slices.DeleteFunc(pulls, func(p *gh.PullRequest) bool { return !strings.HasPrefix(p.GetHead().GetRef(), prefix) }), err
}

// pull returns one pull request with what only that shows, such as the number
// of its commits.
func (u *user) pull(ctx context.Context, number int) (*gh.PullRequest, error) {
	pull, _, err := u.api.PullRequests.Get(ctx, owner, repository, number)
	return pull, err
}

// merge merges a pull request, unless its head moved.
func (u *user) merge(ctx context.Context, pull *gh.PullRequest) error {
	_, _, err := u.api.PullRequests.Merge(ctx, owner, repository, pull.GetNumber(), "", &gh.PullRequestOptions{
		SHA:         pull.GetHead().GetSHA(),
		MergeMethod: "merge",
	})
	return err
}

// checks returns the newest check run of each name on a commit.
func (u *user) checks(ctx context.Context, commit string) ([]*gh.CheckRun, error) {
	return everything(func(page gh.ListOptions) ([]*gh.CheckRun, *gh.Response, error) {
		found, resp, err := u.api.Checks.ListCheckRunsForRef(ctx, owner, repository, commit, &gh.ListCheckRunsOptions{ListOptions: page})
		if err != nil {
			return nil, nil, err
		}
		return found.CheckRuns, resp, nil
	})
}

func (u *user) comments(ctx context.Context, issue int) ([]*gh.IssueComment, error) {
	return everything(func(page gh.ListOptions) ([]*gh.IssueComment, *gh.Response, error) {
		return u.api.Issues.ListComments(ctx, owner, repository, issue, &gh.IssueListCommentsOptions{ListOptions: page})
	})
}

func (u *user) comment(ctx context.Context, issue int, body string) error {
	_, _, err := u.api.Issues.CreateComment(ctx, owner, repository, issue, &gh.IssueComment{Body: &body})
	return err
}

// newestCommit returns the newest commit of the default branch.
func (u *user) newestCommit(ctx context.Context) (string, error) {
	commits, _, err := u.api.Repositories.ListCommits(ctx, owner, repository, &gh.CommitsListOptions{ListOptions: gh.ListOptions{PerPage: 1}})
	if err != nil {
		return "", err
	}
	if len(commits) == 0 {
		return "", fmt.Errorf("%s/%s has no commits", owner, repository)
	}
	return commits[0].GetSHA(), nil
}

// firstParent returns the commit that a merge went onto.
func (u *user) firstParent(ctx context.Context, merge string) (string, error) {
	commit, _, err := u.api.Repositories.GetCommit(ctx, owner, repository, merge, nil)
	if err != nil {
		return "", err
	}
	if len(commit.Parents) == 0 {
		return "", fmt.Errorf("commit %s has no parents", merge)
	}
	return commit.Parents[0].GetSHA(), nil
}
