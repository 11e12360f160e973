package bot_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	gh "github.com/google/go-github/v60/github"
	"golang.org/x/tools/txtar"

	"github.com/restage/restage/bot"
	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/githubtest"
	"github.com/restage/restage/bot/githubtest/openapi"
	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/bot/store/postgrestest"
)

const secret = "not much of a secret"

var ctx = context.Background()

func TestMain(m *testing.M) {
	if settings := os.Getenv(replicaEnv); settings != "" {
		fmt.Fprintln(os.Stderr, runReplica(settings))
		os.Exit(1)
	}
	os.Exit(postgrestest.Run(m))
}

// appKey is the key of the app in every world.
var appKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

// A world is a GitHub with the repository ada/shop, its owner ada, the
// collaborators bob (write) and eve (triage: labels, but no pushes), and restage, which is driven by
// hand: webhooks pile up until settle lets the bot act on them.
type world struct {
	*githubtest.Server
	t      testing.TB
	users  map[string]*gh.Client
	app    githubtest.App
	inst   int64
	store  *store.Store
	bot    *bot.Bot
	log    *bytes.Buffer
	runner runner.Runner     // of commands
	out    http.RoundTripper // the bot's way to GitHub

	env      []string // of people's git, beside that of the process
	database string   // URL
	work     string   // folder for clones
	hook     string   // where webhooks go

	ahead atomic.Int64 // seconds by which the clock of GitHub is before that of the machine

	description *openapi.Description // what GitHub says of its API; nil if nothing is held against it

	mu       sync.Mutex
	arrived  []store.Delivery
	failures []error // of what settle let the bot do
}

// began is when every webhook of the tests arrives, so that commits are the
// same in each.
var began = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

// newWorld returns a world whose repository holds the files of a txtar archive.
// Permissions, such as "workflows: write", are granted to restage beyond those
// that it asks for.
func newWorld(t testing.TB, archive string, permissions ...string) *world {
	t.Helper()
	w := &world{t: t, users: map[string]*gh.Client{}, log: new(bytes.Buffer), runner: runner.None{}, out: http.DefaultTransport}
	w.description = must(openapi.Load())
	w.Server = must(githubtest.Open(t.TempDir(), githubtest.Options{
		Key:        appKey(),
		Now:        func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load()) * time.Second) },
		Middleware: w.description.Middleware(func(err error) { t.Error(err) }),
	}))
	t.Cleanup(func() { w.Close() })
	check(t, w.Start("127.0.0.1:0"))
	hook := httptest.NewServer(http.HandlerFunc(w.receive))
	t.Cleanup(hook.Close)
	t.Cleanup(func() { // what is under way then is received in full
		wait, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		check(t, w.Idle(wait))
	})
	w.hook = hook.URL
	w.furnish(files(archive), w.hook, nil, permissions...)
	w.database, w.work = postgrestest.Database(t), t.TempDir()
	w.store = must(store.Open(ctx, w.database, slog.New(slog.DiscardHandler)))
	t.Cleanup(func() { w.store.Close() })
	w.startBot()
	return w
}

// furnish makes sure that the people, the repository and the app are there.
// Webhooks go to hook, and people reach GitHub over way.
func (w *world) furnish(files fs.FS, hook string, way http.RoundTripper, permissions ...string) {
	w.t.Helper()
	for _, login := range []string{"ada", "bob", "eve"} {
		token := must(w.AddUser(login))
		w.users[login] = must(gh.NewClient(&http.Client{Transport: way}).WithAuthToken(token).WithEnterpriseURLs(w.URL(), w.URL()))
	}
	check(w.t, w.CreateRepository("ada", "shop", true, githubtest.Commit{
		Message: "Begin", Author: "Ada <ada@example.com>", When: began, Files: files,
	}))
	check(w.t, w.SetPermission("ada", "shop", "bob", "write"))
	check(w.t, w.SetPermission("ada", "shop", "eve", "triage"))
	manifest := must(os.ReadFile("../app.yml")) // permissions come last in it
	for _, p := range permissions {
		manifest = fmt.Appendf(manifest, "  %s\n", p)
	}
	w.app = must(w.RegisterApp("ada", manifest, hook, secret))
	w.inst = must(w.Install(w.app.ID, "ada", "shop"))
}

func files(archive string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return fsys
}

