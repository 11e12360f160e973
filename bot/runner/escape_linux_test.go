package runner_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/restage/restage/bot/runner"
)

// An escape is an attempt to do what a command must not. Its script prints
// "escaped" where it succeeds, as it does outside of the sandbox. It finds in its
// environment:
//
//	SECRET  a file outside of the work tree
//	OUT     a folder outside of the work tree that anybody may write to
//	PORT    where a server listens on the loopback interface
//	SOCKET  the abstract name of a socket that a server listens on
//	PAUSE   how many seconds to wait for the sandbox to notice; outside it is 0
type escape struct {
	name   string
	script string
	files  map[string]string // in the work tree
	env    map[string]string
	limits runner.Limits
	stop   runner.Stop // what has to stop it
}

// spoil writes a file to OUT.
const spoil = `echo x > "$OUT/$$" && echo escaped`

// conf is a conftest.py that tries the same before any test runs.
const conf = `
import os, pathlib
try:
    pathlib.Path(os.environ["OUT"], "conftest").write_text("x")
    print(pathlib.Path(os.environ["SECRET"]).read_text())
    print("escaped")
except OSError as e:
    print(e)
`

// onChild is a script that makes a system call about another of its processes.
func onChild(call int, args string) string {
	return fmt.Sprintf(`python3 -c '
import ctypes, os, signal
child = os.fork()
if not child: signal.pause()
if ctypes.CDLL(None).syscall(%d, %s) >= 0: print("escaped")
os.kill(child, signal.SIGKILL)'`, call, args)
}

// crowd is a script that makes many empty files in a folder.
func crowd(dir string) string {
	return `d=$(mktemp -d -p ` + dir + `) && (cd $d; seq 2000 | xargs touch) && sleep $PAUSE && rm -r $d && echo escaped`
}

