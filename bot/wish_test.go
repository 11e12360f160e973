package bot_test

import (
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"
)

// branches returns the names of the branches of the repository, on one line.
func (w *world) branches() string {
	w.t.Helper()
	return strings.Join(strings.Fields(w.git("branch", "--format=%(refname:short)")), " ")
}

// What is merged during a pause leads to nothing before somebody says resume.
func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	id := w.comment("bob", issue, "Wait.\n/restage pause")
	w.settle(nil)
	same(t, "reactions", w.reactions(id), "+1 eyes")
	contain(t, w.status(issue), "**Paused.** `bob` asked restage to pause. Comment `/restage resume` to go on.", "| 1 | moves | #2 | open |")
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.**", "| 1 | moves | #2 | merged |")
	same(t, "branches", w.branches(), "main "+movesBranch)
	w.comment("ada", 2, "/Restage RESUME")
	w.settle(nil)
	contain(t, w.status(issue), "Review #3 and merge it", "| 2 | imports | #3 | open |")
	w.comment("ada", issue, "/restage pause\n/restage resume")
	w.settle(nil)
	contain(t, w.status(issue), "Review #3 and merge it")
}

// To resume is to try again where something else than a person's word is in the
// way.
func TestResumeTriesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.setPull(2, "closed")
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** #2 was closed")
	w.comment("ada", issue, "/restage resume")
	w.settle(nil)
	contain(t, w.status(issue), "Review #2 and merge it")
}

func TestCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	id := w.comment("bob", 3, "/restage cancel")
	w.settle(nil)
	same(t, "reactions", w.reactions(id), "+1 eyes")
	contain(t, w.status(issue), "`bob` cancelled this migration. What was merged stays.", "| 1 | moves | #2 | merged |", "| 2 | imports | #3 | closed |")
	same(t, "pull request", w.pull(importsBranch).GetState(), "closed")
	same(t, "what it says", strings.Join(w.comments(3), "\n"), "<!-- restage:reply withdrawn 1.1 -->\n`bob` cancelled this migration.")
	same(t, "branches", w.branches(), "main "+movesBranch)
	same(t, "reactions to the issue", strings.Contains(w.issueReactions(issue), "confused"), false)

	late := w.comment("bob", issue, "/restage rerun")
	w.comment("bob", issue, "/restage pause")
	w.settle(nil)
	same(t, "reactions", w.reactions(late), "confused eyes")
	contain(t, w.comments(issue)[1], "This migration was cancelled. Comment `/restage resume`")
	contain(t, w.status(issue), "`bob` cancelled this migration.")

	w.comment("ada", issue, "/restage resume")
	w.settle(nil)
	contain(t, w.status(issue), "Review #4 and merge it", "| 1 | moves | #2 | merged |", "| 2 | imports | #4 | open |")
}

// A branch that a person committed to stays when its pull request is closed.
func TestCancelKeepsCommitsOfPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.write(movesBranch, "notes.txt", "mine\n")
	w.comment("bob", issue, "/restage cancel")
	w.settle(nil)
	same(t, "pull request", w.pull(movesBranch).GetState(), "closed")
	same(t, "file", w.git("show", movesBranch+":notes.txt"), "mine\n")

	// With the label, a cancelled migration begins anew.
	w.label("ada", issue)
	w.settle(nil)
	contain(t, w.status(issue), "Review #3 and merge it")
	same(t, "branches", w.branches(), "main "+movesBranch+" "+movesBranch+"-2")
}

func (w *world) issueReactions(issue int) string {
	w.t.Helper()
	all, _, err := w.users["ada"].Reactions.ListIssueReactions(ctx, "ada", "shop", issue, &gh.ListOptions{})
	check(w.t, err)
	var names []string
	for _, r := range all {
		names = append(names, r.GetContent())
	}
	return strings.Join(names, " ")
}
