package demo

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// sampleOptions returns what .github/restage.yml of the sample says.
func sampleOptions(t *testing.T) phases.Options {
	t.Helper()
	opt, err := options(Sample())
	if err != nil {
		t.Fatal(err)
	}
	return opt
}

// A stage is the sample after a phase.
type stage struct {
	phase  phases.Phase // "" in the beginning
	change *phases.Change
	tree   tree.Tree
	dir    string // the same files in a folder
}

// carryOut runs the plan on the sample and returns it as it was in the
// beginning and after each phase.
func carryOut(t *testing.T) []stage {
	t.Helper()
	p := readPlan(t)
	p.Decide = answers
	stages := []stage{{tree: sampleTree(t), dir: t.TempDir()}}
	if err := os.CopyFS(stages[0].dir, Sample()); err != nil {
		t.Fatal(err)
	}
	for _, phase := range phases.All {
		before := stages[len(stages)-1]
		change, err := phases.Run(t.Context(), before.tree, p, phase, sampleOptions(t))
		if err != nil {
			t.Fatalf("%s: %v", phase, err)
		}
		after := stage{phase: phase, change: change, tree: apply(t, before.tree, change), dir: t.TempDir()}
		if err := os.CopyFS(after.dir, os.DirFS(before.dir)); err != nil {
			t.Fatal(err)
		}
		if err := tree.Write(after.dir, before.tree, edits(change)); err != nil {
			t.Fatalf("%s: %v", phase, err)
		}
		stages = append(stages, after)
	}
	return stages
}

