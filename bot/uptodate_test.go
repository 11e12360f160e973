package bot_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// latecomer uses an old path.
const latecomer = "from shop.old.pricing import price\n"

// told returns what the bot said in a pull request.
func (w *world) told(branch string) []string {
	w.t.Helper()
	return w.comments(w.pull(branch).GetNumber())
}

// show returns a file of a branch.
func (w *world) show(branch, path string) string {
	w.t.Helper()
	return w.git("show", branch+":"+path)
}

// The base goes on while a pull request is open. What does not matter to the
// phase leaves the pull request as it is; what does comes into it.
func TestTheBaseGoesOn(t *testing.T) {
	t.Parallel()
	const more = "\n\ndef discount(item):\n    return 1\n"
	for _, test := range []struct {
		name  string
		phase int // whose pull request is open
		path  string
		text  string
		said  string // "" if the pull request stays as it was
	}{
		{name: "another file", phase: 1, path: "docs/news.md", text: "Nothing new.\n"},
		{name: "an import of an old path, which moves do not touch", phase: 1, path: "src/shop/late.py", text: latecomer},
		{name: "a moved file", phase: 1, path: "src/shop/old/pricing.py", text: "def price(item):\n    return 4\n",
			said: "`src/shop/old/pricing.py` (changed)."},
		{name: "an import of an old path", phase: 2, path: "src/shop/late.py", text: latecomer,
			said: "`src/shop/late.py` (1 reference more)."},
		{name: "other lines of a file", phase: 2, path: "src/shop/cart.py",
			text: "from shop.old.pricing import price\n\n\ndef total(items):\n    return sum(price(i) for i in items)\n" + more},
		{name: "the line that is rewritten", phase: 2, path: "src/shop/cart.py",
			text: "from shop.old.pricing import price, price as dear\n\n\ndef total(items):\n    return sum(price(i) for i in items)\n",
			said: "`src/shop/cart.py` (1 reference more)."},
		{name: "what is rewritten goes", phase: 2, path: "README.md", text: "Prices are where they are.\n",
			said: "`README.md` (1 reference fewer)."},
		{name: "the shim", phase: 3, path: "docs/news.md", text: "Nothing new.\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			for _, branch := range branches[:test.phase-1] {
				w.merge(branch)
				w.settle(nil)
			}
			branch := branches[test.phase-1]
			before, status := w.pull(branch), w.allComments(issue)
			w.write("main", test.path, test.text)
			w.settle(nil)
			after := w.pull(branch)
			said := w.told(branch)
			if test.said == "" {
				same(t, "head", after.GetHead().GetSHA(), before.GetHead().GetSHA())
				same(t, "said", len(said), 0)
				same(t, "body", after.GetBody(), before.GetBody())
				same(t, "comments on the issue", w.allComments(issue), status)
			} else {
				same(t, "from the newest base", w.git("merge-base", "main", branch), w.git("rev-parse", "main"))
				same(t, "said", len(said), 1)
				contain(t, said[0], "`main` went on to "+w.git("rev-parse", "main")[:40]+", and this pull request with it: "+test.said)
				same(t, "check runs", len(w.conclusions(after.GetHead().GetSHA())), 4)
			}
			for _, branch := range branches[test.phase-1:] {
				w.merge(branch)
				w.settle(nil)
			}
			contain(t, w.status(issue), "Everything is merged")
		})
	}
}

