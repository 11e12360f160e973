package bot_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/restage/restage/bot/demo"
	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/store"
)

// withCommands lets the bot of a world run commands, in bubblewrap. The function
// that it returns waits until a number of runs have ended.
func (w *world) withCommands() (await func(runs int)) {
	w.t.Helper()
	check(w.t, os.Chmod(filepath.Dir(w.work), 0o711)) // commands run as another user
	return w.withRunner(must(runner.New(ctx, "bubblewrap", runner.Settings{WorkDir: w.work})))
}

// withRunner is withCommands with another runner.
func (w *world) withRunner(r runner.Runner) (await func(runs int)) {
	w.t.Helper()
	w.runner = r
	w.startBot()
	ended := make(chan store.Run, 100)
	until, stop := context.WithCancel(ctx)
	done := make(chan error)
	go func() {
		done <- w.store.Run(until, store.Handlers{
			Delivery:  func(context.Context, store.Delivery) error { return nil },
			Reconcile: func(context.Context, int64) error { return nil }, // settle looks
			Guard:     func(context.Context, int64) error { return nil },
			Command: func(ctx context.Context, r store.Run) error {
				err := w.bot.Command(ctx, r)
				if err != nil {
					w.t.Errorf("command %s: %v", r.Command, err)
				}
				ended <- r
				return err
			},
			Commands: 2,
		})
	}()
	w.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	return func(runs int) {
		w.t.Helper()
		w.settle(nil)
		for n := range runs {
			select {
			case <-ended:
			case <-time.After(2 * time.Minute):
				w.t.Fatalf("only %d of %d runs have ended", n, runs)
			}
		}
		w.settle(nil)
	}
}

// checked has a test that fails and an error for mypy, both of old.
const checked = shop + `-- tests/test_bug.py --
def test_bug():
    assert 1 == 2
-- src/shop/old/pricing.py --
def price(item: int) -> int:
    return 3


def label(item: int) -> int:
    return "three"
-- .github/restage.yml --
source_roots: [src]
verify:
  - {name: tests, run: PYTHONPATH=src python3 -m pytest -q tests, report: pytest, timeout: 2m}
  - {name: types, run: cd src && python3 -m mypy --cache-dir=/dev/null -p shop, report: mypy, timeout: 2m}
`

// Commands run on the head and on the base: what failed on the base is old, also
// in a file that has moved, and what a person breaks is new.
func TestCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, checked)
	await := w.withCommands()
	issue := w.file("ada", fenced(yaml))
	await(4) // two commands, on the head and the base
	head := w.pull(movesBranch).GetHead().GetSHA()
	same(t, "tests", w.check(head, "tests"), "success: no new failure, 1 old one as on main")
	same(t, "types", w.check(head, "types"), "success: no new failure, 1 old one as on main")
	contain(t, w.pull(movesBranch).GetBody(), "| ✅ | tests | no new failure, 1 old one as on main |")
	contain(t, w.status(issue), "Review #2", "✅ tests, ✅ types")

	w.write(movesBranch, "src/shop/prices.py", "def price(item: int) -> int:\n    return 4\n\n\ndef label(item: int) -> int:\n    return \"three\"\n")
	w.write(movesBranch, "src/shop/cart.py", "def total(items):\n    raise NotImplementedError\n")
	await(2) // the base is known
	head = w.pull(movesBranch).GetHead().GetSHA()
	same(t, "tests", w.check(head, "tests"), "failure: 1 new failure, 1 old one as on main\ntests/test_cart.py:10 failure")
	same(t, "types", w.check(head, "types"), "success: no new failure, 1 old one as on main")

	w.comment("ada", issue, "/restage rerun tests")
	await(1)
	contain(t, strings.Join(w.conclusions(head), "\n"), "restage / tests failure\nrestage / tests failure\nrestage / types success")
}

// The sample's three pull requests carry what its tests and mypy really say. A
// test that fails and mypy's errors, also those in files that move, are old; a
// mistake is new.
func TestSampleCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sample(t)+`-- tests/test_bug.py --
def test_bug():
    assert 1 == 2
-- .github/restage.yml --
source_roots: [src]
exclude: [docs/audits/**]
verify:
  - {name: tests, run: python3 -m pytest -q tests, report: pytest, timeout: 3m}
  - {name: types, run: python3 -m mypy --cache-dir=/dev/null src, report: mypy, timeout: 3m}
`)
	await := w.withCommands()
	issue := w.file("ada", string(demo.Plan()))
	finish := func() {
		for await(1); strings.Contains(w.status(issue), "The checks of"); {
			await(1)
		}
	}
	types := map[string]string{
		movesBranch:   "no new failure, 10 old ones as on main",
		importsBranch: "no new failure, 10 old ones as on main",
		cleanupBranch: "no new failure, 10 old ones as on main, 1 fixed", // in a layer that goes; with the mistake there were 11
	}
	for _, branch := range branches {
		finish()
		head := w.pull(branch).GetHead().GetSHA()
		same(t, branch+" tests", w.check(head, "tests"), "success: no new failure, 1 old one as on main")
		same(t, branch+" types", w.check(head, "types"), "success: "+types[branch])
		if branch == importsBranch {
			w.write(branch, "src/training/mistake.py", "def epochs() -> int:\n    return None\n")
			finish()
			head = w.pull(branch).GetHead().GetSHA()
			same(t, "mistake", w.check(head, "types"), "failure: 1 new failure, 10 old ones as on main\nsrc/training/mistake.py:2 failure")
		}
		w.merge(branch)
	}
}

