package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	gh "github.com/google/go-github/v60/github"
)

// BeforeMerge returns the commit of the base branch before a pull request was
// merged, and fetches it and the merge. Merge is the commit that GitHub names as its merge
// commit, head the newest of its own commits, of which there are count.
//
// A merge commit and a squashed one change the commit before them. Rebased
// commits are copies of the pull request's, so that the messages of as many
// commits are the same.
func (c *Clone) BeforeMerge(ctx context.Context, merge, head string, count int) (before string, err error) {
	line, err := c.firstParents(ctx, merge, count)
	if err != nil {
		return "", fmt.Errorf("looking at what was merged as %s: %w", merge, err)
	}
	if len(line[0].ParentHashes) == 0 {
		return "", fmt.Errorf("commit %s has no parent", merge)
	}
	oldest := line[0]
	if len(line[0].ParentHashes) == 1 && count > 1 && len(line) == count {
		own, err := c.firstParents(ctx, head, count)
		if err != nil {
			return "", fmt.Errorf("looking at the commits of %s: %w", head, err)
		}
		if slices.EqualFunc(line, own, sameMessage) {
			oldest = line[count-1]
		}
	}
	if len(oldest.ParentHashes) == 0 {
		return "", fmt.Errorf("commit %s has no parent", oldest.Hash)
	}
	before = oldest.ParentHashes[0].String()
	return before, c.Fetch(ctx, before, merge)
}

func sameMessage(a, b *object.Commit) bool {
	return strings.TrimSpace(a.Message) == strings.TrimSpace(b.Message)
}

// firstParents fetches a commit and those before it, count of them or as many as
// there are, the newest first.
func (c *Clone) firstParents(ctx context.Context, commit string, count int) ([]*object.Commit, error) {
	if err := c.fetch(ctx, count, []string{commit}); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var line []*object.Commit
	for hash := plumbing.NewHash(commit); len(line) < count; {
		obj, err := object.GetCommit(c.objects, hash)
		if err != nil {
			return nil, fmt.Errorf("reading commit %s: %w", hash, err)
		}
		line = append(line, obj)
		if len(obj.ParentHashes) == 0 {
			break
		}
		hash = obj.ParentHashes[0]
	}
	return line, nil
}

// A Touched is a file that two commits do not have alike. Before and After tell
// what each has from anything else, as mode and hash; "" is no file.
type Touched struct {
	Path   string `json:"path"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Touched returns the files that two commits that were fetched do not have alike,
// sorted by path.
func (c *Clone) Touched(a, b string) ([]Touched, error) {
	before, err := c.IDs(a)
	if err != nil {
		return nil, err
	}
	after, err := c.IDs(b)
	if err != nil {
		return nil, err
	}
	var list []Touched
	for path, id := range before {
		if after[path] != id {
			list = append(list, Touched{path, id, after[path]})
		}
	}
	for path, id := range after {
		if before[path] == "" {
			list = append(list, Touched{path, "", id})
		}
	}
	slices.SortFunc(list, func(a, b Touched) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// IDs returns what tells the files of a commit that was fetched from any others
// at their paths, by path: see Touched.
func (c *Clone) IDs(commit string) (map[string]string, error) {
	files, err := c.Tree(commit)
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, e := range files.Entries() {
		ids[e.Path] = fmt.Sprintf("%d %s", e.Mode, files.(*commitTree).blobs[e.Path])
	}
	return ids, nil
}

// LastChange returns the newest commit in the history of a commit that changed the
// file at path, "" if there is none.
//
// GitHub REST: List commits.
func (r *Repo) LastChange(ctx context.Context, commit, path string) (string, error) {
	list, _, err := r.rest.Repositories.ListCommits(ctx, r.Owner, r.Name, &gh.CommitsListOptions{
		SHA: commit, Path: path, ListOptions: gh.ListOptions{PerPage: 1},
	})
	if err != nil {
		return "", fmt.Errorf("looking for the last change of %s: %w", path, err)
	}
	if len(list) == 0 {
		return "", nil
	}
	return list[0].GetSHA(), nil
}

// Pushed returns when a branch was last set to a commit, to the second. A GitHub
// that keeps no list of that, or not for so long, is asked when the commit was made,
// as that says itself.
//
// GitHub REST: List repository activities, the newest first; Get a commit object.
func (r *Repo) Pushed(ctx context.Context, branch, commit string) (time.Time, error) {
	query := url.Values{"ref": {"refs/heads/" + branch}, "per_page": {"100"}}
	req, err := r.rest.NewRequest(http.MethodGet, fmt.Sprintf("repos/%s/%s/activity?%s", r.Owner, r.Name, query.Encode()), nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("asking when %s was pushed: %w", commit, err)
	}
	var activities []struct {
		After     string    `json:"after"`
		Timestamp time.Time `json:"timestamp"`
	}
	if _, err := r.rest.Do(ctx, req, &activities); err != nil && !isStatus(err, http.StatusNotFound) {
		return time.Time{}, fmt.Errorf("asking when %s was pushed: %w", commit, err)
	}
	for _, a := range activities {
		if a.After == commit {
			return a.Timestamp, nil
		}
	}
	c, _, err := r.rest.Git.GetCommit(ctx, r.Owner, r.Name, commit)
	if err != nil {
		return time.Time{}, fmt.Errorf("looking at commit %s: %w", commit, err)
	}
	return c.GetCommitter().GetDate().Time, nil
}
