package bot_test

import (
	"slices"
	"testing"

	gh "github.com/google/go-github/v60/github"
)

// takeOff takes the label off an issue as login, and puts it on with putOn. Unlike
// with label, restage sees both.
func (w *world) takeOff(login string, issue int) {
	w.t.Helper()
	_, err := w.users[login].Issues.RemoveLabelForIssue(ctx, "ada", "shop", issue, "restage")
	check(w.t, err)
}

func (w *world) putOn(login string, issue int) {
	w.t.Helper()
	_, _, err := w.users[login].Issues.AddLabelsToIssue(ctx, "ada", "shop", issue, []string{"restage"})
	check(w.t, err)
}

const takenOff = "**Paused.** The label `restage` was taken off. Somebody who may write to this repository can go on"

// While the label is off, nothing happens. Put on again by somebody who may start
// a migration, the same one goes on.
func TestLabelTakenOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.takeOff("eve", issue)
	w.settle(nil)
	contain(t, w.status(issue), takenOff, "| 1 | moves | #2 | open |")
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.status(issue), takenOff, "| 1 | moves | #2 | merged |")
	same(t, "branches", w.branches(), "main "+movesBranch)

	w.putOn("eve", issue)
	w.settle(nil)
	contain(t, w.comments(issue)[1], "Thank you, `eve`. restage acts only for people who may write")
	contain(t, w.status(issue), takenOff)

	w.takeOff("eve", issue)
	w.settle(nil)
	w.putOn("bob", issue)
	w.settle(nil)
	contain(t, w.status(issue), "Review #3 and merge it", "| 1 | moves | #2 | merged |", "| 2 | imports | #3 | open |")
	same(t, "branches", w.branches(), "main "+movesBranch+" "+importsBranch)
	same(t, "comments", len(w.comments(issue)), 2)
}

// What is on GitHub decides, whether an event came or not.
func TestLabelWithoutWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	off := func(login string) { w.takeOff(login, issue) }
	on := func(login string) {
		_, _, err := w.users[login].Issues.AddLabelsToIssue(ctx, "ada", "shop", issue, []string{"Restage", "bug"})
		check(t, err)
	}
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"off", func() { off("eve") }, takenOff},
		{"on by eve, who may not start it", func() { on("eve") }, takenOff},
		{"on by bob", func() { off("eve"); on("bob") }, "Review #2"},
		{"off and on between two looks", func() { off("eve"); on("eve") }, "Review #2"},
		{"off again", func() { off("ada") }, takenOff},
		{"on again", func() { on("ada") }, "Review #2"},
	} {
		step.do()
		w.take() // lost
		w.settle(nil)
		t.Log(step.name)
		contain(t, w.status(issue), step.want)
	}
	same(t, "branches", w.branches(), "main "+movesBranch)
}

// Who says resume without the label answers for it, until it was on and is taken
// off again.
func TestResumeWithoutLabel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.takeOff("ada", issue)
	w.settle(nil)
	rerun := w.comment("bob", issue, "/restage rerun")
	w.settle(nil)
	same(t, "reactions", w.reactions(rerun), "+1 eyes")
	contain(t, w.comments(issue)[1], "The migration is paused. This is done when one of you comments `/restage resume`.")
	contain(t, w.status(issue), takenOff)
	w.comment("bob", issue, "/restage resume")
	w.settle(nil)
	contain(t, w.status(issue), "Review #2")
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.status(issue), "Review #3")

	w.putOn("ada", issue)
	w.settle(nil)
	w.takeOff("ada", issue)
	w.settle(nil)
	contain(t, w.status(issue), takenOff)
}

