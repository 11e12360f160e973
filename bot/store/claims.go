package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Claim says what a migration touches. It holds until the migration ends.
//
// Of those that claim the same in a repository, one works at a time. A migration
// begins when no other has begun and none that waits was started earlier. Once it
// has begun it never waits again, so no two wait for each other.
type Claim struct {
	Migration int64
	Revision  int      // of the migration, that Paths are of
	Paths     []string // files and folders, from the root of the repository, without trailing slashes
	Begun     bool     // its branches may be there
}

// A Rival is a migration that another one waits for.
type Rival struct {
	Issue int
	Paths []string // that both touch, sorted
}

// Begin stores c in place of what the migration claimed before. It returns the
// migrations that have to end first; if there are none, this one has begun. Those
// that wait are looked at again when what they may wait for has changed.
func (s *Store) Begin(ctx context.Context, c Claim) (rivals []Rival, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		before, err := queryClaim(ctx, tx, c.Migration)
		if err != nil {
			return err
		}
		c.Begun = c.Begun || before.Begun
		if !c.Begun {
			if rivals, err = queryRivals(ctx, tx, c); err != nil {
				return err
			}
			c.Begun = len(rivals) == 0
		}
		paths, err := json.Marshal(c.Paths)
		if err != nil {
			return err
		}
		begun := 0
		if c.Begun {
			begun = 1
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO claims (migration, revision, paths, begun) VALUES ($1, $2, $3, $4)
			ON CONFLICT (migration) DO UPDATE SET revision = excluded.revision, paths = excluded.paths, begun = excluded.begun`,
			c.Migration, c.Revision, text(string(paths)), begun)
		if err != nil || before.Revision == 0 || slices.Equal(before.Paths, c.Paths) {
			return err
		}
		return s.lookAtWaiting(ctx, tx, c.Migration)
	})
	if err != nil {
		return nil, fmt.Errorf("claim of migration %d: %w", c.Migration, err)
	}
	return rivals, nil
}

// Rivals returns the migrations that one waits for, by what it claimed. There are
// none if it claimed nothing for that revision, or has begun.
func (s *Store) Rivals(ctx context.Context, migration int64, revision int) ([]Rival, error) {
	c, err := queryClaim(ctx, s.db, migration)
	var rivals []Rival
	if err == nil && c.Revision == revision && !c.Begun {
		rivals, err = queryRivals(ctx, s.db, c)
	}
	if err != nil {
		return nil, fmt.Errorf("rivals of migration %d: %w", migration, err)
	}
	return rivals, nil
}

// queryClaim returns what a migration claims; without a revision if that is
// nothing.
func queryClaim(ctx context.Context, q querier, migration int64) (Claim, error) {
	c := Claim{Migration: migration}
	var paths string
	var begun int
	err := q.QueryRowContext(ctx, `SELECT revision, paths, begun FROM claims WHERE migration = $1`, migration).Scan(&c.Revision, &paths, &begun)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	c.Begun = begun != 0
	return c, json.Unmarshal([]byte(paths), &c.Paths)
}

// queryRivals returns who stands in the way of c, oldest first.
func queryRivals(ctx context.Context, q querier, c Claim) ([]Rival, error) {
	rows, err := q.QueryContext(ctx, `SELECT o.issue, c.paths FROM claims c JOIN migrations o ON o.id = c.migration
		WHERE o.repository = (SELECT repository FROM migrations WHERE id = $1) AND o.id <> $1 AND o.state IN ('live', 'paused')
		AND (c.begun = 1 OR o.id < $1) ORDER BY o.id`, c.Migration)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var rivals []Rival
	for rows.Next() {
		var r Rival
		var data string
		var paths []string
		if err := rows.Scan(&r.Issue, &data); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(data), &paths); err != nil {
			return nil, err
		}
		if r.Paths = common(c.Paths, paths); len(r.Paths) > 0 {
			rivals = append(rivals, r)
		}
	}
	return rivals, rows.Err()
}

// common returns the paths of either list that are at or below one of the other,
// sorted.
func common(a, b []string) []string {
	both := map[string]bool{}
	for _, lists := range [][2][]string{{a, b}, {b, a}} {
		above := map[string]bool{}
		for _, p := range lists[1] {
			above[p] = true
		}
		for _, p := range lists[0] {
			for dir := p; ; dir = dir[:strings.LastIndexByte(dir, '/')] {
				if above[dir] {
					both[p] = true
				}
				if !strings.Contains(dir, "/") {
					break
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(both))
}

// disclaim ends the claim of a migration, and asks for looks at those that may
// have waited for that.
func (s *Store) disclaim(ctx context.Context, tx *sql.Tx, migration int64) error {
	res, err := tx.ExecContext(ctx, `DELETE FROM claims WHERE migration = $1`, migration)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return s.lookAtWaiting(ctx, tx, migration)
}

// lookAtWaiting asks for a look at each migration of the repository of another
// that waits for some claim.
func (s *Store) lookAtWaiting(ctx context.Context, tx *sql.Tx, but int64) error {
	return s.lookAtAll(ctx, tx, `AND repository = (SELECT repository FROM migrations WHERE id = $1) AND id <> $1
		AND id IN (SELECT migration FROM claims WHERE begun = 0)`, but)
}
