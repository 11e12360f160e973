package bot_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gh "github.com/google/go-github/v60/github"
	"github.com/riverqueue/river"

	"github.com/restage/restage/bot/store"
)

// TestFaults plays a story while one of five calls to GitHub goes wrong, and one
// of five webhooks, by chance. In the end all is as if nothing had happened. A
// seed that fails does so again: RESTAGE_TEST_PROOF=1 go test ./bot -run 'TestFaults/seed_17$'
func TestFaults(t *testing.T) {
	t.Parallel()
	seeds := 5
	if proof() {
		seeds = 200
	}
	want, faults := shopPlay().inWeather(t, 0, 0)
	same(t, "faults in fair weather", faults, 0)
	for seed := 1; seed <= seeds; seed++ {
		t.Run(fmt.Sprintf("seed_%d", seed), func(t *testing.T) {
			t.Parallel()
			got, faults := shopPlay().inWeather(t, seed, 0.2)
			if got != want {
				t.Errorf("after %d faults:\n%s", faults, difference(want, got))
			}
			if faults < 50 {
				t.Errorf("only %d faults; do all calls go through the weather?", faults)
			}
		})
	}
}

// inWeather plays a story to its end while things go wrong at a rate. It
// returns what is on GitHub then, and how many things did.
func (p play) inWeather(t *testing.T, seed int, rate float64) (all string, faults int) {
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Hour) // for timeouts under way; it takes no time here
		chance := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), stream)) }
		post := &post{rate: rate, chance: chance(1), failed: map[string]int{}}
		w := p.open(t, t.TempDir(), func(way http.RoundTripper) http.RoundTripper {
			post.base = way
			return post
		})
		defer w.Close()
		weather := &weather{base: w.out, rate: rate, chance: chance(2)}
		w.out = weather
		w.store = must(store.Open(ctx, w.database, slog.New(slog.DiscardHandler)))
		defer w.store.Close()
		w.startBot()
		q := openQueue(t, w.database)
		defer q.Close()
		for _, act := range p.acts {
			act(w)
			w.outlast(q, post)
		}
		blocks := strings.Split(w.everything(1), "----\n")
		slices.Sort(blocks) // comments come in any order
		all, faults = strings.Join(blocks, "----\n"), weather.faults+post.faults
	})
	return all, faults
}

// outlast lets the bot work until nothing is left to do, through all that goes
// wrong. What fails is tried again later, as often as the store would.
func (w *world) outlast(q queue, post *post) {
	w.t.Helper()
	tries := map[int64]int{} // by job
	for quiet := 0; quiet < 3; {
		for _, d := range w.take() {
			must(w.store.AddDelivery(ctx, d))
			quiet = 0
		}
		j := q.next()
		if j == nil {
			quiet++
			time.Sleep(5 * time.Minute)
			if err := w.bot.Resync(ctx); err != nil {
				quiet = 0
			}
			if post.release() {
				quiet = 0
			}
			continue
		}
		if err := q.do(w, j); err != nil {
			var snooze *river.JobSnoozeError
			if errors.As(err, &snooze) {
				time.Sleep(snooze.Duration)
			} else if tries[j.id]++; tries[j.id] == 50 {
				w.t.Fatalf("given up: %v", err)
			}
			time.Sleep(time.Second)
			quiet = 0
			continue
		}
		q.done(j)
	}
}

// A weather is a way to GitHub on which calls go wrong.
type weather struct {
	base http.RoundTripper
	rate float64

	mu     sync.Mutex
	chance *rand.Rand
	faults int
}

var errStorm = errors.New("the connection broke")

func (s *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	bad, kind, size := s.chance.Float64() < s.rate, s.chance.IntN(9), s.chance.IntN(90)
	if bad {
		s.faults++
	}
	s.mu.Unlock()
	if !bad {
		return s.base.RoundTrip(r)
	}
	switch kind {
	case 0, 1, 2:
		return fail(r, []int{500, 502, 503}[kind], "Server Error", 0), nil
	case 3:
		return fail(r, 429, "too many requests", size), nil
	case 4:
		return fail(r, 403, "You have exceeded a secondary rate limit.", size), nil
	case 5:
		return nil, errStorm
	case 6, 7: // the effect is there, the answer is lost
		if res, err := s.base.RoundTrip(r); err == nil {
			res.Body.Close()
		}
		if kind == 6 {
			return nil, errStorm
		}
		return fail(r, 502, "Bad Gateway", 0), nil
	}
	time.Sleep(time.Duration(size) * 3 * time.Second) // longer than is waited for, at times
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return s.base.RoundTrip(r)
}

// fail returns the answer to a request by which it fails. After is what it says
// in Retry-After, if not 0.
func fail(r *http.Request, status int, message string, after int) *http.Response {
	header := http.Header{"Content-Type": {"application/json"}}
	if after > 0 {
		header.Set("Retry-After", strconv.Itoa(after))
	}
	body := fmt.Sprintf(`{"message": %q}`, message)
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}

// A post is the way of webhooks. They come twice, late and so out of order, or
// not at all: then GitHub knows it, or a later look makes up for it.
type post struct {
	base http.RoundTripper
	rate float64

	mu     sync.Mutex
	chance *rand.Rand
	faults int
	late   []*http.Request
	failed map[string]int // by GUID
}

func (p *post) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.chance.Float64() >= p.rate {
		return p.base.RoundTrip(r)
	}
	p.faults++
	switch guid, kind := gh.DeliveryID(r), p.chance.IntN(5); {
	case kind == 0: // twice
		res, err := p.base.RoundTrip(copyOf(r))
		if err != nil {
			return nil, err
		}
		res.Body.Close()
	case kind == 1:
		p.late = append(p.late, copyOf(r))
		return fail(r, http.StatusAccepted, "", 0), nil
	case kind == 2 && gh.WebHookType(r) == "pull_request": // never
		return fail(r, http.StatusAccepted, "", 0), nil
	case p.failed[guid] == 3: // restage gives up at some time
	case kind == 3:
		p.failed[guid]++
		return nil, errStorm
	case kind == 4:
		p.failed[guid]++
		if res, err := p.base.RoundTrip(r); err == nil {
			res.Body.Close()
		}
		return nil, errStorm
	}
	return p.base.RoundTrip(r)
}

// copyOf returns a request that can be made beside r.
func copyOf(r *http.Request) *http.Request {
	c := r.Clone(ctx)
	c.Body = must(r.GetBody())
	return c
}

// release lets come what is late, the newest first, and reports whether there
// was any.
func (p *post) release() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range slices.Backward(p.late) {
		must(p.base.RoundTrip(r)).Body.Close()
	}
	any := len(p.late) > 0
	p.late = nil
	return any
}
