package github

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answers is a way to a server that gives its answers one after the other; 0
// means that the connection breaks.
type answers struct {
	statuses []int
	asked    int
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	status := a.statuses[a.asked]
	a.asked++
	if status == 0 {
		return nil, errors.New("connection reset")
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(http.StatusText(status)))}, nil
}

func TestAgain(t *testing.T) {
	for _, c := range []struct {
		name, method string
		answers      []int
		status       int // 0: an error
		asked        int
	}{
		{"at once", "GET", []int{200}, 200, 1},
		{"after a bad gateway", "GET", []int{502, 200}, 200, 2},
		{"after a broken connection", "GET", []int{0, 503, 304}, 304, 3},
		{"what is not there stays so", "GET", []int{404, 200}, 404, 1},
		{"in the end the failure", "GET", []int{500, 0, 502, 503}, 503, 4},
		{"in the end the error", "HEAD", []int{500, 500, 500, 0}, 0, 4},
		{"a write is sent once", "POST", []int{502, 200}, 502, 1},
		{"a write whose connection broke too", "PATCH", []int{0, 200}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			way := &answers{statuses: c.answers}
			req, err := http.NewRequestWithContext(t.Context(), c.method, "http://github.test/", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := again{way, make([]time.Duration, 3)}.RoundTrip(req)
			status := 0
			if err == nil {
				status = resp.StatusCode
			}
			if status != c.status || way.asked != c.asked {
				t.Errorf("got %d after %d requests, want %d after %d", status, way.asked, c.status, c.asked)
			}
		})
	}
}
