package bot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// A repository, or a conversation, that is slow holds up no answer elsewhere.
func TestSlowConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	var issues []int
	for range 2 {
		issue, _, err := w.users["ada"].Issues.Create(ctx, "ada", "shop", &gh.IssueRequest{Title: gh.String("Question")})
		check(t, err)
		issues = append(issues, issue.GetNumber())
	}
	w.settle(nil)
	slow, goOn := make(chan bool), make(chan bool)
	w.out = transport(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/issues/1/comments") {
			close(slow)
			<-goOn
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	w.startBot()
	for _, issue := range issues {
		w.comment("ada", issue, "/restage help")
	}
	said := w.take()
	first := make(chan error)
	go func() { first <- w.bot.Delivery(ctx, said[0]) }()
	<-slow
	limit, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	second := make(chan error, 1)
	go func() { second <- w.bot.Delivery(limit, said[1]) }()
	select {
	case err := <-second:
		check(t, err)
	case <-limit.Done():
		t.Error("waits for another conversation")
	}
	close(goOn)
	check(t, <-first)
}

// A comment that comes late changes nothing that a newer one said.
func TestLateWish(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ first, then, want string }{
		{"/restage pause", "/restage resume", "Review #2 and merge it"},
		{"/restage cancel", "/restage resume", "Review #2 and merge it"},
		{"/restage cancel", "/restage pause", "`ada` asked restage to pause"},
	} {
		w := newWorld(t, shop)
		issue := w.file("ada", fenced(yaml))
		w.settle(nil)
		late := w.comment("ada", issue, test.first)
		w.comment("ada", issue, test.then)
		said := w.take()
		slices.Reverse(said)
		w.settle(nil, said...)
		contain(t, w.status(issue), test.want)
		same(t, "reactions", w.reactions(late), "confused eyes")
	}
}

// The one polite line is not doubled when the process dies right behind it.
func TestRefusedOnceAfterAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.comment("eve", 2, "/restage cancel")
	w.comment("eve", issue, "/restage cancel")
	said := w.take()
	storm := errors.New("the connection broke")
	w.out = transport(func(r *http.Request) (*http.Response, error) {
		res, err := http.DefaultTransport.RoundTrip(r)
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/issues/2/comments") {
			res.Body.Close()
			return nil, storm
		}
		return res, err
	})
	w.startBot()
	if err := w.bot.Delivery(ctx, said[0]); !errors.Is(err, storm) {
		t.Fatal(err)
	}
	slices.Reverse(said)
	w.out = http.DefaultTransport
	w.startBot()
	w.settle(nil, said...)
	same(t, "comments", len(w.comments(issue))+len(w.comments(2)), 2) // and the status
}

// Commits that came after the comment are not thrown away by it.
func TestLateDiscard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	w.file("ada", fenced(yaml))
	w.settle(nil)
	w.write(movesBranch, "notes.txt", "mine\n")
	w.settle(nil)
	late := w.comment("ada", 2, "/restage rebuild --discard")
	w.ahead.Store(60)
	tip := strings.TrimSpace(w.git("rev-parse", movesBranch))
	const who = " B <b@b.c> 1000000000 +0000\n" // long before, if it is believed
	unseen := fmt.Sprintf("tree %sparent %s\nauthor%scommitter%s\nMore\n", w.git("rev-parse", tip+"^{tree}"), tip, who, who)
	commit := strings.TrimSpace(w.gitInput([]byte(unseen), "hash-object", "-t", "commit", "-w", "--stdin"))
	w.git("update-ref", "refs/heads/"+movesBranch, commit)
	w.pushed()
	w.settle(nil)
	same(t, "reactions", w.reactions(late), "confused eyes")
	same(t, "newest commit", strings.TrimSpace(w.git("rev-parse", movesBranch)), commit)
	contain(t, w.comments(2)[0], "`"+commit[:7]+"`, came after that comment")
}

// A comment about a phase that comes late changes nothing that a newer one said.
func TestLateSkip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	first := w.comment("ada", issue, "/restage skip cleanup")
	second := w.comment("bob", issue, "/restage resume cleanup")
	said := w.take()
	slices.Reverse(said)
	w.settle(nil, said...)
	same(t, "reactions", w.reactions(second), "+1 eyes")
	same(t, "reactions", w.reactions(first), "confused eyes")
	for _, branch := range branches {
		w.merge(branch)
		w.settle(nil)
	}
	contain(t, w.status(issue), "Everything is merged.", "| 3 | cleanup | #4 | merged |")
}

// A comment from before the label was put on again means the migration before.
func TestCommentFromBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	issue := w.file("ada", fenced("restage: 2\n"))
	w.settle(nil)
	late := w.comment("ada", issue, "/restage cancel\n/restage skip moves")
	said := w.take()
	w.ahead.Store(60)
	_, _, err := w.users["ada"].Issues.Edit(ctx, "ada", "shop", issue, &gh.IssueRequest{Body: gh.String(fenced(yaml))})
	check(t, err)
	w.label("ada", issue)
	w.settle(nil)
	w.settle(nil, said...)
	same(t, "reactions", w.reactions(late), "confused eyes")
	contain(t, strings.Join(w.comments(issue), "\n"), "This migration was started after that comment")
	contain(t, w.status(issue), "Review #2", "| 1 | moves | #2 | open |")
	on := w.comment("ada", issue, "/restage skip cleanup")
	w.settle(nil)
	same(t, "reactions", w.reactions(on), "+1 eyes")
}
