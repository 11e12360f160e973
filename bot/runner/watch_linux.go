package runner

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How often a sandbox is looked at.
const (
	lookEvery    = 50 * time.Millisecond  // at its processes
	measureEvery = 250 * time.Millisecond // at its work tree, at most
)

// watch waits for the command to end and stops it when it runs into a limit,
// which it returns. When ctx ends, it kills the command and returns the cause.
func (s *sandbox) watch(ctx context.Context, tree *os.Root, timeout time.Duration, l Limits, parallel int) (Stop, error) {
	ended, end := context.WithCancel(ctx)
	full := make(chan struct{})
	var disk sync.WaitGroup
	disk.Go(func() {
		if watchDisk(ended, tree, l.Disk, parallel) != nil {
			close(full)
		}
	})
	defer disk.Wait()
	defer end()

	timer := time.NewTimer(timeout)
	defer timer.Stop()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		var stopped Stop
		select {
		case <-s.exited:
			return "", nil
		case <-ctx.Done():
			s.kill()
			return "", context.Cause(ctx)
		case <-timer.C:
			s.terminate()
			select {
			case <-s.exited:
			case <-ctx.Done():
			case <-time.After(l.Grace):
			}
			stopped = Timeout
		case <-s.overflow:
			stopped = Output
		case <-full:
			stopped = Disk
		case <-ticker.C:
			stopped = s.exceeded(l)
		}
		if stopped != "" {
			s.kill()
			return stopped, nil
		}
	}
}

// exceeded returns the limit that the processes of the sandbox are over together.
func (s *sandbox) exceeded(l Limits) Stop {
	var cpu time.Duration
	var memory int64
	all := below(s.init)
	for _, p := range all {
		cpu += p.cpu
		memory += p.memory
	}
	if cpu > l.CPU {
		return CPUTime
	}
	if started := len(all) > 1; started && crowded(s.init, l.Tmp) {
		return Tmp
	}
	if !s.online && sockets(s.init)*perSocket > int64(l.Memory) {
		return Memory
	}
	if memory <= int64(l.Memory) {
		return ""
	}
	// Processes that were forked share memory, which has been counted for each.
	memory = 0
	for pid, p := range all {
		memory += share(pid, p.memory)
	}
	if memory > int64(l.Memory) {
		return Memory
	}
	return ""
}

// share returns the memory of a process where what it shares is counted in
// parts, and resident where the process does not let itself be asked.
func share(pid int, resident int64) int64 {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return resident
	}
	_, after, _ := bytes.Cut(data, []byte("\nPss:"))
	fields := strings.Fields(string(after))
	if len(fields) == 0 {
		return resident
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return resident
	}
	return kib << 10
}

// A process is what a line of /proc/PID/stat says.
type process struct {
	parent int
	cpu    time.Duration // with its children that are gone
	memory int64         // resident, in bytes
}

// tick is the unit of processor time in /proc, for every Linux program.
const tick = time.Second / 100

// below returns init and the processes below it.
func below(init int) map[int]process {
	all := list()
	in := map[int]process{init: all[init]}
	// A child may have a lower number than its parent, so look until nothing is new.
	for found := true; found; {
		found = false
		for pid, p := range all {
			if _, known := in[p.parent]; known {
				in[pid] = p
				delete(all, pid)
				found = true
			}
		}
	}
	return in
}

// list returns all processes that can be seen.
func list() map[int]process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	all := map[int]process{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		data, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has just ended
		}
		if p, ok := parseStat(data); ok {
			all[pid] = p
		}
	}
	return all
}

// parseStat reads a line of /proc/PID/stat.
func parseStat(data []byte) (process, bool) {
	// The name of the program may hold anything, but is followed by no other ")".
	end := bytes.LastIndexByte(data, ')')
	if end < 0 {
		return process{}, false
	}
	// The fields have the numbers of proc(5), less 3.
	fields := strings.Fields(string(data[end+1:]))
	if len(fields) < 22 {
		return process{}, false
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		return n
	}
	return process{
		parent: int(number(1)),
		cpu:    time.Duration(number(11)+number(12)+number(13)+number(14)) * tick,
		memory: number(21) * int64(os.Getpagesize()),
	}, true
}

// maxDepth bounds how deep folders may be nested in a work tree.
const maxDepth = 200

var (
	errTooDeep = errors.New("folders are nested too deep")
	errFull    = errors.New("the work tree is too large")
)

// watchDisk returns an error once the work tree takes more than limit, and nil
// when ctx ends. Besides, the file system must not lose more than all sandboxes
// together may take: a file that is open and deleted, or in a folder that its
// owner has closed, is found nowhere else.
func watchDisk(ctx context.Context, tree *os.Root, limit Size, parallel int) error {
	free := freeSpace(tree.Name())
	wait := measureEvery
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		start := time.Now()
		left := int64(limit)
		if err := measure(ctx, tree, &left, maxDepth); err != nil {
			return err
		}
		if free-freeSpace(tree.Name()) > int64(limit)*int64(parallel) {
			return errFull
		}
		// A tree of many files takes long to measure: it may take a tenth of the time.
		wait = max(measureEvery, 10*time.Since(start))
	}
}

// freeSpace returns what is free of the file system of dir.
func freeSpace(dir string) int64 {
	var stat unix.Statfs_t
	if unix.Statfs(dir, &stat) != nil {
		return 0
	}
	return int64(stat.Bavail) * stat.Bsize
}

// measure takes what is below root from left. An entry counts as a block at
// least.
func measure(ctx context.Context, root *os.Root, left *int64, depth int) error {
	if depth == 0 {
		return errTooDeep
	}
	for e, err := range entries(root) {
		if err != nil || ctx.Err() != nil {
			return nil // what was there has just been deleted or closed
		}
		info, err := root.Lstat(e.Name())
		if err != nil {
			continue
		}
		size := int64(4096)
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			size = max(size, stat.Blocks*512)
		}
		if *left -= size; *left < 0 {
			return errFull
		}
		if !e.IsDir() {
			continue
		}
		err = within(root, e.Name(), func(sub *os.Root) error { return measure(ctx, sub, left, depth-1) })
		if errors.Is(err, errFull) || errors.Is(err, errTooDeep) {
			return err
		}
	}
	return nil
}
