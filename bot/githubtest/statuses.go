package githubtest

import (
	"net/http"
	"slices"
	"strings"
)

var statusRoutes = []route{
	{"POST /repos/{owner}/{repo}/statuses/{sha}", "statuses:write", writer, createStatus},
	{"GET /repos/{owner}/{repo}/commits/{ref}/status", "statuses:read", reader, combinedStatus},
}

// maxStatuses is how many statuses one context of a commit may get: GitHub REST,
// Create a commit status.
const maxStatuses = 1000

func (t *tx) statusJSON(r *repository, s *status) obj {
	u := get[user](t, s.User)
	return obj{
		"id": s.ID, "node_id": nodeID("SC", s.ID), "state": s.State, "context": s.Context,
		"description": orNil(s.Description), "target_url": orNil(s.TargetURL), "avatar_url": t.html("/avatars/u/%d", u.ID),
		"url": t.api("/repos/%s/statuses/%s", r.fullName(), s.SHA), "created_at": stamp(s.Created), "updated_at": stamp(s.Created),
	}
}

func createStatus(c *call) (reply, error) {
	var want struct {
		State       string  `json:"state"`
		TargetURL   *string `json:"target_url"`
		Description *string `json:"description"`
		Context     *string `json:"context"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if !slices.Contains([]string{"error", "failure", "pending", "success"}, want.State) {
		return reply{}, invalid("Status", "state", "custom", "state is not included in the list")
	}
	s := &status{SHA: c.r.PathValue("sha"), State: want.State, Context: "default", User: c.who.user.ID, Created: c.now()}
	for field, value := range map[*string]*string{&s.Context: want.Context, &s.Description: want.Description, &s.TargetURL: want.TargetURL} {
		if value != nil {
			*field = *value
		}
	}
	if c.mustBeCommit(s.SHA) != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", s.SHA)
	}
	had := slices.DeleteFunc(list[status](c.tx, c.repo.ID), func(o *status) bool { return !o.replaces(s) })
	if len(had) >= maxStatuses {
		return reply{}, invalid("Status", "", "custom", "This SHA and context has reached the maximum number of statuses.")
	}
	s.Parent = c.repo.ID
	c.put(s)
	o := c.statusJSON(c.repo, s)
	o["creator"] = c.userJSON(c.who.user)
	return created(o), nil
}

// replaces reports whether two statuses are of the same thing, so that only the
// later one counts. Case does not matter in a context.
func (s *status) replaces(o *status) bool {
	return s.SHA == o.SHA && strings.EqualFold(s.Context, o.Context)
}

// combinedStatus answers with the latest status of each context, and what they
// come to: GitHub REST, Get the combined status for a specific reference.
func combinedStatus(c *call) (reply, error) {
	sha, err := c.resolve(c.repo, c.r.PathValue("ref"))
	if err != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", c.r.PathValue("ref"))
	}
	var latest []*status
	for _, s := range list[status](c.tx, c.repo.ID) {
		if s.SHA == sha {
			latest = append(slices.DeleteFunc(latest, s.replaces), s)
		}
	}
	in := func(states ...string) bool {
		return slices.ContainsFunc(latest, func(s *status) bool { return slices.Contains(states, s.State) })
	}
	state := "success"
	if in("error", "failure") {
		state = "failure"
	} else if in("pending") || len(latest) == 0 {
		state = "pending"
	}
	self := c.api("/repos/%s/commits/%s", c.repo.fullName(), sha)
	return ok(obj{"state": state, "sha": sha, "total_count": len(latest), "repository": c.repoJSON(c.repo), "commit_url": self, "url": self + "/status",
		"statuses": each(page(c, latest), func(s *status) obj { return c.statusJSON(c.repo, s) })}), nil
}
