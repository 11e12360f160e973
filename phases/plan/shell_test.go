package plan

import (
	"fmt"
	"strings"
	"testing"
)

// What shell says, as YAML has it; or why it is not run.
func TestShell(t *testing.T) {
	const silent = `it prints what it finds; write above it what must come out, as in "# must be 0"`
	for _, test := range []struct{ shell, want string }{
		{"\f", ""},
		{"\f && '' x", "not run: the program has no name"},
		{`test -f src/a.py`, `{file: src/a.py}`},
		{`test -f "src/a.py" && echo ok`, `{file: src/a.py}`},
		{`test -d src/a/`, `{folder: src/a}`},
		{`test ! -e src/a`, `{absent: src/a}`},
		{"$ test -f a.py\n$ test -d \\\n> b && echo ok\nok\n# must be 0\n$ grep -r x src | wc -l\n0", "{file: a.py}\n{folder: b}\n{text: x, in: [src], count: 0}"},
		{`test -e a`, `{exists: a}`},
		{`! test -d src/a`, `{absent: src/a}`},
		{`! test ! -f a.py`, `{exists: a.py}`},
		{`[ -f a.py ]`, `{file: a.py}`},
		{`[ ! -f a.py ] && echo gone`, `{absent: a.py}`},
		{`[[ -d a ]]`, `{folder: a}`},
		{`[[ ! -f a.py ]]`, `{absent: a.py}`},
		{`test -f a.py && test -f b.py && echo both`, "{file: a.py}\n{file: b.py}"},
		{`test -f a.py || exit 1`, `{file: a.py}`},
		{`test -f a.py || { echo gone; exit 1; }`, `{file: a.py}`},
		{`test -f a.py && echo "✓" || echo "✗"`, `{file: a.py}`},
		{`test -f a.py && echo "❌ still there" || echo "✅ gone"`, `{absent: a.py}`},
		{`test -f a.py && echo YES || echo NO`, "not run: it asks a question, and does not say what the answer must be"},
		{`test -f ../a.py`, `not run: the path "../a.py" has a ".." in it; write it from the repository root or a source root`},
		{`test -f /etc/passwd`, `not run: the path "/etc/passwd" is absolute; write it from the repository root or a source root`},
		{`test -f a -a -f b`, "not run: of test, one condition on one path is read"},
		{`test -x a`, `not run: the condition "-x" of test is not known here`},
		{`test -f $HOME/x`, "not run: it uses a variable of the shell"},
		{"test -f `pwd`/x", "not run: it runs a command inside a command"},
		{`test -f ~/x`, "not run: it names the home folder"},

		{`grep -q "domain: training" a.py`, `{text: 'domain: training', in: [a.py]}`},
		{`! grep -q "x" a.py`, `{text: x, in: [a.py], count: 0}`},
		{`grep -q "x" a.py && echo "✗ found" || echo "✓ none"`, `{text: x, in: [a.py], count: 0}`},
		{`grep -qi 'x.y\.z' a.py 2>/dev/null`, `{text: '(?i)x.y\.z', in: [a.py]}`},
		{`grep -qF 'a.b(c' a.py`, `{text: a\.b\(c, in: [a.py]}`},
		{`grep -qw run a.py`, `{text: '\b(?:run)\b', in: [a.py]}`},
		{`grep -c "^from \\.run import" a.py | grep -q "^1$" && echo ok`, `{text: ^from \.run import, in: [a.py], count: 1}`},
		{"# must be 0\ngrep -r 'old\\.x' --include='*.py' src/ tests/ | wc -l", `{text: old\.x, in: [src/, tests/], files: ['*.py'], count: 0}`},
		{"# must be 0\ngrep -r old --include= src | wc -l", `not run: "" is no pattern for the name of a file; write it as in *.py`},
		{"find src -type f -name 'a/[b' | wc -l | grep -q '^0$'", `not run: "a/[b" is no pattern for the name of a file; write it as in *.py`},
		{"# Should return 0 results\ngrep -rn old --include=*.py src | grep -v 'a\\|b' | grep c | wc -l", `{text: old, in: [src], files: ['*.py'], only: [c], except: [a|b], count: 0}`},
		{"# expect no matches\ngrep -rE 'a(b|c)+' .", `{text: a(b|c)+, in: [.], count: 0}`},
		{"# there should be exactly 3\ngrep -r x src | wc -l", `{text: x, in: [src], count: 3}`},
		{"grep -r x src | wc -l  # should be 0", `{text: x, in: [src], count: 0}`},
		{"grep -r x src | wc -l  # not many", "not run: " + silent},
		{`grep -rl x src | wc -l | grep -q "^0$"`, `{text: x, in: [src], count: 0}`},
		{`grep -r x src --exclude-dir=vendor -q`, `{text: x, in: [src], except: ['^([^:]*/)?vendor/']}`},
		{`grep -r x src`, "not run: " + silent},
		{`grep -r x src | wc -l`, "not run: " + silent},
		{"# must be 0\ngrep -r x src | awk '{print}' | wc -l", `not run: what "awk" does with the lines is not known here`},
		{`grep -A 3 -q x a.py`, `not run: the option "-A" of grep is not known here`},
		{`grep -q '\(a\)\1' a.py`, `not run: "\\(a\\)\\1" refers back to what it matched`},
		{`grep -q '[a' a.py`, `not run: "[a" has a [ without its ]`},
		{`grep -qP '(?=a)' a.py`, "not run: \"(?=a)\" is no regular expression: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{`grep '' a.py && true`, "not run: the expression is empty, so it matches everything"},
		{`grep -q x`, "not run: it reads its input, and nothing else"},
		{`grep -q x src/*.py`, `not run: the path "src/*.py" is a pattern; name the folder with a trailing slash, or each file`},
		{`grep -q x ../../etc/passwd`, `not run: the path "../../etc/passwd" has a ".." in it; write it from the repository root or a source root`},

		{"# must be 0\nfind src/old -name '*.py' -type f | grep -v __pycache__ | wc -l", `{find: ['*.py'], in: [src/old], except: [__pycache__], count: 0}`},
		{"# 2\nfind src -type f -not -path '*/x/*' | wc -l", `{find: [], in: [src], except: [^.*/x/.*$], count: 2}`},
		{`find src -name '*.py' -delete`, `not run: the option "-delete" of find is not known here`},
		{`find src -name '*.py' -exec rm {} \;`, `not run: the option "-exec" of find is not known here`},
		{`find src | wc -l`, `not run: find counts folders too; add "-type f"`},

		{`diff a.py b.py`, `{same: [a.py, b.py]}`},
		{`diff -q a.py b.py && echo same`, `{same: [a.py, b.py]}`},
		{`cmp a.py b.py`, `{same: [a.py, b.py]}`},
		{`diff <(sort a) b`, "not run: it runs a command inside a command"},

		{`python -c "from a.b import c, d; print('✓')"`, `{import: a.b, names: [c, d]}`},
		{`PYTHONPATH=src python3 -c "import a.b"`, `{import: a.b}`},
		{"python -c \"\nimport sys\ntry:\n    from a import b\n    print('ok')\nexcept ImportError as e:\n    print(e)\n    sys.exit(1)\n\"", `{import: a, names: [b]}`},
		{`python -c "from a import b; b()"`, "{import: a, names: [b]}\nnot run: its imports are checked, the rest of its code is not run"},
		{`python -c "print(1)"`, "not run: its Python code is not run"},
		{`python -c "from a import"`, "not run: its code is not valid Python"},
		{`python -c "from a import *"`, "not run: it imports with a dot or a star"},
		{`python -c "$(cat x)"`, "not run: it runs a command inside a command"},

		{`uvx pytest tests/ -x`, `run: uvx pytest tests/ -x`},
		{`pytest && mypy src`, "run: pytest\nrun: mypy src"},
		{`uvx mypy src | grep -q "Success" && echo "✓"`, `run: uvx mypy src`},
		{`pytest $ARGS`, "not run: it uses a variable of the shell"},
		{`pytest > out.txt`, "not run: it redirects to or from a file"},
		{`pytest <<EOF
x
EOF`, "not run: it redirects to or from a file"},
		{`pytest & `, "not run: it runs in the background"},
		{`pytest | xargs rm`, "not run: what the pipeline does with the output is not known here"},
		{`rm -rf src/old/`, "not run: restage changes only what tables and sentences of the plan say"},
		{`test -f a && rm a`, "not run: restage changes only what tables and sentences of the plan say"},
		{`cd src && pytest`, `not run: "cd" is for a shell, and restage has none`},
		{`echo hello`, "not run: it only prints"},
		{`A=1`, "not run: it sets a variable of the shell"},
		{`for f in a b; do test -f $f; done`, "not run: restage reads no loops, functions and blocks of the shell"},
		{`if test -f a; then echo b; fi`, "not run: restage reads no loops, functions and blocks of the shell"},
		{`f() { f | f & }; f`, "not run: restage reads no loops, functions and blocks of the shell\nrun: f"},
		{"test -f 'a", "not run: the block is not valid shell"},
		{"test -f a" + strings.Repeat(" ", maxShell), "not run: the block is longer than 8192 bytes"},
		{strings.Repeat("! ", 100) + "test -f a", "not run: the block is not valid shell"},
		{"test -f a" + strings.Repeat(" && test -f a", 60), "not run: commands nest too deep"},
		{"grep -q x a" + strings.Repeat(" | grep x", 30), "not run: the pipeline is too long"},
	} {
		t.Run(test.shell[:min(len(test.shell), 60)], func(t *testing.T) {
			checks, commands, notRun := readShell(strings.Split(test.shell, "\n"), "")
			var got []string
			for _, c := range checks {
				got = append(got, text(t, c))
			}
			for _, c := range notRun {
				got = append(got, "not run: "+c.Reason)
			}
			for _, c := range commands {
				got = append(got, "run: "+c.Text)
			}
			if s := strings.Join(got, "\n"); s != test.want {
				t.Errorf("got\n%s\nwant\n%s", s, test.want)
			}
		})
	}
}

// text returns a check as YAML has it, and fails the test if that is not read
// as the same check.
func text(t *testing.T, c Check) string {
	t.Helper()
	c.Line = 0
	p := &Plan{Checks: []Check{c}, Keep: []string{"x"}, Delete: []Delete{{Path: "y"}}}
	data, err := p.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again := mustRead(t, "", data)
	again.Checks[0].Line = 0
	if a, b := fmt.Sprintf("%+v", again.Checks[0]), fmt.Sprintf("%+v", c); a != b {
		t.Errorf("read again: %s, was %s", a, b)
	}
	_, s, _ := strings.Cut(string(data), "checks:\n- ")
	return strings.TrimSpace(s)
}

// What must come out is said by a comment, or by the sentence after the block.
func TestSaid(t *testing.T) {
	for text, want := range map[string]int{
		"Should return 0 results":                                   0,
		"Also check for sweeps.py imports (should be 0 if deleted)": 0,
		"must be 0":                          0,
		"Should return 0. If not, update.":   0,
		"expected: 12":                       12,
		"-> 0":                               0,
		"No results expected":                0,
		"should print nothing":               0,
		"must be empty":                      0,
		"Check Python files":                 unsaid,
		"Should only show what is left":      unsaid,
		"Step 10 should have run":            unsaid,
		"":                                   unsaid,
		"should not run. 3 files come later": unsaid,
	} {
		if got := said(text); got != want {
			t.Errorf("said(%q) = %d, want %d", text, got, want)
		}
	}
}

// A command asks for a program that the repository may allow under its own
// name for it.
func TestMatch(t *testing.T) {
	allowed := []string{"uv run mypy src tests", "python -m pytest -q", "pytest tests/ -v", "./check.sh"}
	for text, want := range map[string]int{
		"uvx pytest tests/ -x --tb=short": 2,
		"pytest":                          1,
		"PYTHONPATH=src python3 -m pytest -q tests": 1,
		"uvx mypy src --show-error-codes":           0,
		"ruff check":                                -1,
		"./check.sh":                                3,
		"":                                          -1,
		"uvx":                                       -1,
	} {
		if got := (Command{Text: text}).Match(allowed); got != want {
			t.Errorf("Match(%q) = %d, want %d", text, got, want)
		}
	}
}
