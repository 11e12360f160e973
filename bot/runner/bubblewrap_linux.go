package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// bubblewrap runs commands in namespaces of their own, with bwrap.
type bubblewrap struct {
	path     string // of bwrap
	settings Settings
	filter   []byte // for system calls
	turns    turns
}

// probeLimit is how long bubblewrap may take to show that it works.
const probeLimit = 10 * time.Second

// newBubblewrap returns the runner after it has run a command.
func newBubblewrap(ctx context.Context, s Settings) (*bubblewrap, error) {
	path, err := exec.LookPath("bwrap")
	if err != nil {
		return nil, err
	}
	filter, err := newFilter()
	if err != nil {
		return nil, err
	}
	if s.Cgroup != "" {
		if err := checkCgroup(s.Cgroup); err != nil {
			return nil, err
		}
	}
	b := &bubblewrap{path: path, settings: s, filter: filter, turns: make(turns, s.Parallel)}
	dir, err := os.MkdirTemp(s.WorkDir, "restage-probe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	res, err := b.Run(ctx, Command{Shell: "echo works > probe", Dir: dir, Timeout: probeLimit, Files: []string{"probe"}})
	if err != nil {
		return nil, err
	}
	if !res.OK() || string(res.Files["probe"]) != "works\n" {
		return nil, fmt.Errorf("a trial ended with status %d: %s", res.Status, strings.TrimSpace(res.Log))
	}
	return b, nil
}

// Forget does nothing: a command ends with the server.
func (b *bubblewrap) Forget(context.Context, string) {}

// Name returns "bubblewrap".
func (b *bubblewrap) Name() string { return "bubblewrap" }

// Run runs c in a sandbox.
func (b *bubblewrap) Run(ctx context.Context, c Command) (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	done, err := b.turns.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	tree, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	if err := handOver(tree); err != nil {
		return nil, fmt.Errorf("giving the sandbox the work tree: %w", err)
	}
	return b.run(ctx, &c, tree)
}

// run runs c on its work tree.
func (b *bubblewrap) run(ctx context.Context, c *Command, tree *os.Root) (*Result, error) {
	start, limits := time.Now(), c.Limits.within(b.settings.Limits)
	log := newLog(limits.Log, c.Secrets, c.Log)
	g, err := newCgroup(b.settings.Cgroup, limits)
	if err != nil {
		return nil, fmt.Errorf("making a control group: %w", err)
	}
	defer g.close()
	s, err := b.start(ctx, c, limits, g, log)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("starting the sandbox: %w", err)
	}
	stopped, err := s.watch(ctx, tree, c.Timeout, limits, b.settings.Parallel)
	status, ran := s.wait()
	switch {
	case stopped != "":
	case g.outOfMemory():
		stopped = Memory
	case s.overflowed():
		stopped = Output
	}
	switch {
	case err != nil:
		return nil, err
	case !ran && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case stopped != "" && !ran:
		status = 128 + int(syscall.SIGKILL)
	case !ran:
		return nil, fmt.Errorf("starting the sandbox: %w", s.failure(errors.New("bubblewrap ended, and does not say why")))
	}
	res := &Result{Status: status, Stopped: stopped, Duration: time.Since(start), Log: log.close(), Cut: log.cut}
	res.Files, res.FileErrors = readFiles(tree, c.Files, limits.Report)
	return res, nil
}
