package bot_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// A repository, or a conversation, that is slow holds up no answer elsewhere.
func TestSlowConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	var issues []int
	for range 2 {
		issue, _, err := w.users["ada"].Issues.Create(ctx, "ada", "shop", &gh.IssueRequest{Title: gh.String("Question")})
		check(t, err)
		issues = append(issues, issue.GetNumber())
	}
	w.settle(nil)
	slow, goOn := make(chan bool), make(chan bool)
	w.out = transport(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/issues/1/comments") {
			close(slow)
			<-goOn
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	w.startBot()
	for _, issue := range issues {
		w.comment("ada", issue, "/restage help")
	}
	check(t, w.Idle(ctx))
	first := make(chan error)
	go func() { first <- w.bot.Delivery(ctx, w.arrived[0]) }()
	<-slow
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	second := make(chan error, 1)
	go func() { second <- w.bot.Delivery(limit, w.arrived[1]) }()
	select {
	case err := <-second:
		check(t, err)
	case <-limit.Done():
		t.Error("waits for another conversation")
	}
	close(goOn)
	check(t, <-first)
}
