// Package store is what the bot remembers: the deliveries GitHub sent, the
// migrations under way, and the queue of work to do, all in one SQLite
// database.
//
// One database for all three is the idea of the package. A row and the job that
// acts on it are written in the same transaction, so there is never a stored
// delivery that nobody looks at, nor a job whose row is missing, whenever the
// process dies.
//
// There are two kinds of work. A delivery is handled once it is stored. A look
// at a migration says no more than "see where it stands and do the next thing";
// see Enqueue. Run works both off. Work is done at least once: what it does must
// be harmless to do again.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	_ "modernc.org/sqlite" // the driver that sql.Open calls "sqlite"
)

// ErrNotFound is wrapped by errors about a row that does not exist.
var ErrNotFound = errors.New("not found")

// A Store is an open database. Its methods may be called from several
// goroutines.
//
// There is one connection, because SQLite has one writer: a second one would
// only trade waiting in line for "database is locked". So whoever holds a
// transaction or open rows must use those, and nothing else of the Store, until
// they are closed.
type Store struct {
	db   *sql.DB
	jobs *river.Client[*sql.Tx] // inserts jobs; Run has a client of its own that works them
	log  *slog.Logger           // for River, which is told to keep to warnings

	grace    time.Duration // how long Run lets work finish when it is to stop
	patience time.Duration // how long it then waits for handlers to notice that their context ended
}

// Open opens the database that databaseURL names and brings its schema up to
// date. The URL is "sqlite:PATH"; the file is created when it is missing, its
// folder is not. Close the Store when done.
func Open(ctx context.Context, databaseURL string, log *slog.Logger) (*Store, error) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	if !ok || path == "" || path == ":memory:" {
		return nil, errors.New("RESTAGE_DATABASE_URL must be sqlite: and the path of a file, such as sqlite:restage.db") // does not repeat it: it may hold a password
	}
	path = filepath.Clean(path)
	if err := create(path); err != nil {
		return nil, fmt.Errorf("RESTAGE_DATABASE_URL: %w", err)
	}
	s, err := open(ctx, path, log)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db, log: slog.New(atLeast{slog.LevelWarn, log.Handler()}), grace: 10 * time.Second, patience: 10 * time.Second}
	if err := s.prepare(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// prepare brings River's tables and ours up to date.
func (s *Store) prepare(ctx context.Context) error {
	driver := riversqlite.New(s.db)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: s.log})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate job queue: %w", err)
	}
	if err := s.migrate(ctx, schema); err != nil {
		return err
	}
	s.jobs, err = river.NewClient(driver, &river.Config{Logger: s.log, FetchCooldown: fetchCooldown})
	return err
}

// Close closes the database. Run must have returned.
func (s *Store) Close() error {
	return s.db.Close()
}

// tx calls f in a transaction that holds SQLite's write lock from the start. It
// commits when f returns nil; otherwise it rolls back and returns f's error.
// Inside f, use only the transaction.
func (s *Store) tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// create makes an empty database file that only its owner may read, since
// payloads of private repositories go into it. An existing file is left alone.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// SQLite syncs what it writes, but not the folder entry made here.
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// dsn returns what the driver needs to open path: a commit is on disk when it
// returns (WAL with synchronous=FULL), and a transaction takes the write lock
// when it begins rather than in its middle, where it could fail.
func dsn(path string) string {
	pragmas := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"},
	}
	name := url.URL{Path: path}
	return "file:" + name.EscapedPath() + "?" + pragmas.Encode()
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
