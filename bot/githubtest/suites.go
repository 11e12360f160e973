package githubtest

import (
	"fmt"
	"net/http"
	"slices"
)

var suiteRoutes = []route{
	{"GET /repos/{owner}/{repo}/check-suites/{id}", "checks:read", reader, getSuite},
	{"GET /repos/{owner}/{repo}/check-suites/{id}/check-runs", "checks:read", reader, listSuiteRuns},
	{"POST /repos/{owner}/{repo}/check-suites/{id}/rerequest", "checks:write", writer, rerequestSuite},
	{"GET /repos/{owner}/{repo}/commits/{ref}/check-suites", "checks:read", reader, listSuites},
}

func (c *call) suite() (*suite, error) {
	s := get[suite](c.tx, c.id("id"))
	if s == nil || s.Parent != c.repo.ID {
		return nil, errNotFound
	}
	return s, nil
}

// requestSuites makes a check suite for a commit that was pushed, for each app
// that can write checks, and asks the app to run it.
func (t *tx) requestSuites(r *repository, branch, before, sha string, who *user) {
	for _, inst := range all[installation](t) {
		a := get[app](t, inst.Parent)
		if !t.installed(inst, r) || a.Manifest.Permissions["checks"] != "write" {
			continue
		}
		had := len(list[suite](t, r.ID))
		s := t.ensureSuite(r, a, sha, branch, before)
		if len(list[suite](t, r.ID)) > had {
			t.emitSuite(r, s, "requested", who)
		}
	}
}

// ensureSuite returns the check suite of an app for a commit.
func (t *tx) ensureSuite(r *repository, a *app, sha, branch, before string) *suite {
	s := first(list[suite](t, r.ID), func(s *suite) bool { return s.App == a.ID && s.HeadSHA == sha })
	if s != nil {
		return s
	}
	if branch == "" {
		if names, err := t.lines(r, "for-each-ref", "--points-at", sha, "--format=%(refname:lstrip=2)", "refs/heads"); err == nil && len(names) > 0 {
			branch = names[0]
		}
	}
	s = &suite{App: a.ID, HeadSHA: sha, HeadBranch: branch, Before: before, Created: t.now(), Updated: t.now()}
	s.Parent = r.ID
	t.put(s)
	return s
}

// suiteState derives the status and the conclusion of a suite from its latest
// runs: it is as bad as the worst of them.
func (t *tx) suiteState(s *suite) (status, conclusion string) {
	latest := map[string]*checkRun{}
	for _, run := range list[checkRun](t, s.ID) {
		latest[run.Name] = run
	}
	if len(latest) == 0 || s.Rerequested {
		return "queued", ""
	}
	worst := len(conclusions) - 1
	for _, run := range latest {
		if run.Status != "completed" {
			return "in_progress", ""
		}
		worst = min(worst, slices.Index(conclusions, run.Conclusion))
	}
	return "completed", conclusions[worst]
}

// conclusions are the conclusions of check runs, worst first.
var conclusions = []string{"failure", "timed_out", "action_required", "cancelled", "success", "neutral", "skipped"}

func (t *tx) suiteJSON(r *repository, s *suite) obj {
	self := t.api("/repos/%s/check-suites/%d", r.fullName(), s.ID)
	status, conclusion := t.suiteState(s)
	com, err := t.readCommit(r, s.HeadSHA)
	must(err)
	return obj{
		"id": s.ID, "node_id": nodeID("CS", s.ID), "head_branch": orNil(s.HeadBranch), "head_sha": s.HeadSHA, "status": status,
		"conclusion": orNil(conclusion), "url": self, "before": s.Before, "after": s.HeadSHA,
		"pull_requests": t.pullsAt(r, s.HeadSHA), "app": t.appIDJSON(s.App), "repository": t.repoJSON(r),
		"created_at": stamp(s.Created), "updated_at": stamp(s.Updated), "rerequestable": true, "runs_rerequestable": true,
		"latest_check_runs_count": len(list[checkRun](t, s.ID)), "check_runs_url": self + "/check-runs",
		"head_commit": obj{"id": com.SHA, "tree_id": com.Tree, "message": com.Message, "timestamp": stamp(com.Author.When),
			"author":    obj{"name": com.Author.Name, "email": com.Author.Email},
			"committer": obj{"name": com.Committer.Name, "email": com.Committer.Email}},
	}
}

func (t *tx) emitSuite(r *repository, s *suite, action string, who *user) {
	t.emit(event{repo: r, name: "check_suite", action: action, sender: who, only: s.App, payload: obj{"check_suite": t.suiteJSON(r, s)}})
}

// pullsAt returns the open pull requests whose head is a commit.
func (t *tx) pullsAt(r *repository, sha string) []obj {
	out := []obj{}
	for _, i := range list[issue](t, r.ID) {
		if i.Pull == nil || !i.Open {
			continue
		}
		if _, head := t.tips(r, i); head != sha {
			continue
		}
		self := t.api("/repos/%s", r.fullName())
		repo := obj{"id": r.ID, "url": self, "name": r.Name}
		out = append(out, obj{"id": i.ID, "number": i.Number, "url": self + fmt.Sprintf("/pulls/%d", i.Number),
			"head": obj{"ref": i.Pull.Head, "sha": sha, "repo": repo},
			"base": obj{"ref": i.Pull.Base, "sha": i.Pull.BaseSHA, "repo": repo}})
	}
	return out
}

func getSuite(c *call) (reply, error) {
	s, err := c.suite()
	if err != nil {
		return reply{}, err
	}
	return ok(c.suiteJSON(c.repo, s)), nil
}

func listSuiteRuns(c *call) (reply, error) {
	s, err := c.suite()
	if err != nil {
		return reply{}, err
	}
	return c.listRuns(list[checkRun](c.tx, s.ID))
}

func rerequestSuite(c *call) (reply, error) {
	s, err := c.suite()
	if err != nil {
		return reply{}, err
	}
	s.Rerequested = true
	c.put(s)
	c.emitSuite(c.repo, s, "rerequested", c.who.user)
	return created(obj{}), nil
}

func listSuites(c *call) (reply, error) {
	sha, err := c.resolve(c.repo, c.r.PathValue("ref"))
	if err != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", c.r.PathValue("ref"))
	}
	app, name := c.query("app_id"), c.query("check_name")
	found := slices.DeleteFunc(list[suite](c.tx, c.repo.ID), func(s *suite) bool {
		named := func(run *checkRun) bool { return run.Name == name }
		return s.HeadSHA != sha || app != "" && app != fmt.Sprint(s.App) ||
			name != "" && !slices.ContainsFunc(list[checkRun](c.tx, s.ID), named)
	})
	return ok(obj{"total_count": len(found), "check_suites": each(page(c, found), func(s *suite) obj { return c.suiteJSON(c.repo, s) })}), nil
}
