// Package runner runs a repository's own commands, its tests, type checks and
// formatters, where they can do no harm.
//
// The commands come from the configuration on the default branch, but the code
// that they run was written by anybody. So a command runs in a sandbox: it sees
// the system read-only, can write to its work tree and /tmp alone, has an
// environment of its own, and takes no more time, memory, processes and disk
// than the operator allows. When it ends, nothing that it started is left.
//
//	r, err := runner.New(ctx, "", runner.Settings{WorkDir: dir})
//	res, err := r.Run(ctx, runner.Command{Shell: "pytest -q", Dir: tree, Timeout: 20 * time.Minute})
//
// An error of Run means that restage failed; whatever the command did, up to
// running into a limit, is a Result.
//
// There are two runners that do this, and one that does nothing. In bubblewrap a
// command is a process of this machine. In Kubernetes it is a Job, of a pod with
// three containers, one after the other:
//
//   - tree fetches the work tree from the server, by a link that works once.
//   - command is the operator's image, or one that the repository may choose. It
//     has no token, and sees no other container.
//   - files waits until nothing of the command is left, and writes the files that
//     are asked for to its log.
//
// So files come back as the exit status and the log do, from the cluster: that
// needs no way into the server, and still works when the server was down while
// the command ended. The first and the last container are restage itself, so that
// an image needs /bin/sh and what its commands need, and nothing else.
//
// What comes back was written by strangers. The log is UTF-8 without control
// codes, bounded and masked, and the files are bounded and reached through no
// link; but who puts any of it into Markdown or HTML has to escape it.
package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"time"
)

// Root is where a command finds its work tree, its working directory, whatever
// the folder is called outside.
const Root = "/repo"

// A Runner runs commands. It may be used by several goroutines.
type Runner interface {
	// Run runs c and returns how it ended. It waits for its turn while as many
	// commands run as the operator allows. When ctx ends, the command is killed
	// at once, and Run returns the cause.
	Run(ctx context.Context, c Command) (*Result, error)

	// Forget lets go of what is kept of the run with a key. Call it when its result
	// is stored: until then Run may be called again, and give the same.
	Forget(ctx context.Context, key string)

	// Name is the name of the runner, as in RESTAGE_RUNNER.
	Name() string
}

// ErrNone is the error of a runner that runs no commands.
var ErrNone = errors.New("commands are not run on this installation")

// None is the Runner that runs nothing: its Run returns ErrNone.
type None struct{}

// Run returns ErrNone.
func (None) Run(context.Context, Command) (*Result, error) { return nil, ErrNone }

// Forget does nothing.
func (None) Forget(context.Context, string) {}

// Name returns "none".
func (None) Name() string { return "none" }

// A Command is what to run, and with what.
type Command struct {
	Shell string   // a line for sh -c, run inside the sandbox
	Args  []string // instead of Shell: the program and its arguments

	// Dir is the folder of the work tree. It belongs to the command while it runs,
	// and is no more to be trusted afterwards: read files back with Files, delete
	// it with RemoveAll. Its files must not be hard links to others.
	Dir string

	// Key is the caller's name for this run, the same when it asks again after a
	// restart. A runner whose commands outlive the server finds the run by it
	// instead of starting another, until it is told to Forget it. Without it a run is
	// never found again.
	Key string

	// Image is the container image that the repository chose, "" for the
	// operator's. Where commands run on this machine, it means nothing.
	Image string

	Env     map[string]string // added to the environment of the sandbox
	Network bool              // what the repository asks for; the operator must agree
	Timeout time.Duration     // for the whole run; required
	Limits  Limits            // lower than the operator's; zero fields are the operator's

	Files   []string  // to give back, by their paths below Dir, with slashes; in Dir, too, they are then as the command left them
	Secrets []string  // never to appear in the log
	Log     io.Writer // if set, gets the log line by line while the command runs, also what is cut out of Result.Log; must not block for long
}

// check returns what is wrong with c.
func (c *Command) check() error {
	switch {
	case (c.Shell == "") == (len(c.Args) == 0):
		return errors.New("a command needs either Shell or Args")
	case c.Timeout <= 0:
		return errors.New("a command needs a Timeout")
	case !filepath.IsAbs(c.Dir):
		return fmt.Errorf("the work tree %q is not an absolute path", c.Dir)
	case strings.Contains(c.Shell+strings.Join(c.Args, ""), "\x00"):
		return errors.New("a command must not hold NUL")
	}
	for name, value := range c.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") {
			return fmt.Errorf("%q is no variable of an environment", name)
		}
	}
	for _, name := range c.Files {
		if !filepath.IsLocal(name) {
			return fmt.Errorf("the file %q is not in the work tree", name)
		}
	}
	return nil
}

// argv returns what is started in the sandbox.
func (c *Command) argv() []string {
	if c.Shell != "" {
		return []string{"/bin/sh", "-c", c.Shell}
	}
	// The shell says what is wrong with a program that cannot be started.
	return append([]string{"/bin/sh", "-c", `exec "$@"`, "sh"}, c.Args...)
}

// environ returns the environment of a command, which has nothing of the
// server's.
func (c *Command) environ() map[string]string {
	env := map[string]string{
		"CI":       "true",
		"HOME":     "/tmp",
		"LANG":     "C.UTF-8",
		"LOGNAME":  "runner",
		"NO_COLOR": "1",
		"TERM":     "dumb",
		"TMPDIR":   "/tmp",
		"TZ":       "UTC",
		"USER":     "runner",
	}
	maps.Copy(env, c.Env)
	return env
}

// turns are those of commands: as many as may run at the same time.
type turns chan struct{}

// take waits for a turn, which the function that it returns gives back.
func (t turns) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := context.Cause(ctx); err != nil {
		<-t
		return nil, err
	}
	return func() { <-t }, nil
}

// A Result is how a command ended.
type Result struct {
	Status   int           // exit status; 128 + n after signal n, as a shell has it
	Stopped  Stop          // the limit that ended the command; "" if it ended by itself
	Duration time.Duration // without the wait for its turn

	Log string // what it wrote to standard output and error, with what does not fit cut out of the middle
	Cut bool   // the log lacks something: its middle, or the end of a long line

	// Files holds the contents of the files that were asked for, and FileErrors
	// says why one is missing: it does not exist (errors.Is fs.ErrNotExist), is
	// reached through a link, is no ordinary file, or is too large.
	Files      map[string][]byte
	FileErrors map[string]error
}

// OK reports whether the command ended by itself, with status 0.
func (r *Result) OK() bool { return r.Stopped == "" && r.Status == 0 }

// Signal returns the number of the signal that ended the command, as far as its
// status tells: 0 is none.
func (r *Result) Signal() int {
	if r.Status > 128 && r.Status < 128+65 {
		return r.Status - 128
	}
	return 0
}

// A Stop is a limit that a command was stopped at.
type Stop string

// The limits.
const (
	Timeout Stop = "timeout" // the command's Timeout
	CPUTime Stop = "cpu"     // Limits.CPU
	Memory  Stop = "memory"  // Limits.Memory
	Disk    Stop = "disk"    // Limits.Disk
	Tmp     Stop = "tmp"     // the number of files that Limits.Tmp allows
	Output  Stop = "output"  // Limits.Output
)
