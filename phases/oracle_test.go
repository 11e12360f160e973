package phases_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/tree"
)

// A question is what testdata/oracle.py is asked.
type question struct {
	Runs  []script `json:"runs"`
	Pairs []pair   `json:"pairs"`
}

// A script is to be run in a folder.
type script struct {
	File  string   `json:"file"`
	Dir   string   `json:"dir"`
	Paths []string `json:"paths"` // for sys.path
}

// A pair is a Python file before and after it was rewritten.
type pair struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// verdict is what it answers.
type verdict struct {
	Outputs     []string `json:"outputs"` // by run, with the exit status if that is not 0
	Differences []string `json:"differences"`
}

// python runs the scripts of the case in the tree of each stage, and compares
// the syntax trees of rewritten files.
func (c *testCase) python(t *testing.T, py *interpreter) {
	dir := t.TempDir()
	var q question
	var dirs []string
	for i, stage := range c.stages {
		dirs = append(dirs, filepath.Join(dir, fmt.Sprint(i)))
		materialize(t, dirs[i], stage)
	}
	for i, change := range c.changes {
		for _, r := range change.Rewritten {
			before := r.Path
			if at := slices.IndexFunc(change.Moved, func(m phases.Moved) bool { return m.To == r.Path }); at >= 0 {
				before = change.Moved[at].From
			}
			if path.Ext(r.Path) == ".py" {
				q.Pairs = append(q.Pairs, pair{filepath.Join(dirs[i], before), filepath.Join(dirs[i+1], r.Path)})
			}
		}
	}
	type group struct{ script, first, after int }
	var groups []group
	for at, f := range c.archive.Files {
		first, last := 0, len(dirs)
		switch f.Name {
		case "check.py":
		case "old.py":
			last = min(3, len(dirs))
		case "new.py":
			first = 1
		default:
			continue
		}
		file := filepath.Join(dir, f.Name)
		if err := os.WriteFile(file, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, group{at, len(q.Runs), len(q.Runs) + last - first})
		for i := first; i < last; i++ {
			q.Runs = append(q.Runs, script{file, dirs[i], c.sysPath(dirs[i])})
		}
	}
	if len(q.Runs)+len(q.Pairs) == 0 {
		return
	}
	v := py.ask(t, q)
	for _, d := range v.Differences {
		t.Error(d)
	}
	for _, g := range groups {
		outputs := v.Outputs[g.first:g.after]
		if strings.TrimSpace(outputs[0]) == "" {
			t.Errorf("%s prints nothing", c.archive.Files[g.script].Name)
		}
		for i, out := range outputs {
			if out != outputs[0] || strings.Contains(out, "exit status") {
				t.Errorf("%s, stage %s, prints\n%s\nat first it was\n%s", c.archive.Files[g.script].Name, filepath.Base(q.Runs[g.first+i].Dir), out, outputs[0])
			}
		}
	}
}

// sysPath returns where Python looks for modules: in the plan's source roots,
// else in src and in the folder itself.
func (c *testCase) sysPath(dir string) []string {
	var paths []string
	for _, r := range append(slices.Clone(c.plan.SourceRoots), "src", ".") {
		if len(tree.Under(c.before, r)) > 0 {
			paths = append(paths, filepath.Join(dir, r))
		}
	}
	return paths
}

func materialize(t *testing.T, dir string, at tree.Tree) {
	t.Helper()
	for _, e := range at.Entries() {
		data, err := at.Read(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, filepath.FromSlash(e.Path))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		switch e.Mode {
		case tree.Symlink:
			err = os.Symlink(string(data), file)
		case tree.Executable:
			err = os.WriteFile(file, data, 0o777)
		default:
			err = os.WriteFile(file, data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// An interpreter is one running testdata/oracle.py.
type interpreter struct {
	mu  sync.Mutex
	in  *json.Encoder
	out *json.Decoder
}

func startPython(t *testing.T) *interpreter {
	t.Helper()
	cmd := exec.Command("python3", "testdata/oracle.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return &interpreter{in: json.NewEncoder(in), out: json.NewDecoder(out)}
}

func (py *interpreter) ask(t *testing.T, q question) verdict {
	t.Helper()
	py.mu.Lock()
	defer py.mu.Unlock()
	if err := py.in.Encode(q); err != nil {
		t.Fatal(err)
	}
	var v verdict
	if err := py.out.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