// sample returns the files of the demo's repository, but for its configuration, as
// a txtar archive.
func sample(t testing.TB) string {
	t.Helper()
	var a txtar.Archive
	check(t, fs.WalkDir(demo.Sample(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == ".github/restage.yml" {
			return err
		}
		data, err := fs.ReadFile(demo.Sample(), path)
		a.Files = append(a.Files, txtar.File{Name: path, Data: data})
		return err
	}))
	return string(txtar.Format(&a))
}

// As long as commands wait or run, everything says so.
func TestCommandsWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, checked)
	w.runner = idle{}
	w.startBot()
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	head := w.pull(movesBranch).GetHead().GetSHA()
	same(t, "tests", w.check(head, "tests"), ": waits for its turn")
	same(t, "structure", strings.Split(w.check(head, "structure"), ":")[0], "success")
	contain(t, w.status(issue), "The checks of #2 are being done", "⏳ tests, ⏳ types")
	contain(t, w.pull(movesBranch).GetBody(), "| ⏳ | tests | waits for its turn |")

	w.merge(movesBranch) // without waiting
	w.settle(nil)
	contain(t, w.status(issue), "The checks of #3 are being done")
	w.merge(importsBranch)
	w.settle(nil)
	w.merge(cleanupBranch)
	w.settle(nil)
	contain(t, w.status(issue), "#2 is merged. Its checks are still being done.") // not the end
}

// idle is a runner that is never asked.
type idle struct{ runner.None }

func (idle) Name() string { return "idle" }

// A red base stops the migration before anything is done, if the configuration
// says so; a green one lets it go on.
func TestRequireGreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, checked+`-- .github/restage.yml --
source_roots: [src]
baseline: require-green
verify:
  - {name: tests, run: PYTHONPATH=src python3 -m pytest -q tests, report: pytest, timeout: 2m}
`)
	await := w.withCommands()
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	await(1)
	contain(t, w.status(issue), "**Paused.** `main` is not green", "- tests: 1 failure\n  - `tests/test_bug.py:2` `tests/test_bug.py::test_bug` assert 1 == 2\n", "  FAILED tests/test_bug.py::test_bug - assert 1 == 2\n", "baseline: compare")
	same(t, "branches", strings.TrimSpace(w.git("branch", "--format=%(refname:short)")), "main")

	w.write("main", "tests/test_bug.py", "def test_bug():\n    pass\n")
	w.comment("ada", issue, "/restage rerun")
	await(1) // the base
	await(1) // the head
	same(t, "tests", w.check(w.pull(movesBranch).GetHead().GetSHA(), "tests"), "success: all 2 passed")
}

// The base gets commits faster than one is tested. The migration keeps to the one
// that was asked for first, and begins from that.
func TestRequireGreenOnBusyBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tested+"baseline: require-green\n")
	hand := newHand()
	await := w.withRunner(hand)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	first := w.git("rev-parse", "main")
	tests, types := hand.begun(), hand.begun()
	for _, name := range []string{"a.txt", "b.txt"} {
		w.write("main", name, "")
		w.settle(nil)
		same(t, "runs", w.runs(), "2 running")
	}
	contain(t, w.status(issue), "runs the repository's own checks on `main` first")
	tests.end <- runner.Result{}
	types.end <- runner.Result{}
	await(2)
	same(t, "begins from", w.git("merge-base", "main", movesBranch), first)
	hand.endAll(2) // of the head: the base is known
	await(2)
	same(t, "runs", w.runs(), "4 done")
}

