package github_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/githubtest"
	"github.com/restage/restage/phases/tree"
)

var (
	ctx  = context.Background()
	when = time.Date(2026, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
)

// A world is a GitHub with the repository ada/shop, and the app's view of it.
type world struct {
	*githubtest.Server
	t    *testing.T
	app  githubtest.App
	inst int64
	repo *github.Repo
	work string       // folder for clones
	out  roundTripper // if not nil, the app's way to GitHub
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if f == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	return f(r)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, githubtest.Options{})
}

func newWorldWith(t *testing.T, opts githubtest.Options) *world {
	t.Helper()
	w := &world{t: t, work: t.TempDir()}
	var err error
	w.Server, err = githubtest.Open(t.TempDir(), opts)
	check(t, err)
	t.Cleanup(func() { w.Close() })
	check(t, w.Start("127.0.0.1:0"))
	_, err = w.AddUser("ada")
	check(t, err)
	check(t, w.CreateRepository("ada", "shop", true, githubtest.Commit{
		Message: "Begin", Author: "Ada <ada@example.com>", When: when,
		Files: fstest.MapFS{
			"README.md":      {Data: []byte("hello\n"), Mode: 0o644},
			"run.sh":         {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
			"latest":         {Data: []byte("src/a.py"), Mode: 0o644 | fs.ModeSymlink},
			"src/a.py":       {Data: []byte("a = 1\n"), Mode: 0o644},
			"src/deep/b.py":  {Data: []byte("b = 1\n"), Mode: 0o644},
			"src/deep.py":    {Data: []byte("deep = 1\n"), Mode: 0o644},
			"src/deep-er.py": {Data: []byte("deeper = 1\n"), Mode: 0o644},
		},
	}))
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	manifest, err := os.ReadFile("../../app.yml")
	check(t, err)
	w.app, err = w.RegisterApp("ada", manifest, hook.URL, "secret")
	check(t, err)
	w.inst, err = w.Install(w.app.ID, "ada", "shop")
	check(t, err)
	app, err := github.New(github.Config{URL: w.URL(), AppID: w.app.ID, PrivateKey: w.app.PEM, WorkDir: w.work,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) { return w.out.RoundTrip(r) })})
	check(t, err)
	w.repo, err = app.Repo(w.inst, "ada", "shop")
	check(t, err)
	return w
}

// clone returns a clone that holds the newest commit of main.
func (w *world) clone() (c *github.Clone, main string) {
	w.t.Helper()
	c, err := w.repo.Clone(ctx)
	check(w.t, err)
	w.t.Cleanup(func() { c.Close() })
	main, ok := c.Head("main")
	if !ok {
		w.t.Fatal("no main")
	}
	check(w.t, c.Fetch(ctx, main))
	return c, main
}

// git runs a git command in the repository on the server.
func (w *world) git(args ...string) string {
	w.t.Helper()
	dir, err := w.RepositoryDir("ada", "shop")
	check(w.t, err)
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b.c", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@b.c")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func commit(edits ...tree.Edit) github.Commit {
	return github.Commit{Edits: edits, Message: "Change\n", Name: "Bot", Email: "bot@example.com", When: when}
}

