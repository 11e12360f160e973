package store

import (
	"context"
	"testing"
)

// The guard looks when there is news, and a request for another check run counts
// once. There is none for a migration that failed.
func TestGuards(t *testing.T) {
	s := openTest(t)
	m := aMigration(t, s) // of repository 5
	looked := make(chan int64, 10)
	stop := start(t, s, Handlers{
		Reconcile: func(context.Context, int64) error { return nil },
		Guard:     func(_ context.Context, repository int64) error { looked <- repository; return nil },
	})
	ctx := t.Context()
	set := func(g Guard) {
		t.Helper()
		if err := s.SetGuard(ctx, 5, g); err != nil {
			t.Fatal(err)
		}
	}
	on := Guard{Migration: m, Base: "c1"}
	set(on)
	if got := <-looked; got != 5 {
		t.Errorf("looked at repository %d", got)
	}
	set(on) // no news
	if list, err := s.Guards(ctx, 5); err != nil || len(list) != 1 || list[0] != on {
		t.Errorf("guards: %+v, %v", list, err)
	}

	if err := s.SetGuarded(ctx, 5, "c2", "key"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.GuardAgain(ctx, 5, "c2", "delivery d2"); err != nil {
			t.Fatal(err)
		}
	}
	<-looked
	if all, err := s.Guarded(ctx, 5); err != nil || all["c2"] != (Guarded{Attempt: 1, Posted: "key"}) {
		t.Errorf("guarded: %+v, %v", all, err)
	}
	if err := s.EnqueueGuards(ctx); err != nil {
		t.Fatal(err)
	}
	<-looked

	on.Cleaned = true
	set(on)
	<-looked
	if list, err := s.Guards(ctx, 5); err != nil || len(list) != 1 || list[0] != on {
		t.Errorf("guards after cleanup: %+v, %v", list, err)
	}
	if err := s.SetState(ctx, m, Failed, ""); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Guards(ctx, 5); err != nil || len(list) != 0 {
		t.Errorf("guards of a failed migration: %+v, %v", list, err)
	}
	set(Guard{Migration: m})
	if err := s.GuardAgain(ctx, 5, "c3", "delivery d3"); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Guarded(ctx, 5); err != nil || len(all) != 1 {
		t.Errorf("guarded without a guard: %+v, %v", all, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(looked) != 0 {
		t.Errorf("%d more looks", len(looked))
	}
}
