package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Names of River's queues. They are apart so that long looks never keep
// deliveries waiting.
const (
	deliveryQueue = "deliveries"
	lookQueue     = "looks"
	guardQueue    = "guards"
	runQueue      = "runs"
	resyncQueue   = "resyncs"
)

// Limits of the work.
const (
	deliveriesAtOnce = 8
	looksAtOnce      = 4 // a look may hold a whole repository in memory
	guardsAtOnce     = 2
	looksFetched     = 64 // looks at once and those that wait for one of the same migration to end
	deliveryLimit    = 2 * time.Minute
	lookLimit        = 30 * time.Minute
	resyncLimit      = 10 * time.Minute
	intakeLimit      = 10 * time.Second
	leaveLimit       = 5 * time.Second // for what is written when all is done
	runTries         = 5
	whileTaken       = time.Second            // how long a look waits for another replica to end one
	fetchCooldown    = time.Millisecond       // River tells of a new job at once unless it told of another that recently
	pollEvery        = 500 * time.Millisecond // how long a job waits that River did not tell of
	keepJobs         = 24 * time.Hour         // how long finished jobs stay to be looked at
	keepFailedJobs   = 7 * 24 * time.Hour     // likewise those given up
)

// Handlers are what Run does with the work. Their contexts end when the work
// takes too long (two minutes for a delivery, half an hour for a look) or Run
// has to stop. An error, or a panic, means another try later: after a second,
// then at growing intervals of up to five minutes. An error of Snooze means another call later that
// does not count as a try.
type Handlers struct {
	// Delivery acts on a delivery. Deliveries come in no certain order, and
	// several at once. One that fails fifty times is given up, after some two and a half hours.
	Delivery func(ctx context.Context, d Delivery) error

	// KeepDeliveries is how long a delivery is kept after it was handled, or given
	// up; 0 for ever.
	KeepDeliveries time.Duration

	// Reconcile looks at a migration. There is one call at a time for each
	// migration.
	Reconcile func(ctx context.Context, migration int64) error

	// Guard looks at the pull requests of a repository that are not restage's. There
	// is one call at a time for each repository. Nil is for tests without any.
	Guard func(ctx context.Context, repository int64) error

	// Command carries out a run and stores what comes of it with EndRun. If it
	// fails five times, the run ends with the error. There are as many calls at a
	// time as Commands says; without a limit in time.
	Command  func(ctx context.Context, r Run) error
	Commands int

	// Resync looks for what was missed: when Run starts, and then at intervals of
	// ResyncEvery. There is one call at a time, in one process.
	Resync      func(ctx context.Context) error
	ResyncEvery time.Duration
}

// Snooze returns an error by which a handler asks to be called again after d.
// It may be wrapped. For a few seconds it is more punctual than Enqueue.
func Snooze(d time.Duration) error {
	return river.JobSnooze(max(d, 0))
}

// Run works off the queue until ctx ends. Then it takes no new work, lets the
// work under way finish for ten seconds, ends its contexts, and returns nil. It
// returns an error when it cannot start, when a handler does not return even
// then, and, which wraps ErrFenced, when another process gave this one up for
// dead. Work that was cut short, now or by the death of a process, is done again:
// at once by the next Run on SQLite, within a minute by any other on PostgreSQL.
//
// On SQLite, only one Run may be at work on a database at a time.
func (s *Store) Run(ctx context.Context, h Handlers) error {
	r, err := s.join(ctx)
	if err != nil {
		return fmt.Errorf("begin to work off the queue: %w", err)
	}
	if err := s.giveUp(ctx); err != nil {
		return err
	}
	client, err := s.client(ctx, r, h)
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("start job queue: %w", err)
	}
	// The lease lasts for as long as work may finish.
	background := context.WithoutCancel(ctx)
	kept, stop := context.WithCancel(background)
	defer stop()
	lost := make(chan error, 1)
	go func() { lost <- r.keep(kept, h.KeepDeliveries) }()
	select {
	case err := <-lost:
		limit, cancel := context.WithTimeout(background, s.patience)
		defer cancel()
		return errors.Join(err, client.StopAndCancel(limit))
	case <-ctx.Done():
	}
	select {
	case <-client.Stopped():
	case <-time.After(s.grace + s.patience):
		err = errors.New("stop job queue: a handler did not return when its context ended")
	}
	stop()
	limit, cancel := context.WithTimeout(background, leaveLimit)
	defer cancel()
	return errors.Join(err, <-lost, r.leave(limit))
}

