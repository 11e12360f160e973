package runner

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// pipes are the files between restage and one bubblewrap.
type pipes struct {
	outputRead, outputWrite *os.File // what the command writes
	statusRead, statusWrite *os.File
	blockRead, blockWrite   *os.File
	data                    []*os.File // what bubblewrap reads
}

// newPipes opens them.
func newPipes() (*pipes, error) {
	p := &pipes{}
	for _, ends := range [][2]**os.File{
		{&p.outputRead, &p.outputWrite}, {&p.statusRead, &p.statusWrite}, {&p.blockRead, &p.blockWrite},
	} {
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, err
		}
		*ends[0], *ends[1] = r, w
	}
	return p, nil
}

// extra returns the files that bubblewrap finds from file descriptor 3 on: see
// argsFD. The data is what it reads: its arguments, the filter and files.
func (p *pipes) extra(data []string) ([]*os.File, error) {
	for _, d := range data {
		fd, err := unix.MemfdCreate("restage", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, os.NewSyscallError("memfd_create", err)
		}
		f := os.NewFile(uintptr(fd), "restage")
		p.data = append(p.data, f)
		if _, err := f.WriteString(d); err != nil {
			return nil, err
		}
		if _, err := f.Seek(0, 0); err != nil {
			return nil, err
		}
	}
	return append([]*os.File{p.data[0], p.statusWrite, p.blockRead}, p.data[1:]...), nil
}

// keep takes a file out of p, so that close leaves it open.
func (p *pipes) keep(f **os.File) *os.File {
	kept := *f
	*f = nil
	return kept
}

// close closes what is still in p.
func (p *pipes) close() {
	for _, f := range append([]*os.File{p.outputRead, p.outputWrite, p.statusRead, p.statusWrite, p.blockRead, p.blockWrite}, p.data...) {
		f.Close() // a nil file says so
	}
}

// contents returns the contents of files.
func contents() []string {
	var all []string
	for _, file := range files {
		all = append(all, file[1])
	}
	return all
}

// closeOnExec makes sure that bubblewrap gets no file of the server's but those it
// is given. Go opens none that it would, but the server may have been started
// with some.
func closeOnExec() error {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
