package github

import (
	"context"
	"errors"
	"fmt"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// maxPages bounds how much of the list of deliveries is read, in pages of 100.
const maxPages = 100

// Deliveries returns the attempts since a time to deliver webhooks of the app,
// newest first; of very many, the newest 10,000. GitHub remembers those of
// three days.
//
// GitHub REST: List deliveries for an app webhook.
func (a *App) Deliveries(ctx context.Context, since time.Time) ([]*gh.HookDelivery, error) {
	var all []*gh.HookDelivery
	opt := &gh.ListCursorOptions{PerPage: 100}
	for range maxPages {
		list, res, err := a.rest.Apps.ListHookDeliveries(ctx, opt)
		if err != nil {
			return nil, fmt.Errorf("listing the deliveries of webhooks: %w", err)
		}
		for _, d := range list {
			if d.GetDeliveredAt().Before(since) {
				return all, nil
			}
			all = append(all, d)
		}
		if res.Cursor == "" {
			break
		}
		opt.Cursor = res.Cursor
	}
	return all, nil
}

// Redeliver asks GitHub for another attempt to deliver what was to be delivered
// in the attempt with that number.
//
// GitHub REST: Redeliver a delivery for an app webhook.
func (a *App) Redeliver(ctx context.Context, attempt int64) error {
	_, _, err := a.rest.Apps.RedeliverHookDelivery(ctx, attempt)
	var accepted *gh.AcceptedError
	if err != nil && !errors.As(err, &accepted) {
		return fmt.Errorf("asking for delivery %d again: %w", attempt, err)
	}
	return nil
}
