package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/restage/restage/bot/runner"
)

// newRunner returns the runner in bubblewrap. A machine where that does not work
// fails the tests.
func newRunner(t testing.TB, s runner.Settings) runner.Runner {
	t.Helper()
	r, err := runner.New(t.Context(), "bubblewrap", s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// folder returns a new folder that the sandbox can reach, with files.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "restage-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs a command in a new sandbox.
func run(t testing.TB, s runner.Settings, c runner.Command) *runner.Result {
	t.Helper()
	if c.Dir == "" {
		c.Dir = folder(t, nil)
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	res, err := newRunner(t, s).Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestResult(t *testing.T) {
	tests := []struct {
		name    string
		command runner.Command
		status  int
		signal  int
		log     string
	}{
		{"success", runner.Command{Shell: "echo out; echo err >&2"}, 0, 0, "out\nerr\n"},
		{"failure", runner.Command{Shell: "exit 3"}, 3, 0, ""},
		{"signal", runner.Command{Shell: "kill -ABRT $$"}, 134, 6, ""},
		{"arguments are not for the shell", runner.Command{Args: []string{"echo", "$HOME", "a b"}}, 0, 0, "$HOME a b\n"},
		{"no such program", runner.Command{Args: []string{"nowhere"}}, 127, 0, "sh: 1: exec: nowhere: not found\n"},
		{"environment", runner.Command{Shell: `echo "$COLOR $HOME $(id -un) $(hostname)"`, Env: map[string]string{"COLOR": "red"}}, 0, 0, "red /tmp runner sandbox\n"},
		{"nothing to read", runner.Command{Shell: "cat; pwd"}, 0, 0, runner.Root + "\n"},
		{"secrets", runner.Command{Shell: "echo the p'a'ssword", Secrets: []string{"password"}}, 0, 0, "the ***\n"},
		{"control codes", runner.Command{Shell: `printf '\033[31mred\033[0m\033]0;title\a\n'`}, 0, 0, "red\n"},
		{"system", runner.Command{Shell: "python3 -c 'import json, ssl, sqlite3' && git --version >/dev/null && gcc --version >/dev/null"}, 0, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var live bytes.Buffer
			test.command.Log = &live
			res := run(t, runner.Settings{}, test.command)
			if res.Status != test.status || res.Signal() != test.signal || res.Log != test.log || res.Stopped != "" || res.Cut {
				t.Errorf("got %+v", res)
			}
			if res.OK() != (test.status == 0) {
				t.Errorf("OK is %v", res.OK())
			}
			if live.String() != res.Log {
				t.Errorf("while it ran the log was %q", live.String())
			}
		})
	}
}

func TestBadCommand(t *testing.T) {
	r, dir := newRunner(t, runner.Settings{}), folder(t, nil)
	ok := runner.Command{Shell: "true", Dir: dir, Timeout: time.Second}
	tests := map[string]func(*runner.Command){
		"needs either Shell or Args":  func(c *runner.Command) { c.Shell = "" },
		"needs a Timeout":             func(c *runner.Command) { c.Timeout = 0 },
		"not an absolute path":        func(c *runner.Command) { c.Dir = "." },
		"no such file":                func(c *runner.Command) { c.Dir += "/missing" },
		"must not hold NUL":           func(c *runner.Command) { c.Shell = "a\x00b" },
		"no variable":                 func(c *runner.Command) { c.Env = map[string]string{"A=B": ""} },
		`"../x" is not in the work`:   func(c *runner.Command) { c.Files = []string{"../x"} },
		`"/etc/x" is not in the work`: func(c *runner.Command) { c.Files = []string{"/etc/x"} },
	}
	for want, spoil := range tests {
		c := ok
		spoil(&c)
		if _, err := r.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestFiles(t *testing.T) {
	res := run(t, runner.Settings{}, runner.Command{
		Dir: folder(t, map[string]string{"pkg/a.py": "import b\n"}),
		Shell: `sed -i s/b/c/ pkg/a.py; mkdir out; echo '<ok/>' > out/report.xml
			mkfifo pipe; head -c 100k /dev/zero > large; echo locked > locked; chmod 0 locked`,
		Files:  []string{"pkg/a.py", "out/report.xml", "missing", "pipe", "large", "out"},
		Limits: runner.Limits{Report: 64 << 10},
	})
	if want := "import c\n"; string(res.Files["pkg/a.py"]) != want {
		t.Errorf("got %q, want %q", res.Files["pkg/a.py"], want)
	}
	if want := "<ok/>\n"; string(res.Files["out/report.xml"]) != want {
		t.Errorf("got %q, want %q", res.Files["out/report.xml"], want)
	}
	if err := res.FileErrors["missing"]; !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	want := []string{"large", "missing", "out", "pipe"}
	if got := slices.Sorted(maps.Keys(res.FileErrors)); !slices.Equal(got, want) {
		t.Errorf("errors for %q, want %q: %v", got, want, res.FileErrors)
	}
}

func TestNew(t *testing.T) {
	r, err := runner.New(t.Context(), "none", runner.Settings{})
	if err != nil || r.Name() != "none" {
		t.Fatalf("got %v, %v", r, err)
	}
	if _, err := r.Run(t.Context(), runner.Command{}); !errors.Is(err, runner.ErrNone) {
		t.Errorf("none runs a command: %v", err)
	}
	if r, err := runner.New(t.Context(), "", runner.Settings{}); err != nil || r.Name() != "bubblewrap" {
		t.Errorf("the default is %v, %v", r, err)
	}
	if _, err := runner.New(t.Context(), "docker", runner.Settings{}); err == nil || !strings.Contains(err.Error(), `no runner "docker"`) {
		t.Errorf("docker: %v", err)
	}
	if _, err := runner.New(t.Context(), "", runner.Settings{Read: []string{"/"}}); err == nil || !strings.Contains(err.Error(), "name a folder") {
		t.Errorf("all may be read: %v", err)
	}
	if _, err := runner.New(t.Context(), "", runner.Settings{Read: []string{"/nowhere"}}); err == nil || !strings.Contains(err.Error(), "not there") {
		t.Errorf("what is not there may be read: %v", err)
	}
	t.Setenv("PATH", folder(t, nil))
	if _, err := runner.New(t.Context(), "", runner.Settings{}); err == nil || !strings.Contains(err.Error(), "bubblewrap 0.8 or newer") {
		t.Errorf("without bwrap: %v", err)
	}
}

// A bwrap that does not work must be found out when the server starts.
func TestNewTriesOut(t *testing.T) {
	bin := folder(t, map[string]string{"bwrap": "#!/bin/sh\necho no permissions >&2\nexit 1\n"})
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	_, err := runner.New(t.Context(), "", runner.Settings{})
	if err == nil || !strings.Contains(err.Error(), "no permissions") {
		t.Errorf("got %v", err)
	}
}

func TestReadMore(t *testing.T) {
	venv := folder(t, map[string]string{"tool": "#!/bin/sh\necho ran\n"})
	s := runner.Settings{Read: []string{venv}, Path: venv + ":/usr/bin"}
	res := run(t, s, runner.Command{Shell: "tool; touch " + venv + "/x"})
	if !strings.HasPrefix(res.Log, "ran\n") || res.OK() {
		t.Errorf("got %+v", res)
	}
}

// started is a writer that calls do for the first line.
type started struct {
	once sync.Once
	do   func()
}

func (s *started) Write(p []byte) (int, error) {
	s.once.Do(s.do)
	return len(p), nil
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	newer := errors.New("there is a newer head")
	dir := folder(t, map[string]string{"lock": ""})
	_, err := newRunner(t, runner.Settings{}).Run(ctx, runner.Command{
		Shell:   "trap '' TERM INT; exec flock lock sh -c 'echo started; sleep 1000'",
		Dir:     dir,
		Timeout: time.Hour,
		Log:     &started{do: func() { cancel(newer) }},
	})
	if !errors.Is(err, newer) {
		t.Errorf("got %v", err)
	}
	if locked(t, filepath.Join(dir, "lock")) {
		t.Error("the command still runs")
	}
}

// Of more commands than may run at the same time the others wait.
func TestParallel(t *testing.T) {
	r, dir := newRunner(t, runner.Settings{Parallel: 2}), folder(t, nil)
	var g errgroup.Group
	for range 6 {
		g.Go(func() error {
			res, err := r.Run(t.Context(), runner.Command{
				Shell:   "d=$(mktemp -d running.XXX); sleep 0.1; ls -d running.* 2>/dev/null | wc -l; rmdir $d",
				Dir:     dir,
				Timeout: time.Minute,
			})
			if err == nil && res.Log != "1\n" && res.Log != "2\n" {
				err = fmt.Errorf("at the same time: %s", res.Log)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func BenchmarkOverhead(b *testing.B) {
	r := newRunner(b, runner.Settings{})
	dir := folder(b, map[string]string{"pkg/a.py": "", "pkg/b.py": "", "README": ""})
	var bare time.Duration
	for b.Loop() {
		b.StopTimer()
		start := time.Now()
		if err := exec.Command("/bin/sh", "-c", "true").Run(); err != nil {
			b.Fatal(err)
		}
		bare += time.Since(start)
		b.StartTimer()
		res, err := r.Run(b.Context(), runner.Command{Shell: "true", Dir: dir, Timeout: time.Minute})
		if err != nil || !res.OK() {
			b.Fatal(res, err)
		}
	}
	overhead := (b.Elapsed() - bare) / time.Duration(b.N)
	b.ReportMetric(float64(overhead)/float64(time.Millisecond), "ms-overhead/op")
}
