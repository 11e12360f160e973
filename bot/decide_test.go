package bot_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/restage/restage/bot/store"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", strings.ReplaceAll(fenced(disputed), "\n", "\r\n")) // as a browser sends it
	w.settle(nil)
	contain(t, w.status(issue), "Open decisions", "`/restage decide shop/old/legacy.py ")

	wrong := w.comment("bob", issue, "/restage decide shop/old/legacy.py burn")
	path := w.comment("bob", issue, "/restage decide shop/old/legcy.py delete")
	typo := w.comment("bob", issue, "/restage decid shop/old/legacy.py delete")
	quoted := w.comment("bob", issue, "> /restage decide shop/old/legacy.py delete\n\n```\n/restage rerun\n```\n")
	w.settle(nil)
	for _, id := range []int64{wrong, path, typo} {
		same(t, "reactions", w.reactions(id), "confused eyes")
	}
	same(t, "reactions", w.reactions(quoted), "")
	all := strings.Join(w.comments(issue), "\n")
	contain(t, all, "cannot be answered with `burn`", "Did you mean `shop/old/legacy.py`?", "Did you mean `/restage decide`?")
	same(t, "comments", len(w.comments(issue)), 4)

	head := w.pull(movesBranch).GetHead().GetSHA()
	right := w.comment("bob", w.pull(movesBranch).GetNumber(), "Let it go.\n/Restage DECIDE `shop/old/legacy.py` Delete\n")
	w.settle(nil)
	same(t, "reactions", w.reactions(right), "+1 eyes")
	contain(t, w.status(issue), "`shop/old/legacy.py`: `delete`, by `bob`")
	if strings.Contains(w.status(issue), "Open decisions") {
		t.Errorf("a decision is still open:\n%s", w.status(issue))
	}
	same(t, "the same commits when nothing else changes", w.pull(movesBranch).GetHead().GetSHA(), head)
}

// Several decisions are answered in one comment, and an answer holds until
// another one comes.
func TestDecideSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- src/shop/old/more.py --\nmore = 1\n")
	issue := w.file("ada", fenced(yaml+"delete: [{path: shop/old/}]\nkeep: [shop/old/legacy.py, shop/old/more.py]\n"))
	w.settle(nil)
	contain(t, w.status(issue), "`/restage decide shop/old/more.py keep` or `/restage decide shop/old/more.py delete`; restage would choose `keep`.")
	both := w.comment("bob", issue, "/restage decide shop/old/legacy.py delete\n/restage decide shop/old/more.py delete")
	w.settle(nil)
	same(t, "reactions", w.reactions(both), "+1 eyes")
	contain(t, w.status(issue), "`shop/old/legacy.py`: `delete`, by `bob` on ", "`shop/old/more.py`: `delete`, by `bob` on ")
	w.merge(movesBranch)
	w.settle(nil)
	w.comment("ada", w.pull(importsBranch).GetNumber(), "/restage decide shop/old/legacy.py keep")
	w.settle(nil)
	contain(t, w.status(issue), "`shop/old/legacy.py`: `keep`, by `ada` on ", "`shop/old/more.py`: `delete`, by `bob` on ")
	w.merge(importsBranch)
	w.settle(nil)
	w.merge(cleanupBranch)
	w.settle(nil)
	same(t, "files", w.git("ls-tree", "-r", "--name-only", "main", "src/shop/old"), "src/shop/old/__init__.py\nsrc/shop/old/legacy.py\n")
}

// meanwhile is a way to GitHub on which something happens when the issue is
// asked for first.
type meanwhile struct {
	once sync.Once
	what func()
}

func (m *meanwhile) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/issues/1") {
		m.once.Do(m.what)
	}
	return http.DefaultTransport.RoundTrip(req)
}

// An answer that comes while a look is under way is followed by the next one.
// The look must not call it decided beside a branch that knows nothing of it.
func TestDecideDuringALook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(disputed))
	w.settle(nil)
	w.out = &meanwhile{what: func() {
		check(t, w.store.Request(ctx, 1, store.Request{ID: "comment 99", Answers: []store.Answer{
			{Path: "shop/old/legacy.py", Answer: "delete", By: "ada", Comment: 99, At: began},
		}}))
	}}
	w.startBot()
	check(t, w.bot.Reconcile(ctx, 1))
	contain(t, w.status(issue), "Open decisions")
	check(t, w.bot.Reconcile(ctx, 1))
	contain(t, w.status(issue), "`shop/old/legacy.py`: `delete`, by `ada`")
}

func TestDecideAfterTheLastMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(disputed))
	w.settle(nil)
	for _, branch := range branches {
		w.merge(branch)
		w.settle(nil)
	}
	contain(t, w.status(issue), "waits for the decisions below")
	w.comment("ada", issue, "/restage decide shop/old/legacy.py delete")
	w.settle(nil)
	w.merge("restage/1/3-cleanup-2")
	w.settle(nil)
	same(t, "files", w.git("ls-tree", "-r", "--name-only", "main", "src"), "src/shop/__init__.py\nsrc/shop/cart.py\nsrc/shop/prices.py\n")
	contain(t, w.status(issue), "Everything is merged", "#2 | merged", "#5 | merged")
	contain(t, strings.Join(w.comments(issue), "\n"), "**moves**: #2", "**cleanup**: #4", "**cleanup**: #5", "1 decision answered")
}

// An answer that comes when the moves are merged may concern them: all phases
// look again in the end, and here find nothing to do.
func TestDecideInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(disputed))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	w.comment("ada", issue, "/restage decide shop/old/legacy.py delete")
	w.settle(nil)
	w.merge(importsBranch)
	w.settle(nil)
	w.merge(cleanupBranch)
	w.settle(nil)
	contain(t, w.status(issue), "Everything is merged", "| 1 | moves |  | nothing to do |")
	same(t, "branches", w.git("branch", "--format=%(refname:short)"), "main\n"+strings.Join(branches, "\n")+"\n")
	same(t, "files", w.git("ls-tree", "-r", "--name-only", "main", "src"), "src/shop/__init__.py\nsrc/shop/cart.py\nsrc/shop/prices.py\n")
}
