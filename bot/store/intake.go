package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/riverqueue/river"
)

// groupMax is how many deliveries are stored in one transaction at most.
const groupMax = 64

// errClosed says that the Store takes no deliveries any more.
var errClosed = errors.New("the store is closed")

// An intake stores deliveries in groups: those that come while a group is being
// written to disk are the next group. So many at once wait for few writes, and one
// alone waits for nobody.
type intake struct {
	queue   chan *incoming
	stop    chan struct{}     // closed when no more are taken
	ended   chan struct{}     // closed when all that was taken is answered
	inserts map[int]*sql.Stmt // by the size of the group; for run alone
}

// An incoming is a delivery that waits to be stored.
type incoming struct {
	Delivery
	added bool
	done  chan error // receives one value
}

func newIntake() *intake {
	return &intake{queue: make(chan *incoming, groupMax), stop: make(chan struct{}), ended: make(chan struct{}), inserts: map[int]*sql.Stmt{}}
}

// add has a delivery stored, and reports whether it was new.
func (in *intake) add(ctx context.Context, d Delivery) (added bool, err error) {
	i := &incoming{Delivery: d, done: make(chan error, 1)}
	select {
	case in.queue <- i:
	case <-in.stop:
		return false, errClosed
	case <-ctx.Done():
		return false, ctx.Err()
	}
	select {
	case err := <-i.done:
		return i.added, err
	case <-in.ended:
		return false, errClosed
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// run stores what comes until stop is closed.
func (in *intake) run(s *Store) {
	defer close(in.ended)
	for {
		select {
		case i := <-in.queue:
			s.storeGroup(in.group(i))
		case <-in.stop:
			return
		}
	}
}

// group returns what waits, after first.
func (in *intake) group(first *incoming) []*incoming {
	group := []*incoming{first}
	for len(group) < groupMax {
		select {
		case i := <-in.queue:
			group = append(group, i)
		default:
			return group
		}
	}
	return group
}

// close stops the intake. What was not stored then is not answered as stored.
func (in *intake) close() {
	close(in.stop)
	<-in.ended
}

// storeGroup stores deliveries. If they cannot be stored together, each is
// stored by itself: it may be one that cannot be stored at all.
func (s *Store) storeGroup(group []*incoming) {
	ctx, cancel := context.WithTimeout(context.Background(), intakeLimit)
	defer cancel()
	err := s.insertGroup(ctx, group)
	if err != nil && len(group) > 1 {
		for _, i := range group {
			s.storeGroup([]*incoming{i})
		}
		return
	}
	for _, i := range group {
		i.done <- err
	}
}

// insertGroup stores deliveries and the job of handling them, all or none.
func (s *Store) insertGroup(ctx context.Context, group []*incoming) error {
	insert, err := s.intake.insert(ctx, s.db, len(group))
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	fresh, err := insertDeliveries(ctx, tx.StmtContext(ctx, insert), group)
	if err != nil {
		return err
	}
	var ids []string
	for _, i := range group {
		i.added = fresh[text(i.ID)]
		delete(fresh, text(i.ID)) // the same one may be in the group twice
		if i.added && i.Handled.IsZero() {
			ids = append(ids, i.ID)
		}
	}
	if len(ids) > 0 {
		if _, err := s.jobs.InsertManyFastTx(ctx, tx, []river.InsertManyParams{{Args: jobOf(ids)}}); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// jobOf returns the job of handling deliveries, which is one even for many: to store
// a job takes longer than to store a delivery.
func jobOf(ids []string) river.JobArgs {
	if len(ids) == 1 {
		return deliveryArgs{ids[0]}
	}
	return groupArgs{ids}
}

// insert returns the statement that stores n deliveries and returns the IDs of those
// that were not stored before. It is made once for each n.
func (in *intake) insert(ctx context.Context, db *sql.DB, n int) (*sql.Stmt, error) {
	if in.inserts[n] != nil {
		return in.inserts[n], nil
	}
	var rows []string
	for i := range n {
		var marks []string
		for c := range 8 {
			marks = append(marks, fmt.Sprintf("$%d", 8*i+c+1))
		}
		rows = append(rows, "("+strings.Join(marks, ", ")+")")
	}
	insert, err := db.PrepareContext(ctx, `INSERT INTO deliveries
		(id, event, action, installation, repository, payload, received_at, handled_at)
		VALUES `+strings.Join(rows, ", ")+` ON CONFLICT (id) DO NOTHING RETURNING id`)
	if err != nil {
		return nil, err
	}
	in.inserts[n] = insert
	return insert, nil
}

// insertDeliveries returns the IDs of those that were not stored before.
func insertDeliveries(ctx context.Context, insert *sql.Stmt, group []*incoming) (map[string]bool, error) {
	var args []any
	for _, i := range group {
		args = append(args, text(i.ID), text(i.Event), text(i.Action), i.Installation, text(i.Repository), i.Payload, i.Received.UnixMilli(), nullTime(i.Handled))
	}
	found, err := insert.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	fresh := map[string]bool{}
	for found.Next() {
		var id string
		if err := found.Scan(&id); err != nil {
			return nil, err
		}
		fresh[id] = true
	}
	return fresh, found.Err()
}
