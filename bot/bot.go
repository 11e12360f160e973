// Package bot is the life of a migration: one plan, carried out on one
// repository, for one issue, as three pull requests.
//
// The bot reconciles. It does not follow a script from one step to the next; it
// looks at the world and does the one next thing. Four methods do all of it:
//
//	Delivery   acts on a webhook: stores what somebody asked for, answers
//	           them, and asks for a look at the migration
//	Reconcile  looks at a migration: at what is stored and at what is on
//	           GitHub. It does what is missing, says where things stand,
//	           and returns
//	Command    runs a command of a repository's configuration on a commit,
//	           for a look that asked for it, and stores what came of it
//	Guard      looks at the other pull requests of a repository, and tells
//	           them of old paths that they begin to use
//
// Nothing is remembered between two looks but what is in the store and on GitHub. An
// event carries no news but "look again", so a lost event delays and never
// breaks: Resync looks at everything now and then, and asks GitHub for the
// events that it could not deliver.
//
// Everything the bot does outside can be found again before it is done: a
// branch by its name, a pull request by its branch, a comment by a hidden marker, a check
// run by name, commit and key. Commits are the same bytes each time. So
// it does no harm to do a step again, and the process may die between any two
// lines.
package bot

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/store"
)

// Config is what a Bot needs.
type Config struct {
	Store   *store.Store
	GitHub  *github.App
	Runner  runner.Runner // of the commands in a repository's configuration
	Log     *slog.Logger
	Secrets []string // never to appear in what a command prints
	Label   string   // the label that starts a migration, where a repository names no other
}

// A Bot carries out migrations. It is safe for use by several goroutines.
type Bot struct {
	store   *store.Store
	github  *github.App
	runner  runner.Runner
	log     *slog.Logger
	label   string
	secrets []string

	replies sync.Map // a *sync.Mutex for each conversation, held from looking for a reply to writing it
	missed  missed
}

// New returns a bot. Its methods Delivery, Reconcile, Command and Resync are the
// handlers for the store's Run.
func New(cfg Config) *Bot {
	return &Bot{
		store:   cfg.Store,
		github:  cfg.GitHub,
		runner:  cfg.Runner,
		log:     cfg.Log,
		label:   cfg.Label,
		secrets: cfg.Secrets,
	}
}

// Resync repairs what lost webhooks left undone. It asks for a look at every
// migration that is not finished, and GitHub for the webhooks that it could not
// deliver.
func (b *Bot) Resync(ctx context.Context) error {
	ids, err := b.store.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("resync: %w", err)
	}
	for _, id := range ids {
		if err := b.store.Enqueue(ctx, id, time.Now()); err != nil {
			return fmt.Errorf("resync: %w", err)
		}
	}
	if err := b.store.EnqueueGuards(ctx); err != nil {
		return fmt.Errorf("resync: %w", err)
	}
	err = b.redeliver(ctx)
	if wait, ok := github.RetryAfter(err); ok {
		b.log.Warn("rate limit reached", "work", "resync", "wait", wait)
		return store.Snooze(wait)
	}
	if err != nil {
		return fmt.Errorf("resync: %w", err)
	}
	return nil
}

// branch returns the name of the branch of a phase, numbered from 1.
func branch(issue, number int, phase string, round int) string {
	name := fmt.Sprintf("restage/%d/%d-%s", issue, number, phase)
	if round > 1 {
		name += fmt.Sprintf("-%d", round)
	}
	return name
}

var branchName = regexp.MustCompile(`^restage/([1-9][0-9]{0,17})/[1-3]-`)

// issueOf returns the issue that a branch of the bot belongs to, and whether it
// is one.
func issueOf(branch string) (issue int, ok bool) {
	m := branchName.FindStringSubmatch(branch)
	if m == nil {
		return 0, false
	}
	issue, err := strconv.Atoi(m[1])
	return issue, err == nil
}
