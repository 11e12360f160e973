package githubtest

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

var pullRoutes = []route{
	{"GET /repos/{owner}/{repo}/pulls", "pull_requests:read", reader, listPulls},
	{"POST /repos/{owner}/{repo}/pulls", "pull_requests:write", writer, createPull},
	{"GET /repos/{owner}/{repo}/pulls/{number}", "pull_requests:read", reader, getPull},
	{"PATCH /repos/{owner}/{repo}/pulls/{number}", "pull_requests:write", reader, editPull},
	{"GET /repos/{owner}/{repo}/pulls/{number}/commits", "pull_requests:read", reader, listPullCommits},
	{"GET /repos/{owner}/{repo}/pulls/{number}/files", "pull_requests:read", reader, listPullFiles},
	{"GET /repos/{owner}/{repo}/pulls/{number}/merge", "pull_requests:read", reader, checkMerged},
	{"PUT /repos/{owner}/{repo}/pulls/{number}/merge", "contents:write", writer, mergePull},
	{"GET /repos/{owner}/{repo}/commits/{ref}/pulls", "pull_requests:read", reader, listCommitPulls},
}

// pull returns the pull request in the path.
func (c *call) pull() (*issue, error) {
	i := c.findIssue(c.repo, int(c.id("number")))
	if i == nil || i.Pull == nil {
		return nil, errNotFound
	}
	return i, nil
}

// tips returns the commits of the branches of a pull request: those of now while
// it is open, those of then when it is closed.
func (t *tx) tips(r *repository, i *issue) (base, head string) {
	base, head = i.Pull.BaseSHA, i.Pull.HeadSHA
	if i.Open {
		base, head = cmp.Or(t.branchSHA(r, i.Pull.Base), base), cmp.Or(t.branchSHA(r, i.Pull.Head), head)
	}
	return base, head
}

// pullSimpleJSON is a pull request as it is in lists. There, and nowhere else,
// GitHub's description wants a label to have a description, be it empty.
func (t *tx) pullSimpleJSON(r *repository, i *issue) obj {
	p := i.Pull
	_, head := t.tips(r, i)
	self := t.api("/repos/%s/pulls/%d", r.fullName(), i.Number)
	asIssue := t.api("/repos/%s/issues/%d", r.fullName(), i.Number)
	statuses := t.api("/repos/%s/statuses/%s", r.fullName(), head)
	page := t.html("/%s/pull/%d", r.fullName(), i.Number)
	end := func(branch, sha string) obj {
		return obj{"label": r.Owner + ":" + branch, "ref": branch, "sha": sha, "user": t.userIDJSON(r.Parent), "repo": t.repoJSON(r)}
	}
	links := obj{}
	for name, to := range map[string]string{"self": self, "html": page, "issue": asIssue, "comments": asIssue + "/comments",
		"review_comments": self + "/comments", "review_comment": t.api("/repos/%s/pulls/comments{/number}", r.fullName()),
		"commits": self + "/commits", "statuses": statuses} {
		links[name] = obj{"href": to}
	}
	labels := t.labelsJSON(r, i)
	for _, l := range labels {
		l["description"] = cmp.Or(l["description"], any(""))
	}
	return obj{
		"id": i.ID, "node_id": nodeID("PR", i.ID), "number": i.Number, "title": i.Title, "body": orNil(i.Body),
		"state": i.state(), "locked": false, "active_lock_reason": nil, "draft": p.Draft,
		"url": self, "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch", "issue_url": asIssue,
		"commits_url": self + "/commits", "review_comments_url": self + "/comments", "comments_url": asIssue + "/comments",
		"review_comment_url": t.api("/repos/%s/pulls/comments{/number}", r.fullName()), "statuses_url": statuses,
		"user": t.userIDJSON(i.User), "labels": labels, "milestone": nil, "assignee": nil, "assignees": []obj{},
		"requested_reviewers": each(p.Reviewers, t.userIDJSON), "requested_teams": []obj{}, "created_at": stamp(i.Created), "updated_at": stamp(i.Updated),
		"closed_at": stamp(i.Closed), "merged_at": stamp(p.Merged), "merge_commit_sha": orNil(p.MergeSHA),
		"head": end(p.Head, head), "base": end(p.Base, p.BaseSHA), "_links": links,
		"author_association": t.association(r, i.User), "auto_merge": nil,
	}
}

