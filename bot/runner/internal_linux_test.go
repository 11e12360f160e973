package runner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCgroupFiles(t *testing.T) {
	parent := t.TempDir()
	write := func(name, data string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(parent, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("cgroup.subtree_control", "cpu memory pids\n")
	if err := checkCgroup(parent); err != nil {
		t.Fatal(err)
	}
	g, err := newCgroup(parent, Limits{Memory: 64 << 20, Processes: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	for name, want := range map[string]string{"memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1", "pids.max": "13"} {
		if data, err := os.ReadFile(filepath.Join(g.dir, name)); err != nil || string(data) != want {
			t.Errorf("%s holds %q, %v, want %s", name, data, err, want)
		}
	}
	for events, want := range map[string]bool{"low 0\noom 3\noom_kill 0\n": false, "oom 1\noom_kill 2\noom_group_kill 1\n": true, "": false} {
		write(filepath.Base(g.dir)+"/memory.events", events)
		if got := g.outOfMemory(); got != want {
			t.Errorf("out of memory is %v after %q", got, events)
		}
	}
}

func TestParseStat(t *testing.T) {
	const rest = " S 40 50 50 0 -1 4194560 200 0 0 0 100 50 25 25 20 0 1 0 12345 8192000 300 18446744073709551615"
	page := int64(os.Getpagesize())
	for _, name := range []string{"sh", "a b", "x) S 1 (", ""} {
		got, ok := parseStat([]byte("51 (" + name + ")" + rest))
		if want := (process{parent: 40, cpu: 2 * time.Second, memory: 300 * page}); !ok || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", name, got, ok, want)
		}
	}
	for _, bad := range []string{"", "51 (sh", "51 (sh) S 40"} {
		if got, ok := parseStat([]byte(bad)); ok {
			t.Errorf("%q is taken for %+v", bad, got)
		}
	}
}

// On systems that have not merged /usr, the folders themselves are shown.
func TestLinked(t *testing.T) {
	root := t.TempDir()
	for link, to := range map[string]string{"bin": "usr/bin", "lib": "/usr/lib", "lib64": "/etc"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "sbin"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(strings.Join(linked(root), " "), root, "")
	if want := "--symlink usr/bin /bin --symlink /usr/lib /lib --ro-bind /sbin /sbin"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a/b/c"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/b/c", "a/b", "a"} {
		if err := os.Chmod(filepath.Join(dir, name), 0); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := open(root); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "a/b", "a/b/c"} {
		if info, err := root.Stat(name); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
