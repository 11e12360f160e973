package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/riverqueue/river/riverdriver/riversqlite"
	_ "modernc.org/sqlite" // the driver that sql.Open calls "sqlite"
)

// openSQLite opens the database in the file path. There is one connection,
// because SQLite has one writer: a second one would only trade waiting in line
// for "database is locked".
func openSQLite(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	if err := create(path); err != nil {
		return nil, fmt.Errorf("RESTAGE_DATABASE_URL: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	s, err := open(ctx, db, engine{
		driver: riversqlite.New(db),
		types:  strings.NewReplacer(),
		now:    `CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
		close:  func() {},
	}, log)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return s, nil
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
// when it begins rather than in its middle, where it could fail. What is mostly
// written are payloads of some 12 kB, for which larger pages take less time.
func dsn(path string) string {
	pragmas := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "page_size(8192)", "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(2000)", "foreign_keys(ON)"},
	}
	name := url.URL{Path: path}
	return "file:" + name.EscapedPath() + "?" + pragmas.Encode()
}
