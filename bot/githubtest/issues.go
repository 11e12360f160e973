package githubtest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

var issueRoutes = []route{
	{"GET /repos/{owner}/{repo}/issues", "issues:read", reader, listIssues},
	{"POST /repos/{owner}/{repo}/issues", "issues:write", reader, createIssue},
	{"GET /repos/{owner}/{repo}/issues/{number}", "issues:read", reader, getIssue},
	{"PATCH /repos/{owner}/{repo}/issues/{number}", "issues:write|pull_requests:write", reader, editIssue},
}

// issue returns the issue or pull request in the path. A token with no more
// than a permission for pull requests has no access to the others.
func (c *call) issue() (*issue, error) {
	i := c.findIssue(c.repo, int(c.id("number")))
	if i == nil {
		return nil, errNotFound
	}
	if c.repo.IssuesOff && i.Pull == nil {
		return nil, refuse(http.StatusGone, "Issues are disabled for this repo")
	}
	return i, c.mayUse(i)
}

// mayUse holds an app back from issues when the permission that lets it use the
// route is one for pull requests.
func (c *call) mayUse(i *issue) error {
	if c.who.inst == nil || i.Pull != nil {
		return nil
	}
	for want := range strings.SplitSeq(c.route.app, "|") {
		if !strings.HasPrefix(want, "pull_requests:") && c.who.permits(want) {
			return nil
		}
	}
	return errNotForApps
}

func (t *tx) findIssue(r *repository, number int) *issue {
	return first(list[issue](t, r.ID), func(i *issue) bool { return i.Number == number })
}

// newIssue puts an issue or a pull request with the next number.
func (c *call) newIssue(title, body string, p *pull) *issue {
	c.repo.LastNumber++
	c.put(c.repo)
	now := c.now()
	i := &issue{Number: c.repo.LastNumber, Title: title, Body: body, User: c.who.user.ID, App: c.who.appID(),
		Open: true, Pull: p, Created: now, Updated: now}
	i.Parent = c.repo.ID
	c.put(i)
	return i
}

func (i *issue) state() string {
	if i.Open {
		return "open"
	}
	return "closed"
}

// page is what the path of the page of an issue begins with.
func (i *issue) page() string {
	if i.Pull != nil {
		return "pull"
	}
	return "issues"
}

func (t *tx) issueJSON(r *repository, i *issue) obj {
	self := t.api("/repos/%s/issues/%d", r.fullName(), i.Number)
	o := obj{
		"id": i.ID, "node_id": nodeID("I", i.ID), "number": i.Number, "title": i.Title, "body": orNil(i.Body),
		"state": i.state(), "state_reason": orNil(i.Reason), "locked": false, "active_lock_reason": nil,
		"url": self, "repository_url": t.api("/repos/%s", r.fullName()), "labels_url": self + "/labels{/name}",
		"comments_url": self + "/comments", "events_url": self + "/events", "timeline_url": self + "/timeline",
		"html_url": t.html("/%s/%s/%d", r.fullName(), i.page(), i.Number),
		"user":     t.userIDJSON(i.User), "labels": t.labelsJSON(r, i), "assignee": nil, "assignees": []obj{}, "milestone": nil,
		"comments": len(list[comment](t, i.ID)), "created_at": stamp(i.Created), "updated_at": stamp(i.Updated),
		"closed_at": stamp(i.Closed), "closed_by": t.userIDJSON(i.ClosedBy),
		"author_association": t.association(r, i.User), "performed_via_github_app": t.appIDJSON(i.App),
		"reactions": t.rollup(i.ID, self),
	}
	if i.Pull != nil {
		page := t.html("/%s/pull/%d", r.fullName(), i.Number)
		o["draft"] = i.Pull.Draft
		o["pull_request"] = obj{"url": t.api("/repos/%s/pulls/%d", r.fullName(), i.Number), "html_url": page,
			"diff_url": page + ".diff", "patch_url": page + ".patch", "merged_at": stamp(i.Pull.Merged)}
	}
	return o
}

func getIssue(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	return ok(c.issueJSON(c.repo, i)), nil
}

// listIssues lists issues and pull requests, newest first.
func listIssues(c *call) (reply, error) {
	state := cmp.Or(c.query("state"), "open")
	since, _ := time.Parse(time.RFC3339, c.query("since"))
	var found []*issue
	for _, i := range list[issue](c.tx, c.repo.ID) {
		if (state == "all" || state == i.state()) && !i.Updated.Before(since) && c.mayUse(i) == nil &&
			c.hasLabels(i, c.query("labels")) && c.isBy(i, c.query("creator")) {
			found = append(found, i)
		}
	}
	if err := c.sort(found); err != nil {
		return reply{}, err
	}
	return ok(each(page(c, found), func(i *issue) obj { return c.issueJSON(c.repo, i) })), nil
}

// sort orders issues as the parameters sort and direction say.
func (c *call) sort(issues []*issue) error {
	by := map[string]func(a, b *issue) int{
		"":        func(a, b *issue) int { return cmp.Compare(a.Number, b.Number) },
		"created": func(a, b *issue) int { return cmp.Compare(a.Number, b.Number) },
		"updated": func(a, b *issue) int { return a.Updated.Compare(b.Updated) },
		"comments": func(a, b *issue) int {
			return cmp.Compare(len(list[comment](c.tx, a.ID)), len(list[comment](c.tx, b.ID)))
		},
	}[c.query("sort")]
	if by == nil {
		return invalid("Search", "sort", "invalid", "")
	}
	slices.SortStableFunc(issues, by)
	if c.query("direction") != "asc" {
		slices.Reverse(issues)
	}
	return nil
}