func none(string) bool { return false }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTree(t *testing.T) {
	w := newWorld(t)
	// A submodule is in the commit, but not in the tree.
	w.git("update-index", "--index-version", "2") // makes an index where there is none
	w.git("read-tree", "main")
	w.git("update-index", "--add", "--cacheinfo", "160000,"+w.git("rev-parse", "main")+",vendor/lib")
	w.git("update-ref", "refs/heads/main", w.git("commit-tree", "-p", "main", "-m", "Add a submodule", w.git("write-tree")))

	c, main := w.clone()
	tr, err := c.Tree(main)
	check(t, err)
	var got strings.Builder
	for _, e := range tr.Entries() {
		data, err := tr.Read(e.Path)
		check(t, err)
		fmt.Fprintf(&got, "%d %s %q\n", e.Mode, e.Path, data)
	}
	want := `0 README.md "hello\n"
2 latest "src/a.py"
1 run.sh "#!/bin/sh\n"
0 src/a.py "a = 1\n"
0 src/deep-er.py "deeper = 1\n"
0 src/deep.py "deep = 1\n"
0 src/deep/b.py "b = 1\n"
`
	if got.String() != want {
		t.Errorf("got:\n%swant:\n%s", got.String(), want)
	}
	if _, err := tr.Read("vendor/lib"); !tree.IsNotExist(err) {
		t.Errorf("reading a submodule: %v", err)
	}

	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for _, e := range tr.Entries() {
				if _, err := tr.Read(e.Path); err != nil {
					t.Error(err)
				}
			}
		})
	}
	readers.Wait()

	head, err := c.Commit(main, commit(tree.Edit{Path: "src/c.py", Data: []byte("c = 1\n")}))
	check(t, err)
	_, err = c.Push(ctx, "next", head, none)
	check(t, err)
	if got := w.git("diff", "--raw", "--abbrev=4", "main", "next"); !strings.HasSuffix(got, "A\tsrc/c.py") || strings.Contains(got, "vendor") {
		t.Errorf("the submodule is not kept:\n%s", got)
	}
}

// Files that no plan can name are in the commit, but not in the tree; a commit
// beside them keeps them byte for byte.
func TestFilesWithoutAName(t *testing.T) {
	w := newWorld(t)
	w.git("read-tree", "main")
	blob := w.git("rev-parse", "main:README.md")
	deep := strings.Repeat("d/", 210) + "e.py"
	for _, path := range []string{"docs\xff.txt", "src/\xfe\xff/a.py", "src/" + deep, deep} {
		w.git("update-index", "--add", "--cacheinfo", "100644,"+blob+","+path)
	}
	w.git("update-ref", "refs/heads/main", w.git("commit-tree", "-p", "main", "-m", "Add odd names", w.git("write-tree")))

	c, main := w.clone()
	tr, err := c.Tree(main)
	check(t, err)
	if n := len(tr.Entries()); n != 7 {
		t.Errorf("%d files, want the 7 with a name:\n%s", n, list(t, tr))
	}
	head, err := c.Commit(main, commit(tree.Edit{Path: "src/a.py", Delete: true}, tree.Edit{Path: "a.py", Data: []byte("a = 1\n")}))
	check(t, err)
	_, err = c.Push(ctx, "next", head, none)
	check(t, err)
	if got, want := w.git("diff", "--name-status", "-M", "main", "next"), "R100\tsrc/a.py\ta.py"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	var limit *github.LimitError
	if _, err := c.Commit(main, commit(tree.Edit{Path: deep, Data: []byte("x")})); !errors.As(err, &limit) {
		t.Errorf("writing a file that is not in the tree: %v", err)
	}
}

// A new process removes what killed ones left, unless somebody may still be
// using it.
func TestClonesOfTheKilled(t *testing.T) {
	w := newWorld(t)
	start := func(dir string) *github.App {
		app, err := github.New(github.Config{URL: w.URL(), AppID: w.app.ID, PrivateKey: w.app.PEM, WorkDir: dir})
		check(t, err)
		return app
	}
	left := func(dir string) string {
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		check(t, err)
		return strings.Join(names, " ")
	}
	dir := t.TempDir()
	for _, name := range []string{"restage-clone-1", "restage-clone-2", "mine"} {
		check(t, os.MkdirAll(filepath.Join(dir, name, "objects"), 0o777))
	}
	app := start(dir)
	if got, want := left(dir), filepath.Join(dir, "mine"); got != want {
		t.Errorf("left by the first: %s, want %s", got, want)
	}
	repo, err := app.Repo(w.inst, "ada", "shop")
	check(t, err)
	c, err := repo.Clone(ctx)
	check(t, err)
	defer c.Close()
	before := left(dir)
	start(dir)
	if got := left(dir); got != before {
		t.Errorf("left by the second: %s, want %s", got, before)
	}
}

