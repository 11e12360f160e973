package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// ErrForeign says that a branch has commits that are not the app's own.
var ErrForeign = errors.New("the branch has commits that restage did not make")

// A RefusedError says that the server understood a push and did not take it:
// the branch is protected, for example, or the app may not change workflows.
type RefusedError struct{ Reason string }

// Error implements error.
func (e *RefusedError) Error() string { return "refused by the server: " + e.Reason }

// deltaWindow is git's own default: how many objects are tried when looking
// for a small difference to send.
const deltaWindow = 10

// Push makes branch point to a commit made by Commit. A branch that is not
// there is created. One that is there is replaced only if own says that its
// present commit is the app's; else the error is ErrForeign. The server
// replaces exactly that commit or, if somebody pushed in between, nothing.
// Push reports whether anything was to be done.
func (c *Clone) Push(ctx context.Context, branch, commit string, own func(commit string) bool) (pushed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if pushed, err = c.push(ctx, branch, commit, own); err != nil {
		return false, fmt.Errorf("pushing %s to %s: %w", branch, c.repo, err)
	}
	return pushed, nil
}

// DeleteBranch deletes a branch if own says that its present commit is the app's,
// and reports whether it did. A branch that is not there, or that somebody else
// pushed to, is left as it is.
func (c *Clone) DeleteBranch(ctx context.Context, branch string, own func(commit string) bool) (deleted bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	deleted, err = c.push(ctx, branch, plumbing.ZeroHash.String(), own)
	if err != nil && !errors.Is(err, ErrForeign) {
		return false, fmt.Errorf("deleting %s of %s: %w", branch, c.repo, err)
	}
	return deleted, nil
}

// push makes branch point to commit, or deletes it if that is the zero hash.
func (c *Clone) push(ctx context.Context, branch, commit string, own func(string) bool) (bool, error) {
	client, end, auth, err := c.repo.git(ctx)
	if err != nil {
		return false, err
	}
	session, err := client.NewReceivePackSession(end, auth)
	if err != nil {
		return false, scrub(err, auth)
	}
	defer session.Close()
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return false, scrub(err, auth)
	}

	name := plumbing.NewBranchReferenceName(branch)
	tip, there := refs.References[name.String()]
	switch {
	case tip.String() == commit: // both zero: it is not there, and is not to be
		return false, nil
	case there && !own(tip.String()):
		return false, ErrForeign
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(refs.Capabilities)
	req.Commands = []*packp.Command{{Name: name, Old: tip, New: plumbing.NewHash(commit)}}
	if !req.Commands[0].New.IsZero() {
		pack, err := c.pack()
		if err != nil {
			return false, err
		}
		req.Packfile = io.NopCloser(pack)
	}
	report, err := session.ReceivePack(ctx, req)
	if err != nil && report != nil {
		return false, &RefusedError{Reason: scrub(err, auth).Error()}
	}
	if err != nil {
		return false, scrub(err, auth)
	}
	return true, nil
}

// pack returns a pack of all that the server lacks.
func (c *Clone) pack() (*bytes.Buffer, error) {
	var hashes []plumbing.Hash
	for hash := range c.fresh.Objects {
		hashes = append(hashes, hash)
	}
	plumbing.HashesSort(hashes)
	buf := new(bytes.Buffer)
	if _, err := packfile.NewEncoder(buf, c.fresh, false).Encode(hashes, deltaWindow); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return buf, nil
}
