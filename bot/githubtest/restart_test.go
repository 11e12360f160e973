package githubtest_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"
	"github.com/restage/restage/bot/githubtest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("GITHUBTEST_SERVE"); dir != "" {
		serve(dir)
	}
	status := m.Run()
	if dir, err := template(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(status)
}

// serve is what a child process of a test does until it is killed: it serves
// dir at $GITHUBTEST_LISTEN.
func serve(dir string) {
	s, err := githubtest.Open(dir, githubtest.Options{})
	if err == nil {
		err = s.Start(os.Getenv("GITHUBTEST_LISTEN"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("serving")
	select {}
}

// restart closes the world and opens it again.
func (w *world) restart(t *testing.T) {
	t.Helper()
	check(t, w.Close())
	w.open(t, githubtest.Options{})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	_, _, err := w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("Move")})
	check(t, err)
	w.events(t)
	app, inst, token := w.app, w.inst, w.token["bob"]
	w.restart(t)
	same(t, "ids", []any{w.app.ID, w.inst, w.token["bob"]}, []any{app.ID, inst, token})
	same(t, "key", string(w.app.PEM), string(app.PEM))
	i, _, err := w.bot.Issues.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "issue", i.GetTitle(), "Move")
	same(t, "events", w.events(t), "[]")
	_, _, err = w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("On")})
	check(t, err)
	same(t, "events", w.events(t), "[issues opened]")
}

func TestInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	if _, err := githubtest.Open(w.dir, githubtest.Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("error is %v", err)
	}
}

// A webhook that is under way when the process ends is delivered again, with the
// same id, and so are those behind it.
func TestWebhooksSurvive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	w.events(t)
	arrived, cut := make(chan string, 1), make(chan struct{})
	slow := w.hook.Config.Handler
	w.hook.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		select {
		case arrived <- github.DeliveryID(r):
			<-cut
		default:
			slow.ServeHTTP(rw, r)
		}
	})
	for _, title := range []string{"One", "Two"} {
		_, _, err := w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: &title})
		check(t, err)
	}
	id := <-arrived
	arrived <- "" // let the others through
	check(t, w.Close())
	close(cut)
	w.open(t, githubtest.Options{})
	same(t, "events", w.events(t), "[issues opened issues opened]")
	list, _, err := w.asApp.Apps.ListHookDeliveries(ctx, nil)
	check(t, err)
	same(t, "deliveries", []any{len(list), list[1].GetGUID(), list[1].GetRedelivery()}, []any{3, id, false})
}

// kill serves the world from a child process that is killed by git itself, as
// soon as a ref has changed: the worst moment, when git has the change and the
// store does not. act is what makes git change the ref.
func (w *world) kill(t *testing.T, act func()) {
	t.Helper()
	w.events(t)
	listen := strings.TrimPrefix(w.URL(), "http://")
	check(t, w.Close())
	bin, err := os.Executable()
	check(t, err)
	child := exec.Command(bin)
	child.Env = append(os.Environ(), "GITHUBTEST_SERVE="+w.dir, "GITHUBTEST_LISTEN="+listen)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	check(t, err)
	check(t, child.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "serving\n" {
		t.Fatalf("the child prints %q, %v", line, err)
	}
	dir, err := w.RepositoryDir("ada", "engine")
	check(t, err)
	hook := filepath.Join(dir, "hooks", "reference-transaction")
	script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = committed ]; then kill -9 %d; fi\n", child.Process.Pid)
	check(t, os.MkdirAll(filepath.Dir(hook), 0o755))
	check(t, os.WriteFile(hook, []byte(script), 0o755))
	act()
	if err := child.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the child ends with %v", err)
	}
	check(t, os.Remove(hook))
	w.open(t, githubtest.Options{})
}

func TestKilledInMerge(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t, githubtest.Options{})
			dir := w.clone(t, "bob")
			commit(t, dir, "work", "One", "c.txt", "c\n")
			_, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
			check(t, err)
			w.kill(t, func() {
				_, _, err := w.ada.PullRequests.Merge(ctx, "ada", "engine", 1, "", &github.PullRequestOptions{MergeMethod: method})
				if err == nil {
					t.Error("the merge was answered")
				}
			})
			same(t, "events", w.events(t), "[pull_request closed push check_suite requested]")
			p, _, err := w.bot.PullRequests.Get(ctx, "ada", "engine", 1)
			check(t, err)
			ref, _, err := w.bot.Git.GetRef(ctx, "ada", "engine", "heads/main")
			check(t, err)
			same(t, "merged", []any{p.GetMerged(), p.GetMergedBy().GetLogin(), p.GetMergeCommitSHA(), p.GetCommits()},
				[]any{true, "ada", ref.GetObject().GetSHA(), 1})
			w.restart(t)
			same(t, "once", w.events(t), "[]")
		})
	}
}

func TestKilledInPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	commit(t, dir, "work", "One", "c.txt", "c\n")
	_, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
	check(t, err)
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "Two")
	w.kill(t, func() {
		if out, err := tryGit(dir, "push", "-q", "origin", "work"); err == nil {
			t.Errorf("the push was answered: %s", out)
		}
	})
	var names []string
	for _, r := range w.received(t) {
		names = append(names, r.name())
		var p struct{ Sender struct{ Login string } }
		check(t, json.Unmarshal(r.payload, &p))
		same(t, "sender of "+r.name(), p.Sender.Login, "bob")
	}
	same(t, "events", names, "[push pull_request synchronize check_suite requested]")
	p, _, err := w.bot.PullRequests.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "head", []any{p.GetCommits(), p.GetHead().GetSHA()}, []any{2, git(t, dir, "rev-parse", "HEAD")})
}

func TestKilledInDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	dir := w.clone(t, "bob")
	commit(t, dir, "work", "One", "c.txt", "c\n")
	_, _, err := w.bot.PullRequests.Create(ctx, "ada", "engine", newPull("Work", "work", "main"))
	check(t, err)
	w.kill(t, func() {
		if _, err := w.bot.Git.DeleteRef(ctx, "ada", "engine", "heads/work"); err == nil {
			t.Error("the deletion was answered")
		}
	})
	same(t, "events", w.events(t), "[push delete pull_request closed]")
	_, err = w.bot.Git.DeleteRef(ctx, "ada", "engine", "heads/work")
	wantError(t, err, 422, "Reference does not exist")
}
