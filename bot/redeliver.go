package bot

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/store"
)

// Bounds of asking for webhooks again.
const (
	remembered = 3 * 24 * time.Hour // how long GitHub remembers deliveries
	listLag    = time.Minute        // how long after its time a delivery may come into the list
	maxAgain   = 5                  // attempts after the first
)

// missed is what this process knows of the webhooks that did not arrive. GitHub
// knows it all; kept here, it need not be read from the beginning each time.
type missed struct {
	mu     sync.Mutex
	since  time.Time           // up to here the list was read
	failed map[string]*failure // by GUID
	unable bool                // there is no list
}

// A failure is a webhook that GitHub could not deliver so far.
type failure struct {
	guid  string
	event string
	last  int64          // the newest attempt
	first time.Time      // time of the oldest
	again map[int64]bool // attempts after the first
}

// note takes in an attempt. They must come oldest first.
func (m *missed) note(d *gh.HookDelivery) {
	guid := d.GetGUID()
	if code := d.GetStatusCode(); code >= 200 && code < 300 {
		delete(m.failed, guid)
		return
	}
	f := m.failed[guid]
	if f == nil {
		f = &failure{guid: guid, event: d.GetEvent(), first: d.GetDeliveredAt().Time, again: map[int64]bool{}}
		m.failed[guid] = f
	}
	f.last = d.GetID()
	if d.GetRedelivery() {
		f.again[f.last] = true
	}
}

// redeliver asks GitHub for the webhooks that did not arrive, as when the server
// was away. Those that come keep their GUID, so that one that did arrive after
// all is dropped. What fails again and again is left.
func (b *Bot) redeliver(ctx context.Context) error {
	m := &b.missed
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unable {
		return nil
	}
	now := time.Now()
	oldest := now.Add(-remembered)
	since := m.since.Add(-listLag)
	if since.Before(oldest) {
		since = oldest
	}
	list, err := b.github.Deliveries(ctx, since)
	if github.IsGone(err) {
		b.log.Warn("this GitHub does not list deliveries: webhooks that are lost are not asked for again", "error", err)
		m.unable = true
		return nil
	}
	if err != nil {
		return err
	}
	if m.failed == nil {
		m.failed = map[string]*failure{}
	}
	for _, d := range slices.Backward(list) {
		m.note(d)
	}
	m.since = now
	maps.DeleteFunc(m.failed, func(_ string, f *failure) bool { return f.first.Before(oldest) })
	inOrder := slices.SortedFunc(maps.Values(m.failed), func(x, y *failure) int { return cmp.Or(x.first.Compare(y.first), cmp.Compare(x.last, y.last)) })
	var failed error
	for _, f := range inOrder {
		failed = errors.Join(failed, b.askAgain(ctx, f))
	}
	return failed
}

// askAgain asks for a webhook again, unless it is known or hopeless.
func (b *Bot) askAgain(ctx context.Context, f *failure) error {
	_, err := b.store.Delivery(ctx, f.guid)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if len(f.again) >= maxAgain {
		return nil
	}
	err = b.github.Redeliver(ctx, f.last)
	if github.IsRefused(err) {
		b.log.Warn("webhook lost", "delivery", f.guid, "event", f.event, "error", err)
		delete(b.missed.failed, f.guid)
		return nil
	}
	if err == nil {
		b.log.Info("webhook asked for again", "delivery", f.guid, "event", f.event, "tries", len(f.again)+1)
	}
	return err
}
