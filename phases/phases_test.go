package phases_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/config"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

var update = flag.Bool("update", false, "write what comes out into the expectations that the cases have")

// TestCases carries out each plan in testdata and compares what the case lists:
//
//	plan.yaml, plan.md   the plan; or before/docs/plan.yaml, if it lies in the repository
//	before/PATH          a file before the first phase
//	moves/PATH           a file after a phase; likewise imports/PATH, cleanup/PATH
//	decisions            "PHASES PATH: QUESTION [OPTIONS]", one a line, all there are;
//	                     PHASES is "all" for a question that every phase asks
//	warnings             "PHASE PATH:LINE RULE: MESSAGE", one a line, all there are
//	commits              "PHASE TITLE", one a line
//	preflight            what is said before the first phase
//	error                the end of a run that must fail, "PHASE: MESSAGE"
//	phases               the phases to run, if not all three
//	paths                where Python looks for modules, if not in the plan's
//	                     source roots, src and the repository itself
//	projects             folders, one a line, that have nothing to do with each
//	                     other: Python looks at each by itself
//	late                 the files of before, one a line, that came when the
//	                     migration was under way
//	workflows            if it is there, workflows may be changed
//	check.py             run by Python before the first phase and after each, with
//	                     the same output every time
//	old.py               the same, but not after cleanup: what shims are for
//	new.py               the same, but not before moves
//	typed.py             what "mypy --strict" has nothing to say about, before
//	                     cleanup
//	breaks               "PHASE: WHAT", one a line: what the plan or its answers
//	                     really change
//
// Beside that, Python imports every module of every stage, and compares: who
// could be imported can be, and its names are the same objects; a file that was
// rewritten is the same code, and its imports, its chains and the names in its
// strings lead to the same objects as before (see testdata/meaning.py).
//
// In parentheses behind the name of a file stands what its bytes alone do not
// say: crlf, bom, no newline, escaped (\t, \f, \xE9), executable, symlink, and
// gone for a file that must not be there. Questions, messages and errors may be
// cut short. Questions that are not listed and warnings that are not listed
// fail the case.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	py := startPython(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := readCase(t, file)
			c.run(t, py)
			if *update {
				c.write(t)
			}
		})
	}
}

// planFile is where a plan is that lies in the repository.
const planFile = "docs/plan.yaml"

// A testCase is one file of testdata.
type testCase struct {
	file    string
	archive *txtar.Archive
	before  tree.Tree
	plan    *plan.Plan
	planErr error
	opt     phases.Options
	phases  []phases.Phase

	stages    []tree.Tree // before, and after each phase
	changes   []*phases.Change
	decisions []string
	err       string
}

func readCase(t *testing.T, file string) *testCase {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(archive.Comment)) == 0 {
		t.Errorf("%s does not say what it shows", file)
	}
	c := &testCase{file: file, archive: archive, phases: phases.All}
	c.opt.PlanFile = planFile
	var edits []tree.Edit
	var late []string
	for _, f := range archive.Files {
		name, flags := splitName(f.Name)
		if p, ok := strings.CutPrefix(name, "before/"); ok {
			edits = append(edits, tree.Edit{Path: p, Data: decode(t, f.Data, flags), Mode: mode(flags)})
			name = p
		}
		switch name {
		case "plan.yaml", "plan.md", planFile:
			c.plan, c.planErr = plan.Read(name, f.Data)
		case "late":
			late = strings.Fields(string(f.Data))
		case "workflows":
			c.opt.Workflows = true
		case "phases":
			c.phases = nil
			for _, p := range strings.Fields(string(f.Data)) {
				c.phases = append(c.phases, phases.Phase(p))
			}
		case config.Path:
			conf, err := config.Read(f.Data)
			if err != nil {
				t.Fatal(err)
			}
			c.opt.SourceRoots, c.opt.Include, c.opt.Exclude, c.opt.NoShims = conf.SourceRoots, conf.Include, conf.Exclude, !conf.Shims
		}
	}
	if c.plan == nil && c.planErr == nil {
		t.Fatal("there is no plan")
	}
	if c.before, err = tree.Apply(tree.NewMap(nil), edits); err != nil {
		t.Fatal(err)
	}
	for _, e := range c.before.Entries() {
		if late != nil && !slices.Contains(late, e.Path) {
			c.opt.Known = append(c.opt.Known, e.Path)
		}
	}
	return c
}

