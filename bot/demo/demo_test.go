package demo

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/restage/restage/bot/githubtest"
)

// manifest is what GitHub wants to know of an app at least.
const manifest = `
name: restage
url: https://example.com
default_permissions: {issues: write}
default_events: [issues]
`

// A story that does not come to its end says in one line why.
func TestRunFails(t *testing.T) {
	idle := func(ctx context.Context, env map[string]string, l net.Listener) error {
		<-ctx.Done()
		return l.Close()
	}
	for _, test := range []struct {
		name string
		opt  Options
		want string
	}{
		{"no server", Options{Serve: func(context.Context, map[string]string, net.Listener) error { return errors.New("no disk") }},
			"the server ended: no disk"},
		{"idle server", Options{Serve: idle, Patience: time.Second},
			"phase moves: waited 1s in vain for the pull request; restage says nothing"},
		{"proxy to nowhere", Options{Serve: idle, GitHubURL: "http://127.0.0.1:1"},
			"a GitHub that is reached through a proxy needs an address to listen at"},
		{"no address", Options{Serve: idle, GitHubListen: "here"},
			"start the GitHub: listen tcp: address here: missing port in address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.opt.Dir, test.opt.Out, test.opt.Manifest = t.TempDir(), new(bytes.Buffer), []byte(manifest)
			err := Run(t.Context(), test.opt)
			if err == nil || err.Error() != test.want {
				t.Errorf("Run: %v, want %s", err, test.want)
			}
		})
	}
}

// What is missing is said at once, with the way to get it.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Run(t.Context(), Options{Dir: t.TempDir()})
	want := "missing: git with git http-backend (apt-get install git), python3 3.11 or newer (apt-get install python3)"
	if err == nil || err.Error() != want {
		t.Errorf("Run: %v, want %s", err, want)
	}
}

// The history leads to the sample, and modules are older than their metadata.
func TestHistory(t *testing.T) {
	s, err := githubtest.Open(t.TempDir(), githubtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.AddUser(owner); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateRepository(owner, repository, false, history()...); err != nil {
		t.Fatal(err)
	}
	dir, err := s.RepositoryDir(owner, repository)
	if err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("git %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	work, want := t.TempDir(), t.TempDir()
	git("--work-tree", work, "checkout", "--quiet", "main", "--", ".")
	if err := os.CopyFS(want, Sample()); err != nil {
		t.Fatal(err)
	}
	if diff, err := exec.Command("diff", "-r", work, want).CombinedOutput(); err != nil {
		t.Errorf("the last commit is not the sample:\n%s", diff)
	}
	const module = "src/orchestration/jobs/training.py"
	if got := strings.Count(git("log", "--format=%s", "main", "--", module), "\n"); got != 2 {
		t.Errorf("%s has %d commits, want 2", module, got)
	}
	first := git("show", "main~4:"+module)
	if strings.Contains(first, "@meta") || !strings.HasPrefix(first, "from __future__ import annotations\n\nimport argparse\n") {
		t.Errorf("%s began as\n%s", filepath.Base(module), first)
	}
}
