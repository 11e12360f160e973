package bot_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

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
			name: "issues switched off",
			out:  func(w *world) { check(w.t, w.SetIssues("ada", "shop", false)) },
			back: func(w *world) { check(w.t, w.SetIssues("ada", "shop", true)) },
			why:  "Issues are switched off",
		}, {
			name: "an IP allow list",
			out: func(w *world) {
				w.out = forbidding("Although you appear to have the correct authorization credentials, the `ada` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.")
			},
			back: func(w *world) { w.out = http.DefaultTransport },
			why:  "Put it on the IP allow list",
		}, {
			name: "single sign-on",
			out: func(w *world) {
				w.out = forbidding("Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.")
			},
			back: func(w *world) { w.out = http.DefaultTransport },
			why:  "single sign-on",
		}, {
			name: "blocked",
			out:  func(w *world) { w.out = forbidding("Repository access blocked") },
			back: func(w *world) { w.out = http.DefaultTransport },
			why:  "GitHub has blocked access",
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

// forbidding is a way to a GitHub that refuses, in these words, what has to do with a
// repository.
func forbidding(words string) http.RoundTripper {
	return transport(func(r *http.Request) (*http.Response, error) {
		if !strings.Contains(r.URL.Path, "/repos/") {
			return http.DefaultTransport.RoundTrip(r)
		}
		rec := httptest.NewRecorder()
		rec.WriteHeader(http.StatusForbidden)
		err := json.NewEncoder(rec).Encode(map[string]string{"message": words})
		return rec.Result(), err
	})
}

// permit gives the app another manifest.
func (w *world) permit(manifest string) {
	w.t.Helper()
	must(w.RegisterApp("ada", []byte(manifest), w.hook, secret))
}

// An issue that is closed on the way: people are asked what they want.
func TestIssueClosed(t *testing.T) {
	t.Parallel()
	for _, cancelled := range []bool{false, true} {
		w := newWorld(t, shop)
		issue := w.file("ada", fenced(yaml))
		w.settle(nil)
		set := func(state string) {
			_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{State: &state})
			check(t, err)
			w.settle(nil)
		}
		set("closed")
		contain(t, w.status(issue), "**Paused.** The issue was closed.", "/restage cancel")
		same(t, "asked", strings.Count(strings.Join(w.comments(issue), "\n"), "Open it again to go on, or comment `/restage cancel`"), 2)
		same(t, "pull request", w.pull(movesBranch).GetState(), "open")
		if cancelled {
			w.comment("ada", issue, "/restage cancel")
			w.settle(nil)
			same(t, "pull request", w.pull(movesBranch).GetState(), "closed")
			continue
		}
		set("open")
		contain(t, w.status(issue), "Review #2")
		w.merge(movesBranch)
		w.settle(nil)
		contain(t, w.status(issue), "Review #3")
	}
}

// However a pull request gets into the base, the next one opens.
func TestWaysToMerge(t *testing.T) {
	t.Parallel()
	button := func(method string) func(w *world) {
		return func(w *world) {
			_, _, err := w.users["ada"].PullRequests.Merge(ctx, "ada", "shop", 2, "", &gh.PullRequestOptions{MergeMethod: method})
			check(w.t, err)
		}
	}
	byHand := func(args ...string) func(w *world) {
		return func(w *world) {
			run, _ := w.workTree("main")
			run(append([]string{"merge", "--quiet"}, args...)...)
			if args[0] == "--squash" {
				run("commit", "--quiet", "-m", "Move the prices")
			}
			run("push", "--quiet", "origin", "main")
		}
	}
	for _, test := range []struct {
		name  string
		merge func(w *world)
		state string // of the phase
	}{
		{"merge commit", button("merge"), "merged"},
		{"squash", button("squash"), "merged"},
		{"rebase", button("rebase"), "merged"},
		{"by hand", byHand("--no-ff", "-m", "Move", "origin/"+movesBranch), "merged"},
		{"by hand, without a merge commit", byHand("--ff-only", "origin/"+movesBranch), "merged"},
		{"by hand, as one commit", byHand("--squash", "origin/"+movesBranch), "nothing to do"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			test.merge(w)
			w.pushed()
			w.settle(nil)
			contain(t, w.status(issue), "| 1 | moves | #2 | "+test.state+" |")
			for _, branch := range branches[1:] {
				w.merge(branch)
				w.settle(nil)
			}
			contain(t, w.status(issue), "Everything is merged")
		})
	}
}