var escapes = []escape{
	{name: "environment", script: `env | grep ^SERVER_TOKEN= && echo escaped`},
	{name: "environment of other processes", script: `cat /proc/[0-9]*/environ 2>/dev/null | grep -qa SERVER_TOKEN= && echo escaped`},
	{name: "read a file", script: `cat "$SECRET" && echo escaped`},
	{name: "read a file through proc", script: `for p in /proc/[0-9]*; do cat $p/root/$SECRET 2>/dev/null && echo escaped && break; done`},
	{name: "list the temporary folder", script: `ls -d /tmp/restage-* && echo escaped`},
	{name: "list homes", script: `ls -d /home /root /var && echo escaped`},
	{name: "write a file", script: spoil},
	{name: "write through a link", script: `ln -s "$OUT" link && echo x > link/x && echo escaped`},
	{name: "write beside the work tree", script: `touch ../restage-test-beside && rm ../restage-test-beside && echo escaped`},
	{name: "a socket on loopback", script: `python3 -c 'import os, socket; socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 5)' && echo escaped`},
	{name: "an abstract socket", script: `python3 -c 'import os, socket; socket.socket(socket.AF_UNIX).connect("\0" + os.environ["SOCKET"])' && echo escaped`},
	{name: "a socket in the file system", script: `python3 -c 'import os, socket; socket.socket(socket.AF_UNIX).connect(os.environ["OUT"] + "/socket")' && echo escaped`},
	{name: "network interfaces", script: `tail -n +3 /proc/net/dev | grep -v ' *lo:' && echo escaped`},
	{name: "anonymous files in memory", script: `python3 -c 'import os; os.memfd_create("x")' && echo escaped`},
	{name: "namespaces of its own", script: `unshare --user true && echo escaped`},
	{name: "a user namespace for a child", script: `python3 -c '
import ctypes, os
clone = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
pid = ctypes.CDLL(None).syscall(clone, 0x10000000 | 17, 0, 0, 0, 0)  # CLONE_NEWUSER | SIGCHLD
if pid == 0: os._exit(0)
if pid > 0: print("escaped")'`},
	{name: "a sandbox of its own", script: `bwrap --unshare-user --ro-bind / / true && echo escaped`},
	{name: "see other processes", script: `[ $(ls -d /proc/[0-9]* | wc -l) -gt 8 ] && echo escaped`},
	{name: "kill other processes", script: `kill -0 $PID && echo escaped`, env: map[string]string{"PID": fmt.Sprint(os.Getpid())}},

	{name: "many processes", limits: runner.Limits{Processes: 32},
		script: `for i in $(seq 60); do sleep 1000 & pids="$pids $!"; done; kill $pids; [ $i = 60 ] && echo escaped`},
	{name: "many threads", limits: runner.Limits{Processes: 32}, script: `python3 -c '
import threading
end = threading.Event()
try:
    threads = [threading.Thread(target=end.wait) for _ in range(60)]
    for t in threads: t.start()
    print("escaped")
finally:
    end.set()'`},
	{name: "memory of one process", limits: runner.Limits{Memory: 64 << 20}, script: `python3 -c 'x = b"x" * (200 << 20)' && echo escaped`},
	{name: "memory of many processes", limits: runner.Limits{Memory: 96 << 20}, stop: runner.Memory, script: `python3 -c '
import os, signal, time
for _ in range(8):
    r, w = os.pipe()
    if not os.fork():
        x = b"x" * (40 << 20)
        os.write(w, b"x")
        signal.pause()
    os.read(r, 1)
time.sleep(float(os.environ["PAUSE"]))
print("escaped", flush=True)
os.killpg(0, 9)'`},
	{name: "memory in sockets", limits: runner.Limits{Memory: 64 << 20}, stop: runner.Memory, script: `python3 -c '
import os, socket, time
pairs = [socket.socketpair() for _ in range(200)]
for s in sum(pairs, ()):
    s.setblocking(False)
    try:
        while True: s.send(bytes(65536))
    except BlockingIOError: pass
time.sleep(float(os.environ["PAUSE"]))' && echo escaped`},
	{name: "large buffers of sockets", script: `python3 -c '
from socket import *
s = socket(AF_UNIX)
before = s.getsockopt(SOL_SOCKET, SO_SNDBUF)
s.setsockopt(SOL_SOCKET, SO_SNDBUF, 2 * before)
if s.getsockopt(SOL_SOCKET, SO_SNDBUF) > before: print("escaped")'`},
	{name: "many open files", script: `python3 -c '
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
files = [open("/dev/null") for _ in range(1100)]
print("escaped")'`},
	{name: "be killed after the server", script: `echo 0 > /proc/self/oom_score_adj && echo escaped`},
	{name: "trace a process", script: onChild(unix.SYS_PTRACE, "0x4206, child, 0, 0")}, // PTRACE_SEIZE
	{name: "read the memory of a process", script: onChild(unix.SYS_PROCESS_VM_READV, "child, 0, 0, 0, 0, 0")},
	{name: "write the memory of a process", script: onChild(unix.SYS_PROCESS_VM_WRITEV, "child, 0, 0, 0, 0, 0")},
	{name: "take a file of a process", script: onChild(unix.SYS_PIDFD_GETFD, "os.pidfd_open(child), 0, 0")},
	{name: "compare processes", script: onChild(unix.SYS_KCMP, "child, child, 0, 0, 0")},
	{name: "write the memory of a process through proc", script: `sleep 1000 & (true <> /proc/$!/mem) && echo escaped; kill $!`},
	{name: "a shared memory segment", script: `ipcmk --shmem 1048576 | sed 's/.*: //' | xargs ipcrm --shmem-id && echo escaped`},
	{name: "processor time", limits: runner.Limits{CPU: time.Second}, script: `python3 -c '
import time
while time.process_time() < 1.1: pass' && echo escaped`},
	{name: "processor time of many processes", limits: runner.Limits{CPU: 200 * time.Millisecond}, stop: runner.CPUTime, script: `python3 -c '
import os, time
for _ in range(4):
    if not os.fork():
        while time.process_time() < 0.1: pass
        os._exit(0)
for _ in range(4): os.wait()' && sleep $PAUSE && echo escaped`},

	{name: "a large file", limits: runner.Limits{FileSize: 8 << 20}, script: `head -c 20M /dev/zero > large && echo escaped`},
	{name: "many files", limits: runner.Limits{Disk: 16 << 20}, stop: runner.Disk,
		script: `for i in $(seq 6); do head -c 4M /dev/zero > $i; done; sleep $PAUSE; echo escaped`},
	{name: "many empty files", limits: runner.Limits{Disk: 4 << 20}, stop: runner.Disk,
		script: `seq 2000 | xargs touch; sleep $PAUSE; echo escaped`},
	{name: "deep folders", stop: runner.Disk, script: `python3 -c '
import os
for _ in range(300):
    os.mkdir("d"); os.chdir("d")' && sleep $PAUSE && echo escaped`},
	{name: "much in tmp", limits: runner.Limits{Tmp: 4 << 20}, script: `f=$(mktemp) && head -c 8M /dev/zero > $f && rm $f && echo escaped`},
	{name: "much in shared memory", limits: runner.Limits{Tmp: 4 << 20}, script: `f=$(mktemp -p /dev/shm) && head -c 8M /dev/zero > $f && rm $f && echo escaped`},
	{name: "many files in tmp", limits: runner.Limits{Tmp: 4 << 20}, stop: runner.Tmp, script: crowd("/tmp")},
	{name: "many files in shared memory", limits: runner.Limits{Tmp: 4 << 20}, stop: runner.Tmp, script: crowd("/dev/shm")},
	{name: "write to other places", script: `for d in / /dev /etc /usr /proc /var/tmp; do touch $d/restage-test && rm $d/restage-test && echo escaped; done`},
	{name: "much output", limits: runner.Limits{Output: 1 << 20}, stop: runner.Output, script: `yes | head -c 10M | tail -c 5M; echo escaped`},

	{name: "a git hook", script: `git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; cat .git/log`,
		files: map[string]string{".git/hooks/pre-commit": "#!/bin/sh\n(" + spoil + ") > .git/log 2>&1\n"}},
	{name: "conftest.py", script: `pytest-3 -p no:cacheprovider -q -s .`,
		files: map[string]string{"conftest.py": conf, "test_a.py": "def test_a(): pass\n"}},
	{name: "a git filter", script: `git init -q . && git config filter.x.clean ./clean && git add . && cat .git/log`,
		files: map[string]string{".gitattributes": "README filter=x\n", "README": "x\n", "clean": "#!/bin/sh\n(cat $SECRET; " + spoil + ") > .git/log 2>&1\n"}},
	{name: "a submodule from a path", script: `git init -q . && git -c protocol.file.allow=always submodule --quiet add "$OUT/project" sub && cat sub/README && echo escaped`},
}

