package tree

import (
	"context"
	"fmt"
	"os"
	"path"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Scan reads files of a tree, several at once, and calls look with the content
// of each and its place in paths. Look is called from several goroutines; when
// it returns, the content is gone.
func Scan(ctx context.Context, t Tree, paths []string, look func(i int, data []byte)) error {
	const batch = 16
	var taken atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), 1+len(paths)/batch) {
		group.Go(func() error {
			read := t.Read
			if d, ok := t.(*dir); ok {
				s := &scanner{dir: d}
				defer s.close()
				read = s.read
			}
			for {
				end := int(taken.Add(batch))
				for i := end - batch; i < min(end, len(paths)); i++ {
					if err := ctx.Err(); err != nil {
						return err
					}
					data, err := read(paths[i])
					if err != nil {
						return fmt.Errorf("read %s: %w", paths[i], err)
					}
					look(i, data)
				}
				if end >= len(paths) {
					return nil
				}
			}
		})
	}
	return group.Wait()
}

// maxBuffer is the size in bytes of the memory that is kept for the next file.
const maxBuffer = 1 << 20

// A scanner reads one file of a working folder after the other into the same
// memory. Most are in the folder of the one before.
type scanner struct {
	dir    *dir
	name   string   // of the folder
	folder *os.Root // nil before the first file
	buf    []byte
}

func (s *scanner) read(name string) ([]byte, error) {
	dir, base := path.Dir(name), path.Base(name)
	if s.folder == nil || dir != s.name {
		s.close()
		var err error
		if s.folder, err = s.dir.root.OpenRoot(dir); err != nil {
			return nil, err
		}
		s.name = dir
	}
	data, err := s.dir.read(s.folder, base, name, s.buf)
	if cap(data) > cap(s.buf) && cap(data) <= maxBuffer {
		s.buf = data
	}
	return data, err
}

func (s *scanner) close() {
	if s.folder != nil {
		s.folder.Close()
		s.folder = nil
	}
}
