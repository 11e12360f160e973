package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	gh "github.com/google/go-github/v60/github"
)

const shop = `
-- src/shop/__init__.py --
-- src/shop/old/__init__.py --
-- src/shop/old/pricing.py --
def price(item):
    return 3
-- src/shop/old/legacy.py --
def ask():
    return "the old way"
-- src/shop/cart.py --
from shop.old.pricing import price


def total(items):
    return sum(price(i) for i in items)
-- tests/test_cart.py --
import unittest
from unittest import mock

from shop import cart


class Cart(unittest.TestCase):
    def test_total(self):
        with mock.patch("shop.old.pricing.price", return_value=1):
            self.assertEqual(cart.total([1, 2]), 6)
-- README.md --
Prices are in ` + "`shop.old.pricing`" + `.
`

// fenced returns a plan in YAML as it stands in an issue.
func fenced(yaml string) string { return "Please do this.\n\n```yaml\n" + yaml + "```\n" }

const yaml = `restage: 1
title: Tidy the shop
source_roots: [src]
moves:
  - {from: shop/old/pricing.py, to: shop/prices.py, expect: [price], step: 1}
imports: {shop.old.pricing: shop.prices}
`

// disputed deletes a folder with something in it that is to be kept.
const disputed = yaml + `delete: [{path: shop/old/}]
keep: [shop/old/legacy.py]
`

const (
	movesBranch   = "restage/1/1-moves"
	importsBranch = "restage/1/2-imports"
	cleanupBranch = "restage/1/3-cleanup"
)

var branches = []string{movesBranch, importsBranch, cleanupBranch}

func TestLabelToClosedIssue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("bob", fenced(yaml))
	w.settle(nil)
	contain(t, w.status(issue), "Review #2 and merge it", "| 1 | moves | #2 | open |", "| 2 | imports |  | waits |")
	p := w.pull(movesBranch)
	same(t, "title", p.GetTitle(), "restage 1/3: move files (Tidy the shop)")
	same(t, "base", p.GetBase().GetRef(), "main")
	contain(t, p.GetBody(), "| `src/shop/old/pricing.py` | `src/shop/prices.py` |", "#1: Tidy the shop", "/restage rerun")
	same(t, "commits of the first", len(strings.Split(w.git("log", "--format=%h", "main.."+movesBranch), "\n"))-1, 2)
	same(t, "renames alone", w.git("diff", "--name-status", "-M", "main.."+movesBranch+"~1"), "R100\tsrc/shop/old/pricing.py\tsrc/shop/prices.py\n")
	same(t, "author", w.git("log", "-1", "--format=%an <%ae> %ad", "--date=iso", movesBranch),
		fmt.Sprintf("restage[bot] <%d+restage[bot]@users.noreply.127.0.0.1> 2026-02-03 04:05:06 +0000\n", p.GetUser().GetID()))

	for i, branch := range branches {
		same(t, "open", w.pull(branch).GetState(), "open")
		if i < 2 {
			same(t, "the next", w.pull(branches[i+1]) == nil, true)
		}
		w.merge(branch)
		w.settle(nil)
	}
	same(t, "README", w.git("show", "main:README.md"), "Prices are in `shop.prices`.\n")
	same(t, "files", w.git("ls-tree", "-r", "--name-only", "main", "src"),
		"src/shop/__init__.py\nsrc/shop/cart.py\nsrc/shop/old/__init__.py\nsrc/shop/old/legacy.py\nsrc/shop/prices.py\n")
	contain(t, w.status(issue), "Everything is merged", "| 3 | cleanup | #4 | merged |")
	comments := w.comments(issue)
	same(t, "comments", len(comments), 2)
	contain(t, comments[1], "Done: Tidy the shop", "#2", "#3", "#4", "1 file moved", "3 references rewritten", "1 file deleted")
	done, _, err := w.users["ada"].Issues.Get(ctx, "ada", "shop", issue)
	check(t, err)
	same(t, "issue", done.GetState()+" "+done.GetStateReason(), "closed completed")
}