func TestEscapes(t *testing.T) {
	t.Setenv("SERVER_TOKEN", "ghs_secret")
	out := folder(t, map[string]string{"secret": "the secret\n"})
	env := map[string]string{"OUT": out, "SECRET": filepath.Join(out, "secret"), "PAUSE": "10"}
	maps.Copy(env, listen(t, out))
	project(t, filepath.Join(out, "project"))
	for _, dir := range []string{out, env["SECRET"]} {
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	r := newRunner(t, runner.Settings{Parallel: 4})
	for _, e := range escapes {
		t.Run(e.name, func(t *testing.T) {
			e.env = merged(env, e.env)
			if log := outside(t, e); !strings.Contains(log, "escaped") {
				t.Errorf("the attempt shows nothing, it fails outside of the sandbox, too:\n%s", log)
			}
			before := list(t, out)
			res, err := r.Run(t.Context(), runner.Command{
				Shell: e.script, Dir: folder(t, e.files), Env: e.env, Limits: e.limits, Timeout: time.Minute,
			})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(res.Log, "escaped") || strings.Contains(res.Log, "the secret") || res.Stopped != e.stop {
				t.Errorf("stopped by %q, want %q:\n%s", res.Stopped, e.stop, res.Log)
			}
			if after := list(t, out); !slices.Equal(after, before) {
				t.Errorf("outside there is now %q, was %q", after, before)
			}
		})
	}
}

// outside returns what the script of e prints where nothing holds it.
func outside(t *testing.T, e escape) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", e.script)
	cmd.Dir = folder(t, e.files)
	cmd.Env = os.Environ()
	for name, value := range e.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "PAUSE=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, _ := cmd.CombinedOutput()
	return string(log)
}

