// Command bench makes up Python repositories of any size, with a plan for each,
// to measure with: the same size gives the same bytes. It also reads a folder
// the plain way, which is what the speed of restage is compared with.
//
//	bench make DIR FILES MOVES   write a repository to DIR, the plan to DIR.yaml
//	bench read DIR               read every file below DIR, one after the other
//	bench phases DIR             time reading and all three phases in one process:
//	                             prints both in nanoseconds, and writes nothing
package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
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
	case len(args) == 2 && args[0] == "phases":
		return timePhases(args[1])
	}
	return fmt.Errorf("usage: bench make DIR FILES MOVES | bench read DIR | bench phases DIR")
}

// timePhases prints the best times of reading dir and of computing what the
// plan beside it does.
func timePhases(dir string) error {
	debug.SetGCPercent(2000) // as "restage apply" does
	base, _, err := reading(dir)
	if err != nil {
		return err
	}
	took, err := best(20, func() error {
		_, err := apply(context.Background(), dir)
		return err
	})
	fmt.Println(base.Nanoseconds(), took.Nanoseconds())
	return err
}

// best returns the shortest time that f takes in a number of runs.
func best(runs int, f func() error) (time.Duration, error) {
	var best time.Duration
	for range runs {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		if took := time.Since(start); best == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// reading returns how long it takes to read a folder the plain way, and how
// many bytes that are.
func reading(dir string) (took time.Duration, size int64, err error) {
	took, err = best(10, func() (err error) {
		_, size, err = readAll(dir)
		return err
	})
	return took, size, err
}

// apply does what "restage apply" does with all phases, and writes nothing.
func apply(ctx context.Context, dir string) ([]*phases.Change, error) {
	data, err := os.ReadFile(dir + ".yaml")
	if err != nil {
		return nil, err
	}
	p, err := plan.Read("plan.yaml", data)
	if err != nil {
		return nil, err
	}
	t, err := tree.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	return phases.RunFrom(ctx, t, p, phases.Moves, phases.Options{})
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
