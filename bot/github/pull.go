package github

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

// Pull returns the newest pull request, in any state, from branch of this
// repository that the app opened or whose head is one of the commits own, or
// nil if there is none. What other people open from such a branch is theirs.
//
// GitHub REST: List pull requests.
func (r *Repo) Pull(ctx context.Context, branch string, own map[string]bool) (*gh.PullRequest, error) {
	me, err := r.Identity(ctx)
	if err != nil {
		return nil, err
	}
	pulls, _, err := r.rest.PullRequests.List(ctx, r.Owner, r.Name, &gh.PullRequestListOptions{
		State:       "all",
		Head:        r.Owner + ":" + branch,
		ListOptions: gh.ListOptions{PerPage: 100},
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the pull request of %s: %w", branch, err)
	}
	var newest *gh.PullRequest
	for _, p := range pulls {
		// The owner of a fork in the same account has the same name.
		if p.GetHead().GetRef() != branch || p.GetHead().GetRepo().GetID() != p.GetBase().GetRepo().GetID() {
			continue
		}
		if p.GetUser().GetLogin() != me.Login && !own[p.GetHead().GetSHA()] {
			continue
		}
		if newest == nil || p.GetNumber() > newest.GetNumber() {
			newest = p
		}
	}
	return newest, nil
}

// PullNumber returns the pull request with that number.
//
// GitHub REST: Get a pull request.
func (r *Repo) PullNumber(ctx context.Context, number int) (*gh.PullRequest, error) {
	p, _, err := r.rest.PullRequests.Get(ctx, r.Owner, r.Name, number)
	if err != nil {
		return nil, fmt.Errorf("looking at #%d: %w", number, err)
	}
	return p, nil
}

// OpenPulls returns the open pull requests of the repository that go to a branch,
// or to any if base is "": those that changed last first, at most max (100 at the
// most).
//
// GitHub REST: List pull requests.
func (r *Repo) OpenPulls(ctx context.Context, base string, max int) ([]*gh.PullRequest, error) {
	pulls, _, err := r.rest.PullRequests.List(ctx, r.Owner, r.Name, &gh.PullRequestListOptions{
		State:       "open",
		Base:        base,
		Sort:        "updated",
		Direction:   "desc",
		ListOptions: gh.ListOptions{PerPage: max},
	})
	if err != nil {
		return nil, fmt.Errorf("listing open pull requests: %w", err)
	}
	return pulls, nil
}

// PullFiles returns the paths of the files that a pull request changes, old
// paths of renamed ones too; of a very large one, the first 100 files.
//
// GitHub REST: List pull requests files.
func (r *Repo) PullFiles(ctx context.Context, number int) ([]string, error) {
	list, _, err := r.rest.PullRequests.ListFiles(ctx, r.Owner, r.Name, number, &gh.ListOptions{PerPage: 100})
	if err != nil {
		return nil, fmt.Errorf("listing the files of #%d: %w", number, err)
	}
	var files []string
	for _, f := range list {
		files = append(files, f.GetFilename())
		if old := f.GetPreviousFilename(); old != "" {
			files = append(files, old)
		}
	}
	return files, nil
}

// OpenPull opens a pull request.
//
// GitHub REST: Create a pull request. Accounts whose plan knows no drafts get
// an ordinary one.
func (r *Repo) OpenPull(ctx context.Context, p *gh.NewPullRequest) (*gh.PullRequest, error) {
	pull, _, err := r.rest.PullRequests.Create(ctx, r.Owner, r.Name, p)
	if p.GetDraft() && isStatus(err, http.StatusUnprocessableEntity) {
		plain := *p
		plain.Draft = nil
		pull, _, err = r.rest.PullRequests.Create(ctx, r.Owner, r.Name, &plain)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the pull request of %s: %w", p.GetHead(), err)
	}
	return pull, nil
}

// EditPull gives a pull request a new title and a new body.
//
// GitHub REST: Update a pull request.
func (r *Repo) EditPull(ctx context.Context, number int, title, body string) error {
	_, _, err := r.rest.PullRequests.Edit(ctx, r.Owner, r.Name, number, &gh.PullRequest{Title: &title, Body: &body})
	if err != nil {
		return fmt.Errorf("editing #%d: %w", number, err)
	}
	return nil
}

// ReopenPull opens a closed pull request again and reports whether GitHub let
// it: not when its branch is gone or was pushed to since.
//
// GitHub REST: Update a pull request.
func (r *Repo) ReopenPull(ctx context.Context, number int) (bool, error) {
	_, _, err := r.rest.PullRequests.Edit(ctx, r.Owner, r.Name, number, &gh.PullRequest{State: gh.String("open")})
	if isStatus(err, http.StatusUnprocessableEntity) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("opening #%d again: %w", number, err)
	}
	return true, nil
}

// ClosePull closes a pull request without merging it.
//
// GitHub REST: Update a pull request.
func (r *Repo) ClosePull(ctx context.Context, number int) error {
	_, _, err := r.rest.PullRequests.Edit(ctx, r.Owner, r.Name, number, &gh.PullRequest{State: gh.String("closed")})
	if err != nil {
		return fmt.Errorf("closing #%d: %w", number, err)
	}
	return nil
}

// PullBranch returns the branch of this repository that a pull request comes
// from, "" if it comes from a fork.
//
// GitHub REST: Get a pull request.
func (r *Repo) PullBranch(ctx context.Context, number int) (string, error) {
	p, err := r.PullNumber(ctx, number)
	if err != nil {
		return "", err
	}
	if p.GetHead().GetRepo().GetID() != p.GetBase().GetRepo().GetID() {
		return "", nil
	}
	return p.GetHead().GetRef(), nil
}

// AskReviewers asks users, and teams given as org/team, to review a pull
// request. It reports whether GitHub accepts all of them; it does not accept
// those who have no access to the repository.
//
// GitHub REST: Request reviewers for a pull request.
func (r *Repo) AskReviewers(ctx context.Context, number int, names []string) (ok bool, err error) {
	var who gh.ReviewersRequest
	for _, name := range names {
		if _, team, ok := strings.Cut(name, "/"); ok {
			who.TeamReviewers = append(who.TeamReviewers, team)
		} else {
			who.Reviewers = append(who.Reviewers, name)
		}
	}
	_, _, err = r.rest.PullRequests.RequestReviewers(ctx, r.Owner, r.Name, number, who)
	if isStatus(err, http.StatusUnprocessableEntity) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking for reviews of #%d: %w", number, err)
	}
	return true, nil
}
