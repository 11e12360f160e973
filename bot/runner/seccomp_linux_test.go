package runner

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

func TestFilter(t *testing.T) {
	program, err := filter()
	if err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	arch := program[1].(bpf.JumpIf).Val
	errno := func(e unix.Errno) int { return deny | int(e) }
	tests := []struct {
		name         string
		arch, number uint32
		args         [3]uint32
		want         int
	}{
		{"read", arch, unix.SYS_READ, [3]uint32{}, allow},
		{"read of another architecture", arch ^ 1, unix.SYS_READ, [3]uint32{}, errno(unix.ENOSYS)},
		{"read of x32", arch, 0x40000000 | unix.SYS_READ, [3]uint32{}, errno(unix.ENOSYS)},
		{"the keys of the server", arch, unix.SYS_KEYCTL, [3]uint32{}, errno(unix.ENOSYS)},
		{"the last that is refused", arch, refused[len(refused)-1], [3]uint32{}, errno(unix.ENOSYS)},
		{"the size of a terminal", arch, unix.SYS_IOCTL, [3]uint32{1, unix.TIOCGWINSZ}, allow},
		{"typing into a terminal", arch, unix.SYS_IOCTL, [3]uint32{1, unix.TIOCSTI}, errno(unix.EPERM)},
		{"pasting into a console", arch, unix.SYS_IOCTL, [3]uint32{1, unix.TIOCLINUX}, errno(unix.EPERM)},
		{"a socket in the file system", arch, unix.SYS_SOCKET, [3]uint32{unix.AF_UNIX}, allow},
		{"a socket of the internet", arch, unix.SYS_SOCKET, [3]uint32{unix.AF_INET}, allow},
		{"a socket of the new internet", arch, unix.SYS_SOCKET, [3]uint32{unix.AF_INET6}, allow},
		{"a socket of the kernel", arch, unix.SYS_SOCKET, [3]uint32{unix.AF_NETLINK}, allow},
		{"a socket of the hypervisor", arch, unix.SYS_SOCKET, [3]uint32{unix.AF_VSOCK}, errno(unix.EAFNOSUPPORT)},
		{"the memory of another process", arch, unix.SYS_PROCESS_VM_WRITEV, [3]uint32{}, errno(unix.ENOSYS)},
		{"the newest that is known", arch, newest, [3]uint32{}, allow},
		{"a copy of a mount, with attributes", arch, unix.SYS_OPEN_TREE_ATTR, [3]uint32{}, errno(unix.ENOSYS)},
		{"one that is not thought of", arch, 9999, [3]uint32{}, errno(unix.ENOSYS)},
		{"a larger buffer to send", arch, unix.SYS_SETSOCKOPT, [3]uint32{3, unix.SOL_SOCKET, unix.SO_SNDBUF}, errno(0)},
		{"a larger buffer to receive", arch, unix.SYS_SETSOCKOPT, [3]uint32{3, unix.SOL_SOCKET, unix.SO_RCVBUF}, errno(0)},
		{"an address in use", arch, unix.SYS_SETSOCKOPT, [3]uint32{3, unix.SOL_SOCKET, unix.SO_REUSEADDR}, allow},
		{"no delay", arch, unix.SYS_SETSOCKOPT, [3]uint32{3, unix.IPPROTO_TCP, unix.SO_SNDBUF}, allow},
		{"connecting", arch, unix.SYS_CONNECT, [3]uint32{unix.AF_VSOCK}, allow},
	}
	for _, test := range tests {
		// The virtual machine reads in the order of the network.
		var call [64]byte
		binary.BigEndian.PutUint32(call[callNumber:], test.number)
		binary.BigEndian.PutUint32(call[callArch:], test.arch)
		for i, arg := range test.args {
			binary.BigEndian.PutUint32(call[callArg+8*i:], arg)
		}
		if got, err := vm.Run(call[:]); err != nil || got != test.want {
			t.Errorf("%s: got %#x, %v, want %#x", test.name, got, err, test.want)
		}
	}
}