// The base is red and has a newer commit: that one is tested, and what is left of
// the red one is not awaited.
func TestRequireGreenGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tested+"baseline: require-green\n")
	hand := newHand()
	await := w.withRunner(hand)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	one, other := hand.begun(), hand.begun()
	w.write("main", "a.txt", "")
	second := w.git("rev-parse", "main")
	one.end <- runner.Result{Status: 1}
	await(1) // only a look after that gives up the other
	await(1)
	same(t, "the other ended with", <-other.cancelled, "nobody awaits it any more")
	contain(t, w.status(issue), "runs the repository's own checks on `main` first")
	w.write("main", "b.txt", "")
	hand.endAll(2)
	await(2)
	same(t, "begins from", w.git("merge-base", "main", movesBranch), second)
	hand.endAll(2)
	await(2)
	same(t, "runs", w.runs(), "1 cancelled, 5 done")
}

// The base loses the commit that is being tested.
func TestRequireGreenRewritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tested+"baseline: require-green\n")
	w.runner = idle{}
	w.startBot()
	w.write("main", "secret.txt", "")
	w.file("ada", fenced(yaml))
	w.settle(nil)
	same(t, "runs", w.runs(), "2 queued")
	w.git("update-ref", "refs/heads/main", "main~1")
	w.write("main", "other.txt", "")
	w.settle(nil)
	same(t, "runs", w.runs(), "2 cancelled, 2 queued")
}

// hand is a runner whose commands end when a test says so.
type hand struct {
	runner.None
	began chan handRun
}

type handRun struct {
	end       chan runner.Result
	cancelled chan error
}

func newHand() hand { return hand{began: make(chan handRun, 10)} }

func (hand) Name() string { return "hand" }

func (h hand) Run(ctx context.Context, c runner.Command) (*runner.Result, error) {
	r := handRun{make(chan runner.Result), make(chan error, 1)}
	h.began <- r
	select {
	case res := <-r.end:
		return &res, nil
	case <-ctx.Done():
		r.cancelled <- context.Cause(ctx)
		return nil, context.Cause(ctx)
	}
}

// begun waits for the next command.
func (h hand) begun() handRun {
	select {
	case r := <-h.began:
		return r
	case <-time.After(2 * time.Minute):
		panic("no command began")
	}
}

// endAll lets the next n commands succeed.
func (h hand) endAll(n int) {
	for range n {
		h.begun().end <- runner.Result{}
	}
}

// A newer head ends what runs on an older one.
func TestNewerHeadCancels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- .github/restage.yml --
verify:
  - {name: slow, run: test ! -e src/shop/prices.py || test -e src/shop/mine.py || sleep 100, timeout: 5m}
`)
	await := w.withCommands()
	w.file("ada", fenced(yaml))
	await(1) // the base; the head sleeps
	before := w.pull(movesBranch).GetHead().GetSHA()
	w.write(movesBranch, "src/shop/mine.py", "")
	await(2) // both heads
	same(t, "slow", w.check(w.pull(movesBranch).GetHead().GetSHA(), "slow"), "success: passed")
	same(t, "before", w.check(before, "slow"), "cancelled: cancelled")
}

// What is asked for again while it runs is cancelled: one run goes on.
func TestRerunCancels(t *testing.T) {
	t.Parallel()
	w := newWorld(t, checked)
	w.runner = idle{}
	w.startBot()
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	w.comment("ada", issue, "/restage rerun tests")
	w.settle(nil)
	head := w.pull(movesBranch).GetHead().GetSHA()
	got := slices.DeleteFunc(w.conclusions(head), func(s string) bool { return !strings.HasPrefix(s, "restage / t") })
	slices.Sort(got)
	same(t, "checks", strings.Join(got, "\n"), "restage / tests\nrestage / tests cancelled\nrestage / types")
}

// What runs is what the default branch says: neither what the plan lists, nor what
// somebody commits to a branch of the migration.
func TestCommandsOfTheDefaultBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- .github/restage.yml --
source_roots: [src]
verify: [{name: tests, run: echo as reviewed}]
`)
	ran := &shells{}
	await := w.withRunner(ran)
	w.file("ada", fenced(yaml)+"\n## Verification\n\n```bash\ntouch /planned\n```\n")
	await(2) // on the base and the head
	w.write(movesBranch, ".github/restage.yml", "source_roots: [src]\nverify: [{name: tests, run: touch /pushed}]\nformat: [touch /pushed]\n")
	await(1)
	same(t, "tests", w.check(w.pull(movesBranch).GetHead().GetSHA(), "tests"), "success: passed")
	same(t, "ran", ran.String(), "echo as reviewed\necho as reviewed\necho as reviewed")
}

// shells is a runner that carries out nothing and keeps what it should have.
type shells struct {
	runner.None
	mu   sync.Mutex
	said []string
}

func (s *shells) Name() string { return "shells" }

func (s *shells) Run(_ context.Context, c runner.Command) (*runner.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, c.Shell)
	return &runner.Result{}, nil
}

func (s *shells) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.said, "\n")
}

