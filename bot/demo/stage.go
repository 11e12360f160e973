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
	"strconv"
	"strings"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// A tested commit is one whose tests passed.
type tested struct {
	stage  string // "before", or "after" and a phase
	commit string
	count  int    // of tests
	dir    string // a clone of it
}

// ran matches what unittest says in the end.
var ran = regexp.MustCompile(`(?m)^Ran (\d+) tests? in`)

// test runs the sample's own tests on a fresh clone of a commit, unless they
// have passed before. A note in the clone says so.
func (s *story) test(ctx context.Context, stage, commit string) error {
	t := tested{stage: stage, commit: commit, dir: filepath.Join(s.Dir, "stages", strings.ReplaceAll(stage, " ", "-"))}
	note := filepath.Join(t.dir, ".git", "passed")
	passed, err := os.ReadFile(note)
	if n, _ := fmt.Sscanf(string(passed), commit+" %d", &t.count); err != nil || n == 0 {
		if err := s.clone(ctx, commit, t.dir); err != nil {
			return err
		}
		if t.count, err = unittest(ctx, t.dir); err != nil {
			return fmt.Errorf("the sample's tests %s: %w", stage, err)
		}
		if err := os.WriteFile(note, fmt.Appendf(nil, "%s %d\n", commit, t.count), 0o644); err != nil {
			return err
		}
	}
	s.tests = append(s.tests, t)
	s.say("the sample's tests %s: %d pass", stage, t.count)
	return nil
}

// unittest runs the tests in a clone and returns their number.
func unittest(ctx context.Context, dir string) (count int, err error) {
	cmd := exec.CommandContext(ctx, "python3", "-m", "unittest")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		log := dir + ".log"
		return 0, errors.Join(fmt.Errorf("%w, see %s", err, log), os.WriteFile(log, out, 0o644))
	}
	said := ran.FindSubmatch(out)
	if said == nil || string(said[1]) == "0" {
		return 0, errors.New("none were run")
	}
	return strconv.Atoi(string(said[1]))
}

// clone makes dir a clone of the repository with commit checked out. It is made
// elsewhere first: a git that outlives a killed demo may still write there.
func (s *story) clone(ctx context.Context, commit, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), ".clone-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	fresh := filepath.Join(temporary, "clone")
	for _, args := range [][]string{
		{"clone", "--quiet", s.url + "/" + owner + "/" + repository + ".git", fresh},
		{"-C", fresh, "checkout", "--quiet", "-B", "main", commit},
	} {
		args = append([]string{"-c", "http.proxy="}, args...) // what is on this machine needs none
		out, err := exec.CommandContext(ctx, "git", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(fresh, dir)
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
