package githubtest

import (
	"context"
	"fmt"
	"time"
)

// SetArchived archives the repository owner/name, or takes it out of the archive.
// Nothing can be written to it meanwhile.
func (s *Server) SetArchived(owner, name string, archived bool) error {
	defer s.senders.wake()
	return s.do(context.Background(), func(t *tx) error {
		r := t.findRepo(owner, name)
		if r == nil {
			return fmt.Errorf("archive: there is no repository %s/%s", owner, name)
		}
		r.Archived = archived
		t.put(r)
		action := "unarchived"
		if archived {
			action = "archived"
		}
		t.emit(event{repo: r, name: "repository", action: action, sender: get[user](t, r.Parent), payload: obj{}})
		return nil
	})
}

// SetIssues switches the issues of the repository owner/name on or off. Its pull
// requests stay. GitHub tells nobody.
func (s *Server) SetIssues(owner, name string, on bool) error {
	return s.do(context.Background(), func(t *tx) error {
		r := t.findRepo(owner, name)
		if r == nil {
			return fmt.Errorf("issues: there is no repository %s/%s", owner, name)
		}
		r.IssuesOff = !on
		t.put(r)
		return nil
	})
}

// Suspend suspends an installation, whose tokens do not work meanwhile, or ends
// that.
func (s *Server) Suspend(id int64, suspended bool) error {
	defer s.senders.wake()
	return s.do(context.Background(), func(t *tx) error {
		inst := get[installation](t, id)
		if inst == nil {
			return fmt.Errorf("suspend: there is no installation %d", id)
		}
		action := "unsuspend"
		if inst.Suspended = (time.Time{}); suspended {
			action, inst.Suspended = "suspend", t.now()
		}
		t.put(inst)
		t.deliverInstallation(inst, action)
		return nil
	})
}

// Uninstall takes an app away from where it is installed. To install it again
// gives another installation.
func (s *Server) Uninstall(id int64) error {
	defer s.senders.wake()
	return s.do(context.Background(), func(t *tx) error {
		inst := get[installation](t, id)
		if inst == nil {
			return fmt.Errorf("uninstall: there is no installation %d", id)
		}
		t.deliverInstallation(inst, "deleted")
		for _, tok := range list[token](t, inst.ID) {
			t.remove(tok)
		}
		t.remove(inst)
		return nil
	})
}

// deliverInstallation tells an app what became of its installation.
func (t *tx) deliverInstallation(inst *installation, action string) {
	t.deliver(get[app](t, inst.Parent), inst, event{name: "installation", action: action, payload: obj{
		"action": action, "sender": t.userIDJSON(inst.Account), "requester": nil,
		"repositories": each(t.installedRepos(inst), func(r *repository) obj {
			return obj{"id": r.ID, "node_id": nodeID("R", r.ID), "name": r.Name, "full_name": r.fullName(), "private": r.Private}
		})}})
}
