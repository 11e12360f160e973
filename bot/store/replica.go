package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// ErrFenced is wrapped by errors about work of a process that was given up for
// dead: another one does it now.
var ErrFenced = errors.New("this process was given up for dead, and another does its work")

// A replica is one Run at work on the database. Its row is a lease, which it
// renews while it lives. A migration that it works on bears its name.
//
// Once the lease is over, any other replica may give it up: then its row goes, and
// in the same transaction all that it worked on becomes free. What its handlers
// do runs under a context that knows the replica, and every transaction under
// such a context first looks whether the row is still there. So a process that
// slept through its lease finds itself fenced: whatever it was about to write, it
// cannot. Names are never used again.
type replica struct {
	id    string
	store *Store

	mu    sync.Mutex
	until time.Time // when the lease is over, by the clock of this process
}

type replicaKey struct{}

// join registers a replica. If the database is not shared, all others are dead.
func (s *Store) join(ctx context.Context) (*replica, error) {
	r := &replica{id: rand.Text(), store: s}
	until := time.Now().Add(s.lease)
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if !s.engine.shared {
			// The dead one also leads no more, else scheduled jobs would wait until its
			// term expires.
			if _, err := tx.ExecContext(ctx, `DELETE FROM replicas; DELETE FROM river_leader`); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO replicas (id, until) VALUES ($1, `+s.engine.now+` + $2)`, r.id, s.lease.Milliseconds())
		return err
	})
	r.until = until
	return r, err
}

// renew renews the lease. The error wraps ErrFenced if the replica was given up.
func (r *replica) renew(ctx context.Context) error {
	until := time.Now().Add(r.store.lease)
	n, err := r.store.exec(ctx, `UPDATE replicas SET until = `+r.store.engine.now+` + $1 WHERE id = $2`, r.store.lease.Milliseconds(), r.id)
	if err == nil && n == 0 {
		err = ErrFenced
	}
	if err != nil {
		return fmt.Errorf("renew lease: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = until
	return nil
}

// leave ends the lease: others need not wait until it is over.
func (r *replica) leave(ctx context.Context) error {
	if _, err := r.store.exec(ctx, `UPDATE replicas SET until = 0 WHERE id = $1`, r.id); err != nil {
		return fmt.Errorf("end lease: %w", err)
	}
	return r.store.giveUp(ctx)
}

// keep renews the lease, gives others up and drops old deliveries until ctx ends.
// It returns nil then, and an error when the replica was given up itself.
func (r *replica) keep(ctx context.Context, deliveries time.Duration) error {
	tick := time.NewTicker(r.store.lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := r.renew(ctx)
		if errors.Is(err, ErrFenced) {
			return err
		}
		err = errors.Join(err, r.store.giveUp(ctx), r.store.dropDeliveries(ctx, deliveries))
		if err != nil && ctx.Err() == nil {
			r.store.log.Warn("lease", "error", err)
		}
	}
}

// held reports whether the lease is not over. A process that was stopped may find
// that only one of its two clocks went on.
func (r *replica) held() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	return now.Before(r.until) && now.Round(0).Before(r.until.Round(0))
}

// work returns the context that the handlers of r run under.
func (r *replica) work(ctx context.Context) context.Context {
	return context.WithValue(ctx, replicaKey{}, r)
}

// Held returns nil if ctx is not that of a handler, or while the lease of its
// process lasts. Otherwise another process may do the same work already; call it
// right before an effect outside of the database, and let that be. The error
// wraps ErrFenced.
func Held(ctx context.Context) error {
	if r, ok := ctx.Value(replicaKey{}).(*replica); ok && !r.held() {
		return ErrFenced
	}
	return nil
}

// fence returns an error that wraps ErrFenced if ctx is that of a handler whose
// process was given up.
func fence(ctx context.Context, tx *sql.Tx) error {
	r, ok := ctx.Value(replicaKey{}).(*replica)
	if !ok {
		return nil
	}
	var n int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM replicas WHERE id = $1`, r.id).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return ErrFenced
	}
	return nil
}

// giveUp gives up the replicas whose lease is over. What they worked on becomes
// available again, which River by itself does after an hour.
func (s *Store) giveUp(ctx context.Context) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM replicas WHERE until <= `+s.engine.now); err != nil {
			return err
		}
		for _, table := range []string{"looks", "watches"} {
			if _, err := tx.ExecContext(ctx, `UPDATE `+table+` SET holder = '' WHERE holder <> '' AND holder NOT IN (SELECT id FROM replicas)`); err != nil {
				return err
			}
		}
		alive, err := replicas(ctx, tx)
		if err != nil {
			return err
		}
		page := river.NewJobListParams().States(rivertype.JobStateRunning).First(10_000)
		jobs, err := s.jobs.JobListTx(ctx, tx, page)
		if err != nil {
			return err
		}
		for _, job := range jobs.Jobs {
			if n := len(job.AttemptedBy); n > 0 && alive[job.AttemptedBy[n-1]] {
				continue
			}
			if err := handBack(ctx, tx, job); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("give up dead replicas: %w", err)
	}
	return nil
}

// replicas returns the IDs of the replicas.
func replicas(ctx context.Context, tx *sql.Tx) (map[string]bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM replicas`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := map[string]bool{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids[id] = true
	}
	return ids, rows.Err()
}

// handBack makes a job available whose replica died. On its last try it is given
// up: it may be what killed the process.
func handBack(ctx context.Context, tx *sql.Tx, job *rivertype.JobRow) error {
	if job.Attempt < job.MaxAttempts {
		_, err := tx.ExecContext(ctx, `UPDATE river_job SET state = 'available' WHERE id = $1 AND state = 'running'`, job.ID)
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE river_job SET state = 'discarded', finalized_at = CURRENT_TIMESTAMP WHERE id = $1 AND state = 'running'`, job.ID)
	if err != nil || job.Kind != (runArgs{}).Kind() {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE runs SET state = 'done', error = 'restage was stopped each time while this ran', ended_at = started_at
		WHERE state = 'running' AND id = (SELECT CAST(args ->> 'id' AS BIGINT) FROM river_job WHERE id = $1)`, job.ID)
	return err
}
