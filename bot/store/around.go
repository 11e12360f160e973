package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// LookAtRepository asks for a look at each unfinished migration of a repository.
func (s *Store) LookAtRepository(ctx context.Context, repository int64) error {
	err := s.tx(ctx, func(tx *sql.Tx) error { return s.lookAtAll(ctx, tx, `AND repository = $1`, repository) })
	if err != nil {
		return fmt.Errorf("looks at repository %d: %w", repository, err)
	}
	return nil
}

// LookAtInstallation asks for a look at each unfinished migration of an
// installation.
func (s *Store) LookAtInstallation(ctx context.Context, installation int64) error {
	err := s.tx(ctx, func(tx *sql.Tx) error { return s.lookAtAll(ctx, tx, `AND installation = $1`, installation) })
	if err != nil {
		return fmt.Errorf("looks at installation %d: %w", installation, err)
	}
	return nil
}

// Installed records by which installation a repository is reached from now on,
// and asks for a look at each of its unfinished migrations.
func (s *Store) Installed(ctx context.Context, repository, installation int64) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE migrations SET installation = $1 WHERE repository = $2`, installation, repository)
		if err != nil {
			return err
		}
		return s.lookAtAll(ctx, tx, `AND repository = $1`, repository)
	})
	if err != nil {
		return fmt.Errorf("installation of repository %d: %w", repository, err)
	}
	return nil
}

func (s *Store) lookAtAll(ctx context.Context, tx *sql.Tx, where string, args ...any) error {
	ids, err := unfinished(ctx, tx, where, args...)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.enqueue(ctx, tx, id, time.Now()); err != nil {
			return err
		}
	}
	return nil
}
