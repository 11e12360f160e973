// Package store is what the bot remembers: the deliveries GitHub sent, the
// migrations under way, and the queue of work to do, all in one database: a
// SQLite file for one process, or PostgreSQL for several replicas.
//
// One database for all three is the idea of the package. A row and the job that
// acts on it are written in the same transaction, so there is never a stored
// delivery that nobody looks at, nor a job whose row is missing, whenever the
// process dies.
//
// A delivery is handled once it is stored. A look at a migration says no more than
// "see where it stands and do the next thing", see Enqueue; the guard's look at a
// repository is like it. A run carries out a command. Run works all of it off, and
// asks now and then for a resync. Work is done at least once: what it does must be
// harmless to do again.
//
// However many replicas there are, one at a time works on a migration, and one
// that died is replaced; see replica.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
)

// ErrNotFound is wrapped by errors about a row that does not exist.
var ErrNotFound = errors.New("not found")

// A Store is an open database. Its methods may be called from several
// goroutines.
//
// Whoever holds a transaction or open rows must use those, and nothing else of
// the Store, until they are closed: SQLite has one connection.
type Store struct {
	db     *sql.DB
	engine engine
	intake *intake
	jobs   *river.Client[*sql.Tx] // inserts jobs; Run has a client of its own that works them
	log    *slog.Logger           // for River, which is told to keep to warnings

	close sync.Once // of the intake

	lease    time.Duration // how long a replica is taken to live without a sign of it
	grace    time.Duration // how long Run lets work finish when it is to stop
	patience time.Duration // how long it then waits for handlers to notice that their context ended
}

// An engine is what SQLite and PostgreSQL do differently.
type engine struct {
	driver riverdriver.Driver[*sql.Tx]
	types  *strings.Replacer // from the column types of the schema, which are SQLite's
	now    string            // milliseconds since 1970 by the clock of the database
	lock   string            // makes a transaction wait until no other holds this lock; "" if none can
	shared bool              // by several replicas
	close  func()
}

// Open opens the database that databaseURL names and brings its schema up to
// date. The URL is "sqlite:PATH" (the file is created when it is missing, its
// folder is not) or that of a PostgreSQL database, "postgres://...", which
// several processes may have open. Close the Store when done.
func Open(ctx context.Context, databaseURL string, log *slog.Logger) (*Store, error) {
	scheme, rest, _ := strings.Cut(databaseURL, ":")
	switch {
	case scheme == "sqlite" && rest != "" && rest != ":memory:":
		return openSQLite(ctx, filepath.Clean(rest), log)
	case scheme == "postgres" || scheme == "postgresql":
		return openPostgres(ctx, databaseURL, log)
	}
	// The error does not repeat the URL: it may hold a password.
	return nil, errors.New("RESTAGE_DATABASE_URL must be sqlite: and the path of a file, such as sqlite:restage.db, or the URL of a PostgreSQL database, such as postgres://USER:PASSWORD@HOST/DATABASE")
}

// open returns a Store on db, which it closes if it fails.
func open(ctx context.Context, db *sql.DB, e engine, log *slog.Logger) (*Store, error) {
	s := &Store{
		db: db, engine: e, log: slog.New(atLeast{slog.LevelWarn, log.Handler()}),
		lease: 30 * time.Second, grace: 10 * time.Second, patience: 10 * time.Second,
	}
	if err := s.prepare(ctx); err != nil {
		db.Close()
		return nil, err
	}
	s.intake = newIntake()
	go s.intake.run(s)
	return s, nil
}

// prepare brings River's tables and ours up to date.
func (s *Store) prepare(ctx context.Context) error {
	migrator, err := rivermigrate.New(s.engine.driver, &rivermigrate.Config{Logger: s.log})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate job queue: %w", err)
	}
	if err := s.migrate(ctx, schema); err != nil {
		return err
	}
	s.jobs, err = river.NewClient(s.engine.driver, &river.Config{Logger: s.log, FetchCooldown: fetchCooldown})
	return err
}

// Close closes the database. Run must have returned.
func (s *Store) Close() error {
	s.close.Do(s.intake.close)
	err := s.db.Close()
	s.engine.close()
	return err
}

// tx calls f in a transaction, one at a time of all that tx makes on the
// database: what f reads does not change until what it writes is there. It
// commits when f returns nil; otherwise it rolls back and returns f's error.
// Inside f, use only the transaction. In the work of a replica that was given
// up, it returns an error that wraps ErrFenced.
func (s *Store) tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if s.engine.lock != "" {
		if _, err := tx.ExecContext(ctx, s.engine.lock); err != nil {
			return err
		}
	}
	if err := fence(ctx, tx); err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// exec is tx for a single statement. It returns how many rows that changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (changed int64, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err == nil {
			changed, err = res.RowsAffected()
		}
		return err
	})
	return changed, err
}

// text returns s as both databases can keep it: PostgreSQL takes no NUL, and
// nothing that is not UTF-8.
func text(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// atLeast is a slog.Handler that drops what is below a level.
type atLeast struct {
	level slog.Level
	slog.Handler
}

func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.level, h.Handler.WithAttrs(attrs)}
}

func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.level, h.Handler.WithGroup(name)}
}
