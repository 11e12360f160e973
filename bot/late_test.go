package bot_test

import (
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"
)

// folder is a plan that moves a whole folder.
const folder = `restage: 1
title: Tidy the shop
source_roots: [src]
moves: [{from: shop/old/, to: shop/store/}]
`

// newcomer is a module that somebody adds to the folder.
const newcomer = "from .pricing import price\n\n\ndef half(item):\n    return price(item) / 2\n"

// A file that comes into a folder that moves is asked about. Until somebody answers,
// it stays where it is and works there; the answer is followed whenever it comes.
func TestLateFile(t *testing.T) {
	t.Parallel()
	const path = "src/shop/old/late.py"
	const question = "`" + path + "`: " + path + " came when the migration was under way"
	for _, test := range []struct {
		name   string
		after  int    // how many pull requests are merged when the file comes
		answer string // once the moves are merged
		rounds int
		where  string // the file is in the end
	}{
		{"with the moves open, to stay", 0, "keep", 1, path},
		{"with the moves open, to move", 0, "move", 2, "src/shop/store/late.py"},
		{"after the moves, to stay", 1, "keep", 1, path},
		{"after the moves, to move", 1, "move", 2, "src/shop/store/late.py"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(folder))
			w.settle(nil)
			for _, branch := range branches[:test.after] {
				w.merge(branch)
				w.settle(nil)
			}
			w.write("main", path, newcomer)
			w.settle(nil)
			open := branches[test.after]
			contain(t, w.pull(open).GetBody(), question, "`/restage decide "+path+" keep`")
			contain(t, strings.Join(w.told(open), "\n"), "`"+path+"` (a question to you)")
			contain(t, w.status(issue), question)
			if test.after == 0 {
				w.merge(movesBranch)
				w.settle(nil)
			}
			same(t, "the file", w.show("main", path), newcomer)

			w.comment("bob", issue, "/restage decide "+path+" "+test.answer)
			w.settle(nil)
			contain(t, w.status(issue), "Review #3", "`"+path+"`: `"+test.answer+"`, by `bob`")
			w.merge(importsBranch)
			w.settle(nil)
			same(t, "the file", w.show("main", path), strings.Replace(newcomer, ".pricing", "..store.pricing", 1))
			w.merge(cleanupBranch)
			w.settle(nil)
			if test.rounds > 1 {
				for _, branch := range branches {
					if w.pull(branch+"-2") != nil {
						w.merge(branch + "-2")
						w.settle(nil)
					}
				}
			}
			contain(t, w.status(issue), "Everything is merged.")
			same(t, "failed checks", strings.Count(w.status(issue), "❌"), 0)
			contain(t, w.git("ls-tree", "-r", "--name-only", "main", "src"), test.where+"\n")
			same(t, "shims", strings.Count(w.git("ls-tree", "-r", "--name-only", "main", "src"), "late.py"), 1)
			same(t, "package left", strings.Contains(w.git("ls-tree", "-r", "--name-only", "main", "src"), "src/shop/old/__init__.py"), test.answer == "keep")
		})
	}
}

// A plan that is read again knows the files of its folders.
func TestLateFileOfAnotherPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{Body: gh.String(fenced(folder))})
	check(t, err)
	w.comment("ada", issue, "/restage plan")
	w.settle(nil)
	same(t, "questions", strings.Contains(w.status(issue), "Open decisions"), false)
	contain(t, w.pull(movesBranch).GetBody(), "`src/shop/store/legacy.py`")
	w.write("main", "src/shop/old/late.py", newcomer)
	w.settle(nil)
	contain(t, w.status(issue), "Open decisions", "src/shop/old/late.py came when")
}
