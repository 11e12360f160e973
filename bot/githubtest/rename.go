package githubtest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// renameBranch answers GitHub REST, Rename a branch. Open pull requests go to the
// branch by its new name, and the old name leads to it.
func renameBranch(c *call) (reply, error) {
	from := c.r.PathValue("branch")
	var want struct {
		Name string `json:"new_name"`
	}
	if err := c.decode(&want); err != nil {
		return reply{}, err
	}
	sha := c.branchSHA(c.repo, from)
	if sha == "" {
		return reply{}, refuse(http.StatusNotFound, "Branch not found")
	}
	if _, err := c.git(c.repo, "check-ref-format", "--branch", want.Name); err != nil || c.branchSHA(c.repo, want.Name) != "" {
		return reply{}, refuse(http.StatusUnprocessableEntity, "New branch name is invalid or taken")
	}
	if c.repo.Renamed == nil {
		c.repo.Renamed = map[string]string{}
	}
	for old, now := range c.repo.Renamed {
		if now == from {
			c.repo.Renamed[old] = want.Name
		}
	}
	c.repo.Renamed[from] = want.Name
	delete(c.repo.Renamed, want.Name)
	isDefault := c.repo.DefaultBranch == from
	if isDefault {
		c.repo.DefaultBranch = want.Name
	}
	c.put(c.repo)
	for _, i := range list[issue](c.tx, c.repo.ID) {
		if i.Pull != nil && i.Open && i.Pull.Base == from {
			i.Pull.Base = want.Name
			c.put(i)
			c.emitIssue(i, "edited", obj{"changes": obj{"base": obj{"ref": obj{"from": from}, "sha": obj{"from": sha}}}})
		}
	}
	err := c.change(c.repo, c.who, intent{}, func() error {
		_, err := c.git(c.repo, "branch", "-m", from, want.Name) // HEAD goes with it
		return err
	})
	if err != nil {
		return reply{}, err
	}
	if isDefault {
		c.emit(event{repo: c.repo, name: "repository", action: "edited", sender: c.who.user,
			payload: obj{"changes": obj{"default_branch": obj{"from": from}}}})
	}
	c.r.SetPathValue("branch", want.Name)
	answer, err := getBranch(c)
	answer.status = http.StatusCreated
	return answer, err
}

// Transfer gives the repository owner/name to another account, as its owner can.
// They stay a collaborator, and the old name leads to the repository. An app has to
// be installed on the other account to go on with it.
func (s *Server) Transfer(owner, name, to string) error {
	defer s.senders.wake()
	return s.do(context.Background(), func(t *tx) error {
		r, u := t.findRepo(owner, name), t.findUser(to)
		if r == nil || u == nil || t.findRepo(to, name) != nil {
			return fmt.Errorf("transfer %s/%s to %s: no such repository or account, or the name is taken", owner, name, to)
		}
		before, dir := get[user](t, r.Parent), t.repoDir(r)
		r.Former = append(r.Former, strings.ToLower(r.fullName()))
		if r.Roles == nil {
			r.Roles = map[string]role{}
		}
		r.Roles[strings.ToLower(r.Owner)] = admin
		r.Owner, r.Parent = u.Login, u.ID
		for _, inst := range all[installation](t) {
			if k := slices.Index(inst.Repos, r.ID); k >= 0 && len(inst.Repos) > 1 {
				inst.Repos = slices.Delete(inst.Repos, k, k+1)
				t.put(inst)
			}
		}
		t.put(r)
		if err := os.MkdirAll(filepath.Dir(t.repoDir(r)), 0o700); err != nil {
			return err
		}
		if err := os.Rename(dir, t.repoDir(r)); err != nil {
			return err
		}
		t.emit(event{repo: r, name: "repository", action: "transferred", sender: before,
			payload: obj{"changes": obj{"owner": obj{"from": obj{"user": t.userJSON(before)}}}}})
		return nil
	})
}

// SetPrivate makes the repository owner/name private or public.
func (s *Server) SetPrivate(owner, name string, private bool) error {
	defer s.senders.wake()
	return s.do(context.Background(), func(t *tx) error {
		r := t.findRepo(owner, name)
		if r == nil {
			return fmt.Errorf("set visibility: there is no repository %s/%s", owner, name)
		}
		r.Private = private
		t.put(r)
		action := "publicized"
		if private {
			action = "privatized"
		}
		t.emit(event{repo: r, name: "repository", action: action, sender: get[user](t, r.Parent), payload: obj{}})
		return nil
	})
}
