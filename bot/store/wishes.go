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

// heard returns the wish of a request, unless a newer comment said whether the
// migration is to go on.
func heard(ctx context.Context, tx *sql.Tx, migration int64, r Request) (*Wish, error) {
	if r.Said == 0 {
		return r.Wish, nil
	}
	res, err := tx.ExecContext(ctx, `UPDATE migrations SET said = $1 WHERE id = $2 AND said <= $1`, r.Said, migration)
	if err != nil {
		return nil, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return nil, err
	}
	return r.Wish, nil
}

// takeWish stores what a request wants of a migration, and reports whether its
// phases are to be computed anew for that.
//
// To resume a migration that waits for something else than a person's word, or the
// label, is to try again. One that was cancelled is live again: its branches may be gone. A
// cancelled one is not paused any more.
func (s *Store) takeWish(ctx context.Context, tx *sql.Tx, migration int64, wish *Wish) (anew bool, err error) {
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
	m, err := queryMigration(ctx, tx, `id = $1`, migration)
	if err != nil || before.Kind == Pause || before.Kind == GoOn && m.Absence == Noticed {
		return false, err
	}
	if err := resumeReverts(ctx, tx, migration); err != nil {
		return false, err
	}
	if before.Kind == Cancel {
		return true, s.setState(ctx, tx, migration, Live, "")
	}
	return true, nil
}

// Cancelled records that a migration has ended because people wanted that, unless
// they want something else by now.
func (s *Store) Cancelled(ctx context.Context, migration int64, message string) error {
	err := s.tx(ctx, func(tx *sql.Tx) error {
		wish, err := queryWish(ctx, tx, migration)
		if err != nil || wish.Kind != Cancel {
			return err
		}
		return s.setState(ctx, tx, migration, Failed, message)
	})
	if err != nil {
		return fmt.Errorf("cancel migration %d: %w", migration, err)
	}
	return nil
}

// A Skip passes over a phase of a migration, or takes that back.
type Skip struct {
	Number  int    // of the phase
	By      string // login of who wants it to be passed over; "" to do it after all
	Comment int64  // GitHub's number of the comment that says so
}

// A Tip is the newest commit of a branch.
type Tip struct{ Branch, Commit string }

// takeSkips stores which phases a request passes over, and reports whether one is
// to be computed after all. What a newer comment said of a phase holds.
func takeSkips(ctx context.Context, tx *sql.Tx, migration int64, skips []Skip) (anew bool, err error) {
	for _, s := range skips {
		res, err := tx.ExecContext(ctx, `INSERT INTO skips (migration, number, skipped_by, comment) VALUES ($1, $2, $3, $4)
			ON CONFLICT (migration, number) DO UPDATE SET skipped_by = excluded.skipped_by, comment = excluded.comment
			WHERE excluded.comment >= skips.comment`, migration, s.Number, s.By, s.Comment)
		if err != nil {
			return false, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return false, err
		}
		anew = anew || s.By == "" && n > 0
	}
	return anew, nil
}

// Skips returns what people said of passing over phases of a migration, by the
// numbers of the phases.
func (s *Store) Skips(ctx context.Context, migration int64) (map[int]Skip, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT number, skipped_by, comment FROM skips WHERE migration = $1`, migration)
	if err != nil {
		return nil, fmt.Errorf("skipped phases of migration %d: %w", migration, err)
	}
	defer rows.Close()
	skips := map[int]Skip{}
	for rows.Next() {
		var skip Skip
		if err := rows.Scan(&skip.Number, &skip.By, &skip.Comment); err != nil {
			return nil, fmt.Errorf("skipped phases of migration %d: %w", migration, err)
		}
		skips[skip.Number] = skip
	}
	return skips, rows.Err()
}

// Requested reports whether Request took in the request with that ID.
func (s *Store) Requested(ctx context.Context, id string) (bool, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM requests WHERE id = $1`, id).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("request %s: %w", id, err)
	}
	return n > 0, nil
}

// Refuse reports whether the handling of a request is to tell somebody that the bot
// does not act for them: it is the first for an issue and its pull requests. It is
// still that when it is handled again.
func (s *Store) Refuse(ctx context.Context, repository int64, issue int, login, request string) (bool, error) {
	var teller string
	err := s.tx(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO refusals (repository, issue, login, request) VALUES ($1, $2, $3, $4)
			ON CONFLICT (repository, issue, login) DO UPDATE SET request = refusals.request RETURNING request`,
			repository, issue, login, request).Scan(&teller)
	})
	if err != nil {
		return false, fmt.Errorf("refusal of %s: %w", login, err)
	}
	return teller == request, nil
}
