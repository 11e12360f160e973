package githubtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"
	"github.com/restage/restage/bot/githubtest"
	"github.com/restage/restage/bot/githubtest/openapi"
)

const manifest = `
name: Mover
url: https://example.com
public: false
default_permissions:
  checks: write
  contents: write
  issues: write
  metadata: read
  pull_requests: write
default_events: [check_run, check_suite, issue_comment, issues, label, pull_request, push, create, delete]
`

const secret = "it's a secret to everybody"

var ctx = context.Background()

// A world is a GitHub with the repository ada/engine, its owner ada, the
// collaborators bob (write) and eve (none), and the app Mover on it.
type world struct {
	*githubtest.Server
	dir   string
	hook  *hook
	app   githubtest.App
	ada   *github.Client
	bob   *github.Client
	eve   *github.Client
	bot   *github.Client // with tokens of the installation
	asApp *github.Client // with the JWT of the app
	inst  int64
	token map[string]string // of the people, by login
}

func files(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1]), Mode: 0o644}
	}
	return fsys
}

func day(n int) time.Time { return time.Date(2024, 1, n, 12, 0, 0, 0, time.UTC) }

func newWorld(t *testing.T, opts githubtest.Options) *world {
	t.Helper()
	template, err := template()
	check(t, err)
	w := &world{dir: filepath.Join(t.TempDir(), "github"), hook: newHook(t)}
	check(t, os.CopyFS(w.dir, os.DirFS(template)))
	w.open(t, opts)
	return w
}

// template makes a folder with what all worlds begin with, once: keys take time.
var template = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "githubtest")
	if err != nil {
		return "", err
	}
	s, err := githubtest.Open(dir, githubtest.Options{})
	if err != nil {
		return "", err
	}
	err = populate(s)
	if err == nil {
		_, err = s.RegisterApp("ada", []byte(manifest), "http://127.0.0.1:1", secret)
	}
	return dir, errors.Join(err, s.Close())
})

// populate makes sure that the people and the repository of a world are there.
func populate(s *githubtest.Server) error {
	for _, login := range []string{"ada", "bob", "eve"} {
		if _, err := s.AddUser(login); err != nil {
			return err
		}
	}
	err := s.CreateRepository("ada", "engine", true,
		githubtest.Commit{Message: "Begin", Author: "Ada <ada@example.com>", When: day(1), Files: files("a.txt", "one\n", "dir/b c.txt", "b\n")},
		githubtest.Commit{Message: "Go on", Author: "Ada <ada@example.com>", When: day(2), Files: files("a.txt", "one\ntwo\n", "dir/b c.txt", "b\n")})
	if err != nil {
		return err
	}
	return s.SetPermission("ada", "engine", "bob", "write")
}

// open opens the folder of the world, again maybe.
func (w *world) open(t *testing.T, opts githubtest.Options) {
	t.Helper()
	description, err := openapi.Load()
	check(t, err)
	opts.Middleware = description.Middleware(func(err error) { t.Error(err) })
	s, err := githubtest.Open(w.dir, opts)
	check(t, err)
	t.Cleanup(func() {
		wait, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		s.Idle(wait) // do not cut off a webhook under way
		s.Close()
	})
	check(t, s.Start("127.0.0.1:0"))
	check(t, populate(s))
	w.Server, w.token = s, map[string]string{}
	for _, login := range []string{"ada", "bob", "eve"} {
		w.token[login], err = s.AddUser(login)
		check(t, err)
	}
	w.app, err = s.RegisterApp("ada", []byte(manifest), w.hook.URL, secret)
	check(t, err)
	w.inst, err = s.Install(w.app.ID, "ada", "engine")
	check(t, err)
	w.ada, w.bob, w.eve = w.client(t, "ada"), w.client(t, "bob"), w.client(t, "eve")

	app, err := ghinstallation.NewAppsTransport(http.DefaultTransport, w.app.ID, w.app.PEM)
	check(t, err)
	app.BaseURL = s.URL() + "/api/v3"
	w.asApp = enterprise(t, s.URL(), &http.Client{Transport: app})
	w.bot = enterprise(t, s.URL(), &http.Client{Transport: ghinstallation.NewFromAppsTransport(app, w.inst)})
}

func (w *world) client(t *testing.T, login string) *github.Client {
	return enterprise(t, w.URL(), nil).WithAuthToken(w.token[login])
}

func enterprise(t *testing.T, url string, client *http.Client) *github.Client {
	t.Helper()
	c, err := github.NewClient(client).WithEnterpriseURLs(url, url)
	check(t, err)
	return c
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError checks that err is GitHub's answer with the status and the text.
func wantError(t *testing.T, err error, status int, text string) {
	t.Helper()
	var e *github.ErrorResponse
	switch x := err.(type) {
	case *github.ErrorResponse:
		e = x
	default:
		t.Fatalf("error is %v, want %d %s", err, status, text)
	}
	if e.Response.StatusCode != status || !strings.Contains(e.Error(), text) {
		t.Errorf("error is %v, want %d %s", e, status, text)
	}
}

// A hook is where webhooks arrive.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	status int // to answer with
	got    []received
}

type received struct {
	event, guid string
	payload     []byte
}

func (r received) name() string {
	var p struct{ Action string }
	json.Unmarshal(r.payload, &p)
	return strings.TrimSpace(r.event + " " + p.Action)
}

func newHook(t *testing.T) *hook {
	description, err := openapi.Load()
	check(t, err)
	h := &hook{status: http.StatusAccepted}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := github.ValidatePayload(r, []byte(secret))
		if err != nil {
			t.Errorf("webhook %s: %v", r.Header.Get("X-GitHub-Event"), err)
		}
		if err := description.CheckWebhook(github.WebHookType(r), payload); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got = append(h.got, received{github.WebHookType(r), github.DeliveryID(r), payload})
		w.WriteHeader(h.status)
		io.WriteString(w, "thanks")
	}))
	t.Cleanup(h.Close)
	return h
}

// received waits for the webhooks under way and returns what arrived since the
// last call.
func (w *world) received(t *testing.T) []received {
	t.Helper()
	wait, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	check(t, w.Idle(wait))
	w.hook.mu.Lock()
	defer w.hook.mu.Unlock()
	got := w.hook.got
	w.hook.got = nil
	return got
}

// events is received as names, such as "issues labeled".
func (w *world) events(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, r := range w.received(t) {
		names = append(names, r.name())
	}
	return names
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
