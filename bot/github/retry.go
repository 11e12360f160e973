package github

import (
	"io"
	"net/http"
	"time"
)

// retries are the pauses before another try of a request that only reads.
var retries = []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1600 * time.Millisecond}

// again sends a request that only reads once more when no answer came, or one
// by which a server or a proxy says that it failed. A request that writes is
// not sent again here: nobody knows whether it took effect, and the next look
// finds out.
type again struct {
	base   http.RoundTripper
	pauses []time.Duration // before each try after the first
}

func (a again) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return a.base.RoundTrip(req)
	}
	for _, pause := range a.pauses {
		resp, err := a.base.RoundTrip(req)
		if err == nil && resp.StatusCode < 500 || req.Context().Err() != nil {
			return resp, err
		}
		if err == nil {
			drop(resp)
		}
		select {
		case <-time.After(pause):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	return a.base.RoundTrip(req)
}

// drop reads an answer that nobody wants to its end, so that the connection can be
// used again.
func drop(resp *http.Response) {
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
}
