package runner

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// What is made up of /etc: programs ask it for the name and the home of who runs
// them, and the host's says more than they need.
const (
	passwd = "root:x:0:0:root:/:/bin/false\nrunner:x:1000:1000:runner:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
	groups = "root:x:0:\nrunner:x:1000:\nnogroup:x:65534:\n"
	hosts  = "127.0.0.1 localhost sandbox\n::1 localhost\n"
	nss    = "passwd: files\ngroup: files\nhosts: files dns\n"
)

// system is what of the host may be read: the programs, their libraries, and
// what the loader and the interpreters look up. It is enough for the interpreters
// and tools of a distribution, and holds no secrets.
var system = []string{
	"/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/mime.types", "/etc/protocols", "/etc/services",
}

// online is what else takes part in reaching a host by its name, with TLS.
var online = []string{"/etc/ca-certificates", "/etc/gai.conf", "/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/resolv.conf", "/etc/ssl/certs", "/etc/ssl/openssl.cnf"}

// files are what bubblewrap reads from file descriptors: the pairs of a path in
// the sandbox and its content.
var files = [][2]string{{"/etc/passwd", passwd}, {"/etc/group", groups}, {"/etc/hosts", hosts}, {"/etc/nsswitch.conf", nss}}

// firstFile is the file descriptor of files[0] in bubblewrap.
const firstFile = filterFD + 1

// File descriptors in bubblewrap.
const (
	argsFD   = 3 + iota // its arguments: its command line can be read in the sandbox
	statusFD            // where it says what became of the command
	blockFD             // where it waits until restage has hold of it
	filterFD            // the filter for system calls
)

// online reports whether a command has the network of the machine.
func (b *bubblewrap) online(c *Command) bool { return c.Network && b.settings.Network }

// args returns the arguments of bubblewrap for a command, but for the command
// itself.
func (b *bubblewrap) args(c *Command, l Limits) []string {
	tmp := strconv.FormatInt(int64(l.Tmp), 10)
	args := []string{
		"--unshare-all", "--unshare-user", "--disable-userns",
		"--die-with-parent", "--new-session", "--cap-drop", "ALL",
		"--uid", "1000", "--gid", "1000", "--hostname", "sandbox",
		"--json-status-fd", strconv.Itoa(statusFD),
		"--block-fd", strconv.Itoa(blockFD),
		"--seccomp", strconv.Itoa(filterFD),
		// Nobody raises the score by which the kernel kills, or writes to the memory
		// of bubblewrap.
		"--proc", "/proc", "--remount-ro", "/proc",
		"--dev", "/dev",
		"--size", tmp, "--perms", "1777", "--tmpfs", "/dev/shm",
		"--remount-ro", "/dev",
		"--size", tmp, "--perms", "1777", "--tmpfs", "/tmp",
	}
	read := slices.Concat(system, b.settings.Read)
	if b.online(c) {
		args = append(args, "--share-net")
		read = append(read, online...)
	}
	args = append(args, "--perms", "0755", "--dir", "/etc", "--ro-bind", "/usr", "/usr")
	args = append(args, linked("/")...)
	for _, path := range read {
		args = append(args, "--ro-bind-try", path, path)
	}
	for i, file := range files {
		args = append(args, "--perms", "0644", "--ro-bind-data", strconv.Itoa(firstFile+i), file[0])
	}
	args = append(args,
		"--bind", c.Dir, Root, "--chdir", Root,
		"--remount-ro", "/",
		"--clearenv",
	)
	env := c.environ()
	if env["PATH"] == "" {
		env["PATH"] = b.settings.Path
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		args = append(args, "--setenv", name, env[name])
	}
	return args
}

// linked returns the arguments that make bin, lib and the like below root what
// they are on the host: links into /usr, or folders of their own on systems that
// have not merged them.
func linked(root string) []string {
	var args []string
	for _, name := range []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin"} {
		path := filepath.Join(root, name)
		info, err := os.Lstat(path)
		switch {
		case err != nil:
		case info.Mode()&fs.ModeSymlink != 0:
			if target, err := os.Readlink(path); err == nil && strings.HasPrefix(strings.TrimPrefix(target, "/"), "usr/") {
				args = append(args, "--symlink", target, path)
			}
		default:
			args = append(args, "--ro-bind", path, path)
		}
	}
	return args
}
