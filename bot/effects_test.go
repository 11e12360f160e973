package bot_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"modernc.org/sqlite"

	"github.com/restage/restage/bot/store"
)

// A life is that of one process of the bot. It numbers the effects on the
// outside, which are the requests to GitHub that change something, pushes among them,
// and the commits to the store. It ends right before or right after one of
// them, and a process that is dead has no effects.
type life struct {
	base http.RoundTripper // to GitHub

	mu      sync.Mutex
	effects []string
	end     death
	dead    bool
}

// A death is that of a process at its effect number at, from 1; 0 if it never dies.
type death struct {
	at    int
	after bool
}

func (d death) String() string {
	if d.after {
		return fmt.Sprint("after_", d.at)
	}
	return fmt.Sprint("before_", d.at)
}

// begin numbers an effect and reports whether it happens.
func (l *life) begin(effect string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return false
	}
	l.effects = append(l.effects, effect)
	l.dead = len(l.effects) == l.end.at && !l.end.after
	return !l.dead
}

// ended is called when an effect has happened, and reports whether the process lives
// on.
func (l *life) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = l.dead || len(l.effects) == l.end.at
	return !l.dead
}

// over reports whether the process is dead.
func (l *life) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

func (l *life) RoundTrip(r *http.Request) (*http.Response, error) {
	if harmless(r) {
		if l.over() {
			return nil, errDead
		}
		return l.base.RoundTrip(r)
	}
	if !l.begin(r.Method + " " + r.URL.Path) {
		return nil, errDead
	}
	res, err := l.base.RoundTrip(r)
	if !l.ended() {
		return nil, errDead
	}
	return res, err
}

// harmless reports whether a request changes nothing on GitHub.
func harmless(r *http.Request) bool {
	return r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/access_tokens") || strings.HasSuffix(r.URL.Path, "/git-upload-pack")
}

// processes are those that have a database open, by its file.
var processes sync.Map

func init() {
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, dsn string) error {
		u, err := url.Parse(dsn)
		if err != nil || u.Scheme != "file" {
			return nil
		}
		found, ok := processes.Load(u.Path)
		if !ok {
			return nil
		}
		l := found.(*life)
		conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
			if !l.begin("commit") {
				return 1 // which rolls back
			}
			l.ended()
			return 0
		})
		return nil
	})
}

// live starts a process in a world, in place of the one that was there.
func (w *world) live(way http.RoundTripper, end death) *life {
	w.t.Helper()
	if w.store != nil {
		w.store.Close()
	}
	l := &life{base: way}
	processes.Store(strings.TrimPrefix(w.database, "sqlite:"), l)
	w.out = l
	w.store = must(store.Open(ctx, w.database, slog.New(slog.DiscardHandler)))
	w.startBot()
	l.mu.Lock()
	l.effects, l.end = nil, end
	l.mu.Unlock()
	return l
}

// TestEffects ends the process right before and right after each effect that it
// has on the outside, in a world of its own, starts another, and compares what is
// on GitHub and in the store in the end with what a process leads to that lives.
//
// Each act begins with what the one before left. So the end of an act stands for the
// end of the story: from the same world, the same follows.
//
// That is done for each effect of the demo's story by make test-proof, and
// otherwise for some of a shorter one.
func TestEffects(t *testing.T) {
	t.Parallel()
	if proof() {
		samplePlay().dieAt(t, 1)
	} else {
		shopPlay().dieAt(t, 10)
	}
}

// TestEffectsOfWeeks is TestEffects with much of what people may do. Without make
// test-proof, few of its effects are tried.
func TestEffectsOfWeeks(t *testing.T) {
	t.Parallel()
	every := 200
	if proof() {
		every = 1
	}
	weeksPlay().dieAt(t, every)
}

// dieAt ends the process at one of so many of the moments of a play, which are those
// before and after its effects.
func (p play) dieAt(t *testing.T, every int) {
	deaths := 0
	left := filepath.Join(t.TempDir(), "begin")
	check(t, os.Mkdir(left, 0o755))
	for i := range p.acts {
		before, after := left, filepath.Join(t.TempDir(), "calm")
		want, effects := p.act(t, before, after, i, death{})
		t.Logf("act %d: %d effects", i+1, len(effects))
		for k, effect := range effects {
			for _, end := range []death{{k + 1, false}, {k + 1, true}} {
				if deaths++; deaths%every != 0 {
					continue
				}
				t.Run(fmt.Sprintf("act_%d/%s", i+1, end), func(t *testing.T) {
					t.Parallel()
					got, _ := p.act(t, before, filepath.Join(t.TempDir(), "world"), i, end)
					if got != want {
						t.Errorf("died %s %s:\n%s", end, effect, difference(want, got))
					}
				})
			}
		}
		left = after
	}
}

// act plays an act in the folder dir, after what is in before. It returns what
// is there in the end, and the effects. Its time begins when that of any other
// does, and stands still.
func (p play) act(t *testing.T, before, dir string, number int, end death) (all string, effects []string) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Hour) // for timeouts under way; it takes no time here
		all, effects = p.perform(t, before, dir, number, end)
	})
	return all, effects
}

func (p play) perform(t *testing.T, before, dir string, number int, end death) (all string, effects []string) {
	check(t, os.CopyFS(dir, os.DirFS(before)))
	w := p.open(t, dir, func(way http.RoundTripper) http.RoundTripper { return way })
	defer w.Close()
	way := w.out
	l := w.live(way, end)
	defer func() { w.store.Close() }()
	q := openQueue(t, w.database)
	defer q.Close()
	p.acts[number](w)
	died := false
	// try does something in this life, in the next one if this ends.
	try := func(f func() error) bool {
		t.Helper()
		err := f()
		if l.over() {
			died = true
			effects = append(effects, l.effects...)
			l = w.live(way, death{})
			return false
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, w.log)
		}
		return true
	}
	var arrived []store.Delivery
	for range 1000 {
		arrived = append(arrived, w.take()...)
		if len(arrived) > 0 {
			if try(func() error { _, err := w.store.AddDelivery(ctx, arrived[0]); return err }) {
				arrived = arrived[1:]
			}
			continue
		}
		j := q.next()
		if j == nil {
			if died != (end.at > 0) {
				t.Fatal("the process did not die")
			}
			return w.everything(1) + q.remembered(), append(effects, l.effects...)
		}
		if try(func() error { return q.do(w, j) }) {
			q.done(j)
		}
	}
	t.Fatalf("does not come to rest")
	return "", nil
}

// difference returns the lines that one of two texts has and the other lacks.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var d strings.Builder
	for _, line := range a {
		if !slices.Contains(b, line) {
			d.WriteString("- " + line + "\n")
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			d.WriteString("+ " + line + "\n")
		}
	}
	if d.Len() == 0 {
		return fmt.Sprintf("%d lines became %d: order or number changed\n%s", len(a), len(b), got)
	}
	return d.String()
}
