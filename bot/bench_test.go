package bot_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/restage/restage/bot/demo"
)

// BenchmarkFirstCheck carries out the first phase of the demo's plan. "first-check-ms"
// is how long it takes from the push to the first check run that has ended, which
// is what a reviewer waits for.
func BenchmarkFirstCheck(b *testing.B) {
	var longest time.Duration
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b, sample(b))
		clock := &stopwatch{}
		w.out = clock
		w.startBot()
		b.StartTimer()
		w.file("ada", string(demo.Plan()))
		w.settle(nil)
		longest = max(longest, clock.check.Sub(clock.push))
	}
	b.ReportMetric(float64(longest.Microseconds())/1000, "first-check-ms")
}

// A stopwatch is a way to GitHub that notes when the first push and the first check
// run were done.
type stopwatch struct {
	mu          sync.Mutex
	push, check time.Time
}

func (s *stopwatch) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.push.IsZero() && strings.HasSuffix(r.URL.Path, "/git-receive-pack"):
		s.push = time.Now()
	case s.check.IsZero() && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/check-runs"):
		s.check = time.Now()
	}
	return res, err
}
