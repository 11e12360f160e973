package runner

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A sandbox is one bubblewrap process, and the first process of the namespaces
// that it made: when that one is killed, the kernel kills all others in there.
type sandbox struct {
	bwrap  *exec.Cmd
	init   int  // process id of the first process
	handle int  // file descriptor of it: unlike the id, it is never another process's
	online bool // its network is the machine's

	log      *log
	overflow chan struct{} // closed when there was too much output
	output   chan struct{} // closed when there is no more output
	exited   chan struct{} // closed when bubblewrap has ended
	exitCode chan int      // what bubblewrap says of the command, if it says so
}

// start starts the command of c in a sandbox that writes to log, and in a group.
func (b *bubblewrap) start(ctx context.Context, c *Command, l Limits, g *cgroup, log *log) (*sandbox, error) {
	p, err := newPipes()
	if err != nil {
		return nil, err
	}
	defer p.close()
	args := strings.Join(b.args(c, l), "\x00") + "\x00"
	extra, err := p.extra(append([]string{args, string(b.filter)}, contents()...))
	if err != nil {
		return nil, err
	}
	limits, err := prlimit(l)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.path, slices.Concat([]string{"--args", strconv.Itoa(argsFD), "--"}, limits, c.argv())...)
	cmd.Env = []string{} // it can be read in the sandbox
	cmd.Stdout, cmd.Stderr = p.outputWrite, p.outputWrite
	cmd.ExtraFiles = extra
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: user()}
	if g != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(g.handle.Fd())
	}

	s := &sandbox{
		bwrap: cmd, handle: -1, online: b.online(c), log: log,
		overflow: make(chan struct{}), output: make(chan struct{}), exited: make(chan struct{}), exitCode: make(chan int, 1),
	}
	if err := closeOnExec(); err != nil {
		return nil, err
	}
	if err := s.spawn(); err != nil {
		return nil, err
	}
	outputRead := p.keep(&p.outputRead)
	go s.read(outputRead, int64(l.Output))
	statusRead := p.keep(&p.statusRead)
	p.outputWrite.Close()
	p.statusWrite.Close()

	status := json.NewDecoder(statusRead)
	var begun struct {
		Child int `json:"child-pid"`
	}
	if err := status.Decode(&begun); err != nil {
		statusRead.Close()
		<-s.exited
		<-s.output
		return nil, s.failure(err)
	}
	s.init = begun.Child
	go s.readStatus(status, statusRead)
	s.handle, err = unix.PidfdOpen(s.init, 0)
	if err == nil {
		err = yield(s.init)
	}
	if err == nil {
		_, err = p.blockWrite.Write([]byte{1})
	}
	if err != nil {
		s.kill()
		s.wait()
		return nil, s.failure(err)
	}
	return s, nil
}

// failure returns why bubblewrap failed to start the command: what it wrote, or
// err where it said nothing.
func (s *sandbox) failure(err error) error {
	if said := strings.TrimSpace(s.log.close()); said != "" {
		return errors.New(said)
	}
	return err
}

// spawn starts bubblewrap. For --die-with-parent its parent is not the server but
// one thread of it, so that one is kept until bubblewrap ends.
func (s *sandbox) spawn() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.bwrap.Start()
		started <- err
		if err == nil {
			s.bwrap.Wait() // what became of the command, bubblewrap says on its status
			close(s.exited)
		}
	}()
	return <-started
}

// read reads the output until nobody writes any more.
func (s *sandbox) read(from *os.File, limit int64) {
	defer close(s.output)
	defer from.Close()
	if n, _ := io.Copy(s.log, io.LimitReader(from, limit+1)); n <= limit {
		return
	}
	s.log.cut = true
	close(s.overflow)
	io.Copy(io.Discard, from)
}

// overflowed reports whether there was too much output.
func (s *sandbox) overflowed() bool {
	select {
	case <-s.overflow:
		return true
	default:
		return false
	}
}

// readStatus reads how the command ended.
func (s *sandbox) readStatus(status *json.Decoder, from *os.File) {
	defer close(s.exitCode)
	defer from.Close()
	var ended struct {
		ExitCode *int `json:"exit-code"`
	}
	for status.Decode(&ended) == nil {
		if ended.ExitCode != nil {
			s.exitCode <- *ended.ExitCode
			return
		}
	}
}

// terminate asks the command to end.
func (s *sandbox) terminate() {
	// The first process leads the group, and does not take the signal itself.
	unix.Kill(-s.init, unix.SIGTERM)
}

// kill kills all that runs in the sandbox.
func (s *sandbox) kill() {
	if s.handle < 0 {
		s.bwrap.Process.Kill()
		return
	}
	unix.PidfdSendSignal(s.handle, unix.SIGKILL, nil, 0)
}

// wait waits until nothing of the sandbox is left. It returns the exit status of
// the command, and false if it never ran.
func (s *sandbox) wait() (status int, ran bool) {
	<-s.exited
	if s.handle >= 0 {
		defer unix.Close(s.handle)
		// Bubblewrap may end before what its death kills.
		s.kill()
		poll := []unix.PollFd{{Fd: int32(s.handle), Events: unix.POLLIN}}
		for {
			if _, err := unix.Poll(poll, -1); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		// An orphan is ours to bury where the server is the first process of a
		// container.
		unix.Waitid(unix.P_PIDFD, s.handle, nil, unix.WEXITED|unix.WNOHANG, nil)
	}
	<-s.output
	status, ran = <-s.exitCode
	return status, ran
}
