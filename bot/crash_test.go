package bot_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/store/postgrestest"
)

// TestCrash lets the bot die right before and right after everything it does
// outside, and compares what is on GitHub in the end with what a bot does that
// lives.
func TestCrash(t *testing.T) {
	t.Parallel()
	calm := newWorld(t, shop)
	want := calm.story(nil)
	same(t, "files", calm.git("ls-tree", "-r", "--name-only", "main", "src"), "src/shop/__init__.py\nsrc/shop/cart.py\nsrc/shop/prices.py\n")

	w := newWorld(t, shop)
	mortal := &mortal{seen: map[string]int{}}
	w.out = mortal
	w.startBot()
	got := w.story(func() {
		mortal.mu.Lock()
		mortal.dead = false
		mortal.mu.Unlock()
		w.startBot()
	})
	if got != want {
		t.Errorf("after %d deaths:\n%s\nwithout any:\n%s", mortal.deaths, got, want)
	}
	if mortal.deaths < 40 {
		t.Errorf("only %d deaths; is everything that changes something on GitHub seen?", mortal.deaths)
	}
}

// story lets people start a migration, decide and merge, and returns what is on GitHub
// then. Retry is called when something failed, before it is done again.
func (w *world) story(retry func()) string {
	w.t.Helper()
	issue := w.file("ada", fenced(disputed))
	w.settle(retry)
	w.comment("bob", issue, "/restage decide shop/old/legacy.py delete\n/restage hlep")
	w.settle(retry)
	for _, branch := range branches {
		w.merge(branch)
		w.settle(retry)
	}
	return w.everything(issue)
}

// Around nearly each call to GitHub, PostgreSQL breaks all connections. What the bot was
// about to remember then is done again, and nothing twice.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	if !postgrestest.Used() {
		t.Skip("SQLite has no connection that could break: make test-postgres runs this")
	}
	want := newWorld(t, shop).story(nil)
	w := newWorld(t, shop)
	db := postgrestest.Open(t, w.database)
	broken := 0
	breaks := func() {
		var n int
		err := db.QueryRow(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&n)
		if err != nil {
			t.Error(err)
		}
		broken += n
	}
	var mu sync.Mutex
	seen := map[string]int{}
	w.out = transport(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		key := r.Method + " " + r.URL.String()
		if seen[key]++; seen[key] > 5 { // or nothing would ever be done
			return http.DefaultTransport.RoundTrip(r)
		}
		breaks()
		defer breaks()
		return http.DefaultTransport.RoundTrip(r)
	})
	w.startBot()
	if got := w.story(func() {}); got != want {
		t.Errorf("after %d failures:\n%s", len(w.failures), difference(want, got))
	}
	t.Logf("%d connections broke, %d failures", broken, len(w.failures))
	if broken < 50 || len(w.failures) < 20 {
		t.Error("hardly anything went wrong")
	}
}

// everything returns what the bot made of the world: the issue and all pull requests.
func (w *world) everything(issue int) string {
	w.t.Helper()
	var b strings.Builder
	var heads []string
	i, _, err := w.users["ada"].Issues.Get(ctx, "ada", "shop", issue)
	check(w.t, err)
	fmt.Fprintf(&b, "%s %s %d eyes %d confused\n", i.GetState(), i.GetStateReason(), i.GetReactions().GetEyes(), i.GetReactions().GetConfused())
	for _, c := range w.allComments(issue) {
		b.WriteString(c + "\n----\n")
	}
	pulls, _, err := w.users["ada"].PullRequests.List(ctx, "ada", "shop", &gh.PullRequestListOptions{State: "all", Direction: "asc", ListOptions: gh.ListOptions{PerPage: 100}})
	check(w.t, err)
	for _, p := range pulls {
		head := p.GetHead().GetSHA()
		b.WriteString(p.GetState() + " " + p.GetTitle() + "\n" + p.GetBody() + "\n")
		b.WriteString(strings.Join(w.checkRuns(head), "\n") + "\n" + w.git("log", "--no-merges", "--format=%T %an %s", head) + "----\n")
		heads = append(heads, head, "HEAD")
		for _, c := range w.comments(p.GetNumber()) {
			b.WriteString(c + "\n----\n")
		}
	}
	b.WriteString(w.git("branch", "--format=%(refname:short)") + w.git("rev-parse", "main^{tree}"))
	// Merges are dated by the clock and comments have numbers.
	text := strings.NewReplacer(append(heads, w.URL(), "URL")...).Replace(b.String())
	return regexp.MustCompile(`reply (comment \d+|delivery [-0-9a-f]{36})`).ReplaceAllString(text, "reply N")
}

var errDead = errors.New("the process is dead")

// mortal is a way to GitHub on which the bot dies twice of each thing that it
// does: first before it is done, then after, when the answer is lost. A dead bot
// does nothing more.
type mortal struct {
	mu     sync.Mutex
	dead   bool
	deaths int
	seen   map[string]int // by request
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return nil, errDead
	}
	if harmless(r) {
		return http.DefaultTransport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	key := r.Method + " " + r.URL.Path
	if !strings.HasSuffix(r.URL.Path, "/git-receive-pack") { // packs of the same objects may differ
		key += " " + string(body)
	}
	m.seen[key]++
	switch m.seen[key] {
	case 1:
		m.dead, m.deaths = true, m.deaths+1
		return nil, errDead
	case 2:
		if res, err := http.DefaultTransport.RoundTrip(r); err == nil {
			res.Body.Close()
		}
		m.dead, m.deaths = true, m.deaths+1
		return nil, errDead
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestNoTokenLeaks looks for tokens wherever they could be left: in the log, in
// errors, in clones, in the database, in what is posted.
func TestNoTokenLeaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	spy := &spy{work: w.work}
	w.out = spy
	w.startBot()
	issue := w.file("ada", fenced(yaml))
	w.settle(func() {})
	if len(spy.tokens) == 0 || spy.looked == 0 || len(w.failures) == 0 {
		t.Fatalf("%d tokens, %d looks, %d failures: this test looks in the wrong place", len(spy.tokens), spy.looked, len(w.failures))
	}
	left := w.log.String() + strings.Join(w.comments(issue), "\n") + w.pull(movesBranch).GetBody() + spy.found.String()
	for _, err := range w.failures {
		left += err.Error() + "\n"
	}
	left += string(postgrestest.Dump(t, w.database))
	for _, token := range spy.tokens {
		if strings.Contains(left, token) {
			t.Errorf("a token was left behind:\n%s", left)
		}
	}
	rest := must(os.ReadDir(w.work))
	same(t, "clones left", len(rest), 0)
}

// spy is a way to GitHub that notes the tokens it sees. At each push it looks
// at what is in the folder for clones, and the first one fails.
type spy struct {
	work string

	mu     sync.Mutex
	tokens []string
	found  bytes.Buffer
	looked int
}

func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, token, ok := strings.Cut(r.Header.Get("Authorization"), "token "); ok && !slices.Contains(s.tokens, token) {
		s.tokens = append(s.tokens, token)
	}
	if _, token, ok := r.BasicAuth(); ok && !slices.Contains(s.tokens, token) {
		s.tokens = append(s.tokens, token)
	}
	if strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
		s.looked++
		filepath.WalkDir(s.work, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				data, _ := os.ReadFile(path)
				s.found.Write(data)
			}
			return err
		})
		if s.looked == 1 {
			_, token, _ := r.BasicAuth()
			return nil, errors.New("cannot reach " + r.URL.String() + " with " + token)
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}