// client returns what works off the queue as r until ctx ends.
func (s *Store) client(ctx context.Context, r *replica, h Handlers) (*river.Client[*sql.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &deliveryWorker{store: s, handle: h.Delivery})
	river.AddWorker(workers, &groupWorker{store: s})
	taker := func(atOnce int, handle func(context.Context, int64) error) taker {
		return taker{store: s, replica: r.id, handle: handle, busy: newBusy(), slots: make(chan struct{}, atOnce), stop: ctx.Done()}
	}
	river.AddWorker(workers, &lookWorker{taker: taker(looksAtOnce, h.Reconcile)})
	river.AddWorker(workers, &guardWorker{taker: taker(guardsAtOnce, h.Guard)})
	river.AddWorker(workers, &runWorker{store: s, handle: h.Command})
	river.AddWorker(workers, &resyncWorker{handle: h.Resync})
	return river.NewClient(s.engine.driver, &river.Config{
		ID:      r.id,
		Logger:  s.log,
		Workers: workers,
		Middleware: []rivertype.Middleware{
			river.WorkerMiddlewareFunc(func(ctx context.Context, _ *rivertype.JobRow, do func(context.Context) error) error {
				return do(r.work(ctx))
			}),
		},
		Queues: map[string]river.QueueConfig{
			deliveryQueue: {MaxWorkers: deliveriesAtOnce},
			lookQueue:     {MaxWorkers: looksFetched},
			guardQueue:    {MaxWorkers: looksFetched},
			runQueue:      {MaxWorkers: max(1, h.Commands)},
			resyncQueue:   {MaxWorkers: 1},
		},
		PeriodicJobs:                resyncs(h),
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           pollEvery,
		ErrorHandler:                logErrors{s.log},
		RetryPolicy:                 soonAgain{},
		SoftStopTimeout:             s.grace,
		CompletedJobRetentionPeriod: keepJobs,
		CancelledJobRetentionPeriod: keepJobs,
		DiscardedJobRetentionPeriod: keepFailedJobs,
	})
}

// soonAgain is River's ClientRetryPolicy. GitHub or the way there fails for
// seconds more often than for hours, and a look costs little: the first twenty
// tries come within ten minutes, the others every five.
type soonAgain struct{}

// NextRetry returns when a job that failed is tried again.
func (soonAgain) NextRetry(job *rivertype.JobRow) time.Time {
	pause := 5 * time.Minute
	if job.Attempt < 20 {
		pause = min(time.Second<<(job.Attempt-1), 30*time.Second)
	}
	return time.Now().Add(pause)
}

// deliveryArgs names the delivery that a job handles.
type deliveryArgs struct {
	ID string `json:"id"`
}

// Kind is River's name of the job.
func (deliveryArgs) Kind() string { return "delivery" }

// InsertOpts makes one job of each delivery, however often it is made.
func (deliveryArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: deliveryQueue, MaxAttempts: tries, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// groupArgs names deliveries that came together. Its job makes that of each.
type groupArgs struct {
	IDs []string `json:"ids"`
}

// Kind is River's name of the job.
func (groupArgs) Kind() string { return "deliveries" }

// InsertOpts are those of a delivery.
func (groupArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: deliveryQueue, MaxAttempts: tries}
}

