package githubtest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// The store is one table of JSON records. Every request is one transaction of
// it, and the transaction is committed before the request is answered.
//
// A write is in the file once the transaction is committed, so it survives the
// death of the process. It may not survive the death of the machine, which
// would cost a sync for every request.
const schema = `
create table if not exists records (
	kind   text    not null,
	id     integer not null,
	parent integer not null,
	data   text    not null,
	primary key (kind, id)
) without rowid;
create index if not exists records_parent on records (kind, parent);
`

// A database is the store's file with the statements that most of the time goes
// into, prepared.
type database struct {
	*sql.DB
	byID, byParent, all *sql.Stmt
}

func openStore(dir string) (*database, error) {
	dsn := url.URL{Scheme: "file", Path: filepath.Join(dir, "github.db")}
	dsn.RawQuery = "_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)"
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(schema); err != nil {
		db.Close()
		return nil, err
	}
	d := &database{DB: db}
	for stmt, where := range map[**sql.Stmt]string{&d.byID: "id = ?", &d.byParent: "parent = ?", &d.all: "1 = 1"} {
		if *stmt, err = db.Prepare("select data from records where kind = ? and " + where + " order by id"); err != nil {
			db.Close()
			return nil, err
		}
	}
	return d, nil
}

// A base is what all records have. ID is unique among the records of all
// kinds, so that one id taken for another is noticed. Parent is the record that
// this one belongs to, 0 for none.
type base struct {
	ID     int64
	Parent int64
}

func (b *base) record() *base { return b }

// A tx is one transaction. Its methods panic with a failure when the
// database fails; Server.do turns that into an error.
type tx struct {
	*Server
	ctx context.Context
	sql *sql.Tx
}

// A failure is the database or git failing, which is no fault of the request.
type failure struct{ err error }

// must panics with err, if any, as a failure.
func must(err error) {
	if err != nil {
		panic(failure{err})
	}
}

func (t *tx) exec(query string, args ...any) {
	if _, err := t.sql.Exec(query, args...); err != nil {
		panic(failure{err})
	}
}

// do calls f in a transaction, which is committed if f returns nil and undone
// otherwise. One transaction runs at a time.
func (s *Server) do(ctx context.Context, f func(*tx) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	t := &tx{Server: s, ctx: context.WithoutCancel(ctx)}
	defer func() {
		if p := recover(); p != nil {
			t.rollback()
			se, ok := p.(failure)
			if !ok {
				panic(p)
			}
			err = se.err
		}
	}()
	t.begin()
	if err := f(t); err != nil {
		t.rollback()
		return err
	}
	t.commit()
	return nil
}

func (t *tx) begin() {
	tx, err := t.db.Begin()
	if err != nil {
		panic(failure{err})
	}
	t.sql = tx
}

func (t *tx) commit() {
	tx := t.sql
	t.sql = nil
	if err := tx.Commit(); err != nil {
		panic(failure{err})
	}
}

func (t *tx) rollback() {
	if t.sql != nil {
		t.sql.Rollback()
	}
}

// checkpoint makes what was put so far durable, before something is done
// outside of the store.
func (t *tx) checkpoint() {
	t.commit()
	t.begin()
}

// nextID returns an id that no record had before.
func (t *tx) nextID() int64 {
	var id int64
	err := t.sql.QueryRow(`insert into records values ('sequence', 0, 0, '1001')
		on conflict do update set data = data + 1 returning data`).Scan(&id)
	if err != nil {
		panic(failure{err})
	}
	return id
}

// put writes a record. One without an id gets one.
func (t *tx) put(v interface{ record() *base }) {
	b := v.record()
	if b.ID == 0 {
		b.ID = t.nextID()
	}
	data, err := json.Marshal(v)
	if err != nil {
		panic(failure{err})
	}
	t.exec(`insert into records values (?, ?, ?, ?)
		on conflict do update set parent = excluded.parent, data = excluded.data`,
		kind(v), b.ID, b.Parent, string(data))
}

// remove deletes a record.
func (t *tx) remove(v interface{ record() *base }) {
	t.exec(`delete from records where kind = ? and id = ?`, kind(v), v.record().ID)
}

// get returns the record of type T with the given id, or nil.
func get[T any](t *tx, id int64) *T {
	found := query[T](t, t.db.byID, id)
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// list returns the records of type T with the given parent, oldest first.
func list[T any](t *tx, parent int64) []*T { return query[T](t, t.db.byParent, parent) }

// all returns all records of type T, oldest first.
func all[T any](t *tx) []*T { return query[T](t, t.db.all) }

func query[T any](t *tx, stmt *sql.Stmt, args ...any) []*T {
	rows, err := t.sql.Stmt(stmt).Query(append([]any{kind(new(T))}, args...)...)
	if err != nil {
		panic(failure{err})
	}
	defer rows.Close()
	var found []*T
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&data); err != nil {
			panic(failure{err})
		}
		v := new(T)
		if err := json.Unmarshal(data, v); err != nil {
			panic(failure{fmt.Errorf("%s: %w", kind(v), err)})
		}
		found = append(found, v)
	}
	if err := rows.Err(); err != nil {
		panic(failure{err})
	}
	return found
}

// first returns the first item for which ok holds, or nil.
func first[T any](items []*T, ok func(*T) bool) *T {
	for _, item := range items {
		if ok(item) {
			return item
		}
	}
	return nil
}

// kind names the type of a pointer to a record.
func kind(v any) string { return fmt.Sprintf("%T", v)[len("*githubtest."):] }
