package bot_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"
	"golang.org/x/sync/errgroup"

	"github.com/restage/restage/bot"
	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/githubtest"
	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/bot/store/postgrestest"
	"github.com/restage/restage/webhook"
)

// replicaEnv holds, as JSON, what the test binary is to be a replica of.
const replicaEnv = "RESTAGE_TEST_REPLICA"

// A replica is a process of restage without webhooks.
type replica struct {
	Database, GitHub string // URLs
	App              githubtest.App
	WorkDir          string
}

// runReplica works off the queue until it is killed.
func runReplica(settings string) error {
	var r replica
	if err := json.Unmarshal([]byte(settings), &r); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := store.Open(ctx, r.Database, log)
	if err != nil {
		return err
	}
	app, err := github.New(github.Config{URL: r.GitHub, AppID: r.App.ID, PrivateKey: r.App.PEM, WorkDir: r.WorkDir, MayWrite: store.Held})
	if err != nil {
		return err
	}
	b := bot.New(bot.Config{Store: s, GitHub: app, Runner: runner.None{}, Log: log, Label: "restage"})
	return s.Run(ctx, store.Handlers{Delivery: b.Delivery, Reconcile: b.Reconcile, Guard: b.Guard, Resync: b.Resync, ResyncEvery: time.Minute})
}

// How many migrations there are: 50.
const (
	repositories = 25
	issues       = 2 // in each
)

// TestReplicas lets two processes on PostgreSQL work off 50 migrations. One of them
// is killed in the middle. Everything is done once.
func TestReplicas(t *testing.T) {
	if !proof() {
		t.Skip("make test-proof runs this")
	}
	server := must(postgrestest.Start(ctx))
	defer server.Stop()
	c := &company{t: t, issues: map[int][]int{}, merged: map[string]bool{}, closed: map[string]bool{}, effects: map[string]int{}, news: make(chan struct{}, 1)}
	database := must(server.Database(ctx))
	s := must(store.Open(ctx, database, slog.New(slog.DiscardHandler)))
	defer s.Close()
	c.next = webhook.New(s, []byte(secret), slog.New(slog.DiscardHandler))
	c.open()

	victim, survivor := c.replica(database), c.replica(database)
	defer survivor.Process.Kill()
	defer victim.Process.Kill()
	for i := range issues {
		for r := range repositories {
			c.file(r, i)
		}
	}
	c.wait("half of the pull requests to be merged", func() bool { return len(c.merged) >= 3*repositories*issues/2 })
	check(t, victim.Process.Kill())
	victim.Wait()
	c.wait("all issues to be closed", func() bool { return len(c.closed) == repositories*issues })

	for what := range counted {
		same(t, what, c.effects[what], 3*repositories*issues)
	}
	c.inspect()
}

// A company has repositories on a GitHub, and merges what restage asks it to.
type company struct {
	*githubtest.Server
	t    *testing.T
	ada  *gh.Client
	app  githubtest.App
	next http.Handler // of webhooks

	mu      sync.Mutex
	issues  map[int][]int   // by repository
	merged  map[string]bool // pull requests
	closed  map[string]bool // issues
	effects map[string]int
	news    chan struct{}
	work    errgroup.Group
}

func (c *company) open() {
	t := c.t
	c.Server = must(githubtest.Open(t.TempDir(), githubtest.Options{Key: appKey(), RateLimit: 1_000_000, Middleware: c.count}))
	t.Cleanup(func() { c.Close() })
	check(t, c.Start("127.0.0.1:0"))
	c.ada = must(gh.NewClient(nil).WithAuthToken(must(c.AddUser("ada"))).WithEnterpriseURLs(c.URL(), c.URL()))
	for r := range repositories {
		var archive strings.Builder
		for i := range issues {
			fmt.Fprintf(&archive, "-- src/a%d/__init__.py --\n-- src/a%[1]d/old.py --\ndef f():\n    return %[1]d\n-- src/a%[1]d/user.py --\nfrom a%[1]d.old import f\n", i)
		}
		check(t, c.CreateRepository("ada", repoName(r), true, githubtest.Commit{
			Message: "Begin", Author: "Ada <ada@example.com>", When: began, Files: files(archive.String()),
		}))
	}
	hook := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(hook.Close)
	c.app = must(c.RegisterApp("ada", must(os.ReadFile("../app.yml")), hook.URL+"/webhook", secret))
	must(c.Install(c.app.ID, "ada"))
}

func repoName(r int) string { return fmt.Sprint("shop", r) }

// replica starts a replica.
func (c *company) replica(database string) *exec.Cmd {
	c.t.Helper()
	settings := must(json.Marshal(replica{database, c.URL(), c.app, c.t.TempDir()}))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), replicaEnv+"="+string(settings))
	cmd.Stderr = c.t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(c.t, cmd.Start())
	return cmd
}