// Each case is compared with what git itself makes of the same files.
func TestCommit(t *testing.T) {
	w := newWorld(t)
	c, main := w.clone()
	base, err := c.Tree(main)
	check(t, err)
	for name, edits := range map[string][]tree.Edit{
		"nothing":         {},
		"the same again":  {{Path: "src/a.py", Data: []byte("a = 1\n")}},
		"new":             {{Path: "x/y/z.py", Data: []byte("z\n")}},
		"changed":         {{Path: "src/a.py", Data: []byte("a = 2\n")}},
		"executable":      {{Path: "src/a.py", Data: []byte("a = 1\n"), Mode: tree.Executable}},
		"symlink":         {{Path: "link", Data: []byte("run.sh"), Mode: tree.Symlink}},
		"deleted":         {{Path: "README.md", Delete: true}},
		"emptied folder":  {{Path: "src/deep/b.py", Delete: true}},
		"moved":           {{From: "src/a.py", Path: "lib/a.py", Data: []byte("a = 1\n")}},
		"swapped":         {{From: "src/a.py", Path: "src/deep.py", Data: []byte("a = 1\n")}, {Path: "src/a.py", Data: []byte("deep = 1\n")}},
		"file to folder":  {{From: "src/a.py", Path: "src/a.py/b.py", Data: []byte("a = 1\n")}},
		"folder to file":  {{From: "src/deep/b.py", Path: "src/deep", Data: []byte("b = 1\n")}},
		"sorted like git": {{Path: "src/deep.d/x", Data: []byte("x")}, {Path: "src/deep0", Data: []byte("x")}},
		"deleted twice":   {{Path: "nowhere/x.py", Delete: true}, {Path: "README.md/x", Delete: true}, {Path: "src", Delete: true}},
	} {
		t.Run(name, func(t *testing.T) {
			head, err := c.Commit(main, commit(edits...))
			check(t, err)
			after, err := c.Tree(head)
			check(t, err)
			want, err := tree.Apply(base, edits)
			check(t, err)
			if g, w := list(t, after), list(t, want); g != w {
				t.Errorf("got:\n%swant:\n%s", g, w)
			}
			branch := "test/" + strings.ReplaceAll(name, " ", "-")
			_, err = c.Push(ctx, branch, head, none)
			check(t, err)
			w.git("fsck", "--strict", "--no-dangling")
			if head == main {
				return
			}
			if got := w.git("log", "-1", "--format=%an <%ae> %ad, %cn <%ce> %cd: %B%P", "--date=iso", branch); got !=
				"Bot <bot@example.com> 2026-02-03 03:05:06 +0000, Bot <bot@example.com> 2026-02-03 03:05:06 +0000: Change\n"+main {
				t.Errorf("commit: %s", got)
			}
			again, _ := w.clone()
			if same, err := again.Commit(main, commit(edits...)); err != nil || same != head {
				t.Errorf("made again: %s, %v; want %s", same, err, head)
			}
		})
	}
	for name, edit := range map[string]tree.Edit{
		"file in a file":     {Path: "README.md/x.py", Data: []byte("x")},
		"file over a folder": {Path: "src", Data: []byte("x")},
	} {
		if head, err := c.Commit(main, commit(edit)); err == nil {
			t.Errorf("%s: made %s", name, head)
		}
	}
}

func list(t *testing.T, tr tree.Tree) string {
	t.Helper()
	var b strings.Builder
	for _, e := range tr.Entries() {
		data, err := tr.Read(e.Path)
		check(t, err)
		fmt.Fprintf(&b, "%d %s %q\n", e.Mode, e.Path, data)
	}
	return b.String()
}