// A merge queue merges several pull requests on each other and moves the branch once.
// What came in with the phase is seen, and the phase can be taken back alone.
func TestMergeQueue(t *testing.T) {
	t.Parallel()
	const before, after = "from shop.old.pricing import price\n\nprint(price(1))\n", "from shop.old import pricing\n\nprint(pricing.price(2))\n"
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(folder))
			w.settle(nil)
			main := strings.TrimSpace(w.git("rev-parse", "main"))
			one := w.propose("one", main, "-- src/shop/one.py --\n"+before)
			two := w.propose("two", main, "-- src/shop/two.py --\n"+after)
			w.settle(nil)
			check(t, w.MergeQueue("ada", "shop", method, one.GetNumber(), 2, two.GetNumber()))
			w.settle(nil)
			contain(t, w.status(issue), "| 1 | moves | #2 | merged |", "| 2 | imports | #5 | open |")

			other := w.propose("other", strings.TrimSpace(w.git("rev-parse", "main")), "-- notes.txt --\nA shop.\n")
			check(t, w.MergeQueue("ada", "shop", method, 5, other.GetNumber()))
			w.settle(nil)
			contain(t, w.status(issue), "| 2 | imports | #5 | merged |", "| 3 | cleanup | #7 | open |")
			same(t, "one", w.show("main", "src/shop/one.py"), strings.ReplaceAll(before, "shop.old.", "shop.store."))
			same(t, "two", w.show("main", "src/shop/two.py"), strings.ReplaceAll(after, "shop.old", "shop.store"))
			same(t, "told", strings.Contains(strings.Join(w.comments(issue), "\n"), "was taken back"), false)

			w.comment("ada", issue, "/restage revert imports")
			w.settle(nil)
			check(t, w.MergeQueue("ada", "shop", method, 8))
			w.settle(nil)
			same(t, "one", w.show("main", "src/shop/one.py"), before)
			same(t, "notes", w.show("main", "notes.txt"), "A shop.\n")
			w.comment("ada", issue, "/restage resume")
			w.settle(nil)
			for {
				open, _, err := w.users["ada"].PullRequests.List(ctx, "ada", "shop", nil)
				check(t, err)
				if len(open) == 0 {
					break
				}
				check(t, w.MergeQueue("ada", "shop", method, open[len(open)-1].GetNumber()))
				w.settle(nil)
			}
			contain(t, w.status(issue), "Everything is merged")
			same(t, "one", w.show("main", "src/shop/one.py"), strings.ReplaceAll(before, "shop.old.", "shop.store."))
		})
	}
}

// pushed lets GitHub notice what was pushed past it.
func (w *world) pushed() {
	w.t.Helper()
	_, _, err := w.users["ada"].Git.CreateRef(ctx, "ada", "shop", &gh.Reference{
		Ref:    gh.String("refs/heads/another"),
		Object: &gh.GitObject{SHA: gh.String(strings.TrimSpace(w.git("rev-parse", "main")))},
	})
	check(w.t, err)
}

// An issue that some other bot closes is asked about, too.
func TestIssueClosedByABot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{State: gh.String("closed")})
	check(t, err)
	closed := w.take()
	for i, d := range closed {
		closed[i].Payload = bytes.ReplaceAll(d.Payload, []byte(`"type":"User"`), []byte(`"type":"Bot"`))
	}
	w.settle(nil, closed...)
	same(t, "asked", strings.Count(strings.Join(w.comments(issue), "\n"), "Open it again to go on, or comment `/restage cancel`"), 2)
}
