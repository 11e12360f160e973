package bot_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/store"
)

// begin stores a migration of the issue that ada opens, as if it had been
// started when the repository had that number and name.
func (w *world) begin(repository int64, name string) store.Migration {
	w.t.Helper()
	_, _, err := w.users["ada"].Issues.Create(ctx, "ada", "shop", &gh.IssueRequest{Title: gh.String("Tidy"), Body: gh.String(fenced(yaml))})
	check(w.t, err)
	m, _, err := w.store.StartMigration(ctx, store.Migration{
		Delivery: "d", Installation: w.inst, Repository: repository, Owner: "ada", Name: name, Issue: 1,
		StartedBy: "ada", Base: "main", Plan: fenced(yaml), Created: began, State: store.Live,
	})
	check(w.t, err)
	return m
}

func (w *world) repositoryID() int64 {
	w.t.Helper()
	r, _, err := w.users["ada"].Repositories.Get(ctx, "ada", "shop")
	check(w.t, err)
	return r.GetID()
}

// The name of the repository is that of another one by now.
func TestAnotherRepositoryOfTheName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	m := w.begin(w.repositoryID()+1000, "shop")
	w.settle(nil)
	m, err := w.store.Migration(ctx, m.ID)
	check(t, err)
	same(t, "state", m.State, store.Failed)
	same(t, "branches", w.git("branch", "--format=%(refname:short)"), "main\n")
	same(t, "comments", len(w.comments(1)), 0)
}

// renamed is a way to a GitHub where ada/shop had the name ada/kiosk once.
type renamed struct{}

func (renamed) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/repos/ada/kiosk") {
		r = r.Clone(r.Context())
		r.URL.Path = strings.Replace(r.URL.Path, "kiosk", "shop", 1) // as GitHub's redirect does
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestRenamedRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	w.out = renamed{}
	w.startBot()
	m := w.begin(w.repositoryID(), "kiosk")
	w.settle(nil)
	contain(t, w.status(1), "Review #2 and merge it")
	m, err := w.store.Migration(ctx, m.ID)
	check(t, err)
	same(t, "name", m.Owner+"/"+m.Name, "ada/shop")
}

// A person's pull request from a branch named like the bot's says nothing about
// the migration.
func TestPullRequestOfSomebodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue, _, err := w.users["ada"].Issues.Create(ctx, "ada", "shop", &gh.IssueRequest{Title: gh.String("Tidy"), Body: gh.String(fenced(yaml))})
	check(t, err)
	w.git("branch", movesBranch, "main")
	w.write(movesBranch, "notes.txt", "not a move\n")
	p, _, err := w.users["ada"].PullRequests.Create(ctx, "ada", "shop", &gh.NewPullRequest{
		Title: gh.String("Mine"), Head: gh.String(movesBranch), Base: gh.String("main")})
	check(t, err)
	_, _, err = w.users["ada"].PullRequests.Merge(ctx, "ada", "shop", p.GetNumber(), "", nil)
	check(t, err)
	w.label("ada", issue.GetNumber())
	w.settle(nil)
	contain(t, w.status(1), "| 1 | moves |  | waits |", "has commits that restage did not make")

	w.git("branch", "-D", movesBranch)
	w.comment("ada", issue.GetNumber(), "/restage rerun")
	w.settle(nil)
	contain(t, w.status(1), "| 1 | moves | #3 | open |")
}

func TestMergedElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	w.git("branch", "develop", "main")
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	_, _, err := w.users["ada"].PullRequests.Edit(ctx, "ada", "shop", 2, &gh.PullRequest{Base: &gh.PullRequestBranch{Ref: gh.String("develop")}})
	check(t, err)
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** #2 was merged into `develop`, but this migration goes into `main`.", "| 2 | imports |  | waits |")
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	contain(t, w.status(issue), "Review #3", "| 1 | moves | #3 | open |")
}

// writes is a way to GitHub that counts what the bot does there, and how often
// it downloads commits.
type writes struct {
	mu   sync.Mutex
	done []string
}

func (c *writes) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/access_tokens") {
		c.mu.Lock()
		c.done = append(c.done, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// What GitHub refused is not tried again on each look, but when somebody asks
// for it or there is something new to try it on.
func TestRefusedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	hook := filepath.Join(must(w.RepositoryDir("ada", "shop")), "hooks", "pre-receive")
	check(t, os.MkdirAll(filepath.Dir(hook), 0o755))
	check(t, os.WriteFile(hook, []byte("#!/bin/sh\nexit 1\n"), 0o755))
	seen := &writes{}
	w.out = seen
	w.startBot()
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** GitHub did not take the branch", "| 1 | moves |  | stuck |")

	seen.done = nil
	for range 3 {
		check(t, w.bot.Reconcile(ctx, 1))
	}
	same(t, "done on further looks", seen.done, "[]")

	w.git("update-ref", "refs/heads/main", strings.TrimSpace(w.git("-c", "user.name=A", "-c", "user.email=a@b.c",
		"commit-tree", "-p", "main", "-m", "Go on", "main^{tree}")))
	check(t, w.bot.Reconcile(ctx, 1))
	contain(t, strings.Join(seen.done, "\n"), "git-receive-pack")
	contain(t, w.status(issue), "**Paused.**")

	check(t, os.Remove(hook))
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	contain(t, w.status(issue), "Review #2")
}

// What no plan can name is in nobody's way.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	w.git("read-tree", "main")
	blob := strings.TrimSpace(w.git("rev-parse", "main:README.md"))
	for _, path := range []string{"docs\xff.txt", strings.Repeat("d/", 210) + "e.py"} {
		w.git("update-index", "--add", "--cacheinfo", "100644,"+blob+","+path)
	}
	tree := strings.TrimSpace(w.git("write-tree"))
	w.git("update-ref", "refs/heads/main", strings.TrimSpace(w.git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit-tree", "-p", "main", "-m", "Odd", tree)))
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	contain(t, w.status(issue), "Review #2")
	same(t, "odd files", strings.Count(w.git("ls-tree", "-r", "--name-only", movesBranch), "docs\\377.txt"), 1)
}

// What is beyond the bounds of what restage reads is said, not tried forever.
func TestTooDeep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(strings.Replace(yaml, "to: shop/", "to: shop/"+strings.Repeat("d/", 210), 1)))
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** Phase 1, moves, cannot be carried out", "more than 200 folders deep", "| 1 | moves |  | stuck |")
}
