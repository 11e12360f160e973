package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/bot/store/postgrestest"
)

const (
	secret = "It's a Secret to Everybody"
	guid   = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
)

// A server is the handler behind real HTTP, with the database it writes to.
type server struct {
	*httptest.Server
	store *store.Store
	db    *sql.DB // a second connection, to see what is really in the file
}

func serve(t *testing.T) *server {
	t.Helper()
	database := postgrestest.Database(t)
	st, err := store.Open(t.Context(), database, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s := &server{httptest.NewServer(New(st, []byte(secret), slog.New(slog.DiscardHandler))), st, postgrestest.Open(t, database)}
	t.Cleanup(s.Close)
	return s
}

// count returns the number that a query selects.
func count(t *testing.T, db *sql.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// post sends a signed JSON delivery. Each change alters the request first.
func (s *server) post(t *testing.T, body string, changes ...func(*http.Request)) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+Path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers(body) {
		req.Header.Set(name, value)
	}
	for _, change := range changes {
		change(req)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusMethodNotAllowed && resp.Header.Get("Allow") != "POST" {
		t.Errorf("405 with Allow: %q, want POST", resp.Header.Get("Allow"))
	}
	return resp.StatusCode, string(text)
}

// headers are what GitHub sends with a body.
func headers(body string) map[string]string {
	return map[string]string{
		"Content-Type":        "application/json",
		"X-GitHub-Event":      "issues",
		"X-GitHub-Delivery":   guid,
		"X-Hub-Signature":     sign(sha1.New, "sha1=", secret, body),
		"X-Hub-Signature-256": sign(sha256.New, "sha256=", secret, body),
	}
}

func sign(h func() hash.Hash, prefix, secret, body string) string {
	mac := hmac.New(h, []byte(secret))
	io.WriteString(mac, body)
	return prefix + hex.EncodeToString(mac.Sum(nil))
}

// header returns a change that sets a header, or removes it if value is "".
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		if value == "" {
			r.Header.Del(name)
			return
		}
		r.Header.Set(name, value)
	}
}

func method(m string) func(*http.Request) { return func(r *http.Request) { r.Method = m } }
func path(p string) func(*http.Request)   { return func(r *http.Request) { r.URL.Path = p } }

const labeled = `{"action":"labeled","installation":{"id":5},"repository":{"full_name":"octo/hello"},"label":{"name":"restage"}}`

func TestAccepted(t *testing.T) {
	tests := []struct {
		name    string
		body    string
		changes []func(*http.Request)
		status  int
		answer  string
		jobs    int
	}{
		{"JSON", labeled, nil, 202, "accepted\n", 1},
		{"JSON with a charset", labeled, []func(*http.Request){header("Content-Type", "application/json; charset=utf-8")}, 202, "accepted\n", 1},
		{"form", "payload=" + url.QueryEscape(labeled), []func(*http.Request){header("Content-Type", "application/x-www-form-urlencoded")}, 202, "accepted\n", 1},
		{"event that is not acted on", `{"zen":"Keep it logically awesome."}`, []func(*http.Request){header("X-GitHub-Event", "ping")}, 202, "ignored: restage does not act on this event\n", 0},
		{"event that is new", `{}`, []func(*http.Request){header("X-GitHub-Event", "sub_issues")}, 202, "ignored: restage does not act on this event\n", 0},
		{"without a SHA-1 signature", labeled, []func(*http.Request){header("X-Hub-Signature", "")}, 202, "accepted\n", 1},
		{"null where an object could be", `{"action":null,"installation":null,"repository":null}`, nil, 202, "accepted\n", 1},
	}
	s := serve(t)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id := fmt.Sprintf("delivery-%d", i)
			changes := append(test.changes, header("X-GitHub-Delivery", id))
			if status, answer := s.post(t, test.body, changes...); status != test.status || answer != test.answer {
				t.Errorf("first: %d %q, want %d %q", status, answer, test.status, test.answer)
			}
			if status, answer := s.post(t, test.body, changes...); status != 200 || answer != "received before\n" {
				t.Errorf("again: %d %q, want 200", status, answer)
			}
			if n := count(t, s.db, `SELECT count(*) FROM deliveries WHERE id = $1 AND handled_at IS NULL`, id); n != test.jobs {
				t.Errorf("%d rows to handle, want %d", n, test.jobs)
			}
			if n := count(t, s.db, `SELECT count(*) FROM deliveries WHERE id = $1`, id); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
			if n := jobs(t, s.db)[id]; n != test.jobs {
				t.Errorf("%d jobs, want %d", n, test.jobs)
			}
		})
	}
}