func readPlan(t *testing.T) *plan.Plan {
	t.Helper()
	p, err := plan.Read("", Plan())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sampleTree returns the sample as a tree.
func sampleTree(t *testing.T) tree.Tree {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(Sample(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(Sample(), path)
		files[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree.NewMap(files)
}

func edits(change *phases.Change) []tree.Edit {
	var all []tree.Edit
	for _, c := range change.Commits {
		all = append(all, c.Edits...)
	}
	return all
}

func apply(t *testing.T, before tree.Tree, change *phases.Change) tree.Tree {
	t.Helper()
	after, err := tree.Apply(before, edits(change))
	if err != nil {
		t.Fatal(err)
	}
	return after
}

// python runs CPython in the folder dir and returns what it printed.
func python(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+filepath.Join(dir, "src"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The plan is silent about eight paths, and so asks.
func TestDecisions(t *testing.T) {
	p := readPlan(t)
	current := sampleTree(t)
	for _, phase := range phases.All {
		change, err := phases.Run(t.Context(), current, p, phase, sampleOptions(t))
		if err != nil {
			t.Fatalf("%s: %v", phase, err)
		}
		var asked []string
		for _, d := range change.Decisions {
			asked = append(asked, d.Path)
			if !slices.Contains(d.Options, answers[d.Path]) {
				t.Errorf("%s: %s has the options %q, the demo's user answers %q", phase, d.Path, d.Options, answers[d.Path])
			}
		}
		slices.Sort(asked)
		if want := sortedKeys(answers); !slices.Equal(asked, want) {
			t.Errorf("%s: asks about %q, want %q", phase, asked, want)
		}
		current = apply(t, current, change)
	}
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// The whole plan: every phase leaves what testdata/result.txt says, nothing
// open, nothing to do for a second run, and a sample whose tests pass.
func TestResult(t *testing.T) {
	stages := carryOut(t)
	for i, s := range stages {
		t.Run("stage "+string(s.phase), func(t *testing.T) {
			if out, err := python(t, s.dir, "-m", "unittest"); err != nil {
				t.Errorf("the sample's tests: %v\n%s", err, out)
			}
			if s.change == nil {
				return
			}
			for _, d := range s.change.Decisions {
				t.Errorf("still asks about %s: %s", d.Path, d.Question)
			}
			checkAgain(t, s)
			checkFiles(t, stages[0].tree, s)
			checkNotebooks(t, stages[0].tree, s.tree)
		})
		if i == len(stages)-1 {
			t.Run("leftovers", func(t *testing.T) { checkLeftovers(t, s) })
			t.Run("exports", func(t *testing.T) { checkExports(t, s) })
			t.Run("modules", func(t *testing.T) { checkModules(t, s) })
		}
	}
}

// checkAgain says that a phase has nothing to do on its own result.
func checkAgain(t *testing.T, s stage) {
	p := readPlan(t)
	p.Decide = answers
	again, err := phases.Run(t.Context(), s.tree, p, s.phase, sampleOptions(t))
	if err != nil {
		t.Fatalf("run again: %v", err)
	}
	for _, c := range again.Commits {
		t.Errorf("run again: commits %q, files %q", c.Title, c.Files)
	}
}

// importLines puts an import in parentheses on one line.
var importLines = regexp.MustCompile(`import \(\s*([^()#]*?),?\s*\)`)

func oneLine(text string) string {
	return importLines.ReplaceAllStringFunc(text, func(s string) string {
		names := importLines.FindStringSubmatch(s)[1]
		return "import " + strings.Join(strings.Fields(names), " ")
	})
}

// checkFiles compares the files of a stage with testdata/result.txt.
func checkFiles(t *testing.T, beginning tree.Tree, s stage) {
	data, err := os.ReadFile("testdata/result.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(data), "\n-- "+string(s.phase)+" --\n")
	if !found {
		t.Fatalf("testdata/result.txt does not know the phase %s", s.phase)
	}
	rest, _, _ = strings.Cut(rest, "\n-- ")
	var path, text string
	for line := range strings.Lines(rest) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
		case strings.HasPrefix(line, "+ "):
			if want := unquote(line[2:]); !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", path, want)
			}
		case strings.HasPrefix(line, "- "):
			if not := unquote(line[2:]); strings.Contains(text, not) {
				t.Errorf("%s has %q", path, not)
			}
		case strings.HasPrefix(line, "!"):
			if _, there := tree.Find(s.tree, line[1:]); there {
				t.Errorf("%s is still there", line[1:])
			}
		default:
			path = strings.TrimPrefix(line, "=")
			now, err := s.tree.Read(path)
			if err != nil {
				t.Error(err)
			}
			text = oneLine(string(now))
			if before, _ := beginning.Read(path); path != line && !bytes.Equal(before, now) {
				t.Errorf("%s was changed", path)
			}
		}
	}
}

// unquote reads a line that may be a JSON string.
func unquote(line string) string {
	var s string
	if strings.Contains(line, `\n`) && json.Unmarshal([]byte(line), &s) == nil {
		return s
	}
	return line
}

// checkNotebooks says that nothing but the sources of cells may change.
func checkNotebooks(t *testing.T, before, after tree.Tree) {
	for _, e := range tree.Under(before, "notebooks") {
		was, _ := before.Read(e.Path)
		is, err := after.Read(e.Path)
		if err != nil {
			t.Error(err)
			continue
		}
		if !reflect.DeepEqual(withoutSources(t, was), withoutSources(t, is)) {
			t.Errorf("%s: more than the sources of cells was changed", e.Path)
		}
		if a, b := bytes.Count(was, []byte("\n")), bytes.Count(is, []byte("\n")); b < a || b > a+4 {
			t.Errorf("%s: had %d lines, has %d: written anew?", e.Path, a, b)
		}
	}
}

func withoutSources(t *testing.T, notebook []byte) map[string]any {
	var v map[string]any
	if err := json.Unmarshal(notebook, &v); err != nil {
		t.Error(err)
	}
	cells, _ := v["cells"].([]any)
	for _, cell := range cells {
		delete(cell.(map[string]any), "source")
	}
	return v
}

// checkLeftovers looks for the old package the way a person would.
func checkLeftovers(t *testing.T, s stage) {
	old := regexp.MustCompile(`orchestration\.jobs[\w.*]*`)
	kept := regexp.MustCompile(`^orchestration\.jobs(\.hpo(\.local(\.(checkpoint|cv|mlflow|optuna|refit|study|trial)\b.*)?)?)?$`)
	for _, e := range s.tree.Entries() {
		if ext := filepath.Ext(e.Path); ext != ".py" && ext != ".toml" {
			continue
		}
		data, err := s.tree.Read(e.Path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			for _, name := range old.FindAllString(line, -1) {
				if !kept.MatchString(name) {
					t.Errorf("%s:%d: %s", e.Path, i+1, strings.TrimSpace(line))
				}
			}
		}
	}
	for _, e := range tree.Under(s.tree, "src/orchestration") {
		dir, name, _ := strings.Cut(strings.TrimPrefix(e.Path, "src/orchestration/jobs/hpo/local/"), "/")
		if _, keep := answers["orchestration/jobs/hpo/local/"+dir+"/"]; !keep && filepath.Base(e.Path) != "__init__.py" {
			t.Errorf("%s (%s) is left", e.Path, name)
		}
	}
}

// checkExports imports what the plan says each new package exports.
func checkExports(t *testing.T, s stage) {
	packages := 0
	for _, m := range readPlan(t).Moves {
		if len(m.Export) == 0 {
			continue
		}
		packages++
		module := strings.ReplaceAll(strings.TrimSuffix(m.To, "/"), "/", ".")
		if strings.HasSuffix(m.To, ".py") {
			module = strings.ReplaceAll(filepath.Dir(m.To), "/", ".")
		}
		code := "import " + module + " as m\n" +
			"from " + module + " import " + strings.Join(m.Export, ", ") + "\n" +
			"missing = set('" + strings.Join(m.Export, " ") + "'.split()) - set(m.__all__)\n" +
			"assert not missing, missing"
		if out, err := python(t, s.dir, "-W", "error", "-c", code); err != nil {
			t.Errorf("%s: %v\n%s", module, err, out)
		}
	}
	if packages < 6 {
		t.Errorf("the plan exports from %d packages, want 6", packages)
	}
}

// checkModules imports each module first thing in a fresh interpreter: no
// order of imports may matter.
func checkModules(t *testing.T, s stage) {
	const code = `
import importlib, os, pathlib, sys
for file in sorted(pathlib.Path("src").rglob("*.py")):
    parts = file.relative_to("src").with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    child = os.fork()
    if child == 0:
        importlib.import_module(name)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit("cannot import " + name)
`
	if out, err := python(t, s.dir, "-c", code); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The sample's tests are worth something: they notice a reference that was
// rewritten to the wrong place, or not at all.
func TestSampleNotices(t *testing.T) {
	last := carryOut(t)[3]
	for _, mistake := range []struct{ file, old, new string }{
		{"tests/training/test_jobs.py", `"training.azureml.jobs.submit_and_wait_for_job"`, `"training.azureml.submit_and_wait_for_job"`},
		{"tests/training/test_jobs.py", `"infrastructure.azureml.runtime.submit_and_wait_for_job"`, `"infrastructure.azureml.submit_and_wait_for_job"`},
		{"tests/training/test_execution.py", `"infrastructure.tracking.mlflow.index.version_counter.reserve_run_name_version"`, `"infrastructure.tracking.mlflow.index.reserve_run_name_version"`},
		{"tests/test_deployment.py", `"deployment.conversion.orchestration.run_conversion_workflow"`, `"deployment.conversion.run_conversion_workflow"`},
		{"src/infrastructure/naming/mlflow/run_names.py", "mlflow.index.version_counter import", "mlflow.index import"},
		{"src/training/submit.py", "infrastructure.azureml.runtime import JobFailed", "infrastructure.azureml import JobFailed"},
		{"src/common/registry.py", `"infrastructure.azureml.runtime"`, `"infrastructure.azureml"`},
		{"config/jobs.json", "training.azureml", "orchestration.jobs.training"},
		{"pyproject.toml", "    \"training.azureml\",\n", ""},
		{"pyproject.toml", "training.azureml.jobs:main", "training.azureml:main"},
		{"src/training/README.md", "from training.azureml", "from orchestration.jobs.training"},
		{"notebooks/02_study.ipynb", "../src/training/azureml/jobs.py", "../src/orchestration/jobs/training.py"},
	} {
		t.Run(mistake.file+" "+mistake.new, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(last.dir)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, mistake.file)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			wrong := strings.ReplaceAll(string(data), mistake.old, mistake.new)
			if wrong == string(data) {
				t.Fatalf("%s has no %q", mistake.file, mistake.old)
			}
			if err := os.WriteFile(file, []byte(wrong), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := python(t, dir, "-m", "unittest"); err == nil {
				t.Errorf("the sample's tests pass all the same:\n%s", out)
			}
		})
	}
}
