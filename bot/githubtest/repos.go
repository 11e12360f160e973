package githubtest

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

var userRoutes = []route{
	{"GET /user", "", anyone, getAuthenticated},
	{"GET /users/{username}", "any", anyone, getUser},
	{"POST /user/repos", "", anyone, createUserRepo},
}

var repoRoutes = []route{
	{"GET /repos/{owner}/{repo}", "metadata:read", reader, getRepo},
	{"GET /repos/{owner}/{repo}/contents/{path...}", "contents:read", reader, getContents},
	{"GET /repos/{owner}/{repo}/collaborators/{username}", "metadata:read", writer, checkCollaborator},
	{"GET /repos/{owner}/{repo}/collaborators/{username}/permission", "metadata:read", writer, getPermission},
	{"GET /repos/{owner}/{repo}/branches", "contents:read", reader, listBranches},
	{"GET /repos/{owner}/{repo}/branches/{branch...}", "contents:read", reader, getBranch},
	{"POST /repos/{owner}/{repo}/branches/{branch}/rename", "contents:write", writer, renameBranch},
	{"GET /repos/{owner}/{repo}/commits", "contents:read", reader, listCommits},
	{"GET /repos/{owner}/{repo}/commits/{ref...}", "contents:read", reader, getCommit},
	{"GET /repos/{owner}/{repo}/compare/{basehead...}", "contents:read", reader, compare},
	{"GET /repos/{owner}/{repo}/activity", "contents:read", reader, listActivities},
}

func (r *repository) fullName() string { return r.Owner + "/" + r.Name }

// findRepo returns a repository by its name in any case, or nil. A name that it
// had before leads to it, too, as by GitHub's redirects, unless another has that
// name now.
func (t *tx) findRepo(owner, name string) *repository {
	list := all[repository](t)
	r := first(list, func(r *repository) bool {
		return strings.EqualFold(r.Owner, owner) && strings.EqualFold(r.Name, name)
	})
	if r == nil {
		r = first(list, func(r *repository) bool { return slices.Contains(r.Former, strings.ToLower(owner+"/"+name)) })
	}
	return r
}

// findUser returns a user by the login in any case, or nil.
func (t *tx) findUser(login string) *user {
	return first(all[user](t), func(u *user) bool { return strings.EqualFold(u.Login, login) })
}

// profileJSON is a user with what only their own page shows.
func (t *tx) profileJSON(u *user) obj {
	o := t.userJSON(u).(obj)
	for _, name := range []string{"company", "location", "email", "hireable", "bio"} {
		o[name] = nil
	}
	o["name"], o["blog"] = u.Login, ""
	o["public_repos"] = len(list[repository](t, u.ID))
	o["public_gists"], o["followers"], o["following"] = 0, 0, 0
	o["created_at"], o["updated_at"] = stamp(u.Created), stamp(u.Created)
	return o
}

// organizationJSON is an organization as it is in webhooks.
func (t *tx) organizationJSON(u *user) obj {
	self := t.api("/orgs/%s", u.Login)
	return obj{
		"login": u.Login, "id": u.ID, "node_id": nodeID("O", u.ID), "url": self, "repos_url": self + "/repos",
		"events_url": self + "/events", "hooks_url": self + "/hooks", "issues_url": self + "/issues",
		"members_url": self + "/members{/member}", "public_members_url": self + "/public_members{/member}",
		"avatar_url": t.html("/avatars/u/%d", u.ID), "description": nil,
	}
}

func getAuthenticated(c *call) (reply, error) { return ok(c.profileJSON(c.who.user)), nil }

func getUser(c *call) (reply, error) {
	u := c.findUser(c.r.PathValue("username"))
	if u == nil {
		return reply{}, errNotFound
	}
	return ok(c.profileJSON(u)), nil
}

