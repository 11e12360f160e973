package githubtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"
	"github.com/restage/restage/bot/githubtest"
)

// names are the names of labels, in order.
func names(labels []*github.Label) string {
	var out []string
	for _, l := range labels {
		out = append(out, l.GetName())
	}
	return strings.Join(out, " ")
}

func TestIssues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	i, _, err := w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{
		Title: github.String("Move"), Body: github.String("a plan"), Labels: &[]string{"bug"}})
	check(t, err)
	same(t, "new issue", []any{i.GetNumber(), i.GetState(), i.GetBody(), i.GetUser().GetLogin(), names(i.Labels)}, "[1 open a plan ada bug]")
	same(t, "link", i.GetHTMLURL(), w.URL()+"/ada/engine/issues/1")
	same(t, "events", w.events(t), "[installation created issues opened issues labeled]")

	_, _, err = w.bob.Issues.AddLabelsToIssue(ctx, "ada", "engine", 1, []string{"restage", "bug"})
	check(t, err)
	labels, _, err := w.bot.Issues.ListLabelsByIssue(ctx, "ada", "engine", 1, nil)
	check(t, err)
	same(t, "labels", names(labels), "bug restage")
	_, err = w.bot.Issues.RemoveLabelForIssue(ctx, "ada", "engine", 1, "bug")
	check(t, err)
	_, err = w.bot.Issues.RemoveLabelForIssue(ctx, "ada", "engine", 1, "bug")
	wantError(t, err, 404, "Label does not exist")
	same(t, "events", w.events(t), "[label created issues labeled issues unlabeled]")

	_, _, err = w.bot.Issues.Edit(ctx, "ada", "engine", 1, &github.IssueRequest{State: github.String("closed"), StateReason: github.String("completed")})
	check(t, err)
	i, _, err = w.ada.Issues.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "closed", []any{i.GetState(), i.GetStateReason(), i.GetClosedBy().GetLogin()}, "[closed completed mover[bot]]")
	_, _, err = w.ada.Issues.Edit(ctx, "ada", "engine", 1, &github.IssueRequest{State: github.String("open"), Title: github.String("Move on")})
	check(t, err)
	same(t, "events", w.events(t), "[issues closed issues edited issues reopened]")

	_, _, err = w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String(" ")})
	wantError(t, err, 422, "missing_field")
	_, _, err = w.ada.Issues.Get(ctx, "ada", "engine", 7)
	wantError(t, err, 404, "Not Found")
	same(t, "events", w.events(t), "[]")
}

func TestLabels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	l, _, err := w.bot.Issues.CreateLabel(ctx, "ada", "engine", &github.Label{
		Name: github.String("a b/c"), Color: github.String("00ff00"), Description: github.String("odd")})
	check(t, err)
	same(t, "label", l.GetName()+" "+l.GetColor(), "a b/c 00ff00")
	_, _, err = w.bot.Issues.CreateLabel(ctx, "ada", "engine", &github.Label{Name: github.String("A b/C")})
	wantError(t, err, 422, "already_exists")
	_, _, err = w.eve.Issues.CreateLabel(ctx, "ada", "engine", &github.Label{Name: github.String("x")})
	wantError(t, err, 404, "Not Found")
	_, _, err = w.bot.Issues.GetLabel(ctx, "ada", "engine", "bug")
	check(t, err)
	_, _, err = w.bot.Issues.GetLabel(ctx, "ada", "engine", "nope")
	wantError(t, err, 404, "Not Found")
	all, _, err := w.bot.Issues.ListLabels(ctx, "ada", "engine", nil)
	check(t, err)
	same(t, "labels", names(all), "bug documentation enhancement a b/c")

	_, _, err = w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("Move"), Labels: &[]string{"bug"}})
	check(t, err)
	_, err = w.bot.Issues.RemoveLabelForIssue(ctx, "ada", "engine", 1, "bug")
	check(t, err)
	_, _, err = w.bob.Issues.AddLabelsToIssue(ctx, "ada", "engine", 1, []string{"a b/c"})
	check(t, err)
	events, _, err := w.bot.Issues.ListIssueEvents(ctx, "ada", "engine", 1, nil)
	check(t, err)
	var lines []string
	for _, e := range events {
		lines = append(lines, e.GetActor().GetLogin()+" "+e.GetEvent()+" "+e.GetLabel().GetName())
	}
	same(t, "events of the issue", lines, "[ada labeled bug mover[bot] unlabeled bug bob labeled a b/c]")
}