func TestPush(t *testing.T) {
	w := newWorld(t)
	c, main := w.clone()
	first, err := c.Commit(main, commit(tree.Edit{Path: "a", Data: []byte("1")}))
	check(t, err)
	second, err := c.Commit(main, commit(tree.Edit{Path: "a", Data: []byte("2")}))
	check(t, err)
	push := func(commit string, own func(string) bool) string {
		pushed, err := c.Push(ctx, "restage/1/1-moves", commit, own)
		return fmt.Sprint(pushed, " ", err)
	}
	own := func(tip string) bool { return tip == first }
	if got := push(first, none); got != "true <nil>" {
		t.Errorf("new branch: %s", got)
	}
	if got := push(first, none); got != "false <nil>" {
		t.Errorf("again: %s", got)
	}
	if got := push(second, own); got != "true <nil>" {
		t.Errorf("own commit: %s", got)
	}
	if _, err := c.Push(ctx, "restage/1/1-moves", first, own); !errors.Is(err, github.ErrForeign) {
		t.Errorf("commit of somebody else: %v", err)
	}
	if got := w.git("rev-parse", "restage/1/1-moves"); got != second {
		t.Errorf("the branch is at %s, want %s", got, second)
	}

	// Somebody pushes between the look and the push.
	mine := w.git("commit-tree", "-p", second, "-m", "Mine", second+"^{tree}")
	w.out = func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
			w.git("update-ref", "refs/heads/restage/1/1-moves", mine)
		}
		return http.DefaultTransport.RoundTrip(r)
	}
	var refused *github.RefusedError
	if _, err := c.Push(ctx, "restage/1/1-moves", first, func(tip string) bool { return tip == second }); !errors.As(err, &refused) {
		t.Errorf("push over a newer commit: %v", err)
	}
	if got := w.git("rev-parse", "restage/1/1-moves"); got != mine {
		t.Errorf("the branch is at %s, want %s", got, mine)
	}
}

func TestFetchOldCommit(t *testing.T) {
	w := newWorld(t)
	old := w.git("rev-parse", "main")
	w.git("update-ref", "refs/heads/main", w.git("commit-tree", "-p", "main", "-m", "On", "main^{tree}"))
	c, main := w.clone()
	if main == old {
		t.Fatal("main did not move")
	}
	check(t, c.Fetch(ctx, old))
	_, err := c.Tree(old)
	check(t, err)
}

func TestCheckRuns(t *testing.T) {
	w := newWorld(t)
	_, main := w.clone()
	run := github.CheckRun{Name: "restage / imports", Commit: main, Key: "1", Conclusion: "failure", Title: "120 problems", Summary: "Many."}
	for i := range 120 {
		run.Annotations = append(run.Annotations, github.Annotate("src/a.py", i+1, "failure", fmt.Sprintf("problem %d", i)))
	}
	// The process dies when it has sent the second lot.
	posts, dead := 0, errors.New("dead")
	w.out = func(r *http.Request) (*http.Response, error) {
		if posts == 2 {
			return nil, dead
		}
		if r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/check-runs") {
			posts++
		}
		return http.DefaultTransport.RoundTrip(r)
	}
	if _, err := w.repo.SetCheckRun(ctx, nil, run); !errors.Is(err, dead) {
		t.Fatalf("the death went unnoticed: %v", err)
	}
	w.out = nil
	runs := checkRuns(t, w, main)
	if len(runs) != 1 || runs[0].GetStatus() != "in_progress" || runs[0].GetOutput().GetAnnotationsCount() != 100 {
		t.Fatalf("after the death: %v", runs)
	}
	for _, want := range []bool{true, false} {
		posted, err := w.repo.SetCheckRun(ctx, checkRuns(t, w, main), run)
		if err != nil || posted != want {
			t.Errorf("posted %v, %v; want %v", posted, err, want)
		}
		runs = checkRuns(t, w, main)
		if len(runs) != 1 || runs[0].GetConclusion() != "failure" || runs[0].GetOutput().GetAnnotationsCount() != 120 {
			t.Errorf("in the end: %v", runs)
		}
	}
	run.Key, run.Annotations, run.Conclusion = "2", nil, "success"
	_, err := w.repo.SetCheckRun(ctx, runs, run)
	check(t, err)
	if runs = checkRuns(t, w, main); len(runs) != 2 {
		t.Errorf("done again: %d runs", len(runs))
	}
	// What was cancelled can be done after all, once.
	run.Key, run.Conclusion = "3", "cancelled"
	_, err = w.repo.SetCheckRun(ctx, runs, run)
	check(t, err)
	run.Conclusion = "success"
	for _, want := range []bool{true, false} {
		posted, err := w.repo.SetCheckRun(ctx, checkRuns(t, w, main), run)
		if err != nil || posted != want {
			t.Errorf("after it was cancelled: posted %v, %v; want %v", posted, err, want)
		}
	}
}

