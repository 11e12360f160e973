package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

// MaxBody is how long the text of an issue, a comment or a pull request may
// be, in characters.
const MaxBody = 65536

// Issue returns an issue.
//
// GitHub REST: Get an issue.
func (r *Repo) Issue(ctx context.Context, number int) (*gh.Issue, error) {
	issue, _, err := r.rest.Issues.Get(ctx, r.Owner, r.Name, number)
	if err != nil {
		return nil, fmt.Errorf("looking at #%d: %w", number, err)
	}
	return issue, nil
}

// CloseIssue closes an issue as completed.
//
// GitHub REST: Update an issue.
func (r *Repo) CloseIssue(ctx context.Context, number int) error {
	_, _, err := r.rest.Issues.Edit(ctx, r.Owner, r.Name, number, &gh.IssueRequest{
		State:       gh.String("closed"),
		StateReason: gh.String("completed"),
	})
	if err != nil {
		return fmt.Errorf("closing #%d: %w", number, err)
	}
	return nil
}

// Comments returns the comments of an issue or a pull request that the app
// itself wrote, oldest first. A hidden marker in a comment of somebody else
// means nothing.
//
// GitHub REST: List issue comments.
func (r *Repo) Comments(ctx context.Context, issue int) ([]*gh.IssueComment, error) {
	me, err := r.Identity(ctx)
	if err != nil {
		return nil, err
	}
	comments, err := all(func(page gh.ListOptions) ([]*gh.IssueComment, *gh.Response, error) {
		return r.rest.Issues.ListComments(ctx, r.Owner, r.Name, issue, &gh.IssueListCommentsOptions{ListOptions: page})
	})
	if err != nil {
		return nil, fmt.Errorf("listing the comments of #%d: %w", issue, err)
	}
	var own []*gh.IssueComment
	for _, c := range comments {
		if c.GetUser().GetLogin() == me.Login {
			own = append(own, c)
		}
	}
	return own, nil
}

// AddComment comments on an issue or a pull request.
//
// GitHub REST: Create an issue comment.
func (r *Repo) AddComment(ctx context.Context, issue int, body string) (*gh.IssueComment, error) {
	c, _, err := r.rest.Issues.CreateComment(ctx, r.Owner, r.Name, issue, &gh.IssueComment{Body: &body})
	if err != nil {
		return nil, fmt.Errorf("commenting on #%d: %w", issue, err)
	}
	return c, nil
}

// EditComment gives a comment a new text.
//
// GitHub REST: Update an issue comment.
func (r *Repo) EditComment(ctx context.Context, id int64, body string) error {
	if _, _, err := r.rest.Issues.EditComment(ctx, r.Owner, r.Name, id, &gh.IssueComment{Body: &body}); err != nil {
		return fmt.Errorf("editing comment %d: %w", id, err)
	}
	return nil
}

// ReactToComment adds a reaction, such as "eyes", to a comment of an issue or
// a pull request. GitHub keeps one of each: doing it again changes nothing.
//
// GitHub REST: Create reaction for an issue comment.
func (r *Repo) ReactToComment(ctx context.Context, id int64, content string) error {
	if _, _, err := r.rest.Reactions.CreateIssueCommentReaction(ctx, r.Owner, r.Name, id, content); err != nil {
		return fmt.Errorf("reacting to comment %d: %w", id, err)
	}
	return nil
}

// ReactToIssue adds a reaction to an issue, as ReactToComment does.
//
// GitHub REST: Create reaction for an issue.
func (r *Repo) ReactToIssue(ctx context.Context, number int, content string) error {
	if _, _, err := r.rest.Reactions.CreateIssueReaction(ctx, r.Owner, r.Name, number, content); err != nil {
		return fmt.Errorf("reacting to #%d: %w", number, err)
	}
	return nil
}

// AddLabels puts labels on an issue or a pull request; those that it has stay.
//
// GitHub REST: Add labels to an issue.
func (r *Repo) AddLabels(ctx context.Context, number int, labels []string) error {
	if _, _, err := r.rest.Issues.AddLabelsToIssue(ctx, r.Owner, r.Name, number, labels); err != nil {
		return fmt.Errorf("labelling #%d: %w", number, err)
	}
	return nil
}

// LabelledBy returns who put a label on an issue last, nil if GitHub does not say
// so.
//
// GitHub REST: List issue events, which come oldest first.
func (r *Repo) LabelledBy(ctx context.Context, issue int, label string) (*gh.User, error) {
	events, err := all(func(page gh.ListOptions) ([]*gh.IssueEvent, *gh.Response, error) {
		return r.rest.Issues.ListIssueEvents(ctx, r.Owner, r.Name, issue, &page)
	})
	if err != nil {
		return nil, fmt.Errorf("asking who labelled #%d: %w", issue, err)
	}
	for _, e := range slices.Backward(events) {
		if e.GetEvent() == "labeled" && strings.EqualFold(e.GetLabel().GetName(), label) {
			return e.GetActor(), nil
		}
	}
	return nil, nil
}

// SameText reports whether two texts are the same to GitHub, which may give
// back other line ends than it was given.
func SameText(a, b string) bool { return normal(a) == normal(b) }

func normal(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