// The label lets go on what waits for it. It lifts no other pause, and where it
// starts over, it does so however fast it is put on again.
func TestLabelWhilePaused(t *testing.T) {
	t.Parallel()
	set := func(state string) func(w *world, issue int) {
		return func(w *world, issue int) {
			_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{State: &state})
			check(w.t, err)
		}
	}
	comment := func(text string) func(w *world, issue int) {
		return func(w *world, issue int) { w.comment("ada", issue, text) }
	}
	closePull := func(w *world, issue int) { w.setPull(2, "closed") }
	for _, test := range []struct {
		name     string
		before   func(w *world, issue int) // the label is taken off
		between  func(w *world, issue int)
		want     string // when it is on again
		after    func(w *world, issue int)
		wantThen string
	}{
		{
			name: "the issue is closed", before: set("closed"),
			want:  "**Paused.** The issue was closed.",
			after: set("open"), wantThen: "Review #2",
		}, {
			name: "paused by a comment", before: comment("/restage pause"),
			want:  "**Paused.** `ada` asked restage to pause.",
			after: comment("/restage resume"), wantThen: "Review #2",
		}, {
			name: "paused by a comment while the label is off", between: comment("/restage pause"),
			want:  "**Paused.** `ada` asked restage to pause.",
			after: comment("/restage resume"), wantThen: "Review #2",
		}, {
			name: "the pull request was closed before", before: closePull,
			want: "Review #3",
		}, {
			name: "the pull request was closed while the label is off", between: closePull,
			want: "Review #3",
		}, {
			name: "cancelled while the label is off", between: comment("/restage cancel"),
			want: "Review #3",
		},
	} {
		for _, slow := range []bool{true, false} {
			if !slow && test.between != nil {
				continue
			}
			t.Run(test.name+map[bool]string{true: "", false: ", off and on at once"}[slow], func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, shop)
				issue := w.file("ada", fenced(yaml))
				w.settle(nil)
				do := func(f func(*world, int)) {
					if f != nil {
						f(w, issue)
						w.settle(nil)
					}
				}
				do(test.before)
				if slow {
					w.takeOff("ada", issue)
					w.settle(nil)
					do(test.between)
					w.putOn("ada", issue)
					w.settle(nil)
				} else {
					w.label("ada", issue)
					w.settle(nil)
				}
				contain(t, w.status(issue), test.want)
				do(test.after)
				contain(t, w.status(issue), test.wantThen)
			})
		}
	}
}

// An end is an end, with or without the label. To go on after all, or to take back
// what was merged, is a word that needs none.
func TestLabelAfterTheEnd(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, after, want string }{
		{"cancelled", "/restage resume", "Review #3"},
		{"done", "/restage revert cleanup", "#5 takes back cleanup."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, shop)
			issue := w.file("ada", fenced(yaml))
			w.settle(nil)
			if test.name == "cancelled" {
				w.comment("ada", issue, "/restage cancel")
				w.settle(nil)
			} else {
				for _, branch := range branches {
					w.merge(branch)
					w.settle(nil)
				}
			}
			before := must(w.store.Migration(ctx, 1))
			w.takeOff("ada", issue)
			w.settle(nil)
			same(t, "migration", must(w.store.Migration(ctx, 1)), before)
			w.comment("ada", issue, test.after)
			w.settle(nil)
			contain(t, w.status(issue), test.want)
		})
	}
}

// A label that gets another name is the same label.
func TestLabelRenamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	rename := must(w.users["ada"].NewRequest("PATCH", "repos/ada/shop/labels/restage", map[string]string{"new_name": "reorganize"}))
	_, err := w.users["ada"].Do(ctx, rename, nil)
	check(t, err)
	w.merge(movesBranch)
	w.settle(nil)
	contain(t, w.status(issue), "Review #3")
}

// Who goes on without the label is heard before restage noticed that it is off.
func TestResumeUnnoticed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	early := w.comment("ada", 2, "/restage resume")
	w.settle(nil)
	same(t, "reactions", w.reactions(early), "confused eyes")
	w.merge(movesBranch)
	w.takeOff("eve", issue)
	resume := w.comment("bob", 2, "/restage resume")
	said := w.take()
	slices.Reverse(said)
	w.settle(nil, said...)
	same(t, "reactions", w.reactions(resume), "+1 eyes")
	contain(t, w.status(issue), "Review #3")
}
