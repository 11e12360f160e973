package github

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// Bounds of how long GitHub is left alone.
const (
	unsaidWait = time.Minute // when it does not say how long
	maxWait    = time.Hour   // a rate limit counts hours
)

// A RateLimitError says that a request was not made, or not answered, since
// GitHub wants none before a time.
type RateLimitError struct{ Until time.Time }

// Error implements error.
func (e *RateLimitError) Error() string {
	return fmt.Sprintf("rate limit reached: GitHub wants no request before %s", e.Until.UTC().Format(time.RFC3339))
}

// RetryAfter reports whether err says that a rate limit was reached, and how
// long from now it lasts.
func RetryAfter(err error) (wait time.Duration, ok bool) {
	var limit *RateLimitError
	if errors.As(err, &limit) {
		return max(time.Until(limit.Until), time.Second), true
	}
	var spent *gh.RateLimitError // by which go-github spares a request that must fail
	if errors.As(err, &spent) {
		return max(time.Until(spent.Rate.Reset.Time), time.Second), true
	}
	return 0, false
}

// A gate stands before a rate limit, the primary one or a secondary one. It is
// closed from the answer that tells of the limit until the time that it names:
// requests fail meanwhile, and none reaches GitHub. Nothing waits here, as it
// would hold up a worker: whoever called is put back into the queue.
type gate struct {
	base http.RoundTripper

	mu    sync.Mutex
	until time.Time
}

// RoundTrip implements http.RoundTripper.
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	if until := g.opens(); time.Now().Before(until) {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, &RateLimitError{until}
	}
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	wait := limitOf(resp)
	if wait <= 0 {
		return resp, nil
	}
	g.close(wait)
	if !refused(resp) { // it was the last that is allowed
		return resp, nil
	}
	resp.Body.Close()
	return nil, &RateLimitError{g.opens()}
}

// opens returns when the gate opens or, if it is open, opened.
func (g *gate) opens() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until
}

// close closes the gate for a time from now, if it is not closed for longer.
func (g *gate) close(wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := time.Now().Add(wait); until.After(g.until) {
		g.until = until
	}
}

func refused(resp *http.Response) bool {
	return resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusTooManyRequests
}

// limitOf returns how long GitHub wants no request after an answer, 0 if it does
// not care: "Best practices for using the REST API", Handle rate limit errors
// appropriately.
func limitOf(resp *http.Response) time.Duration {
	var wait time.Duration
	after, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	switch {
	case refused(resp) && err == nil:
		wait = time.Duration(min(after, int(maxWait/time.Second))) * time.Second
	case resp.Header.Get("X-RateLimit-Remaining") == "0":
		wait = reset(resp.Header)
	case resp.StatusCode == http.StatusTooManyRequests || refused(resp) && isSecondary(resp):
		wait = unsaidWait
	default:
		return 0
	}
	if refused(resp) {
		wait = max(wait, time.Second)
	}
	return min(wait, maxWait)
}

// reset returns how long a primary limit lasts, by GitHub's clock.
func reset(h http.Header) time.Duration {
	at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return unsaidWait
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return time.Unix(at, 0).Sub(now)
}

// secondary matches what GitHub, now or of old, says of a secondary limit. Who
// lacks a permission gets the same status.
var secondary = regexp.MustCompile(`(?i)secondary.rate.limit|abuse`)

func isSecondary(resp *http.Response) bool {
	start, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), resp.Body), resp.Body}
	return secondary.Match(start)
}
