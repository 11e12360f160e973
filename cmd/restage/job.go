package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/input"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// A job is a plan and the working folder it is for.
type job struct {
	plan *plan.Plan
	dir  string
	base tree.Tree // what is in dir, or in the commit that is checked out there
	opt  phases.Options

	decided []string // paths that --decide has answered
}

// oneFile is for commands that take a plan and nothing else.
func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("name one file with a plan, or - for standard input")
	}
	return nil
}

// readPlan reads the plan in file, "-" for standard input.
func readPlan(cmd *cobra.Command, file string) (*plan.Plan, error) {
	in, name := cmd.InOrStdin(), "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usageError{fmt.Errorf("read the plan: %w", err)}
		}
		defer f.Close()
		in, name = f, filepath.ToSlash(file)
	}
	data, err := io.ReadAll(io.LimitReader(in, input.MaxSize+1))
	if err != nil {
		return nil, usageError{fmt.Errorf("read the plan: %w", err)}
	}
	return plan.Read(name, data)
}

// Memory in MiB below which a command that runs once hardly collects garbage.
const maxGarbage = 200

// openJob reads the plan in file and the working folder dir.
func openJob(cmd *cobra.Command, file, dir string) (*job, error) {
	debug.SetGCPercent(2000)
	debug.SetMemoryLimit(maxGarbage << 20)
	p, err := readPlan(cmd, file)
	if err != nil {
		return nil, err
	}
	base, err := tree.OpenDir(dir)
	if err != nil {
		return nil, usageError{err}
	}
	j := &job{plan: p, dir: dir, base: base}
	return j, j.configure(file)
}

// configure sets the options from .github/restage.yml and from where the plan
// lies.
func (j *job) configure(file string) error {
	data, err := j.base.Read(config.Path)
	switch {
	case tree.IsNotExist(err):
	case err != nil:
		return err
	default:
		c, err := config.Read(data)
		if err != nil {
			return err
		}
		j.opt = phases.Options{SourceRoots: c.SourceRoots, Include: c.Include, Exclude: c.Exclude, NoShims: !c.Shims}
		j.plan.Allow(c.Commands())
	}
	j.opt.Workflows = true // a person pushes them
	j.opt.PlanFile = inside(j.dir, file)
	return nil
}

// inside returns the path of file relative to dir, with slashes, or "" if it
// is not in it.
func inside(dir, file string) string {
	if file == "-" {
		return ""
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	if file, err = filepath.Abs(file); err != nil {
		return ""
	}
	// Two names of one folder, such as /tmp and /private/tmp, are made one.
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if real, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
		file = filepath.Join(real, filepath.Base(file))
	}
	rel, err := filepath.Rel(dir, file)
	if rel = filepath.ToSlash(rel); err != nil || !fs.ValidPath(rel) {
		return ""
	}
	return rel
}

// run carries out the phases in list, one on the result of the other, and
// returns what each does. Nothing is written.
func (j *job) run(ctx context.Context, list []phases.Phase) ([]*phases.Change, error) {
	changes, err := phases.RunFrom(ctx, j.base, j.plan, list[0], j.opt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", list[0], err)
	}
	return changes[:len(list)], nil
}

// edits returns the edits of all commits of changes in their order.
func edits(changes ...*phases.Change) []tree.Edit {
	var all []tree.Edit
	for _, c := range changes {
		for _, commit := range c.Commits {
			all = append(all, commit.Edits...)
		}
	}
	return all
}

// decisions returns the decisions open in changes, each once.
func decisions(changes []*phases.Change) []phases.Decision {
	list := []phases.Decision{}
	seen := map[string]bool{}
	for _, c := range changes {
		for _, d := range c.Decisions {
			if key := d.Path + "\x00" + d.Question; !seen[key] {
				seen[key] = true
				list = append(list, d)
			}
		}
	}
	return list
}

// warnUnasked says which of the paths decided are answers to no question of any
// of changes.
func warnUnasked(w io.Writer, where string, changes []*phases.Change, decided []string) {
	for _, path := range decided {
		if !slices.ContainsFunc(changes, func(c *phases.Change) bool { return !slices.Contains(c.Unasked, path) }) {
			fmt.Fprintf(w, "restage: %s%s: nothing is asked about it\n", where, printable(path))
		}
	}
}

// parsePhases returns the phases that the value of --phase names.
func parsePhases(value string) ([]phases.Phase, error) {
	if value == "all" {
		return phases.All, nil
	}
	for _, phase := range phases.All {
		if string(phase) == value {
			return []phases.Phase{phase}, nil
		}
	}
	return nil, usageError{fmt.Errorf("there is no phase %q; choose moves, imports, cleanup or all", value)}
}

const decideHelp = "answer a decision, as `PATH=ANSWER`; may be repeated"

// decide adds the values of --decide to the answers in the plan.
func (j *job) decide(values []string) error {
	for _, value := range values {
		i := strings.LastIndexByte(value, '=')
		if i < 1 || i == len(value)-1 {
			return usageError{fmt.Errorf("--decide %q: write PATH=ANSWER, such as --decide src/old.py=delete", value)}
		}
		path, err := plan.CleanPath(value[:i])
		if err != nil {
			return usageError{fmt.Errorf("--decide %q: %w", value, err)}
		}
		if j.plan.Decide == nil {
			j.plan.Decide = map[string]string{}
		}
		j.plan.Decide[path] = value[i+1:]
		j.decided = append(j.decided, path)
	}
	return nil
}