// Where no commands are run, the check run says so.
func TestNoCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, checked)
	w.file("ada", fenced(yaml))
	w.settle(nil)
	same(t, "tests", w.check(w.pull(movesBranch).GetHead().GetSHA(), "tests"), "neutral: commands are not run on this installation")
}

// What formatters change is part of the commit. One that does not do the same
// twice is left out, with a warning.
func TestFormat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- .github/restage.yml --
format: ['sed -i "s/^from shop.prices import price$/from shop.prices import price  # sorted/" {files}']
`)
	w.withCommands()
	w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	same(t, "cart.py", strings.SplitN(w.git("show", importsBranch+":src/shop/cart.py"), "\n", 2)[0], "from shop.prices import price  # sorted")
	same(t, "README.md", w.git("show", importsBranch+":README.md"), "Prices are in `shop.prices`.\n")
}

func TestFormatTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- .github/restage.yml --
format: ['for f in {files}; do head -c 9 /dev/urandom | base64 | sed "s/^/# /" >> "$f"; done']
`)
	w.withCommands()
	w.file("ada", fenced(yaml))
	w.settle(nil)
	contain(t, w.pull(movesBranch).GetBody(), "the formatters gave another result the second time")
	same(t, "prices.py", w.git("show", movesBranch+":src/shop/prices.py"), "def price(item):\n    return 3\n")
}

// A name that looks like an option is none, and stands for its file.
func TestFormatOddNames(t *testing.T) {
	t.Parallel()
	const text = "from shop.old.pricing import price\n"
	w := newWorld(t, shop+"-- -rf.py --\n"+text+"-- --in-place=.bak.py --\n"+text+"-- a b;$(id).py --\n"+text+`-- .github/restage.yml --
format: ['sed -i "s/^from shop.prices import price$/&  # sorted/" {files}']
`)
	w.withCommands()
	w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	for _, name := range []string{"-rf.py", "--in-place=.bak.py", "a b;$(id).py"} {
		same(t, name, w.git("show", importsBranch+":"+name), "from shop.prices import price  # sorted\n")
	}
}

// What formatters do wrong is told file by file, behind what the phase itself
// warns of.
func TestFormatWarnings(t *testing.T) {
	t.Parallel()
	const text = "import os\nfrom shop.old.pricing import price\nname = __import__('shop.old.' + os.name)\n"
	w := newWorld(t, shop+"-- b.py --\n"+text+"-- a.py --\n"+text+`-- .github/restage.yml --
format: ['for f in {files}; do case "$f" in ./[ab].py) head -c 9 /dev/urandom | base64 | sed "s/^/# /" >> "$f";; esac; done']
`)
	w.withCommands()
	w.file("ada", fenced(yaml))
	w.settle(nil)
	w.merge(movesBranch)
	w.settle(nil)
	var got []string
	for line := range strings.Lines(w.pull(importsBranch).GetBody()) {
		if place, rule, ok := strings.Cut(line, "]("); ok && strings.HasPrefix(place, "- [") {
			got = append(got, strings.Trim(place, "- [")+rule[strings.LastIndex(rule, " ("):])
		}
	}
	same(t, "warnings", strings.Join(got, ""), "`a.py:3` (`dynamic-import`)\n`b.py:3` (`dynamic-import`)\n`a.py` (`format`)\n`b.py` (`format`)\n")
}

// What a formatter prints is told without the server's secrets.
func TestFormatSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+"-- .github/restage.yml --\nformat: ['ls {files}; echo the password is "+secret+" >&2; exit 3']\n")
	w.withCommands()
	w.file("ada", fenced(yaml))
	w.settle(nil)
	_, why, _ := strings.Cut(w.pull(movesBranch).GetBody(), "so nothing is formatted: ")
	why, _, _ = strings.Cut(why, " (`format`)")
	same(t, "what it printed", why, `the password is \*\*\*`)
}

// check returns conclusion and title of the newest check run of that name on a
// commit, and where its annotations are.
func (w *world) check(commit, name string) string {
	w.t.Helper()
	list, _, err := w.users["ada"].Checks.ListCheckRunsForRef(ctx, "ada", "shop", commit, nil)
	check(w.t, err)
	for _, run := range list.CheckRuns {
		if run.GetName() != "restage / "+name {
			continue
		}
		text := run.GetConclusion() + ": " + run.GetOutput().GetTitle()
		notes, _, err := w.users["ada"].Checks.ListCheckRunAnnotations(ctx, "ada", "shop", run.GetID(), nil)
		check(w.t, err)
		var places []string
		for _, a := range notes {
			places = append(places, fmt.Sprintf("\n%s:%d %s", a.GetPath(), a.GetStartLine(), a.GetAnnotationLevel()))
		}
		slices.Sort(places)
		return text + strings.Join(places, "")
	}
	w.t.Fatalf("%s has no check %q", commit, name)
	return ""
}