// The pull requests lead to each other, those merged long ago too. What people
// make of a body stays.
func TestPullRequestsLeadToEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	w.file("ada", fenced(yaml))
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "\n1. **imports**: every reference to an old path is rewritten\n")
	edit := func(branch string, f func(string) string) {
		_, _, err := w.users["bob"].PullRequests.Edit(ctx, "ada", "shop", w.pull(branch).GetNumber(), &gh.PullRequest{Body: gh.String(f(w.pull(branch).GetBody()))})
		check(t, err)
	}
	edit(movesBranch, func(body string) string {
		return "Read this first.\r\n" + strings.ReplaceAll(body, "\n", "\r\n") + "\r\nDone so on Monday."
	})
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "Read this first.\r\n", "old path (this one)\n1. **imports**: every reference to an old path is rewritten (#3)\n",
		"\r\nDone so on Monday.")
	edit(importsBranch, func(body string) string { return "Nothing but this." })
	w.merge(importsBranch)
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "is rewritten (#3)\n", "duplicates go (#4)\n", "Read this first.", "on Monday.")
	same(t, "a body without the list", w.pull(importsBranch).GetBody(), "Nothing but this.")
	contain(t, w.pull(cleanupBranch).GetBody(), "old path (#2)\n", "is rewritten (#3)\n", "duplicates go (this one)\n")
	same(t, "edits", strings.Count(w.log.String(), "section=phases"), 2)
}