// startBot starts a bot that knows nothing but what is in the store.
func (w *world) startBot() {
	app := must(github.New(github.Config{
		URL:        w.URL(),
		AppID:      w.app.ID,
		PrivateKey: w.app.PEM,
		WorkDir:    w.work,
		Transport:  w.out,
	}))
	w.bot = bot.New(bot.Config{
		Store:   w.store,
		GitHub:  app,
		Runner:  w.runner,
		Log:     slog.New(slog.NewTextHandler(w.log, nil)),
		Label:   "restage",
		Secrets: []string{secret},
	})
}

func (w *world) receive(rw http.ResponseWriter, r *http.Request) {
	payload, err := gh.ValidatePayload(r, []byte(secret))
	if err != nil {
		w.t.Errorf("webhook: %v", err)
	}
	if w.description != nil {
		if err := w.description.CheckWebhook(gh.WebHookType(r), payload); err != nil {
			w.t.Error(err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d := store.Delivery{ID: gh.DeliveryID(r), Event: gh.WebHookType(r), Payload: payload, Received: began}
	w.arrived = append(w.arrived, d)
	rw.WriteHeader(http.StatusAccepted)
}

// take returns the webhooks that arrived since the last time, once no more are
// under way.
func (w *world) take() []store.Delivery {
	w.t.Helper()
	wait, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	check(w.t, w.Idle(wait))
	w.mu.Lock()
	defer w.mu.Unlock()
	arrived := w.arrived
	w.arrived = nil
	return arrived
}

// settle lets the bot act on taken, on all that arrived, and on what that leads
// to, until nothing more happens. Failures are kept in w.failures; retry is
// called after each, and what failed is done again.
func (w *world) settle(retry func(), taken ...store.Delivery) {
	w.t.Helper()
	for round := 0; ; round++ {
		if round > 1000 {
			w.t.Fatalf("does not settle; last failures: %v", w.failures[max(0, len(w.failures)-5):])
		}
		taken = append(taken, w.take()...)
		if len(taken) == 0 && round > 0 {
			return
		}
		for _, d := range taken {
			w.do(retry, func() error { return w.bot.Delivery(ctx, d) })
		}
		taken = nil
		for id := int64(1); ; id++ {
			m, err := w.store.Migration(ctx, id)
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			w.do(retry, func() error { return w.bot.Reconcile(ctx, id) })
			w.do(retry, func() error { return w.bot.Guard(ctx, m.Repository) })
		}
	}
}

func (w *world) do(retry func(), f func() error) {
	w.t.Helper()
	for range 500 {
		err := f()
		if err == nil {
			return
		}
		w.failures = append(w.failures, err)
		if retry == nil {
			w.t.Fatalf("%v\n%s", err, w.log)
		}
		retry()
	}
	w.t.Fatalf("fails forever: %v", w.failures[len(w.failures)-1])
}

// file opens an issue as ada and labels it as login. It returns its number.
func (w *world) file(login, body string) int {
	w.t.Helper()
	issue, _, err := w.users["ada"].Issues.Create(ctx, "ada", "shop", &gh.IssueRequest{Title: gh.String("Tidy the shop"), Body: &body})
	check(w.t, err)
	w.label(login, issue.GetNumber())
	return issue.GetNumber()
}

// label puts the label on an issue as login, after taking it off as ada if it is
// on.
func (w *world) label(login string, issue int) {
	w.t.Helper()
	w.users["ada"].Issues.RemoveLabelForIssue(ctx, "ada", "shop", issue, "restage")
	_, _, err := w.users[login].Issues.AddLabelsToIssue(ctx, "ada", "shop", issue, []string{"restage"})
	check(w.t, err)
}

func (w *world) comment(login string, issue int, body string) int64 {
	w.t.Helper()
	c, _, err := w.users[login].Issues.CreateComment(ctx, "ada", "shop", issue, &gh.IssueComment{Body: &body})
	check(w.t, err)
	return c.GetID()
}

// pull returns the pull request of a branch, nil if there is none. More than
// one is an error.
func (w *world) pull(branch string) *gh.PullRequest {
	w.t.Helper()
	all, _, err := w.users["ada"].PullRequests.List(ctx, "ada", "shop", &gh.PullRequestListOptions{State: "all", Head: "ada:" + branch})
	check(w.t, err)
	if len(all) > 1 {
		w.t.Fatalf("%d pull requests from %s", len(all), branch)
	}
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// merge merges the open pull request of a branch as ada, the way GitHub's button
// does.
func (w *world) merge(branch string) {
	w.t.Helper()
	p := w.pull(branch)
	if p == nil {
		w.t.Fatalf("no pull request from %s\n%s", branch, w.comments(1))
	}
	_, _, err := w.users["ada"].PullRequests.Merge(ctx, "ada", "shop", p.GetNumber(), "", nil)
	check(w.t, err)
}

// comments returns the comments of the bot on an issue, oldest first, but for
// the preflight.
func (w *world) comments(issue int) []string {
	w.t.Helper()
	return slices.DeleteFunc(w.allComments(issue), isPreflight)
}

func isPreflight(comment string) bool {
	return strings.HasPrefix(comment, "<!-- restage:preflight -->")
}

// preflight returns the one comment on an issue that says what a plan will do.
func (w *world) preflight(issue int) string {
	w.t.Helper()
	found := slices.DeleteFunc(w.allComments(issue), func(c string) bool { return !isPreflight(c) })
	if len(found) != 1 {
		w.t.Fatalf("%d preflights", len(found))
	}
	return found[0]
}

func (w *world) allComments(issue int) []string {
	w.t.Helper()
	all, _, err := w.users["ada"].Issues.ListComments(ctx, "ada", "shop", issue, &gh.IssueListCommentsOptions{ListOptions: gh.ListOptions{PerPage: 100}})
	check(w.t, err)
	var bodies []string
	for _, c := range all {
		if c.GetUser().GetType() == "Bot" {
			bodies = append(bodies, c.GetBody())
		}
	}
	return bodies
}

// status returns the status comment on an issue.
func (w *world) status(issue int) string {
	w.t.Helper()
	var found []string
	for _, c := range w.comments(issue) {
		if strings.HasPrefix(c, "<!-- restage:status -->") {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		w.t.Fatalf("%d status comments", len(found))
	}
	return found[0]
}

// reactions returns the reactions of the bot to a comment, sorted.
func (w *world) reactions(comment int64) string {
	w.t.Helper()
	all, _, err := w.users["ada"].Reactions.ListIssueCommentReactions(ctx, "ada", "shop", comment, nil)
	check(w.t, err)
	var names []string
	for _, r := range all {
		names = append(names, r.GetContent())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// checkRuns returns the check runs on a commit, a line each, sorted.
func (w *world) checkRuns(commit string) []string {
	w.t.Helper()
	list, _, err := w.users["ada"].Checks.ListCheckRunsForRef(ctx, "ada", "shop", commit, &gh.ListCheckRunsOptions{Filter: gh.String("all")})
	check(w.t, err)
	var lines []string
	for _, r := range list.CheckRuns {
		lines = append(lines, fmt.Sprintf("%s %s %d %s", r.GetName(), r.GetConclusion(), r.GetOutput().GetAnnotationsCount(), r.GetExternalID()))
	}
	slices.Sort(lines)
	return lines
}

// conclusions returns the names and conclusions of the check runs on a commit,
// sorted.
func (w *world) conclusions(commit string) []string {
	w.t.Helper()
	var lines []string
	for _, line := range w.checkRuns(commit) {
		words := strings.Fields(line)
		lines = append(lines, strings.Join(words[:len(words)-2], " "))
	}
	return lines
}

// git runs a git command in the repository of the world.
func (w *world) git(args ...string) string {
	w.t.Helper()
	return w.gitInput(nil, args...)
}

// gitInput is git with something to read.
func (w *world) gitInput(input []byte, args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), w.env...)
	cmd.Stdin = bytes.NewReader(input)
	cmd.Dir = must(w.RepositoryDir("ada", "shop"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// write commits a file to a branch as ada.
func (w *world) write(branch, path, text string) {
	w.t.Helper()
	run, write := w.workTree(branch)
	write(path, text)
	run("add", ".")
	run("commit", "--quiet", "-m", "Write "+path)
	run("push", "--quiet", "origin", branch)
}

// workTree checks out a branch for ada. It returns functions that run git there
// and write a file.
func (w *world) workTree(branch string) (run func(args ...string), write func(path, text string)) {
	w.t.Helper()
	dir := w.t.TempDir()
	repo := must(w.RepositoryDir("ada", "shop"))
	run = func(args ...string) {
		w.t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@example.com"}, args...)...)
		cmd.Env = append(os.Environ(), w.env...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	run("clone", "--quiet", "--branch", branch, repo, ".")
	return run, func(path, text string) {
		w.t.Helper()
		check(w.t, os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755))
		check(w.t, os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644))
	}
}

// contain checks that text has all of parts.
func contain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("does not contain %q:\n%s", p, text)
		}
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
