package bot_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/store"
)

// The buttons of a check run do a check again, and list the decisions. There is no
// way to press one through GitHub's API, so what GitHub sends is made up here.
func TestButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	offers := new(offers)
	w.out = offers
	w.startBot()
	issue := w.file("ada", fenced(disputed))
	w.settle(nil)
	pull := w.pull(movesBranch)
	same(t, "buttons", offers.take(), "Re-run, Show decisions")
	list, _, err := w.users["bob"].Checks.ListCheckRunsForRef(ctx, "ada", "shop", pull.GetHead().GetSHA(), &gh.ListCheckRunsOptions{CheckName: gh.String("restage / structure")})
	check(t, err)
	about, _, err := w.users["ada"].Issues.Get(ctx, "ada", "shop", issue)
	check(t, err)
	same(t, "details", list.CheckRuns[0].GetDetailsURL(), about.GetHTMLURL())
	press := func(delivery, login, button string) {
		t.Helper()
		run := *list.CheckRuns[0]
		run.CheckSuite = &gh.CheckSuite{ID: run.CheckSuite.ID, HeadBranch: gh.String(movesBranch)}
		run.PullRequests = []*gh.PullRequest{{Number: pull.Number}}
		repo, _, err := w.users["ada"].Repositories.Get(ctx, "ada", "shop")
		check(t, err)
		payload := must(json.Marshal(gh.CheckRunEvent{
			Action: gh.String("requested_action"), CheckRun: &run, Repo: repo, RequestedAction: &gh.RequestedAction{Identifier: button},
			Sender: &gh.User{Login: &login, Type: gh.String("User")}, Installation: &gh.Installation{ID: &w.inst},
		}))
		check(t, w.bot.Delivery(ctx, store.Delivery{ID: delivery, Event: "check_run", Payload: payload, Received: began}))
		w.settle(nil)
	}
	press("d1", "bob", "rerun")
	press("d1", "bob", "rerun")                                                 // delivered twice
	press("d2", "eve", "rerun")                                                 // may not
	same(t, "structure", len(w.conclusions(list.CheckRuns[0].GetHeadSHA())), 5) // four, and one again

	press("d3", "bob", "decisions")
	press("d3", "bob", "decisions")
	comments := w.comments(pull.GetNumber())
	same(t, "comments", len(comments), 1)
	contain(t, comments[0], "`/restage decide shop/old/legacy.py keep`")
	offers.take()
	w.comment("ada", issue, "/restage decide shop/old/legacy.py keep")
	w.settle(nil)
	same(t, "buttons without a question", offers.take(), "Re-run")
	press("d4", "bob", "decisions")
	contain(t, strings.Join(w.comments(pull.GetNumber()), "\n"), "No decision is open.")
}

// offers is a way to GitHub that notes the buttons of check runs, which GitHub shows
// people, but does not tell through its API.
type offers struct {
	mu   sync.Mutex
	seen []string
}

func (o *offers) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/check-runs") && r.Method == http.MethodPost {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		var run gh.CreateCheckRunOptions
		if err := json.NewDecoder(body).Decode(&run); err != nil {
			return nil, err
		}
		var labels []string
		for _, a := range run.Actions {
			labels = append(labels, a.Label)
		}
		o.mu.Lock()
		o.seen = append(o.seen, strings.Join(labels, ", "))
		o.mu.Unlock()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// take returns the buttons of all check runs since it was called last: once, if
// they are the same.
func (o *offers) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.Sort(o.seen)
	all := strings.Join(slices.Compact(o.seen), "; ")
	o.seen = nil
	return all
}