func checkRuns(t *testing.T, w *world, commit string) []*gh.CheckRun {
	t.Helper()
	runs, err := w.repo.CheckRuns(ctx, commit)
	check(t, err)
	return runs
}

func TestFile(t *testing.T) {
	w := newWorld(t)
	data, err := w.repo.File(ctx, "src/a.py")
	if string(data) != "a = 1\n" || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
	for path, want := range map[string]error{"src/none.py": fs.ErrNotExist, "src": fs.ErrNotExist, "../x": fs.ErrInvalid, "/etc/passwd": fs.ErrInvalid, "": fs.ErrInvalid} {
		if _, err := w.repo.File(ctx, path); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", path, err, want)
		}
	}
}

// Who installed the app before it asked to read statuses gets none, and no error.
func TestStatuses(t *testing.T) {
	w := newWorld(t)
	token, err := w.AddUser("ada")
	check(t, err)
	ada, err := gh.NewClient(nil).WithAuthToken(token).WithEnterpriseURLs(w.URL(), w.URL())
	check(t, err)
	tip := w.git("rev-parse", "main")
	for _, state := range []string{"success", "failure"} {
		_, _, err := ada.Repositories.CreateStatus(ctx, "ada", "shop", tip, &gh.RepoStatus{State: &state})
		check(t, err)
	}
	list, err := w.repo.Statuses(ctx, tip)
	check(t, err)
	if len(list) != 1 || list[0].GetState() != "failure" {
		t.Errorf("statuses %v", list)
	}

	manifest, err := os.ReadFile("../../app.yml")
	check(t, err)
	old, err := w.RegisterApp("ada", []byte(strings.NewReplacer("name: restage", "name: before", "  statuses: read", "").Replace(string(manifest))), "http://127.0.0.1:1/", "secret")
	check(t, err)
	inst, err := w.Install(old.ID, "ada", "shop")
	check(t, err)
	app, err := github.New(github.Config{URL: w.URL(), AppID: old.ID, PrivateKey: old.PEM, WorkDir: t.TempDir()})
	check(t, err)
	repo, err := app.Repo(inst, "ada", "shop")
	check(t, err)
	if list, err = repo.Statuses(ctx, tip); err != nil || len(list) > 0 {
		t.Errorf("without permission: %v, %v", list, err)
	}
}

// The token says what whoever installed the app let it do.
func TestMayWriteWorkflows(t *testing.T) {
	w := newWorld(t)
	may, err := w.repo.MayWriteWorkflows(ctx)
	check(t, err)
	if may {
		t.Error("nobody granted that")
	}
	w.out = func(r *http.Request) (*http.Response, error) {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil && strings.HasSuffix(r.URL.Path, "/access_tokens") {
			res.Body = io.NopCloser(strings.NewReader(`{"token": "t", "expires_at": "2099-01-01T00:00:00Z", "permissions": {"contents": "write", "workflows": "write"}}`))
		}
		return res, err
	}
	app, err := github.New(github.Config{URL: w.URL(), AppID: w.app.ID, PrivateKey: w.app.PEM, WorkDir: t.TempDir(), Transport: w.out})
	check(t, err)
	repo, err := app.Repo(w.inst, "ada", "shop")
	check(t, err)
	if may, err = repo.MayWriteWorkflows(ctx); err != nil || !may {
		t.Errorf("granted: %v, %v", may, err)
	}
}

// GitHub may not know a token any more when a request comes to it that was long under
// way. It is made again with a new token, once.
func TestTokenRunsOut(t *testing.T) {
	for _, test := range []struct {
		name    string
		unknown int // how many tokens GitHub does not know
		asked   int
		reached bool
	}{{"none", 0, 1, true}, {"the first", 1, 2, true}, {"all", 9, 2, false}} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			var tokens []string
			asked := 0
			w.out = func(r *http.Request) (*http.Response, error) {
				token := r.Header.Get("Authorization")
				if !strings.HasSuffix(r.URL.Path, "/issues/1/comments") {
					return http.DefaultTransport.RoundTrip(r)
				}
				asked++
				if !slices.Contains(tokens, token) {
					tokens = append(tokens, token)
				}
				if slices.Index(tokens, token) < test.unknown {
					r.Body.Close()
					rec := httptest.NewRecorder()
					http.Error(rec, `{"message": "Bad credentials"}`, http.StatusUnauthorized)
					return rec.Result(), nil
				}
				return http.DefaultTransport.RoundTrip(r)
			}
			_, err := w.repo.AddComment(ctx, 1, "a text")
			if _, out := github.OutOfReach(err); out == test.reached {
				t.Fatal(err)
			}
			if asked != test.asked || len(tokens) != test.asked {
				t.Errorf("%d requests with %d tokens, want %d", asked, len(tokens), test.asked)
			}
		})
	}
}

