package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A cgroup is the control group of one sandbox. In it the kernel counts all
// processes together, and what they keep in memory without a process. A nil one
// limits nothing.
type cgroup struct {
	dir    string
	handle *os.File // of dir
}

// checkCgroup makes sure that groups can be made in the folder parent, and removes
// those that a server left that was killed.
func checkCgroup(parent string) error {
	const control = "cgroup.subtree_control"
	data, err := os.ReadFile(filepath.Join(parent, control))
	if err != nil {
		return fmt.Errorf("%s is no control group of version 2: %w", parent, err)
	}
	for _, controller := range []string{"memory", "pids"} {
		if strings.Contains(" "+strings.TrimSpace(string(data))+" ", " "+controller+" ") {
			continue
		}
		if err := os.WriteFile(filepath.Join(parent, control), []byte("+"+controller), 0o644); err != nil {
			return fmt.Errorf("%s must be delegated to this user, with the controllers memory and pids, and hold no process: %w", parent, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(parent, "restage-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		os.Remove(dir) // one in use stays
	}
	return nil
}

// newCgroup makes a group in the folder parent; "" makes none.
func newCgroup(parent string, l Limits) (*cgroup, error) {
	if parent == "" {
		return nil, nil
	}
	dir, err := os.MkdirTemp(parent, "restage-")
	if err != nil {
		return nil, err
	}
	g := &cgroup{dir: dir}
	for _, limit := range [][2]string{
		{"memory.max", strconv.FormatInt(int64(l.Memory), 10)},
		{"memory.swap.max", "0"},
		{"memory.oom.group", "1"},
		{"pids.max", strconv.Itoa(l.Processes + bubbles)},
	} {
		err := os.WriteFile(filepath.Join(dir, limit[0]), []byte(limit[1]), 0o644)
		if err != nil && !(limit[0] == "memory.swap.max" && errors.Is(err, fs.ErrNotExist)) {
			g.close()
			return nil, err
		}
	}
	if g.handle, err = os.Open(dir); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

// bubbles is how many processes are bubblewrap's own.
const bubbles = 3

// outOfMemory reports whether the kernel killed the group because it took too much
// memory.
func (g *cgroup) outOfMemory() bool {
	if g == nil {
		return false
	}
	data, err := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		name, count, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "oom_kill" && count != "0" {
			return true
		}
	}
	return false
}

// close removes the group, whose processes are gone.
func (g *cgroup) close() {
	if g == nil {
		return
	}
	g.handle.Close()
	os.Remove(g.dir)
}
