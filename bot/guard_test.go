package bot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/store"
)

// guarded returns a world in which the imports are merged, and the cleanup is
// open: pull request #4.
func guarded(t *testing.T, archive string) *world {
	t.Helper()
	w := newWorld(t, archive)
	w.file("ada", fenced(yaml))
	w.settle(nil)
	for _, branch := range branches[:2] {
		w.merge(branch)
		w.settle(nil)
	}
	return w
}

// propose opens a pull request to main from a branch that begins at a commit and
// has the files of a txtar archive. A file that holds "gone" is deleted.
func (w *world) propose(branch, from, archive string) *gh.PullRequest {
	w.t.Helper()
	w.change(branch, from, archive)
	p, _, err := w.users["bob"].PullRequests.Create(ctx, "ada", "shop", &gh.NewPullRequest{
		Title: gh.String("Change " + branch), Head: &branch, Base: gh.String("main")})
	check(w.t, err)
	return p
}

// change makes one commit of the files of an archive on from, and pushes it to a
// branch.
func (w *world) change(branch, from, archive string) {
	w.t.Helper()
	w.git("read-tree", from)
	for path, f := range files(archive) {
		if string(f.Data) == "gone\n" {
			w.gitInput([]byte("0 "+strings.Repeat("0", 40)+"\t"+path+"\n"), "update-index", "--index-info")
			continue
		}
		blob := strings.TrimSpace(w.gitInput(f.Data, "hash-object", "-w", "--stdin"))
		w.git("update-index", "--add", "--cacheinfo", "100644,"+blob+","+path)
	}
	tree := strings.TrimSpace(w.git("write-tree"))
	commit := strings.TrimSpace(w.git("-c", "user.name=B", "-c", "user.email=b@b.c", "commit-tree", "-p", from, "-m", "Change", tree))
	w.git("push", "--quiet", ".", commit+":refs/heads/"+branch)
}

// guardRuns returns the check runs of the guard on a commit, oldest first, a line
// each, and the annotations of the newest.
func (w *world) guardRuns(commit string) (runs, annotations []string) {
	w.t.Helper()
	list, _, err := w.users["ada"].Checks.ListCheckRunsForRef(ctx, "ada", "shop", commit, &gh.ListCheckRunsOptions{
		CheckName: gh.String("restage / guard"), Filter: gh.String("all")})
	check(w.t, err)
	for i, r := range list.CheckRuns {
		runs = append([]string{r.GetConclusion() + ": " + r.GetOutput().GetTitle()}, runs...)
		if i > 0 {
			continue
		}
		for page := 1; page != 0; {
			some, res, err := w.users["ada"].Checks.ListCheckRunAnnotations(ctx, "ada", "shop", r.GetID(), &gh.ListOptions{Page: page, PerPage: 100})
			check(w.t, err)
			for _, a := range some {
				annotations = append(annotations, fmt.Sprintf("%s:%d %s %s", a.GetPath(), a.GetStartLine(), a.GetAnnotationLevel(), a.GetMessage()))
			}
			page = res.NextPage
		}
	}
	return runs, annotations
}

const usesOld = `
-- src/shop/till.py --
import shop.cart
from shop.old.pricing import price
`

const toldOfPrice = "[src/shop/till.py:2 warning `shop.old.pricing.price` names what moved to `shop.prices`]"

func TestGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	start := strings.TrimSpace(w.git("rev-parse", "main"))
	w.file("ada", fenced(yaml))
	w.settle(nil)
	early := w.propose("early", start, usesOld).GetHead().GetSHA() // before anything moved
	fine := w.propose("fine", start, "-- notes.txt --\nNothing old.\n").GetHead().GetSHA()
	w.merge(movesBranch)
	w.settle(nil)
	runs, _ := w.guardRuns(early)
	same(t, "before the imports are merged", runs, "[]")

	w.merge(importsBranch)
	w.settle(nil)
	runs, told := w.guardRuns(early)
	same(t, "open when the imports were merged", runs, "[neutral: 1 new use of an old path]")
	same(t, "told", told, toldOfPrice)
	runs, _ = w.guardRuns(fine)
	same(t, "that uses nothing old", runs, "[success: No new use of an old path]")

	late := w.propose("late", "main", usesOld).GetHead().GetSHA()
	w.settle(nil)
	runs, told = w.guardRuns(late)
	same(t, "opened later", runs, "[neutral: 1 new use of an old path]")
	same(t, "told", told, toldOfPrice)
	check(t, w.bot.Guard(ctx, w.repositoryID()))
	runs, _ = w.guardRuns(late)
	same(t, "looked at again", len(runs), 1)
	w.startBot()
	check(t, w.store.SetGuarded(ctx, w.repositoryID(), late, "")) // the process died before it took that down
	check(t, w.bot.Guard(ctx, w.repositoryID()))
	runs, _ = w.guardRuns(late)
	same(t, "never twice", len(runs), 1)

	w.change("late", "late", "-- src/shop/till.py --\nimport shop.cart\nfrom shop.prices import price\n")
	w.settle(nil)
	runs, _ = w.guardRuns(strings.TrimSpace(w.git("rev-parse", "late")))
	same(t, "mended", runs, "[success: No new use of an old path]")

	for _, own := range branches {
		runs, _ := w.guardRuns(w.pull(own).GetHead().GetSHA())
		same(t, own, runs, "[]")
	}
	w.merge(cleanupBranch)
	w.settle(nil)
	after := w.propose("after", "main", usesOld).GetHead().GetSHA()
	w.settle(nil)
	runs, _ = w.guardRuns(after)
	same(t, "after the cleanup", runs, "[]")

	w.write("main", ".github/restage.yml", "guard: {fail: true, after_cleanup: true}\n")
	w.change("after", "after", "-- more.txt --\nmore\n")
	w.settle(nil)
	runs, told = w.guardRuns(strings.TrimSpace(w.git("rev-parse", "after")))
	same(t, "kept on", runs, "[failure: 1 new use of an old path]")
	same(t, "told", told, strings.Replace(toldOfPrice, "warning", "failure", 1))
}

