package runner

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// refused are system calls that no test needs and that reach what namespaces do
// not separate: the keys of the server, the log of the kernel, memory that
// belongs to no process and so escapes the limits, bubblewrap's own process in
// the sandbox, and parts of the kernel that have been a way out of sandboxes. Programs take "no such system call"
// well; they are made for older kernels, too.
var refused = []uint32{
	unix.SYS_ADD_KEY, unix.SYS_KEYCTL, unix.SYS_REQUEST_KEY,
	unix.SYS_SYSLOG,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_SHMGET,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT,
	unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_QUOTACTL, unix.SYS_ACCT, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
}

// newest is the last system call that has been looked at. There are none beyond it
// in the sandbox, so that the list does not age.
const newest = unix.SYS_REMOVEXATTRAT

// families are the kinds of sockets that there are in the sandbox. Others reach
// around the network namespace (vsock goes to the hypervisor) or are rarely
// used parts of the kernel.
var families = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

// Where the parts of a system call are for the filter.
const (
	callNumber = 0
	callArch   = 4
	callArg    = 16 // of the first argument; each takes 8 bytes, the low half first
)

// What the filter answers.
const (
	allow = 0x7fff0000
	deny  = 0x00050000 // and an error number
)

// newFilter returns the filter for system calls, as bubblewrap takes it.
func newFilter() ([]byte, error) {
	program, err := filter()
	if err != nil {
		return nil, err
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, i := range raw {
		if err := binary.Write(&b, binary.NativeEndian, i); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// filter returns the filter as a program.
func filter() ([]bpf.Instruction, error) {
	arch, ok := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	if !ok {
		return nil, fmt.Errorf("the processor is %s, not amd64 or arm64", runtime.GOARCH)
	}
	load := func(off uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: off, Size: 4} }
	answer := func(errno unix.Errno) bpf.Instruction { return bpf.RetConstant{Val: deny | uint32(errno)} }
	program := []bpf.Instruction{
		// Other architectures number their system calls differently.
		load(callArch),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		answer(unix.ENOSYS),
		load(callNumber),
		// So does x32 on amd64, from a high number on.
		bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: newest, SkipTrue: 1},
		answer(unix.ENOSYS),
	}
	for _, nr := range refused {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: nr, SkipTrue: 1}, answer(unix.ENOSYS))
	}

	// Nobody types into the terminal that the server may have been started from.
	program = append(program,
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_IOCTL, SkipTrue: 4},
		load(callArg+8),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.TIOCSTI, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.TIOCLINUX, SkipTrue: 1},
		answer(unix.EPERM),
		load(callNumber),

		// Sockets keep the size that they begin with: asking for another does
		// nothing, as where the kernel allows no more.
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_SETSOCKOPT, SkipTrue: 7},
		load(callArg+8),
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SOL_SOCKET, SkipTrue: 4},
		load(callArg+16),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SO_SNDBUF, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SO_RCVBUF, SkipTrue: 1},
		answer(0),
		load(callNumber),

		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_SOCKET, SkipTrue: uint8(len(families) + 2)},
		load(callArg),
	)
	for i, family := range families {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: family, SkipTrue: uint8(len(families) - i)})
	}
	return append(program, answer(unix.EAFNOSUPPORT), bpf.RetConstant{Val: allow}), nil
}
