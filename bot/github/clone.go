package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/memory"
	"github.com/go-git/go-git/v5/storage/transactional"
)

// maxPack bounds what a clone downloads, in bytes.
const maxPack = 4 << 30

// A Clone holds single commits of a repository, without their history. What
// was fetched lies in a pack in a folder of its own until Close; what Commit
// adds is held in memory. A Clone is for one goroutine, the trees it gives out
// are for several.
type Clone struct {
	repo  *Repo
	dir   string
	heads map[string]string // branch to commit, as the server said

	mu      sync.Mutex            // go-git's storages read one object at a time
	fetched *filesystem.Storage   // what the server has
	fresh   *memory.Storage       // what it lacks
	objects transactional.Storage // both
}

// Clone looks at the branches of the repository and returns a clone that holds
// no commit yet. The caller must Close it.
func (r *Repo) Clone(ctx context.Context) (*Clone, error) {
	session, refs, err := r.uploadPack(ctx)
	if err != nil {
		return nil, fmt.Errorf("cloning %s: %w", r, err)
	}
	session.Close()

	dir, err := os.MkdirTemp(r.app.workDir, "restage-clone-")
	if err != nil {
		return nil, fmt.Errorf("making room for a clone: %w", err)
	}
	c := &Clone{repo: r, dir: dir, heads: map[string]string{}, fresh: memory.NewStorage()}
	for name, hash := range refs.References {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			c.heads[branch] = hash.String()
		}
	}
	c.fetched = filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRUDefault(), filesystem.Options{KeepDescriptors: true})
	c.objects = transactional.NewStorage(c.fetched, c.fresh)
	return c, nil
}

// Close removes the clone from the disk.
func (c *Clone) Close() error {
	return errors.Join(c.fetched.Close(), os.RemoveAll(c.dir))
}

// Head returns the commit that branch was at when the clone was made, and
// whether there is such a branch.
func (c *Clone) Head(branch string) (commit string, ok bool) {
	commit, ok = c.heads[branch]
	return commit, ok
}

// Fetch downloads commits, given by their full hashes, without their history.
func (c *Clone) Fetch(ctx context.Context, commits ...string) error {
	if err := c.fetch(ctx, commits); err != nil {
		return fmt.Errorf("cloning %s: %w", c.repo, err)
	}
	return nil
}

func (c *Clone) fetch(ctx context.Context, commits []string) (err error) {
	session, refs, err := c.repo.uploadPack(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	for _, id := range commits {
		req.Wants = append(req.Wants, plumbing.NewHash(id))
	}
	req.Depth = packp.DepthCommits(1)
	if err := req.Capabilities.Set(capability.Shallow); err != nil {
		return err
	}
	res, err := session.UploadPack(ctx, req)
	if err != nil {
		return c.repo.scrub(err)
	}
	defer res.Close()

	var pack io.Reader = res
	if req.Capabilities.Supports(capability.Sideband64k) {
		pack = sideband.NewDemuxer(sideband.Sideband64k, res)
	}
	if err := packfile.UpdateObjectStorage(c.fetched, &bounded{pack, maxPack}); err != nil {
		return fmt.Errorf("reading what the server sent: %w", err)
	}
	return c.fetched.SetShallow(res.Shallows)
}

// bounded is a reader that fails when there is more than left bytes to read.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, fmt.Errorf("the repository is larger than %d GiB", maxPack>>30)
	}
	return n, err
}

// uploadPack begins to fetch and returns what the server has.
func (r *Repo) uploadPack(ctx context.Context) (transport.UploadPackSession, *packp.AdvRefs, error) {
	client, end, auth, err := r.git(ctx)
	if err != nil {
		return nil, nil, err
	}
	session, err := client.NewUploadPackSession(end, auth)
	if err != nil {
		return nil, nil, r.scrub(err)
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, nil, r.scrub(err)
	}
	return session, refs, nil
}

// git returns what a session of git over HTTP needs. The token is in auth
// alone, which puts it into a header; go-git takes it off again when a
// redirect leads to another host.
func (r *Repo) git(ctx context.Context) (transport.Transport, *transport.Endpoint, *githttp.BasicAuth, error) {
	token, err := r.inst.auth.Token(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	end, err := transport.NewEndpoint(r.URL() + ".git")
	if err != nil {
		return nil, nil, nil, err
	}
	client := githttp.NewClient(&http.Client{Transport: r.inst.limited})
	return client, end, &githttp.BasicAuth{Username: "x-access-token", Password: token}, nil
}

// scrub makes sure that an error of a library that was handed the token does
// not repeat it.
func (r *Repo) scrub(err error) error {
	token, tokenErr := r.inst.auth.Token(context.Background())
	if err == nil || tokenErr != nil || !strings.Contains(err.Error(), token) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), token, "[token]"))
}
