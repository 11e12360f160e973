package report_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/phases/config"
)

// parse makes a report of lines such as "failed a.py::test 7". The last line may be
// "... exit status 2": the command did not come to its end.
func parse(kind config.Report, text string) *report.Report {
	r := &report.Report{Kind: kind, Complete: true}
	for line := range strings.Lines(text) {
		line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case line == "":
			continue
		case strings.HasPrefix(line, "... "):
			r.Complete, r.Broken = false, line[4:]
			continue
		}
		var f report.Finding
		if kind == config.Mypy {
			// As mypy prints it.
			place, message, _ := strings.Cut(line, ": ")
			f.Path, _, _ = strings.Cut(place, ":")
			fmt.Sscanf(place, f.Path+":%d", &f.Line)
			f.Outcome, f.Message, f.ID = report.Failed, message, f.Path+": "+message
		} else {
			outcome, id, _ := strings.Cut(line, " ")
			f.Outcome, f.ID = report.Outcome(outcome), id
			f.Path, _, _ = strings.Cut(id, "::")
		}
		r.Findings = append(r.Findings, f)
	}
	return r
}

func TestCompare(t *testing.T) {
	// old.py lost its first line and line 5 when it became new.py.
	moves := report.Moves{
		Paths:   map[string]string{"old.py": "new.py", "tests/old/test_a.py": "tests/new/test_b.py", "src/shop/old/pricing.py": "src/shop/prices.py"},
		Renamed: map[string]string{"src/shop/old/pricing.py": "src/shop/prices.py"},
		Deleted: []string{"src/shop/legacy.py"},
		Line: func(path string, line int) int {
			switch {
			case path != "old.py":
				return line
			case line == 1 || line == 5:
				return 0
			case line > 5:
				return line - 2
			}
			return line - 1
		},
	}
	tests := []struct {
		name       string
		kind       config.Report
		base, head string
		want       string
	}{
		{"tests", config.Pytest, `
			passed a.py::ok
			passed a.py::breaks
			failed a.py::broken
			failed a.py::mended
			failed a.py::skipped
			passed a.py::left
			skipped a.py::never
			passed a.py::lost`, `
			passed a.py::ok
			failed a.py::breaks
			failed a.py::broken
			passed a.py::mended
			skipped a.py::skipped
			skipped a.py::left
			skipped a.py::never
			failed a.py::added
			passed a.py::more`,
			"new a.py::breaks, new a.py::added, old a.py::broken, fixed a.py::mended, skipped a.py::left, gone a.py::lost"},
		{"flaky tests", config.Pytest, `
			flaky a.py::now_red
			flaky a.py::still
			flaky a.py::now_green
			flaky a.py::now_skipped
			flaky a.py::lost
			passed a.py::begins
			failed a.py::eases`, `
			failed a.py::now_red
			flaky a.py::still
			passed a.py::now_green
			skipped a.py::now_skipped
			flaky a.py::begins
			flaky a.py::eases
			flaky a.py::added`,
			"skipped a.py::now_skipped, gone a.py::lost, flaky a.py::now_red, flaky a.py::still, flaky a.py::begins, flaky a.py::eases, flaky a.py::added"},
		{"a test file moved", config.Pytest,
			"failed tests/old/test_a.py::TestX::test[old.py]\npassed tests/old/test_a.py::test_y",
			"failed tests/new/test_b.py::TestX::test[old.py]\nfailed tests/new/test_b.py::test_y",
			"new tests/new/test_b.py::test_y, old tests/new/test_b.py::TestX::test[old.py]"},
		{"a test file moved, and one took its place", config.Pytest,
			"failed tests/old/test_a.py::test",
			"failed tests/old/test_a.py::test\nfailed tests/new/test_b.py::test",
			"new tests/old/test_a.py::test, old tests/new/test_b.py::test"},
		{"a moved test file cannot be imported", config.Pytest,
			"failed tests/old/test_a.py\n... exit status 2",
			"failed tests/new/test_b.py\n... exit status 2",
			"old tests/new/test_b.py, broken exit status 2, stuck"},
		{"tests that did not come to their end", config.Pytest,
			"passed a.py::x\nfailed a.py::y", "failed a.py\n... exit status 2", "new a.py"},
		{"tests that did not begin, where too little was covered", config.Pytest,
			"passed a.py::x\nfailed ", "failed \n... exit status 2", "new "},
		{"tests that do not begin on the base either", config.Pytest, "failed \n... exit status 2", "failed \n... exit status 2", "old , broken exit status 2"},
		{"tests that came to old failures only, and not to their end", config.Pytest,
			"passed a.py::x\nfailed a.py::y", "failed a.py::y\n... exit status 2", "new exit status 2, old a.py::y"},
		{"tests that come to their end on neither commit", config.Pytest,
			"failed a.py::y\n... exit status 2", "failed a.py::y\n... exit status 3", "old a.py::y, broken exit status 3"},
		{"no test is run on either", config.Pytest, "failed a.py", "failed a.py", "old a.py, stuck"},
		{"a file that cannot be imported, and a test that is run", config.Pytest, "failed a.py\npassed b.py::x", "failed a.py\npassed b.py::x", "old a.py"},
		{"parameters are called after what moved", config.Pytest, `
			failed a.py::t[shop.old.pricing-1]
			failed a.py::t[src/shop/old/pricing.py]
			failed src/shop/old/pricing.py::shop.old.pricing.price
			failed a.py::t[shop.old.pricing_rules]`, `
			failed a.py::t[shop.prices-1]
			failed a.py::t[src/shop/prices.py]
			failed src/shop/prices.py::shop.prices.price
			failed a.py::t[shop.prices_rules]`,
			"new a.py::t[shop.prices_rules], old a.py::t[shop.prices-1], old a.py::t[src/shop/prices.py], " +
				"old src/shop/prices.py::shop.prices.price, gone a.py::t[shop.old.pricing_rules]"},
		{"parameters are called differently each time", config.Pytest,
			"passed a.py::t[0x7f01]\npassed a.py::t[0x7f02]\npassed a.py::u[1]", "passed a.py::t[0x7e01]\npassed a.py::u[1]", "gone a.py::t[0x7f02]"},
		{"parameters are called after what is deleted", config.Pytest,
			"passed a.py::t[src/shop/legacy.py]\npassed a.py::t[shop.legacy]\npassed src/shop/legacy.py::t\npassed a.py::t[legacy]", "", "gone a.py::t[legacy]"},
		{"the same parameter is another test", config.Pytest,
			`failed a.py::t["x"]`, `failed a.py::t["y"]`, `new a.py::t["y"], gone a.py::t["x"]`},

		{"errors", config.Mypy,
			"a.py:1: x [c]\na.py:2: y [c]", "a.py:1: x [c]\na.py:3: z [c]", "new a.py: z [c] 3, old a.py: x [c] 1, fixed a.py: y [c] 2"},
		{"errors in a moved file", config.Mypy,
			"old.py:3: x [c]\nold.py:9: y [c]\nold.py:1: z [c]", "new.py:2: x [c]\nnew.py:7: y [c]", "old new.py: x [c] 2, old new.py: y [c] 7, fixed new.py: z [c] 0"},
		{"an error in the shim at the old path", config.Mypy,
			"old.py:3: x [c]", "new.py:2: x [c]\nold.py:3: x [c]", "new old.py: x [c] 3, old new.py: x [c] 2"},
		{"an error more, of those that say the same", config.Mypy,
			"old.py:3: x [c]\nold.py:4: x [c]", "new.py:2: x [c]\nnew.py:3: x [c]\nnew.py:50: x [c]", "new new.py: x [c] 50, old new.py: x [c] 2, old new.py: x [c] 3"},
		{"the line of an error was rewritten", config.Mypy,
			"old.py:5: x [c]", "new.py:6: x [c]", "old new.py: x [c] 6"},
		{"an import was rewritten", config.Mypy,
			`a.py:1: Module "p.old" has no attribute "x" [c]`, `a.py:1: Module "q" has no attribute "x" [c]`, `old a.py: Module "q" has no attribute "x" [c] 1`},
		{"an import was rewritten, and a name with it", config.Mypy,
			`a.py:1: Module "p.old" has no attribute "x" [c]`, `a.py:1: Module "q" has no attribute "y" [c]`,
			`new a.py: Module "q" has no attribute "y" [c] 1, fixed a.py: Module "p.old" has no attribute "x" [c] 1`},
		{"another name on the same line", config.Mypy,
			`a.py:1: Name "x" is not defined [c]`, `a.py:1: Name "y" is not defined [c]`,
			`new a.py: Name "y" is not defined [c] 1, fixed a.py: Name "x" is not defined [c] 1`},
		{"another code", config.Mypy, "a.py:1: x [c]", "a.py:1: x [d]", "new a.py: x [d] 1, fixed a.py: x [c] 1"},
		{"an error that names the line of another place", config.Mypy,
			`a.py:4: Name "a" already defined on line 3 [c]`, `a.py:5: Name "a" already defined on line 4 [c]`, `old a.py: Name "a" already defined on line 4 [c] 5`},
		{"old errors, and then mypy breaks", config.Mypy, "a.py:1: x [c]", "a.py:1: x [c]\n... exit status 2", "new exit status 2 0, old a.py: x [c] 1"},
		{"errors that prevented further checking", config.Mypy, "a.py:1: x [c]", "b.py:1: syntax [s]\n... exit status 2", "new b.py: syntax [s] 1"},

		{"exit, still red", config.Exit, "failed ", "failed ", "old "},
		{"exit, red and now not found", config.Exit, "failed ", "failed \n... exit status 127", "new "},
		{"exit, never found", config.Exit, "failed \n... exit status 127", "failed \n... exit status 127", "old , broken exit status 127"},
		{"exit, now red", config.Exit, "passed ", "failed ", "new "},
		{"exit, now green", config.Exit, "failed ", "passed ", "fixed "},
		{"exit, still green", config.Exit, "passed ", "passed ", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base, head := parse(test.kind, test.base), parse(test.kind, test.head)
			c := report.Compare(base, head, moves)
			var got []string
			for _, list := range []struct {
				name string
				all  []report.Finding
			}{{"new", c.New}, {"old", c.Old}, {"fixed", c.Fixed}, {"skipped", c.Skipped}, {"gone", c.Gone}, {"flaky", c.Flaky}} {
				for _, f := range list.all {
					s := list.name + " " + cmp.Or(f.ID, f.Message)
					if test.kind == config.Mypy {
						s += fmt.Sprintf(" %d", f.Line)
					}
					got = append(got, s)
				}
			}
			if c.Broken != "" {
				got = append(got, "broken "+c.Broken)
			}
			if c.Stuck {
				got = append(got, "stuck")
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	tests := []struct {
		name, old, now string
		want           string // where the lines of old are, and the one after
	}{
		{"the same", "a b c", "a b c", "1 2 3 4"},
		{"empty", "", "", "1"},
		{"a line more at the start", "a b c", "x a b c", "2 3 4 5"},
		{"a line less at the start", "a b c", "b c", "0 1 2 3"},
		{"a line rewritten", "a b c", "a x c", "1 2 3 4"},
		{"two lines become one", "a b c d", "a x d", "1 2 2 3 4"},
		{"one line becomes two", "a b c", "a x y c", "1 2 4 5"},
		{"a line less in the middle", "a b c d e f g h i", "a b c d f g h i", "1 2 3 4 0 5 6 7 8 9"},
		{"changes far apart", "a b c d e f g h i j k l m n o p", "x a b c d e f g h i j k l m n p", "2 3 4 5 6 7 8 9 10 11 12 13 14 15 0 16 17"},
		{"all is new", "a b", "x y z", "1 2 4"},
		{"all is gone", "a b", "", "0 0 1"},
		{"from nothing", "", "a b", "3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := func(s string) []byte {
				if s == "" {
					return nil
				}
				return []byte(strings.ReplaceAll(s, " ", "\n") + "\n")
			}
			at := report.Lines(text(test.old), text(test.now))
			var got []string
			for i := range len(strings.Fields(test.old)) + 1 {
				got = append(got, fmt.Sprint(at(i+1)))
			}
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if at(0) != 0 || at(-1) != 0 {
				t.Error("there is no line 0")
			}
		})
	}
	at := report.Lines([]byte("a\nb"), []byte("a\nx\nb"))
	if at(2) != 3 {
		t.Errorf("without a line break at the end line 2 is %d, want 3", at(2))
	}
}
