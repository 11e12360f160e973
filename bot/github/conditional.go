package github

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
)

// Bounds of what is kept of answers, in bytes.
const (
	maxAnswer  = 256 << 10
	maxAnswers = 32 << 20
)

// A conditional keeps what GitHub answered, and asks each time whether that is
// still so: GitHub counts no request that it answers with "not modified".
// Nothing is answered unasked. What one token got is for that token alone.
type conditional struct {
	base http.RoundTripper

	mu    sync.Mutex
	size  int
	known map[[sha256.Size]byte]answer
}

type answer struct {
	header http.Header
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (c *conditional) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return c.base.RoundTrip(req)
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%q", []string{req.URL.String(), req.Header.Get("Accept"), req.Header.Get("Authorization")}))
	c.mu.Lock()
	old, ok := c.known[key]
	c.mu.Unlock()
	if ok {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", old.header.Get("ETag"))
	}
	resp, err := c.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if ok && resp.StatusCode == http.StatusNotModified {
		resp.Body.Close()
		return old.again(resp), nil
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("ETag") == "" {
		return resp, nil
	}
	start, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if len(start) < maxAnswer {
		c.keep(key, answer{resp.Header.Clone(), start})
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(start), resp.Body), resp.Body}
	return resp, nil
}

// again returns the answer as if it was given once more by now, which says that
// nothing was modified.
func (a answer) again(now *http.Response) *http.Response {
	header := a.header.Clone()
	maps.Copy(header, now.Header) // such as the rate limit
	now.Status, now.StatusCode = "200 OK", http.StatusOK
	now.Header, now.ContentLength = header, int64(len(a.body))
	now.Body = io.NopCloser(bytes.NewReader(a.body))
	return now
}

// keep adds an answer. When there is no room, all others go: tokens are good for
// an hour, so most are of no more use.
func (c *conditional) keep(key [sha256.Size]byte, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size += len(a.body) - len(c.known[key].body); c.size > maxAnswers || c.known == nil {
		c.size, c.known = len(a.body), map[[sha256.Size]byte]answer{}
	}
	c.known[key] = a
}
