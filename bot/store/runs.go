package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

// A RunState is where a run stands.
type RunState string

// The states of a run.
const (
	Queued    RunState = "queued"
	Running   RunState = "running"
	Ended     RunState = "done"
	Cancelled RunState = "cancelled" // nobody awaited it any more
)

// A Run is a command, run on a commit of a repository.
type Run struct {
	ID         int64 // set by AskRun
	Repository int64
	Commit     string
	Command    string // JSON; another text is another run
	Attempt    int    // another number is another run
	Migration  int64  // that asked first
	Turn       int64  // goes up when a run that was cancelled is wanted after all
	State      RunState
	Asked      time.Time
	Started    time.Time // zero before
	Took       time.Duration
	Error      string // why it could not be run, "" if it could
	Outcome    string // JSON
	Log        string // so far
}

const runColumns = `id, repository, commit_id, command, attempt, migration, turn, state, asked_at, started_at, ended_at, error, outcome, log`

// AskRun returns the run of r.Command on r.Commit, with what came of it so far.
// It is queued if it was never asked for, or was cancelled. From then on
// r.Migration awaits it.
func (s *Store) AskRun(ctx context.Context, r Run) (Run, error) {
	migration := r.Migration
	err := s.tx(ctx, func(tx *sql.Tx) error {
		old, err := queryRun(ctx, tx, `repository = $1 AND commit_id = $2 AND command = $3 AND attempt = $4`, r.Repository, r.Commit, r.Command, r.Attempt)
		switch {
		case err == nil && old.State != Cancelled:
			r = old
		case err == nil || errors.Is(err, ErrNotFound):
			r, err = s.queueRun(ctx, tx, r)
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO waits (migration, run) VALUES ($1, $2) ON CONFLICT DO NOTHING`, migration, r.ID)
		return err
	})
	if err != nil {
		return Run{}, fmt.Errorf("ask for a run on %s: %w", r.Commit, err)
	}
	return r, nil
}

// queueRun queues a run that is new or was cancelled.
func (s *Store) queueRun(ctx context.Context, tx *sql.Tx, r Run) (Run, error) {
	args := runArgs{}
	err := tx.QueryRowContext(ctx, `INSERT INTO runs (repository, commit_id, command, attempt, migration, turn, state, asked_at, error, outcome, log)
		VALUES ($1, $2, $3, $4, $5, 1, 'queued', $6, '', '', '')
		ON CONFLICT (repository, commit_id, command, attempt) DO UPDATE SET state = 'queued', turn = runs.turn + 1, migration = excluded.migration,
			asked_at = excluded.asked_at, started_at = NULL, log = ''
		RETURNING id, turn`, r.Repository, r.Commit, r.Command, r.Attempt, r.Migration, time.Now().UnixMilli()).Scan(&args.ID, &args.Turn)
	if err != nil {
		return Run{}, err
	}
	if _, err = s.jobs.InsertTx(ctx, tx, args, &river.InsertOpts{Queue: runQueue, MaxAttempts: runTries}); err != nil {
		return Run{}, err
	}
	return queryRun(ctx, tx, `id = $1`, args.ID)
}

func queryRun(ctx context.Context, q querier, where string, args ...any) (Run, error) {
	var r Run
	var asked int64
	var started, ended sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE `+where, args...).Scan(
		&r.ID, &r.Repository, &r.Commit, &r.Command, &r.Attempt, &r.Migration, &r.Turn, &r.State, &asked, &started, &ended, &r.Error, &r.Outcome, &r.Log)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Run{}, err
	}
	r.Asked = time.UnixMilli(asked)
	if started.Valid {
		r.Started = time.UnixMilli(started.Int64)
		r.Took = time.Duration(max(0, ended.Int64-started.Int64)) * time.Millisecond
	}
	return r, nil
}

// beginRun starts a run or, if it was cut short, starts it again, and asks for a
// look at who waits for it. It reports false for one that is not wanted any more.
func (s *Store) beginRun(ctx context.Context, args runArgs) (r Run, wanted bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE runs SET state = 'running', started_at = $1, log = ''
			WHERE id = $2 AND turn = $3 AND state IN ('queued', 'running')`, time.Now().UnixMilli(), args.ID, args.Turn)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		wanted = true
		if r, err = queryRun(ctx, tx, `id = $1`, args.ID); err != nil {
			return err
		}
		return s.enqueueWaiting(ctx, tx, r.ID)
	})
	if err != nil {
		return Run{}, false, fmt.Errorf("begin run %d: %w", args.ID, err)
	}
	return r, wanted, nil
}

// KeepLog stores what a run has printed so far. It reports false if the run was
// cancelled: then nobody wants to know.
func (s *Store) KeepLog(ctx context.Context, r Run, log string) (wanted bool, err error) {
	n, err := s.exec(ctx, `UPDATE runs SET log = $1 WHERE id = $2 AND started_at = $3 AND state = 'running'`, text(log), r.ID, r.Started.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("log of run %d: %w", r.ID, err)
	}
	return n > 0, nil
}

// EndRun stores what came of a run, r.Error or r.Outcome, and its log, and asks
// for a look at who waits for it. A run that was cancelled stays so.
func (s *Store) EndRun(ctx context.Context, r Run) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE runs SET state = 'done', ended_at = $1, error = $2, outcome = $3, log = $4
			WHERE id = $5 AND started_at = $6 AND state = 'running'`, time.Now().UnixMilli(), text(r.Error), r.Outcome, text(r.Log), r.ID, r.Started.UnixMilli())
		if err != nil {
			return err
		}
		return s.enqueueWaiting(ctx, tx, r.ID)
	})
	if err != nil {
		return fmt.Errorf("end run %d: %w", r.ID, err)
	}
	return nil
}

