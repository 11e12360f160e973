package bot_test

import (
	"testing"

	gh "github.com/google/go-github/v60/github"
)

// Two plans for the shop that touch the same files, and one that touches others.
const (
	movesPricing = yaml
	deletesOld   = "restage: 1\nsource_roots: [src]\ndelete: [{path: shop/old/}]\n"
	movesCart    = "restage: 1\nsource_roots: [src]\nmoves: [{from: shop/cart.py, to: shop/basket.py}]\n"
)

const waitsForFirst = "- waits for #1: it also moves or deletes `src/shop/old/pricing.py`\n\nrestage goes on by itself"

// A migration that touches what another one is at work on waits until that has
// ended, in whatever way.
func TestWaitsForAnother(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(w *world)
	}{
		{"done", func(w *world) {
			for _, branch := range branches {
				if w.pull(branch) != nil {
					w.merge(branch)
				}
				w.settle(nil)
			}
		}},
		{"cancelled", func(w *world) { w.comment("ada", 1, "/restage cancel") }},
		{"replaced by one that touches something else", func(w *world) {
			w.setPull(2, "closed")
			w.settle(nil)
			w.rewrite(1, movesCart)
			w.label("ada", 1)
		}},
		{"its plan touches something else now", func(w *world) {
			w.rewrite(1, movesCart)
			w.comment("ada", 1, "/restage plan")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			w.file("ada", fenced(movesPricing))
			w.settle(nil)
			second := w.file("bob", fenced(deletesOld))
			w.settle(nil)
			contain(t, w.status(second), waitsForFirst, "| 1 | moves |  | waits |")
			same(t, "branches", w.branches(), "main "+movesBranch)
			third := w.file("ada", fenced("restage: 1\nmoves: [{from: README.md, to: docs/README.md}]\n"))
			w.settle(nil)
			contain(t, w.status(third), "Review #5")

			w.comment("ada", 1, "/restage pause")
			w.settle(nil)
			contain(t, w.status(second), waitsForFirst)
			w.comment("ada", 1, "/restage resume")
			test.end(w)
			w.settle(nil)
			contain(t, w.status(second), "Review #", "| open |")
		})
	}
}

// Whoever has begun goes on, though an earlier one gets a plan that touches the
// same; that one waits if it has not begun, and goes on beside it if it has.
func TestBegunGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- src/shop/till.py --\n")
	first := w.file("ada", fenced("restage: 1\nmoves: [{from: shop/till.py, to: shop/desk.py}]\n"))
	w.settle(nil)
	second := w.file("ada", fenced("restage: 1\nmoves: [{from: shop/till.py, to: shop/counter.py}]\n"))
	w.settle(nil)
	third := w.file("ada", fenced(movesCart))
	w.settle(nil)
	contain(t, w.status(second), "- waits for #1: it also moves or deletes `src/shop/till.py`\n")
	contain(t, w.status(third), "Review #5")

	w.rewrite(second, movesCart)
	w.comment("ada", second, "/restage plan")
	w.settle(nil)
	contain(t, w.status(second), "- waits for #4: it also moves or deletes `src/shop/basket.py`, `src/shop/cart.py`\n")
	contain(t, w.status(third), "Review #5")

	w.rewrite(first, movesCart)
	w.comment("ada", first, "/restage plan")
	w.settle(nil)
	contain(t, w.status(first), "Review #2")
	contain(t, w.status(second), "- waits for #1: it also", "- waits for #4: it also")

	w.comment("ada", first, "/restage cancel")
	w.settle(nil)
	w.comment("ada", first, "/restage resume") // to begin again is to wait like others
	w.settle(nil)
	contain(t, w.status(first), "- waits for #4: it also")
}

// What waits shows where it stands, loses its label, is cancelled and gets another
// plan like any other.
func TestWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	w.file("ada", fenced(movesPricing))
	w.settle(nil)
	second := w.file("ada", fenced(deletesOld))
	w.settle(nil)
	waits := w.status(second)
	status := w.comment("bob", second, "/restage status")
	w.settle(nil)
	same(t, "reactions", w.reactions(status), "+1 eyes")
	contain(t, w.comments(second)[1], waitsForFirst)
	w.takeOff("ada", second)
	w.settle(nil)
	contain(t, w.status(second), takenOff)
	w.putOn("ada", second)
	w.settle(nil)
	same(t, "status", w.status(second), waits)

	third := w.file("ada", fenced(deletesOld))
	w.settle(nil)
	contain(t, w.status(third), "- waits for #1: ", "- waits for #3: it also moves or deletes `src/shop/old`\n")
	w.comment("ada", second, "/restage cancel")
	w.settle(nil)
	contain(t, w.status(second), "`ada` cancelled this migration.")
	contain(t, w.status(third), waitsForFirst)

	w.rewrite(third, movesCart)
	w.comment("ada", third, "/restage plan")
	w.settle(nil)
	contain(t, w.status(third), "Review #5")
	all, _, err := w.users["ada"].PullRequests.List(ctx, "ada", "shop", &gh.PullRequestListOptions{State: "all"})
	check(t, err)
	same(t, "pull requests", len(all), 2)
}