func TestComments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	_, _, err := w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("Move")})
	check(t, err)
	w.events(t)

	m, _, err := w.bot.Issues.CreateComment(ctx, "ada", "engine", 1, &github.IssueComment{Body: github.String("on it")})
	check(t, err)
	same(t, "author", m.GetUser().GetLogin()+" "+m.GetUser().GetType(), "mover[bot] Bot")
	_, _, err = w.bot.Issues.EditComment(ctx, "ada", "engine", m.GetID(), &github.IssueComment{Body: github.String("done")})
	check(t, err)
	m, _, err = w.ada.Issues.GetComment(ctx, "ada", "engine", m.GetID())
	check(t, err)
	same(t, "edited", m.GetBody(), "done")
	same(t, "events", w.events(t), "[issue_comment created issue_comment edited]")

	r, resp, err := w.bot.Reactions.CreateIssueCommentReaction(ctx, "ada", "engine", m.GetID(), "eyes")
	check(t, err)
	again, resp2, err := w.bot.Reactions.CreateIssueCommentReaction(ctx, "ada", "engine", m.GetID(), "eyes")
	check(t, err)
	same(t, "reaction", fmt.Sprint(resp.StatusCode, resp2.StatusCode, r.GetID() == again.GetID()), "201 200 true")
	_, _, err = w.bot.Reactions.CreateIssueCommentReaction(ctx, "ada", "engine", m.GetID(), "shrug")
	wantError(t, err, 422, "invalid")
	list, _, err := w.ada.Reactions.ListIssueCommentReactions(ctx, "ada", "engine", m.GetID(), nil)
	check(t, err)
	same(t, "reactions", len(list), 1)
	_, _, err = w.bot.Reactions.CreateIssueReaction(ctx, "ada", "engine", 1, "rocket")
	check(t, err)
	issue, _, err := w.ada.Issues.Get(ctx, "ada", "engine", 1)
	check(t, err)
	same(t, "rollup", fmt.Sprint(issue.GetReactions().GetRocket(), issue.GetReactions().GetTotalCount()), "1 1")

	_, _, err = w.ada.Issues.CreateComment(ctx, "ada", "engine", 1, &github.IssueComment{Body: github.String(strings.Repeat("x", 65537))})
	wantError(t, err, 422, "too long")
	_, err = w.bob.Issues.DeleteComment(ctx, "ada", "engine", m.GetID())
	check(t, err)
	_, _, err = w.ada.Issues.GetComment(ctx, "ada", "engine", m.GetID())
	wantError(t, err, 404, "Not Found")
}

func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, githubtest.Options{})
	_, _, err := w.ada.Issues.Create(ctx, "ada", "engine", &github.IssueRequest{Title: github.String("Move")})
	check(t, err)
	for n := range 7 {
		_, _, err := w.ada.Issues.CreateComment(ctx, "ada", "engine", 1, &github.IssueComment{Body: github.String(fmt.Sprint(n))})
		check(t, err)
	}
	var got []string
	opts := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 3}}
	for {
		comments, resp, err := w.bot.Issues.ListComments(ctx, "ada", "engine", 1, opts)
		check(t, err)
		for _, c := range comments {
			got = append(got, c.GetBody())
		}
		got = append(got, fmt.Sprintf("| %d %d %d %d |", resp.FirstPage, resp.PrevPage, resp.NextPage, resp.LastPage))
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	same(t, "pages", strings.Join(got, " "), "0 1 2 | 0 0 2 3 | 3 4 5 | 1 1 3 3 | 6 | 1 2 0 0 |")
}
