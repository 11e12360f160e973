package githubtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limits counts the requests of each client in the current hour, and those that
// change something in the current minute.
type limits struct {
	mu           sync.Mutex
	hour, minute time.Time
	used, writes map[string]int
}

// count counts one request, sets the headers for it and reports whether it is
// within the limit.
func (l *limits) count(h http.Header, who *actor, s *Server) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if hour := s.now().Truncate(time.Hour); !hour.Equal(l.hour) {
		l.hour, l.used = hour, map[string]int{}
	}
	l.used[who.String()]++
	l.show(h, who, s)
	return l.used[who.String()] <= s.opts.RateLimit
}

// show sets the headers that tell a client where it stands.
func (l *limits) show(h http.Header, who *actor, s *Server) {
	used, limit := l.used[who.String()], s.opts.RateLimit
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, limit-used)))
	h.Set("X-RateLimit-Used", strconv.Itoa(min(used, limit)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(l.hour.Add(time.Hour).Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}

// forgive takes back the count of a request that is answered with "not
// modified".
func (l *limits) forgive(h http.Header, who *actor, s *Server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used[who.String()]--
	l.show(h, who, s)
}

// countWrite counts one request that changes something and returns how long the
// client has to wait if that is one too many.
func (l *limits) countWrite(who *actor, s *Server) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := s.now()
	if minute := now.Truncate(time.Minute); !minute.Equal(l.minute) {
		l.minute, l.writes = minute, map[string]int{}
	}
	if l.writes[who.String()]++; s.opts.WriteLimit == 0 || l.writes[who.String()] <= s.opts.WriteLimit {
		return 0
	}
	return l.minute.Add(time.Minute).Sub(now)
}

// A tooSoon is a request that GitHub refuses by a secondary limit.
type tooSoon struct{ wait time.Duration }

func (e *tooSoon) Error() string { return "secondary rate limit" }

// SecondaryLimit writes GitHub's answer to a request that came too soon after
// others. GitHub answers with the status 403 or 429. It is what a Middleware
// answers that tries how a client takes that.
func SecondaryLimit(w http.ResponseWriter, status int, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	data, _ := json.Marshal(obj{
		"message":           "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		"documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits",
		"status":            strconv.Itoa(status),
	})
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(data)
}

// state is the limit of a client as an answer of the API.
func (l *limits) state(who *actor, s *Server) obj {
	l.mu.Lock()
	defer l.mu.Unlock()
	used := l.used[who.String()]
	return obj{"limit": s.opts.RateLimit, "used": used, "remaining": max(0, s.opts.RateLimit-used), "reset": l.hour.Add(time.Hour).Unix()}
}