// splitName splits "path (flag, flag)".
func splitName(s string) (name string, flags []string) {
	name, in, ok := strings.Cut(s, " (")
	if !ok {
		return s, nil
	}
	return name, strings.Split(strings.TrimSuffix(in, ")"), ", ")
}

func mode(flags []string) tree.Mode {
	switch {
	case slices.Contains(flags, "executable"):
		return tree.Executable
	case slices.Contains(flags, "symlink"):
		return tree.Symlink
	}
	return tree.Regular
}

// escapes are the bytes that a text file cannot show.
var escapes = []string{`\\`, `\`, `\t`, "\t", `\f`, "\f", `\v`, "\v", `\r`, "\r", `\0`, "\x00", `\xE9`, "\xe9"}

// decode returns the bytes that a file of the case stands for; encode is its
// inverse.
func decode(t *testing.T, data []byte, flags []string) []byte {
	s := string(data)
	for _, f := range flags {
		switch f {
		case "no newline":
			s = strings.TrimSuffix(s, "\n")
		case "symlink":
			s = strings.TrimSuffix(s, "\n")
		case "crlf":
			s = strings.ReplaceAll(s, "\n", "\r\n")
		case "bom":
			s = "\ufeff" + s
		case "escaped":
			s = strings.NewReplacer(escapes...).Replace(s)
		case "executable", "gone":
		default:
			t.Fatalf("what is a file that is %q?", f)
		}
	}
	return []byte(s)
}

func encode(data []byte, flags []string) []byte {
	s := string(data)
	for _, f := range slices.Backward(flags) {
		switch f {
		case "no newline", "symlink":
			s += "\n"
		case "crlf":
			s = strings.ReplaceAll(s, "\r\n", "\n")
		case "bom":
			s = strings.TrimPrefix(s, "\ufeff")
		case "escaped":
			back := slices.Clone(escapes)
			for i := 0; i < len(back); i += 2 {
				back[i], back[i+1] = back[i+1], back[i]
			}
			s = strings.NewReplacer(back...).Replace(s)
		}
	}
	return []byte(s)
}

// run carries out the phases, compares, and lets Python have a look.
func (c *testCase) run(t *testing.T, py *interpreter) {
	c.carryOut(t)
	c.preflight(t)
	c.compareFiles(t)
	c.compareLines(t, "decisions", c.decisions, true)
	c.compareLines(t, "warnings", c.warnings(), true)
	c.compareLines(t, "commits", c.commits(), c.section("commits") != nil)
	if want := strings.TrimSpace(string(c.section("error"))); *update && c.section("error") != nil {
		c.set("error", c.err+"\n")
	} else if (want == "") != (c.err == "") || !strings.Contains(c.err, want) {
		t.Errorf("error %q, want %q", c.err, want)
	}
	if len(c.stages) > 1 {
		for _, dir := range strings.Fields(string(c.section("projects"))) {
			c.project(dir).python(t, py)
		}
		c.python(t, py)
	}
}

func (c *testCase) carryOut(t *testing.T) {
	c.stages = []tree.Tree{c.before}
	if c.planErr != nil {
		c.err = "plan: " + c.planErr.Error()
		return
	}
	at := c.before
	for _, phase := range c.phases {
		c.checkNothing(t, at, phase)
	}
	asked := map[string][]phases.Phase{}
	var order []string
	for _, phase := range c.phases {
		change, err := phases.Run(context.Background(), at, c.plan, phase, c.opt)
		if err != nil {
			c.err = string(phase) + ": " + err.Error()
			return
		}
		again, err := phases.Run(context.Background(), at, c.plan, phase, c.opt)
		if err != nil || !reflect.DeepEqual(change, again) {
			t.Errorf("%s is not the same twice", phase)
		}
		next := checkCommits(t, at, change)
		c.checkTwice(t, next, phase)
		for _, d := range change.Decisions {
			line := d.Path + ": " + d.Question + " [" + strings.Join(d.Options, ", ") + "]"
			if asked[line] == nil {
				order = append(order, line)
			}
			asked[line] = append(asked[line], phase)
		}
		at = next
		c.stages = append(c.stages, next)
		c.changes = append(c.changes, change)
	}
	c.checkFrom(t)
	for _, line := range order {
		by := fmt.Sprint(asked[line])
		if by = strings.ReplaceAll(strings.Trim(by, "[]"), " ", ","); len(asked[line]) == 3 {
			by = "all"
		}
		c.decisions = append(c.decisions, by+" "+line)
	}
}

// preflight compares what is said before the first phase.
func (c *testCase) preflight(t *testing.T) {
	want := c.section("preflight")
	if want == nil {
		return
	}
	pre, err := phases.Look(context.Background(), c.before, c.plan, c.opt)
	if err != nil {
		t.Errorf("preflight: %v", err)
		return
	}
	got := pre.Markdown()
	if *update {
		c.set("preflight", got)
	} else if got != string(want) {
		t.Errorf("preflight:\n%s\nwant\n%s", got, want)
	}
	if !reflect.DeepEqual(pre.Changes[0], c.changes[0]) {
		t.Error("preflight sees other moves than the phase makes")
	}
}

// checkCommits applies the commits of a change one by one: each changes
// exactly the files that it says, and pure renames are a commit of their own.
func checkCommits(t *testing.T, at tree.Tree, change *phases.Change) tree.Tree {
	t.Helper()
	for _, commit := range change.Commits {
		next, err := tree.Apply(at, commit.Edits)
		if err != nil {
			t.Fatalf("%s: %s: %v", change.Phase, commit.Title, err)
		}
		if changed := differences(at, next); !slices.Equal(changed, commit.Files) {
			t.Errorf("%s: %q says that it changes %q, and changes %q", change.Phase, commit.Title, commit.Files, changed)
		}
		for _, e := range commit.Edits {
			if e.From == "" {
				continue
			}
			if before, _ := at.Read(e.From); !bytes.Equal(before, e.Data) {
				t.Errorf("%s: %q renames %s and changes it", change.Phase, commit.Title, e.From)
			}
		}
		at = next
	}
	return at
}

// checkFrom carries out all phases in one go: each does what it does by itself.
func (c *testCase) checkFrom(t *testing.T) {
	t.Helper()
	if len(c.changes) < len(phases.All) {
		return
	}
	all, err := phases.RunFrom(context.Background(), c.before, c.plan, phases.Moves, c.opt)
	if err != nil {
		t.Errorf("all phases in one go: %v", err)
		return
	}
	for i, change := range all {
		if !reflect.DeepEqual(change, c.changes[i]) {
			t.Errorf("%s is something else when all phases are carried out in one go:\n%+v\nby itself\n%+v", change.Phase, change, c.changes[i])
		}
	}
}

// checkTwice runs a phase, and those before it, on the result of the phase:
// there is nothing left to do.
func (c *testCase) checkTwice(t *testing.T, at tree.Tree, phase phases.Phase) {
	t.Helper()
	for _, p := range phases.All[:slices.Index(phases.All, phase)+1] {
		again, err := phases.Run(context.Background(), at, c.plan, p, c.opt)
		if err != nil {
			t.Errorf("%s after %s: %v", p, phase, err)
			continue
		}
		next := checkCommits(t, at, again)
		for _, f := range differences(at, next) {
			t.Errorf("%s after %s changes %s:\n%s", p, phase, f, diff(at, editOf(next, f)))
		}
		if len(again.Commits) > 0 {
			t.Errorf("%s after %s has commits", p, phase)
		}
	}
}

// checkNothing runs a phase of a plan that says nothing.
func (c *testCase) checkNothing(t *testing.T, at tree.Tree, phase phases.Phase) {
	t.Helper()
	change, err := phases.Run(context.Background(), at, &plan.Plan{}, phase, c.opt)
	if err == nil && len(change.Commits)+len(change.Moved)+len(change.Rewritten)+len(change.Deleted)+len(change.Decisions) > 0 {
		t.Errorf("%s of an empty plan is %+v", phase, change)
	}
}

func editOf(t tree.Tree, f string) tree.Edit {
	e, ok := tree.Find(t, f)
	data, _ := t.Read(f)
	return tree.Edit{Path: f, Data: data, Mode: e.Mode, Delete: !ok}
}

// differences returns the paths at which two trees differ, sorted.
func differences(a, b tree.Tree) []string {
	var paths []string
	for _, e := range append(slices.Clone(a.Entries()), b.Entries()...) {
		ea, inA := tree.Find(a, e.Path)
		eb, inB := tree.Find(b, e.Path)
		da, _ := a.Read(e.Path)
		db, _ := b.Read(e.Path)
		if inA != inB || ea.Mode != eb.Mode || !bytes.Equal(da, db) {
			paths = append(paths, e.Path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func (c *testCase) compareFiles(t *testing.T) {
	for i, f := range c.archive.Files {
		name, flags := splitName(f.Name)
		phase, p, _ := strings.Cut(name, "/")
		at := slices.Index(c.phases, phases.Phase(phase))
		if at < 0 {
			continue
		}
		if at+1 >= len(c.stages) {
			t.Errorf("%s: %s has not been run", f.Name, phase)
			continue
		}
		after := c.stages[at+1]
		e, ok := tree.Find(after, p)
		if gone := slices.Contains(flags, "gone"); gone || !ok {
			if gone == ok {
				t.Errorf("after %s: %s is there: %v", phase, p, ok)
			}
			continue
		}
		got, err := after.Read(p)
		if err != nil {
			t.Error(err)
		}
		if e.Mode != mode(flags) {
			t.Errorf("after %s: the mode of %s is %v", phase, p, e.Mode)
		}
		if *update {
			c.archive.Files[i].Data = encode(got, flags)
		} else if want := decode(t, f.Data, flags); !bytes.Equal(got, want) {
			t.Errorf("after %s: %s is not as it should be (+ is what it is):\n%s", phase, p, diff(tree.NewMap(map[string]string{p: string(want)}), tree.Edit{Path: p, Data: got}))
		}
	}
}

func diff(t tree.Tree, e tree.Edit) string {
	patches, err := tree.Diff(t, []tree.Edit{e})
	if err != nil || len(patches) == 0 {
		return fmt.Sprint("no difference to show: ", err)
	}
	return patches[0].Diff
}

func (c *testCase) warnings() []string {
	var lines []string
	for _, change := range c.changes {
		for _, w := range change.Warnings {
			at := w.Path
			if w.Line > 0 {
				at = fmt.Sprintf("%s:%d", w.Path, w.Line)
			}
			lines = append(lines, fmt.Sprintf("%s %s %s: %s", change.Phase, at, w.Rule, w.Message))
		}
	}
	return lines
}

func (c *testCase) commits() []string {
	var lines []string
	for _, change := range c.changes {
		for _, commit := range change.Commits {
			lines = append(lines, string(change.Phase)+" "+commit.Title)
		}
	}
	return lines
}

// compareLines compares lines with a section of the case; a line of the
// section may be the start of what is meant.
func (c *testCase) compareLines(t *testing.T, section string, got []string, always bool) {
	t.Helper()
	if !always {
		return
	}
	if *update {
		c.archive.Files = slices.DeleteFunc(c.archive.Files, func(f txtar.File) bool { return f.Name == section })
		if len(got) > 0 || section == "commits" {
			c.set(section, strings.Join(got, "\n"))
		}
		return
	}
	want := strings.Split(strings.TrimSpace(string(c.section(section))), "\n")
	if want[0] == "" {
		want = nil
	}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("%s:\n%s\nwant:\n%s", section, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (c *testCase) section(name string) []byte {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func (c *testCase) set(section, text string) {
	for i, f := range c.archive.Files {
		if f.Name == section {
			c.archive.Files[i].Data = []byte(text)
			return
		}
	}
	c.archive.Files = append(c.archive.Files, txtar.File{Name: section, Data: []byte(text)})
}

func (c *testCase) write(t *testing.T) {
	if err := os.WriteFile(c.file, txtar.Format(c.archive), 0o666); err != nil {
		t.Error(err)
	}
}
