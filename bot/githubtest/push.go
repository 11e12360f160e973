package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const zeroSHA = "0000000000000000000000000000000000000000"

// change lets f change the refs of a repository and draws the consequences. An
// intent is stored before, so that they are also drawn, by settle, if the
// process dies in between.
func (t *tx) change(r *repository, who *actor, in intent, f func() error) error {
	in.Parent, in.User, in.App = r.ID, who.user.ID, who.appID()
	t.put(&in)
	t.checkpoint()
	failed := f()
	if err := t.settle(r); err != nil {
		return err
	}
	if failed != nil {
		t.checkpoint() // an error must not undo what git did
	}
	return failed
}

// settle brings the store in line with the refs of the repository: what
// differs from the last time is a push, and a merge that was intended has
// happened if its commit is there.
func (t *tx) settle(r *repository) error {
	who := get[user](t, r.Parent)
	for _, in := range list[intent](t, r.ID) {
		who = get[user](t, in.User)
		if in.Issue != 0 {
			i := get[issue](t, in.Issue)
			if tip := t.branchSHA(r, i.Pull.Base); tip != "" && t.contains(r, tip, in.Commit) {
				t.merged(r, i, in.Commit, who)
			}
		}
		t.remove(in)
	}

	now, err := t.refs(r)
	if err != nil {
		return err
	}
	before := map[string]*seen{}
	for _, ref := range list[seen](t, r.ID) {
		before[ref.Ref] = ref
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(now)), maps.Keys(before))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		ref, sha := before[name], now[name]
		if ref == nil {
			ref = &seen{base: base{Parent: r.ID}, Ref: name, SHA: zeroSHA}
		}
		if sha == "" {
			sha = zeroSHA
		}
		if ref.SHA == sha {
			continue
		}
		from := ref.SHA
		ref.SHA = sha
		if sha == zeroSHA {
			t.remove(ref)
		} else {
			t.put(ref)
		}
		if err := t.pushed(r, name, from, sha, who); err != nil {
			return err
		}
	}
	return nil
}

