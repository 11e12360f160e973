package bot_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/bot/store/postgrestest"
)

// tested has two commands. Here nothing ever takes them up.
const tested = shop + `-- .github/restage.yml --
source_roots: [src]
verify:
  - {name: tests, run: pytest}
  - {name: types, run: mypy}
`

// What nobody awaits any more is cancelled, on the head and on the base, and the
// check runs say why.
func TestRunsAreCancelled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		do   func(w *world, issue int)
		why  string // of the check runs on the first head
		runs string // then
	}{
		{
			name: "the pull request is closed",
			do:   func(w *world, issue int) { w.setPull(2, "closed") },
			why:  "The pull request was closed.",
			runs: "4 cancelled",
		}, {
			name: "the migration is paused",
			do: func(w *world, issue int) {
				w.write("main", ".github/restage.yml", "tests: pytest\n")
				w.comment("ada", issue, "/restage rerun tests")
			},
			why:  "The migration is paused.",
			runs: "4 cancelled",
		}, {
			name: "the issue is labelled again",
			do: func(w *world, issue int) {
				check(w.t, w.store.SetState(ctx, 1, store.Paused, "as if the next look were late"))
				w.rewrite(issue, strings.ReplaceAll(yaml, "prices", "costs"))
				w.label("ada", issue)
			},
			why:  "The issue was labelled again.",
			runs: "2 cancelled, 4 queued", // the base is the same
		}, {
			name: "the issue is gone",
			do: func(w *world, issue int) {
				w.out = without("/issues/1")
				w.startBot()
			},
			why:  "The issue is gone.",
			runs: "4 cancelled",
		}, {
			name: "the plan has nothing to move any more",
			do: func(w *world, issue int) {
				w.rewrite(issue, "restage: 1\nimports: {shop.old.pricing: shop.prices}\n")
				w.comment("ada", issue, "/restage plan")
			},
			why:  "There is nothing to do any more.",
			runs: "4 cancelled",
		}, {
			name: "somebody pushes, and wants it done again",
			do: func(w *world, issue int) {
				w.write(movesBranch, "src/shop/mine.py", "")
				w.comment("ada", issue, "/restage rerun")
			},
			why:  "A newer commit took the place of this one.",
			runs: "2 cancelled, 4 queued",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tested)
			w.runner = idle{}
			w.startBot()
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			head := w.pull(movesBranch).GetHead().GetSHA()
			same(t, "runs before", w.runs(), "4 queued")
			test.do(w, issue)
			w.settle(nil)
			same(t, "runs", w.runs(), test.runs)
			same(t, "checks", w.ends(head), "tests cancelled: "+test.why+"\ntypes cancelled: "+test.why)
		})
	}
}

// A pull request that is opened again is tested after all.
func TestOpenedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tested)
	w.runner = idle{}
	w.startBot()
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.setPull(2, "closed")
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "| ➖ | tests | cancelled |")
	contain(t, w.status(issue), "➖ tests, ➖ types")
	w.setPull(2, "open")
	w.settle(nil)
	same(t, "runs", w.runs(), "4 queued")
	same(t, "tests", w.check(w.pull(movesBranch).GetHead().GetSHA(), "tests"), ": waits for its turn")
	contain(t, w.pull(movesBranch).GetBody(), "| ⏳ | tests | waits for its turn |")
}

// All was merged without waiting. A late answer begins another round, and nobody
// reads what the first one's checks say.
func TestNextRoundCancels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tested)
	w.runner = idle{}
	w.startBot()
	issue := w.file("ada", fenced(disputed))
	w.settle(nil)
	var heads []string
	for _, branch := range branches {
		heads = append(heads, w.pull(branch).GetHead().GetSHA())
		w.merge(branch)
		w.settle(nil)
	}
	same(t, "still tested", w.ends(heads[0]), "tests: waits for its turn\ntypes: waits for its turn")
	w.comment("ada", issue, "/restage decide shop/old/legacy.py delete")
	w.settle(nil)
	for i, head := range heads {
		same(t, branches[i], w.ends(head), "tests cancelled: The migration begins another round.\ntypes cancelled: The migration begins another round.")
	}
	same(t, "another round is tested", w.ends(w.pull(branches[2]+"-2").GetHead().GetSHA()), "tests: waits for its turn\ntypes: waits for its turn")
}

// A run on the base goes on while another migration awaits it.
func TestSharedBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tested)
	w.runner = idle{}
	w.startBot()
	w.file("ada", fenced(yaml))
	w.settle(nil)
	other := w.file("ada", fenced("restage: 1\nmoves: [{from: shop/cart.py, to: shop/basket.py}]\n"))
	w.settle(nil)
	same(t, "one base", w.runs(), "6 queued")
	w.setPull(2, "closed")
	w.settle(nil)
	same(t, "one is closed", w.runs(), "2 cancelled, 4 queued")
	w.setPull(other+1, "closed")
	w.settle(nil)
	same(t, "both are closed", w.runs(), "6 cancelled")
}

func (w *world) setPull(number int, state string) {
	w.t.Helper()
	_, _, err := w.users["ada"].PullRequests.Edit(ctx, "ada", "shop", number, &gh.PullRequest{State: &state})
	check(w.t, err)
}

// rewrite puts another plan into an issue.
func (w *world) rewrite(issue int, plan string) {
	w.t.Helper()
	_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{Body: gh.String(fenced(plan))})
	check(w.t, err)
}

// runs says how many runs of commands are in each state.
func (w *world) runs() string {
	w.t.Helper()
	db := postgrestest.Open(w.t, w.database)
	rows := must(db.Query(`SELECT count(*) || ' ' || state FROM runs GROUP BY state ORDER BY state`))
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		check(w.t, rows.Scan(&line))
		all = append(all, line)
	}
	return strings.Join(all, ", ")
}

// ends returns how the check runs of commands ended on a commit and, of those
// that were cancelled, why.
func (w *world) ends(commit string) string {
	w.t.Helper()
	list, _, err := w.users["ada"].Checks.ListCheckRunsForRef(ctx, "ada", "shop", commit, &gh.ListCheckRunsOptions{Filter: gh.String("all")})
	check(w.t, err)
	var lines []string
	for _, run := range list.CheckRuns {
		name := strings.TrimPrefix(run.GetName(), "restage / ")
		if name == "tests" || name == "types" {
			lines = append(lines, strings.TrimSpace(name+" "+run.GetConclusion())+": "+run.GetOutput().GetSummary())
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// without is a way to a GitHub that does not have what is at a path's end.
type without string

func (path without) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, string(path)) {
		r = r.Clone(r.Context())
		r.URL.Path += "000"
	}
	return http.DefaultTransport.RoundTrip(r)
}
