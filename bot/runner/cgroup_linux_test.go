package runner_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/restage/restage/bot/runner"
)

// delegated returns a control group of version 2 that restage may use, and "" on a
// machine that gives the tests none.
func delegated(t *testing.T) string {
	t.Helper()
	const root = "/sys/fs/cgroup"
	data, err := os.ReadFile(root + "/cgroup.controllers")
	if controllers := strings.Fields(string(data)); err != nil || !slices.Contains(controllers, "memory") || !slices.Contains(controllers, "pids") {
		return ""
	}
	dir, err := os.MkdirTemp(root, "test-")
	if err != nil {
		return ""
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Where the machine has a control group for restage, the kernel bounds the memory
// of a whole command, also where no process has it. Where it has none, to ask for
// one is an error.
func TestCgroup(t *testing.T) {
	parent := delegated(t)
	if parent == "" {
		_, err := runner.New(t.Context(), "", runner.Settings{Cgroup: "/sys/fs/cgroup/nowhere"})
		if err == nil || !strings.Contains(err.Error(), "no control group of version 2") {
			t.Errorf("got %v", err)
		}
		return
	}
	left := filepath.Join(parent, "restage-left")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	r := newRunner(t, runner.Settings{Cgroup: parent})
	if _, err := os.Stat(left); err == nil {
		t.Error("the group of a server that was killed is still there")
	}
	limits := runner.Limits{Memory: 64 << 20, Processes: 20}
	for _, test := range []struct {
		name, script string
		stop         runner.Stop
		log          string
	}{
		{"little", "echo fine", "", "fine\n"},
		{"memory", "head -c 100M /dev/zero | tail; echo escaped", runner.Memory, ""},
		{"files in memory", "head -c 100M /dev/zero > /tmp/x; echo escaped", runner.Memory, ""},
		{"processes", "for i in $(seq 30); do sleep 1000 & done; echo escaped", "", "Cannot fork\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			res, err := r.Run(t.Context(), runner.Command{Shell: test.script, Dir: folder(t, nil), Timeout: time.Minute, Limits: limits})
			if err != nil {
				t.Fatal(err)
			}
			if res.Stopped != test.stop || !strings.HasSuffix(res.Log, test.log) || strings.Contains(res.Log, "escaped") {
				t.Errorf("got %+v", res)
			}
			if left, _ := filepath.Glob(parent + "/restage-*"); len(left) > 0 {
				t.Errorf("%q is left", left)
			}
		})
	}
}
