package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"
)

// schema holds the steps that lead from an empty database to the present
// schema, files NNN_name.sql in the order of their names. A step that has been
// released never changes: add another. They are SQLite's; see engine.
//
//go:embed schema/*.sql
var schema embed.FS

// migrate applies the steps in fsys that this database has not seen yet, each in
// a transaction with the row that records it. A database that has seen a later
// step was written by a newer restage, and is refused.
func (s *Store) migrate(ctx context.Context, fsys fs.FS) error {
	steps, err := fs.Glob(fsys, "schema/*.sql")
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, s.engine.types.Replace(`CREATE TABLE IF NOT EXISTS schema_steps (
		name       TEXT    NOT NULL PRIMARY KEY,
		applied_at INTEGER NOT NULL
	) STRICT`))
	if err != nil {
		return fmt.Errorf("create table schema_steps: %w", err)
	}
	var last string
	if err := s.db.QueryRowContext(ctx, `SELECT coalesce(max(name), '') FROM schema_steps`).Scan(&last); err != nil {
		return err
	}
	if newest := steps[len(steps)-1]; last > newest {
		return fmt.Errorf("its schema is at %s, but this restage knows it up to %s: use a newer restage", last, newest)
	}
	for _, step := range steps {
		if err := s.tx(ctx, func(tx *sql.Tx) error { return s.apply(ctx, tx, fsys, step) }); err != nil {
			return fmt.Errorf("apply %s: %w", step, err)
		}
	}
	return nil
}

// apply runs the step of that name unless it is recorded already.
func (s *Store) apply(ctx context.Context, tx *sql.Tx, fsys fs.FS, name string) error {
	res, err := tx.ExecContext(ctx, `INSERT INTO schema_steps (name, applied_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		name, time.Now().UnixMilli())
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, s.engine.types.Replace(string(text)))
	return err
}
