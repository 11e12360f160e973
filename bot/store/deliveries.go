package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A Delivery is one webhook delivery from GitHub. Times have a resolution of a
// millisecond.
type Delivery struct {
	ID           string    // X-GitHub-Delivery, a GUID
	Event        string    // X-GitHub-Event, such as "issues"
	Action       string    // the payload's action, "" if it has none
	Installation int64     // 0 if the payload names none
	Repository   string    // OWNER/NAME, "" if the payload names none
	Payload      []byte    // JSON, as GitHub signed it
	Received     time.Time // set by AddDelivery if zero
	Handled      time.Time // when the work on it was finished; zero while it is outstanding
}

// tries is how often a job is tried. With the pauses of soonAgain the last try
// comes some two and a half hours after the first: long enough for an outage
// of GitHub to pass, and for many deaths of the process, which count as tries
// since the job may be what kills it.
const tries = 50

// AddDelivery stores d together with the job of handling it, in one
// transaction: when it returns nil, both survive a power cut. It reports whether
// d was new; a delivery whose ID is known already is left as it is. A delivery
// that is handled already is stored without a job.
func (s *Store) AddDelivery(ctx context.Context, d Delivery) (added bool, err error) {
	if d.Received.IsZero() {
		d.Received = time.Now()
	}
	if added, err = s.intake.add(ctx, d); err != nil {
		return false, fmt.Errorf("add delivery %s: %w", d.ID, err)
	}
	return added, nil
}

// Delivery returns the delivery with that ID. The error wraps ErrNotFound if
// there is none.
func (s *Store) Delivery(ctx context.Context, id string) (Delivery, error) {
	d := Delivery{ID: id}
	var received int64
	var handled sql.NullInt64
	err := s.db.QueryRowContext(ctx, `SELECT event, action, installation, repository, payload, received_at, handled_at
		FROM deliveries WHERE id = $1`, id).
		Scan(&d.Event, &d.Action, &d.Installation, &d.Repository, &d.Payload, &received, &handled)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("delivery %s: %w", id, err)
	}
	d.Received = time.UnixMilli(received)
	if handled.Valid {
		d.Handled = time.UnixMilli(handled.Int64)
	}
	return d, nil
}

// markHandled records that the work on a delivery is finished.
func (s *Store) markHandled(ctx context.Context, id string) error {
	_, err := s.exec(ctx, `UPDATE deliveries SET handled_at = $1 WHERE id = $2`, time.Now().UnixMilli(), id)
	if err != nil {
		return fmt.Errorf("mark delivery %s handled: %w", id, err)
	}
	return nil
}

// dropDeliveries deletes the deliveries that came longer ago than age and that
// nothing is to be done about any more. It keeps all if age is 0.
func (s *Store) dropDeliveries(ctx context.Context, age time.Duration) error {
	if age == 0 {
		return nil
	}
	before := time.Now().Add(-age).UnixMilli()
	_, err := s.exec(ctx, `DELETE FROM deliveries WHERE received_at < $1 AND (handled_at IS NOT NULL OR NOT EXISTS (
		SELECT 1 FROM river_job WHERE (kind = 'delivery' AND args ->> 'id' = deliveries.id OR kind = 'deliveries') AND finalized_at IS NULL))`, before)
	if err != nil {
		return fmt.Errorf("drop old deliveries: %w", err)
	}
	return nil
}

// nullTime returns t in milliseconds since 1970, NULL if t is zero.
func nullTime(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}