// What counts is what a pull request adds.
func TestGuardSeesWhatIsNew(t *testing.T) {
	t.Parallel()
	// Nothing rewrites what is excluded, so old uses are left.
	w := guarded(t, shop+`
-- .github/restage.yml --
exclude: [CHANGES.txt]
-- contrib/report.py --
"""Report."""
import sys
from shop.old.pricing import price  # an old use


def report():
    print(price(1))
    print(price(2))
    return sys.exit()
`)
	w.change("main", "main", `
-- contrib/old.py --
"""Somebody was quick."""
import sys
from shop.old import pricing


def report():
    print(pricing.price(1))
    print(pricing.price(2))
    return sys.exit()
`)
	w.settle(nil)
	for _, test := range []struct{ name, change, runs, told string }{
		{"deletes a use", "-- contrib/old.py --\n\"\"\"Somebody was quick.\"\"\"\nimport sys\n", "success: No new use of an old path", "[]"},
		{"changes other lines", "-- contrib/old.py --\n\"\"\"New words.\"\"\"\nimport sys\nfrom shop.old import pricing\n", "success: No new use of an old path", "[]"},
		{"deletes the file", "-- contrib/old.py --\ngone\n", "success: No new use of an old path", "[]"},
		{"renames the file", "-- contrib/old.py --\ngone\n-- contrib/new.py --\n" + w.git("show", "main:contrib/old.py"), "success: No new use of an old path", "[]"},
		{"renames and adds", "-- contrib/old.py --\ngone\n-- contrib/new.py --\n" + w.git("show", "main:contrib/old.py") + "import shop.old.pricing\n",
			"neutral: 1 new use of an old path", "[contrib/new.py:10 warning `shop.old.pricing` names what moved to `shop.prices`]"},
		{"in a string", "-- tests/test_till.py --\nfrom unittest import mock\n\nmock.patch(\"shop.old.pricing.price\")\n",
			"neutral: 1 new use of an old path", "[tests/test_till.py:3 warning `shop.old.pricing.price` names what moved to `shop.prices`]"},
		{"in configuration", "-- settings.toml --\na = 1\nprices = \"shop.old.pricing:price\"\n",
			"neutral: 1 new use of an old path", "[settings.toml:2 warning `shop.old.pricing` names what moved to `shop.prices`]"},
		{"in a document, by path", "-- docs/guide.md --\nSee [the prices](../src/shop/old/pricing.py).\n",
			"neutral: 1 new use of an old path", "[docs/guide.md:1 warning `../src/shop/old/pricing.py` names what moved to `shop.prices`]"},
		{"relative", "-- src/shop/till.py --\nfrom .old import pricing\n",
			"neutral: 1 new use of an old path", "[src/shop/till.py:1 warning `shop.old.pricing` names what moved to `shop.prices`]"},
		{"in a file that is never rewritten", "-- CHANGES.txt --\nshop.old.pricing was here\n", "success: No new use of an old path", "[]"},
		{"a name that only looks alike", "-- a.py --\nold = pricing = 1\nx = old\n", "success: No new use of an old path", "[]"},
		{"broken Python", "-- src/shop/till.py --\nfrom shop.old.pricing import price\ndef (\n", "neutral: 1 new use of an old path", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := w.propose(strings.ReplaceAll(test.name, " ", "-"), "main", test.change)
			w.settle(nil)
			runs, told := w.guardRuns(p.GetHead().GetSHA())
			same(t, "runs", runs, "["+test.runs+"]")
			if test.told != "" {
				same(t, "told", told, test.told)
			}
		})
	}
}

