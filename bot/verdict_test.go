package bot_test

import (
	"testing"

	"github.com/restage/restage/bot/runner"
)

// A command that says nothing, on neither commit, proves nothing. One that only
// the pull request breaks is new, also where the base was red.
func TestBrokenCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- tests/test_bug.py --
def test_bug():
    assert 1 == 2
-- .github/restage.yml --
source_roots: [src]
verify:
  - {name: missing, run: pytest-that-is-not-installed -q, report: pytest}
  - {name: nowhere, run: python3 -m pytest -q nowhere, report: pytest}
  - {name: elsewhere, run: python3 -m pytest -q --junitxml=mine.xml tests/test_bug.py, report: pytest}
  - {name: mypy, run: nomypy src, report: mypy}
  - {name: late, run: sleep 60, timeout: 1s}
  - {name: crash, run: test -e src/shop/prices.py && kill -SEGV $$; exit 1}
  - {name: red, run: exit 1}
`)
	await := w.withCommands()
	w.file("ada", fenced(yaml))
	await(14)
	head := w.pull(movesBranch).GetHead().GetSHA()
	for name, want := range map[string]string{
		"missing":   "neutral: could not be compared: exit status 127, and no report was written",
		"nowhere":   "neutral: could not be compared: exit status 4",
		"elsewhere": "neutral: could not be compared: exit status 1, and pytest wrote no report; does the command set --junitxml itself?",
		"mypy":      "neutral: could not be compared: exit status 127",
		"late":      "neutral: could not be compared: stopped: the time is up",
		"crash":     "failure: 1 new failure",
		"red":       "success: no new failure, 1 old one as on main",
	} {
		same(t, name, w.check(head, name), want)
	}
}

// A file of tests that cannot be imported hides no other test. Where pytest stops
// before its end, that is new, whatever failed until then.
func TestInterruptedTests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- tests/test_a_needs.py --
import not_installed_here
-- tests/test_bug.py --
def test_bug():
    assert 1 == 2
-- .github/restage.yml --
source_roots: [src]
verify:
  - {name: tests, run: PYTHONPATH=src python3 -m pytest -q tests, report: pytest}
  - {name: needs, run: python3 -m pytest -q tests/test_a_needs.py, report: pytest}
`)
	await := w.withCommands()
	w.file("ada", fenced(yaml))
	await(4)
	head := w.pull(movesBranch).GetHead().GetSHA()
	same(t, "tests", w.check(head, "tests"), "success: no new failure, 2 old ones as on main")
	same(t, "needs", w.check(head, "needs"), "neutral: tests were not run: collection stops on main, too")

	w.write(movesBranch, "src/shop/cart.py", "def total(items):\n    raise NotImplementedError\n")
	await(2)
	head = w.pull(movesBranch).GetHead().GetSHA()
	same(t, "tests", w.check(head, "tests"), "failure: 1 new failure, 2 old ones as on main\ntests/test_cart.py:10 failure")

	w.write(movesBranch, "tests/test_bug_more.py", "import pytest\n\n\ndef test_exit():\n    pytest.exit('enough')\n")
	w.write(movesBranch, "src/shop/cart.py", "from shop.prices import price\n\n\ndef total(items):\n    return sum(price(i) for i in items)\n")
	await(2)
	head = w.pull(movesBranch).GetHead().GetSHA()
	same(t, "tests", w.check(head, "tests"), "failure: 1 new failure, 2 old ones as on main")
}

// Tests that are called after modules and files stay the same tests while those
// move, and go with them. So do doctests.
func TestNamesOfTests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- tests/test_names.py --
import importlib
import pathlib

import pytest


@pytest.mark.parametrize("name", ["shop.old.pricing", "shop.cart"])
def test_import(name):
    importlib.import_module(name)


@pytest.mark.parametrize("path", sorted(p.as_posix() for p in pathlib.Path("src").rglob("*.py")))
def test_compiles(path):
    compile(pathlib.Path(path).read_text(), path, "exec")


@pytest.mark.parametrize("name", ["shop.old.pricing"])
def test_length(name):
    assert len(name) == 0


@pytest.mark.parametrize("thing", [object()], ids=[str(id(object()))])
def test_anything(thing):
    pass
-- src/shop/old/pricing.py --
def price(item):
    """
    >>> price(1)
    3
    """
    return 3
-- .github/restage.yml --
source_roots: [src]
verify:
  - {name: tests, run: PYTHONPATH=src python3 -m pytest -q tests, report: pytest}
  - {name: doctests, run: PYTHONPATH=src python3 -m pytest -q --doctest-modules src, report: pytest}
`)
	await := w.withCommands()
	w.file("ada", fenced(yaml))
	doctests := map[string]string{movesBranch: "all 2 passed", importsBranch: "all 2 passed", cleanupBranch: "passed"} // the shim has them, too
	for _, branch := range branches {
		await(4)
		head := w.pull(branch).GetHead().GetSHA()
		same(t, branch+" tests", w.check(head, "tests"), "success: no new failure, 1 old one as on main")
		same(t, branch+" doctests", w.check(head, "doctests"), "success: "+doctests[branch])
		w.merge(branch)
	}
}

// A run on the base that came to nothing is done again with the head's.
func TestBaseAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop+`-- .github/restage.yml --
verify:
  - {name: build, run: make}
`)
	hand := newHand()
	await := w.withRunner(hand)
	issue := w.file("ada", fenced(yaml))
	w.settle(nil)
	hand.begun().end <- runner.Result{Status: 127}
	hand.begun().end <- runner.Result{Status: 127}
	await(2)
	head := w.pull(movesBranch).GetHead().GetSHA()
	same(t, "build", w.check(head, "build"), "neutral: could not be compared: exit status 127")

	w.comment("ada", issue, "/restage rerun build")
	w.settle(nil)
	hand.endAll(2)
	await(2)
	same(t, "build", w.check(head, "build"), "success: passed")

	w.comment("ada", issue, "/restage rerun build")
	w.settle(nil)
	hand.endAll(1)
	await(1)
	same(t, "runs", w.runs(), "5 done")
}
