package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// A look is the job of looking again at a migration. Looks of one migration
// have turns: a number in the table "looks" that goes up each time a look
// begins. A look that is asked for gets the present turn, and River keeps one
// job for a migration and a turn. So all that is asked for before a look begins
// is one look, and what is asked for after it began, when it may have read the
// old state of the world already, is the next.
type lookArgs struct {
	Migration int64 `json:"migration"`
	Turn      int64 `json:"turn"`
}

// Kind is River's name of the job.
func (lookArgs) Kind() string { return "look" }

// A turned is what has turns: a migration, for looks at it, and a repository, for
// those of the guard.
type turned struct {
	table, key string // where its turn is kept
	id         int64
	queue      string
	job        func(turn int64) river.JobArgs
}

func lookAt(migration int64) turned {
	return turned{"looks", "migration", migration, lookQueue, func(turn int64) river.JobArgs { return lookArgs{migration, turn} }}
}

func (t turned) String() string { return fmt.Sprintf("%s of %s %d", t.table, t.key, t.id) }

// Enqueue asks for a look at a migration at the given time, or at once if that
// is past. Looks that have not begun yet are one look, at the earliest of their
// times; when one is under way another follows it. A look in the future may come
// some five seconds late.
func (s *Store) Enqueue(ctx context.Context, migration int64, at time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return s.enqueue(ctx, tx, migration, at) })
}

// enqueue is Enqueue as part of a transaction.
func (s *Store) enqueue(ctx context.Context, tx *sql.Tx, migration int64, at time.Time) error {
	return s.enqueueTurn(ctx, tx, lookAt(migration), at)
}

func (s *Store) enqueueTurn(ctx context.Context, tx *sql.Tx, t turned, at time.Time) error {
	var turn int64
	err := tx.QueryRowContext(ctx, fmt.Sprintf(`INSERT INTO %[1]s (%[2]s, turn) VALUES ($1, 1)
		ON CONFLICT (%[2]s) DO UPDATE SET turn = %[1]s.turn RETURNING turn`, t.table, t.key), t.id).Scan(&turn)
	if err != nil {
		return fmt.Errorf("enqueue %v: %w", t, err)
	}
	res, err := s.insertTurn(ctx, tx, t, turn, at)
	if err == nil && res.UniqueSkippedAsDuplicate && waitsBeyond(res.Job, at) {
		if _, err = s.jobs.JobDeleteTx(ctx, tx, res.Job.ID); err == nil {
			_, err = s.insertTurn(ctx, tx, t, turn, at)
		}
	}
	if err != nil {
		return fmt.Errorf("enqueue %v: %w", t, err)
	}
	return nil
}

// waitsBeyond reports whether a job waits for a time after both at and now.
func waitsBeyond(job *rivertype.JobRow, at time.Time) bool {
	return job.State != rivertype.JobStateRunning && job.ScheduledAt.After(at) && job.ScheduledAt.After(time.Now())
}

// insertTurn inserts a job, unless that look waits or is held by a worker
// already. River insists on the states that it moves jobs through.
func (s *Store) insertTurn(ctx context.Context, tx *sql.Tx, t turned, turn int64, at time.Time) (*rivertype.JobInsertResult, error) {
	if !at.After(time.Now()) {
		at = time.Time{} // a time, even a past one, makes River's scheduler fetch the job first
	}
	return s.jobs.InsertTx(ctx, tx, t.job(turn), &river.InsertOpts{
		Queue:       t.queue,
		MaxAttempts: tries,
		ScheduledAt: at,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
			rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	})
}

// claim starts a look for a replica: until release, no other works on the
// migration, and from now on, what is asked for is the next look. It reports
// false for a look that is not needed any more: it failed or was put off, and a
// later look has begun since. If another replica works on the migration, the
// error is a Snooze.
func (s *Store) claim(ctx context.Context, t turned, turn int64, replica string) (needed bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		var now int64
		var holder string
		err := tx.QueryRowContext(ctx, fmt.Sprintf(`SELECT turn, holder FROM %s WHERE %s = $1`, t.table, t.key), t.id).Scan(&now, &holder)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNotFound
		}
		if err != nil || now > turn+1 {
			return err
		}
		if holder != "" && holder != replica {
			return Snooze(whileTaken)
		}
		needed = true
		_, err = tx.ExecContext(ctx, fmt.Sprintf(`UPDATE %s SET turn = $1, holder = $2 WHERE %s = $3`, t.table, t.key), turn+1, replica, t.id)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("begin %v: %w", t, err)
	}
	return needed, nil
}

// release ends what claim began, even if ctx is over.
func (s *Store) release(ctx context.Context, t turned, replica string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveLimit)
	defer cancel()
	_, err := s.exec(ctx, fmt.Sprintf(`UPDATE %s SET holder = '' WHERE %s = $1 AND holder = $2`, t.table, t.key), t.id, replica)
	if err != nil {
		return fmt.Errorf("end %v: %w", t, err)
	}
	return nil
}
