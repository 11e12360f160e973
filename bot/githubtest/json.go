package githubtest

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// api returns the URL of a part of the API.
func (s *Server) api(format string, args ...any) string {
	return s.URL() + "/api/v3" + fmt.Sprintf(format, args...)
}

// html returns the URL of a page for people. There are no such pages here, but
// the links have the shape that GitHub's have.
func (s *Server) html(format string, args ...any) string {
	return s.URL() + fmt.Sprintf(format, args...)
}

// stamp is a time as GitHub writes it, nil for the zero time.
func stamp(when time.Time) any {
	if when.IsZero() {
		return nil
	}
	return when.UTC().Format(time.RFC3339)
}

// orNil is nil for "".
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func nodeID(kind string, id int64) string { return fmt.Sprintf("%s_%d", kind, id) }

func noreply(u *user) string {
	return fmt.Sprintf("%d+%s@users.noreply.github.com", u.ID, u.Login)
}

// userByEmail returns the user whose commits have the address, or nil.
func (t *tx) userByEmail(email string) *user {
	return first(all[user](t), func(u *user) bool { return noreply(u) == email })
}

func (t *tx) userJSON(u *user) any {
	if u == nil {
		return nil
	}
	self := t.api("/users/%s", url.PathEscape(u.Login))
	page := t.html("/%s", u.Login)
	if u.Type == "Bot" {
		page = t.html("/apps/%s", strings.TrimSuffix(u.Login, "[bot]"))
	}
	return obj{
		"login": u.Login, "id": u.ID, "node_id": nodeID("U", u.ID), "type": u.Type, "site_admin": false,
		"avatar_url": t.html("/avatars/u/%d", u.ID), "gravatar_id": "", "url": self, "html_url": page,
		"followers_url": self + "/followers", "following_url": self + "/following{/other_user}",
		"gists_url": self + "/gists{/gist_id}", "starred_url": self + "/starred{/owner}{/repo}",
		"subscriptions_url": self + "/subscriptions", "organizations_url": self + "/orgs",
		"repos_url": self + "/repos", "events_url": self + "/events{/privacy}",
		"received_events_url": self + "/received_events", "user_view_type": "public",
	}
}

func (t *tx) userIDJSON(id int64) any { return t.userJSON(get[user](t, id)) }

// repoJSON is a repository as it is within other things.
func (t *tx) repoJSON(r *repository) obj {
	self := t.api("/repos/%s", r.fullName())
	page := t.html("/%s", r.fullName())
	open := 0
	for _, i := range list[issue](t, r.ID) {
		if i.Open {
			open++
		}
	}
	visibility := "public"
	if r.Private {
		visibility = "private"
	}
	host := strings.TrimPrefix(strings.TrimPrefix(t.URL(), "http://"), "https://")
	o := obj{
		"id": r.ID, "node_id": nodeID("R", r.ID), "name": r.Name, "full_name": r.fullName(),
		"owner": t.userIDJSON(r.Parent), "private": r.Private, "visibility": visibility,
		"html_url": page, "description": nil, "fork": false, "url": self,
		"git_url": "git://" + host + "/" + r.fullName() + ".git", "ssh_url": "git@" + host + ":" + r.fullName() + ".git",
		"clone_url": page + ".git", "svn_url": page, "mirror_url": nil, "homepage": nil, "language": nil,
		"forks_count": 0, "stargazers_count": 0, "watchers_count": 0, "size": 0, "default_branch": r.DefaultBranch,
		"open_issues_count": open, "is_template": false, "topics": []string{}, "has_issues": !r.IssuesOff,
		"has_projects": false, "has_wiki": false, "has_pages": false, "has_downloads": false, "has_discussions": false,
		"archived": r.Archived, "disabled": false, "created_at": stamp(r.Created), "updated_at": stamp(r.Pushed),
		"pushed_at": stamp(r.Pushed), "license": nil, "forks": 0, "open_issues": open, "watchers": 0,
		"allow_forking": true, "web_commit_signoff_required": false,
	}
	for name, tail := range repoLinks {
		o[name] = self + tail
	}
	return o
}

// repoLinks are the links of a repository to parts of the API.
var repoLinks = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
	"comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
	"contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
	"downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
	"git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
	"issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
	"languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
	"releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags",
	"teams_url": "/teams", "trees_url": "/git/trees{/sha}",
}

func (t *tx) appJSON(a *app) any {
	if a == nil {
		return nil
	}
	return obj{
		"id": a.ID, "node_id": nodeID("A", a.ID), "slug": a.Slug, "client_id": a.ClientID,
		"owner": t.userIDJSON(a.Parent), "name": a.Manifest.Name, "description": a.Manifest.Description,
		"external_url": a.Manifest.URL, "html_url": t.html("/apps/%s", a.Slug),
		"created_at": stamp(a.Created), "updated_at": stamp(a.Created),
		"permissions": a.Manifest.Permissions, "events": a.Manifest.events(),
	}
}

func (t *tx) appIDJSON(id int64) any { return t.appJSON(get[app](t, id)) }

func (t *tx) installationJSON(inst *installation) obj {
	a, account := get[app](t, inst.Parent), get[user](t, inst.Account)
	page := t.html("/settings/installations/%d", inst.ID)
	if account.Type == "Organization" {
		page = t.html("/organizations/%s/settings/installations/%d", account.Login, inst.ID)
	}
	return obj{
		"id": inst.ID, "client_id": a.ClientID, "account": t.userJSON(account),
		"repository_selection": inst.selection(), "access_tokens_url": t.api("/app/installations/%d/access_tokens", inst.ID),
		"repositories_url": t.api("/installation/repositories"), "html_url": page, "app_id": a.ID, "app_slug": a.Slug,
		"target_id": account.ID, "target_type": account.Type, "permissions": a.Manifest.Permissions,
		"events": a.Manifest.events(), "created_at": stamp(inst.Created), "updated_at": stamp(inst.Created),
		"single_file_name": nil, "has_multiple_single_files": false, "single_file_paths": []string{},
		"suspended_by": nil, "suspended_at": stamp(inst.Suspended),
	}
}

func (inst *installation) selection() string {
	if len(inst.Repos) == 0 {
		return "all"
	}
	return "selected"
}

// association is what the author of something is to the repository.
func (t *tx) association(r *repository, id int64) string {
	u := get[user](t, id)
	switch {
	case u == nil || u.Type == "Bot":
		return "NONE"
	case u.ID == r.Parent:
		return "OWNER"
	case r.Roles[strings.ToLower(u.Login)] > nobody:
		return "COLLABORATOR"
	}
	return "NONE"
}
