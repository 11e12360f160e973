package github

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	gh "github.com/google/go-github/v60/github"
)

// maxRenames is how many files may be gone, and as many new, for those to be
// paired that are not the same byte for byte.
const maxRenames = 100

// A Change is a file that differs between two commits.
type Change struct {
	Path string
	From string // where it was before, "" if it is new
}

// Changes returns the files of a commit that differ from those of another,
// sorted by path; renamed ones are recognized as git does. Symbolic links,
// submodules, and what Tree leaves out are not among them. The commits must
// have been fetched.
func (c *Clone) Changes(ctx context.Context, from, to string) ([]Change, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, err := c.changes(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("comparing %s with %s: %w", from, to, err)
	}
	return list, nil
}

func (c *Clone) changes(ctx context.Context, from, to string) ([]Change, error) {
	var trees []*object.Tree
	for _, id := range []string{from, to} {
		commit, err := object.GetCommit(c.objects, plumbing.NewHash(id))
		if err != nil {
			return nil, err
		}
		tree, err := commit.Tree()
		if err != nil {
			return nil, err
		}
		trees = append(trees, tree)
	}
	found, err := object.DiffTreeWithOptions(ctx, trees[0], trees[1], &object.DiffTreeOptions{
		DetectRenames: true, RenameScore: 50, RenameLimit: maxRenames,
	})
	if err != nil {
		return nil, err
	}
	var list []Change
	for _, f := range found {
		mode := f.To.TreeEntry.Mode
		if f.To.Name != "" && mode.IsFile() && mode != filemode.Symlink && fs.ValidPath(f.To.Name) && strings.Count(f.To.Name, "/") <= maxDepth {
			list = append(list, Change{f.To.Name, f.From.Name})
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// MergeBase returns the commit where the history of a commit parted from that of
// a branch, "" if they have none in common.
//
// GitHub REST: Compare two commits.
func (r *Repo) MergeBase(ctx context.Context, branch, commit string) (string, error) {
	c, _, err := r.rest.Repositories.CompareCommits(ctx, r.Owner, r.Name, branch, commit, &gh.ListOptions{PerPage: 1})
	if IsGone(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("comparing %s with %s: %w", commit, branch, err)
	}
	return c.GetMergeBaseCommit().GetSHA(), nil
}