// pullJSON is a pull request on its own and in webhooks.
func (t *tx) pullJSON(r *repository, i *issue) obj {
	o := t.pullSimpleJSON(r, i)
	o["labels"] = t.labelsJSON(r, i)
	mid, base, head := t.pullRange(r, i)
	commits, err := t.git(r, "rev-list", "--count", "^"+base, head)
	must(err)
	files, err := t.diff(r, mid, head)
	must(err)
	added, removed := 0, 0
	for _, f := range files {
		added += f.Added
		removed += f.Removed
	}
	o["commits"], err = strconv.Atoi(commits)
	must(err)
	o["additions"], o["deletions"], o["changed_files"] = added, removed, len(files)
	o["comments"], o["review_comments"] = len(list[comment](t, i.ID)), 0
	o["maintainer_can_modify"] = false
	o["merged"], o["merged_by"] = i.Pull.MergeSHA != "", t.userIDJSON(i.Pull.MergedBy)
	o["mergeable"], o["rebaseable"], o["mergeable_state"] = nil, nil, "unknown"
	if i.Open {
		_, clean := t.mergeTree(r, base, head)
		o["mergeable"], o["rebaseable"], o["mergeable_state"] = clean, clean, "clean"
		switch {
		case !clean:
			o["mergeable_state"] = "dirty"
		case i.Pull.Draft:
			o["mergeable_state"] = "draft"
		}
	}
	return o
}

// pullRange returns the commits of the base and the head of a pull request and
// of where they parted.
func (t *tx) pullRange(r *repository, i *issue) (mid, base, head string) {
	base, head = t.tips(r, i)
	mid, err := t.git(r, "merge-base", base, head)
	must(err)
	return mid, base, head
}

func getPull(c *call) (reply, error) {
	i, err := c.pull()
	if err != nil {
		return reply{}, err
	}
	return ok(c.pullJSON(c.repo, i)), nil
}

func listPulls(c *call) (reply, error) {
	state := cmp.Or(c.query("state"), "open")
	var found []*issue
	for _, i := range list[issue](c.tx, c.repo.ID) {
		if i.Pull == nil || state != "all" && state != i.state() {
			continue
		}
		head := c.repo.Owner + ":" + i.Pull.Head
		// GitHub ignores a head that is not OWNER:BRANCH.
		if want := c.query("head"); strings.Contains(want, ":") && !strings.EqualFold(want, head) {
			continue
		}
		if want := c.query("base"); want != "" && want != i.Pull.Base {
			continue
		}
		found = append(found, i)
	}
	if err := c.sort(found); err != nil {
		return reply{}, err
	}
	return ok(each(page(c, found), func(i *issue) obj { return c.pullSimpleJSON(c.repo, i) })), nil
}

func listCommitPulls(c *call) (reply, error) {
	sha, err := c.resolve(c.repo, c.r.PathValue("ref"))
	if err != nil {
		return reply{}, refuse(http.StatusUnprocessableEntity, "No commit found for SHA: %s", c.r.PathValue("ref"))
	}
	var found []*issue
	for _, i := range list[issue](c.tx, c.repo.ID) {
		if i.Pull == nil {
			continue
		}
		base, head := c.tips(c.repo, i)
		if i.Pull.MergeSHA == sha || c.contains(c.repo, head, sha) && !c.contains(c.repo, base, sha) {
			found = append(found, i)
		}
	}
	return ok(each(page(c, found), func(i *issue) obj { return c.pullSimpleJSON(c.repo, i) })), nil
}