// Who answers a decision or asks for a rerun while somebody commits to the
// branch gets both: what restage does comes on top of what people did.
func TestPeoplesCommitsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	w.write(importsBranch, "src/shop/cart.py", w.show(importsBranch, "src/shop/cart.py")+"\n\n# Mine.\n")
	mine := strings.TrimSpace(w.git("rev-parse", importsBranch))
	w.settle(nil)
	w.write("main", "src/shop/late.py", latecomer)
	w.settle(nil)

	same(t, "parents", w.git("log", "-1", "--format=%P %an", importsBranch)[:41], mine+" ")
	contain(t, w.show(importsBranch, "src/shop/cart.py"), "from shop.prices import price", "# Mine.")
	same(t, "the latecomer", w.show(importsBranch, "src/shop/late.py"), "from shop.prices import price\n")
	same(t, "behind main", w.git("rev-list", "--count", importsBranch+"..main"), "0\n")
	contain(t, strings.Join(w.told(importsBranch), "\n"), "`src/shop/late.py` (1 reference more)")
	head := w.pull(importsBranch).GetHead().GetSHA()
	same(t, "check runs", len(w.conclusions(head)), 4)
	contain(t, w.status(issue), "open, with commits that restage did not make")

	// Nothing came in: nothing is pushed.
	w.write("main", "docs/news.md", "Nothing new.\n")
	w.settle(nil)
	same(t, "head", w.pull(importsBranch).GetHead().GetSHA(), head)

	// They may merge the base by themselves, too.
	w.write("main", "src/shop/later.py", latecomer)
	w.mergeInto(importsBranch, "main", nil)
	w.settle(nil)
	same(t, "the next latecomer", w.show(importsBranch, "src/shop/later.py"), "from shop.prices import price\n")
	contain(t, w.show(importsBranch, "src/shop/cart.py"), "# Mine.")
	for _, branch := range branches[1:] {
		w.merge(branch)
		w.settle(nil)
	}
	contain(t, w.status(issue), "Everything is merged")
	contain(t, w.show("main", "src/shop/cart.py"), "# Mine.")
}

// What people changed in the same lines stays as they have it. They are told what
// they can do, and what they do is followed.
func TestInTheWayOfPeople(t *testing.T) {
	t.Parallel()
	const path = "src/shop/prices.py"
	const mine, theirs = "def price(item):\n    return 5\n", "def price(item):\n    return 4\n"
	for _, test := range []struct {
		name string
		do   func(w *world)
		want string // in the file in the end
	}{
		{
			name: "they settle it",
			do: func(w *world) {
				w.mergeInto(movesBranch, "main", map[string]string{path: "def price(item):\n    return 45\n", "src/shop/old/pricing.py": w.show(movesBranch, "src/shop/old/pricing.py")})
				w.settle(nil)
				w.merge(movesBranch)
			},
			want: "def price(item):\n    return 45\n",
		}, {
			name: "they take their change back",
			do: func(w *world) {
				w.write(movesBranch, path, "def price(item):\n    return 3\n")
				w.settle(nil)
				w.merge(movesBranch)
			},
			want: theirs,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			w.write(movesBranch, path, mine)
			w.settle(nil)
			head := w.pull(movesBranch).GetHead().GetSHA()
			w.write("main", "src/shop/old/pricing.py", theirs)
			w.settle(nil)
			contain(t, w.status(issue), "**Paused.** #2 has commits that restage did not make", "in the way of these commits in `"+path+"`",
				"merge `main` into `"+movesBranch+"`", "/restage rebuild --discard")
			same(t, "head", w.pull(movesBranch).GetHead().GetSHA(), head)
			same(t, "failures", len(w.failures), 0)
			test.do(w)
			w.settle(nil)
			contain(t, w.status(issue), "Review #3")
			same(t, "the file", w.show("main", path), test.want)
		})
	}
}

// mergeInto merges a branch into another as ada, who settles conflicts with files.
func (w *world) mergeInto(branch, from string, settled map[string]string) {
	w.t.Helper()
	run, write := w.workTree(branch)
	args := []string{"merge", "--quiet", "--no-edit", "origin/" + from}
	if len(settled) > 0 {
		args = slices.Insert(args, 1, "--strategy=ours")
	}
	run(args...)
	for path, text := range settled {
		write(path, text)
	}
	run("add", ".")
	run("commit", "--quiet", "--amend", "--no-edit")
	run("push", "--quiet", "origin", branch)
}

// A pull request is merged after it was seen to be open, and before its base is
// looked at.
func TestMergedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	var once sync.Once
	w.out = transport(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/info/refs") {
			once.Do(func() { w.merge(movesBranch) })
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	w.startBot()
	w.write("main", "docs/news.md", "Nothing new.\n")
	w.settle(nil)
	contain(t, w.status(issue), "| 1 | moves | #2 | merged |", "Review #3")
}

// A transport is a way to GitHub.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
