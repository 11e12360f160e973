package githubtest

import (
	"net/http"
	"slices"
	"time"
)

var appRoutes = []route{
	{"GET /app", "jwt", nobody, getApp},
	{"GET /app/installations", "jwt", nobody, listInstallations},
	{"GET /app/installations/{id}", "jwt", nobody, getInstallation},
	{"POST /app/installations/{id}/access_tokens", "jwt", nobody, createToken},
	{"GET /repos/{owner}/{repo}/installation", "jwt", nobody, getRepoInstallation},
	{"GET /installation/repositories", "installation", nobody, listInstallationRepos},
	{"DELETE /installation/token", "installation", nobody, revokeToken},
	{"GET /rate_limit", "any", anyone, getRateLimit},
}

func getApp(c *call) (reply, error) {
	o := c.appJSON(c.who.app).(obj)
	o["installations_count"] = len(list[installation](c.tx, c.who.app.ID))
	return ok(o), nil
}

func listInstallations(c *call) (reply, error) {
	found := list[installation](c.tx, c.who.app.ID)
	return ok(each(page(c, found), c.installationJSON)), nil
}

// installation returns the installation in the path.
func (c *call) installation() (*installation, error) {
	inst := get[installation](c.tx, c.id("id"))
	if inst == nil || inst.Parent != c.who.app.ID {
		return nil, errNotFound
	}
	return inst, nil
}

func getInstallation(c *call) (reply, error) {
	inst, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	return ok(c.installationJSON(inst)), nil
}

func getRepoInstallation(c *call) (reply, error) {
	inst := first(list[installation](c.tx, c.who.app.ID), func(i *installation) bool { return c.installed(i, c.repo) })
	if inst == nil {
		return reply{}, errNotFound
	}
	return ok(c.installationJSON(inst)), nil
}

// tokenLife is how long the token of an installation works: GitHub REST, Create
// an installation access token for an app.
const tokenLife = time.Hour

func createToken(c *call) (reply, error) {
	inst, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if !inst.Suspended.IsZero() {
		return reply{}, refuse(http.StatusForbidden, "This installation has been suspended")
	}
	var want struct {
		Repositories  []string          `json:"repositories"`
		RepositoryIDs []int64           `json:"repository_ids"`
		Permissions   map[string]string `json:"permissions"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	tok := &token{Expires: c.now().Add(tokenLife), Permissions: c.who.app.Manifest.Permissions}
	tok.Parent = inst.ID
	if want.Permissions != nil {
		all := &actor{token: &token{Permissions: tok.Permissions}}
		for name, level := range want.Permissions {
			if !all.permits(name + ":" + level) {
				return reply{}, refuse(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
			}
		}
		tok.Permissions = want.Permissions
		tok.Permissions["metadata"] = "read"
	}
	covered := c.installedRepos(inst)
	for _, r := range covered {
		if slices.Contains(want.Repositories, r.Name) || slices.Contains(want.RepositoryIDs, r.ID) {
			tok.Repos = append(tok.Repos, r.ID)
		}
	}
	if len(tok.Repos) < max(len(want.Repositories), len(want.RepositoryIDs)) {
		return reply{}, refuse(http.StatusUnprocessableEntity, "There is at least one repository that does not exist or is not accessible to the parent installation.")
	}
	c.dropExpired(inst)
	text := newToken("ghs")
	tok.ID = tokenID(text)
	c.put(tok)
	o := obj{"token": text, "expires_at": stamp(tok.Expires), "permissions": tok.Permissions, "repository_selection": inst.selection()}
	if len(tok.Repos) > 0 {
		o["repository_selection"] = "selected"
		o["repositories"] = each(tok.Repos, func(id int64) obj { return c.repoJSON(get[repository](c.tx, id)) })
	}
	return created(o), nil
}

func (t *tx) dropExpired(inst *installation) {
	for _, old := range list[token](t, inst.ID) {
		if !t.now().Before(old.Expires) {
			t.remove(old)
		}
	}
}

// installedRepos returns the repositories that an installation is on.
func (t *tx) installedRepos(inst *installation) []*repository {
	return slices.DeleteFunc(all[repository](t), func(r *repository) bool { return !t.installed(inst, r) })
}

func listInstallationRepos(c *call) (reply, error) {
	repos := slices.DeleteFunc(c.installedRepos(c.who.inst), func(r *repository) bool { return !c.covers(c.who, r) })
	return ok(obj{
		"total_count": len(repos), "repository_selection": c.who.inst.selection(),
		"repositories": each(page(c, repos), c.repoJSON),
	}), nil
}

func revokeToken(c *call) (reply, error) {
	c.remove(c.who.token)
	return noContent, nil
}

func getRateLimit(c *call) (reply, error) {
	rate := c.limits.state(c.who, c.Server)
	o := obj{}
	for _, name := range []string{"core", "search", "graphql", "integration_manifest"} {
		o[name] = rate
	}
	return ok(obj{"resources": o, "rate": rate}), nil
}
