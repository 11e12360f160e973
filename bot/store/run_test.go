package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/restage/restage/bot/store/postgrestest"
)

// start runs s until the test ends or stop is called, which waits for Run to
// return.
func start(t *testing.T, s *Store, h Handlers) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, h) }()
	stop = func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	t.Cleanup(func() { stop() })
	return stop
}

// add stores a delivery with that ID.
func add(t *testing.T, s *Store, id string) {
	t.Helper()
	if _, err := s.AddDelivery(t.Context(), Delivery{ID: id, Event: "issues", Payload: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
}

func enqueue(t *testing.T, s *Store, migration int64, after time.Duration) {
	t.Helper()
	if err := s.Enqueue(t.Context(), migration, time.Now().Add(after)); err != nil {
		t.Fatal(err)
	}
}

// jobRows returns the jobs in the order they were made.
func jobRows(t *testing.T, s *Store) []*rivertype.JobRow {
	t.Helper()
	list, err := s.jobs.JobList(t.Context(), river.NewJobListParams().OrderBy(river.JobListOrderByID, river.SortOrderAsc).First(1000))
	if err != nil {
		t.Fatal(err)
	}
	return list.Jobs
}

// jobArgs are those of any job.
type jobArgs struct {
	ID              any
	IDs             []string
	Migration, Turn int64
}

func argsOf(t *testing.T, job *rivertype.JobRow) jobArgs {
	t.Helper()
	var args jobArgs
	if err := json.Unmarshal(job.EncodedArgs, &args); err != nil {
		t.Fatal(err)
	}
	switch {
	case args.IDs != nil:
		args.ID = strings.Join(args.IDs, "+")
	case args.ID == nil:
		args.ID = args.Migration
	}
	return args
}

// jobs returns the jobs in the order they were made: kind, what of, state and
// number of tries.
func jobs(t *testing.T, s *Store) string {
	t.Helper()
	var all []string
	for _, job := range jobRows(t, s) {
		all = append(all, fmt.Sprintf("%s/%v/%s/%d", job.Kind, argsOf(t, job).ID, job.State, job.Attempt))
	}
	return strings.Join(all, " ")
}

func TestRunHandlesDeliveries(t *testing.T) {
	s := openTest(t)
	add(t, s, "before")
	got := make(chan string)
	stop := start(t, s, Handlers{Delivery: func(ctx context.Context, d Delivery) error {
		got <- d.ID + " " + string(d.Payload)
		return nil
	}})
	if d := <-got; d != "before {}" {
		t.Errorf("got %q", d)
	}
	add(t, s, "while")
	if d := <-got; d != "while {}" {
		t.Errorf("got %q", d)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := jobs(t, s); got != "delivery/before/completed/1 delivery/while/completed/1" {
		t.Errorf("jobs are %s", got)
	}
	if n := query(t, s, `SELECT count(*) FROM deliveries WHERE handled_at >= received_at`); n != "2" {
		t.Errorf("%s deliveries are marked handled, want 2", n)
	}
}

// Deliveries that came together have one job, from which each gets its own: one,
// even if the process died right after it was made.
func TestRunHandlesGroups(t *testing.T) {
	s := openTest(t)
	var group []*incoming
	for _, id := range []string{"a", "b", "c", "d"} {
		group = append(group, &incoming{Delivery: Delivery{ID: id, Payload: []byte("{}"), Received: time.Now()}, done: make(chan error, 1)})
	}
	group[2].Handled = time.Now()
	s.storeGroup(group)
	if _, err := s.jobs.Insert(t.Context(), deliveryArgs{"b"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := jobs(t, s); got != "deliveries/a+b+d/available/0 delivery/b/available/0" {
		t.Errorf("jobs are %s", got)
	}
	got := make(chan string)
	stop := start(t, s, Handlers{Delivery: func(ctx context.Context, d Delivery) error {
		got <- d.ID
		return nil
	}})
	seen := []string{<-got, <-got, <-got}
	slices.Sort(seen)
	if want := "a b d"; strings.Join(seen, " ") != want {
		t.Errorf("handled %s, want %s", seen, want)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := jobs(t, s); got != "deliveries/a+b+d/completed/1 delivery/b/completed/1 delivery/a/completed/1 delivery/d/completed/1" {
		t.Errorf("jobs are %s", got)
	}
}

// What a handler may do wrong, and what comes of it.
func TestRunTriesAgain(t *testing.T) {
	for _, test := range []struct {
		name string
		err  func() error // of the first call
		want string
	}{
		{"error", func() error { return errors.New("boom") }, "completed 2 boom"},
		{"panic", func() error { panic("boom") }, "completed 2 boom"},
		{"snooze", func() error { return Snooze(time.Millisecond) }, "completed 1 -"},
		{"wrapped snooze", func() error { return fmt.Errorf("busy: %w", Snooze(time.Millisecond)) }, "completed 1 -"},
		{"negative snooze", func() error { return Snooze(-time.Hour) }, "completed 1 -"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // River's first retry comes after a second
			s := openTest(t)
			add(t, s, "a")
			enqueue(t, s, 7, 0)
			var deliveries, looks atomic.Int64
			again := make(chan bool)
			call := func(calls *atomic.Int64) error {
				if calls.Add(1) == 1 {
					return test.err()
				}
				again <- true
				return nil
			}
			stop := start(t, s, Handlers{
				Delivery:  func(context.Context, Delivery) error { return call(&deliveries) },
				Reconcile: func(context.Context, int64) error { return call(&looks) },
			})
			<-again
			<-again
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			for _, job := range jobRows(t, s) {
				why := "-"
				if len(job.Errors) > 0 {
					why = job.Errors[0].Error
				}
				if got := fmt.Sprintf("%s %d %s", job.State, job.Attempt, why); got != test.want {
					t.Errorf("the %s is %s, want %s", job.Kind, got, test.want)
				}
			}
		})
	}
}

func TestRunHandlesOnce(t *testing.T) {
	s := openTest(t)
	add(t, s, "done") // and the process died before its job was completed
	if err := s.markHandled(t.Context(), "done"); err != nil {
		t.Fatal(err)
	}
	add(t, s, "lost")
	if _, err := s.db.Exec(`DELETE FROM deliveries WHERE id = 'lost'`); err != nil {
		t.Fatal(err)
	}
	add(t, s, "new")
	got := make(chan string)
	stop := start(t, s, Handlers{Delivery: func(ctx context.Context, d Delivery) error {
		got <- d.ID
		return nil
	}})
	if d := <-got; d != "new" {
		t.Errorf("got %q, want new", d)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := jobs(t, s); got != "delivery/done/completed/1 delivery/lost/cancelled/1 delivery/new/completed/1" {
		t.Errorf("jobs are %s", got)
	}
}

func TestLooksCollapse(t *testing.T) {
	const hour = time.Hour
	for _, test := range []struct {
		name  string
		after []time.Duration
		want  string // state of the one job, and how many hours it waits
	}{
		{"now", []time.Duration{0, 0, 0}, "available 0"},
		{"past", []time.Duration{-hour, 0}, "available 0"},
		{"later", []time.Duration{hour, hour}, "scheduled 1"},
		{"later, then now", []time.Duration{hour, 0}, "available 0"},
		{"now, then later", []time.Duration{0, hour}, "available 0"},
		{"later, then earlier", []time.Duration{3 * hour, hour, 2 * hour}, "scheduled 1"},
		{"later, then past", []time.Duration{hour, -hour}, "available 0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openTest(t)
			enqueue(t, s, 8, 5*hour) // another migration
			for _, after := range test.after {
				enqueue(t, s, 7, after)
			}
			var all []string
			for _, job := range jobRows(t, s) {
				hours := time.Until(job.ScheduledAt).Round(hour) / hour
				all = append(all, fmt.Sprintf("%d %s %d", argsOf(t, job).Migration, job.State, hours))
			}
			if got, want := strings.Join(all, ", "), "8 scheduled 5, 7 "+test.want; got != want {
				t.Errorf("jobs are %s, want %s", got, want)
			}
		})
	}
}

// A look that is asked for during another comes after it: once, however often it
// was asked for.
func TestLookAgain(t *testing.T) {
	s := openTest(t)
	enqueue(t, s, 7, 0)
	looks := make(chan bool)
	proceed := make(chan bool)
	stop := start(t, s, Handlers{Reconcile: func(context.Context, int64) error {
		looks <- true
		<-proceed
		return nil
	}})
	<-looks
	for range 5 {
		enqueue(t, s, 7, 0)
	}
	proceed <- true
	<-looks
	proceed <- true
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := jobs(t, s); got != "look/7/completed/1 look/7/completed/1" {
		t.Errorf("jobs are %s, want two looks", got)
	}
}

// A look that failed is not tried again when a later one has begun since.
func TestLaterLookReplacesRetry(t *testing.T) {
	s := openTest(t)
	begin := func(turn int64, want bool) {
		t.Helper()
		if got, err := s.claim(t.Context(), lookAt(7), turn, "me"); got != want || err != nil {
			t.Errorf("turn %d is needed: %v, %v, want %v", turn, got, err, want)
		}
	}
	enqueue(t, s, 7, 0)
	begin(1, true)
	begin(1, true) // tried again
	enqueue(t, s, 7, 0)
	begin(1, true) // the later one has not begun
	begin(2, true)
	begin(1, false)
	begin(2, true)
	var turns []int64
	for _, job := range jobRows(t, s) {
		turns = append(turns, argsOf(t, job).Turn)
	}
	if !slices.Equal(turns, []int64{1, 2}) {
		t.Errorf("turns are %v, want 1 and 2", turns)
	}
}

// Looks at one migration never overlap; looks at different ones do.
func TestOneLookAtATime(t *testing.T) {
	const rounds = 3
	s := openTest(t)
	var atWork, calls [3]atomic.Int64 // by migration
	meet := make(chan bool)
	done := make(chan bool)
	stop := start(t, s, Handlers{Reconcile: func(ctx context.Context, migration int64) error {
		if n := atWork[migration].Add(1); n != 1 {
			t.Errorf("%d looks at migration %d at once", n, migration)
		}
		defer atWork[migration].Add(-1)
		switch round := calls[migration].Add(1); {
		case round == 1 && migration == 1:
			meet <- true // waits for the look at the other migration
		case round == 1:
			<-meet
		case round == rounds:
			done <- true
			return nil
		}
		enqueue(t, s, migration, 0)
		waitFor(t, s, "1", `SELECT count(*) FROM river_job JOIN looks
			ON migration = CAST(args ->> 'migration' AS BIGINT) AND turn = CAST(args ->> 'turn' AS BIGINT)
			WHERE state = 'running' AND migration = $1`, migration)
		for range 20 { // a worker has the next look: it would write that it begins, in line with these
			query(t, s, `SELECT turn FROM looks`)
		}
		return nil
	}})
	enqueue(t, s, 1, 0)
	enqueue(t, s, 2, 0)
	<-done
	<-done
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// A look that takes long, however often it is asked for, keeps no other migration
// waiting.
func TestSlowLook(t *testing.T) {
	const others = 20
	s := openTest(t)
	slow := make(chan bool)
	began := make(chan bool, 1)
	done := make(chan int64)
	stop := start(t, s, Handlers{Reconcile: func(ctx context.Context, migration int64) error {
		if migration != 1 {
			done <- migration
			return nil
		}
		select {
		case began <- true:
			<-slow
		default: // the looks that were asked for meanwhile
		}
		return nil
	}})
	enqueue(t, s, 1, 0)
	<-began
	began <- true
	for m := range int64(others) {
		enqueue(t, s, 1, 0)
		enqueue(t, s, 2+m, 0)
	}
	seen := map[int64]bool{}
	for len(seen) < others {
		seen[<-done] = true
	}
	close(slow)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// waitFor waits until a query gives want.
func waitFor(t *testing.T, s *Store, want, q string, args ...any) {
	t.Helper()
	for query(t, s, q, args...) != want {
		if t.Context().Err() != nil {
			t.Fatalf("the test ended before %s gave %s", q, want)
		}
		runtime.Gosched()
	}
}

func TestBusy(t *testing.T) {
	b := newBusy()
	stop := make(chan struct{})
	release, _ := b.claim(1, stop)
	if other, ok := b.claim(2, stop); ok {
		other()
	} else {
		t.Error("another migration is busy too")
	}
	claims := make(chan bool)
	for range 2 {
		go func() {
			release, ok := b.claim(1, stop)
			claims <- ok
			if ok {
				release()
			}
		}()
	}
	select {
	case <-claims:
		t.Error("a second claim was granted")
	default:
	}
	release()
	for range 2 {
		if !<-claims {
			t.Error("a claim that waited was not granted")
		}
	}
	release, _ = b.claim(1, stop)
	defer release()
	close(stop)
	if _, ok := b.claim(1, stop); ok {
		t.Error("a claim was granted after the stop")
	}
}

// Work under way may finish when Run is to stop; work that waits is left for the
// next start.
func TestStopLetsWorkFinish(t *testing.T) {
	s := openTest(t)
	enqueue(t, s, 7, 0)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Run(ctx, Handlers{Reconcile: func(ctx context.Context, migration int64) error {
		enqueue(t, s, migration, 0)
		waitFor(t, s, "2", `SELECT count(*) FROM river_job WHERE state = 'running'`)
		cancel()
		waitFor(t, s, "1", `SELECT count(*) FROM river_job WHERE state = 'running'`)
		return ctx.Err()
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := jobs(t, s); got != "look/7/completed/1 look/7/available/0" {
		t.Errorf("jobs are %s", got)
	}
}

// Work that takes too long to finish is told so, and done again at the next
// start; that does not count as a try.
func TestStopEndsContexts(t *testing.T) {
	for name, answer := range map[string]func(context.Context) error{
		"the context's error": func(ctx context.Context) error { return fmt.Errorf("push: %w", ctx.Err()) },
		"another error":       func(ctx context.Context) error { return errors.New("push: connection closed") },
	} {
		t.Run(name, func(t *testing.T) {
			s := openTest(t)
			s.grace = time.Millisecond
			s.log = slog.New(slog.DiscardHandler)
			add(t, s, "a")
			enqueue(t, s, 7, 0)
			ctx, cancel := context.WithCancel(t.Context())
			var working sync.WaitGroup
			working.Add(2)
			work := func(ctx context.Context) error {
				working.Done()
				<-ctx.Done()
				return answer(ctx)
			}
			go func() { working.Wait(); cancel() }()
			err := s.Run(ctx, Handlers{
				Delivery:  func(ctx context.Context, d Delivery) error { return work(ctx) },
				Reconcile: func(ctx context.Context, migration int64) error { return work(ctx) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := jobs(t, s); got != "delivery/a/available/0 look/7/available/0" {
				t.Errorf("jobs are %s", got)
			}
		})
	}
}

func TestStopAbandonsWhatIgnoresIt(t *testing.T) {
	s := openTest(t)
	s.grace, s.patience = time.Millisecond, time.Millisecond
	s.log = slog.New(slog.DiscardHandler)
	add(t, s, "a")
	ctx, cancel := context.WithCancel(t.Context())
	hang := make(chan bool)
	returned := make(chan bool)
	err := s.Run(ctx, Handlers{Delivery: func(context.Context, Delivery) error {
		defer close(returned)
		cancel()
		<-hang
		return nil
	}})
	if err == nil || err.Error() != "stop job queue: a handler did not return when its context ended" {
		t.Errorf("got error %v", err)
	}
	close(hang)
	<-returned
}

// River's chatter does not reach the log; failures do, without payloads.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	s, err := Open(t.Context(), postgrestest.Database(t), slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.AddDelivery(t.Context(), Delivery{ID: "a", Event: "issues", Payload: []byte(`{"body":"private"}`)}); err != nil {
		t.Fatal(err)
	}
	handled := make(chan bool)
	stop := start(t, s, Handlers{
		Delivery: func(context.Context, Delivery) error { defer close(handled); return nil },
	})
	<-handled
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if log.Len() > 0 {
		t.Errorf("without a failure, the log has %s", &log)
	}
	handled = make(chan bool)
	enqueue(t, s, 7, 0)
	stop = start(t, s, Handlers{Reconcile: func(context.Context, int64) error { defer close(handled); return errors.New("boom") }})
	<-handled
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(log.String(), " ") // without the time
	args := jobRows(t, s)[1].EncodedArgs
	if want := fmt.Sprintf(`level=WARN msg="job failed" kind=look args=%q try=1 tries=50 error=boom`+"\n", args); line != want {
		t.Errorf("the log has %s\nwant        %s", line, want)
	}
}
