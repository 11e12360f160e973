package phases_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/check"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// sampleOptions are those of the sample's .github/restage.yml.
var sampleOptions = phases.Options{SourceRoots: []string{"src"}, Exclude: []string{"docs/audits/**"}}

// samplePlan returns the plan for the sample with its two decisions made.
func samplePlan() (*plan.Plan, error) {
	text, err := os.ReadFile("../bot/demo/plan.md")
	if err != nil {
		return nil, err
	}
	p, err := plan.Read("plan.md", text)
	if err != nil {
		return nil, err
	}
	p.Decide = map[string]string{
		"orchestration/jobs/hpo/local/":            "keep",
		"orchestration/jobs/local_selection_v2.py": "delete",
	}
	return p, nil
}

// sampleStages returns the sample repository before the first phase and after
// each.
var sampleStages = sync.OnceValues(func() ([]tree.Tree, error) {
	p, err := samplePlan()
	if err != nil {
		return nil, err
	}
	at, err := tree.OpenDir("../bot/demo/sample")
	if err != nil {
		return nil, err
	}
	stages := []tree.Tree{at}
	for _, phase := range phases.All {
		change, err := phases.Run(context.Background(), at, p, phase, sampleOptions)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", phase, err)
		}
		if at, err = change.Apply(at); err != nil {
			return nil, err
		}
		stages = append(stages, at)
	}
	return stages, nil
})

func TestVerifySample(t *testing.T) {
	stages, err := sampleStages()
	if err != nil {
		t.Fatal(err)
	}
	p, err := samplePlan()
	if err != nil {
		t.Fatal(err)
	}
	for i, phase := range phases.All {
		befores := map[string]tree.Tree{"the phase before": stages[i], "the beginning": stages[0], "nothing": nil}
		if i == 0 {
			delete(befores, "the beginning")
		}
		for name, before := range befores {
			results, err := phases.Verify(t.Context(), before, stages[i+1], p, phase, sampleOptions)
			if err != nil {
				t.Fatalf("%s, compared with %s: %v", phase, name, err)
			}
			if len(results) != 5 {
				t.Errorf("%s, compared with %s: %d results", phase, name, len(results))
			}
			for _, r := range results {
				unsure := name == "nothing" && r.Conclusion == check.Neutral
				if r.Name == check.Plan && phase == phases.Cleanup {
					// What is kept still names orchestration, which the author's greps find.
					unsure = r.Conclusion == check.Neutral && r.Title == "84 of 89 checks of the plan hold; 5 cannot because of what stays"
				}
				if r.Conclusion != check.Success && !unsure {
					t.Errorf("%s, compared with %s: %s", phase, name, describeCheck(r))
				}
			}
		}
	}
}

// What the engine makes of its own cases has nothing to fail for; a question
// that is open is no failure.
func TestVerifyCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := readCase(t, file)
			at := c.before
			for _, phase := range c.phases {
				if c.planErr != nil {
					return
				}
				change, err := phases.Run(t.Context(), at, c.plan, phase, c.opt)
				if err != nil {
					return // the case says so
				}
				next, err := change.Apply(at)
				if err != nil {
					t.Fatal(err)
				}
				results, err := phases.Verify(t.Context(), at, next, c.plan, phase, c.opt)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range results {
					waits := r.Name == check.Structure && len(change.Decisions) > 0
					for _, a := range r.Annotations {
						if r.Name == check.Imports && unkept(a) {
							t.Errorf("%s: %s:%d: %s", phase, a.Path, a.Line, a.Message)
						}
					}
					if r.Conclusion == check.Failure || waits != (r.Conclusion == check.Neutral) {
						t.Errorf("%s with %d decisions: %s", phase, len(change.Decisions), describeCheck(r))
					}
				}
				at = next
			}
		})
	}
}

// Decisions that nobody has made keep the structure waiting, and nothing else.
func TestVerifyWaits(t *testing.T) {
	p, err := samplePlan()
	if err != nil {
		t.Fatal(err)
	}
	p.Decide = nil
	at, err := tree.OpenDir("../bot/demo/sample")
	if err != nil {
		t.Fatal(err)
	}
	for _, phase := range phases.All {
		change, err := phases.Run(t.Context(), at, p, phase, sampleOptions)
		if err != nil {
			t.Fatal(err)
		}
		next, err := change.Apply(at)
		if err != nil {
			t.Fatal(err)
		}
		results, err := phases.Verify(t.Context(), at, next, p, phase, sampleOptions)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			want := check.Success
			if r.Name == check.Structure || r.Name == check.Plan && phase == phases.Cleanup {
				want = check.Neutral
			}
			if r.Conclusion != want {
				t.Errorf("%s: want %s, got %s", phase, want, describeCheck(r))
			}
		}
		at = next
	}
}

