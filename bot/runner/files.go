package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// readFiles reads files of a work tree, at most limit bytes together. What a
// command left there may be anything: no link is followed, and nothing but
// ordinary files is opened.
func readFiles(tree *os.Root, names []string, limit Size) (files map[string][]byte, errs map[string]error) {
	files, errs = map[string][]byte{}, map[string]error{}
	for _, name := range names {
		data, err := readFile(tree, name, limit)
		if err != nil {
			errs[name] = err
			continue
		}
		files[name] = data
		limit -= Size(len(data))
	}
	return files, errs
}

// readFile reads one file of at most limit bytes.
func readFile(root *os.Root, name string, limit Size) ([]byte, error) {
	path := ""
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Clean(name)), "/") {
		path = filepath.Join(path, part)
		info, err := root.Lstat(path)
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is a symbolic link")}
		}
	}
	// Nothing of the command runs any more, so what was just seen is still so.
	info, err := root.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is no ordinary file")}
	}
	tooLarge := &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("more than the %d bytes that may be read", limit)}
	if info.Size() > int64(limit) {
		return nil, tooLarge
	}
	f, err := root.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if len(data) > int(limit) {
		return nil, tooLarge
	}
	return data, err
}

// writeBack writes files that a command left elsewhere to its work tree here, where
// nothing has run.
func writeBack(dir string, files map[string][]byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("write back what a command left: %w", err)
	}
	defer root.Close()
	for name, data := range files {
		err := root.MkdirAll(filepath.Dir(name), 0o755)
		if err == nil {
			err = root.WriteFile(name, data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("write back what a command left: %w", err)
		}
	}
	return nil
}

// RemoveAll deletes a work tree, also one that a command took the permissions
// from. It follows no links.
func RemoveAll(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := open(root); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// open gives the owner back the folders below root.
func open(root *os.Root) error {
	if err := root.Chmod(".", 0o700); err != nil {
		return err
	}
	for e, err := range entries(root) {
		if err != nil {
			return err
		}
		if !e.IsDir() {
			continue
		}
		if err := root.Chmod(e.Name(), 0o700); err != nil {
			return err
		}
		if err := within(root, e.Name(), open); err != nil {
			return err
		}
	}
	return nil
}

// within calls do with the folder name of root.
func within(root *os.Root, name string, do func(*os.Root) error) error {
	sub, err := root.OpenRoot(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	return do(sub)
}

// entries lists what is directly in root. There may be very many.
func entries(root *os.Root) iter.Seq2[fs.DirEntry, error] {
	return func(yield func(fs.DirEntry, error) bool) {
		f, err := root.Open(".")
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		for {
			some, err := f.ReadDir(1000)
			for _, e := range some {
				if !yield(e, nil) {
					return
				}
			}
			switch {
			case err == io.EOF:
				return
			case err != nil:
				yield(nil, err)
				return
			}
		}
	}
}
