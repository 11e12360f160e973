// Package postgrestest gives tests databases: SQLite files, or, when the variable
// RESTAGE_TEST_POSTGRES is set, those of a PostgreSQL server that it starts, on a
// socket in a folder of its own, with nothing kept when it stops.
package postgrestest

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// server is where databases are made; nil to use SQLite. Run sets it.
var server *Server

// Run runs the tests of m for TestMain, and returns the code to exit with.
func Run(m *testing.M) int {
	if os.Getenv("RESTAGE_TEST_POSTGRES") == "" {
		return m.Run()
	}
	s, err := Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer s.Stop()
	server = s
	return m.Run()
}

// Used reports whether databases are PostgreSQL's.
func Used() bool { return server != nil }

// Database returns the URL of a new, empty database.
func Database(t testing.TB) string {
	t.Helper()
	if server == nil {
		return "sqlite:" + filepath.Join(t.TempDir(), "restage.db")
	}
	url, err := server.Database(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// Open returns a connection to the database at a URL of Database, until t ends.
func Open(t testing.TB, databaseURL string) *sql.DB {
	t.Helper()
	driver, name := "pgx", databaseURL
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok {
		driver, name = "sqlite", path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Copy returns the URL of a copy of the database at a URL of Database, which may
// be in use. In the copy, the leases of all replicas are over.
func Copy(t testing.TB, databaseURL string) string {
	t.Helper()
	left := Database(t)
	if path, ok := strings.CutPrefix(left, "sqlite:"); ok {
		if _, err := Open(t, databaseURL).Exec(`VACUUM INTO ?`, path); err != nil {
			t.Fatal(err)
		}
		return left
	}
	restore := exec.Command(filepath.Join(server.bin, "psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--output", os.DevNull, left)
	restore.Stdin = bytes.NewReader(append(Dump(t, databaseURL), "\nUPDATE public.replicas SET until = 0;\n"...))
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v: %s", err, out)
	}
	return left
}

// Dump returns all that is in the database at a URL of Database, in no certain
// form.
func Dump(t testing.TB, databaseURL string) []byte {
	t.Helper()
	var dump []byte
	var err error
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok {
		dump, err = os.ReadFile(path)
	} else {
		dump, err = exec.Command(filepath.Join(server.bin, "pg_dump"), databaseURL).Output()
	}
	if err != nil {
		t.Fatal(err)
	}
	return dump
}

// A Server is a PostgreSQL server.
type Server struct {
	bin string // folder of its programs
	dir string // of the data and the socket
	cmd *exec.Cmd
}

// Start starts a server. It needs the package postgresql of Debian, or initdb and
// postgres in the path. As root it runs them as the user postgres, since they
// refuse root.
func Start(ctx context.Context) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "postgres")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), s.Stop())
	}
	return s, nil
}

// programs returns the folder of PostgreSQL's programs; Debian has one for each version.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) > 0 {
		return filepath.Dir(slices.Max(found)), nil
	}
	path, err := exec.LookPath("initdb")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", errors.New("initdb is missing: install the package postgresql")
	}
	return filepath.Dir(path), nil
}

func (s *Server) start(ctx context.Context) error {
	as, err := unprivileged(s.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "--pgdata", data, "--username", "restage",
		"--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = as, s.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(filepath.Join(s.bin, "postgres"), "-D", data, "-k", s.dir, "-c", "listen_addresses=",
		"-c", "fsync=off", "-c", "max_connections=300")
	s.cmd.SysProcAttr, s.cmd.Dir, s.cmd.Stderr = as, s.dir, log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	return s.wait(ctx)
}

// unprivileged returns how to run a program that refuses root, and gives dir to
// its user. The program ends with this process.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return as, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, err
	}
	as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return as, os.Chown(dir, uid, gid)
}

// wait waits until the server answers.
func (s *Server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("%w: %s", err, log)
		case <-tick.C:
		}
	}
}

func (s *Server) url(database string) string {
	return "postgres://restage@/" + database + "?" + url.Values{"host": {s.dir}}.Encode()
}

// Database makes an empty database and returns its URL.
func (s *Server) Database(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	name := "t" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return s.url(name), nil
}

// Stop stops the server and removes what it kept.
func (s *Server) Stop() error {
	var err error
	if s.cmd != nil {
		err = s.cmd.Process.Signal(syscall.SIGQUIT) // without care for the data
		s.cmd.Wait()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
