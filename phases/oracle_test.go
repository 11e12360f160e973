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

	"golang.org/x/tools/txtar"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// A question is what testdata/oracle.py is asked.
type question struct {
	Runs   []script `json:"runs"`
	Stages []stage  `json:"stages"`
}

// A script is to be run in a folder.
type script struct {
	File  string   `json:"file"`
	Dir   string   `json:"dir"`
	Paths []string `json:"paths"` // for sys.path
}

// A stage is the tree before the first phase, or after one.
type stage struct {
	Phase     phases.Phase `json:"phase"`
	Dir       string       `json:"dir"`
	Paths     []string     `json:"paths"`
	Modules   []string     `json:"modules"`   // files that may be imported
	Files     []string     `json:"files"`     // files that the phase rewrote, or the next one does
	Moves     [][2]string  `json:"moves"`     // files that the phase moved, from and to
	Rewritten [][2]string  `json:"rewritten"` // files that it rewrote, where they were and are
	Moved     [][2]string  `json:"moved"`     // what moves in any phase
	Replaced  []string     `json:"replaced"`  // paths and names that the plan replaces by others
	Olds      []string     `json:"olds"`      // paths and names that the plan touches
}

// verdict is what it answers.
type verdict struct {
	Outputs     []string `json:"outputs"` // by run, with the exit status if that is not 0
	Differences []string `json:"differences"`
}

// python runs the scripts of the case in the tree of each stage, and compares
// what Python makes of all modules and of rewritten files.
func (c *testCase) python(t *testing.T, py *interpreter) {
	dir := t.TempDir()
	var q question
	var dirs []string
	for i, at := range c.stages {
		dirs = append(dirs, filepath.Join(dir, fmt.Sprint(i)))
		materialize(t, dirs[i], at)
		q.Stages = append(q.Stages, c.stage(i, dirs[i]))
	}
	for i, change := range c.changes {
		was, now := &q.Stages[i], &q.Stages[i+1]
		for _, m := range change.Moved {
			now.Moves = append(now.Moves, [2]string{m.From, m.To})
		}
		for _, r := range change.Rewritten {
			before := r.Path
			if at := slices.IndexFunc(change.Moved, func(m phases.Moved) bool { return m.To == r.Path }); at >= 0 {
				before = change.Moved[at].From
			}
			if path.Ext(r.Path) == ".py" {
				was.Files, now.Files = append(was.Files, before), append(now.Files, r.Path)
				now.Rewritten = append(now.Rewritten, [2]string{before, r.Path})
			}
		}
	}
	type group struct {
		name         string
		first, after int
	}
	var groups []group
	for _, f := range c.archive.Files {
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
		groups = append(groups, group{f.Name, len(q.Runs), len(q.Runs) + last - first})
		for i := first; i < last; i++ {
			q.Runs = append(q.Runs, script{file, dirs[i], c.sysPath(dirs[i])})
		}
	}
	c.typeCheck(t, dirs)
	if c.section("projects") != nil {
		q.Stages = []stage{}
	}
	v := py.ask(t, q)
	c.compareLines(t, "breaks", v.Differences, true)
	for _, g := range groups {
		outputs := v.Outputs[g.first:g.after]
		if strings.TrimSpace(outputs[0]) == "" {
			t.Errorf("%s prints nothing", g.name)
		}
		for i, out := range outputs {
			if out != outputs[0] || strings.Contains(out, "exit status") {
				t.Errorf("%s, stage %s, prints\n%s\nat first it was\n%s", g.name, filepath.Base(q.Runs[g.first+i].Dir), out, outputs[0])
			}
		}
	}
}

// project returns what the case is for a folder of its repository alone, without
// scripts.
func (c *testCase) project(dir string) *testCase {
	in := func(p string) (string, bool) { return strings.CutPrefix(p, dir+"/") }
	p := &testCase{archive: &txtar.Archive{}, plan: &plan.Plan{}}
	for _, root := range c.plan.SourceRoots {
		if root, ok := in(root); ok {
			p.plan.SourceRoots = append(p.plan.SourceRoots, root)
		}
	}
	for _, stage := range c.stages {
		files := map[string]string{}
		for _, e := range tree.Under(stage, dir) {
			data, _ := stage.Read(e.Path)
			files[strings.TrimPrefix(e.Path, dir+"/")] = string(data)
		}
		p.stages = append(p.stages, tree.NewMap(files))
	}
	p.before = p.stages[0]
	for _, change := range c.changes {
		now := &phases.Change{Phase: change.Phase}
		for _, m := range change.Moved {
			from, ok := in(m.From)
			if to, still := in(m.To); ok && still {
				now.Moved = append(now.Moved, phases.Moved{From: from, To: to})
			}
		}
		for _, r := range change.Rewritten {
			if file, ok := in(r.Path); ok {
				now.Rewritten = append(now.Rewritten, phases.Rewrite{Path: file})
			}
		}
		p.changes = append(p.changes, now)
	}
	return p
}

// typeCheck runs mypy over the case's typed.py in each stage but the last: for
// it too the shims are what they stand for.
func (c *testCase) typeCheck(t *testing.T, dirs []string) {
	text := c.section("typed.py")
	if text == nil {
		return
	}
	cache := t.TempDir()
	for _, dir := range dirs[:min(3, len(dirs))] {
		file := filepath.Join(dir, "typed.py")
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "mypy", "--strict", "--cache-dir", cache, "typed.py")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "MYPYPATH="+strings.Join(c.sysPath(dir), string(os.PathListSeparator)))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("mypy, stage %s: %v\n%s", filepath.Base(dir), err, out)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// stage returns what is to be looked at after so many phases.
func (c *testCase) stage(i int, dir string) stage {
	s := stage{Phase: "before", Dir: dir, Paths: c.sysPath(dir),
		Modules: []string{}, Files: []string{}, Moves: [][2]string{}, Rewritten: [][2]string{}, Moved: [][2]string{}, Replaced: []string{}, Olds: []string{}}
	if i > 0 {
		s.Phase = c.changes[i-1].Phase
	}
	for _, e := range c.stages[i].Entries() {
		if path.Ext(e.Path) == ".py" && e.Mode != tree.Symlink {
			s.Modules = append(s.Modules, e.Path)
		}
	}
	for _, change := range c.changes {
		for _, m := range change.Moved {
			s.Moved = append(s.Moved, [2]string{m.From, m.To})
			s.Olds = append(s.Olds, m.From)
			if m.Merged {
				s.Replaced = append(s.Replaced, m.From)
			}
		}
	}
	for _, mv := range c.plan.Moves {
		s.Olds = append(s.Olds, mv.From)
	}
	for _, r := range c.plan.Retire {
		s.Replaced = append(s.Replaced, r.Path)
	}
	for _, d := range c.plan.Delete {
		s.Replaced = append(s.Replaced, d.Path)
	}
	for _, row := range c.plan.Imports {
		old := strings.TrimSuffix(row.Old, ".*")
		s.Olds = append(s.Olds, old)
		if strings.Contains(old, ":") {
			s.Replaced = append(s.Replaced, old)
		}
	}
	s.Olds = append(s.Olds, s.Replaced...)
	return s
}

// sysPath returns where Python looks for modules.
func (c *testCase) sysPath(dir string) []string {
	roots := strings.Fields(string(c.section("paths")))
	if len(roots) == 0 {
		roots = append(slices.Clone(c.plan.SourceRoots), "src", ".")
	}
	var paths []string
	for _, r := range roots {
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
