package bot_test

import (
	"strings"
	"testing"
)

// revert returns the command of git that undoes commits.
func revert(what ...string) []string {
	return append([]string{"revert", "--no-edit"}, what...)
}

// People take a merged phase back past restage, in any way that git has. It is
// told once, and done again when somebody wants that.
func TestTakenBackByHand(t *testing.T) {
	t.Parallel()
	push := []string{"push", "--quiet", "origin", "main"}
	for _, test := range []struct {
		name   string
		method string // of the merge
		unseen bool   // it happens before restage sees the merge
		since  string // what the moved file became after the merge
		undo   [][]string
	}{
		{name: "a merge commit", method: "merge", undo: [][]string{revert("-m", "1", "HEAD"), push}},
		{name: "a squashed commit", method: "squash", undo: [][]string{revert("HEAD"), push}},
		{name: "rebased commits", method: "rebase", undo: [][]string{revert("HEAD~2..HEAD"), push}},
		{name: "right after the merge", method: "squash", unseen: true, undo: [][]string{revert("HEAD"), push}},
		{name: "with what was changed since", method: "squash", since: "def price(item):\n    return 4 - 1\n", undo: [][]string{
			{"mv", "--force", "src/shop/prices.py", "src/shop/old/pricing.py"}, {"commit", "--quiet", "-m", "Move it back"}, push,
		}},
		{name: "the branch is set back", method: "merge", undo: [][]string{{"push", "--quiet", "--force", "origin", "HEAD~1:main"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			w.mergeBy(test.method, movesBranch)
			if !test.unseen {
				w.settle(nil)
			}
			if test.since != "" {
				w.write("main", "src/shop/prices.py", test.since)
				w.settle(nil)
			}
			run, _ := w.workTree("main")
			for _, args := range test.undo {
				run(args...)
			}
			w.settle(nil)
			by := ""
			if len(test.undo) > 1 {
				by = " by " + strings.TrimSpace(w.git("rev-parse", "main"))
			}
			contain(t, w.status(issue), "**Paused.** Taken back: moves"+by+".", "| 1 | moves | #2 | taken back"+by+" |")
			w.pushed()
			w.settle(nil)
			told := strings.Join(w.comments(issue), "\n")
			same(t, "told", strings.Count(told, "Phase 1, moves (#2), was taken back on `main`"+by+". restage pauses."), 1)
			w.comment("bob", issue, "/restage resume")
			w.settle(nil)
			for _, branch := range branches {
				w.merge(branch + "-2")
				w.settle(nil)
			}
			contain(t, w.status(issue), "Everything is merged.")
			contain(t, w.show("main", "src/shop/cart.py"), "from shop.prices import price")
		})
	}
}

// Several phases may be taken back, together or one by one.
func TestTakenBackByHandInTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	for _, branch := range branches[:2] {
		w.mergeBy("squash", branch)
		w.settle(nil)
	}
	cleanup := w.pull(cleanupBranch).GetNumber()
	run, _ := w.workTree("main")
	run(revert("HEAD")...)
	run("push", "--quiet", "origin", "main")
	w.settle(nil)
	contain(t, w.status(issue), "Taken back: imports by ", "| 1 | moves | #2 | merged |")
	same(t, "cleanup", w.pull(cleanupBranch).GetState(), "closed")
	contain(t, strings.Join(w.comments(cleanup), "\n"), "An earlier phase is taken back.")
	run(revert("HEAD~2")...)
	run("push", "--quiet", "origin", "main")
	w.settle(nil)
	contain(t, w.status(issue), "Taken back: imports by ", ", moves by ", "| 1 | moves | #2 | taken back by ")
	w.comment("ada", issue, "/restage cancel")
	w.settle(nil)
	contain(t, w.status(issue), "`ada` cancelled this migration.")
}

// What people do to files that a phase touched is no revert, nor is what a later
// phase does.
func TestNotTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- src/shop/old/tax.py --\nrate = 1\n")
	issue := w.file("ada", fenced(strings.Replace(yaml, "imports:", "  - {from: shop/old/tax.py, to: shop/tax.py}\nimports:", 1)))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	run, _ := w.workTree("main")
	run("rm", "--quiet", "src/shop/tax.py", "src/shop/old/tax.py")
	run("commit", "--quiet", "-m", "No taxes")
	run("push", "--quiet", "origin", "main")
	w.settle(nil)
	contain(t, w.status(issue), "Review #3")
	w.write("main", "src/shop/prices.py", "def price(item):\n    return 4\n")
	w.settle(nil)
	contain(t, w.status(issue), "Review #3")
	w.merge(importsBranch)
	w.settle(nil)
	w.write("main", "README.md", "Prices are in `shop.old.pricing`.\n")
	w.settle(nil)
	contain(t, w.status(issue), "Review #4")
	w.merge(cleanupBranch)
	w.settle(nil)
	contain(t, w.status(issue), "| 1 | moves | #2 | merged |", "| 2 | imports | #3 | merged |", "| 3 | cleanup | #4 | merged |")
	same(t, "told", len(w.comments(issue)), 1)
}