// Each mistake, made on top of what a phase gives, is found by the check that
// is there for it, in the file where it is.
func TestVerifyMistakes(t *testing.T) {
	const (
		jobs   = "src/training/azureml/jobs.py"
		facade = "src/training/azureml/__init__.py"
		shim   = "src/orchestration/jobs/training.py"
	)
	tests := []struct {
		phase    phases.Phase
		mistake  string
		path     string
		old, new string // old == "": new is the whole file; both "": the file goes
		want     string // "CHECK PATH: part of the message"
	}{
		{phases.Moves, "a file is lost", jobs, "", "", "structure " + jobs + ": is not here"},
		{phases.Moves, "a function is lost", jobs, "def validate_final_training_job", "def check_it", "structure " + jobs + ": `validate_final_training_job`"},
		{phases.Moves, "an inner function is lost", "src/infrastructure/shared/backup.py", "def callback()", "def other()", "structure src/infrastructure/shared/backup.py: defined `callback` inside of something"},
		{phases.Moves, "a body is cut off", jobs, "problems.append(\"epochs must be 1 or more\")", "pass", "warning imports " + jobs + ": other code than before"},
		{phases.Moves, "a file that nothing names is lost", "README.md", "", "", "warning structure README.md: the plan does not say so"},
		{phases.Moves, "the metadata is lost", jobs, "@meta", "meta", "structure " + jobs + ": @meta block, and it is gone"},
		{phases.Moves, "no shim", shim, "", "", "structure " + jobs + ": no shim"},
		{phases.Moves, "a shim for another module", shim, "[__name__] = sys.modules[\"training.azureml.jobs\"]", "[__name__] = sys.modules[\"training.hpo.azureml.sweeps\"]", "structure " + shim + ": is to be a shim"},
		{phases.Moves, "a copy instead of a shim", shim, "", "def create_final_training_job(): pass\n", "structure " + shim + ": is to be a shim"},
		{phases.Moves, "no __init__.py", facade, "", "", "structure " + facade + ": no __init__.py"},
		{phases.Moves, "a name is not exported", facade, "    create_final_training_job,\n", "", "structure " + facade + ": does not export `create_final_training_job`"},
		{phases.Moves, "__all__ lacks a name", facade, "    \"create_final_training_job\",\n", "", "structure " + facade + ": not in `__all__`"},
		{phases.Moves, "imports twice", facade, "__all__", "from .jobs import create_final_training_job\n__all__", "structure " + facade + ": imported twice"},
		{phases.Moves, "the old domain", jobs, "domain: training", "domain: orchestration", "structure " + jobs + ": the domain is `orchestration`"},
		{phases.Moves, "the old tag", jobs, "  - azureml\n", "  - azureml\n  - orchestration\n", "structure " + jobs + ": the tag `orchestration`"},
		{phases.Moves, "a relative import was not adjusted", "src/infrastructure/shared/backup.py", "from orchestration.jobs.hpo.local.checkpoint", "from .checkpoint", "imports src/infrastructure/shared/backup.py: no module"},
		{phases.Moves, "a moved file imports through its own shim", "src/infrastructure/azureml/runtime.py", "import", "import training.azureml.jobs\nimport", "cycles : these modules import each other: `infrastructure.azureml` → `infrastructure.azureml.runtime` → `training.azureml.jobs` → `infrastructure.azureml`"},

		{phases.Imports, "a module that does not exist", "src/training/submit.py", "from training.azureml import", "from training.azurem1 import", "imports src/training/submit.py: no module `training.azurem1`"},
		{phases.Imports, "a name that the facade lacks", "src/training/submit.py", "from infrastructure.azureml.runtime import JobFailed", "from infrastructure.azureml import JobFailed", "imports src/training/submit.py: no `JobFailed`"},
		{phases.Imports, "an attribute of the wrong module", "src/training/cli.py", "training.azureml.jobs.DEFAULTS", "training.azureml.DEFAULTS", "imports src/training/cli.py: no `DEFAULTS`"},
		{phases.Imports, "a forgotten import", "src/training/submit.py", "from training.azureml import", "from orchestration.jobs.training import", "leftovers src/training/submit.py: `orchestration.jobs.training.create_final_training_job`"},
		{phases.Imports, "a forgotten relative import", "src/orchestration/jobs/hpo/local/trial/runner.py", "from infrastructure.shared.backup", "from ..backup", "leftovers src/orchestration/jobs/hpo/local/trial/runner.py: `orchestration.jobs.hpo.local.backup"},
		{phases.Imports, "a forgotten string", "config/jobs.json", "training.azureml.jobs", "orchestration.jobs.training", "leftovers config/jobs.json: `orchestration.jobs.training"},
		{phases.Imports, "a forgotten entry point", "pyproject.toml", "training.azureml.jobs:main", "orchestration.jobs.training:main", "leftovers pyproject.toml: `orchestration.jobs.training"},
		{phases.Imports, "a forgotten cell", "notebooks/01_train.ipynb", "from training.azureml import", "from orchestration.jobs.training import", "leftovers notebooks/01_train.ipynb: `orchestration.jobs.training"},
		{phases.Imports, "a new cycle", "src/infrastructure/azureml/runtime.py", "import", "import training.azureml.jobs\nimport", "cycles : these modules import each other: `infrastructure.azureml` → `infrastructure.azureml.runtime` → `training.azureml.jobs` → `infrastructure.azureml`"},
		{phases.Imports, "what the import map leads to is gone", "src/infrastructure/shared/backup.py", "", "", "structure src/infrastructure/shared/backup.py: `orchestration.jobs.hpo.local.backup` is to be found as `infrastructure.shared.backup`"},
		{phases.Imports, "a forgotten page", "src/training/README.md", "from training.azureml", "from orchestration.jobs.training", "warning leftovers src/training/README.md: `orchestration.jobs.training"},

		{phases.Cleanup, "a shim is left", shim, "", "import sys\nimport training.azureml.jobs as _moved\nsys.modules[__name__] = _moved\n", "structure " + shim + ": nothing is to be left"},
		{phases.Cleanup, "a wrapper is left", "src/orchestration/jobs/tracking/mlflow_naming.py", "", "from infrastructure.naming.mlflow.run_names import build_run_name\n", "structure src/orchestration/jobs/tracking/mlflow_naming.py: still there"},
		{phases.Cleanup, "a kept file is gone", "src/orchestration/jobs/hpo/local/trial/runner.py", "", "", "structure src/orchestration/jobs/hpo/local/trial/runner.py: to be kept"},
		{phases.Cleanup, "an import of what is gone", "src/training/submit.py", "from training.azureml import", "from orchestration.jobs.training import", "imports src/training/submit.py: no module `orchestration.jobs.training`"},
		{phases.Cleanup, "an import of what is gone for good", "src/training/submit.py", "from training.azureml import", "import orchestration.jobs.sweeps\nfrom training.azureml import", "leftovers src/training/submit.py: `orchestration.jobs.sweeps`"},
		{phases.Cleanup, "an import of what went without replacement", "src/training/submit.py", "from training.azureml import", "import orchestration.jobs.benchmarking\nfrom training.azureml import", "leftovers src/training/submit.py: `orchestration.jobs.benchmarking` names what is gone"},
		{phases.Cleanup, "a package that is gone is listed", "pyproject.toml", "    \"training\",\n", "    \"training\",\n    \"orchestration.jobs.tracking.index\",\n", "leftovers pyproject.toml: `orchestration.jobs.tracking.index`"},
	}
	stages, err := sampleStages()
	if err != nil {
		t.Fatal(err)
	}
	p, err := samplePlan()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(string(test.phase)+"/"+test.mistake, func(t *testing.T) {
			t.Parallel()
			at := slices.Index(phases.All, test.phase)
			edit := tree.Edit{Path: test.path, Data: []byte(test.new), Delete: test.old == "" && test.new == ""}
			if test.old != "" {
				data, err := stages[at+1].Read(test.path)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(data), test.old) {
					t.Fatalf("%s has no %q:\n%s", test.path, test.old, data)
				}
				edit.Data = []byte(strings.Replace(string(data), test.old, test.new, 1))
			}
			wrong, err := tree.Apply(stages[at+1], []tree.Edit{edit})
			if err != nil {
				t.Fatal(err)
			}
			results, err := phases.Verify(t.Context(), stages[at], wrong, p, test.phase, sampleOptions)
			if err != nil {
				t.Fatal(err)
			}
			if !finds(results, test.want) {
				var all []string
				for _, r := range results {
					all = append(all, describeCheck(r))
				}
				t.Errorf("want %s, got:\n%s", test.want, strings.Join(all, "\n"))
			}
		})
	}
}

