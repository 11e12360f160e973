package store

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"
)

// openTest opens a new database that is closed when the test ends.
func openTest(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "restage.db"), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestDeliveryIsHandled(t *testing.T) {
	s := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	if added, err := s.AddDelivery(ctx, Delivery{ID: "1", Event: "issues", Payload: []byte("{}")}); err != nil || !added {
		t.Fatal(added, err)
	}
	got := make(chan Delivery, 1)
	looks := make(chan int64, 1)
	done := make(chan error)
	start := time.Now()
	go func() {
		done <- s.Run(ctx, Handlers{
			Delivery: func(ctx context.Context, d Delivery) error {
				got <- d
				return s.Enqueue(ctx, 7, time.Time{})
			},
			Reconcile: func(ctx context.Context, m int64) error { looks <- m; return nil },
		})
	}()
	t.Log(<-got, time.Since(start))
	t.Log(<-looks, time.Since(start))
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(start))
}
