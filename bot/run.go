package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/restage/restage/bot/github"
	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases/config"
)

// reportFile is where pytest leaves its report in a work tree.
const reportFile = ".restage-pytest.xml"

// errCancelled ends a command whose outcome nobody waits for any more.
var errCancelled = errors.New("nobody awaits it any more")

// Command runs a command of a repository's configuration on a commit, and stores
// what came of it. An error means that restage failed; how the command ended is
// stored, whatever it was.
func (b *Bot) Command(ctx context.Context, r store.Run) error {
	var v verifyCommand
	if err := json.Unmarshal([]byte(r.Command), &v); err != nil {
		return fmt.Errorf("run %d: %w", r.ID, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	log := &runLog{bot: b, run: r, cancel: cancel}
	end := log.keep(ctx)
	found, res, err := b.run(ctx, r, v, log)
	end()
	if errors.Is(context.Cause(ctx), errCancelled) {
		b.forget(ctx, r)
		b.log.Info("command cancelled", "run", r.ID, "check", v.Name, "commit", r.Commit)
		return nil
	}
	if wait, ok := github.RetryAfter(err); ok {
		return store.Snooze(wait)
	}
	if errors.Is(err, runner.ErrImage) { // it will not be allowed the next time either
		r.Error = err.Error()
		return b.store.EndRun(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("%s on %s: %w", v.Name, r.Commit, err)
	}
	outcome, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("keeping what came of run %d: %w", r.ID, err)
	}
	r.Outcome, r.Log = string(outcome), res.Log
	b.log.Info("command ended", "run", r.ID, "check", v.Name, "commit", r.Commit, "status", res.Status, "stopped", res.Stopped, "took", res.Duration)
	if err := b.store.EndRun(ctx, r); err != nil {
		return err
	}
	b.forget(ctx, r)
	return nil
}

// again is what ends the key of a run of tests that failed the first time.
const again = " again"

func runKey(r store.Run) string { return fmt.Sprintf("run %d %d", r.ID, r.Turn) }

// forget lets go of what the runner keeps of a run.
func (b *Bot) forget(ctx context.Context, r store.Run) {
	b.runner.Forget(ctx, runKey(r))
	b.runner.Forget(ctx, runKey(r)+again)
}

// run runs a command in a work tree of its own. Tests that fail are run once
// more, by themselves: what passes then is flaky.
func (b *Bot) run(ctx context.Context, r store.Run, v verifyCommand, log *runLog) (*report.Report, *runner.Result, error) {
	m, err := b.store.Migration(ctx, r.Migration)
	if err != nil {
		return nil, nil, err
	}
	repo, err := b.github.Repo(m.Installation, m.Owner, m.Name)
	if err != nil {
		return nil, nil, err
	}
	clone, err := repo.Clone(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer clone.Close()
	dir, err := exportCommit(ctx, clone, r.Commit)
	if err != nil {
		return nil, nil, err
	}
	defer runner.RemoveAll(dir)
	c := runner.Command{Key: runKey(r), Image: v.Image, Shell: v.Run, Dir: dir, Timeout: v.Timeout, Network: v.Network, Secrets: b.secrets, Log: log}
	c.Env = report.Env(v.Report, reportFile)
	if v.Report == config.Pytest {
		if err := os.RemoveAll(filepath.Join(dir, reportFile)); err != nil { // the commit's own would be read
			return nil, nil, err
		}
		c.Files = []string{reportFile}
	}
	res, err := b.runner.Run(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	found := report.Read(v.Report, res, reportFile)
	if v.Report != config.Pytest || !found.Again(c.Env) {
		return found, res, nil
	}
	c.Key += again
	second, err := b.runner.Run(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	found.Retry(report.Read(v.Report, second, reportFile))
	return found, res, nil
}

func exportCommit(ctx context.Context, clone *github.Clone, commit string) (dir string, err error) {
	if err := clone.Fetch(ctx, commit); err != nil {
		return "", err
	}
	t, err := clone.Tree(commit)
	if err != nil {
		return "", err
	}
	return clone.Export(t)
}

// Bounds of what is shown of a command while it runs.
const (
	maxHead   = 2 << 10         // bytes of its first lines
	maxTail   = 16 << 10        // bytes of its last lines
	keepEvery = 2 * time.Second // how often a cancellation is noticed
	showEvery = 8               // of these times, the log is stored and GitHub told once
)

// A runLog is what a command has printed first and last. It goes to the store now and
// then; whoever looks at the migration shows it.
type runLog struct {
	bot    *Bot
	run    store.Run
	cancel context.CancelCauseFunc

	mu   sync.Mutex
	head []byte
	tail []byte // what follows it, from a place on
	cut  bool   // the tail lacks its beginning
}

// Write takes a line that the command prints.
func (l *runLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.tail) == 0 && len(l.head)+len(p) <= maxHead {
		l.head = append(l.head, p...)
		return len(p), nil
	}
	l.tail = append(l.tail, p...)
	if cut := len(l.tail) - maxTail; cut > maxTail {
		l.tail, l.cut = append([]byte{}, l.tail[cut:]...), true
	}
	return len(p), nil
}

func (l *runLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut || len(l.tail) > maxTail {
		return string(l.head) + cutMark + lastLines(string(l.tail), maxTail)
	}
	return string(l.head) + string(l.tail)
}

// keep stores the log at intervals, so that a check run changes no more often than
// that, until the function that it returns is called, and ends the command if nobody waits for it any more.
func (l *runLog) keep(ctx context.Context) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(keepEvery)
		defer tick.Stop()
		shown := ""
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			text := shown
			if n%showEvery == 1 {
				text = l.text()
			}
			wanted, err := l.bot.store.KeepLog(ctx, l.run, text)
			if err == nil && !wanted {
				l.cancel(errCancelled)
				return
			}
			if err == nil && text != shown {
				shown, err = text, l.bot.store.Enqueue(ctx, l.run.Migration, time.Now())
			}
			if err != nil && ctx.Err() == nil {
				l.bot.log.Warn("could not keep the log of a command", "run", l.run.ID, "error", err)
			}
		}
	}()
	return func() { stop(); <-done }
}
