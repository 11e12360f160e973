package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/restage/restage/phases/tree"
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

// Changed returns the paths of the files that two commits that were fetched do not
// have alike, sorted.
func (c *Clone) Changed(a, b string) ([]string, error) {
	before, err := c.Tree(a)
	if err != nil {
		return nil, err
	}
	after, err := c.Tree(b)
	if err != nil {
		return nil, err
	}
	old, now := before.(*commitTree), after.(*commitTree)
	var paths []string
	for _, e := range old.entries {
		is, ok := tree.Find(after, e.Path)
		if !ok || is != e || old.blobs[e.Path] != now.blobs[e.Path] {
			paths = append(paths, e.Path)
		}
	}
	for _, e := range now.entries {
		if _, ok := tree.Find(before, e.Path); !ok {
			paths = append(paths, e.Path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}
