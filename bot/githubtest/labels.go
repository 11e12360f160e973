package githubtest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var labelRoutes = []route{
	{"GET /repos/{owner}/{repo}/labels", "issues:read|pull_requests:read", reader, listRepoLabels},
	{"POST /repos/{owner}/{repo}/labels", "issues:write|pull_requests:write", writer, createLabel},
	{"GET /repos/{owner}/{repo}/labels/{name}", "issues:read|pull_requests:read", reader, getLabel},
	{"PATCH /repos/{owner}/{repo}/labels/{name}", "issues:write|pull_requests:write", writer, renameLabel},
	{"GET /repos/{owner}/{repo}/issues/{number}/labels", "issues:read|pull_requests:read", reader, listLabels},
	{"POST /repos/{owner}/{repo}/issues/{number}/labels", "issues:write|pull_requests:write", triager, addLabels},
	{"PUT /repos/{owner}/{repo}/issues/{number}/labels", "issues:write|pull_requests:write", triager, replaceLabels},
	{"DELETE /repos/{owner}/{repo}/issues/{number}/labels", "issues:write|pull_requests:write", triager, removeLabels},
	{"DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}", "issues:write|pull_requests:write", triager, removeLabel},
	{"GET /repos/{owner}/{repo}/issues/{number}/events", "issues:read", reader, listEvents},
}

// defaultLabels are some of those that a new repository has.
var defaultLabels = []label{
	{Name: "bug", Color: "d73a4a", Description: "Something isn't working"},
	{Name: "documentation", Color: "0075ca", Description: "Improvements or additions to documentation"},
	{Name: "enhancement", Color: "a2eeef", Description: "New feature or request"},
}

func (t *tx) findLabel(r *repository, name string) *label {
	return first(list[label](t, r.ID), func(l *label) bool { return strings.EqualFold(l.Name, name) })
}

// ensureLabel returns the label of the repository with the name. A new name
// makes a new label, as it does at GitHub.
func (c *call) ensureLabel(name string) *label {
	if l := c.findLabel(c.repo, name); l != nil {
		return l
	}
	l := &label{Name: name, Color: "ededed"}
	l.Parent = c.repo.ID
	c.put(l)
	c.emitLabel("created", l)
	return l
}

func (c *call) emitLabel(action string, l *label) {
	c.emit(event{repo: c.repo, name: "label", action: action, sender: c.who.user, payload: obj{"label": c.labelJSON(c.repo, l)}})
}

func (t *tx) labelJSON(r *repository, l *label) obj {
	isDefault := slices.ContainsFunc(defaultLabels, func(d label) bool { return d.Name == l.Name })
	return obj{"id": l.ID, "node_id": nodeID("LA", l.ID), "url": t.api("/repos/%s/labels/%s", r.fullName(), url.PathEscape(l.Name)),
		"name": l.Name, "color": l.Color, "default": isDefault, "description": orNil(l.Description)}
}

func (t *tx) labelsJSON(r *repository, i *issue) []obj {
	return each(i.Labels, func(id int64) obj { return t.labelJSON(r, get[label](t, id)) })
}

// hasLabels reports whether an issue has all of the labels, which are separated
// by commas.
func (c *call) hasLabels(i *issue, names string) bool {
	if names == "" {
		return true
	}
	for name := range strings.SplitSeq(names, ",") {
		l := c.findLabel(c.repo, name)
		if l == nil || !slices.Contains(i.Labels, l.ID) {
			return false
		}
	}
	return true
}

func listRepoLabels(c *call) (reply, error) {
	found := list[label](c.tx, c.repo.ID)
	return ok(each(page(c, found), func(l *label) obj { return c.labelJSON(c.repo, l) })), nil
}

func getLabel(c *call) (reply, error) {
	l := c.findLabel(c.repo, c.r.PathValue("name"))
	if l == nil {
		return reply{}, errNotFound
	}
	return ok(c.labelJSON(c.repo, l)), nil
}

var colorRE = regexp.MustCompile(`^[0-9a-fA-F]{6}$`)

func createLabel(c *call) (reply, error) {
	want := label{Color: "ededed"}
	var fields struct {
		Name        string  `json:"name"`
		Color       *string `json:"color"`
		Description string  `json:"description"`
	}
	if err := c.decode(&fields); err != nil {
		return reply{}, err
	}
	want.Name, want.Description, want.Parent = fields.Name, fields.Description, c.repo.ID
	if fields.Color != nil {
		want.Color = *fields.Color
	}
	switch {
	case strings.TrimSpace(want.Name) == "":
		return reply{}, invalid("Label", "name", "missing_field", "")
	case !colorRE.MatchString(want.Color):
		return reply{}, invalid("Label", "color", "invalid", "")
	case c.findLabel(c.repo, want.Name) != nil:
		return reply{}, invalid("Label", "name", "already_exists", "")
	}
	c.put(&want)
	c.emitLabel("created", &want)
	return created(c.labelJSON(c.repo, &want)), nil
}

