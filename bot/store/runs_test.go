package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// aMigration stores a migration and returns its number.
func aMigration(t *testing.T, s *Store) int64 {
	t.Helper()
	m, _, err := s.StartMigration(t.Context(), Migration{Delivery: "d", Repository: 5, Owner: "ada", Name: "shop", Issue: 1, State: Live, Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func ask(t *testing.T, s *Store, commit string, attempt int) Run {
	t.Helper()
	r, err := s.AskRun(t.Context(), Run{Repository: 5, Commit: commit, Command: `{"run":"true"}`, Attempt: attempt, Migration: 1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A command runs once on a commit, however often it is asked for, unless another
// attempt is; and whoever waits for it is told when it begins and when it ends.
func TestRunOnce(t *testing.T) {
	s := openTest(t)
	aMigration(t, s)
	ran, looked := make(chan Run), make(chan int64, 100)
	stop := start(t, s, Handlers{
		Reconcile: func(_ context.Context, id int64) error { looked <- id; return nil },
		Command: func(ctx context.Context, r Run) error {
			if wanted, err := s.KeepLog(ctx, r, "so far\n"); !wanted || err != nil {
				t.Errorf("log: %v, %v", wanted, err)
			}
			r.Outcome, r.Log = `{"n":1}`, "all\n"
			err := s.EndRun(ctx, r)
			ran <- r
			return err
		},
		Commands: 2,
	})
	first := ask(t, s, "c1", 0)
	if again := ask(t, s, "c1", 0); again.ID != first.ID {
		t.Errorf("asked twice: runs %d and %d", first.ID, again.ID)
	}
	<-ran
	ended := ask(t, s, "c1", 0)
	if ended.State != Ended || ended.Outcome != `{"n":1}` || ended.Log != "all\n" || ended.Started.IsZero() {
		t.Errorf("ended: %+v", ended)
	}
	if second := ask(t, s, "c1", 1); second.ID == first.ID {
		t.Error("another attempt is the same run")
	}
	<-ran
	if id := <-looked; id != 1 {
		t.Errorf("looked at %d", id)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := query(t, s, `SELECT count(*) FROM runs`); n != "2" {
		t.Errorf("%s runs, want 2", n)
	}
}

// A run that was cut short is done again after the next start, one that has ended
// is not.
func TestRunAgainAfterRestart(t *testing.T) {
	s := openTest(t)
	s.grace = 0
	aMigration(t, s)
	none := func(context.Context, int64) error { return nil }
	began, ended := make(chan Run, 9), make(chan Run, 9)
	stop := start(t, s, Handlers{Reconcile: none, Commands: 2, Command: func(ctx context.Context, r Run) error {
		began <- r
		if r.Commit == "quick" {
			defer func() { ended <- r }()
			return s.EndRun(ctx, r)
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	ask(t, s, "quick", 0)
	<-ended
	ask(t, s, "slow", 0)
	for r := range began {
		if r.Commit == "slow" {
			break
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	again := make(chan Run, 9)
	stop = start(t, s, Handlers{Reconcile: none, Commands: 2, Command: func(ctx context.Context, r Run) error {
		again <- r
		return s.EndRun(ctx, r)
	}})
	if r := <-again; r.Commit != "slow" {
		t.Errorf("run again on %s, want slow", r.Commit)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if len(again) != 0 {
		t.Errorf("run again: %+v", <-again)
	}
}

// A run that nobody awaits any more is cancelled: what it finds counts no more. If
// it is wanted after all, it is queued again.
func TestCancelRuns(t *testing.T) {
	s := openTest(t)
	m := aMigration(t, s)
	old := ask(t, s, "old", 0)
	r, wanted, err := s.beginRun(t.Context(), runArgs{ID: old.ID, Turn: 1})
	if err != nil || !wanted {
		t.Fatal(wanted, err)
	}
	next := ask(t, s, "new", 0)
	if err := s.CancelRuns(t.Context(), m, []int64{next.ID}); err != nil {
		t.Fatal(err)
	}
	if wanted, err := s.KeepLog(t.Context(), r, "x"); wanted || err != nil {
		t.Errorf("a cancelled run is wanted: %v, %v", wanted, err)
	}
	r.Outcome = "{}"
	if err := s.EndRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := states(t, s); got != "old cancelled, new queued" {
		t.Errorf("runs: %s", got)
	}
	if _, wanted, err := s.beginRun(t.Context(), runArgs{ID: old.ID, Turn: 1}); wanted || err != nil {
		t.Errorf("it can begin: %v, %v", wanted, err)
	}
	if r := ask(t, s, "old", 0); r.ID != old.ID || r.State != Queued {
		t.Errorf("asked again: %+v", r)
	}
	if _, wanted, err := s.beginRun(t.Context(), runArgs{ID: old.ID, Turn: 2}); !wanted || err != nil {
		t.Errorf("it cannot begin: %v, %v", wanted, err)
	}
	if err := s.CancelRuns(t.Context(), m, nil); err != nil {
		t.Fatal(err)
	}
	if got := states(t, s); got != "old cancelled, new cancelled" {
		t.Errorf("runs: %s", got)
	}
}

// A run on a base goes on as long as one migration awaits it, and those that do
// are looked at.
func TestSharedRun(t *testing.T) {
	s := openTest(t)
	aMigration(t, s)
	for issue := 2; issue <= 3; issue++ {
		_, _, err := s.StartMigration(t.Context(), Migration{Delivery: fmt.Sprint(issue), Repository: 5, Issue: issue, State: Live, Created: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
	}
	base := Run{Repository: 5, Commit: "base", Command: "{}"}
	for m := range int64(2) {
		base.Migration = m + 1
		if r, err := s.AskRun(t.Context(), base); err != nil || r.ID != 1 {
			t.Fatal(r, err)
		}
	}
	if err := s.CancelRuns(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	if got := states(t, s); got != "base queued" {
		t.Errorf("runs: %s", got)
	}
	query(t, s, `DELETE FROM river_job RETURNING id`)
	if _, wanted, err := s.beginRun(t.Context(), runArgs{ID: 1, Turn: 1}); !wanted || err != nil {
		t.Fatal(wanted, err)
	}
	if got := query(t, s, `SELECT count(*) || ' at ' || max(args ->> 'migration') FROM river_job WHERE kind = 'look'`); got != "1 at 2" {
		t.Errorf("looks: %s, want 1 at 2", got)
	}
	if err := s.CancelRuns(t.Context(), 2, nil); err != nil {
		t.Fatal(err)
	}
	if got := states(t, s); got != "base cancelled" {
		t.Errorf("runs: %s", got)
	}
}

// states returns where all runs stand.
func states(t *testing.T, s *Store) string {
	t.Helper()
	return strings.TrimSuffix(query(t, s, `SELECT commit_id || ' ' || state || ',' FROM runs ORDER BY id`), ",")
}

// A run that restage cannot carry out ends with the reason after the last try.
func TestRunThatFails(t *testing.T) {
	s := openTest(t)
	aMigration(t, s)
	r := ask(t, s, "c", 0)
	w := &runWorker{store: s, handle: func(context.Context, Run) error { return errors.New("no room") }}
	for attempt := 1; attempt <= runTries; attempt++ {
		job := &river.Job[runArgs]{JobRow: &rivertype.JobRow{Attempt: attempt, MaxAttempts: runTries}, Args: runArgs{ID: r.ID, Turn: 1}}
		if err := w.Work(t.Context(), job); err == nil {
			t.Error("no error")
		}
		if got, want := ask(t, s, "c", 0).State == Ended, attempt == runTries; got != want {
			t.Errorf("try %d: ended is %v", attempt, got)
		}
	}
	if got := ask(t, s, "c", 0).Error; got != "no room" {
		t.Errorf("error %q", got)
	}
}
