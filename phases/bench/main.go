// Command bench makes up Python repositories of any size, with a plan for each,
// to measure with: the same size gives the same bytes. It also reads a folder
// the plain way, which is what the speed of restage is compared with.
//
//	bench make DIR FILES MOVES   write a repository to DIR, the plan to DIR.yaml
//	bench read DIR               read every file below DIR, one after the other
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 4 && args[0] == "make":
		size, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		moves, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		return makeRepo(size, moves).write(args[1])
	case len(args) == 2 && args[0] == "read":
		files, bytes, err := readAll(args[1])
		fmt.Println(files, bytes)
		return err
	}
	return fmt.Errorf("usage: bench make DIR FILES MOVES | bench read DIR")
}

// write writes the repository to dir and the plan beside it.
func (r *repo) write(dir string) error {
	for name, text := range r.files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			return err
		}
	}
	return os.WriteFile(dir+".yaml", []byte(r.plan), 0o666)
}

// readAll reads every file below dir, one after the other, and keeps none.
func readAll(dir string) (files int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		files++
		bytes += int64(len(data))
		return err
	})
	return files, bytes, err
}
