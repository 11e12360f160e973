package bot_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/webhook"
)

// A receiver is a world whose webhooks go to the real handler, when that is not
// away.
type receiver struct {
	*world
	status atomic.Int64 // to answer instead of the handler, 0 for none
	lost   atomic.Bool  // the status is answered after the handler did its work
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{world: newWorld(t, shop)}
	real := webhook.New(r.store, []byte(secret), slog.New(slog.DiscardHandler))
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		status := int(r.status.Load())
		if status != 0 && r.lost.Load() {
			real.ServeHTTP(httptest.NewRecorder(), req)
		}
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		real.ServeHTTP(w, req)
	}))
	t.Cleanup(hook.Close)
	r.app = must(r.RegisterApp("ada", must(os.ReadFile("../app.yml")), hook.URL+"/webhook", secret))
	check(t, r.Idle(ctx))
	r.startBot()
	return r
}

// resync lets the bot resync and GitHub deliver what it asks for.
func (r *receiver) resync() {
	r.t.Helper()
	check(r.t, r.bot.Resync(ctx))
	check(r.t, r.Idle(ctx))
}

// attempts returns how often GitHub tried to deliver each webhook of an event,
// and how many of them are stored.
func (r *receiver) attempts(event string) (tries []int, stored int) {
	r.t.Helper()
	app := must(github.New(github.Config{URL: r.URL(), AppID: r.app.ID, PrivateKey: r.app.PEM}))
	byGUID := map[string]int{}
	for _, d := range must(app.Deliveries(ctx, time.Time{})) {
		if d.GetEvent() == event {
			byGUID[d.GetGUID()]++
		}
	}
	for guid, n := range byGUID {
		tries = append(tries, n)
		if _, err := r.store.Delivery(ctx, guid); err == nil {
			stored++
		}
	}
	slices.Sort(tries)
	return tries, stored
}

func (r *receiver) expect(what string, stored int, tries ...int) {
	r.t.Helper()
	got, n := r.attempts("issues")
	same(r.t, what, []any{n, got}, []any{stored, tries})
}

// What GitHub could not deliver while the server was away is asked for when it
// is back, once: by a process that was there all the time or a new one.
func TestRedeliver(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"same process": false, "new process": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.resync()
			r.status.Store(http.StatusBadGateway)
			r.file("ada", fenced(yaml)) // opened, labeled
			check(t, r.Idle(ctx))
			r.expect("while it is away", 0, 1, 1)
			if restart {
				r.startBot()
			}
			r.status.Store(0)
			r.resync()
			r.expect("back again", 2, 2, 2)
			r.resync()
			r.expect("nothing is asked for twice", 2, 2, 2)
		})
	}
}

// The webhook arrived, only the answer did not.
func TestRedeliverNotWhatIsStored(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.lost.Store(true)
	r.status.Store(http.StatusGatewayTimeout)
	r.file("ada", fenced(yaml))
	check(t, r.Idle(ctx))
	r.resync()
	r.expect("asked for nothing", 2, 1, 1)
}

// What fails again and again is left in the end, also by processes that are
// new each time.
func TestRedeliverGivesUp(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]bool{"same process": false, "new processes": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.status.Store(http.StatusInternalServerError)
			issue, _, err := r.users["ada"].Issues.Create(ctx, "ada", "shop", &gh.IssueRequest{Title: gh.String("Tidy the shop")})
			check(t, err)
			check(t, r.Idle(ctx))
			for range 9 {
				if restart {
					r.startBot()
				}
				r.resync()
			}
			r.expect("in the end", 0, 6)
			r.label("ada", issue.GetNumber())
			check(t, r.Idle(ctx))
			r.status.Store(0)
			r.resync()
			r.expect("others are still asked for", 1, 2, 6)
		})
	}
}

// An Enterprise Server that lists no deliveries is asked once.
func TestRedeliverWithoutList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	server := &listless{}
	w.out = server
	w.startBot()
	for range 3 {
		check(t, w.bot.Resync(ctx))
	}
	same(t, "asked", server.asked, 1)
	same(t, "told", strings.Count(w.log.String(), "does not list deliveries"), 1)
}

// Whatever is not finished is looked at again, without any webhook.
func TestResync(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.take() // all webhooks are lost
	// What those asked for that came is not looked at.
	w.lookOnce(store.Handlers{Reconcile: func(context.Context, int64) error { return nil }, Guard: w.bot.Guard})
	w.lookOnce(store.Handlers{Reconcile: w.bot.Reconcile, Guard: w.bot.Guard, Resync: w.bot.Resync, ResyncEvery: time.Hour})
	contain(t, w.status(issue), "Review #3")
}

// lookOnce works off the queue until there was a look.
func (w *world) lookOnce(h store.Handlers) {
	w.t.Helper()
	looked := make(chan bool, 100)
	look := h.Reconcile
	h.Reconcile = func(ctx context.Context, migration int64) error {
		defer func() { looked <- true }()
		return look(ctx, migration)
	}
	run, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- w.store.Run(run, h) }()
	<-looked
	stop()
	check(w.t, <-ended)
}

// listless is a way to a GitHub that lists no deliveries.
type listless struct{ asked int }

func (l *listless) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/app/hook/deliveries") {
		l.asked++
		rec := httptest.NewRecorder()
		http.NotFound(rec, r)
		return rec.Result(), nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A webhook that GitHub fails to send again keeps no other back.
func TestRedeliverPassesOver(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.resync()
	r.status.Store(http.StatusBadGateway)
	r.file("ada", fenced(yaml))
	check(t, r.Idle(ctx))
	r.status.Store(0)
	path := ""
	r.out = transport(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/attempts") {
			if path == "" {
				path = req.URL.Path
			}
			if path == req.URL.Path {
				return fail(req, 500, "Server Error", 0), nil
			}
		}
		return http.DefaultTransport.RoundTrip(req)
	})
	r.startBot()
	if err := r.bot.Resync(ctx); err == nil {
		t.Error("no error")
	}
	check(t, r.Idle(ctx))
	r.expect("the other", 1, 1, 2)
}