func createPull(c *call) (reply, error) {
	var want struct {
		Title string `json:"title"`
		Body  string `json:"body"`
		Head  string `json:"head"`
		Base  string `json:"base"`
		Draft bool   `json:"draft"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if err := checkText("PullRequest", &want.Title, &want.Body); err != nil {
		return reply{}, err
	}
	if owner, branch, found := strings.Cut(want.Head, ":"); found {
		if !strings.EqualFold(owner, c.repo.Owner) {
			return reply{}, invalid("PullRequest", "head", "invalid", "")
		}
		want.Head = branch
	}
	p := &pull{Head: want.Head, Base: want.Base, Draft: want.Draft,
		HeadSHA: c.branchSHA(c.repo, want.Head), BaseSHA: c.branchSHA(c.repo, want.Base)}
	if err := c.checkPull(p); err != nil {
		return reply{}, err
	}
	i := c.newIssue(want.Title, want.Body, p)
	if err := c.setPullRef(c.repo, i, p.HeadSHA); err != nil {
		return reply{}, err
	}
	c.emitIssue(i, "opened", obj{})
	return created(c.pullJSON(c.repo, i)), nil
}

// checkPull checks that a pull request can be open: GitHub REST, Create a pull
// request, and the messages of its validation errors.
func (c *call) checkPull(p *pull) error {
	if p.HeadSHA == "" || p.Head == "" {
		return invalid("PullRequest", "head", "invalid", "")
	}
	if p.BaseSHA == "" || p.Base == "" {
		return invalid("PullRequest", "base", "invalid", "")
	}
	other := first(list[issue](c.tx, c.repo.ID), func(i *issue) bool {
		return i.Pull != nil && i.Open && i.Pull.Head == p.Head && i.Pull.Base == p.Base
	})
	if other != nil {
		return invalid("PullRequest", "", "custom", fmt.Sprintf("A pull request already exists for %s:%s.", c.repo.Owner, p.Head))
	}
	if c.contains(c.repo, p.BaseSHA, p.HeadSHA) {
		return invalid("PullRequest", "", "custom", fmt.Sprintf("No commits between %s and %s", p.Base, p.Head))
	}
	if _, err := c.git(c.repo, "merge-base", p.BaseSHA, p.HeadSHA); err != nil {
		return invalid("PullRequest", "", "custom", fmt.Sprintf("The %s branch has no history in common with %s", p.Head, p.Base))
	}
	return nil
}

// mayReopen checks that a closed pull request can be opened again, and brings
// its commits up to date.
func (c *call) mayReopen(i *issue) error {
	if i.Pull.MergeSHA != "" {
		return invalid("PullRequest", "state", "custom", "state cannot be changed. The pull request is merged.")
	}
	p := *i.Pull
	p.HeadSHA, p.BaseSHA = c.branchSHA(c.repo, p.Head), c.branchSHA(c.repo, p.Base)
	if p.HeadSHA == "" {
		return invalid("PullRequest", "state", "custom", fmt.Sprintf("state cannot be changed. The %s branch was deleted.", p.Head))
	}
	if err := c.checkPull(&p); err != nil {
		return err
	}
	*i.Pull = p
	return c.setPullRef(c.repo, i, p.HeadSHA)
}

func editPull(c *call) (reply, error) {
	i, err := c.pull()
	if err != nil {
		return reply{}, err
	}
	var want struct {
		issueEdit
		Base *string `json:"base"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	if want.Base != nil && *want.Base != i.Pull.Base {
		if err := c.changeBase(i, *want.Base); err != nil {
			return reply{}, err
		}
	}
	want.Labels, want.Reason = nil, nil // not of this operation
	if err := c.edit(i, want.issueEdit); err != nil {
		return reply{}, err
	}
	return ok(c.pullJSON(c.repo, i)), nil
}

func (c *call) changeBase(i *issue, base string) error {
	if !i.Open {
		return invalid("PullRequest", "base", "custom", "Cannot change the base branch of a closed pull request.")
	}
	p := *i.Pull
	from := obj{"ref": obj{"from": p.Base}, "sha": obj{"from": p.BaseSHA}}
	p.Base, p.BaseSHA = base, c.branchSHA(c.repo, base)
	if err := c.checkPull(&p); err != nil {
		return err
	}
	*i.Pull = p
	i.Updated = c.now()
	c.put(i)
	c.emitIssue(i, "edited", obj{"changes": obj{"base": from}})
	return nil
}

// listPullCommits lists the first 250 commits: GitHub REST, List commits on a
// pull request.
func listPullCommits(c *call) (reply, error) {
	i, err := c.pull()
	if err != nil {
		return reply{}, err
	}
	_, base, head := c.pullRange(c.repo, i)
	commits, err := c.readCommits(c.repo, "--reverse", "^"+base, head)
	if err != nil {
		return reply{}, err
	}
	commits = commits[:min(len(commits), 250)]
	return ok(each(page(c, commits), func(com commit) obj { return c.commitJSON(c.repo, com) })), nil
}

// listPullFiles lists the first 3000 files: GitHub REST, List pull requests
// files.
func listPullFiles(c *call) (reply, error) {
	i, err := c.pull()
	if err != nil {
		return reply{}, err
	}
	mid, _, head := c.pullRange(c.repo, i)
	files, err := c.diff(c.repo, mid, head)
	if err != nil {
		return reply{}, err
	}
	out, err := c.diffJSON(c.repo, mid, head, page(c, files[:min(len(files), 3000)]))
	return ok(out), err
}

func checkMerged(c *call) (reply, error) {
	i, err := c.pull()
	if err != nil {
		return reply{}, err
	}
	if i.Pull.MergeSHA == "" {
		return reply{}, errNotFound
	}
	return noContent, nil
}

// merged notes that a pull request was merged by who, as commit.
func (t *tx) merged(r *repository, i *issue, commit string, who *user) {
	i.Pull.MergeSHA, i.Pull.MergedBy, i.Pull.Merged = commit, who.ID, t.now()
	t.closeIssue(r, i, "", who)
}

// when is the date of a commit made now, in the form that git takes.
func when(now time.Time) string { return fmt.Sprintf("%d +0000", now.Unix()) }