type groupWorker struct {
	river.WorkerDefaults[groupArgs]
	store *Store
}

// Work makes the jobs of the deliveries.
func (w *groupWorker) Work(ctx context.Context, job *river.Job[groupArgs]) error {
	var jobs []river.InsertManyParams
	for _, id := range job.Args.IDs {
		jobs = append(jobs, river.InsertManyParams{Args: deliveryArgs{id}})
	}
	err := w.store.tx(ctx, func(tx *sql.Tx) error {
		_, err := w.store.jobs.InsertManyTx(ctx, tx, jobs)
		return err
	})
	return cutShort(ctx, err)
}

type deliveryWorker struct {
	river.WorkerDefaults[deliveryArgs]
	store  *Store
	handle func(context.Context, Delivery) error
}

// Timeout is how long River lets Work run.
func (w *deliveryWorker) Timeout(*river.Job[deliveryArgs]) time.Duration { return deliveryLimit }

// Work handles one delivery, unless that was finished just before a crash.
func (w *deliveryWorker) Work(ctx context.Context, job *river.Job[deliveryArgs]) error {
	d, err := w.store.Delivery(ctx, job.Args.ID)
	if errors.Is(err, ErrNotFound) {
		return river.JobCancel(err)
	}
	if err != nil {
		return err
	}
	if !d.Handled.IsZero() {
		return nil
	}
	if err := w.handle(ctx, d); err != nil {
		return cutShort(ctx, err)
	}
	return w.store.markHandled(ctx, d.ID)
}

type lookWorker struct {
	river.WorkerDefaults[lookArgs]
	taker
}

// Timeout is none: what waits for its turn must not time out. A look has a limit
// of its own.
func (w *lookWorker) Timeout(*river.Job[lookArgs]) time.Duration { return -1 }

// Work looks at one migration.
func (w *lookWorker) Work(ctx context.Context, job *river.Job[lookArgs]) error {
	return w.take(ctx, lookAt(job.Args.Migration), job.Args.Turn)
}

// A taker takes the turns of what has them.
type taker struct {
	store   *Store
	replica string
	handle  func(ctx context.Context, id int64) error
	busy    *busy
	slots   chan struct{} // one element for each look at work
	stop    <-chan struct{}
}

// take waits until nobody else in this process works on t, then looks at it.
func (w *taker) take(ctx context.Context, t turned, turn int64) (err error) {
	release, ok := w.busy.claim(t.id, w.stop)
	if !ok {
		return Snooze(0)
	}
	defer release()
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	case <-w.stop:
		return Snooze(0)
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	needed, err := w.store.claim(ctx, t, turn, w.replica)
	if err != nil || !needed {
		return err
	}
	defer func() { err = errors.Join(err, w.store.release(ctx, t, w.replica)) }()
	return cutShort(ctx, w.handle(ctx, t.id))
}

// cutShort returns an error of a handler in the way that River tells whether the
// handler failed, or was stopped: then it is called again at the next start, and
// that does not count as a try.
func cutShort(ctx context.Context, err error) error {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return err
}

// logErrors logs work that failed. It is River's ErrorHandler.
type logErrors struct{ log *slog.Logger }

// HandleError logs an error of a handler.
func (l logErrors) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	level, message := slog.LevelWarn, "job failed"
	if job.Attempt >= job.MaxAttempts {
		level, message = slog.LevelError, "job given up"
	}
	l.log.Log(ctx, level, message, append(describe(job), "error", err)...)
	return nil
}

// HandlePanic logs a panic of a handler.
func (l logErrors) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	l.log.ErrorContext(ctx, "job panicked", append(describe(job), "panic", value, "trace", trace)...)
	return nil
}

func describe(job *rivertype.JobRow) []any {
	return []any{"kind", job.Kind, "args", string(job.EncodedArgs), "try", job.Attempt, "tries", job.MaxAttempts}
}