// renameLabel gives a label another name, which is all that this GitHub changes of
// one.
func renameLabel(c *call) (reply, error) {
	l := c.findLabel(c.repo, c.r.PathValue("name"))
	if l == nil {
		return reply{}, errNotFound
	}
	var want struct {
		Name string `json:"new_name"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if other := c.findLabel(c.repo, want.Name); other != nil && other.ID != l.ID {
		return reply{}, invalid("Label", "name", "already_exists", "")
	}
	if want.Name = strings.TrimSpace(want.Name); want.Name != "" {
		l.Name = want.Name
		c.put(l)
	}
	return ok(c.labelJSON(c.repo, l)), nil
}

func listLabels(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	return ok(page(c, c.labelsJSON(c.repo, i))), nil
}

// labelNames reads the body of a request: {"labels": ["a"]}, {"labels":
// [{"name": "a"}]} or only the list.
func (c *call) labelNames() ([]string, error) {
	var body json.RawMessage
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	var wrapped struct{ Labels json.RawMessage }
	if json.Unmarshal(body, &wrapped) == nil && wrapped.Labels != nil {
		body = wrapped.Labels
	}
	var names []string
	if json.Unmarshal(body, &names) == nil {
		return names, nil
	}
	var labels []struct{ Name string }
	if json.Unmarshal(body, &labels) != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "Invalid request.\n\nFor 'properties/labels', it is not an array.")
	}
	return each(labels, func(l struct{ Name string }) string { return l.Name }), nil
}

// setLabels gives an issue exactly the labels.
func (c *call) setLabels(i *issue, names []string) {
	var want []int64
	for _, name := range names {
		if id := c.ensureLabel(name).ID; !slices.Contains(want, id) {
			want = append(want, id)
		}
	}
	had := i.Labels
	i.Labels, i.Updated = want, c.now()
	c.put(i)
	for _, id := range had {
		if !slices.Contains(want, id) {
			c.emitLabelling(i, id, true)
		}
	}
	for _, id := range want {
		if !slices.Contains(had, id) {
			c.emitLabelling(i, id, false)
		}
	}
}

// emitLabelling sends the event that a label was put on an issue, or taken off,
// and keeps it for the issue's own list.
func (c *call) emitLabelling(i *issue, id int64, off bool) {
	l := &labelling{Label: id, Off: off, User: c.who.user.ID, App: c.who.appID(), At: c.now()}
	l.Parent = i.ID
	c.put(l)
	c.emitIssue(i, l.event(), obj{"label": c.labelJSON(c.repo, get[label](c.tx, id))})
}

func (l *labelling) event() string {
	if l.Off {
		return "unlabeled"
	}
	return "labeled"
}

// listEvents lists the events of an issue, oldest first. Those that have to do
// with labels are all that this GitHub keeps.
func listEvents(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	return ok(each(page(c, list[labelling](c.tx, i.ID)), func(l *labelling) obj {
		about := get[label](c.tx, l.Label)
		return obj{"id": l.ID, "node_id": nodeID("LE", l.ID), "url": c.api("/repos/%s/issues/events/%d", c.repo.fullName(), l.ID),
			"actor": c.userIDJSON(l.User), "event": l.event(), "commit_id": nil, "commit_url": nil, "created_at": stamp(l.At),
			"performed_via_github_app": c.appIDJSON(l.App), "label": obj{"name": about.Name, "color": about.Color}}
	})), nil
}

func addLabels(c *call) (reply, error)     { return c.changeLabels(true) }
func replaceLabels(c *call) (reply, error) { return c.changeLabels(false) }

func (c *call) changeLabels(keep bool) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	names, err := c.labelNames()
	if err != nil {
		return reply{}, err
	}
	if keep {
		had := each(i.Labels, func(id int64) string { return get[label](c.tx, id).Name })
		names = append(had, names...)
	}
	c.setLabels(i, names)
	return ok(c.labelsJSON(c.repo, i)), nil
}

func removeLabels(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	c.setLabels(i, nil)
	return noContent, nil
}

func removeLabel(c *call) (reply, error) {
	i, err := c.issue()
	if err != nil {
		return reply{}, err
	}
	l := c.findLabel(c.repo, c.r.PathValue("name"))
	if l == nil || !slices.Contains(i.Labels, l.ID) {
		return reply{}, refuse(http.StatusNotFound, "Label does not exist")
	}
	var rest []string
	for _, id := range i.Labels {
		if id != l.ID {
			rest = append(rest, get[label](c.tx, id).Name)
		}
	}
	c.setLabels(i, rest)
	return ok(c.labelsJSON(c.repo, i)), nil
}