func merged(a, b map[string]string) map[string]string {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// list returns the names in a folder.
func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// listen starts servers that an escape may try to reach.
func listen(t *testing.T, dir string) map[string]string {
	t.Helper()
	abstract := filepath.Base(dir)
	var port string
	for _, at := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", "@" + abstract}, {"unix", dir + "/socket"}} {
		l, err := net.Listen(at[0], at[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if at[0] == "tcp" {
			_, port, _ = net.SplitHostPort(l.Addr().String())
			continue
		}
		if !strings.HasPrefix(at[1], "@") {
			if err := os.Chmod(at[1], 0o777); err != nil {
				t.Fatal(err)
			}
		}
	}
	return map[string]string{"PORT": port, "SOCKET": abstract}
}

// project makes a git repository.
func project(t *testing.T, dir string) {
	t.Helper()
	script := `git init -q "$0" && cd "$0" && echo the secret > README && git add . && git -c user.name=a -c user.email=a@b commit -q -m x`
	if log, err := exec.Command("/bin/sh", "-c", script, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, log)
	}
}

// The server may have been started with files open that are none of a command's
// business.
func TestInheritedFiles(t *testing.T) {
	r := newRunner(t, runner.Settings{})
	secret := filepath.Join(folder(t, map[string]string{"secret": ""}), "secret")
	f, err := os.Open(secret)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const inherited = 200 // above those that bubblewrap is given
	if err := syscall.Dup3(int(f.Fd()), inherited, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(inherited) })
	const script = "readlink /proc/self/fd/*"
	log, _ := exec.Command("/bin/sh", "-c", script).CombinedOutput()
	if !strings.Contains(string(log), secret) {
		t.Errorf("the attempt shows nothing, no child has the file: %s", log)
	}
	res, err := r.Run(t.Context(), runner.Command{Shell: script, Dir: folder(t, nil), Timeout: time.Minute})
	if err != nil || strings.Contains(res.Log, "secret") || !strings.Contains(res.Log, "/dev/null") {
		t.Errorf("got %+v, %v", res, err)
	}
}

// What a command leaves in its work tree must not lead restage out of it.
func TestReadBack(t *testing.T) {
	out := folder(t, map[string]string{"secret": "the secret\n"})
	secret := filepath.Join(out, "secret")
	dir := folder(t, nil)
	names := []string{"link", "folder/secret", "up/secret", "inside", "loop"}
	res := run(t, runner.Settings{}, runner.Command{
		Dir:   dir,
		Shell: `ln -s $OUT/secret link; ln -s $OUT folder; ln -s ../${OUT##*/} up; echo x > real; ln -s real inside; ln -s loop loop`,
		Env:   map[string]string{"OUT": out},
		Files: names,
	})
	for _, name := range names[:3] {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != "the secret\n" {
			t.Errorf("%s shows nothing, it does not lead to %s: %v", name, secret, err)
		}
	}
	for _, name := range names {
		if err := res.FileErrors[name]; err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%s: %v, %q", name, err, res.Files[name])
		}
	}
}

// Nothing of a command is left when it has ended.
func TestNothingIsLeft(t *testing.T) {
	tests := map[string]string{
		"daemon":      `setsid flock lock sh -c 'touch ready; sleep 1000' >/dev/null 2>&1 &`,
		"double fork": `(flock lock sh -c 'touch ready; sleep 1000' &) &`,
		"deaf":        `(trap '' TERM HUP INT; flock lock sh -c 'touch ready; while :; do sleep 1; done') &`,
	}
	for name, script := range tests {
		t.Run(name, func(t *testing.T) {
			script += "\nwhile [ ! -e ready ]; do sleep 0.01; done"
			dir := folder(t, map[string]string{"lock": ""})
			cmd := exec.Command("/bin/sh", "-c", script)
			cmd.Dir = dir
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			lock := filepath.Join(dir, "lock")
			if !locked(t, lock) {
				t.Error("the attempt shows nothing, it leaves nothing outside of the sandbox either")
			}
			for pids := holders(t, lock); len(pids) > 0; pids = holders(t, lock) {
				for _, pid := range pids {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}

			dir = folder(t, map[string]string{"lock": ""})
			if res := run(t, runner.Settings{}, runner.Command{Shell: script, Dir: dir}); !res.OK() {
				t.Errorf("got %+v", res)
			}
			if locked(t, filepath.Join(dir, "lock")) {
				t.Error("something still runs")
			}
		})
	}
}

// locked reports whether a process has locked a file.
func locked(t *testing.T, name string) bool {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Fatal(err)
	}
	return err != nil
}

