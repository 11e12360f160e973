// Package config reads .github/restage.yml: how a repository wants its
// migrations done and verified. Commands come from here and from nowhere else,
// so the file that counts is always the one on the default branch.
package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/restage/restage/phases/glob"
	"github.com/restage/restage/phases/input"
	"github.com/restage/restage/phases/plan"
)

// Path is where a repository keeps its configuration.
const Path = ".github/restage.yml"

// Config is the configuration of a repository.
type Config struct {
	Label        string   // of issues that hold a plan; "" leaves it to the server
	Base         string   // branch that pull requests go to; "" is the default branch
	SourceRoots  []string // folders that import paths start at, "." for the root; empty: detected
	Include      []string // globs of files that may be rewritten, see package glob; empty: all
	Exclude      []string // globs of files that are never rewritten
	Shims        bool     // leave a shim at each old path until cleanup
	Image        string   // container image that commands run in, of those that the operator allows; "" is the operator's
	Format       []string // commands to run on the files changed, "{files}" stands for them
	Verify       []Verify // checks to run on each pull request, in their order
	Baseline     Baseline
	PullRequests PullRequests
	Guard        Guard
}

// Verify is a command whose outcome becomes the check run "restage / NAME".
type Verify struct {
	Name    string        // unique; letters, digits, "-", "_", "." and spaces
	Run     string        // shell command, run in the root of the repository
	Report  Report        // how its outcome is read
	Timeout time.Duration // from MinTimeout to MaxTimeout
	Network bool          // it needs the network, which the operator must allow
}

// Commands returns the names of the commands to verify with, and the commands.
func (c *Config) Commands() (names, commands []string) {
	for _, v := range c.Verify {
		names, commands = append(names, v.Name), append(commands, v.Run)
	}
	return names, commands
}

// A Report is a way to read the outcome of a command.
type Report string

// The reports.
const (
	Pytest Report = "pytest" // test by test, from pytest's report
	Mypy   Report = "mypy"   // error by error, from mypy's output
	Exit   Report = "exit"   // by exit status alone
)

// A Baseline says what becomes of checks that failed before the migration.
type Baseline string

// The baselines.
const (
	Compare      Baseline = "compare"       // only what was fine before must be fine after
	RequireGreen Baseline = "require-green" // a red start stops the migration
)

// PullRequests says how pull requests are opened.
type PullRequests struct {
	Draft     bool
	Labels    []string
	Reviewers []string // user names; "org/team" for a team
}

// Guard says what becomes of pull requests of others that use an old path.
type Guard struct {
	Fail         bool // the check fails; else it is neutral
	AfterCleanup bool // go on when the cleanup is merged
}

// Bounds and default of the time a command may take.
const (
	MinTimeout     = time.Second
	MaxTimeout     = 6 * time.Hour
	DefaultTimeout = 20 * time.Minute
)

// maxText bounds the length of one value, in bytes.
const maxText = 4096

// Default returns the configuration of a repository that has none.
func Default() *Config { return &Config{Shims: true, Baseline: Compare} }

// Read returns the configuration that data, the content of Path, holds. What it
// does not say is as in Default. The error names file, line and column of every
// mistake; errors.As finds the first as an *input.Error.
func Read(data []byte) (*Config, error) {
	c := Default()
	err := input.YAML(input.Source{File: Path, Data: data}, c.read)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) read(v input.Value) {
	v.Fields(input.Fields{
		"label":         func(v input.Value) { c.Label = v.Parse(text) },
		"base":          func(v input.Value) { c.Base = v.Parse(branch) },
		"source_roots":  func(v input.Value) { c.SourceRoots = parseAll(v, plan.CleanRoot) },
		"include":       func(v input.Value) { c.Include = parseAll(v, pattern) },
		"exclude":       func(v input.Value) { c.Exclude = parseAll(v, pattern) },
		"shims":         func(v input.Value) { c.Shims = v.Bool() },
		"image":         func(v input.Value) { c.Image = v.Parse(image) },
		"format":        func(v input.Value) { c.Format = parseAll(v, format) },
		"verify":        func(v input.Value) { v.List(c.readVerify) },
		"baseline":      func(v input.Value) { c.Baseline = choose(v, Compare, RequireGreen) },
		"pull_requests": c.readPullRequests,
		"guard":         c.readGuard,
	})
}

func (c *Config) readVerify(v input.Value) {
	entry := Verify{Report: Exit, Timeout: DefaultTimeout}
	v.Fields(input.Fields{
		"name":    func(v input.Value) { entry.Name = v.Parse(name) },
		"run":     func(v input.Value) { entry.Run = v.Parse(command) },
		"report":  func(v input.Value) { entry.Report = choose(v, Pytest, Mypy, Exit) },
		"timeout": func(v input.Value) { entry.Timeout = timeout(v) },
		"network": func(v input.Value) { entry.Network = v.Bool() },
	})
	switch {
	case !v.Sound():
	case entry.Name == "":
		v.Errorf("the entry has no name; add \"name\", the check run is called after it")
	case entry.Run == "":
		v.Errorf("%q has nothing to run; add \"run\"", entry.Name)
	case slices.ContainsFunc(c.Verify, func(o Verify) bool { return strings.EqualFold(o.Name, entry.Name) }):
		v.Errorf("the name %q is used twice; give each entry its own", entry.Name)
	}
	c.Verify = append(c.Verify, entry)
}

