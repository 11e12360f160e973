package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/restage/restage/bot/store/postgrestest"
)

// openShared opens a new database that several replicas may use.
func openShared(t *testing.T) *Store {
	t.Helper()
	s := openTest(t)
	s.engine.shared = true // for SQLite, with all in one process
	return s
}

func join(t *testing.T, s *Store) *replica {
	t.Helper()
	r, err := s.join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// endLeases makes the leases of all replicas end now.
func endLeases(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.db.Exec(`UPDATE replicas SET until = 0`); err != nil {
		t.Fatal(err)
	}
}

func giveUp(t *testing.T, s *Store) {
	t.Helper()
	if err := s.giveUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// What a dead replica worked on becomes free; what others work on does not.
func TestGiveUp(t *testing.T) {
	s := openShared(t)
	aMigration(t, s)
	dead := join(t, s)
	endLeases(t, s)
	alive := join(t, s)
	for _, id := range []string{"waits", "dead", "dead-last", "alive"} {
		add(t, s, id)
	}
	run := ask(t, s, "c1", 0)
	if _, _, err := s.beginRun(t.Context(), runArgs{ID: run.ID, Turn: 1}); err != nil {
		t.Fatal(err)
	}
	for _, j := range []struct {
		id      any
		attempt int
		by      *replica
	}{{"dead", 1, dead}, {"dead-last", 50, dead}, {"alive", 1, alive}, {float64(run.ID), runTries, dead}} {
		for _, job := range jobRows(t, s) {
			if job.Kind == "look" || argsOf(t, job).ID != j.id {
				continue
			}
			by := fmt.Sprintf("{%s}", j.by.id)
			set := `UPDATE river_job SET state = 'running', attempt = $1, attempted_by = $2 WHERE id = $3`
			if !postgrestest.Used() {
				by, set = fmt.Sprintf(`[%q]`, j.by.id), `UPDATE river_job SET state = 'running', attempt = $1, attempted_by = jsonb($2) WHERE id = $3`
			}
			if _, err := s.db.Exec(set, j.attempt, by, job.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, r := range []*replica{dead, alive} {
		migration := int64(10 + i)
		enqueue(t, s, migration, time.Hour)
		if _, err := s.claim(t.Context(), lookAt(migration), 1, r.id); err != nil {
			t.Fatal(err)
		}
	}
	giveUp(t, s)
	want := "look/1/available/0 delivery/waits/available/0 delivery/dead/available/1 delivery/dead-last/discarded/50 " +
		"delivery/alive/running/1 run/1/discarded/5 look/10/scheduled/0 look/11/scheduled/0"
	if got := jobs(t, s); got != want {
		t.Errorf("jobs are %s\nwant     %s", got, want)
	}
	if got := ask(t, s, "c1", 0); got.State != Ended || got.Error != "restage was stopped each time while this ran" {
		t.Errorf("the run is %s, %q", got.State, got.Error)
	}
	if got, want := query(t, s, `SELECT migration || ':' || holder FROM looks WHERE migration >= 10 ORDER BY migration`), "10: 11:"+alive.id; got != want {
		t.Errorf("held are %s, want %s", got, want)
	}
}

// A process that slept through its lease can write nothing any more.
func TestFenced(t *testing.T) {
	s := openShared(t)
	m := aMigration(t, s)
	late := join(t, s)
	asLate := late.work(t.Context())
	writes := map[string]func(context.Context) error{
		"SetState":  func(ctx context.Context) error { return s.SetState(ctx, m, Live, "") },
		"Rename":    func(ctx context.Context) error { return s.Rename(ctx, m, "a", "b") },
		"NextRound": func(ctx context.Context) error { return s.NextRound(ctx, m, 9) },
		"Request":   func(ctx context.Context) error { return s.Request(ctx, m, Request{ID: "x"}) },
		"SavePhase": func(ctx context.Context) error {
			return s.SavePhase(ctx, Phase{Migration: m, Round: 1, Number: 1, Report: []byte("{}")})
		},
		"AddPush":     func(ctx context.Context) error { return s.AddPush(ctx, 5, "b", "c") },
		"Enqueue":     func(ctx context.Context) error { return s.Enqueue(ctx, m, time.Now()) },
		"AskRun":      func(ctx context.Context) error { _, err := s.AskRun(ctx, Run{Repository: 5, Migration: m}); return err },
		"KeepLog":     func(ctx context.Context) error { _, err := s.KeepLog(ctx, Run{}, "x"); return err },
		"EndRun":      func(ctx context.Context) error { return s.EndRun(ctx, Run{}) },
		"CancelRuns":  func(ctx context.Context) error { return s.CancelRuns(ctx, m, nil) },
		"markHandled": func(ctx context.Context) error { return s.markHandled(ctx, "d") },
		"release":     func(ctx context.Context) error { return s.release(ctx, lookAt(m), late.id) },
	}
	for name, write := range writes {
		if err := write(asLate); err != nil {
			t.Errorf("%s in time: %v", name, err)
		}
	}
	endLeases(t, s)
	if err := s.SetState(asLate, m, Live, ""); err != nil {
		t.Errorf("while nobody gave it up: %v", err)
	}
	asNext := join(t, s).work(t.Context())
	giveUp(t, s)
	for name, write := range writes {
		if err := write(asLate); !errors.Is(err, ErrFenced) {
			t.Errorf("%s late: %v, want %v", name, err, ErrFenced)
		}
		if err := write(asNext); err != nil {
			t.Errorf("%s of the next: %v", name, err)
		}
	}
	if err := late.renew(t.Context()); !errors.Is(err, ErrFenced) {
		t.Errorf("renewed late: %v, want %v", err, ErrFenced)
	}
}

// What a handler does outside of the database is over when the lease is, whether
// somebody noticed or not.
func TestHeld(t *testing.T) {
	s := openShared(t)
	if err := Held(t.Context()); err != nil {
		t.Errorf("outside of a handler: %v", err)
	}
	r := join(t, s)
	if err := Held(r.work(t.Context())); err != nil {
		t.Errorf("in time: %v", err)
	}
	for name, until := range map[string]time.Time{
		"both clocks went on": time.Now().Add(-time.Second),
		"the wall clock did":  time.Now().Round(0).Add(-time.Second),
	} {
		r.until = until
		if err := Held(r.work(t.Context())); !errors.Is(err, ErrFenced) {
			t.Errorf("%s: %v, want %v", name, err, ErrFenced)
		}
	}
	if err := r.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := Held(r.work(t.Context())); err != nil {
		t.Errorf("renewed: %v", err)
	}
}

// Deliveries are dropped when they are old and done with.
func TestDropDeliveries(t *testing.T) {
	s := openTest(t)
	const day = 24 * time.Hour
	for id, age := range map[string]time.Duration{"old handled": 5 * day, "old given up": 5 * day, "old waits": 5 * day, "new handled": 3 * day} {
		if _, err := s.AddDelivery(t.Context(), Delivery{ID: id, Payload: []byte("{}"), Received: time.Now().Add(-age)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"old handled", "new handled"} {
		if err := s.markHandled(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.db.Exec(`UPDATE river_job SET state = 'discarded', finalized_at = CURRENT_TIMESTAMP WHERE args ->> 'id' = 'old given up'`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.jobs.Insert(t.Context(), groupArgs{[]string{"old given up"}}, nil); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		age    time.Duration
		groups string // the state of their jobs
		kept   string
	}{
		{0, "available", "new handled, old given up, old handled, old waits,"},
		{4 * day, "available", "new handled, old given up, old waits,"},
		{4 * day, "completed", "new handled, old waits,"},
	} {
		if step.groups == "completed" {
			if _, err := s.db.Exec(`UPDATE river_job SET state = 'completed', finalized_at = CURRENT_TIMESTAMP WHERE kind = 'deliveries'`); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.dropDeliveries(t.Context(), step.age); err != nil {
			t.Fatal(err)
		}
		if got := query(t, s, `SELECT id || ',' FROM deliveries ORDER BY id`); got != step.kept {
			t.Errorf("kept for %v: %s, want %s", step.age, got, step.kept)
		}
	}
}

// A Run that was given up ends, and so do the contexts of its handlers.
func TestRunThatIsGivenUp(t *testing.T) {
	s := openShared(t)
	s.lease = 30 * time.Millisecond
	enqueue(t, s, 7, 0)
	err := s.Run(t.Context(), Handlers{Reconcile: func(ctx context.Context, migration int64) error {
		if _, err := s.db.Exec(`DELETE FROM replicas`); err != nil {
			t.Error(err)
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	if !errors.Is(err, ErrFenced) {
		t.Errorf("got %v, want %v", err, ErrFenced)
	}
}

// Two replicas share the work: each delivery and each look is handled once, and
// never two looks at one migration at a time.
func TestReplicasShare(t *testing.T) {
	s := openShared(t)
	const n = 20
	for i := range n {
		add(t, s, fmt.Sprint(i))
		enqueue(t, s, int64(i%5), 0)
	}
	handled := make(chan string, 2*n)
	for range 2 {
		start(t, s, Handlers{
			Delivery: func(ctx context.Context, d Delivery) error { handled <- d.ID; return nil },
			Reconcile: func(ctx context.Context, migration int64) error {
				if holder := query(t, s, `SELECT holder FROM looks WHERE migration = $1`, migration); holder == "" {
					t.Errorf("nobody holds migration %d", migration)
				}
				handled <- fmt.Sprint("look ", migration)
				return nil
			},
		})
	}
	seen := map[string]bool{}
	for range n + 5 {
		what := <-handled
		if seen[what] {
			t.Errorf("%s was handled twice", what)
		}
		seen[what] = true
	}
}

// world is what leases must amount to, whatever happens in whatever order.
type world struct {
	joined  map[*replica]bool  // those that were not given up
	expired map[*replica]bool  // those whose lease is over
	holder  map[int64]*replica // by migration
	writer  map[int64]string   // what was written last
}

// Replicas join, claim, write, sleep, are given up, wake up and write again, in
// random order. The database always agrees with a model of a dozen lines.
func TestLeaseSchedules(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runSchedule(t, rand.New(rand.NewPCG(seed, 0))) })
	}
}

func runSchedule(t *testing.T, random *rand.Rand) {
	s := openShared(t)
	w := world{joined: map[*replica]bool{}, expired: map[*replica]bool{}, holder: map[int64]*replica{}, writer: map[int64]string{}}
	var all []*replica
	var migrations []int64
	for i := range 3 {
		m := newMigration(fmt.Sprint("d", i))
		m.Issue = i + 1
		m, _ = startMigration(t, s, m)
		migrations = append(migrations, m.ID)
	}
	for step := range 150 {
		if len(all) == 0 || random.IntN(12) == 0 {
			r := join(t, s)
			all = append(all, r)
			w.joined[r] = true
			continue
		}
		r, m := all[random.IntN(len(all))], migrations[random.IntN(len(migrations))]
		ctx := r.work(t.Context())
		switch op := random.IntN(7); op {
		case 0:
			if _, err := s.db.Exec(`UPDATE replicas SET until = 0 WHERE id = $1`, r.id); err != nil {
				t.Fatal(err)
			}
			w.expired[r] = true
		case 1:
			giveUp(t, s)
			for r := range w.expired {
				delete(w.joined, r)
				for m, holder := range w.holder {
					if holder == r {
						delete(w.holder, m)
					}
				}
			}
		case 2:
			err := r.renew(t.Context())
			if got, want := err == nil, w.joined[r]; got != want {
				t.Fatalf("step %d: renewed: %v, want success %v", step, err, want)
			}
			if err == nil {
				delete(w.expired, r)
			}
		case 3, 4:
			var look lookArgs
			if err := s.db.QueryRow(`SELECT migration, turn FROM looks WHERE migration = $1`, m).Scan(&look.Migration, &look.Turn); err != nil {
				t.Fatal(err)
			}
			holder := w.holder[m]
			want := w.joined[r] && (holder == nil || holder == r)
			got, err := s.claim(ctx, lookAt(look.Migration), look.Turn, r.id)
			if got != want {
				t.Fatalf("step %d: claimed: %v, %v, want %v", step, got, err, want)
			}
			var snooze *river.JobSnoozeError
			if !want && w.joined[r] != errors.As(err, &snooze) {
				t.Fatalf("step %d: not claimed because of %v", step, err)
			}
			if want {
				w.holder[m] = r
			}
		case 5:
			if w.holder[m] != r && w.joined[r] {
				continue // a replica writes about what it claimed, or once did
			}
			err := s.Rename(ctx, m, "ada", fmt.Sprint(step))
			if got, want := err == nil, w.holder[m] == r; got != want {
				t.Fatalf("step %d: wrote: %v, want success %v", step, err, want)
			}
			if err == nil {
				w.writer[m] = fmt.Sprint(step)
			}
		case 6:
			err := s.release(ctx, lookAt(m), r.id)
			if got, want := err == nil, w.joined[r]; got != want {
				t.Fatalf("step %d: released: %v, want success %v", step, err, want)
			}
			if w.holder[m] == r {
				delete(w.holder, m)
			}
		}
	}
	for m, want := range w.writer {
		if got, err := s.Migration(t.Context(), m); err != nil || got.Name != want {
			t.Errorf("migration %d was written last in step %s, %v, want %s", m, got.Name, err, want)
		}
	}
}
