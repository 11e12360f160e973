package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// A Wish is what people want of a migration, whatever its phases come to. It
// holds until they want something else.
type Wish struct {
	Kind WishKind
	Why  string // who wants that and why: a sentence in Markdown
}

// A WishKind says what is wanted.
type WishKind string

// The kinds of wishes.
const (
	GoOn   WishKind = ""       // that it goes on; there is no Why
	Pause  WishKind = "pause"  // that it does nothing
	Cancel WishKind = "cancel" // that it ends
)

// Wish returns what people want of a migration.
func (s *Store) Wish(ctx context.Context, migration int64) (Wish, error) {
	w, err := queryWish(ctx, s.db, migration)
	if err != nil {
		return Wish{}, fmt.Errorf("wish for migration %d: %w", migration, err)
	}
	return w, nil
}

func queryWish(ctx context.Context, q querier, migration int64) (w Wish, err error) {
	err = q.QueryRowContext(ctx, `SELECT kind, why FROM wishes WHERE migration = $1`, migration).Scan(&w.Kind, &w.Why)
	if errors.Is(err, sql.ErrNoRows) {
		return Wish{}, nil
	}
	return w, err
}

// takeWish stores what a request wants of a migration, and reports whether its
// phases are to be computed anew for that.
//
// To resume a migration that waits for something else than a person's word is to
// try again. One that was cancelled is live again: its branches may be gone. A
// cancelled one is not paused any more.
func takeWish(ctx context.Context, tx *sql.Tx, migration int64, wish *Wish) (anew bool, err error) {
	if wish == nil {
		return false, nil
	}
	before, err := queryWish(ctx, tx, migration)
	if err != nil || before.Kind == Cancel && wish.Kind == Pause {
		return false, err
	}
	if wish.Kind != GoOn {
		_, err = tx.ExecContext(ctx, `INSERT INTO wishes (migration, kind, why) VALUES ($1, $2, $3)
			ON CONFLICT (migration) DO UPDATE SET kind = excluded.kind, why = excluded.why`, migration, wish.Kind, text(wish.Why))
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM wishes WHERE migration = $1`, migration); err != nil {
		return false, err
	}
	if before.Kind == Cancel {
		return true, setState(ctx, tx, migration, Live, "")
	}
	return before.Kind == GoOn, nil
}

// Cancelled records that a migration has ended because people wanted that, unless
// they want something else by now.
func (s *Store) Cancelled(ctx context.Context, migration int64, message string) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		wish, err := queryWish(ctx, tx, migration)
		if err != nil || wish.Kind != Cancel {
			return err
		}
		return setState(ctx, tx, migration, Failed, message)
	})
	if err != nil {
		return fmt.Errorf("cancel migration %d: %w", migration, err)
	}
	return nil
}
