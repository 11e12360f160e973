package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Options say how the story is told.
type Options struct {
	// Dir is the folder that holds everything: the GitHub, the server's
	// database, clones, the result. A story that was cut short goes on
	// where it was when it is told again with the same folder.
	Dir string

	// GitHubListen is the address that the GitHub listens at. When empty it is
	// a free port of this machine, and the same when the story goes on.
	GitHubListen string

	// GitHubURL is where the server reaches the GitHub, when a proxy stands
	// between. It needs a GitHubListen with a port.
	GitHubURL string

	// KeepRunning leaves everything up after the end, until the context ends.
	KeepRunning bool

	// Out gets the story, a line for each thing that happens.
	Out io.Writer

	// Manifest is the app.yml of the app to register.
	Manifest []byte

	// Serve is the real server. It reads its settings from env, which has
	// the names and values of environment variables, and serves on l until
	// ctx ends.
	Serve func(ctx context.Context, env map[string]string, l net.Listener) error

	// Middleware, if not nil, wraps the handler of the GitHub.
	Middleware func(http.Handler) http.Handler

	// Patience is how long to wait for one thing to happen; five minutes
	// when 0.
	Patience time.Duration
}

// Who and what the story is about.
const (
	owner      = "example"
	repository = "resume-ner"
	maintainer = "ada"
	label      = "restage"
)

// answers are what the maintainer decides where the plan is silent: what is out
// of its scope stays, also when what is around it goes, and of two modules for
// the selection the one in its new place is the right one.
var answers = map[string]string{
	"orchestration/jobs/hpo/local/checkpoint/": "keep",
	"orchestration/jobs/hpo/local/cv/":         "keep",
	"orchestration/jobs/hpo/local/mlflow/":     "keep",
	"orchestration/jobs/hpo/local/optuna/":     "keep",
	"orchestration/jobs/hpo/local/refit/":      "keep",
	"orchestration/jobs/hpo/local/study/":      "keep",
	"orchestration/jobs/hpo/local/trial/":      "keep",
	"orchestration/jobs/local_selection_v2.py": "delete",
}

// Run tells the story to its end. The error says in one line what is not as it
// should be.
func Run(ctx context.Context, opt Options) error {
	if err := missing(ctx); err != nil {
		return err
	}
	if opt.GitHubURL != "" && opt.GitHubListen == "" {
		return errors.New("a GitHub that is reached through a proxy needs an address to listen at")
	}
	opt.Patience = cmp.Or(opt.Patience, 5*time.Minute)
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return err
	}
	opt.Dir = dir

	w, err := openWorld(opt)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	served := make(chan error, 1)
	go func() {
		err := opt.Serve(ctx, w.env, w.listener)
		if ctx.Err() == nil {
			err = fmt.Errorf("the server ended: %w", cmp.Or(err, errors.New("without an error")))
			cancel(err)
		}
		served <- err
	}()
	err = tell(ctx, opt, w)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	cancel(nil)
	<-served
	return errors.Join(err, w.github.Close())
}

// missing says in one line what the demo needs and does not find.
func missing(ctx context.Context) error {
	var names []string
	if !hasGit(ctx) {
		names = append(names, "git with git http-backend (apt-get install git)")
	}
	if exec.CommandContext(ctx, "python3", "-c", "import tomllib, unittest").Run() != nil {
		names = append(names, "python3 3.11 or newer (apt-get install python3)")
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("missing: %s", strings.Join(names, ", "))
}

func hasGit(ctx context.Context) bool {
	out, err := exec.CommandContext(ctx, "git", "--exec-path").Output()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"))
	return err == nil
}