// holders returns the processes that have a file open.
func holders(t *testing.T, name string) []int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, link := range links {
		var pid int
		if target, err := os.Readlink(link); err == nil && target == name {
			fmt.Sscanf(link, "/proc/%d/", &pid)
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestTimeout(t *testing.T) {
	tests := []struct {
		name, script string
		grace        time.Duration
		status       int
	}{
		{"deaf", "trap '' TERM; echo started; while :; do sleep 0.1; done", time.Millisecond, 137},
		{"polite", "trap 'echo written > report; exit 5' TERM; echo started; while :; do sleep 0.1; done", time.Minute, 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := runner.Settings{Limits: runner.DefaultLimits}
			s.Grace = test.grace
			res := run(t, s, runner.Command{Shell: test.script, Timeout: 2 * time.Second, Files: []string{"report"}})
			if res.Stopped != runner.Timeout || res.Status != test.status || !strings.HasPrefix(res.Log, "started\n") {
				t.Errorf("got %+v", res)
			}
			if (test.status == 5) != (string(res.Files["report"]) == "written\n") {
				t.Errorf("the report is %q, %v", res.Files["report"], res.FileErrors["report"])
			}
		})
	}
}

func TestForkBomb(t *testing.T) {
	dir := folder(t, map[string]string{"lock": ""})
	res := run(t, runner.Settings{}, runner.Command{
		Shell:   `exec 9> lock; flock 9; b() { b | b & }; sleep 1000 & b & wait`,
		Dir:     dir,
		Timeout: time.Second,
		Limits:  runner.Limits{Processes: 64, Grace: time.Millisecond},
	})
	if res.Stopped != runner.Timeout {
		t.Errorf("got %+v", res)
	}
	if locked(t, filepath.Join(dir, "lock")) {
		t.Error("something still runs")
	}
}

// When restage itself is killed, so are the commands that it runs.
func TestDeath(t *testing.T) {
	const variable = "RESTAGE_TEST_DIR"
	if dir := os.Getenv(variable); dir != "" {
		r := newRunner(t, runner.Settings{})
		_, err := r.Run(t.Context(), runner.Command{
			Shell: "exec flock lock sh -c 'echo started; sleep 1000'", Dir: dir, Timeout: time.Hour, Log: os.Stdout,
		})
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{"lock": ""})
	server := exec.Command(os.Args[0], "-test.run=^TestDeath$")
	server.Env = append(os.Environ(), variable+"="+dir)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "started\n" {
		t.Errorf("the command did not start: %q, %v", line, err)
	}
	lock := filepath.Join(dir, "lock")
	if !locked(t, lock) {
		t.Error("the command does not run")
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	server.Wait()
	f, err := os.Open(lock)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// This waits for as long as the command runs.
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Error(err)
	}
}

// The network is there only if the repository asks and the operator agrees.
func TestNetwork(t *testing.T) {
	env := listen(t, folder(t, nil))
	const script = `python3 -c 'import os, socket; socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 5)'`
	for _, allowed := range []bool{false, true} {
		for _, asked := range []bool{false, true} {
			res := run(t, runner.Settings{Network: allowed}, runner.Command{Shell: script, Env: env, Network: asked})
			if res.OK() != (allowed && asked) {
				t.Errorf("allowed %v, asked for %v: %+v", allowed, asked, res)
			}
		}
	}
}

// A command may leave folders that nobody may enter.
func TestRemoveAll(t *testing.T) {
	dir := folder(t, nil)
	run(t, runner.Settings{}, runner.Command{Shell: "mkdir -p a/b/c; touch a/b/c/d; chmod 0 a/b/c a/b a", Dir: dir})
	if err := runner.RemoveAll(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the work tree is still there: %v", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

// Where the server is root, its commands are not, and the work tree is given
// away: a hard link would give away more.
func TestHardLinks(t *testing.T) {
	out, dir := folder(t, map[string]string{"file": ""}), folder(t, nil)
	if err := os.Link(filepath.Join(out, "file"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	_, err := newRunner(t, runner.Settings{}).Run(t.Context(), runner.Command{Shell: "true", Dir: dir, Timeout: time.Minute})
	if root := os.Geteuid() == 0; root != (err != nil) {
		t.Errorf("root is %v, got %v", root, err)
	}
	info, err := os.Stat(filepath.Join(out, "file"))
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); int(stat.Uid) != os.Geteuid() {
		t.Errorf("the other file belongs to %d", stat.Uid)
	}
}
