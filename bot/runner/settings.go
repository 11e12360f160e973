package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

// Settings are the operator's. Each field is read from the environment:
// Parallel from RESTAGE_RUNNER_PARALLEL and so on.
type Settings struct {
	Network  bool     // commands may reach the network, if their repository asks
	Parallel int      `default:"2"` // how many commands run at the same time
	Read     []string // folders outside of the system that commands may read, such as /opt/venv
	Path     string   `default:"/usr/local/bin:/usr/bin:/bin"` // where commands are looked for
	Cgroup   string   // a control group of version 2 that is delegated to restage; "" limits processes one by one
	WorkDir  string   `ignored:"true"` // where the work trees are made; "" is the system's temporary folder
	Limits
	Cluster
}

// Cluster is what running commands in Kubernetes takes besides.
type Cluster struct {
	Image        string        // that commands run in, if their repository chooses none
	Images       []string      // that a repository may choose from
	Helper       string        // the image of restage itself
	Listen       string        `default:":8081"` // where the server gives out work trees, and does nothing else
	URL          string        // where pods reach that, such as http://restage:8081
	Namespace    string        // of the Jobs
	Owner        string        // the Deployment there that the Jobs go with; "" is none
	Cores        int           `default:"2"`        // processors for one command
	Start        time.Duration `default:"10m"`      // for the cluster to start a command: to find a node and pull the image
	RuntimeClass string        `split_words:"true"` // of the pods, such as gvisor; "" is the cluster's default
	PullSecrets  []string      `split_words:"true"` // for the images
}

// Limits bound what one command may use. Those of Settings are DefaultLimits
// where none is set.
type Limits struct {
	CPU       time.Duration `default:"1h"`                        // time on processors, all processes together
	Memory    Size          `default:"4GiB"`                      // all processes together
	Processes int           `default:"512"`                       // and threads
	FileSize  Size          `default:"1GiB" split_words:"true"`   // of one file
	Disk      Size          `default:"4GiB"`                      // of the work tree
	Tmp       Size          `default:"1GiB"`                      // of /tmp, which is kept in memory; a file counts as 4 KiB at least
	Output    Size          `default:"256MiB"`                    // what it writes to standard output and error
	Log       Size          `default:"1MiB"`                      // what is kept of that
	Report    Size          `default:"32MiB"`                     // of one file that is given back, and of all together
	Grace     time.Duration `default:"5s" envconfig:"TERM_GRACE"` // between SIGTERM and SIGKILL when the time is up
}

// DefaultLimits are the limits where the operator sets none.
var DefaultLimits = Limits{
	CPU: time.Hour, Memory: 4 << 30, Processes: 512, FileSize: 1 << 30, Disk: 4 << 30, Tmp: 1 << 30,
	Output: 256 << 20, Log: 1 << 20, Report: 32 << 20, Grace: 5 * time.Second,
}

// within returns l, with the zero fields and those above max as in max.
func (l Limits) within(max Limits) Limits {
	return Limits{
		CPU:       lower(l.CPU, max.CPU),
		Memory:    lower(l.Memory, max.Memory),
		Processes: lower(l.Processes, max.Processes),
		FileSize:  lower(l.FileSize, max.FileSize),
		Disk:      lower(l.Disk, max.Disk),
		Tmp:       lower(l.Tmp, max.Tmp),
		Output:    lower(l.Output, max.Output),
		Log:       lower(l.Log, max.Log),
		Report:    lower(l.Report, max.Report),
		Grace:     lower(l.Grace, max.Grace),
	}
}

// lower returns n, or max if n is not set or above it.
func lower[N int | Size | time.Duration](n, max N) N {
	if n <= 0 || n > max {
		return max
	}
	return n
}

// A Size is a number of bytes. As text it may have a unit: 512MiB, 2GiB.
type Size int64

// UnmarshalText reads a size such as 4096, 64KiB, 512MiB or 2GiB.
func (s *Size) UnmarshalText(text []byte) error {
	number, shift := string(text), 0
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if n, ok := strings.CutSuffix(number, unit); ok {
			number, shift = strings.TrimSpace(n), 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > 1<<62>>shift {
		return fmt.Errorf("%q is no size such as 512MiB or 2GiB", text)
	}
	*s = Size(n << shift)
	return nil
}

// New returns the runner of a name: "bubblewrap", "kubernetes", "none", or "" for
// bubblewrap where it works. It tries the runner out, so that what is missing
// shows when the server starts and not with the first command.
//
// When ctx ends, the server is stopping: commands whose own context ends after
// that may go on, to be found again by their Key.
func New(ctx context.Context, name string, s Settings) (Runner, error) {
	switch name {
	case "none":
		return None{}, nil
	case "", "bubblewrap", "kubernetes":
	default:
		return nil, fmt.Errorf("there is no runner %q; choose bubblewrap, kubernetes or none", name)
	}
	if err := s.complete(); err != nil {
		return nil, err
	}
	if name == "kubernetes" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("commands cannot be run in Kubernetes here: %w", err)
		}
		return newKubernetes(ctx, s, config)
	}
	r, err := newBubblewrap(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("commands cannot be run in bubblewrap here: %w; "+
			"it takes bubblewrap 0.8 or newer and a kernel that lets this user make user namespaces; "+
			"else choose the runner none, which runs no commands", err)
	}
	return r, nil
}

// complete gives s what it lacks, and returns what is wrong with it.
func (s *Settings) complete() error {
	if s.Limits == (Limits{}) {
		s.Limits = DefaultLimits
	}
	if s.Parallel == 0 {
		s.Parallel = 2
	}
	if s.Path == "" {
		s.Path = "/usr/local/bin:/usr/bin:/bin"
	}
	if s.WorkDir == "" {
		s.WorkDir = os.TempDir()
	}
	if s.Parallel < 0 {
		return errors.New("at least 1 command must be allowed to run at the same time")
	}
	l := s.Limits
	if l.Processes < 16 || l.Memory < 64<<20 || l.Log < 4<<10 || l.CPU < time.Second || l.Grace < 0 ||
		min(l.FileSize, l.Disk, l.Tmp, l.Output, l.Report) < 4<<10 {
		return errors.New("the limits are too low for any command: " +
			"allow 16 processes, 64MiB of memory, 1s of CPU time, and 4KiB of anything else at least")
	}
	if s.Cores == 0 {
		s.Cores = 2
	}
	if s.Listen == "" {
		s.Listen = ":8081"
	}
	if s.Start == 0 {
		s.Start = 10 * time.Minute
	}
	for _, dir := range s.Read {
		if !filepath.IsAbs(dir) || filepath.Clean(dir) == "/" {
			return fmt.Errorf("commands cannot be allowed to read %q; name a folder by its absolute path", dir)
		}
		if _, err := os.Stat(dir); err != nil {
			return fmt.Errorf("commands cannot be allowed to read what is not there: %w", err)
		}
	}
	return nil
}