func (c *call) isBy(i *issue, login string) bool {
	u := get[user](c.tx, i.User)
	return login == "" || u != nil && strings.EqualFold(u.Login, login)
}

// An issueEdit is what can be set in an issue; nil leaves it.
type issueEdit struct {
	Title  *string   `json:"title"`
	Body   *string   `json:"body"`
	State  *string   `json:"state"`
	Reason *string   `json:"state_reason"`
	Labels *[]string `json:"labels"`
}

// maxBody is how many characters a body or a comment may have.
const maxBody = 65536

func checkText(resource string, title, body *string) error {
	if title != nil && strings.TrimSpace(*title) == "" {
		return invalid(resource, "title", "missing_field", "")
	}
	if title != nil && len([]rune(*title)) > 256 {
		return invalid(resource, "title", "custom", "title is too long (maximum is 256 characters)")
	}
	if body != nil && len([]rune(*body)) > maxBody {
		return invalid(resource, "body", "custom", "body is too long (maximum is 65536 characters)")
	}
	return nil
}

func createIssue(c *call) (reply, error) {
	var want struct {
		Title  string   `json:"title"`
		Body   string   `json:"body"`
		Labels []string `json:"labels"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if err := checkText("Issue", &want.Title, &want.Body); err != nil {
		return reply{}, err
	}
	i := c.newIssue(want.Title, want.Body, nil)
	if c.who.app != nil || c.roleOf(c.who.user, c.repo) >= triager { // others' labels are dropped silently
		for _, name := range want.Labels {
			i.Labels = append(i.Labels, c.ensureLabel(name).ID)
		}
		c.put(i)
	}
	c.emitIssue(i, "opened", obj{})
	for _, id := range i.Labels {
		c.emitLabelling(i, id, false)
	}
	return created(c.issueJSON(c.repo, i)), nil
}

// emitIssue sends an event about an issue or a pull request.
func (c *call) emitIssue(i *issue, action string, payload obj) {
	c.emitIssueBy(c.repo, i, action, payload, c.who.user)
}

func (t *tx) emitIssueBy(r *repository, i *issue, action string, payload obj, who *user) {
	e := event{repo: r, name: "issues", action: action, sender: who, payload: payload}
	if i.Pull != nil {
		e.name = "pull_request"
		payload["pull_request"] = t.pullJSON(r, i)
		payload["number"] = i.Number
	} else {
		payload["issue"] = t.issueJSON(r, i)
	}
	t.emit(e)
}

func editIssue(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	var want issueEdit
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if err := c.edit(i, want); err != nil {
		return reply{}, err
	}
	return ok(c.issueJSON(c.repo, i)), nil
}

// edit changes an issue or a pull request.
func (c *call) edit(i *issue, want issueEdit) error {
	mine := i.User == c.who.user.ID
	if c.who.app == nil && !mine && c.roleOf(c.who.user, c.repo) < triager {
		return refuse(http.StatusForbidden, "Must have push access to repository.")
	}
	if err := checkText("Issue", want.Title, want.Body); err != nil {
		return err
	}
	if want.State != nil && *want.State != "open" && *want.State != "closed" {
		return invalid("Issue", "state", "invalid", "")
	}
	if want.State != nil && *want.State == "open" && i.Pull != nil && !i.Open {
		if err := c.mayReopen(i); err != nil {
			return err
		}
	}
	changes := obj{}
	if want.Title != nil && *want.Title != i.Title {
		changes["title"] = obj{"from": i.Title}
		i.Title = *want.Title
	}
	if want.Body != nil && *want.Body != i.Body {
		changes["body"] = obj{"from": i.Body}
		i.Body = *want.Body
	}
	if len(changes) > 0 {
		i.Updated = c.now()
		c.put(i)
		c.emitIssue(i, "edited", obj{"changes": changes})
	}
	if want.Labels != nil {
		c.setLabels(i, *want.Labels)
	}
	switch {
	case want.State == nil:
	case *want.State == "closed" && i.Open:
		reason := "completed"
		if want.Reason != nil {
			reason = *want.Reason
		}
		c.closeIssue(c.repo, i, reason, c.who.user)
	case *want.State == "open" && !i.Open:
		i.Open, i.Closed, i.ClosedBy, i.Reason, i.Updated = true, time.Time{}, 0, "reopened", c.now()
		if i.Pull != nil {
			i.Reason = ""
		}
		c.put(i)
		c.emitIssue(i, "reopened", obj{})
	}
	return nil
}

// closeIssue closes an issue or a pull request, which keeps the commits that
// its branches have now.
func (t *tx) closeIssue(r *repository, i *issue, reason string, who *user) {
	i.Open, i.Closed, i.ClosedBy, i.Updated = false, t.now(), who.ID, t.now()
	if i.Pull == nil {
		i.Reason = reason
	} else {
		if sha := t.branchSHA(r, i.Pull.Head); sha != "" {
			i.Pull.HeadSHA = sha
		}
		if sha := t.branchSHA(r, i.Pull.Base); sha != "" && i.Pull.MergeSHA == "" {
			i.Pull.BaseSHA = sha
		}
	}
	t.put(i)
	t.emitIssueBy(r, i, "closed", obj{}, who)
}
