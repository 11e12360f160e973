package bot_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/bot/store/postgrestest"
)

// TestCrashWithCommands is TestCrash with a command. Beside what it does on GitHub,
// the bot dies when a run has begun, when its command has ended, and when what
// came of it is stored and forgotten by the runner. What is stored at that moment
// is all that is left. Somebody merges the first pull request without waiting.
func TestCrashWithCommands(t *testing.T) {
	t.Parallel()
	const archive = shop + `-- .github/restage.yml --
source_roots: [src]
verify: [{name: tests, run: test -e src/shop/old}]
`
	story := func(w *world, retry func(), points ...string) (string, *lives) {
		l := &lives{world: w, points: points, done: map[string]int{}, kept: map[string]*runner.Result{}, died: map[string]bool{}}
		w.runner = l
		w.startBot()
		issue := w.file("ada", fenced(yaml+"delete: [{path: shop/old/}]\n"))
		w.settle(retry)
		for _, branch := range branches {
			w.merge(branch)
			l.finish(retry)
		}
		return w.everything(issue), l
	}
	calm := newWorld(t, archive)
	want, _ := story(calm, nil)
	for i, end := range []string{"success: passed", "success: passed", "failure: "} {
		contain(t, calm.check(calm.pull(branches[i]).GetHead().GetSHA(), "tests"), end)
	}

	w := newWorld(t, archive)
	mortal := &mortal{seen: map[string]int{}}
	w.out = mortal
	got, l := story(w, func() {
		mortal.mu.Lock()
		mortal.dead = false
		mortal.mu.Unlock()
		w.startBot()
	}, "begun", "ended", "forgotten")
	if got != want {
		t.Errorf("after %d and %d deaths:\n%s\nwithout any:\n%s", mortal.deaths, len(l.died), got, want)
	}
	same(t, "runs", w.runs(), "6 done") // of three heads and three bases
	same(t, "deaths of commands", len(l.died), 6*3)
	same(t, "commands", len(l.done), 6)
	for key, n := range l.done {
		if n != 1 {
			t.Errorf("%s was run %d times", key, n)
		}
	}
	if len(l.kept) != 0 {
		t.Errorf("%d results are kept by the runner", len(l.kept))
	}
	if mortal.deaths < 40 {
		t.Errorf("only %d deaths on the way to GitHub", mortal.deaths)
	}
}

// lives are those of a process that runs commands, one after the other. They are
// also its runner, which outlives them: it keeps results until it is told to
// forget them.
type lives struct {
	runner.None
	world  *world
	points []string // where a run is cut short, once each

	mu   sync.Mutex
	left string          // copy of the database, made at the death of the present life; "" before
	died map[string]bool // by run and point
	done map[string]int  // how often each command ended
	kept map[string]*runner.Result
}

func (l *lives) Name() string { return "lives" }

// Run looks for the folder that the command tests.
func (l *lives) Run(ctx context.Context, c runner.Command) (*runner.Result, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept[c.Key] == nil {
		res := &runner.Result{}
		if _, err := os.Stat(filepath.Join(c.Dir, "src/shop/old")); errors.Is(err, fs.ErrNotExist) {
			res.Status = 1
		}
		l.kept[c.Key] = res
		l.done[c.Key]++
	}
	return l.kept[c.Key], l.die("ended", c.Key)
}

// Forget drops a result.
func (l *lives) Forget(_ context.Context, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.kept, key)
	l.die("forgotten", key)
}

// die ends this life, if that run was not cut short at that point yet. A process
// that is dead stays so.
func (l *lives) die(point, run string) error {
	if l.left != "" {
		return errDead
	}
	at := run + " " + point
	if l.died[at] || !strings.Contains(strings.Join(l.points, " "), point) {
		return nil
	}
	l.died[at] = true
	l.left = postgrestest.Copy(l.world.t, l.world.database)
	return errDead
}

// finish lets the bot look and its commands run until nothing is left to do.
func (l *lives) finish(retry func()) {
	l.world.t.Helper()
	for range 100 {
		l.world.settle(retry)
		if runs := l.world.runs(); !strings.Contains(runs, "queued") && !strings.Contains(runs, "running") {
			return
		}
		l.live()
	}
	l.world.t.Fatalf("commands do not come to an end: %s", l.world.runs())
}

// live is one life: it runs a command. If the process dies, the next life begins
// with what is left.
func (l *lives) live() {
	w := l.world
	until, stop := context.WithCancel(ctx)
	defer stop()
	command := func(ctx context.Context, r store.Run) error {
		defer stop()
		l.mu.Lock()
		err := l.die("begun", fmt.Sprintf("run %d %d", r.ID, r.Turn))
		l.mu.Unlock()
		if err != nil {
			return err
		}
		return w.bot.Command(ctx, r)
	}
	check(w.t, w.store.Run(until, store.Handlers{
		Delivery:  func(context.Context, store.Delivery) error { return nil },
		Reconcile: func(context.Context, int64) error { return nil },
		Guard:     func(context.Context, int64) error { return nil },
		Command:   command,
		Commands:  1,
	}))
	if l.left == "" {
		return
	}
	check(w.t, w.store.Close())
	w.database, l.left = l.left, ""
	w.store = must(store.Open(ctx, w.database, slog.New(slog.DiscardHandler)))
	w.startBot()
}