// refs returns the branches and tags of a repository, by full name.
func (t *tx) refs(r *repository) (map[string]string, error) {
	lines, err := t.lines(r, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")
	if err != nil {
		return nil, err
	}
	refs := make(map[string]string, len(lines))
	for _, line := range lines {
		sha, name, _ := strings.Cut(line, " ")
		refs[name] = sha
	}
	return refs, nil
}

// pushed draws the consequences of a ref that went from one commit to another.
func (t *tx) pushed(r *repository, ref, from, to string, who *user) error {
	r.Pushed = t.now()
	t.put(r)
	payload, err := t.pushJSON(r, ref, from, to, who)
	if err != nil {
		return err
	}
	t.emit(event{repo: r, name: "push", sender: who, payload: payload})
	t.emitRef(r, ref, from, to, who)
	t.keepActivity(r, ref, from, to, who)
	branch, isBranch := strings.CutPrefix(ref, "refs/heads/")
	if !isBranch {
		return nil
	}
	for _, i := range list[issue](t, r.ID) {
		if i.Pull == nil || !i.Open {
			continue
		}
		switch {
		case i.Pull.Head == branch && to == zeroSHA, i.Pull.Base == branch && to == zeroSHA:
			if i.Pull.Head == branch {
				i.Pull.HeadSHA = from
			}
			t.closeIssue(r, i, "", who)
		case i.Pull.Head == branch:
			if err := t.setPullRef(r, i, to); err != nil {
				return err
			}
			i.Pull.HeadSHA = to
			i.Updated = t.now()
			t.put(i)
			t.emit(event{repo: r, name: "pull_request", action: "synchronize", sender: who, payload: obj{
				"number": i.Number, "before": from, "after": to, "pull_request": t.pullJSON(r, i)}})
		case i.Pull.Base == branch && t.contains(r, to, t.branchSHA(r, i.Pull.Head)):
			// GitHub takes a pull request whose commits arrive in its base by
			// other ways for merged.
			t.merged(r, i, to, who)
		}
	}
	if to != zeroSHA {
		t.requestSuites(r, branch, from, to, who)
	}
	return nil
}

// keepActivity keeps what happened to a ref for the repository's list of that.
func (t *tx) keepActivity(r *repository, ref, from, to string, who *user) {
	a := &activity{Ref: ref, Before: from, After: to, Kind: "push", User: who.ID, At: t.now()}
	a.Parent = r.ID
	switch {
	case from == zeroSHA:
		a.Kind = "branch_creation"
	case to == zeroSHA:
		a.Kind = "branch_deletion"
	case !t.contains(r, to, from):
		a.Kind = "force_push"
	}
	t.put(a)
}

// listActivities lists what happened to a ref, the newest first.
func listActivities(c *call) (reply, error) {
	all := slices.DeleteFunc(list[activity](c.tx, c.repo.ID), func(a *activity) bool { return a.Ref != c.r.FormValue("ref") })
	slices.Reverse(all)
	return ok(each(page(c, all), func(a *activity) obj {
		return obj{"id": a.ID, "node_id": nodeID("PSH", a.ID), "before": a.Before, "after": a.After, "ref": a.Ref,
			"timestamp": stamp(a.At), "activity_type": a.Kind, "actor": c.userIDJSON(a.User)}
	})), nil
}

// emitRef sends the event for a branch or a tag that is new or gone.
func (t *tx) emitRef(r *repository, ref, from, to string, who *user) {
	kind, short := "branch", strings.TrimPrefix(ref, "refs/heads/")
	if tag, isTag := strings.CutPrefix(ref, "refs/tags/"); isTag {
		kind, short = "tag", tag
	}
	e := event{repo: r, sender: who, payload: obj{"ref": short, "ref_type": kind, "pusher_type": "user"}}
	switch {
	case from == zeroSHA:
		e.name = "create"
		e.payload["master_branch"], e.payload["description"] = r.DefaultBranch, nil
	case to == zeroSHA:
		e.name = "delete"
	default:
		return
	}
	t.emit(e)
}

// setPullRef points refs/pull/N/head to the head of a pull request.
func (t *tx) setPullRef(r *repository, i *issue, sha string) error {
	_, err := t.git(r, "update-ref", fmt.Sprintf("refs/pull/%d/head", i.Number), sha)
	return err
}

// pushJSON is the payload of a push event, without what all payloads have.
func (t *tx) pushJSON(r *repository, ref, from, to string, who *user) (obj, error) {
	commits := []obj{}
	var head any
	if to != zeroSHA {
		args := []string{"rev-list", "--reverse", "--max-count=2048", to}
		if from != zeroSHA {
			args = append(args, "^"+from)
		} else if name := "refs/heads/" + r.DefaultBranch; ref != name && t.branchSHA(r, r.DefaultBranch) != "" {
			args = append(args, "^"+name)
		}
		ids, err := t.lines(r, args...)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			c, err := t.pushCommitJSON(r, id)
			if err != nil {
				return nil, err
			}
			commits = append(commits, c)
		}
		if head, err = t.pushCommitJSON(r, to); err != nil {
			return nil, err
		}
	}
	short := strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
	compare := t.html("/%s/compare/%s...%s", r.fullName(), from[:12], to[:12])
	if from == zeroSHA || to == zeroSHA {
		compare = t.html("/%s/compare/%s", r.fullName(), short)
	}
	return obj{
		"ref": ref, "before": from, "after": to, "base_ref": nil,
		"created": from == zeroSHA, "deleted": to == zeroSHA,
		"forced":  from != zeroSHA && to != zeroSHA && !t.contains(r, to, from),
		"compare": compare, "commits": commits, "head_commit": head,
		"pusher": obj{"name": who.Login, "email": noreply(who)},
	}, nil
}

// pushCommitJSON is a commit in the form of push events.
func (t *tx) pushCommitJSON(r *repository, sha string) (obj, error) {
	c, err := t.readCommit(r, sha)
	if err != nil {
		return nil, err
	}
	lines, err := t.lines(r, "diff-tree", "--root", "-r", "--no-commit-id", "--name-status", "--no-renames", "-m", "--first-parent", sha)
	if err != nil {
		return nil, err
	}
	files := map[string][]string{"A": {}, "M": {}, "D": {}}
	for _, line := range lines {
		status, name, _ := strings.Cut(line, "\t")
		if status == "T" {
			status = "M"
		}
		files[status] = append(files[status], name)
	}
	person := func(p signature) obj {
		who := obj{"name": p.Name, "email": p.Email, "date": p.When.Format(time.RFC3339)}
		if u := t.userByEmail(p.Email); u != nil {
			who["username"] = u.Login
		}
		return who
	}
	return obj{
		"id": sha, "tree_id": c.Tree, "distinct": true, "message": c.Message,
		"timestamp": c.Committer.When.Format(time.RFC3339), "url": t.html("/%s/commit/%s", r.fullName(), sha),
		"author": person(c.Author), "committer": person(c.Committer),
		"added": files["A"], "removed": files["D"], "modified": files["M"],
	}, nil
}
