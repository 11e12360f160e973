package bot

import (
	"context"
	"errors"
	"io/fs"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/input"
)

// readConfig returns the configuration on the default branch of a repository,
// and the default with any error. isBroken tells a mistake in the file from
// trouble on the way to it.
func readConfig(ctx context.Context, repo *github.Repo) (*config.Config, error) {
	data, err := repo.File(ctx, config.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return config.Default(), nil
	}
	if err != nil {
		return config.Default(), err
	}
	cfg, err := config.Read(data)
	if err != nil {
		return config.Default(), err
	}
	return cfg, nil
}

// isBroken reports whether err is about a mistake that somebody wrote into a
// plan or a configuration.
func isBroken(err error) bool {
	var e *input.Error
	return errors.As(err, &e) || errors.Is(err, fs.ErrInvalid)
}

// options returns what a configuration, the permissions of the app and the
// beginning of the migration say to the phases.
func (l *look) options(ctx context.Context, c *config.Config) (phases.Options, error) {
	workflows, err := l.repo.MayWriteWorkflows(ctx)
	if err != nil {
		return phases.Options{}, err
	}
	sources, err := l.store.Sources(ctx, l.m.ID)
	return phases.Options{
		SourceRoots: c.SourceRoots,
		Include:     c.Include,
		Exclude:     c.Exclude,
		NoShims:     !c.Shims,
		Workflows:   workflows,
		PlanFile:    l.m.PlanFile,
		Known:       sources,
	}, err
}
