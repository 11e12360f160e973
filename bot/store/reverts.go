package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Revert takes back a phase that was merged.
type Revert struct {
	Round, Number int    // of the phase
	By            string // login of who wants that
	State         RevertState
	Pull          int    // number of the pull request that does it, 0 if none
	Commit        string // by which people did it past restage; "" if that is not known
	Error         string // why that could not be made, for people; "" if it could
	Tried         string // commit of the base branch that Error is about
}

// A RevertState is where a revert stands.
type RevertState string

// The states of a revert.
const (
	Wanted   RevertState = "wanted"  // its pull request is to be made and merged
	Reverted RevertState = "merged"  // the phase is taken back, and the migration waits
	Dropped  RevertState = "dropped" // the migration went on before the pull request was merged
	Past     RevertState = "over"    // the phase is taken back, and the migration went on with another round
)

// Reverts returns the reverts of a migration, that of the newest phase first.
func (s *Store) Reverts(ctx context.Context, migration int64) ([]Revert, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT round, number, wanted_by, state, pull, commit_id, error, tried FROM reverts
		WHERE migration = $1 ORDER BY round DESC, number DESC`, migration)
	if err != nil {
		return nil, fmt.Errorf("reverts of migration %d: %w", migration, err)
	}
	defer rows.Close()
	var reverts []Revert
	for rows.Next() {
		var r Revert
		if err := rows.Scan(&r.Round, &r.Number, &r.By, &r.State, &r.Pull, &r.Commit, &r.Error, &r.Tried); err != nil {
			return nil, fmt.Errorf("reverts of migration %d: %w", migration, err)
		}
		reverts = append(reverts, r)
	}
	return reverts, rows.Err()
}

// AddRevert stores that people took a phase back on the base branch, unless they want
// restage to do that.
func (s *Store) AddRevert(ctx context.Context, migration int64, r Revert) error {
	_, err := s.exec(ctx, `INSERT INTO reverts (migration, round, number, wanted_by, state, pull, commit_id, error, tried)
		VALUES ($1, $2, $3, '', 'merged', 0, $4, '', '') ON CONFLICT (migration, round, number) DO NOTHING`,
		migration, r.Round, r.Number, r.Commit)
	if err != nil {
		return fmt.Errorf("phase %d of migration %d taken back: %w", r.Number, migration, err)
	}
	return nil
}

// SaveRevert stores where a wanted revert stands, unless the migration went on in
// the meantime.
func (s *Store) SaveRevert(ctx context.Context, migration int64, r Revert) error {
	_, err := s.exec(ctx, `UPDATE reverts SET state = $1, pull = $2, error = $3, tried = $4
		WHERE migration = $5 AND round = $6 AND number = $7 AND state = 'wanted'`,
		r.State, r.Pull, text(r.Error), r.Tried, migration, r.Round, r.Number)
	if err != nil {
		return fmt.Errorf("revert of phase %d of migration %d: %w", r.Number, migration, err)
	}
	return nil
}

// EndRevert ends a revert that was dropped, once its pull request is closed. If it
// was merged all the same, another round begins after that of the phase's
// migration.
func (s *Store) EndRevert(ctx context.Context, migration int64, r Revert, merged bool) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if !merged {
			_, err := tx.ExecContext(ctx, `DELETE FROM reverts WHERE migration = $1 AND round = $2 AND number = $3 AND state = 'dropped'`,
				migration, r.Round, r.Number)
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE reverts SET state = 'merged', pull = $1 WHERE migration = $2 AND round = $3 AND number = $4 AND state = 'dropped'`,
			r.Pull, migration, r.Round, r.Number)
		if err != nil {
			return err
		}
		if err := resumeReverts(ctx, tx, migration); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, migration, time.Now())
	})
	if err != nil {
		return fmt.Errorf("revert of phase %d of migration %d: %w", r.Number, migration, err)
	}
	return nil
}

// takeReverts stores what a request takes back.
func takeReverts(ctx context.Context, tx *sql.Tx, migration int64, reverts []Revert) error {
	for _, r := range reverts {
		_, err := tx.ExecContext(ctx, `INSERT INTO reverts (migration, round, number, wanted_by, state, pull, error, tried)
			VALUES ($1, $2, $3, $4, 'wanted', 0, '', '')
			ON CONFLICT (migration, round, number) DO UPDATE SET state = 'wanted', error = '', tried = '' WHERE reverts.state IN ('wanted', 'dropped')`,
			migration, r.Round, r.Number, r.By)
		if err != nil {
			return err
		}
	}
	return nil
}

// resumeReverts lets a migration go on after reverts: what was taken back is done
// again in another round, and what was not stays.
func resumeReverts(ctx context.Context, tx *sql.Tx, migration int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE reverts SET state = 'dropped' WHERE migration = $1 AND state = 'wanted'`, migration); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE migrations SET round = round + 1, proving = ''
		WHERE id = $1 AND EXISTS (SELECT 1 FROM reverts WHERE migration = $1 AND state = 'merged')`, migration)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE reverts SET state = 'over' WHERE migration = $1 AND state = 'merged'`, migration)
	return err
}
