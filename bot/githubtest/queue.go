package githubtest

import (
	"context"
	"fmt"
)

// queueLogin is who merges what went through a merge queue.
const queueLogin = "github-merge-queue[bot]"

// MergeQueue merges pull requests of the repository owner/name to one branch as a
// merge queue does that has a group of them: each is merged into the one before, by
// the method "merge", "squash" or "rebase", and then the branch moves once, past all
// of them. If one cannot be merged, none is.
func (s *Server) MergeQueue(owner, name, method string, pulls ...int) error {
	defer s.senders.wake()
	return s.do(context.Background(), func(t *tx) error {
		r := t.findRepo(owner, name)
		if r == nil {
			return fmt.Errorf("merge queue: there is no repository %s/%s", owner, name)
		}
		who := t.findUser(queueLogin)
		if who == nil {
			who = &user{Login: queueLogin, Type: "Bot", Created: t.now()}
			t.put(who)
		}
		if err := (&call{tx: t, who: &actor{user: who}, repo: r}).mergeGroup(method, pulls); err != nil {
			return fmt.Errorf("merge queue: %w", err)
		}
		return nil
	})
}

func (c *call) mergeGroup(method string, pulls []int) error {
	before, tip, branch := "", "", ""
	var intents []intent
	for _, number := range pulls {
		i := c.findIssue(c.repo, number)
		if i == nil || i.Pull == nil || !i.Open {
			return fmt.Errorf("#%d is no open pull request", number)
		}
		base, head := c.tips(c.repo, i)
		if tip == "" {
			before, tip, branch = base, base, i.Pull.Base
		}
		if i.Pull.Base != branch {
			return fmt.Errorf("#%d goes to %s, not to %s", number, i.Pull.Base, branch)
		}
		commit, err := c.mergeCommit(i, mergeRequest{Method: method}, tip, head)
		if err != nil {
			return fmt.Errorf("#%d: %w", number, err)
		}
		i.Pull.BaseSHA, i.Pull.HeadSHA = before, head
		c.put(i)
		tip, intents = commit, append(intents, intent{Issue: i.ID, Commit: commit})
	}
	if len(intents) == 0 {
		return nil
	}
	last := len(intents) - 1
	for _, in := range intents[:last] {
		in.Parent, in.User = c.repo.ID, c.who.user.ID
		c.put(&in)
	}
	return c.change(c.repo, c.who, intents[last], func() error {
		_, err := c.git(c.repo, "update-ref", "refs/heads/"+branch, tip, before)
		return err
	})
}
