package store

import (
	"context"
	"database/sql"
	"encoding/json"
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
	Cancelled RunState = "cancelled" // its commit is not the newest any more
)

// A Run is a command, run on a commit of a repository.
type Run struct {
	ID         int64 // set by AskRun
	Repository int64
	Commit     string
	Command    string // JSON; another text is another run
	Attempt    int    // another number is another run
	Migration  int64  // that asked first
	Phase      int    // whose head the commit is, 0 if it is a base
	Turn       int64  // goes up when a run that was cancelled is wanted after all
	State      RunState
	Asked      time.Time
	Started    time.Time // zero before
	Took       time.Duration
	Error      string // why it could not be run, "" if it could
	Outcome    string // JSON
	Log        string // so far
}

const runColumns = `id, repository, commit_id, command, attempt, migration, phase, turn, state, asked_at, started_at, ended_at, error, outcome, log`

// AskRun returns the run of r.Command on r.Commit, with what came of it so far.
// It is queued if it was never asked for, or was cancelled.
func (s *Store) AskRun(ctx context.Context, r Run) (Run, error) {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		old, err := queryRun(ctx, tx, `repository = $1 AND commit_id = $2 AND command = $3 AND attempt = $4`, r.Repository, r.Commit, r.Command, r.Attempt)
		if err == nil && old.State != Cancelled {
			r = old
			return nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		var turn int64
		err = tx.QueryRowContext(ctx, `INSERT INTO runs (repository, commit_id, command, attempt, migration, phase, turn, state, asked_at, error, outcome, log)
			VALUES ($1, $2, $3, $4, $5, $6, 1, 'queued', $7, '', '', '')
			ON CONFLICT DO UPDATE SET state = 'queued', turn = turn + 1, migration = excluded.migration, phase = excluded.phase,
				asked_at = excluded.asked_at, started_at = NULL, log = ''
			RETURNING id, turn`, r.Repository, r.Commit, r.Command, r.Attempt, r.Migration, r.Phase, time.Now().UnixMilli()).Scan(&r.ID, &turn)
		if err != nil {
			return err
		}
		if _, err = s.jobs.InsertTx(ctx, tx, runArgs{ID: r.ID, Turn: turn}, &river.InsertOpts{Queue: runQueue, MaxAttempts: runTries}); err != nil {
			return err
		}
		r, err = queryRun(ctx, tx, `id = $1`, r.ID)
		return err
	})
	if err != nil {
		return Run{}, fmt.Errorf("ask for a run on %s: %w", r.Commit, err)
	}
	return r, nil
}

func queryRun(ctx context.Context, q querier, where string, args ...any) (Run, error) {
	var r Run
	var asked int64
	var started, ended sql.NullInt64
	err := q.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE `+where, args...).Scan(
		&r.ID, &r.Repository, &r.Commit, &r.Command, &r.Attempt, &r.Migration, &r.Phase, &r.Turn, &r.State, &asked, &started, &ended, &r.Error, &r.Outcome, &r.Log)
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
		return s.enqueueRepository(ctx, tx, r.Repository)
	})
	if err != nil {
		return Run{}, false, fmt.Errorf("begin run %d: %w", args.ID, err)
	}
	return r, wanted, nil
}

// KeepLog stores what a run has printed so far. It reports false if the run was
// cancelled: then nobody wants to know.
func (s *Store) KeepLog(ctx context.Context, r Run, log string) (wanted bool, err error) {
	res, err := s.db.ExecContext(ctx, `UPDATE runs SET log = $1 WHERE id = $2 AND started_at = $3 AND state = 'running'`, log, r.ID, r.Started.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("log of run %d: %w", r.ID, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// EndRun stores what came of a run, r.Error or r.Outcome, and its log, and asks
// for a look at who waits for it. A run that was cancelled stays so.
func (s *Store) EndRun(ctx context.Context, r Run) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE runs SET state = 'done', ended_at = $1, error = $2, outcome = $3, log = $4
			WHERE id = $5 AND started_at = $6 AND state = 'running'`, time.Now().UnixMilli(), r.Error, r.Outcome, r.Log, r.ID, r.Started.UnixMilli())
		if err != nil {
			return err
		}
		return s.enqueueRepository(ctx, tx, r.Repository)
	})
	if err != nil {
		return fmt.Errorf("end run %d: %w", r.ID, err)
	}
	return nil
}

// CancelRuns cancels what still runs or waits for a phase, but for the runs with
// the given IDs.
func (s *Store) CancelRuns(ctx context.Context, migration int64, phase int, but []int64) error {
	ids, err := json.Marshal(but)
	if err != nil {
		return fmt.Errorf("cancel runs of migration %d: %w", migration, err)
	}
	_, err = s.db.ExecContext(ctx, `UPDATE runs SET state = 'cancelled'
		WHERE migration = $1 AND phase = $2 AND id NOT IN (SELECT value FROM json_each($3)) AND state IN ('queued', 'running')`, migration, phase, string(ids))
	if err != nil {
		return fmt.Errorf("cancel runs of migration %d: %w", migration, err)
	}
	return nil
}

// enqueueRepository asks for a look at the migrations of a repository: a run on a
// base may be awaited by several.
func (s *Store) enqueueRepository(ctx context.Context, tx *sql.Tx, repository int64) error {
	ids, err := unfinished(ctx, tx, `AND repository = $1`, repository)
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
