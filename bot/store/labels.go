package store

import (
	"context"
	"database/sql"
	"fmt"
)

// An Absence is what is known of the label of a migration being off its issue.
type Absence string

// What may be known.
const (
	Unknown  Absence = ""         // the label was on when that was looked at last
	Noticed  Absence = "noticed"  // it is off, and the migration waits for it
	Answered Absence = "answered" // somebody said, after it was taken off, that the migration goes on
)

// SetAbsence records what is known of the label's absence now, in place of what
// was known before. It does nothing if somebody answered since.
func (s *Store) SetAbsence(ctx context.Context, migration int64, before, now Absence) error {
	_, err := s.exec(ctx, `UPDATE migrations SET absence = $1 WHERE id = $2 AND absence = $3`, now, migration, before)
	if err != nil {
		return fmt.Errorf("label of migration %d: %w", migration, err)
	}
	return nil
}

// takeLabel stores which label a request put on again, and the answer to its
// absence that it gives by saying what is to be done.
func takeLabel(ctx context.Context, tx *sql.Tx, migration int64, r Request) error {
	if r.Label != "" {
		if _, err := tx.ExecContext(ctx, `UPDATE migrations SET label = $1, label_id = $2 WHERE id = $3`, text(r.Label), r.LabelID, migration); err != nil {
			return err
		}
	}
	if r.Wish != nil && r.Wish.Kind == GoOn || len(r.Reverts) > 0 {
		_, err := tx.ExecContext(ctx, `UPDATE migrations SET absence = $1 WHERE id = $2`, Answered, migration)
		return err
	}
	return nil
}