// What a check only notes is listed in the body, where a reviewer looks.
func TestNotesOfChecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- study.ipynb --
{"cells": [{"cell_type": "code", "execution_count": 1, "metadata": {}, "source": ["1/0"], "outputs": [
  {"name": "stdout", "output_type": "stream", "text": ["shop.old.pricing"]}]}],
 "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
`)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.pull(importsBranch).GetBody(), "### What needs eyes\n\n- [`study.ipynb:2`](", "/study.ipynb#L2): ", "(`leftovers`)\n")
	contain(t, w.status(issue), "1 place in the open pull request could use a look")
}

// A destination that exists with other content is a question. Answered with
// delete, the file that is there takes the place of the old one.
func TestMergedIntoAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- src/shop/prices.py --\ndef price(item):\n    return 4\n")
	issue := w.file("ada", fenced(strings.Replace(yaml, "imports: {shop.old.pricing: shop.prices}\n", "", 1)))
	w.settle(nil)
	contain(t, w.status(issue), "Nothing is done yet: everything that is left to do waits for the decisions below.",
		"| 1 | moves |  | nothing to do yet |", "| 3 | cleanup |  | nothing to do yet |")
	w.comment("ada", issue, "/restage decide shop/old/pricing.py delete")
	w.settle(nil)
	body := w.pull(movesBranch).GetBody()
	contain(t, body, "### Merged into a file that was there\n\nThe file at the new path stays as it is and takes the place of the old one.\n\n"+
		"| From | To |\n|---|---|\n| `src/shop/old/pricing.py` | `src/shop/prices.py` |\n")
	if strings.Contains(body, "### Moved") {
		t.Errorf("nothing moved:\n%s", body)
	}
}

func TestThePlanIsTheOneThatWasLabelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{
		Body: gh.String(fenced(strings.ReplaceAll(yaml, "prices", "elsewhere"))),
	})
	check(t, err)
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "`src/shop/prices.py`")
	w.label("ada", issue)
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "`src/shop/prices.py`")
	contain(t, strings.Join(w.comments(issue), "\n"), "under way, with the plan as it was")
}

func TestPlanInAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- docs/plan.yml --\n"+yaml)
	w.file("ada", "It is in the repository.\n\nPlan: docs/plan.yml\n")
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "`src/shop/prices.py`")
}

func TestBadPlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	for _, c := range []struct{ plan, want string }{
		{fenced(yaml + "colour: red\n"), "line 10"},
		{"Please tidy up.", "moves nothing"},
		{fenced(strings.ReplaceAll(yaml, "shop/prices.py", "../../etc/passwd")), "etc/passwd"},
		{"Plan: docs/none.md\n", "`docs/none.md`, which is not a file"},
	} {
		issue := w.file("ada", c.plan)
		w.settle(nil)
		same(t, "comments", len(w.comments(issue)), 1)
		contain(t, w.status(issue), c.want, "on again")
		same(t, "a phase that waits", strings.Contains(w.status(issue), "waits"), false)
	}
	same(t, "branches", w.git("branch", "--format=%(refname:short)"), "main\n")

	// A migration starts over when the issue was edited and is labelled again.
	const issue = 1
	_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{Body: gh.String(fenced(yaml))})
	check(t, err)
	w.label("ada", issue)
	w.settle(nil)
	contain(t, w.status(issue), "Review #5")
	same(t, "comments", len(w.comments(issue)), 1)
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("eve", fenced(yaml))
	w.settle(nil)
	same(t, "comments", len(w.comments(issue)), 1)
	contain(t, w.comments(issue)[0], "`eve`", "may write to this repository")
	id := w.comment("eve", issue, "/restage rerun")
	w.label("eve", issue)
	w.settle(nil)
	same(t, "comments", len(w.comments(issue)), 1)
	same(t, "reactions", w.reactions(id), "")
	same(t, "branches", w.git("branch", "--format=%(refname:short)"), "main\n")
}

func TestAnotherPlanForTheSameIssue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	_, _, err := w.users["ada"].PullRequests.Edit(ctx, "ada", "shop", 2, &gh.PullRequest{State: gh.String("closed")})
	check(t, err)
	_, _, err = w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{
		Body: gh.String(fenced(strings.ReplaceAll(yaml, "prices", "costs"))),
	})
	check(t, err)
	w.settle(nil)
	w.label("ada", issue)
	w.settle(nil)
	same(t, "the old one", w.pull(movesBranch).GetState(), "closed")
	contain(t, w.pull("restage/1/1-moves-2").GetBody(), "`src/shop/costs.py`")
	contain(t, w.status(issue), "Review #3")
	same(t, "comments", len(w.comments(issue)), 1)
}

func TestHelpAndStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	help := w.comment("ada", issue, "/restage help")
	status := w.comment("ada", issue, "/restage status")
	other, _, err := w.users["ada"].Issues.Create(ctx, "ada", "shop", &gh.IssueRequest{Title: gh.String("Something else")})
	check(t, err)
	lost := w.comment("ada", other.GetNumber(), "/restage rerun")
	w.settle(nil)
	same(t, "reactions", w.reactions(help)+", "+w.reactions(status)+", "+w.reactions(lost), "+1 eyes, +1 eyes, confused eyes")
	comments := w.comments(issue)
	same(t, "comments", len(comments), 3)
	contain(t, comments[1], "/restage decide PATH ANSWER")
	contain(t, comments[2], "| 1 | moves | #2 | open |")
	contain(t, w.comments(other.GetNumber())[0], "Put the label `restage` on an issue")
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	_, _, err := w.users["ada"].Repositories.CreateStatus(ctx, "ada", "shop", strings.TrimSpace(w.git("rev-parse", "main")),
		&gh.RepoStatus{State: gh.String("failure"), Context: gh.String("ci/build")})
	check(t, err)
	w.git("branch", "busy", "main")
	w.write("busy", "src/shop/cart.py", "from shop.old.pricing import price\n")
	w.git("branch", "elsewhere", "main")
	w.write("elsewhere", "docs/new.md", "Nothing of it.\n")
	for _, head := range []string{"busy", "elsewhere"} {
		_, _, err := w.users["ada"].PullRequests.Create(ctx, "ada", "shop", &gh.NewPullRequest{
			Title: gh.String("Work on " + head + " @bob"), Head: gh.String(head), Base: gh.String("main")})
		check(t, err)
	}
	issue := w.file("ada", fenced(disputed+"estimate: 2 to 5 imports\n"))
	w.settle(nil)
	contain(t, w.preflight(issue), "(1 name in import statements); the plan says: 2 to 5 imports.", "One question is open", "`src/shop/old/pricing.py` → `src/shop/prices.py`: imported by `src/shop/cart.py`",
		"the plan deletes `shop/old/` above it", "Another pull request touches the same files: #1 (Work on busy @\u200bbob): `src/shop/cart.py`",
		"`main` **is not green**: `ci/build` failed")
	if strings.Contains(w.preflight(issue), "elsewhere") {
		t.Error("a pull request that touches other files is named")
	}
	w.comment("ada", issue, "/restage decide shop/old/legacy.py delete")
	w.settle(nil)
	if strings.Contains(w.preflight(issue), "question is open") {
		t.Errorf("the answered question is still open:\n%s", w.preflight(issue))
	}
}

// What the plan's steps ask for is told: in which commits restage did it, what
// people have to do, and in the end how everybody's imports change.
func TestStepsTasksAndGuide(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", `# Tidy the shop

**Phase 1 (File Moves)**: Steps 1-2
**Phase 2 (Import Updates)**: Step 3

### Step 1: Move the prices

| From | To |
|------|----|
| shop/old/pricing.py | shop/prices.py |

### Step 2: Tell people

- Add a section on @prices to the handbook
- If different: Review differences carefully

### Step 3: Update imports

| Old Import | New Import |
|------------|------------|
| shop.old.pricing | shop.prices |
`)
	w.settle(nil)
	moves := w.pull(movesBranch)
	contain(t, moves.GetBody(), "- [ ] Step 2: Add a section on @\u200bprices to the handbook", "- [ ] Step 2: If different: Review differences carefully")
	commit := strings.TrimSpace(w.git("rev-parse", "--short=7", movesBranch))
	contain(t, w.status(issue), "| ⏳ | 1 | Move the prices | moves | `", "`"+commit+"` (#2) | ✅ |", "| ⏳ | 3 | Update imports | imports |  |  |")

	// Ticks stay when the pull request is made anew.
	ticked := strings.Replace(moves.GetBody(), "- [ ] Step 2: Add", "- [x] Step 2: Add", 1)
	_, _, err := w.users["ada"].PullRequests.Edit(ctx, "ada", "shop", moves.GetNumber(), &gh.PullRequest{Body: &ticked})
	check(t, err)
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "- [x] Step 2: Add a section", "- [ ] Step 2: If different")

	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.status(issue), "| ✅ | 2 | Tell people | moves |", "| ⏳ | 3 | Update imports | imports | `")
	w.merge(importsBranch)
	w.settle(nil)
	const row = "| `from shop.old.pricing import price` | `from shop.prices import price` |"
	contain(t, w.pull(cleanupBranch).GetBody(), "### Migration guide", row)
	w.merge(cleanupBranch)
	w.settle(nil)
	contain(t, w.status(issue), "| ✅ | 1 |", "| ✅ | 2 |", "| ✅ | 3 |")
	comments := w.comments(issue)
	contain(t, comments[len(comments)-1], "### Done", row)
}

func TestPlanAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	edit := func(body string) {
		_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{Body: gh.String(body)})
		check(t, err)
	}
	edit(fenced(strings.ReplaceAll(yaml, "prices", "costs")))
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "`src/shop/prices.py`") // until somebody asks

	stranger := w.comment("eve", issue, "/restage plan")
	w.settle(nil)
	same(t, "reactions", w.reactions(stranger), "")
	contain(t, w.pull(movesBranch).GetBody(), "`src/shop/prices.py`")

	asked := w.comment("ada", issue, "/restage plan")
	w.settle(nil)
	same(t, "reactions", w.reactions(asked), "+1 eyes")
	contain(t, w.comments(issue)[2], "-  to: shop/prices.py", "+  to: shop/costs.py")
	contain(t, w.pull(movesBranch).GetBody(), "`src/shop/costs.py`")
	contain(t, w.preflight(issue), "`src/shop/costs.py`")

	again := w.comment("ada", issue, "/restage plan")
	w.settle(nil)
	same(t, "reactions", w.reactions(again), "+1 eyes")
	contain(t, w.comments(issue)[3], "as it was")

	edit(fenced("restage: 1\nmoves: 3\n"))
	wrong := w.comment("ada", issue, "/restage plan")
	w.settle(nil)
	same(t, "reactions", w.reactions(wrong), "confused eyes")
	contain(t, w.comments(issue)[4], "line 5:8", "goes on with the plan that it has")
	contain(t, w.status(issue), "Review #2")
}