// Names and texts of a pull request are shown, and do nothing.
func TestGuardShowsHostileTexts(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	path := "docs/`@ada` <b> | [x](http:) #1\x1b[31m.md"
	p := w.propose("hostile", "main", "-- "+path+" --\n@ada | </td> `shop.old.pricing.<script>` #1 ![x](y)\n")
	w.settle(nil)
	runs, told := w.guardRuns(p.GetHead().GetSHA())
	same(t, "runs", runs, "[neutral: 1 new use of an old path]")
	same(t, "told", len(told), 1)
	contain(t, told[0], path+":1 warning `shop.old.pricing` names what moved")
	list, _, err := w.users["ada"].Checks.ListCheckRunsForRef(ctx, "ada", "shop", p.GetHead().GetSHA(), nil)
	check(t, err)
	summary := list.CheckRuns[0].GetOutput().GetSummary()
	contain(t, summary, "Files have moved for #1.", "| ``docs/`@ada` <b> \\| [x](http:) #1")
	if strings.Contains(summary, "<script>") || strings.Contains(summary, "\x1b") {
		t.Errorf("summary is not shown as text: %q", summary)
	}
}

func TestGuardManyFiles(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	var many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, "-- src/many/m%03d.py --\nimport sys\nimport shop.old.pricing\nimport shop.old.pricing as p\n", i)
	}
	p := w.propose("many", "main", many.String())
	w.settle(nil)
	runs, told := w.guardRuns(p.GetHead().GetSHA())
	same(t, "runs", runs, "[neutral: 600 new uses of old paths]")
	same(t, "annotations", len(told), 500)
	same(t, "the last", told[499], "src/many/m249.py:3 warning `shop.old.pricing` names what moved to `shop.prices`")
}

// More than one look's worth of pull requests: each gets its check run.
func TestGuardManyPullRequests(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	var heads []string
	for i := range 12 {
		heads = append(heads, w.propose(fmt.Sprintf("p%d", i), "main", fmt.Sprintf("-- n%d.py --\nimport shop.old.pricing\n", i)).GetHead().GetSHA())
	}
	w.settle(nil)
	for _, head := range heads {
		runs, _ := w.guardRuns(head)
		same(t, "runs", runs, "[neutral: 1 new use of an old path]")
	}
}

// Who takes the imports back may use the old paths again.
func TestGuardTakenBack(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	w.comment("ada", 1, "/restage revert imports")
	w.settle(nil)
	p := w.propose("late", "main", usesOld)
	w.settle(nil)
	runs, _ := w.guardRuns(p.GetHead().GetSHA())
	same(t, "runs", runs, "[]")
	contain(t, w.status(1), "#5 takes it back")
}

func TestGuardAnotherBase(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	w.git("branch", "develop", "main")
	w.change("elsewhere", "develop", usesOld)
	p, _, err := w.users["bob"].PullRequests.Create(ctx, "ada", "shop", &gh.NewPullRequest{
		Title: gh.String("Elsewhere"), Head: gh.String("elsewhere"), Base: gh.String("develop")})
	check(t, err)
	w.settle(nil)
	runs, _ := w.guardRuns(p.GetHead().GetSHA())
	same(t, "runs", runs, "[]")
	_, _, err = w.users["bob"].PullRequests.Edit(ctx, "ada", "shop", p.GetNumber(), &gh.PullRequest{Base: &gh.PullRequestBranch{Ref: gh.String("main")}})
	check(t, err)
	w.settle(nil)
	runs, _ = w.guardRuns(p.GetHead().GetSHA())
	same(t, "when it goes to main", runs, "[neutral: 1 new use of an old path]")
}

const forkBranch = "restage/9/1-moves"

// forked is a way to a GitHub where the pull request of a branch comes from a fork.
type forked struct{}

func (forked) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || res.StatusCode != http.StatusOK || !strings.HasSuffix(r.URL.Path, "/pulls") || r.URL.Query().Get("base") == "" {
		return res, err
	}
	var list []map[string]any
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
		return nil, err
	}
	for _, p := range list {
		head := p["head"].(map[string]any)
		if head["ref"] == forkBranch {
			head["repo"] = map[string]any{"id": 99, "name": "shop", "fork": true}
		}
	}
	data := must(json.Marshal(list))
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return res, nil
}

// A fork's branch may have any name, one of restage's too. Its commit is to be
// had by its pull request alone.
func TestGuardFork(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	w.out = forked{}
	w.startBot()
	p := w.propose(forkBranch, "main", usesOld)
	w.git("update-ref", "-d", "refs/heads/"+forkBranch)
	w.settle(nil)
	check(t, w.bot.Guard(ctx, w.repositoryID()))
	runs, told := w.guardRuns(p.GetHead().GetSHA())
	same(t, "runs", runs, "[neutral: 1 new use of an old path]")
	same(t, "told", told, toldOfPrice)
}

