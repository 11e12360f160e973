package bot_test

import (
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"
)

// mergeBy merges the open pull request of a branch in one of GitHub's ways.
func (w *world) mergeBy(method, branch string) {
	w.t.Helper()
	_, _, err := w.users["ada"].PullRequests.Merge(ctx, "ada", "shop", w.pull(branch).GetNumber(), "", &gh.PullRequestOptions{MergeMethod: method})
	check(w.t, err)
}

// However a phase was merged, taking it back leaves the files as they were before,
// and what was changed elsewhere as it is.
func TestRevert(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			before := w.git("ls-tree", "-r", "main")
			w.mergeBy(method, movesBranch)
			w.settle(nil)
			w.comment("bob", issue, "/restage revert Moves")
			w.settle(nil)
			contain(t, w.status(issue), "**Paused.** #4 takes back moves. Review it and merge it", "| 1 | moves | #2 | merged, #4 takes it back |")
			same(t, "the next phase", w.pull(importsBranch).GetState(), "closed")
			p := w.pull("restage/1/1-revert-moves")
			same(t, "title", p.GetTitle(), "restage: take back moves (Tidy the shop)")
			contain(t, p.GetBody(), "`bob` asked restage to take back phase 1, **moves**, of #1", "This undoes what #2 changed in `main`.")
			w.merge("restage/1/1-revert-moves")
			w.settle(nil)
			same(t, "files", w.git("ls-tree", "-r", "main"), before)
			contain(t, w.status(issue), "**Paused.** Taken back: moves.", "| 1 | moves | #2 | taken back by #4 |")

			w.comment("ada", issue, "/restage resume")
			w.settle(nil)
			contain(t, w.status(issue), "Review #5 and merge it", "| 1 | moves | #5 | open |", "| 2 | imports |  | waits |")
			for _, branch := range branches {
				w.merge(branch + "-2")
				w.settle(nil)
			}
			contain(t, w.status(issue), "Everything is merged.", "| 3 | cleanup | #7 | merged |")
		})
	}
}

// Of a migration that is done, later phases are taken back first. What people
// changed since in a file that had moved stays.
func TestRevertWhenDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	for _, branch := range branches {
		w.merge(branch)
		w.settle(nil)
	}
	w.write("main", "src/shop/prices.py", "def price(item):\n    return 3\n\n\ndef cost(item):\n    return 2\n")
	asked := w.comment("ada", issue, "/restage revert moves")
	w.settle(nil)
	same(t, "reactions", w.reactions(asked), "+1 eyes")
	contain(t, strings.Join(w.comments(issue), "\n"), "a pull request each: cleanup (#4), then imports (#3), then moves (#2).")
	for _, branch := range []string{"restage/1/3-revert-cleanup", "restage/1/2-revert-imports", "restage/1/1-revert-moves"} {
		w.merge(branch)
		w.settle(nil)
	}
	contain(t, w.status(issue), "Taken back: cleanup, imports, moves.", "| 2 | imports | #3 | taken back by #6 |")
	same(t, "file", w.git("show", "main:src/shop/old/pricing.py"), "def price(item):\n    return 3\n\n\ndef cost(item):\n    return 2\n")
	same(t, "user", strings.Contains(w.git("show", "main:src/shop/cart.py"), "from shop.old.pricing import price"), true)
	same(t, "files", strings.Contains(w.git("ls-tree", "-r", "--name-only", "main"), "src/shop/prices.py"), false)
	same(t, "pull requests", w.pull(movesBranch+"-2") == nil, true)

	_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{State: gh.String("open")})
	check(t, err)
	w.comment("ada", issue, "/restage resume")
	w.settle(nil)
	for _, branch := range branches {
		w.merge(branch + "-2")
		w.settle(nil)
	}
	same(t, "summaries", strings.Count(strings.Join(w.comments(issue), "\n"), "<!-- restage:reply summary"), 2)
	same(t, "files in the end", w.git("ls-tree", "-r", "--name-only", "main", "src"), "src/shop/__init__.py\nsrc/shop/cart.py\nsrc/shop/old/__init__.py\nsrc/shop/old/legacy.py\nsrc/shop/prices.py\n")
}

// Later changes of the same lines are people's to settle.
func TestRevertConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	w.write("main", "src/shop/old/pricing.py", "raise ImportError\n")
	w.comment("ada", issue, "/restage revert moves")
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** restage cannot take back moves: what #2 changed in these files was changed again since.",
		"- `src/shop/old/pricing.py`\n", "`git revert`", "`/restage resume` to leave everything as it is")
	same(t, "branches", w.branches(), "main "+movesBranch)
	none := w.comment("ada", issue, "/restage revert cleanup")
	w.comment("ada", issue, "/restage resume")
	w.settle(nil)
	same(t, "reactions", w.reactions(none), "confused eyes")
	contain(t, w.status(issue), "| 1 | moves | #2 | merged |", "What is left waits for the decisions below.")
}

// Whoever thinks better of it gets the open pull requests that there were.
func TestRevertDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	w.comment("ada", issue, "/restage revert moves")
	w.settle(nil)
	w.comment("ada", issue, "/restage resume")
	w.settle(nil)
	same(t, "pull request", w.pull("restage/1/1-revert-moves").GetState(), "closed")
	contain(t, w.status(issue), "| 1 | moves | #2 | merged |", "| 2 | imports | #5 | open |")
	same(t, "branches", w.branches(), "main "+movesBranch+" "+importsBranch)
}

// The name of a branch is no markup in what restage writes.
func TestRevertOnHostileBase(t *testing.T) {
	t.Parallel()
	base := "x`@ada<img>"
	w := newWorld(t, shop+"-- .github/restage.yml --\nbase: \""+base+"\"\n")
	w.git("branch", base, "main")
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	w.comment("ada", issue, "/restage revert moves")
	w.settle(nil)
	contain(t, w.pull("restage/1/1-revert-moves").GetBody(), "changed in ``"+base+"``.", "from the newest ``"+base+"``,")
}