// finds reports whether a check has failed with an annotation as in want:
// "CHECK PATH: part of the message"; or only has a warning, as in "warning CHECK
// PATH: part of the message".
func finds(results []check.Result, want string) bool {
	level, conclusion := "failure", check.Failure
	if rest, ok := strings.CutPrefix(want, "warning "); ok {
		want, level, conclusion = rest, "warning", check.Success
	}
	name, rest, _ := strings.Cut(want, " ")
	path, part, _ := strings.Cut(rest, ": ")
	return slices.ContainsFunc(results, func(r check.Result) bool {
		return r.Name == name && r.Conclusion == conclusion && slices.ContainsFunc(r.Annotations, func(a check.Annotation) bool {
			return a.Level == level && (path == "" || a.Path == path) && strings.Contains(a.Message, part)
		})
	})
}

// unkept reports whether an annotation is about what a file should have kept.
func unkept(a check.Annotation) bool {
	return slices.ContainsFunc([]string{"than before", "no name of the plan", " no more", "changed all the same"}, func(part string) bool {
		return strings.Contains(a.Message, part)
	})
}

func describeCheck(r check.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", r.Name, r.Conclusion, r.Title)
	for _, a := range r.Annotations {
		fmt.Fprintf(&b, "\n  %s:%d: %s: %s", a.Path, a.Line, a.Level, a.Message)
	}
	return b.String()
}
