package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

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

// maxAge is longer than a clone is ever in use.
const maxAge = 24 * time.Hour

// clonePrefix begins the names of the folders that clones lie in.
const clonePrefix = "restage-clone-"

// sweep removes clones that a process left in dir when it was killed: all of
// them if alone says that no other process uses dir, else those older than any
// work takes.
func sweep(dir string, alone bool) {
	left, _ := filepath.Glob(filepath.Join(dir, clonePrefix+"*"))
	for _, clone := range left {
		if info, err := os.Lstat(clone); err == nil && (alone || time.Since(info.ModTime()) > maxAge) {
			os.RemoveAll(clone)
		}
	}
}

// claim sweeps the work folder dir, which this process uses from then on as long
// as the file that claim returns is open. That is told by a lock on the folder,
// which dies with its process: whoever uses the folder shares it, so who gets
// it alone is alone.
func claim(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the work folder: %w", err)
	}
	sweep(dir, syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil)
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH); err != nil {
		return nil, errors.Join(fmt.Errorf("locking the work folder %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// A Clone holds single commits of a repository, without their history. What
// was fetched lies in a pack in a folder of its own until Close; what Commit
// adds is held in memory. A Clone is for one goroutine, the trees it gives out
// are for several.
type Clone struct {
	repo    *Repo
	dir     string
	auth    *githttp.BasicAuth
	session transport.UploadPackSession
	refs    *packp.AdvRefs // what the server had when the clone was made

	mu      sync.Mutex            // go-git's storages read one object at a time
	fetched *filesystem.Storage   // what the server has
	fresh   *memory.Storage       // what it lacks
	objects transactional.Storage // both
}

// Clone looks at the branches of the repository and returns a clone that holds
// no commit yet. The caller must Close it.
func (r *Repo) Clone(ctx context.Context) (*Clone, error) {
	client, end, auth, err := r.git(ctx)
	if err != nil {
		return nil, fmt.Errorf("cloning %s: %w", r, err)
	}
	session, err := client.NewUploadPackSession(end, auth)
	if err != nil {
		return nil, fmt.Errorf("cloning %s: %w", r, scrub(err, auth))
	}
	refs, err := session.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		refs, err = packp.NewAdvRefs(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("cloning %s: %w", r, scrub(err, auth))
	}
	dir, err := os.MkdirTemp(r.app.workDir, clonePrefix)
	if err != nil {
		return nil, fmt.Errorf("making room for a clone: %w", err)
	}
	c := &Clone{repo: r, dir: dir, auth: auth, session: session, refs: refs, fresh: memory.NewStorage()}
	c.fetched = filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRUDefault(), filesystem.Options{KeepDescriptors: true})
	c.objects = transactional.NewStorage(c.fetched, c.fresh)
	return c, nil
}

// Close removes the clone from the disk.
func (c *Clone) Close() error {
	return errors.Join(c.session.Close(), c.fetched.Close(), os.RemoveAll(c.dir))
}

// Head returns the commit that branch was at when the clone was made, and
// whether there is such a branch.
func (c *Clone) Head(branch string) (commit string, ok bool) {
	hash, ok := c.refs.References[plumbing.NewBranchReferenceName(branch).String()]
	return hash.String(), ok
}

// Fetch downloads commits, given by their full hashes, without their history.
// Those that the clone holds already are not downloaded again.
func (c *Clone) Fetch(ctx context.Context, commits ...string) error {
	c.mu.Lock()
	missing := slices.DeleteFunc(slices.Clone(commits), func(id string) bool {
		return c.fetched.HasEncodedObject(plumbing.NewHash(id)) == nil
	})
	c.mu.Unlock()
	if len(missing) == 0 {
		return nil
	}
	if err := c.fetch(ctx, 1, missing); err != nil {
		return fmt.Errorf("cloning %s: %w", c.repo, err)
	}
	return nil
}

func (c *Clone) fetch(ctx context.Context, depth int, commits []string) error {
	req := packp.NewUploadPackRequestFromCapabilities(c.refs.Capabilities)
	for _, id := range commits {
		req.Wants = append(req.Wants, plumbing.NewHash(id))
	}
	req.Depth = packp.DepthCommits(depth)
	if err := req.Capabilities.Set(capability.Shallow); err != nil {
		return err
	}
	res, err := c.session.UploadPack(ctx, req)
	if err != nil {
		return scrub(err, c.auth)
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
		return n, &LimitError{fmt.Sprintf("the repository is larger than %d GiB", maxPack>>30)}
	}
	return n, err
}

// git returns what a session of git over HTTP needs. The token is in auth
// alone, which puts it into a header; go-git takes it off again when a
// redirect leads to another host.
func (r *Repo) git(ctx context.Context) (transport.Transport, *transport.Endpoint, *githttp.BasicAuth, error) {
	token, _, err := r.inst.session.token(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	end, err := transport.NewEndpoint(r.URL() + ".git")
	if err != nil {
		return nil, nil, nil, err
	}
	client := githttp.NewClient(&http.Client{Transport: r.app.paced(r.inst.limited, r.turn)})
	return client, end, &githttp.BasicAuth{Username: "x-access-token", Password: token}, nil
}

// scrub makes sure that an error of a library that was handed the token does
// not repeat it, nor hide what it wraps.
func scrub(err error, auth *githttp.BasicAuth) error {
	var unexpected *plumbing.UnexpectedError
	if errors.As(err, &unexpected) {
		err = unexpected.Err
	}
	if err == nil || !strings.Contains(err.Error(), auth.Password) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), auth.Password, "[token]"))
}