// Whatever meets a rate limit, in the REST API or in git, says how long it lasts.
func TestRateLimit(t *testing.T) {
	for _, what := range []struct {
		name, path string // of the requests that meet it
		do         func(*world) error
	}{
		{"token", "/access_tokens", func(w *world) error { _, err := w.repo.DefaultBranch(ctx); return err }},
		{"look", "/shop", func(w *world) error { _, err := w.repo.DefaultBranch(ctx); return err }},
		{"app", "/app", func(w *world) error { _, err := w.repo.Identity(ctx); return err }},
		{"comment", "/comments", func(w *world) error { _, err := w.repo.AddComment(ctx, 1, "a text"); return err }},
		{"clone", "/info/refs", func(w *world) error { _, err := w.repo.Clone(ctx); return err }},
		{"fetch", "/git-upload-pack", func(w *world) error {
			c, err := w.repo.Clone(ctx)
			check(w.t, err)
			defer c.Close()
			main, _ := c.Head("main")
			return c.Fetch(ctx, main)
		}},
		{"push", "/git-receive-pack", func(w *world) error {
			c, main := w.clone()
			_, err := c.Push(ctx, "topic", main, nil)
			return err
		}},
	} {
		for _, status := range []int{http.StatusForbidden, http.StatusTooManyRequests} {
			t.Run(fmt.Sprint(what.name, status), func(t *testing.T) {
				w := newWorld(t)
				asked := 0
				w.out = func(r *http.Request) (*http.Response, error) {
					if !strings.HasSuffix(r.URL.Path, what.path) {
						return http.DefaultTransport.RoundTrip(r)
					}
					asked++
					rec := httptest.NewRecorder()
					githubtest.SecondaryLimit(rec, status, 40*time.Second)
					return rec.Result(), nil
				}
				for range 2 { // the second time, nobody is asked
					wait, ok := github.RetryAfter(what.do(w))
					if !ok || wait > 40*time.Second || wait < 30*time.Second || asked != 1 {
						t.Errorf("to wait for %v, %v after %d requests, want 40s after one", wait, ok, asked)
					}
					if what.path == "/git-upload-pack" || what.path == "/git-receive-pack" {
						break // what comes first is kept back as well
					}
				}
			})
		}
	}
}

// The primary limit of the hour, as GitHub counts it: what was not modified is
// free.
func TestPrimaryLimit(t *testing.T) {
	now := time.Now()
	w := newWorldWith(t, githubtest.Options{RateLimit: 3, Now: func() time.Time { return now }})
	for range 5 {
		_, err := w.repo.DefaultBranch(ctx)
		check(t, err)
	}
	_, err := w.repo.CanWrite(ctx, "ada")
	check(t, err)
	_, err = w.repo.Issue(ctx, 1)
	if !github.IsGone(err) {
		t.Errorf("the third that counts: %v", err)
	}
	_, err = w.repo.Issue(ctx, 2)
	left := now.Truncate(time.Hour).Add(time.Hour).Sub(now)
	if wait, ok := github.RetryAfter(err); !ok || wait > left+time.Second || wait < left-time.Minute {
		t.Errorf("the fourth: to wait for %v of %v, %v", wait, left, err)
	}
}