func TestWhatIsStored(t *testing.T) {
	form := header("Content-Type", "application/x-www-form-urlencoded")
	for _, test := range []struct {
		name, body string
		changes    []func(*http.Request)
	}{
		{"JSON", labeled, nil},
		{"form", "ignored=1&payload=" + url.QueryEscape(labeled), []func(*http.Request){form}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t)
			s.post(t, test.body, test.changes...)
			d, err := s.store.Delivery(t.Context(), guid)
			if err != nil {
				t.Fatal(err)
			}
			if d.Event != "issues" || d.Action != "labeled" || d.Installation != 5 || d.Repository != "octo/hello" {
				t.Errorf("got %+v", d)
			}
			if string(d.Payload) != labeled {
				t.Errorf("payload is %q", d.Payload)
			}
			if d.Received.IsZero() || !d.Handled.IsZero() {
				t.Errorf("received %v, handled %v", d.Received, d.Handled)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	s := serve(t)
	form := header("Content-Type", "application/x-www-form-urlencoded")
	wrong := func(body string) func(*http.Request) {
		return header("X-Hub-Signature-256", sign(sha256.New, "sha256=", "another secret", body))
	}
	tests := []struct {
		name    string
		body    string
		changes []func(*http.Request)
		status  int
	}{
		{"GET", "", []func(*http.Request){method("GET")}, 405},
		{"HEAD", "", []func(*http.Request){method("HEAD")}, 405},
		{"PUT", labeled, []func(*http.Request){method("PUT")}, 405},
		{"OPTIONS", "", []func(*http.Request){method("OPTIONS")}, 405},
		{"unknown method", "", []func(*http.Request){method("BREW")}, 405},

		{"root", labeled, []func(*http.Request){path("/")}, 404},
		{"below", labeled, []func(*http.Request){path("/webhook/")}, 404},
		{"in capitals", labeled, []func(*http.Request){path("/Webhook")}, 404},
		{"roundabout", labeled, []func(*http.Request){path("/x/../webhook")}, 404},
		{"GET elsewhere", "", []func(*http.Request){path("/x"), method("GET")}, 404},

		{"no event", labeled, []func(*http.Request){header("X-GitHub-Event", "")}, 400},
		{"event with spaces", labeled, []func(*http.Request){header("X-GitHub-Event", "is sues")}, 400},
		{"long event", labeled, []func(*http.Request){header("X-GitHub-Event", strings.Repeat("a", 101))}, 400},
		{"no delivery id", labeled, []func(*http.Request){header("X-GitHub-Delivery", "")}, 400},
		{"long delivery id", labeled, []func(*http.Request){header("X-GitHub-Delivery", strings.Repeat("a", 101))}, 400},
		{"delivery id with markup", labeled, []func(*http.Request){header("X-GitHub-Delivery", "<script>")}, 400},
		{"delivery id with non-ASCII", labeled, []func(*http.Request){header("X-GitHub-Delivery", "é")}, 400},

		{"no content type", labeled, []func(*http.Request){header("Content-Type", "")}, 415},
		{"text", labeled, []func(*http.Request){header("Content-Type", "text/plain")}, 415},
		{"broken content type", labeled, []func(*http.Request){header("Content-Type", "application/json/;;")}, 415},
		{"multipart form", labeled, []func(*http.Request){header("Content-Type", "multipart/form-data; boundary=x")}, 415},

		{"no signature", labeled, []func(*http.Request){header("X-Hub-Signature-256", ""), header("X-Hub-Signature", "")}, 401},
		{"SHA-1 alone", labeled, []func(*http.Request){header("X-Hub-Signature-256", "")}, 401},
		{"SHA-1 in the place of SHA-256", labeled, []func(*http.Request){header("X-Hub-Signature-256", sign(sha1.New, "sha1=", secret, labeled))}, 401},
		{"SHA-1 said to be SHA-256", labeled, []func(*http.Request){header("X-Hub-Signature-256", sign(sha1.New, "sha256=", secret, labeled))}, 401},
		{"SHA-256 said to be SHA-1", labeled, []func(*http.Request){header("X-Hub-Signature-256", sign(sha256.New, "sha1=", secret, labeled))}, 401},
		{"digits without prefix", labeled, []func(*http.Request){header("X-Hub-Signature-256", sign(sha256.New, "", secret, labeled))}, 401},
		{"prefix without digits", labeled, []func(*http.Request){header("X-Hub-Signature-256", "sha256=")}, 401},
		{"no hexadecimal digits", labeled, []func(*http.Request){header("X-Hub-Signature-256", "sha256="+strings.Repeat("z", 64))}, 401},
		{"signature and more", labeled, []func(*http.Request){header("X-Hub-Signature-256", sign(sha256.New, "sha256=", secret, labeled)+"00")}, 401},
		{"another secret", labeled, []func(*http.Request){wrong(labeled)}, 401},
		{"empty secret", labeled, []func(*http.Request){header("X-Hub-Signature-256", sign(sha256.New, "sha256=", "", labeled))}, 401},
		{"signature of another body", labeled, []func(*http.Request){header("X-Hub-Signature-256", sign(sha256.New, "sha256=", secret, "{}"))}, 401},
		{"form with the signature of its payload", "payload=" + url.QueryEscape(labeled), []func(*http.Request){form, header("X-Hub-Signature-256", sign(sha256.New, "sha256=", secret, labeled))}, 401},
		{"broken JSON that nobody signed", "{", []func(*http.Request){wrong("{")}, 401},

		{"empty body", "", nil, 400},
		{"broken JSON", `{"action":`, nil, 400},
		{"JSON and more", `{}{}`, nil, 400},
		{"array", `[]`, nil, 400},
		{"null", ` null`, nil, 400},
		{"string", `"{}"`, nil, 400},
		{"action that is no string", `{"action":1}`, nil, 400},
		{"installation that is no object", `{"installation":"5"}`, nil, 400},
		{"installation id out of range", `{"installation":{"id":1e30}}`, nil, 400},
		{"deep nesting", strings.Repeat(`{"a":`, 100_000), nil, 400},
		{"nesting without end", strings.Repeat("[", 20<<20), nil, 400},
		{"form sent as JSON", "payload=" + url.QueryEscape(labeled), nil, 400},
		{"JSON sent as form", labeled, []func(*http.Request){form}, 400},
		{"form without payload", "load={}", []func(*http.Request){form}, 400},
		{"form with an empty payload", "payload=", []func(*http.Request){form}, 400},
		{"form with broken escapes", "payload=%7B%zz", []func(*http.Request){form}, 400},
		{"compressed", "\x1f\x8b\x08\x00", []func(*http.Request){header("Content-Encoding", "gzip")}, 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, answer := s.post(t, test.body, test.changes...)
			if status != test.status {
				t.Errorf("%d %q, want %d", status, answer, test.status)
			}
			if lines := strings.Count(answer, "\n"); lines != 1 && answer != "" {
				t.Errorf("answer has %d lines: %q", lines, answer)
			}
		})
	}
	if n := count(t, s.db, `SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM river_job)`); n != 0 {
		t.Errorf("refused deliveries left %d rows", n)
	}
}

// An endless reader counts what is read of it.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	clear(p)
	e.read += int64(len(p))
	return len(p), nil
}

