package bot_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/webhook"
)

// TestServe tells the story with nothing done by hand: webhooks arrive at the
// real handler, the queue hands out the work.
func TestServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	hook := httptest.NewServer(webhook.New(w.store, []byte(secret), slog.New(slog.DiscardHandler)))
	defer hook.Close()
	must(w.RegisterApp("ada", must(os.ReadFile("../app.yml")), hook.URL+"/webhook", secret))

	looked := make(chan struct{}, 1000)
	serve, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		ended <- w.store.Run(serve, store.Handlers{
			Delivery: w.bot.Delivery,
			Reconcile: func(ctx context.Context, migration int64) error {
				err := w.bot.Reconcile(ctx, migration)
				looked <- struct{}{}
				return err
			},
		})
	}()
	// until waits for a look after which the status has text in it.
	until := func(issue int, text string) {
		t.Helper()
		limit := time.After(5 * time.Minute)
		for {
			select {
			case <-looked:
			case <-limit:
				t.Fatalf("waited too long for %q in:\n%s", text, strings.Join(w.comments(issue), "\n"))
			}
			if all := w.comments(issue); len(all) > 0 && strings.Contains(all[0], text) {
				return
			}
		}
	}
	issue := w.file("ada", fenced(yaml))
	until(issue, "Review #2")
	w.merge(movesBranch)
	until(issue, "Review #3")
	w.merge(importsBranch)
	until(issue, "Review #4")
	w.merge(cleanupBranch)
	until(issue, "Everything is merged")
	stop()
	check(t, <-ended)
	same(t, "comments", len(w.comments(issue)), 2)
}
