package bot_test

import (
	"os"
	"strings"
	"testing"

	"github.com/restage/restage/bot/store"
)

// What keeps restage from a repository pauses the migration, without an error
// that comes again and again, and it goes on by itself when that is over.
func TestOutOfReach(t *testing.T) {
	t.Parallel()
	manifest := string(must(os.ReadFile("../app.yml")))
	for _, test := range []struct {
		name      string
		out, back func(w *world)
		why       string
	}{
		{
			name: "archived",
			out:  func(w *world) { check(w.t, w.SetArchived("ada", "shop", true)) },
			back: func(w *world) { check(w.t, w.SetArchived("ada", "shop", false)) },
			why:  "The repository is archived",
		}, {
			name: "suspended",
			out:  func(w *world) { check(w.t, w.Suspend(w.inst, true)) },
			back: func(w *world) { check(w.t, w.Suspend(w.inst, false)) },
			why:  "The installation of the GitHub App is suspended",
		}, {
			name: "uninstalled",
			out:  func(w *world) { check(w.t, w.Uninstall(w.inst)) },
			back: func(w *world) { w.inst = must(w.Install(w.app.ID, "ada", "shop")) },
			why:  "The GitHub App is not installed here any more",
		}, {
			name: "shut out of the repository",
			out: func(w *world) {
				check(w.t, w.CreateRepository("ada", "other", true))
				must(w.Install(w.app.ID, "ada", "other"))
			},
			back: func(w *world) { must(w.Install(w.app.ID, "ada", "shop")) },
			why:  "The repository is gone, or restage may not see it",
		}, {
			name: "without a permission",
			out:  func(w *world) { w.permit(strings.Replace(manifest, "pull_requests: write", "pull_requests: read", 1)) },
			back: func(w *world) { w.permit(manifest) },
			why:  "GitHub does not let the app do what it has to do",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			w.merge(movesBranch)
			test.out(w)
			w.startBot() // old tokens are forgotten
			w.settle(nil)
			m := must(w.store.Migration(ctx, 1))
			same(t, "state", m.State, store.Paused)
			contain(t, m.Message, test.why)
			test.back(w)
			w.startBot()
			w.settle(nil)
			contain(t, w.status(issue), "Review #3")
			same(t, "failures", len(w.failures), 0)
		})
	}
}

// permit gives the app another manifest.
func (w *world) permit(manifest string) {
	w.t.Helper()
	must(w.RegisterApp("ada", []byte(manifest), w.hook, secret))
}
