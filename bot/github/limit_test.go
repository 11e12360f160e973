package github

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// roundTrip is a way to a server.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reply returns an answer. Headers are pairs of a name and a value.
func reply(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func get(t *testing.T, way http.RoundTripper, method, url string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := way.RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body), nil
}

// What GitHub answers, and for how long it is left alone then.
func TestGate(t *testing.T) {
	const tooFast = `{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`
	for _, c := range []struct {
		name    string
		status  int
		body    string
		headers []string // {in N} is the time in N seconds
		wait    time.Duration
		passed  bool // the answer is passed on
	}{
		{"all well", 200, "{}", []string{"X-RateLimit-Remaining", "12", "X-RateLimit-Reset", "{in 60}"}, 0, true},
		{"the last of the hour", 200, "{}", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "{in 60}"}, time.Minute, true},
		{"one too many", 403, "{}", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "{in 60}"}, time.Minute, false},
		{"one too many, in the newer way", 429, "{}", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "{in 60}"}, time.Minute, false},
		{"the clock of GitHub is ahead", 403, "{}", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "{in 660}", "Date", "{date in 600}"}, time.Minute, false},
		{"the hour is over", 403, "{}", []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "{in -5}"}, time.Second, false},
		{"too fast", 403, tooFast, []string{"Retry-After", "30", "X-RateLimit-Remaining", "12"}, 30 * time.Second, false},
		{"too fast, in the newer way", 429, tooFast, []string{"Retry-After", "30"}, 30 * time.Second, false},
		{"too fast, nobody knows for how long", 403, tooFast, nil, time.Minute, false},
		{"a proxy that has enough", 429, "<html>", nil, time.Minute, false},
		{"a number without sense", 429, "", []string{"Retry-After", "999999999999"}, time.Hour, false},
		{"no permission", 403, `{"message": "Resource not accessible by integration"}`, []string{"X-RateLimit-Remaining", "12"}, 0, true},
		{"down for maintenance", 503, "", []string{"Retry-After", "30"}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := func(seconds int) time.Time { return time.Now().Add(time.Duration(seconds) * time.Second) }
				unix := func(seconds int) string { return strconv.FormatInt(in(seconds).Unix(), 10) }
				say := strings.NewReplacer("{in 60}", unix(60), "{in 660}", unix(660), "{in -5}", unix(-5), "{date in 600}", in(600).UTC().Format(http.TimeFormat))
				for i, h := range c.headers {
					c.headers[i] = say.Replace(h)
				}
				asked := 0
				g := &gate{base: roundTrip(func(*http.Request) (*http.Response, error) {
					if asked++; asked > 1 {
						return reply(200, "{}"), nil
					}
					return reply(c.status, c.body, c.headers...), nil
				})}
				resp, body, err := get(t, g, "POST", "http://github.test/")
				switch {
				case c.passed && (err != nil || resp.StatusCode != c.status || body != c.body):
					t.Errorf("got %v %q, %v", resp, body, err)
				case !c.passed:
					if wait, ok := RetryAfter(err); wait != c.wait || !ok {
						t.Errorf("error %v, want one that says to wait for %s", err, c.wait)
					}
				}
				if c.wait > 0 {
					time.Sleep(c.wait - time.Millisecond)
					if _, _, err := get(t, g, "GET", "http://github.test/"); err == nil || asked != 1 {
						t.Errorf("asked %d times while the limit lasts: %v", asked, err)
					}
					time.Sleep(time.Millisecond)
				}
				if _, _, err := get(t, g, "GET", "http://github.test/"); err != nil || asked != 2 {
					t.Errorf("asked %d times when the limit is over: %v", asked, err)
				}
			})
		})
	}
}