// The button of the check run, and GitHub's own, do it again for who may write.
func TestGuardAgain(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	p := w.propose("late", "main", usesOld)
	w.settle(nil)
	repo, _, err := w.users["ada"].Repositories.Get(ctx, "ada", "shop")
	check(t, err)
	ask := func(delivery, login, event string, payload any) {
		t.Helper()
		check(t, w.bot.Delivery(ctx, store.Delivery{ID: delivery, Event: event, Payload: must(json.Marshal(payload)), Received: began}))
		w.settle(nil)
	}
	press := func(delivery, login, action, button string) {
		t.Helper()
		ask(delivery, login, "check_run", gh.CheckRunEvent{
			Action: &action, CheckRun: &gh.CheckRun{Name: gh.String("restage / guard"), HeadSHA: p.GetHead().SHA},
			Repo: repo, RequestedAction: &gh.RequestedAction{Identifier: button},
			Sender: &gh.User{Login: &login, Type: gh.String("User")}, Installation: &gh.Installation{ID: &w.inst},
		})
	}
	count := func(want int) {
		t.Helper()
		runs, _ := w.guardRuns(p.GetHead().GetSHA())
		same(t, "runs", len(runs), want)
	}
	count(1)
	press("d1", "bob", "rerequested", "")
	count(2)
	press("d1", "bob", "rerequested", "") // delivered twice
	press("d2", "eve", "rerequested", "") // may not
	count(2)
	press("d3", "bob", "requested_action", "rerun")
	count(3)
	ask("d4", "bob", "check_suite", gh.CheckSuiteEvent{
		Action: gh.String("rerequested"), CheckSuite: &gh.CheckSuite{HeadBranch: gh.String("late"), HeadSHA: p.GetHead().SHA},
		Repo: repo, Sender: &gh.User{Login: gh.String("bob"), Type: gh.String("User")}, Installation: &gh.Installation{ID: &w.inst},
	})
	count(4)
}

// A pull request that cannot be looked at keeps no other from its check run.
func TestGuardPassesOver(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	fine := w.propose("fine", "main", usesOld).GetHead().GetSHA()
	var bad []string // more than one look takes
	for i := range 11 {
		bad = append(bad, w.propose(fmt.Sprint("bad", i), "main", fmt.Sprintf("-- notes.txt --\n%d\n", i)).GetHead().GetSHA())
	}
	w.out = transport(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/compare/") && slices.ContainsFunc(bad, func(commit string) bool { return strings.HasSuffix(r.URL.Path, commit) }) {
			return fail(r, 422, "this diff is taking too long to generate", 0), nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	w.startBot()
	if err := w.bot.Guard(ctx, w.repositoryID()); err == nil {
		t.Error("no error")
	}
	runs, _ := w.guardRuns(fine)
	same(t, "runs", runs, "[neutral: 1 new use of an old path]")
}

// A name like that of a branch of restage's keeps nobody's pull request from the
// guard.
func TestGuardOfSuchAName(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	head := w.propose("restage/77/1-moves", "main", usesOld).GetHead().GetSHA()
	w.settle(nil)
	runs, _ := w.guardRuns(head)
	same(t, "runs", runs, "[neutral: 1 new use of an old path]")
}

// The guard of a migration that is done goes on where the base branch goes on.
func TestGuardBaseRenamed(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop+"-- .github/restage.yml --\nguard: {after_cleanup: true}\n")
	w.merge(cleanupBranch)
	w.settle(nil)
	contain(t, w.status(1), "Everything is merged.")
	w.renameBranch("main", "trunk")
	w.change("late", "trunk", usesOld)
	p, _, err := w.users["bob"].PullRequests.Create(ctx, "ada", "shop", &gh.NewPullRequest{
		Title: gh.String("Late"), Head: gh.String("late"), Base: gh.String("trunk")})
	check(t, err)
	w.settle(nil)
	runs, _ := w.guardRuns(p.GetHead().GetSHA())
	same(t, "runs", runs, "[neutral: 1 new use of an old path]")
}

// What keeps restage from a repository is no error of the guard. It goes on when that
// is over.
func TestGuardOutOfReach(t *testing.T) {
	t.Parallel()
	w := guarded(t, shop)
	head := w.propose("late", "main", usesOld).GetHead().GetSHA()
	w.out = forbidding("Repository access blocked")
	w.startBot()
	check(t, w.bot.Guard(ctx, w.repositoryID()))
	w.out = http.DefaultTransport
	w.startBot()
	check(t, w.bot.Guard(ctx, w.repositoryID()))
	runs, _ := w.guardRuns(head)
	same(t, "runs", runs, "[neutral: 1 new use of an old path]")
}
