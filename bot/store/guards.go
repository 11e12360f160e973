package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
)

// A Guard is a migration whose old paths other pull requests are not to use.
type Guard struct {
	Migration int64
	Base      string // commit that the imports started from; "" takes the guard away
	Cleaned   bool   // the cleanup is merged, too
}

// SetGuard stores g, and asks the guard for a look at the repository if that is
// news.
func (s *Store) SetGuard(ctx context.Context, repository int64, g Guard) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		was := Guard{Migration: g.Migration}
		var cleaned int
		err := tx.QueryRowContext(ctx, `SELECT base, cleaned FROM guards WHERE migration = $1`, g.Migration).Scan(&was.Base, &cleaned)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		was.Cleaned, cleaned = cleaned != 0, 0
		if was == g {
			return nil
		}
		if g.Base == "" {
			_, err := tx.ExecContext(ctx, `DELETE FROM guards WHERE migration = $1`, g.Migration)
			return err
		}
		if g.Cleaned {
			cleaned = 1
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO guards (migration, base, cleaned) VALUES ($1, $2, $3)
			ON CONFLICT (migration) DO UPDATE SET base = excluded.base, cleaned = excluded.cleaned`, g.Migration, g.Base, cleaned)
		if err != nil {
			return err
		}
		return s.enqueueTurn(ctx, tx, guardOf(repository), time.Now())
	})
	if err != nil {
		return fmt.Errorf("guard of migration %d: %w", g.Migration, err)
	}
	return nil
}

// Guards returns the guards of a repository, by migration, but for those of
// migrations that have failed.
func (s *Store) Guards(ctx context.Context, repository int64) ([]Guard, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT g.migration, g.base, g.cleaned FROM guards g JOIN migrations m ON m.id = g.migration
		WHERE m.repository = $1 AND m.state <> 'failed' ORDER BY g.migration`, repository)
	if err != nil {
		return nil, fmt.Errorf("guards of repository %d: %w", repository, err)
	}
	defer rows.Close()
	var list []Guard
	for rows.Next() {
		var g Guard
		var cleaned int
		if err := rows.Scan(&g.Migration, &g.Base, &cleaned); err != nil {
			return nil, fmt.Errorf("guards of repository %d: %w", repository, err)
		}
		g.Cleaned = cleaned != 0
		list = append(list, g)
	}
	return list, rows.Err()
}

// EnqueueGuard asks the guard for a look at the pull requests of a repository,
// as Enqueue does for a migration.
func (s *Store) EnqueueGuard(ctx context.Context, repository int64) error {
	return s.tx(ctx, func(tx *sql.Tx) error { return s.enqueueTurn(ctx, tx, guardOf(repository), time.Now()) })
}

// EnqueueGuards is EnqueueGuard for every repository with a migration under way
// that has a guard.
func (s *Store) EnqueueGuards(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, `SELECT DISTINCT m.repository FROM guards g JOIN migrations m ON m.id = g.migration
		WHERE m.state IN ('live', 'paused') ORDER BY m.repository`)
	if err != nil {
		return fmt.Errorf("guarded repositories: %w", err)
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("guarded repositories: %w", err)
		}
		list = append(list, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return fmt.Errorf("guarded repositories: %w", err)
	}
	for _, id := range list {
		if err := s.EnqueueGuard(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// A Guarded is what the guard did for the head of a pull request.
type Guarded struct {
	Attempt int    // from 0; goes up when somebody asks for the check again
	Posted  string // key of the newest check run, "" if there is none
}

// Guarded returns what the guard did for the heads of pull requests, by commit.
func (s *Store) Guarded(ctx context.Context, repository int64) (map[string]Guarded, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT commit_id, attempt, posted FROM guarded WHERE repository = $1`, repository)
	if err != nil {
		return nil, fmt.Errorf("guarded commits of repository %d: %w", repository, err)
	}
	defer rows.Close()
	all := map[string]Guarded{}
	for rows.Next() {
		var commit string
		var g Guarded
		if err := rows.Scan(&commit, &g.Attempt, &g.Posted); err != nil {
			return nil, fmt.Errorf("guarded commits of repository %d: %w", repository, err)
		}
		all[commit] = g
	}
	return all, rows.Err()
}

// SetGuarded records the check run that the guard posted on a commit.
func (s *Store) SetGuarded(ctx context.Context, repository int64, commit, posted string) error {
	_, err := s.exec(ctx, `INSERT INTO guarded (repository, commit_id, attempt, posted) VALUES ($1, $2, 0, $3)
		ON CONFLICT (repository, commit_id) DO UPDATE SET posted = excluded.posted`, repository, commit, posted)
	if err != nil {
		return fmt.Errorf("guarded commit %s: %w", commit, err)
	}
	return nil
}

// GuardAgain takes in a request, known by its ID, for another check run of the
// guard on a commit. It asks for the look that posts it. A request that was
// taken in before changes nothing, nor does one where there is no guard.
func (s *Store) GuardAgain(ctx context.Context, repository int64, commit, request string) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO requests (id, migration)
			SELECT $1, m.id FROM guards g JOIN migrations m ON m.id = g.migration WHERE m.repository = $2 ORDER BY m.id LIMIT 1
			ON CONFLICT (id) DO NOTHING`, request, repository)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO guarded (repository, commit_id, attempt, posted) VALUES ($1, $2, 1, '')
			ON CONFLICT (repository, commit_id) DO UPDATE SET attempt = guarded.attempt + 1`, repository, text(commit))
		if err != nil {
			return err
		}
		return s.enqueueTurn(ctx, tx, guardOf(repository), time.Now())
	})
	if err != nil {
		return fmt.Errorf("request %s of the guard: %w", request, err)
	}
	return nil
}

// guardArgs is the job of the guard's look at a repository. It has turns as a
// look at a migration has.
type guardArgs struct {
	Repository int64 `json:"repository"`
	Turn       int64 `json:"turn"`
}

// Kind is River's name of the job.
func (guardArgs) Kind() string { return "guard" }

func guardOf(repository int64) turned {
	return turned{"watches", "repository", repository, guardQueue, func(turn int64) river.JobArgs { return guardArgs{repository, turn} }}
}

type guardWorker struct {
	river.WorkerDefaults[guardArgs]
	taker
}

// Timeout is none, as that of lookWorker.
func (w *guardWorker) Timeout(*river.Job[guardArgs]) time.Duration { return -1 }

// Work looks at one repository.
func (w *guardWorker) Work(ctx context.Context, job *river.Job[guardArgs]) error {
	return w.take(ctx, guardOf(job.Args.Repository), job.Args.Turn)
}