// CancelRuns cancels what a migration awaits no more: all runs but those with the
// given IDs. One that another migration awaits goes on.
func (s *Store) CancelRuns(ctx context.Context, migration int64, but []int64) error {
	not, args := "", []any{migration}
	for _, id := range but {
		args = append(args, id)
		not += fmt.Sprintf(" AND run <> $%d", len(args))
	}
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM waits WHERE migration = $1`+not, args...); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE runs SET state = 'cancelled'
			WHERE state IN ('queued', 'running') AND NOT EXISTS (SELECT 1 FROM waits WHERE run = runs.id)`)
		return err
	})
	if err != nil {
		return fmt.Errorf("cancel runs of migration %d: %w", migration, err)
	}
	return nil
}

// enqueueWaiting asks for a look at the migrations that await a run.
func (s *Store) enqueueWaiting(ctx context.Context, tx *sql.Tx, run int64) error {
	ids, err := unfinished(ctx, tx, `AND id IN (SELECT migration FROM waits WHERE run = $1)`, run)
	for _, id := range ids {
		err = errors.Join(err, s.enqueue(ctx, tx, id, time.Now()))
	}
	return err
}

// Rechecks returns how often each check of a migration was asked for again, as
// the number of the newest request for it, by name; that for "" is for all.
func (s *Store) Rechecks(ctx context.Context, migration int64) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, number FROM rechecks WHERE migration = $1`, migration)
	if err != nil {
		return nil, fmt.Errorf("rechecks of migration %d: %w", migration, err)
	}
	defer rows.Close()
	numbers := map[string]int{}
	for rows.Next() {
		var name string
		var number int
		if err := rows.Scan(&name, &number); err != nil {
			return nil, fmt.Errorf("rechecks of migration %d: %w", migration, err)
		}
		numbers[name] = number
	}
	return numbers, rows.Err()
}

// runArgs names a run and the turn it is wanted for.
type runArgs struct {
	ID   int64 `json:"id"`
	Turn int64 `json:"turn"`
}

// Kind is River's name of the job.
func (runArgs) Kind() string { return "run" }

type runWorker struct {
	river.WorkerDefaults[runArgs]
	store  *Store
	handle func(context.Context, Run) error
}

// Timeout is none: a run has limits of its own.
func (w *runWorker) Timeout(*river.Job[runArgs]) time.Duration { return -1 }

// Work carries out one run. If that fails each time, the run ends with the
// reason, so that nobody waits for it forever.
func (w *runWorker) Work(ctx context.Context, job *river.Job[runArgs]) error {
	r, wanted, err := w.store.beginRun(ctx, job.Args)
	if err != nil || !wanted {
		return err
	}
	err = cutShort(ctx, w.handle(ctx, r))
	if err != nil && ctx.Err() == nil && job.Attempt >= job.MaxAttempts {
		r.Error = err.Error()
		return errors.Join(err, w.store.EndRun(ctx, r))
	}
	return err
}