// What was answered before is asked for again, for no more than a "not
// modified", each token its own.
func TestConditional(t *testing.T) {
	version, full, free := 1, 0, 0
	c := &conditional{base: roundTrip(func(r *http.Request) (*http.Response, error) {
		tag := `W/"` + strconv.Itoa(version) + r.Header.Get("Authorization") + `"`
		if r.Header.Get("If-None-Match") == tag {
			free++
			return reply(304, "", "X-RateLimit-Remaining", strconv.Itoa(99-full)), nil
		}
		full++
		body := "version " + strconv.Itoa(version)
		if r.URL.Path == "/large" {
			body = strings.Repeat("x", maxAnswer+1)
		}
		return reply(200, body, "ETag", tag, "Link", "<next>", "X-RateLimit-Remaining", strconv.Itoa(99-full)), nil
	})}
	ask := func(token, path, want string) {
		t.Helper()
		way := roundTrip(func(r *http.Request) (*http.Response, error) {
			r.Header.Set("Authorization", token)
			return c.RoundTrip(r)
		})
		resp, body, err := get(t, way, "GET", "http://github.test"+path)
		if err != nil {
			t.Fatal(err)
		}
		got := strconv.Itoa(full) + " asked, " + strconv.Itoa(free) + " free: " + strconv.Itoa(resp.StatusCode) + " " + body
		if len(body) > maxAnswer {
			got = strings.Replace(got, body, "all", 1)
		}
		if got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if h := resp.Header; h.Get("Link") != "<next>" || h.Get("X-RateLimit-Remaining") != strconv.Itoa(99-full) {
			t.Errorf("headers are %v", h)
		}
	}
	ask("a", "/", "1 asked, 0 free: 200 version 1")
	ask("a", "/", "1 asked, 1 free: 200 version 1")
	version = 2
	ask("a", "/", "2 asked, 1 free: 200 version 2")
	ask("b", "/", "3 asked, 1 free: 200 version 2")
	ask("b", "/", "3 asked, 2 free: 200 version 2")
	ask("b", "/large", "4 asked, 2 free: 200 all")
	ask("b", "/large", "5 asked, 2 free: 200 all") // too large to keep

	for i := range 3 * maxAnswers / maxAnswer {
		c.keep([32]byte{byte(i), byte(i >> 8)}, answer{body: make([]byte, maxAnswer)})
	}
	if c.size > maxAnswers {
		t.Errorf("keeps %d bytes", c.size)
	}
}

// Writes to one repository come one by one and a second apart, in both ways to
// it; reading waits for nothing.
func TestPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		seen := make(chan string, 10)
		base := roundTrip(func(r *http.Request) (*http.Response, error) {
			seen <- time.Since(begin).String() + " " + r.Method
			time.Sleep(300 * time.Millisecond)
			return reply(200, ""), nil
		})
		shared := newTurn()
		rest, git := paced{base, shared, time.Second, always}, paced{base, shared, time.Second, always}
		var all sync.WaitGroup
		for i, r := range []struct {
			way          paced
			method, path string
		}{
			{rest, "POST", "/comments"}, {git, "POST", "/git-receive-pack"}, {rest, "PATCH", "/pulls/1"}, {rest, "DELETE", "/labels/1"},
			{git, "POST", "/git-upload-pack"}, {rest, "GET", "/pulls"}, {paced{base, newTurn(), time.Second, always}, "PUT", "/elsewhere"},
		} {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond) // for a certain order
				get(t, r.way, r.method, "http://github.test"+r.path)
			})
		}
		all.Wait()
		close(seen)
		var got []string
		for s := range seen {
			got = append(got, s)
		}
		if want := "0s POST, 4ms POST, 5ms GET, 6ms PUT, 1.3s POST, 2.6s PATCH, 3.9s DELETE"; strings.Join(got, ", ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
		}
	})
}

func always(context.Context) error { return nil }

// Who may not write any more does not, and leaves the turn to the next.
func TestMayWrite(t *testing.T) {
	sent, fenced := 0, errors.New("fenced")
	type key struct{}
	late := context.WithValue(t.Context(), key{}, true)
	way := paced{roundTrip(func(*http.Request) (*http.Response, error) { sent++; return reply(200, ""), nil }), newTurn(), 0,
		func(ctx context.Context) error {
			if ctx.Value(key{}) != nil {
				return fenced
			}
			return nil
		}}
	for _, c := range []struct {
		ctx    context.Context
		method string
		want   error
	}{
		{t.Context(), "POST", nil}, {late, "POST", fenced}, {late, "PATCH", fenced}, {late, "GET", nil}, {t.Context(), "PATCH", nil},
	} {
		before := sent
		_, err := way.RoundTrip(httptest.NewRequestWithContext(c.ctx, c.method, "/issues", nil))
		if !errors.Is(err, c.want) || (sent > before) != (c.want == nil) {
			t.Errorf("%s: %v, sent %v", c.method, err, sent > before)
		}
	}
}

// Who stops waiting leaves the turn to the next.
func TestPacedStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		way := paced{roundTrip(func(*http.Request) (*http.Response, error) { sent++; return reply(200, ""), nil }), newTurn(), time.Second, always}
		impatient := &http.Client{Transport: way, Timeout: 100 * time.Millisecond}
		for i := range 3 {
			if _, err := impatient.Post("http://github.test/", "", nil); (err == nil) != (i == 0) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		if _, _, err := get(t, way, "POST", "http://github.test/"); err != nil || sent != 2 {
			t.Errorf("%d writes, %v", sent, err)
		}
	})
}