func (c *Config) readPullRequests(v input.Value) {
	p := &c.PullRequests
	v.Fields(input.Fields{
		"draft":     func(v input.Value) { p.Draft = v.Bool() },
		"labels":    func(v input.Value) { p.Labels = parseAll(v, text) },
		"reviewers": func(v input.Value) { p.Reviewers = parseAll(v, reviewer) },
	})
}

func (c *Config) readGuard(v input.Value) {
	v.Fields(input.Fields{
		"fail":          func(v input.Value) { c.Guard.Fail = v.Bool() },
		"after_cleanup": func(v input.Value) { c.Guard.AfterCleanup = v.Bool() },
	})
}

// parseAll returns what f makes of each element of the list v.
func parseAll(v input.Value, f func(string) (string, error)) []string {
	var all []string
	v.List(func(v input.Value) { all = append(all, v.Parse(f)) })
	return all
}

// choose returns the one of the known words that v holds.
func choose[T ~string](v input.Value, known ...T) T {
	word := T(v.Text())
	if !slices.Contains(known, word) {
		var list []string
		for _, k := range known {
			list = append(list, string(k))
		}
		v.Errorf("unknown value %s%s", input.Quote(string(word)), input.Suggest(string(word), list))
	}
	return word
}

// timeout returns the duration that v holds, such as "90s" or "1h30m".
func timeout(v input.Value) time.Duration {
	d, err := time.ParseDuration(v.Text())
	if err != nil || d < MinTimeout || d > MaxTimeout {
		v.Errorf("expected a time from %v to %v, such as 90s or 20m", MinTimeout, MaxTimeout)
	}
	return d
}

// text returns s, one line that is not empty.
func text(s string) (string, error) {
	switch s = strings.TrimSpace(s); {
	case s == "":
		return "", errors.New("the value is empty; write one or leave the key out")
	case len(s) > maxText:
		return "", fmt.Errorf("the value is longer than %d bytes", maxText)
	case strings.ContainsAny(s, "\n\r\x00"):
		return "", errors.New("the value has several lines; write one")
	}
	return s, nil
}

// command returns the shell command s. It may have several lines.
func command(s string) (string, error) {
	if s = strings.TrimSpace(s); s == "" || len(s) > maxText || strings.Contains(s, "\x00") {
		return "", fmt.Errorf("expected a command of 1 to %d bytes", maxText)
	}
	return s, nil
}

// format returns the command s, which must say where the files go.
func format(s string) (string, error) {
	s, err := command(s)
	if err == nil && !strings.Contains(s, "{files}") {
		return "", fmt.Errorf("the command %s does not say where the files go; add {files}", input.Quote(s))
	}
	return s, err
}

// pattern returns the glob s.
func pattern(s string) (string, error) { return s, glob.Check(s) }

var (
	nameShape     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._ -]{0,62}$`)
	imageShape    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,254}$`)
	reviewerShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$`)
	branchShape   = regexp.MustCompile(`^[^\s\x00-\x1f\x7f~^:?*\[\\]+$`)
)

// builtin are the names of the checks that restage always runs.
var builtin = []string{"structure", "imports", "cycles", "leftovers", "plan", "guard"}

// name returns the name s of a check.
func name(s string) (string, error) {
	if s = strings.TrimSpace(s); !nameShape.MatchString(s) {
		return "", fmt.Errorf("%s is no name for a check; use letters, digits, \"-\", \"_\", \".\" and spaces, 63 at most", input.Quote(s))
	}
	if slices.Contains(builtin, strings.ToLower(s)) {
		return "", fmt.Errorf("%q is the name of a check that restage always runs; choose another", s)
	}
	return s, nil
}

// image returns the name s of a container image.
func image(s string) (string, error) {
	if s = strings.TrimSpace(s); !imageShape.MatchString(s) {
		return "", fmt.Errorf("%s is no name of a container image; write one such as registry.example.com/python:3.13", input.Quote(s))
	}
	return s, nil
}

// reviewer returns the user name or team s.
func reviewer(s string) (string, error) {
	if s = strings.TrimPrefix(strings.TrimSpace(s), "@"); !reviewerShape.MatchString(s) {
		return "", fmt.Errorf("%s is no reviewer; write a user name, or org/team", input.Quote(s))
	}
	return s, nil
}

// branch returns the name s of a branch. The rules are those of
// git-check-ref-format(1).
func branch(s string) (string, error) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "refs/heads/")
	bad := !branchShape.MatchString(s) || len(s) > 255 || s == "@" ||
		strings.Contains(s, "..") || strings.Contains(s, "//") || strings.Contains(s, "@{") ||
		strings.HasPrefix(s, "-") || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.HasSuffix(s, ".")
	for element := range strings.SplitSeq(s, "/") {
		bad = bad || strings.HasPrefix(element, ".") || strings.HasSuffix(element, ".lock")
	}
	if bad {
		return "", fmt.Errorf("%s is no name of a branch", input.Quote(s))
	}
	return s, nil
}