func TestNew(t *testing.T) {
	for _, url := range []string{"github.example.com", "ftp://github.example.com", "https://user:password@github.example.com", "https://"} {
		_, err := github.New(github.Config{URL: url, AppID: 1})
		if err == nil || !strings.Contains(err.Error(), "must look like https://") || strings.Contains(err.Error(), "password@") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := github.New(github.Config{AppID: 1, PrivateKey: []byte("no key, but a secret")}); err == nil || strings.Contains(err.Error(), "a secret") {
		t.Errorf("bad key: %v", err)
	}
}

func TestCloneIsRemoved(t *testing.T) {
	w := newWorld(t)
	c, _ := w.clone()
	check(t, c.Close())
	if left := clones(t, w.work); len(left) > 0 {
		t.Errorf("closed, but left: %v", left)
	}
	// Killed processes cannot close theirs.
	long := time.Now().AddDate(0, 0, -2)
	old := filepath.Join(w.work, "restage-clone-1")
	check(t, os.MkdirAll(filepath.Join(old, "objects"), 0o700))
	check(t, os.Chtimes(old, long, long))
	check(t, os.Mkdir(filepath.Join(w.work, "restage-clone-2"), 0o700))
	_, err := github.New(github.Config{AppID: w.app.ID, PrivateKey: w.app.PEM, WorkDir: w.work})
	check(t, err)
	if left := clones(t, w.work); len(left) != 1 || left[0] != "restage-clone-2" {
		t.Errorf("left: %v, want that which may be in use", left)
	}
}

func clones(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestEmptyRepository(t *testing.T) {
	w := newWorld(t)
	w.git("update-ref", "-d", "refs/heads/main")
	c, err := w.repo.Clone(ctx)
	check(t, err)
	defer c.Close()
	if head, ok := c.Head("main"); ok {
		t.Errorf("main is at %s", head)
	}
}

func TestClip(t *testing.T) {
	if got := github.Clip("short\n", 100); got != "short\n" {
		t.Errorf("got %q", got)
	}
	got := github.Clip(strings.Repeat("ä line of text\n", 100), 200)
	if n := len([]rune(got)); n > 200 || n < 150 || !strings.HasPrefix(got, "ä line") || !strings.Contains(got, "text\n\n_Cut here") {
		t.Errorf("got %d characters: %q", n, got)
	}
}

// What is cut ends what it began, wherever it is cut.
func TestClipCloses(t *testing.T) {
	const more = "\n\n_Cut here: the text is longer than GitHub allows._\n"
	fill := strings.Repeat("- one more line of a long list\n", 20)
	for _, c := range []struct{ name, text, want string }{
		{"a list", "head\n\n" + fill, "list"},
		{"folded away", "head\n\n<details><summary>20 files</summary>\n\n" + fill + "\n</details>\n", "list\n\n</details>"},
		{"folded twice", "<details>\n\n<details open>\n\n" + fill + "\n</details>\n\n</details>\n", "list\n\n</details>\n\n</details>"},
		{"folded before", "<details>\n\na\n\n</details>\n\n" + fill, "list"},
		{"code", "head\n\n```sh\n" + fill + "```\n", "list\n```"},
		{"code with fences in it", "head\n\n`````\n```\n~~~\n" + fill + "`````\n", "list\n`````"},
		{"code with a fence that goes on", "```\n```sh\n" + fill + "```\n", "list\n```"},
		{"code before", "```sh\nmake\n```\n" + fill, "list"},
		{"tildes", "~~~\n```\n" + fill + "~~~\n", "list\n~~~"},
		{"code that folds nothing", "```\n<details>\n" + fill + "```\n", "list\n```"},
		{"code folded away", "<details>\n\n```\n" + fill + "```\n\n</details>\n", "list\n```\n\n</details>"},
		{"code in a line", "`<details>`\n\n```x``` y\n" + fill, "list"},
	} {
		for max := 150; max < 400; max++ {
			got := github.Clip(c.text, max)
			if len(got) > max || !strings.HasSuffix(got, c.want+more) {
				t.Errorf("%s, %d characters: got %d: %q", c.name, max, len(got), got)
				break
			}
		}
		if got := github.Clip(c.text, len(c.text)); got != c.text {
			t.Errorf("%s: what fits is cut", c.name)
		}
	}
	if got := github.Clip(strings.Repeat("x", 500), 100); got != more {
		t.Errorf("one long line: %q", got)
	}
}
