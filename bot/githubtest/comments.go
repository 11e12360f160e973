package githubtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

var commentRoutes = []route{
	{"GET /repos/{owner}/{repo}/issues/{number}/comments", "issues:read|pull_requests:read", reader, listComments},
	{"POST /repos/{owner}/{repo}/issues/{number}/comments", "issues:write|pull_requests:write", reader, createComment},
	{"GET /repos/{owner}/{repo}/comments/{id}", "issues:read|pull_requests:read", reader, getComment},
	{"PATCH /repos/{owner}/{repo}/comments/{id}", "issues:write|pull_requests:write", reader, editComment},
	{"DELETE /repos/{owner}/{repo}/comments/{id}", "issues:write|pull_requests:write", reader, deleteComment},
	{"GET /repos/{owner}/{repo}/comments/{id}/reactions", "issues:read", reader, listCommentReactions},
	{"POST /repos/{owner}/{repo}/comments/{id}/reactions", "issues:write", reader, reactToComment},
	{"GET /repos/{owner}/{repo}/issues/{number}/reactions", "issues:read", reader, listIssueReactions},
	{"POST /repos/{owner}/{repo}/issues/{number}/reactions", "issues:write", reader, reactToIssue},
}

// comment returns the comment in the path and the issue it is on.
func (c *call) comment() (*comment, *issue, error) {
	m := get[comment](c.tx, c.id("id"))
	if m == nil || m.Repo != c.repo.ID {
		return nil, nil, errNotFound
	}
	i := get[issue](c.tx, m.Parent)
	return m, i, c.mayUse(i)
}

func (t *tx) commentJSON(r *repository, i *issue, m *comment) obj {
	self := t.api("/repos/%s/issues/comments/%d", r.fullName(), m.ID)
	return obj{
		"id": m.ID, "node_id": nodeID("IC", m.ID), "url": self, "body": m.Body, "user": t.userIDJSON(m.User),
		"html_url":  t.html("/%s/%s/%d#issuecomment-%d", r.fullName(), i.page(), i.Number, m.ID),
		"issue_url": t.api("/repos/%s/issues/%d", r.fullName(), i.Number), "created_at": stamp(m.Created),
		"updated_at": stamp(m.Updated), "author_association": t.association(r, m.User),
		"performed_via_github_app": t.appIDJSON(m.App), "reactions": t.rollup(m.ID, self),
	}
}

func (c *call) emitComment(i *issue, m *comment, action string, payload obj) {
	payload["issue"], payload["comment"] = c.issueJSON(c.repo, i), c.commentJSON(c.repo, i, m)
	c.emit(event{repo: c.repo, name: "issue_comment", action: action, sender: c.who.user, payload: payload, on: i})
}

func listComments(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	since, _ := time.Parse(time.RFC3339, c.query("since"))
	found := slices.DeleteFunc(list[comment](c.tx, i.ID), func(m *comment) bool { return m.Updated.Before(since) })
	return ok(each(page(c, found), func(m *comment) obj { return c.commentJSON(c.repo, i, m) })), nil
}

// commentBody reads the body of a new or edited comment.
func (c *call) commentBody() (string, error) {
	var want struct {
		Body *string `json:"body"`
	}
	if err := c.decode(&want); err != nil {
		return "", err
	}
	if want.Body == nil {
		return "", refuse(http.StatusUnprocessableEntity, "Invalid request.\n\n\"body\" wasn't supplied.")
	}
	if strings.TrimSpace(*want.Body) == "" {
		return "", invalid("IssueComment", "body", "custom", "body can't be blank")
	}
	return *want.Body, checkText("IssueComment", nil, want.Body)
}

func createComment(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	body, err := c.commentBody()
	if err != nil {
		return reply{}, err
	}
	now := c.now()
	m := &comment{Repo: c.repo.ID, Body: body, User: c.who.user.ID, App: c.who.appID(), Created: now, Updated: now}
	m.Parent = i.ID
	c.put(m)
	i.Updated = now
	c.put(i)
	c.emitComment(i, m, "created", obj{})
	return created(c.commentJSON(c.repo, i, m)), nil
}

func getComment(c *call) (reply, error) {
	m, i, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	return ok(c.commentJSON(c.repo, i, m)), nil
}

// mayChange lets authors and those who can push change a comment.
func (c *call) mayChange(m *comment) error {
	if c.who.app == nil && m.User != c.who.user.ID && c.roleOf(c.who.user, c.repo) < writer {
		return refuse(http.StatusForbidden, "Must have push access to repository.")
	}
	return nil
}

func editComment(c *call) (reply, error) {
	m, i, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	if err := c.mayChange(m); err != nil {
		return reply{}, err
	}
	body, err := c.commentBody()
	if err != nil {
		return reply{}, err
	}
	if from := m.Body; from != body {
		m.Body, m.Updated = body, c.now()
		c.put(m)
		c.emitComment(i, m, "edited", obj{"changes": obj{"body": obj{"from": from}}})
	}
	return ok(c.commentJSON(c.repo, i, m)), nil
}

func deleteComment(c *call) (reply, error) {
	m, i, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	if err := c.mayChange(m); err != nil {
		return reply{}, err
	}
	c.remove(m)
	c.emitComment(i, m, "deleted", obj{})
	return noContent, nil
}

// reactions are the contents that a reaction can have.
var reactions = []string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}

// rollup counts the reactions to a comment or an issue, whose URL is self.
func (t *tx) rollup(id int64, self string) obj {
	found := list[reaction](t, id)
	o := obj{"url": self + "/reactions", "total_count": len(found)}
	for _, content := range reactions {
		n := 0
		for _, r := range found {
			if r.Content == content {
				n++
			}
		}
		o[content] = n
	}
	return o
}

func (t *tx) reactionJSON(r *reaction) obj {
	return obj{"id": r.ID, "node_id": nodeID("REA", r.ID), "user": t.userIDJSON(r.User), "content": r.Content, "created_at": stamp(r.Created)}
}

func listCommentReactions(c *call) (reply, error) {
	m, _, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	return c.listReactions(m.ID)
}

func listIssueReactions(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	return c.listReactions(i.ID)
}

func (c *call) listReactions(id int64) (reply, error) {
	content := c.query("content")
	found := slices.DeleteFunc(list[reaction](c.tx, id), func(r *reaction) bool { return content != "" && r.Content != content })
	return ok(each(page(c, found), c.reactionJSON)), nil
}

func reactToComment(c *call) (reply, error) {
	m, _, err := c.comment()
	if err != nil {
		return reply{}, err
	}
	return c.react(m.ID)
}

func reactToIssue(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	return c.react(i.ID)
}

// react adds a reaction. The second one that is the same is answered with the
// first and 200.
func (c *call) react(id int64) (reply, error) {
	var want struct {
		Content string `json:"content"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if !slices.Contains(reactions, want.Content) {
		return reply{}, invalid("Reaction", "content", "invalid", "")
	}
	old := first(list[reaction](c.tx, id), func(r *reaction) bool { return r.User == c.who.user.ID && r.Content == want.Content })
	if old != nil {
		return ok(c.reactionJSON(old)), nil
	}
	r := &reaction{User: c.who.user.ID, Content: want.Content, Created: c.now()}
	r.Parent = id
	c.put(r)
	return created(c.reactionJSON(r)), nil
}
