package report_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/restage/restage/bot/runner"
	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/phases/config"
)

// base is a project with a test that fails, one that does every other time, and an
// error of mypy. In head its modules have moved, and mistakes were made.
const (
	base = `
-- pytest.ini --
[pytest]
addopts = -x
-- shop/__init__.py --
-- shop/prices.py --
"""Prices."""
import json

def total(prices: list[int]) -> str:
    return sum(prices)
-- tests/test_shop.py --
from shop.prices import total

class TestTotal:
    def test_sum(self):
        assert total([1, 2]) == 3

    def test_text(self):
        assert total([1]) == "1"
-- tests/test_moods.py --
import pathlib

def test_mood():
    mood = pathlib.Path("mood")
    good = mood.exists()
    mood.touch()
    assert good
`
	head = `
-- pytest.ini --
[pytest]
addopts = -x
-- sales/__init__.py --
-- sales/prices.py --
"""Prices."""

def total(prices: list[int]) -> str:
    return sum(prices)

def half(price: int) -> int:
    return price / 2
-- tests/sales/test_prices.py --
from sales.prices import half, total

class TestTotal:
    def test_sum(self):
        assert total([1, 2]) == 3

    def test_text(self):
        assert total([1]) == "1"

def test_half():
    assert half(3) == 1
-- tests/test_moods.py --
import pathlib

def test_mood():
    mood = pathlib.Path("mood")
    good = mood.exists()
    mood.touch()
    assert good
`
)

// The reports of the real programs, run in the sandbox.
func TestPrograms(t *testing.T) {
	r, err := runner.New(t.Context(), "", runner.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	const file = ".restage.xml"
	run := func(dir string, kind config.Report, shell string, env map[string]string) *report.Report {
		t.Helper()
		res, err := r.Run(t.Context(), runner.Command{
			Shell: shell, Dir: dir, Timeout: time.Minute, Files: []string{file},
			Env: env,
		})
		if err != nil {
			t.Fatal(err)
		}
		return report.Read(kind, res, file)
	}
	before, after := unpack(t, base), unpack(t, head)
	moves := report.Moves{
		Paths: map[string]string{"shop/prices.py": "sales/prices.py", "tests/test_shop.py": "tests/sales/test_prices.py"},
		Line: func(name string, line int) int {
			if name != "shop/prices.py" {
				return line
			}
			return report.Lines(read(t, before, name), read(t, after, "sales/prices.py"))(line)
		},
	}

	const pytest = "python3 -m pytest -q -p no:cacheprovider tests"
	twice := func(dir string) *report.Report {
		env := report.Env(config.Pytest, file)
		found := run(dir, config.Pytest, pytest, env)
		if !found.Again(env) {
			t.Fatal("no test is to be run again")
		}
		again := run(dir, config.Pytest, pytest, env)
		if n, all := len(again.Findings), len(found.Findings); n >= all {
			t.Errorf("%d of %d tests were run again", n, all)
		}
		found.Retry(again)
		return found
	}
	old, now := twice(before), twice(after)
	got := report.Compare(old, now, moves)
	expect(t, "new tests", got.New, "failed [tests/sales/test_prices.py::test_half] tests/sales/test_prices.py:11 assert 1.5 == 1\n +  where 1.5 = half(3)\n")
	expect(t, "old tests", got.Old, "failed [tests/sales/test_prices.py::TestTotal::test_text] tests/sales/test_prices.py:8 AssertionError: assert 1 == '1'\n +  where 1 = total([1])\n")
	expect(t, "flaky tests", got.Flaky, "flaky [tests/test_moods.py::test_mood] tests/test_moods.py:7 assert False\n")
	expect(t, "tests that are gone", got.Gone, "")

	const mypy = "mypy --no-incremental --pretty ."
	env := report.Env(config.Mypy, "")
	got = report.Compare(run(before, config.Mypy, mypy, env), run(after, config.Mypy, mypy, env), moves)
	const wrong = `Incompatible return value type (got "%s", expected "%s") [return-value]`
	line := func(n int, got, want string) string {
		message := fmt.Sprintf(wrong, got, want)
		return fmt.Sprintf("failed [sales/prices.py: %s] sales/prices.py:%d %[1]s\n", message, n)
	}
	expect(t, "new errors", got.New, line(7, "float", "int"))
	expect(t, "old errors", got.Old, line(4, "int", "str"))
	expect(t, "fixed errors", got.Fixed, "")
}

// expect compares findings.
func expect(t *testing.T, what string, got []report.Finding, want string) {
	t.Helper()
	if got := lines(got); got != want {
		t.Errorf("%s:\n%swant\n%s", what, got, want)
	}
}

// unpack writes the files of an archive to a new folder.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "restage-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runner.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// read returns a file below dir.
func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
