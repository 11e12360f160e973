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
		args         [2]uint32
		want         int
	}{
		{"read", arch, unix.SYS_READ, [2]uint32{}, allow},
		{"read of another architecture", arch ^ 1, unix.SYS_READ, [2]uint32{}, errno(unix.ENOSYS)},
		{"read of x32", arch, 0x40000000 | unix.SYS_READ, [2]uint32{}, errno(unix.ENOSYS)},
		{"the keys of the server", arch, unix.SYS_KEYCTL, [2]uint32{}, errno(unix.ENOSYS)},
		{"the last that is refused", arch, refused[len(refused)-1], [2]uint32{}, errno(unix.ENOSYS)},
		{"the size of a terminal", arch, unix.SYS_IOCTL, [2]uint32{1, unix.TIOCGWINSZ}, allow},
		{"typing into a terminal", arch, unix.SYS_IOCTL, [2]uint32{1, unix.TIOCSTI}, errno(unix.EPERM)},
		{"pasting into a console", arch, unix.SYS_IOCTL, [2]uint32{1, unix.TIOCLINUX}, errno(unix.EPERM)},
		{"a socket in the file system", arch, unix.SYS_SOCKET, [2]uint32{unix.AF_UNIX}, allow},
		{"a socket of the internet", arch, unix.SYS_SOCKET, [2]uint32{unix.AF_INET}, allow},
		{"a socket of the new internet", arch, unix.SYS_SOCKET, [2]uint32{unix.AF_INET6}, allow},
		{"a socket of the kernel", arch, unix.SYS_SOCKET, [2]uint32{unix.AF_NETLINK}, allow},
		{"a socket of the hypervisor", arch, unix.SYS_SOCKET, [2]uint32{unix.AF_VSOCK}, errno(unix.EAFNOSUPPORT)},
		{"connecting", arch, unix.SYS_CONNECT, [2]uint32{unix.AF_VSOCK}, allow},
	}
	for _, test := range tests {
		// The virtual machine reads in the order of the network.
		var call [64]byte
		binary.BigEndian.PutUint32(call[callNumber:], test.number)
		binary.BigEndian.PutUint32(call[callArch:], test.arch)
		binary.BigEndian.PutUint32(call[callArg:], test.args[0])
		binary.BigEndian.PutUint32(call[callArg+8:], test.args[1])
		if got, err := vm.Run(call[:]); err != nil || got != test.want {
			t.Errorf("%s: got %#x, %v, want %#x", test.name, got, err, test.want)
		}
	}
}