func (c *company) file(repository, number int) {
	c.t.Helper()
	body := fenced(fmt.Sprintf(`restage: 1
title: Move %d
source_roots: [src]
moves: [{from: a%[1]d/old.py, to: a%[1]d/new.py}]
imports: {a%[1]d.old: a%[1]d.new}
`, number))
	issue, _, err := c.ada.Issues.Create(ctx, "ada", repoName(repository), &gh.IssueRequest{
		Title: gh.String(fmt.Sprint("Move ", number)), Body: &body, Labels: &[]string{"restage"}})
	check(c.t, err)
	c.issues[repository] = append(c.issues[repository], issue.GetNumber())
}

// counted are the requests that are counted, by what they do.
var counted = map[string]*regexp.Regexp{
	"pull requests": regexp.MustCompile(`^POST .*/pulls$`),
	"pushes":        regexp.MustCompile(`^POST .*/git-receive-pack$`),
	"merges":        regexp.MustCompile(`^PUT .*/merge$`),
}

// count counts the writes that GitHub carries out.
func (c *company) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := &statusWriter{w, http.StatusOK}
		next.ServeHTTP(seen, r)
		for what, re := range counted {
			if seen.status < 300 && re.MatchString(r.Method+" "+r.URL.Path) {
				c.mu.Lock()
				c.effects[what]++
				c.mu.Unlock()
			}
		}
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// asked matches what restage says when a pull request is ready.
var asked = regexp.MustCompile(`Review #(\d+) and merge it`)

// receive takes webhooks. It merges what restage asks for, and hands them on.
func (c *company) receive(w http.ResponseWriter, r *http.Request) {
	payload := must(io.ReadAll(r.Body))
	r.Body = io.NopCloser(strings.NewReader(string(payload)))
	switch e := must(gh.ParseWebHook(gh.WebHookType(r), payload)).(type) {
	case *gh.IssueCommentEvent:
		if m := asked.FindStringSubmatch(e.GetComment().GetBody()); m != nil {
			c.merge(e.GetRepo().GetName(), must(strconv.Atoi(m[1])))
		}
	case *gh.IssuesEvent:
		if e.GetAction() == "closed" {
			c.tell(c.closed, fmt.Sprint(e.GetRepo().GetName(), " ", e.GetIssue().GetNumber()))
		}
	}
	c.next.ServeHTTP(w, r)
}

// tell adds something to a set, and reports whether it is new.
func (c *company) tell(set map[string]bool, what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := set[what]
	set[what] = true
	select {
	case c.news <- struct{}{}:
	default:
	}
	return !known
}

func (c *company) merge(repo string, number int) {
	if !c.tell(c.merged, fmt.Sprint(repo, " ", number)) {
		return
	}
	c.work.Go(func() error {
		_, _, err := c.ada.PullRequests.Merge(ctx, "ada", repo, number, "", nil)
		if err != nil {
			c.t.Error(err)
		}
		return err
	})
}

func (c *company) wait(what string, done func() bool) {
	c.t.Helper()
	limit := time.After(10 * time.Minute)
	for {
		c.mu.Lock()
		ok := done()
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-c.news:
		case <-limit:
			c.t.Fatalf("waited in vain for %s: %d merged, %d closed", what, len(c.merged), len(c.closed))
		}
	}
}

// inspect looks for what is there twice.
func (c *company) inspect() {
	check(c.t, c.work.Wait())
	for r := range repositories {
		name := repoName(r)
		once := map[string]int{}
		pulls, _, err := c.ada.PullRequests.List(ctx, "ada", name, &gh.PullRequestListOptions{State: "all", ListOptions: gh.ListOptions{PerPage: 100}})
		check(c.t, err)
		conversations := c.issues[r]
		for _, p := range pulls {
			once["pull request of "+p.GetHead().GetRef()]++
			conversations = append(conversations, p.GetNumber())
			runs, _, err := c.ada.Checks.ListCheckRunsForRef(ctx, "ada", name, p.GetHead().GetSHA(), &gh.ListCheckRunsOptions{Filter: gh.String("all")})
			check(c.t, err)
			same(c.t, "check runs of "+p.GetHead().GetRef(), runs.GetTotal(), 4)
			for _, run := range runs.CheckRuns {
				once[fmt.Sprintf("check run %s of %s", run.GetName(), p.GetHead().GetRef())]++
				same(c.t, run.GetName(), run.GetConclusion(), "success")
			}
		}
		for _, number := range conversations {
			comments, _, err := c.ada.Issues.ListComments(ctx, "ada", name, number, nil)
			check(c.t, err)
			for _, comment := range comments {
				mark, _, _ := strings.Cut(comment.GetBody(), "\n")
				once[fmt.Sprintf("comment %s on #%d", mark, number)]++
			}
		}
		for what, n := range once {
			if n != 1 {
				c.t.Errorf("%s: %d times the %s", name, n, what)
			}
		}
		dir := must(c.RepositoryDir("ada", name))
		out := must(exec.Command("git", "-C", dir, "ls-tree", "-r", "--name-only", "main").Output())
		same(c.t, "modules", strings.Count(string(out), "/new.py"), issues)
		same(c.t, "old modules", strings.Count(string(out), "/old.py"), 0)
	}
}
