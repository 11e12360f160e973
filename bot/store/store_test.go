package store

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/restage/restage/bot/store/postgrestest"
)

// openTest opens a new database that is closed when the test ends.
func openTest(t *testing.T) *Store {
	t.Helper()
	return openAt(t, postgrestest.Database(t))
}

func openAt(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// query returns the first column of all rows, as text, separated by spaces.
func query(t *testing.T, s *Store, query string, args ...any) string {
	t.Helper()
	rows, err := s.db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	const usage = "RESTAGE_DATABASE_URL must be sqlite: and the path of a file, such as sqlite:restage.db, " +
		"or the URL of a PostgreSQL database, such as postgres://USER:PASSWORD@HOST/DATABASE"
	for _, test := range []struct{ url, want string }{
		{"", usage},
		{"restage.db", usage},
		{"sqlite:", usage},
		{"sqlite::memory:", usage},
		{"mysql://bot:hunter2@db/restage", usage},
		{"postgres://bot:hunter2@db:port/restage", "RESTAGE_DATABASE_URL is not the URL of a PostgreSQL database; " +
			"it looks like postgres://USER:PASSWORD@HOST/DATABASE"},
		{"sqlite:" + dir + "/missing/restage.db", "RESTAGE_DATABASE_URL: open " + dir + "/missing/restage.db: no such file or directory"},
		{"sqlite:" + dir, "RESTAGE_DATABASE_URL: open " + dir + ": is a directory"},
	} {
		_, err := Open(t.Context(), test.url, slog.New(slog.DiscardHandler))
		if err == nil || err.Error() != test.want {
			t.Errorf("Open(%q): %v, want %s", test.url, err, test.want)
		}
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	notes := strings.Repeat("no database\n", 100)
	if err := os.WriteFile(path, []byte(notes), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), "sqlite:"+path, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v, want one that names %s", err, path)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != notes {
		t.Errorf("the file was changed: %q, %v", got, err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "100% ours? #1 & more.db")
	s := openAt(t, "sqlite:"+path)
	for pragma, want := range map[string]string{
		"journal_mode": "wal",
		"synchronous":  "2", // FULL
		"foreign_keys": "1",
		"busy_timeout": "10000",
	} {
		if got := query(t, s, "PRAGMA "+pragma); got != want {
			t.Errorf("PRAGMA %s is %s, want %s", pragma, got, want)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the file has mode %v, want 0600", mode)
	}
	if _, err := s.AddDelivery(t.Context(), Delivery{ID: "a", Payload: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	steps := query(t, s, `SELECT name || '@' || applied_at FROM schema_steps ORDER BY name`)
	s.Close()

	s = openAt(t, "sqlite:"+path)
	if _, err := s.Delivery(t.Context(), "a"); err != nil {
		t.Errorf("opened again: %v", err)
	}
	if got := query(t, s, `SELECT name || '@' || applied_at FROM schema_steps ORDER BY name`); got != steps {
		t.Errorf("opened again, the schema's steps are %s, want %s", got, steps)
	}
}

func TestSchemaFileNames(t *testing.T) {
	steps, err := schema.ReadDir("schema")
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		if want := fmt.Sprintf(`^%03d_[a-z_]+\.sql$`, i+1); !regexp.MustCompile(want).MatchString(step.Name()) {
			t.Errorf("schema/%s does not match %s", step.Name(), want)
		}
	}
}

func TestMigrate(t *testing.T) {
	s := openTest(t)
	steps := fstest.MapFS{}
	for name, text := range map[string]string{
		"schema/901_dogs.sql": `CREATE TABLE dogs (name TEXT); INSERT INTO dogs VALUES ('Rex');`,
		"schema/902_cats.sql": `INSERT INTO dogs VALUES ('Fido'); CREATE TABLE dogs (name TEXT);`,
	} {
		steps[name] = &fstest.MapFile{Data: []byte(text)}
	}
	err := s.migrate(t.Context(), steps)
	if err == nil || !strings.HasPrefix(err.Error(), "apply schema/902_cats.sql: ") {
		t.Errorf("a step that fails: %v", err)
	}
	if got := query(t, s, `SELECT name FROM dogs`); got != "Rex" {
		t.Errorf("after a step that fails: %s, want Rex", got)
	}
	steps["schema/902_cats.sql"].Data = []byte(`INSERT INTO dogs VALUES ('Bella')`)
	for range 2 {
		if err := s.migrate(t.Context(), steps); err != nil {
			t.Errorf("repaired: %v", err)
		}
	}
	if got := query(t, s, `SELECT name FROM dogs`); got != "Rex Bella" {
		t.Errorf("after all steps: %s, want Rex Bella", got)
	}
	delete(steps, "schema/902_cats.sql")
	err = s.migrate(t.Context(), steps)
	want := "its schema is at schema/902_cats.sql, but this restage knows it up to schema/901_dogs.sql: use a newer restage"
	if err == nil || err.Error() != want {
		t.Errorf("a step that is unknown: %v, want %s", err, want)
	}
}

func TestTx(t *testing.T) {
	s := openTest(t)
	boom := errors.New("boom")
	insert := func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO looks (migration, turn) VALUES (1, 1)`)
		return err
	}
	err := s.tx(t.Context(), func(tx *sql.Tx) error { return errors.Join(insert(tx), boom) })
	if !errors.Is(err, boom) {
		t.Errorf("got error %v, want %v", err, boom)
	}
	func() {
		defer func() { recover() }()
		s.tx(t.Context(), func(tx *sql.Tx) error { insert(tx); panic(boom) })
	}()
	if got := query(t, s, `SELECT count(*) FROM looks`); got != "0" {
		t.Errorf("%s rows after two transactions that failed", got)
	}
	if err := s.tx(t.Context(), insert); err != nil {
		t.Error(err)
	}
	if got := query(t, s, `SELECT count(*) FROM looks`); got != "1" {
		t.Errorf("%s rows, want 1", got)
	}
}

func TestDelivery(t *testing.T) {
	s := openTest(t)
	want := Delivery{
		ID: "72d3162e", Event: "issues", Action: "labeled", Installation: 5, Repository: "octo/hello",
		Payload: []byte(`{"action":"labeled"}`), Received: time.UnixMilli(1_700_000_000_123),
	}
	if added, err := s.AddDelivery(t.Context(), want); !added || err != nil {
		t.Fatalf("AddDelivery: %v, %v", added, err)
	}
	other := Delivery{ID: want.ID, Event: "ping", Payload: []byte(`{}`)}
	if added, err := s.AddDelivery(t.Context(), other); added || err != nil {
		t.Fatalf("AddDelivery again: %v, %v", added, err)
	}
	got, err := s.Delivery(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if job := jobRows(t, s)[0]; job.MaxAttempts != 50 || jobs(t, s) != "delivery/72d3162e/available/0" {
		t.Errorf("jobs are %s, with %d tries", jobs(t, s), job.MaxAttempts)
	}
	if _, err := s.Delivery(t.Context(), "x"); !errors.Is(err, ErrNotFound) || err.Error() != "delivery x: not found" {
		t.Errorf("unknown delivery: %v", err)
	}
}

func TestAddDeliveryNeedsItsJob(t *testing.T) {
	s := openTest(t)
	if _, err := s.db.Exec(`ALTER TABLE river_job RENAME TO lost`); err != nil {
		t.Fatal(err)
	}
	added, err := s.AddDelivery(t.Context(), Delivery{ID: "a", Payload: []byte("{}")})
	if added || err == nil || !strings.HasPrefix(err.Error(), "add delivery a: ") {
		t.Errorf("got %v, %v, want an error", added, err)
	}
	if got := query(t, s, `SELECT count(*) FROM deliveries`); got != "0" {
		t.Errorf("a delivery without a job is stored")
	}
}

// Many at once are stored in groups. One that cannot be stored harms no other,
// and one that comes twice is new once.
func TestAddDeliveriesAtOnce(t *testing.T) {
	s := openTest(t)
	group := []*incoming{}
	for _, id := range []string{"a", "b", "a", "c"} {
		group = append(group, &incoming{Delivery: Delivery{ID: id, Payload: []byte("{}"), Received: time.Now()}, done: make(chan error, 1)})
	}
	group[1].Payload = nil // the database wants one
	s.storeGroup(group)
	var got []string
	for _, i := range group {
		got = append(got, fmt.Sprint(i.ID, " ", i.added, " ", <-i.done != nil))
	}
	if want := "a true false, b false true, a false false, c true false"; strings.Join(got, ", ") != want {
		t.Errorf("new and failed: %s\nwant %s", strings.Join(got, ", "), want)
	}
	if got := jobs(t, s); got != "delivery/a/available/0 delivery/c/available/0" {
		t.Errorf("jobs are %s", got)
	}
}

// A Store that is closed answers, and takes nothing.
func TestAddDeliveryClosed(t *testing.T) {
	s := openTest(t)
	s.Close()
	if added, err := s.AddDelivery(t.Context(), Delivery{ID: "a", Payload: []byte("{}")}); added || !errors.Is(err, errClosed) {
		t.Errorf("got %v, %v", added, err)
	}
}
