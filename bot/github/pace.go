package github

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// A turn is the right to write to a repository. It holds when that was last
// done, and is empty while somebody writes.
type turn chan time.Time

func newTurn() turn {
	t := make(turn, 1)
	t <- time.Time{}
	return t
}

// paced lets requests that write go one after the other, with an interval
// between them, as long as they may.
type paced struct {
	base     http.RoundTripper
	turn     turn
	interval time.Duration
	mayWrite func(context.Context) error
}

func (a *App) paced(base http.RoundTripper, t turn) paced {
	return paced{base, t, a.interval, a.mayWrite}
}

// RoundTrip implements http.RoundTripper.
func (p paced) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet || req.Method == http.MethodHead || strings.HasSuffix(req.URL.Path, "/git-upload-pack") {
		return p.base.RoundTrip(req)
	}
	if err := p.await(req); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	defer func() { p.turn <- time.Now() }()
	return p.base.RoundTrip(req)
}

// await takes the turn when the interval is over.
func (p paced) await(req *http.Request) error {
	ctx := req.Context()
	var last time.Time
	select {
	case last = <-p.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	var err error
	select {
	case <-time.After(time.Until(last.Add(p.interval))):
		err = p.mayWrite(ctx)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		p.turn <- last
	}
	return err
}