// Who opened an issue may edit it without write permission. That changes nothing
// until somebody who has it asks to read the plan again, and sees what changed.
func TestEditedByAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue, _, err := w.users["eve"].Issues.Create(ctx, "ada", "shop", &gh.IssueRequest{Title: gh.String("Tidy"), Body: gh.String(fenced(yaml))})
	check(t, err)
	w.label("ada", issue.GetNumber())
	w.settle(nil)
	body, status := w.pull(movesBranch).GetBody(), w.status(issue.GetNumber())
	_, _, err = w.users["eve"].Issues.Edit(ctx, "ada", "shop", issue.GetNumber(), &gh.IssueRequest{Body: gh.String(fenced(strings.ReplaceAll(yaml, "prices", "costs")))})
	check(t, err)
	w.comment("eve", issue.GetNumber(), "/restage plan")
	w.settle(nil)
	w.comment("ada", issue.GetNumber(), "/restage rebuild")
	w.settle(nil)
	same(t, "pull request", w.pull(movesBranch).GetBody(), body)
	same(t, "status", w.status(issue.GetNumber()), status)
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.show(importsBranch, "src/shop/cart.py"), "from shop.prices import price")
	w.comment("ada", issue.GetNumber(), "/restage plan")
	w.settle(nil)
	contain(t, strings.Join(w.comments(issue.GetNumber()), "\n"), "-  to: shop/prices.py", "+  to: shop/costs.py")
}

// The same comment is delivered many times at once, by other ids each time.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	id := w.comment("ada", issue, "/restage rerun\n/restage hlep")
	var handlers sync.WaitGroup
	for _, d := range w.take() {
		for i := range 5 {
			copied := d
			copied.ID = fmt.Sprint(d.ID, "-", i)
			handlers.Go(func() {
				if err := w.bot.Delivery(ctx, copied); err != nil {
					t.Error(err)
				}
			})
		}
	}
	handlers.Wait()
	w.settle(nil)
	same(t, "comments", len(w.comments(issue)), 2)
	same(t, "reactions", w.reactions(id), "confused eyes")
	m, err := w.store.Migration(ctx, 1)
	check(t, err)
	same(t, "revision", m.Revision, 2)
}

func TestRerunAndClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	before := w.pull(movesBranch).GetHead().GetSHA()
	w.write("main", "src/shop/late.py", "from shop.old.pricing import price\n")
	w.settle(nil)
	same(t, "head without being asked", w.pull(movesBranch).GetHead().GetSHA(), before)
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	p := w.pull(movesBranch)
	same(t, "number", p.GetNumber(), 2)
	same(t, "new commits", p.GetHead().GetSHA() != before, true)
	same(t, "from the newest base", w.git("merge-base", "main", movesBranch), w.git("rev-parse", "main"))

	_, _, err := w.users["ada"].PullRequests.Edit(ctx, "ada", "shop", 2, &gh.PullRequest{State: gh.String("closed")})
	check(t, err)
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.** #2 was closed without merging", "/restage rerun")
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	same(t, "state", w.pull(movesBranch).GetState(), "open")
	contain(t, w.status(issue), "Review #2")
}

func TestChecksAndCommitsOfPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	head := w.pull(movesBranch).GetHead().GetSHA()
	want := []string{"restage / cycles success", "restage / imports success", "restage / leftovers success", "restage / structure success"}
	same(t, "check runs", w.conclusions(head), want)
	contain(t, w.status(issue), "✅ structure, ✅ imports, ✅ cycles, ✅ leftovers")
	contain(t, w.pull(movesBranch).GetBody(), "| ✅ | structure |")

	// "Re-run" does a check again, that of the suite all of them.
	list, _, err := w.users["bob"].Checks.ListCheckRunsForRef(ctx, "ada", "shop", head, nil)
	check(t, err)
	_, err = w.users["bob"].Checks.ReRequestCheckRun(ctx, "ada", "shop", list.CheckRuns[0].GetID())
	check(t, err)
	w.settle(nil)
	again := slices.Sorted(slices.Values(append(want[:4:4], list.CheckRuns[0].GetName()+" success")))
	same(t, "check runs", w.conclusions(head), again)
	_, err = w.users["bob"].Checks.ReRequestCheckSuite(ctx, "ada", "shop", list.CheckRuns[0].GetCheckSuite().GetID())
	check(t, err)
	w.settle(nil)
	again = slices.Sorted(slices.Values(append(again, want...)))
	same(t, "check runs", w.conclusions(head), again)
	w.comment("ada", issue, "/restage rerun structure")
	w.settle(nil)
	again = slices.Sorted(slices.Values(append(again, "restage / structure success")))
	same(t, "check runs", w.conclusions(head), again)
	w.comment("ada", issue, "/restage rerun structur")
	w.settle(nil)
	contain(t, strings.Join(w.comments(issue), "\n"), "There is no check called `structur`. Did you mean `structure`?")

	// What people push is checked too, and stays.
	w.write(movesBranch, "src/shop/mine.py", "import os\nfrom shop.nowhere import x\n")
	w.settle(nil)
	head = w.pull(movesBranch).GetHead().GetSHA()
	contain(t, strings.Join(w.conclusions(head), "\n"), "restage / imports failure", "restage / structure success")
	contain(t, w.status(issue), "❌ imports", "open, with commits that restage did not make")
	id := w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	same(t, "branch", strings.TrimSpace(w.git("rev-parse", movesBranch)), head)
	same(t, "reactions", w.reactions(id), "+1 eyes")
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.status(issue), "Review #3")
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- .github/restage.yml --
label: rearrange
base: develop
pull_requests: {draft: true, labels: [documentation, moving house], reviewers: [bob]}
`)
	w.git("branch", "develop", "main")
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	same(t, "comments", len(w.comments(issue)), 0)
	_, _, err := w.users["ada"].Issues.AddLabelsToIssue(ctx, "ada", "shop", issue, []string{"rearrange"})
	check(t, err)
	w.settle(nil)
	p := w.pull(movesBranch)
	var labels, reviewers []string
	for _, l := range p.Labels {
		labels = append(labels, l.GetName())
	}
	for _, u := range p.RequestedReviewers {
		reviewers = append(reviewers, u.GetLogin())
	}
	same(t, "pull request", []any{p.GetBase().GetRef(), p.GetDraft(), labels, reviewers}, "[develop true [documentation moving house] [bob]]")
}

// The programs that a plan asks for are told by the name that the repository has
// for them, as long as it has one.
func TestCommandsOfThePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- .github/restage.yml --\nverify: [{name: tests, run: python -m pytest}]\n")
	issue := w.file("ada", "- Move `shop/old/pricing.py` to `shop/prices.py`\n\n```sh\nuvx pytest tests/\nuvx mypy src\n```\n")
	w.settle(nil)
	const allowed, other = "`uvx pytest tests/` is the check `tests`", "`uvx mypy src` asks for a program"
	contain(t, w.status(issue), allowed, other)
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.status(issue), allowed, other)
	w.write("main", ".github/restage.yml", "shims: true\n")
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	contain(t, w.status(issue), "`uvx pytest tests/` asks for a program", other)
}

// Workflows are changed if whoever installed restage let it; else the pull
// request says what to change. A push that goes too far would be refused.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	const path = ".github/workflows/ci.yml"
	for _, granted := range []bool{false, true} {
		archive := shop + "-- " + path + " --\nrun: python -m shop.old.pricing\n"
		var w *world
		if granted {
			w = newWorld(t, archive, "workflows: write")
		} else {
			w = newWorld(t, archive)
		}
		w.file("ada", fenced(yaml))
		w.settle(nil)
		w.merge(movesBranch)
		w.settle(nil)
		now, said := w.git("show", importsBranch+":"+path), w.pull(importsBranch).GetBody()
		same(t, "warned", strings.Contains(said, path+":1"), !granted)
		same(t, "rewritten", now == "run: python -m shop.prices\n", granted)
	}
}

// GitHub asks nobody if one of the reviewers has no access. The pull request is
// opened all the same.
func TestReviewersWithoutAccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- .github/restage.yml --\npull_requests: {reviewers: [bob, mallory]}\n")
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	same(t, "asked", len(w.pull(movesBranch).RequestedReviewers), 0)
	contain(t, w.status(issue), "Review #2")
	contain(t, w.log.String(), `msg="reviewers not accepted"`)
}

func TestBrokenConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- .github/restage.yml --\ncolour: red\n")
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	contain(t, w.status(issue), ".github/restage.yml:1:1: unknown key \"colour\"", "put the label on again")
	w.write("main", ".github/restage.yml", "shims: true\n")
	w.label("ada", issue)
	w.settle(nil)
	contain(t, w.status(issue), "Review #2")

	w.write("main", ".github/restage.yml", "colour: red\n")
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	contain(t, w.status(issue), "**Paused.**", "unknown key \"colour\"", "/restage rerun")
	w.write("main", ".github/restage.yml", "shims: true\n")
	w.comment("ada", issue, "/restage rerun")
	w.settle(nil)
	contain(t, w.status(issue), "Review #2")
}
