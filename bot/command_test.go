package bot_test

import (
	"bytes"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"
)

// A branch with commits of a person is made anew only for who says that these may
// go, and only those that they saw.
func TestRebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.write("main", "src/shop/more.py", "import shop.old.pricing\n")
	w.comment("ada", issue, "/restage rebuild")
	w.settle(nil)
	base := strings.TrimSpace(w.git("rev-parse", "main"))
	same(t, "base", strings.TrimSpace(w.git("merge-base", "main", movesBranch)), base)

	head := w.pull(movesBranch).GetHead().GetSHA()
	w.write(movesBranch, "notes.txt", "mine\n")
	w.settle(nil)
	asked := w.comment("ada", 2, "/restage rebuild")
	w.settle(nil)
	same(t, "reactions", w.reactions(asked), "confused eyes")
	contain(t, w.comments(2)[0], "The branch `"+movesBranch+"` has commits that restage did not make", "`/restage rebuild --discard`")
	same(t, "file", w.git("show", movesBranch+":notes.txt"), "mine\n")

	done := w.comment("ada", 2, "/restage rebuild --discard")
	w.settle(nil)
	same(t, "reactions", w.reactions(done), "+1 eyes")
	same(t, "head", w.pull(movesBranch).GetHead().GetSHA(), head)
	contain(t, w.status(issue), "| 1 | moves | #2 | open |")
}

// Whoever skips the last phase keeps the shims, and can have it done after all.
func TestSkip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	typo := w.comment("ada", issue, "/restage skip cleenup")
	none := w.comment("ada", issue, "/restage skip")
	w.merge(movesBranch)
	w.settle(nil)
	same(t, "reactions", w.reactions(typo)+", "+w.reactions(none), "confused eyes, confused eyes")
	contain(t, strings.Join(w.comments(issue), "\n"), "Did you mean `cleanup`?", "name a phase: `moves`, `imports`, `cleanup`.")
	w.comment("bob", issue, "/restage skip Cleanup")
	w.settle(nil)
	w.comment("bob", issue, "/restage resume cleanup")
	w.settle(nil)
	w.merge(importsBranch)
	w.settle(nil)
	w.comment("bob", 4, "/restage skip cleanup")
	w.settle(nil)
	contain(t, w.status(issue), "| 3 | cleanup | #4 | skipped by `bob` |", "Everything is merged.")
	same(t, "pull request", w.pull(cleanupBranch).GetState(), "closed")
	contain(t, w.comments(4)[0], "`bob` skipped this phase.")
	contain(t, strings.Join(w.comments(issue), "\n"), "**cleanup**: skipped by `bob`")
	same(t, "the shim", strings.Contains(w.git("ls-tree", "-r", "--name-only", "main"), "src/shop/old/pricing.py"), true)
	same(t, "branches", w.branches(), "main "+movesBranch+" "+importsBranch)
}

// Nothing can be rewritten to where nothing has moved.
func TestSkipMoves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.comment("ada", issue, "/restage skip moves")
	w.settle(nil)
	contain(t, w.status(issue), "| 1 | moves | #2 | skipped by `ada` |", "| 2 | imports |  | stuck |",
		"has not moved to src/shop/prices.py yet: run the moves phase first")
	w.comment("ada", issue, "/restage resume moves")
	w.settle(nil)
	contain(t, w.status(issue), "| 1 | moves | #3 | open |", "| 2 | imports |  | waits |")
}

// An edited comment is no new command.
func TestEditedComment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	id := w.comment("ada", issue, "Well done.")
	w.settle(nil)
	_, _, err := w.users["ada"].Issues.EditComment(ctx, "ada", "shop", id, &gh.IssueComment{Body: gh.String("/restage pause")})
	check(t, err)
	w.settle(nil)
	same(t, "reactions", w.reactions(id), "")
	contain(t, w.status(issue), "Review #2 and merge it")
	same(t, "comments", len(w.comments(issue)), 1)
}

// What bots write are no commands.
func TestCommentOfABot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	id := w.comment("ada", issue, "/restage pause")
	said := w.take()
	for i, d := range said {
		said[i].Payload = bytes.ReplaceAll(d.Payload, []byte(`"type":"User"`), []byte(`"type":"Bot"`))
		same(t, "a bot", strings.Contains(string(said[i].Payload), `"type":"Bot"`), true)
	}
	w.settle(nil, said...)
	same(t, "reactions", w.reactions(id), "")
	contain(t, w.status(issue), "Review #2 and merge it")
}

// Who may not write is told so once, wherever they ask.
func TestRefusedOncePerPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.comment("eve", 2, "/restage cancel")
	w.comment("eve", issue, "/restage cancel")
	w.comment("eve", 2, "/restage pause")
	w.settle(nil)
	same(t, "comments on the issue", len(w.comments(issue)), 1)
	same(t, "comments on the pull request", len(w.comments(2)), 1)
	contain(t, w.comments(2)[0], "`eve`", "may write to this repository")
	contain(t, w.status(issue), "Review #2 and merge it")
}

// Commands count in their order, and all of them are taken in together.
func TestCommandsInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(disputed))
	w.settle(nil)
	w.comment("ada", issue, "/restage cancel\n/restage resume\n/restage pause\n/restage decide shop/old/legacy.py keep\n/restage decide shop/old/legacy.py delete")
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** `ada` asked restage to pause.", "`shop/old/legacy.py`: `delete`, by `ada`")
	contain(t, strings.Join(w.comments(issue), "\n"), "This is done when one of you comments `/restage resume`.")
	again := w.comment("ada", issue, "/restage resume")
	w.settle(nil)
	contain(t, w.status(issue), "Review #2 and merge it")
	same(t, "reactions", w.reactions(again), "+1 eyes")
	never := w.comment("ada", issue, "/restage resume")
	w.settle(nil)
	same(t, "reactions", w.reactions(never), "confused eyes")
}
