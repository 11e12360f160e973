package runner

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// What a sandbox keeps in the kernel belongs to no process. Without a control
// group nothing counts it, so what holds most is estimated by its number.
const (
	perFile   = 4 << 10   // an empty file in memory takes 1 KiB; the work tree counts one as a block, too
	perSocket = 256 << 10 // the buffer of a socket, which the filter for system calls keeps from growing
)

// crowded reports whether there are more files in the folders in memory than fit
// into limit. The namespaces are complete: the command has been started.
func crowded(init int, limit Size) bool {
	for _, dir := range []string{"/tmp", "/dev/shm"} {
		var stat unix.Statfs_t
		if unix.Statfs(fmt.Sprintf("/proc/%d/root%s", init, dir), &stat) != nil {
			continue // it has just ended
		}
		if stat.Files-stat.Ffree > uint64(limit)/perFile {
			return true
		}
	}
	return false
}

// sockets returns how many sockets there are in the network namespace of a
// process: open, or on their way from one process to another.
func sockets(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/sockstat", pid))
	if err != nil {
		return 0
	}
	var n int64
	line, _, _ := bytes.Cut(data, []byte("\n"))
	fmt.Sscanf(strings.TrimSpace(string(line)), "sockets: used %d", &n)
	return n
}
