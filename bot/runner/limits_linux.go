package runner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is the user and group that sandboxes run as where the server is root:
// limits do not bind root, and who breaks out of a sandbox should not be it.
// Distributions give the number to nobody.
const nobody = 65533

// user returns the user that bubblewrap runs as; nil is the server's own.
func user() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: nobody, Gid: nobody}
}

// handOver gives the work tree to the user that sandboxes run as.
func handOver(tree *os.Root) error {
	if user() == nil {
		return nil
	}
	for parent := filepath.Dir(tree.Name()); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return err
		}
		if info.Mode()&0o001 == 0 {
			return fmt.Errorf("%s may not be entered by others, and restage runs as root, its commands do not: chmod o+x %[1]s", parent)
		}
		if parent == filepath.Dir(parent) {
			break
		}
	}
	if err := tree.Lchown(".", nobody, nobody); err != nil {
		return err
	}
	return giveAway(tree, maxDepth)
}

// giveAway changes the owner of all that is below root.
func giveAway(root *os.Root, depth int) error {
	if depth == 0 {
		return errTooDeep
	}
	for e, err := range entries(root) {
		if err != nil {
			return err
		}
		info, err := root.Lstat(e.Name())
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return &fs.PathError{Op: "stat", Path: e.Name(), Err: fs.ErrInvalid}
		}
		if stat.Uid != nobody {
			if !e.IsDir() && stat.Nlink > 1 {
				return fmt.Errorf("%s is a hard link to another file, which would change its owner, too; copy it", e.Name())
			}
			if err := root.Lchown(e.Name(), nobody, nobody); err != nil {
				return err
			}
		}
		if e.IsDir() {
			if err := within(root, e.Name(), func(sub *os.Root) error { return giveAway(sub, depth-1) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// prlimit returns the program and arguments that start a command with limits.
// They hold for each process by itself; watch sees to them all together. It is run
// in the sandbox, because since Linux 5.14 processes are counted in the user
// namespace, and because root may lack the right to limit others.
func prlimit(l Limits) ([]string, error) {
	args := []string{"/usr/bin/prlimit"}
	for _, limit := range []struct {
		name     string
		resource int
		value    uint64
	}{
		{"core", unix.RLIMIT_CORE, 0},
		{"cpu", unix.RLIMIT_CPU, uint64((l.CPU + time.Second - 1) / time.Second)},
		// What is reserved and never used is no harm, so twice what may be used.
		{"data", unix.RLIMIT_DATA, 2 * uint64(l.Memory)},
		{"fsize", unix.RLIMIT_FSIZE, uint64(l.FileSize)},
		{"memlock", unix.RLIMIT_MEMLOCK, 64 << 10},
		{"msgqueue", unix.RLIMIT_MSGQUEUE, 64 << 10},
		// What most systems allow: many programs know no more than that.
		{"nofile", unix.RLIMIT_NOFILE, 1024},
		{"nproc", unix.RLIMIT_NPROC, uint64(l.Processes)},
	} {
		var own unix.Rlimit
		if err := unix.Getrlimit(limit.resource, &own); err != nil {
			return nil, os.NewSyscallError("getrlimit", err)
		}
		args = append(args, fmt.Sprintf("--%s=%d", limit.name, min(limit.value, own.Max)))
	}
	return args, nil
}

// yield makes a process and those that it will start give way to the server,
// where processors or memory are short.
func yield(pid int) error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, pid, 10); err != nil {
		return os.NewSyscallError("setpriority", err)
	}
	return os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("1000"), 0)
}
