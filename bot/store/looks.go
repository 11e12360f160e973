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

// Enqueue asks for a look at a migration at the given time, or at once if that
// is past. Looks that have not begun yet are one look, at the earliest of their
// times; when one is under way another follows it. A look in the future may come
// some five seconds late.
func (s *Store) Enqueue(ctx context.Context, migration int64, at time.Time) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return s.enqueue(ctx, tx, migration, at) })
}

// enqueue is Enqueue as part of a transaction.
func (s *Store) enqueue(ctx context.Context, tx *sql.Tx, migration int64, at time.Time) error {
	look := lookArgs{Migration: migration}
	err := tx.QueryRowContext(ctx, `INSERT INTO looks (migration, turn) VALUES ($1, 1)
		ON CONFLICT (migration) DO UPDATE SET turn = looks.turn RETURNING turn`, migration).Scan(&look.Turn)
	if err != nil {
		return fmt.Errorf("enqueue look at migration %d: %w", migration, err)
	}
	res, err := s.insertLook(ctx, tx, look, at)
	if err == nil && res.UniqueSkippedAsDuplicate && waitsBeyond(res.Job, at) {
		if _, err = s.jobs.JobDeleteTx(ctx, tx, res.Job.ID); err == nil {
			_, err = s.insertLook(ctx, tx, look, at)
		}
	}
	if err != nil {
		return fmt.Errorf("enqueue look at migration %d: %w", migration, err)
	}
	return nil
}

// waitsBeyond reports whether a job waits for a time after both at and now.
func waitsBeyond(job *rivertype.JobRow, at time.Time) bool {
	return job.State != rivertype.JobStateRunning && job.ScheduledAt.After(at) && job.ScheduledAt.After(time.Now())
}

// insertLook inserts a job, unless that look waits or is held by a worker
// already. River insists on the states that it moves jobs through.
func (s *Store) insertLook(ctx context.Context, tx *sql.Tx, look lookArgs, at time.Time) (*rivertype.JobInsertResult, error) {
	if !at.After(time.Now()) {
		at = time.Time{} // a time, even a past one, makes River's scheduler fetch the job first
	}
	return s.jobs.InsertTx(ctx, tx, look, &river.InsertOpts{
		Queue:       lookQueue,
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
func (s *Store) claim(ctx context.Context, look lookArgs, replica string) (needed bool, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		var turn int64
		var holder string
		err := tx.QueryRowContext(ctx, `SELECT turn, holder FROM looks WHERE migration = $1`, look.Migration).Scan(&turn, &holder)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNotFound
		}
		if err != nil || turn > look.Turn+1 {
			return err
		}
		if holder != "" && holder != replica {
			return Snooze(whileTaken)
		}
		needed = true
		_, err = tx.ExecContext(ctx, `UPDATE looks SET turn = $1, holder = $2 WHERE migration = $3`, look.Turn+1, replica, look.Migration)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("begin look at migration %d: %w", look.Migration, err)
	}
	return needed, nil
}

// release ends what claim began, even if ctx is over.
func (s *Store) release(ctx context.Context, migration int64, replica string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveLimit)
	defer cancel()
	_, err := s.exec(ctx, `UPDATE looks SET holder = '' WHERE migration = $1 AND holder = $2`, migration, replica)
	if err != nil {
		return fmt.Errorf("end look at migration %d: %w", migration, err)
	}
	return nil
}
