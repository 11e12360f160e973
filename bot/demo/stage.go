package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// tested is a commit whose tests passed.
type tested struct {
	stage  string // "before", or "after" and a phase
	commit string
	count  string // of tests
	dir    string // a clone of it
}

// ran matches what unittest says in the end.
var ran = regexp.MustCompile(`(?m)^Ran (\d+) tests? in`)

// test runs the sample's own tests on a fresh clone of a commit.
func (s *story) test(ctx context.Context, stage, commit string) error {
	dir := filepath.Join(s.Dir, "stages", strings.ReplaceAll(stage, " ", "-"))
	if err := clone(ctx, s.url, commit, dir); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "python3", "-m", "unittest")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		log := dir + ".log"
		if err := os.WriteFile(log, out, 0o644); err != nil {
			return err
		}
		return fmt.Errorf("the sample's tests %s: %w, see %s", stage, err, log)
	}
	count := ran.FindSubmatch(out)
	if count == nil || string(count[1]) == "0" {
		return fmt.Errorf("the sample's tests %s: none were run", stage)
	}
	t := tested{stage: stage, commit: commit, count: string(count[1]), dir: dir}
	s.tests = append(s.tests, t)
	s.say("the sample's tests %s: %s pass", stage, t.count)
	return nil
}

// clone makes dir a clone of the repository with commit checked out.
func clone(ctx context.Context, url, commit, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"clone", "--quiet", url + "/" + owner + "/" + repository + ".git", dir},
		{"-C", dir, "checkout", "--quiet", "-B", "main", commit},
	} {
		out, err := exec.CommandContext(ctx, "git", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(out))
		}
	}
	return nil
}

// compare carries out a phase on the folder before, as restage apply would, and
// returns what it changed. What comes of it must be what was merged.
func (s *story) compare(ctx context.Context, phase phases.Phase, before, after string) (*phases.Change, error) {
	p, err := plan.Read("", planText)
	if err != nil {
		return nil, err
	}
	p.Decide = answers
	opt, err := options(os.DirFS(before))
	if err != nil {
		return nil, err
	}
	was, err := tree.OpenDir(before)
	if err != nil {
		return nil, err
	}
	change, err := phases.Run(ctx, was, p, phase, opt)
	if err != nil {
		return nil, err
	}
	want := was
	for _, c := range change.Commits {
		if want, err = tree.Apply(want, c.Edits); err != nil {
			return nil, err
		}
	}
	is, err := tree.OpenDir(after)
	if err != nil {
		return nil, err
	}
	if len(change.Decisions) > 0 {
		return nil, fmt.Errorf("the decision about %s is open", change.Decisions[0].Path)
	}
	return change, same(want, is)
}

// options returns what the configuration among files says to the phases.
func options(files fs.FS) (phases.Options, error) {
	data, err := fs.ReadFile(files, config.Path)
	if err != nil {
		return phases.Options{}, err
	}
	c, err := config.Read(data)
	if err != nil {
		return phases.Options{}, err
	}
	return phases.Options{SourceRoots: c.SourceRoots, Include: c.Include, Exclude: c.Exclude, NoShims: !c.Shims}, nil
}

// same says where two trees differ.
func same(want, is tree.Tree) error {
	if !slices.Equal(want.Entries(), is.Entries()) {
		return errors.New("what was merged has other files than restage apply makes")
	}
	for _, e := range want.Entries() {
		a, err := want.Read(e.Path)
		if err != nil {
			return err
		}
		b, err := is.Read(e.Path)
		if err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("%s is not what restage apply makes of it", e.Path)
		}
	}
	return nil
}
