package bot_test

import (
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/store"
)

// renameBranch renames a branch as ada, the way GitHub's page does.
func (w *world) renameBranch(from, to string) {
	w.t.Helper()
	_, _, err := w.users["ada"].Repositories.RenameBranch(ctx, "ada", "shop", from, to)
	check(w.t, err)
}

// Whenever the base branch gets another name, the migration goes on there.
func TestBaseRenamed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		config string
		base   string
		story  func(w *world)
	}{
		{name: "while a pull request is open", base: "main", story: func(w *world) {
			w.renameBranch("main", "trunk")
			w.settle(nil)
			same(w.t, "the next", w.pull(importsBranch) == nil, true)
			w.merge(movesBranch)
		}},
		{name: "before restage sees the merge", base: "main", story: func(w *world) {
			w.renameBranch("main", "trunk")
			w.merge(movesBranch)
		}},
		{name: "after the merge", base: "main", story: func(w *world) {
			w.merge(movesBranch)
			w.renameBranch("main", "trunk")
		}},
		{name: "twice", base: "main", story: func(w *world) {
			w.renameBranch("main", "stem")
			w.settle(nil)
			w.merge(movesBranch)
			w.settle(nil)
			w.renameBranch("stem", "trunk")
		}},
		{name: "another branch than the default", config: "base: develop\n", base: "develop", story: func(w *world) {
			w.merge(movesBranch)
			w.settle(nil)
			w.renameBranch("develop", "trunk")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			archive := shop
			if test.config != "" {
				archive += "-- .github/restage.yml --\n" + test.config
			}
			w := newWorld(t, archive)
			if test.base != "main" {
				w.git("branch", test.base, "main")
			}
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			same(t, "base", w.pull(movesBranch).GetBase().GetRef(), test.base)
			test.story(w)
			w.settle(nil)
			contain(t, w.status(issue), "| 1 | moves | #2 | merged |", "Review #3")
			same(t, "base", w.pull(importsBranch).GetBase().GetRef(), "trunk")
			for _, branch := range branches[1:] {
				w.merge(branch)
				w.settle(nil)
			}
			contain(t, w.status(issue), "Everything is merged.")
			contain(t, w.show("trunk", "src/shop/cart.py"), "from shop.prices import price")
			same(t, "failures", len(w.failures), 0)
		})
	}
}

// A base branch that is gone is waited for, unless the configuration names another.
func TestBaseGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- .github/restage.yml --\nbase: develop\n")
	w.git("branch", "develop", "main")
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	_, err := w.users["ada"].Git.DeleteRef(ctx, "ada", "shop", "refs/heads/develop")
	check(t, err)
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** #2 was closed without merging.")
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** There is no branch `develop` to work on.")
	w.write("main", ".github/restage.yml", "base: main\n")
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	contain(t, w.status(issue), "Review #3")
	p, _, err := w.users["ada"].PullRequests.Get(ctx, "ada", "shop", 3)
	check(t, err)
	same(t, "base", p.GetBase().GetRef(), "main")
}

// A repository that goes to another account is waited for until the app is let into
// it there; one that becomes public or private is as it was.
func TestRepositoryChangesHands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	token := must(w.AddUser("carol"))
	w.users["carol"] = must(gh.NewClient(nil).WithAuthToken(token).WithEnterpriseURLs(w.URL(), w.URL()))
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	for i, private := range []bool{false, true} {
		check(t, w.SetPrivate("ada", "shop", private))
		w.merge(branches[i])
		w.settle(nil)
		contain(t, w.status(issue), []string{"Review #3", "Review #4"}[i])
	}
	check(t, w.Transfer("ada", "shop", "carol"))
	check(t, w.store.LookAtRepository(ctx, must(w.store.Migration(ctx, 1)).Repository)) // at the next resync
	w.settle(nil)
	m := must(w.store.Migration(ctx, 1))
	same(t, "state", m.State, store.Paused)
	contain(t, m.Message, "The repository is gone, or restage may not see it. Let the app into it to go on.")
	must(w.Install(w.app.ID, "carol", "shop"))
	w.settle(nil)
	contain(t, w.status(issue), "Review #4")
	_, _, err := w.users["carol"].PullRequests.Merge(ctx, "carol", "shop", 4, "", nil)
	check(t, err)
	w.settle(nil)
	contain(t, w.status(issue), "Everything is merged.")
	m = must(w.store.Migration(ctx, 1))
	same(t, "repository", m.Owner+"/"+m.Name, "carol/shop")
	same(t, "failures", len(w.failures), 0)
}
