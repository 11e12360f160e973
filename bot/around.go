package bot

import (
	"context"
	"strings"

	gh "github.com/google/go-github/v60/github"

	"github.com/restage/restage/bot/store"
)

// onPush asks for looks when a branch went on. Those of the bot are looked at
// when their pull requests change.
func (b *Bot) onPush(ctx context.Context, e *gh.PushEvent) error {
	name, ok := strings.CutPrefix(e.GetRef(), "refs/heads/")
	if _, ours := issueOf(name); !ok || ours {
		return nil
	}
	return b.store.LookAtRepository(ctx, e.GetRepo().GetID())
}

// onRepository asks for looks when a repository has another name, owner or
// default branch, was archived, or is back. After a transfer, another
// installation leads to it.
func (b *Bot) onRepository(ctx context.Context, e *gh.RepositoryEvent) error {
	return b.store.Installed(ctx, e.GetRepo().GetID(), e.GetInstallation().GetID())
}

// onInstallation asks for looks when the app was installed, suspended or taken
// away, or may do more or less than before.
func (b *Bot) onInstallation(ctx context.Context, e *gh.InstallationEvent) error {
	if e.GetAction() == "created" {
		return b.installed(ctx, e.Installation, e.Repositories)
	}
	return b.store.LookAtInstallation(ctx, e.GetInstallation().GetID())
}

// onAdded asks for looks when the app was let into repositories, or shut out.
func (b *Bot) onAdded(ctx context.Context, e *gh.InstallationRepositoriesEvent) error {
	if err := b.installed(ctx, e.Installation, e.RepositoriesAdded); err != nil {
		return err
	}
	return b.store.LookAtInstallation(ctx, e.GetInstallation().GetID())
}

func (b *Bot) installed(ctx context.Context, inst *gh.Installation, repos []*gh.Repository) error {
	for _, r := range repos {
		if err := b.store.Installed(ctx, r.GetID(), inst.GetID()); err != nil {
			return err
		}
	}
	return nil
}

// await pauses a migration that GitHub does not let restage work on. It is looked
// at again when GitHub tells of a change, and at each resync.
func (b *Bot) await(ctx context.Context, m store.Migration, why string) error {
	b.log.Warn("migration out of reach", "migration", m.ID, "repository", m.Owner+"/"+m.Name, "why", why)
	if err := b.leave(ctx, m, nil); err != nil || m.State == store.Failed {
		return err
	}
	return b.store.SetState(ctx, m.ID, store.Paused, why)
}