func TestSize(t *testing.T) {
	s := serve(t)
	limit := `{}` + strings.Repeat(" ", maxBody-2)
	if status, answer := s.post(t, limit); status != 202 {
		t.Errorf("25 MB: %d %q, want 202", status, answer)
	}
	handler := New(s.store, []byte(secret), slog.New(slog.DiscardHandler))
	for _, test := range []struct {
		name   string
		length int64
		most   int64 // how many bytes of the body may be read
	}{
		{"with its length", maxBody + 1, 0},
		{"without its length", -1, maxBody + 1},
		{"with a wrong length", 2, maxBody + 1},
	} {
		body := new(endless)
		r := httptest.NewRequest("POST", Path, body)
		r.ContentLength = test.length
		for name, value := range headers(limit) {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != 413 || body.read > test.most {
			t.Errorf("too much, %s: %d after %d bytes, want 413 after %d at most", test.name, w.Code, body.read, test.most)
		}
	}
	chunked := func(r *http.Request) {
		r.ContentLength = -1
		r.Body = io.NopCloser(io.LimitReader(new(endless), maxBody+1))
	}
	if status, answer := s.post(t, "", chunked); status != 413 {
		t.Errorf("too much, in chunks: %d %q, want 413", status, answer)
	}
}

func TestSlowBody(t *testing.T) {
	h := &handler{secret: []byte(secret), log: slog.New(slog.DiscardHandler)} // with a timeout of nothing
	s := &server{Server: httptest.NewServer(h)}
	t.Cleanup(s.Close)
	body, hold := io.Pipe()
	t.Cleanup(func() { hold.Close() })
	if status, answer := s.post(t, "", func(r *http.Request) { r.ContentLength, r.Body = 2, body }); status != 408 {
		t.Errorf("%d %q, want 408", status, answer)
	}
}

// Before its signature can be verified, a body may be anybody's. However many
// large ones arrive, few are in memory at once; a small one never waits for them.
func TestLargeBodiesAtOnce(t *testing.T) {
	s := serve(t)
	h := s.Config.Handler.(*handler)
	h.patience = 100 * time.Millisecond
	unsigned := func(body io.Reader) int {
		r := httptest.NewRequest("POST", Path, body)
		for name, value := range headers("something else") {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if again := w.Header().Get("Retry-After"); (w.Code == 503) != (again != "") {
			t.Errorf("%d with Retry-After: %q", w.Code, again)
		}
		return w.Code
	}
	const room = maxLarge / maxBody
	statuses := make(chan int, room)
	var halves []*io.PipeWriter
	for range room {
		body, half := io.Pipe()
		go func() { statuses <- unsigned(body) }()
		half.Write(make([]byte, small+1))
		half.Write([]byte("x")) // is read by now
		halves = append(halves, half)
	}
	for range 8 {
		if status := unsigned(io.MultiReader(strings.NewReader(strings.Repeat("x", maxBody)))); status != 503 {
			t.Errorf("another large body: %d, want 503", status)
		}
	}
	if status, answer := s.post(t, labeled); status != 202 {
		t.Errorf("a small body: %d %q, want 202", status, answer)
	}
	for _, half := range halves {
		half.Close()
		if status := <-statuses; status != 401 {
			t.Errorf("a large body with a wrong signature: %d, want 401", status)
		}
	}
	large := strings.Replace(labeled, "{", `{"padding":"`+strings.Repeat("x", maxBody-200)+`",`, 1)
	if status, answer := s.post(t, large, header("X-GitHub-Delivery", "large")); status != 202 {
		t.Errorf("a large body when there is room again: %d %q, want 202", status, answer)
	}
}

func TestBrokenBody(t *testing.T) {
	r := httptest.NewRequest("POST", Path, io.MultiReader(strings.NewReader("{"), brokenReader{}))
	for name, value := range headers("{}") {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	New(nil, []byte(secret), slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	if w.Code != 400 {
		t.Errorf("%d %q, want 400", w.Code, w.Body)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestEmptySecretRefusesEverything(t *testing.T) {
	r := httptest.NewRequest("POST", Path, strings.NewReader("{}"))
	for name, value := range headers("{}") {
		r.Header.Set(name, value)
	}
	r.Header.Set("X-Hub-Signature-256", sign(sha256.New, "sha256=", "", "{}"))
	w := httptest.NewRecorder()
	New(nil, nil, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("%d %q, want 401", w.Code, w.Body)
	}
}

func TestStoreFailure(t *testing.T) {
	s := serve(t)
	s.store.Close()
	status, answer := s.post(t, labeled)
	if status != 503 || answer != "cannot store the delivery now\n" {
		t.Errorf("%d %q, want 503", status, answer)
	}
}

func TestSameDeliveryAtOnce(t *testing.T) {
	s := serve(t)
	const ids, repeats = 20, 10
	var mu sync.Mutex
	got := make(map[string]map[int]int) // id, status, how often
	var wg sync.WaitGroup
	for id := range ids {
		id := fmt.Sprintf("delivery-%d", id)
		got[id] = make(map[int]int)
		for range repeats {
			wg.Go(func() {
				status, _ := s.post(t, labeled, header("X-GitHub-Delivery", id))
				mu.Lock()
				defer mu.Unlock()
				got[id][status]++
			})
		}
	}
	wg.Wait()
	for id, statuses := range got {
		if statuses[202] != 1 || statuses[200] != repeats-1 {
			t.Errorf("%s: %v, want one 202 and %d times 200", id, statuses, repeats-1)
		}
		if n := jobs(t, s.db)[id]; n != 1 {
			t.Errorf("%s has %d jobs, want 1", id, n)
		}
	}
}

func FuzzHandler(f *testing.F) {
	st, err := store.Open(f.Context(), "sqlite:"+filepath.Join(f.TempDir(), "restage.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	defer st.Close()
	handler := New(st, []byte(secret), slog.New(slog.DiscardHandler))

	f.Add("POST", Path, "issues", guid, "application/json", true, []byte(labeled))
	f.Add("POST", Path, "issues", guid, "application/x-www-form-urlencoded", true, []byte("payload="+url.QueryEscape(labeled)))
	f.Add("POST", Path, "ping", "1", "application/json; charset=utf-8", true, []byte("{}"))
	f.Add("POST", Path, "issues", guid, "application/json", false, []byte("{}"))
	f.Add("GET", "/", "", "", "", false, []byte{})
	f.Fuzz(func(t *testing.T, method, path, event, id, contentType string, signed bool, body []byte) {
		r := &http.Request{
			Method: method, URL: &url.URL{Path: path}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1,
			Header: http.Header{"Content-Type": {contentType}, "X-Github-Event": {event}, "X-Github-Delivery": {id}},
		}
		if signed {
			r.Header.Set("X-Hub-Signature-256", sign(sha256.New, "sha256=", secret, string(body)))
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch {
		case w.Code >= 500:
			t.Errorf("%d %s", w.Code, w.Body)
		case w.Code < 300:
			if !signed {
				t.Errorf("%d without a signature", w.Code)
			}
			if _, err := st.Delivery(t.Context(), id); err != nil {
				t.Errorf("%d, but %v", w.Code, err)
			}
		}
	})
}