func createUserRepo(c *call) (reply, error) {
	var want struct {
		Name     string `json:"name"`
		Private  bool   `json:"private"`
		AutoInit bool   `json:"auto_init"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if !nameRE.MatchString(want.Name) {
		return reply{}, invalid("Repository", "name", "missing_field", "")
	}
	if c.findRepo(c.who.user.Login, want.Name) != nil {
		return reply{}, invalid("Repository", "name", "custom", "name already exists on this account")
	}
	var commits []Commit
	if want.AutoInit {
		first, err := initialCommit(c.who.user, want.Name, c.now())
		if err != nil {
			return reply{}, err
		}
		commits = append(commits, first)
	}
	r, err := c.createRepository(c.who.user, want.Name, want.Private, commits)
	if err != nil {
		return reply{}, err
	}
	return created(c.fullRepoJSON(r)), nil
}

func getRepo(c *call) (reply, error) { return ok(c.fullRepoJSON(c.repo)), nil }

// fullRepoJSON is a repository on its own.
func (c *call) fullRepoJSON(r *repository) obj {
	o := c.repoJSON(r)
	o["subscribers_count"], o["network_count"] = 0, 0
	o["allow_merge_commit"], o["allow_squash_merge"], o["allow_rebase_merge"] = true, true, true
	o["allow_auto_merge"], o["delete_branch_on_merge"], o["allow_update_branch"] = false, false, false
	if c.who.user != nil && c.who.inst == nil {
		has := c.roleOf(c.who.user, r)
		o["permissions"] = obj{"admin": has >= admin, "maintain": has >= maintainer, "push": has >= writer,
			"triage": has >= triager, "pull": has >= reader}
	}
	return o
}

func checkCollaborator(c *call) (reply, error) {
	u := c.findUser(c.r.PathValue("username"))
	if u == nil || u.ID != c.repo.Parent && c.repo.Roles[strings.ToLower(u.Login)] == nobody {
		return reply{}, errNotFound
	}
	return noContent, nil
}

// getPermission folds the roles into the four permissions that there were
// before roles: GitHub REST, Get repository permissions for a user.
func getPermission(c *call) (reply, error) {
	u := c.findUser(c.r.PathValue("username"))
	if u == nil {
		return reply{}, errNotFound
	}
	has := c.roleOf(u, c.repo)
	permission := map[role]string{admin: "admin", maintainer: "write", writer: "write", triager: "read", reader: "read"}[has]
	if permission == "" {
		permission = "none"
	}
	o := c.userJSON(u).(obj)
	o["role_name"] = has.String()
	o["permissions"] = obj{"admin": has >= admin, "maintain": has >= maintainer, "push": has >= writer,
		"triage": has >= triager, "pull": has >= reader}
	return ok(obj{"permission": permission, "role_name": has.String(), "user": o}), nil
}

// getContents answers with a file or the list of a folder.
func getContents(c *call) (reply, error) {
	ref := c.query("ref")
	if ref == "" {
		ref = c.repo.DefaultBranch
	}
	sha, err := c.resolve(c.repo, strings.TrimPrefix(ref, "refs/heads/"))
	if err != nil {
		return reply{}, refuse(http.StatusNotFound, "No commit found for the ref %s", ref)
	}
	name := strings.Trim(c.r.PathValue("path"), "/")
	if name != "" && path.Clean("/"+name) != "/"+name {
		return reply{}, errNotFound
	}
	lines, err := c.treeLines(c.repo, sha, name)
	if err != nil {
		return reply{}, err
	}
	if len(lines) == 1 && lines[0].Path == name && lines[0].Type == "tree" {
		if lines, err = c.treeLines(c.repo, sha, name+"/"); err != nil {
			return reply{}, err
		}
	} else if len(lines) == 1 && lines[0].Path == name {
		return c.fileContents(lines[0], ref)
	}
	if len(lines) == 0 {
		return reply{}, errNotFound
	}
	return ok(each(lines, func(e treeEntry) obj { return c.contentJSON(e, ref) })), nil
}

// fileContents answers with one file. Only up to 1 MB is in the JSON: GitHub
// REST, Get repository content.
func (c *call) fileContents(e treeEntry, ref string) (reply, error) {
	data, err := c.blob(c.repo, e.SHA)
	if err != nil {
		return reply{}, err
	}
	if strings.Contains(c.r.Header.Get("Accept"), "raw") {
		return ok(rawBody{"application/vnd.github.raw+json; charset=utf-8", data}), nil
	}
	o := c.contentJSON(e, ref)
	if len(data) > 1<<20 {
		o["encoding"], o["content"] = "none", ""
		return ok(o), nil
	}
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for line := range slices.Chunk([]byte(text), 60) {
		b.Write(line)
		b.WriteByte('\n')
	}
	o["encoding"], o["content"] = "base64", b.String()
	return ok(o), nil
}

func (c *call) contentJSON(e treeEntry, ref string) obj {
	escaped := (&url.URL{Path: e.Path}).EscapedPath()
	self := c.api("/repos/%s/contents/%s?ref=%s", c.repo.fullName(), escaped, url.QueryEscape(ref))
	kinds := map[string]string{"tree": "dir", "blob": "file", "commit": "submodule"}
	kind, page := kinds[e.Type], c.html("/%s/%s/%s/%s", c.repo.fullName(), e.Type, ref, escaped)
	o := obj{
		"type": kind, "size": e.Size, "name": path.Base(e.Path), "path": e.Path, "sha": e.SHA,
		"url": self, "git_url": c.api("/repos/%s/git/%ss/%s", c.repo.fullName(), e.Type, e.SHA), "html_url": page,
		"download_url": nil,
	}
	if kind == "file" {
		o["download_url"] = c.html("/raw/%s/%s/%s", c.repo.fullName(), ref, escaped)
	}
	o["_links"] = obj{"self": self, "git": o["git_url"], "html": page}
	return o
}

func listBranches(c *call) (reply, error) {
	refs, err := c.refs(c.repo)
	if err != nil {
		return reply{}, err
	}
	var names []string
	for ref := range refs {
		if name, isBranch := strings.CutPrefix(ref, "refs/heads/"); isBranch {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return ok(each(page(c, names), func(name string) obj {
		sha := refs["refs/heads/"+name]
		return obj{"name": name, "protected": false,
			"commit": obj{"sha": sha, "url": c.api("/repos/%s/commits/%s", c.repo.fullName(), sha)}}
	})), nil
}

func getBranch(c *call) (reply, error) {
	name := c.r.PathValue("branch")
	sha := c.branchSHA(c.repo, name)
	if now := c.repo.Renamed[name]; sha == "" && now != "" {
		c.moved = c.api("/repos/%s/branches/%s", c.repo.fullName(), now)
		return reply{}, refuse(http.StatusMovedPermanently, "Moved Permanently")
	}
	if sha == "" {
		return reply{}, refuse(http.StatusNotFound, "Branch not found")
	}
	com, err := c.readCommit(c.repo, sha)
	if err != nil {
		return reply{}, err
	}
	self := c.api("/repos/%s/branches/%s", c.repo.fullName(), name)
	off := obj{"enforcement_level": "off", "contexts": []string{}, "checks": []obj{}}
	return ok(obj{
		"name": name, "commit": c.commitJSON(c.repo, com), "protected": false, "protection_url": self + "/protection",
		"_links":     obj{"self": self, "html": c.html("/%s/tree/%s", c.repo.fullName(), name)},
		"protection": obj{"enabled": false, "required_status_checks": off},
	}), nil
}

func listCommits(c *call) (reply, error) {
	ref := c.query("sha")
	if ref == "" {
		ref = c.repo.DefaultBranch
	}
	sha, err := c.resolve(c.repo, ref)
	if err != nil {
		return reply{}, err
	}
	args := []string{sha}
	if name := c.query("path"); fs.ValidPath(name) {
		args = append(args, "--", name)
	} else if name != "" {
		return ok([]obj{}), nil
	}
	commits, err := c.readCommits(c.repo, args...)
	if err != nil {
		return reply{}, err
	}
	return ok(each(page(c, commits), func(com commit) obj { return c.commitJSON(c.repo, com) })), nil
}

func getCommit(c *call) (reply, error) {
	sha, err := c.resolve(c.repo, c.r.PathValue("ref"))
	if err != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", c.r.PathValue("ref"))
	}
	com, err := c.readCommit(c.repo, sha)
	if err != nil {
		return reply{}, err
	}
	from := emptyTree
	if len(com.Parents) > 0 {
		from = com.Parents[0]
	}
	o := c.commitJSON(c.repo, com)
	files, err := c.diff(c.repo, from, sha)
	if err != nil {
		return reply{}, err
	}
	added, removed := 0, 0
	for _, f := range files {
		added += f.Added
		removed += f.Removed
	}
	o["stats"] = obj{"additions": added, "deletions": removed, "total": added + removed}
	o["files"], err = c.diffJSON(c.repo, from, sha, page(c, files))
	return ok(o), err
}

// compare answers GitHub REST, Compare two commits: the difference is that from
// their merge base.
func compare(c *call) (reply, error) {
	from, to, found := strings.Cut(c.r.PathValue("basehead"), "...")
	if !found {
		return reply{}, errNotFound
	}
	tip := func(name string) (string, error) {
		if owner, branch, ok := strings.Cut(name, ":"); ok && strings.EqualFold(owner, c.repo.Owner) {
			name = branch
		}
		return c.resolve(c.repo, name)
	}
	a, err := tip(from)
	b, err2 := tip(to)
	if err := errors.Join(err, err2); err != nil {
		return reply{}, errNotFound
	}
	mid, err := c.git(c.repo, "merge-base", a, b)
	if err != nil {
		return reply{}, refuse(http.StatusNotFound, "No common ancestor between %s and %s.", from, to)
	}
	ahead, err := c.readCommits(c.repo, "--reverse", "^"+a, b)
	if err != nil {
		return reply{}, err
	}
	behind, err := c.git(c.repo, "rev-list", "--count", "^"+b, a)
	if err != nil {
		return reply{}, err
	}
	files, err := c.diff(c.repo, mid, b)
	if err != nil {
		return reply{}, err
	}
	ends, err := c.readCommits(c.repo, "--no-walk=unsorted", a, mid)
	if err != nil {
		return reply{}, err
	}
	return c.comparison(from, to, mid, b, ends, ahead, behind, files)
}

func (c *call) comparison(from, to, mid, tip string, ends, ahead []commit, behind string, files []diffEntry) (reply, error) {
	behindBy, err := strconv.Atoi(behind)
	if err != nil {
		return reply{}, err
	}
	status := "diverged"
	switch {
	case len(ahead) == 0 && behindBy == 0:
		status = "identical"
	case behindBy == 0:
		status = "ahead"
	case len(ahead) == 0:
		status = "behind"
	}
	page1 := c.html("/%s/compare/%s...%s", c.repo.fullName(), from, to)
	asJSON := func(com commit) obj { return c.commitJSON(c.repo, com) }
	diffs, err := c.diffJSON(c.repo, mid, tip, files[:min(len(files), 300)])
	return ok(obj{
		"url":      c.api("/repos/%s/compare/%s...%s", c.repo.fullName(), from, to),
		"html_url": page1, "permalink_url": page1, "diff_url": page1 + ".diff", "patch_url": page1 + ".patch",
		"base_commit": asJSON(ends[0]), "merge_base_commit": asJSON(ends[len(ends)-1]), "status": status,
		"ahead_by": len(ahead), "behind_by": behindBy, "total_commits": len(ahead),
		"commits": each(page(c, ahead), asJSON), "files": diffs,
	}), err
}
