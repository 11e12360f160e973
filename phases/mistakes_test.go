package phases_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/tree"
)

// mistaken is a small repository with a plan, on which mistakes are made.
const mistaken = `
-- plan.yaml --
restage: 1
moves:
  - {from: old/load.py, to: new/io/load.py}
  - {from: old/parts/, to: new/parts/}
  - {from: old/hook.py, to: new/hook.py}
-- old/__init__.py --
from .stay import wait
__all__ = ["wait", "parts"]
-- old/load.py --
from typing import TYPE_CHECKING
from . import stay
from .stay import wait

if TYPE_CHECKING:
    from decimal import Decimal

LIMIT = 3
def load(): return wait(stay.LONG)
def dump(): return LIMIT
-- old/stay.py --
LONG = 9
def wait(n): return n
-- old/hook.py --
print("hooked")
-- old/parts/__init__.py --
-- old/parts/one.py --
from ..stay import wait
from . import two
def one(): return two.TWO, wait(1)
-- old/parts/two.py --
TWO = 2
-- new/__init__.py --
-- new/other.py --
def load(): return "other"
-- use.py --
import old.hook
import old.load as loader
import old.parts.one
from old import parts
from old.load import LIMIT, load
from unittest import mock

name = "say no more"
version = "v1.2"
with mock.patch("old.load.dump"):
    load()
print(loader.dump(), old.parts.one.one(), parts.two.TWO, LIMIT, name)
-- broken.py --
from old.load import load
def (:
`

// Each mistake, made in the result of a phase, is found in the file where it
// is. One that a person may have meant is only pointed at: "warning".
func TestMistakes(t *testing.T) {
	tests := []struct {
		phase    phases.Phase
		mistake  string
		path     string
		old, new string
		want     string // as in TestVerifyMistakes, or "warning CHECK PATH: part of the message"
	}{
		{phases.Moves, "a relative import off by one", "new/io/load.py", "from old.stay import wait", "from ..stay import wait", "imports new/io/load.py: there is no module `new.stay`"},
		{phases.Moves, "a relative import of a name off by one", "new/parts/one.py", "from . import two", "from .. import two", "imports new/parts/one.py: `new` has no `two`"},
		{phases.Moves, "a relative import above the top", "new/parts/one.py", "from . import two", "from .... import two", "imports new/parts/one.py: leads above the top"},
		{phases.Moves, "a shim of names instead of the module", "old/load.py", "sys.modules[__name__] = ", "_new = ", "structure old/load.py: is to be a shim"},
		{phases.Moves, "a shim whose new module is another", "old/parts/two.py", "sys.modules[__name__] = sys.modules[\"new.parts.two\"]", "sys.modules[__name__] = sys.modules[\"new.parts.one\"]", "structure old/parts/two.py: is to be a shim"},
		{phases.Moves, "a constant is lost on the way", "new/io/load.py", "LIMIT = 3\n", "", "structure new/io/load.py: `LIMIT`"},
		{phases.Moves, "an imported name is lost on the way", "new/io/load.py", "from old.stay import wait", "pass", "warning imports new/io/load.py: had `wait`"},
		{phases.Moves, "other code on the way", "new/io/load.py", "return LIMIT", "return LIMIT + 1", "warning imports new/io/load.py: other code"},

		{phases.Imports, "the wrong module", "use.py", "import new.io.load as loader", "import new.other as loader", "imports use.py: `new.other` has no `dump`"},
		{phases.Imports, "a module too high", "use.py", "from new.io.load import", "from new.io import", "imports use.py: `new.io` has no `LIMIT`"},
		{phases.Imports, "a chain to the wrong module", "use.py", "new.parts.one.one()", "new.parts.two.one()", "imports use.py: `new.parts.two` has no `one`"},
		{phases.Imports, "a chain that was forgotten", "use.py", "new.parts.one.one()", "old.parts.one.one()", "imports use.py: `old` is used here and not imported"},
		{phases.Imports, "a patch of a module that lacks the name", "use.py", `"new.io.load.dump"`, `"new.other.dump"`, "imports use.py: `new.other` has no `dump`"},
		{phases.Imports, "a patch of no module", "use.py", `"new.io.load.dump"`, `"new.load.dump"`, "imports use.py: `new` has no `load`"},
		{phases.Imports, "an import for its effect is lost", "use.py", "import new.hook\n", "", "warning imports use.py: imported `old.hook`"},
		{phases.Imports, "an imported name is lost", "use.py", "LIMIT, load", "load", "warning imports use.py: had `LIMIT`"},
		{phases.Imports, "an import binds another name", "use.py", "as loader", "as reader", "warning imports use.py: had `loader`"},
		{phases.Imports, "a name for type checkers alone", "use.py", "import LIMIT, load", "import LIMIT, load, Decimal", "imports use.py: `new.io.load` has no `Decimal`"},
		{phases.Imports, "a package without what it listed", "old/__init__.py", `"wait", `, "", "warning imports old/__init__.py: `__all__` had `wait`"},
		{phases.Imports, "a word in a string", "use.py", "say no more", "say no less", "warning imports use.py: `say no more` became"},
		{phases.Imports, "a dotted word in a string", "use.py", "v1.2", "v1.3", "warning imports use.py: `v1.2` became"},
		{phases.Imports, "other code", "use.py", "load()\n", "loader()\n", "warning imports use.py: other code"},
		{phases.Imports, "a statement is lost", "use.py", "    load()\n", "    pass\n", "warning imports use.py: other code"},
		{phases.Imports, "a file that does not parse was changed", "broken.py", "old.load", "new.io.load", "warning imports broken.py: did not parse"},
		{phases.Imports, "a function in place of its module", "new/io/__init__.py", "", "from .load import dump as load\n", "imports use.py: `new.io` gives the name `load`"},

		{phases.Cleanup, "a submodule that is an attribute no more", "old/__init__.py", "from new import parts\n", "", "imports old/__init__.py: lists `parts`"},
		{phases.Cleanup, "a submodule goes with its shim", "new/parts/two.py", "", "", "structure new/parts/two.py: is not here"},
		{phases.Cleanup, "a shim is left", "old/hook.py", "", "import new.hook\n", "structure old/hook.py: nothing is to be left"},
	}
	files := map[string]string{}
	var p *plan.Plan
	for _, f := range txtar.Parse([]byte(mistaken)).Files {
		if f.Name != "plan.yaml" {
			files[f.Name] = string(f.Data)
			continue
		}
		var err error
		if p, err = plan.Read(f.Name, f.Data); err != nil {
			t.Fatal(err)
		}
	}
	stages := []tree.Tree{tree.NewMap(files)}
	for _, phase := range phases.All {
		change, err := phases.Run(t.Context(), stages[len(stages)-1], p, phase, phases.Options{})
		if err != nil {
			t.Fatal(err)
		}
		next, err := change.Apply(stages[len(stages)-1])
		if err != nil {
			t.Fatal(err)
		}
		stages = append(stages, next)
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
			results, err := phases.Verify(t.Context(), stages[at], wrong, p, test.phase, phases.Options{})
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
