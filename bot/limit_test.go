package bot_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/restage/restage/bot/githubtest"
)

// Everything that the bot asks of GitHub meets a rate limit the first time.
// Nothing fails by that: each time the work is put back until the limit is over,
// and in the end GitHub is as if there had been none.
func TestRateLimits(t *testing.T) {
	t.Parallel()
	story := func(w *world, retry func()) string {
		issue := w.file("ada", fenced(disputed))
		w.settle(retry)
		w.comment("bob", issue, "/restage decide shop/old/legacy.py delete")
		w.settle(retry)
		for _, branch := range branches {
			w.merge(branch)
			w.settle(retry)
		}
		return w.everything(issue)
	}
	want := story(newWorld(t, shop), nil)

	w := newWorld(t, shop)
	limits := &limits{seen: map[string]bool{}}
	w.out = limits
	w.startBot()
	got := story(w, w.startBot) // a new one knows of no limit, as if it was over
	if got != want {
		t.Errorf("after %d limits:\n%s\nwithout any:\n%s", limits.met, got, want)
	}
	for _, err := range w.failures {
		var snooze *rivertype.JobSnoozeError
		if !errors.As(err, &snooze) || snooze.Duration < 25*time.Second || snooze.Duration > time.Minute {
			t.Errorf("not put back until the limit is over: %v", err)
		}
	}
	if limits.met < 60 || len(w.failures) != limits.met {
		t.Errorf("%d limits, and work was put back %d times", limits.met, len(w.failures))
	}
	if m, err := w.store.Migration(ctx, 1); err != nil || m.State != "done" {
		t.Errorf("migration is %q, %v", m.State, err)
	}
}

// limits is a way to GitHub on which each request meets a limit the first time,
// one kind after the other.
type limits struct {
	mu   sync.Mutex
	seen map[string]bool
	met  int
}

func (l *limits) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil && !strings.HasSuffix(r.URL.Path, "/git-receive-pack") { // packs of the same objects may differ
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	key := fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[key] {
		return http.DefaultTransport.RoundTrip(r)
	}
	l.seen[key] = true
	l.met++
	answer := httptest.NewRecorder()
	switch l.met % 3 {
	case 0:
		githubtest.SecondaryLimit(answer, http.StatusForbidden, 30*time.Second)
	case 1:
		githubtest.SecondaryLimit(answer, http.StatusTooManyRequests, 30*time.Second)
	case 2:
		answer.Header().Set("X-RateLimit-Remaining", "0")
		answer.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(40*time.Second).Unix()))
		answer.WriteHeader(http.StatusForbidden)
	}
	return answer.Result(), nil
}
