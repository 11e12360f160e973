package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// child names a folder: then the process carries out the plan for it, and
// nothing else, so that its memory can be measured.
const child = "RESTAGE_BENCH_CHILD"

func TestMain(m *testing.M) {
	debug.SetGCPercent(2000) // as "restage apply" does
	if dir := os.Getenv(child); dir != "" {
		if _, err := apply(context.Background(), dir); err != nil {
			panic(err)
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			panic(err)
		}
		os.Stdout.Write(status)
		return
	}
	os.Exit(m.Run())
}

// made writes a repository to a folder of its own.
func made(b *testing.B, size, moves int) string {
	dir := filepath.Join(b.TempDir(), "repo")
	if err := makeRepo(size, moves).write(dir); err != nil {
		b.Fatal(err)
	}
	return dir
}

// open reads the plan of a folder, and which files the folder has.
func open(dir string) (tree.Tree, *plan.Plan, error) {
	data, err := os.ReadFile(dir + ".yaml")
	if err != nil {
		return nil, nil, err
	}
	p, err := plan.Read("plan.yaml", data)
	if err != nil {
		return nil, nil, err
	}
	t, err := tree.OpenDir(dir)
	return t, p, err
}

// apply does what "restage apply" does with all phases, and writes nothing.
func apply(ctx context.Context, dir string) ([]*phases.Change, error) {
	t, p, err := open(dir)
	if err != nil {
		return nil, err
	}
	return phases.RunFrom(ctx, t, p, phases.Moves, phases.Options{})
}

// preflight does what "restage plan --repo" does.
func preflight(ctx context.Context, dir string) (*phases.Preflight, error) {
	t, p, err := open(dir)
	if err != nil {
		return nil, err
	}
	return phases.Look(ctx, t, p, phases.Options{})
}

// measure runs f, each time after a plain reading of dir, and reports its best
// time beside that of the reading. In turn, because a machine is not as fast at
// one time as at another.
func measure(b *testing.B, dir string, f func() error) {
	var shortest, base time.Duration
	var size int64
	for b.Loop() {
		read, err := clock(func() (err error) {
			_, size, err = readAll(dir)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		took, err := clock(f)
		if err != nil {
			b.Fatal(err)
		}
		if shortest == 0 || took < shortest {
			shortest = took
		}
		if base == 0 || read < base {
			base = read
		}
	}
	b.ReportMetric(float64(size)/shortest.Seconds()/1e6, "best-MB/s")
	b.ReportMetric(float64(shortest.Microseconds())/1000, "best-ms")
	b.ReportMetric(float64(shortest)/float64(base), "x-reading")
}

// clock returns how long f takes.
func clock(f func() error) (time.Duration, error) {
	start := time.Now()
	err := f()
	return time.Since(start), err
}

// BenchmarkRead reads 500 files: one after the other with os.ReadFile, which is
// what "x-reading" means everywhere, and as a tree.
func BenchmarkRead(b *testing.B) {
	dir := made(b, 500, 10)
	b.Run("plain", func(b *testing.B) {
		measure(b, dir, func() error {
			_, _, err := readAll(dir)
			return err
		})
	})
	b.Run("tree", func(b *testing.B) {
		measure(b, dir, func() error {
			t, err := tree.OpenDir(dir)
			if err != nil {
				return err
			}
			var paths []string
			for _, e := range t.Entries() {
				paths = append(paths, e.Path)
			}
			return tree.Scan(b.Context(), t, paths, func(int, []byte) {})
		})
	})
}

// BenchmarkPlan carries out ten moves of modules that 33 places name each, in a
// repository of 500 files.
func BenchmarkPlan(b *testing.B) {
	dir := made(b, 500, 10)
	measure(b, dir, func() error {
		_, err := apply(b.Context(), dir)
		return err
	})
}

// BenchmarkPreflight looks at a large tree before anything is done.
func BenchmarkPreflight(b *testing.B) {
	dir := made(b, 12000, 3)
	measure(b, dir, func() error {
		_, err := preflight(b.Context(), dir)
		return err
	})
}

// BenchmarkTree carries out a plan that touches few files of a large tree.
// "peak-MB" is the resident memory of a process that does it once.
func BenchmarkTree(b *testing.B) {
	for _, size := range []int{1000, 4000, 12000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			dir := made(b, size, 3)
			measure(b, dir, func() error {
				_, err := apply(b.Context(), dir)
				return err
			})
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), child+"="+dir)
			out, err := cmd.Output()
			if err != nil {
				b.Fatal(err)
			}
			var peak float64
			_, line, _ := strings.Cut(string(out), "VmHWM:")
			if _, err := fmt.Sscan(line, &peak); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(peak/1024, "peak-MB")
		})
	}
}
