package githubtest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-github/v60/github"
	"github.com/restage/restage/bot/githubtest"
)

func (h *hook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	w.events(t)
	w.hook.answer(http.StatusServiceUnavailable)
	_, _, err := w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("Move")})
	check(t, err)
	same(t, "events", w.events(t), "[issues opened]")
	w.hook.answer(http.StatusAccepted)
	same(t, "no attempt by itself", w.events(t), "[]")

	config, _, err := w.asApp.Apps.GetHookConfig(ctx)
	check(t, err)
	same(t, "config", config.GetURL()+" "+config.GetSecret(), w.hook.URL+" ********")
	list, _, err := w.asApp.Apps.ListHookDeliveries(ctx, nil)
	check(t, err)
	failed := list[0]
	same(t, "failed", []any{len(list), failed.GetEvent(), failed.GetAction(), failed.GetStatusCode(), failed.GetRedelivery()}, "[2 issues opened 503 false]")
	_, _, err = w.asApp.Apps.RedeliverHookDelivery(ctx, failed.GetID())
	if _, accepted := err.(*github.AcceptedError); err != nil && !accepted {
		t.Fatal(err)
	}
	same(t, "events", w.events(t), "[issues opened]")
	list, resp, err := w.asApp.Apps.ListHookDeliveries(ctx, &github.ListCursorOptions{PerPage: 2})
	check(t, err)
	same(t, "redelivered", []any{len(list), list[0].GetGUID() == failed.GetGUID(), list[0].GetStatusCode(), list[0].GetRedelivery()}, "[2 true 202 true]")
	list, resp, err = w.asApp.Apps.ListHookDeliveries(ctx, &github.ListCursorOptions{PerPage: 2, Cursor: resp.Cursor})
	check(t, err)
	same(t, "next page", []any{len(list), list[0].GetEvent(), resp.Cursor}, "[1 installation ]")
	d, _, err := w.asApp.Apps.GetHookDelivery(ctx, failed.GetID())
	check(t, err)
	same(t, "delivery", []any{d.Request.Headers["X-GitHub-Event"], string(d.Response.GetRawPayload())}, `[issues "thanks"]`)
	_, _, err = w.asApp.Apps.GetHookDelivery(ctx, 7)
	wantError(t, err, 404, "Not Found")
}

// Nobody listens: the delivery is recorded as failed.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	w.events(t)
	w.hook.Close()
	_, _, err := w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("Move")})
	check(t, err)
	w.events(t)
	list, _, err := w.asApp.Apps.ListHookDeliveries(ctx, nil)
	check(t, err)
	same(t, "failed", []any{list[0].GetStatusCode(), list[0].GetStatus()}, "[0 failed to connect to host]")
}
