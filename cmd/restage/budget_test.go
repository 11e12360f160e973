package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// budget is how many requests to the REST API restage may need to carry out the
// plan of the sample, which has three phases and a comment that decides.
const budget = 120

// calls counts what restage asks of a GitHub.
type calls struct {
	mu   sync.Mutex
	rest map[string]int // by operation
	git  map[string]int
}

var number = regexp.MustCompile(`/(\d+|[0-9a-f]{40})\b`)

func (c *calls) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, token, basic := r.BasicAuth()
		_, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		operation := r.Method + " " + number.ReplaceAllString(strings.TrimPrefix(r.URL.Path, "/api/v3"), "/N")
		c.mu.Lock()
		switch {
		case basic && strings.HasPrefix(token, "ghs_"):
			c.git[operation]++
		case strings.HasPrefix(bearer, "ghs_") || strings.Count(bearer, ".") == 2: // of the installation, of the app
			c.rest[operation]++
		}
		c.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// table lists what was counted, most often first, and the sum.
func table(counts map[string]int) (text string, sum int) {
	var lines []string
	for operation, n := range counts {
		lines = append(lines, fmt.Sprintf("%4d %s", n, operation))
		sum += n
	}
	slices.Sort(lines)
	slices.Reverse(lines)
	return strings.Join(lines, "\n"), sum
}

// check says how many requests there were, and fails if they were too many.
func (c *calls) check(t *testing.T) {
	rest, sum := table(c.rest)
	git, _ := table(c.git)
	t.Logf("%d requests to the REST API:\n%s\nby git:\n%s", sum, rest, git)
	if sum > budget || sum < 40 {
		t.Errorf("%d requests to the REST API, want at most %d, and not so few that they are not all seen", sum, budget)
	}
}
