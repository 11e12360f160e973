package plan

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	gmtext "github.com/yuin/goldmark/text"
)

func textReader(source []byte) gmtext.Reader { return gmtext.NewReader(source) }

func TestLink(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"a line", "Hello\n\nPlan: docs/plans/split.md\n\nThanks", "docs/plans/split.md"},
		{"among other lines", "Hello\nplan: `docs/split.yaml`\nThanks", "docs/split.yaml"},
		{"CRLF", "Hello\r\nPlan: docs/split.yml\r\n", "docs/split.yml"},
		{"bold", "**Plan:** docs/split.md.", "docs/split.md"},
		{"link", "Plan: [docs/split.md](https://example.com/docs/split.md)", "docs/split.md"},
		{"item", "- Plan: .\\docs\\my_plan_v2.md", "docs/my_plan_v2.md"},
		{"the first that fits", "Plan: later\n\nPlan: a.md\n\nPlan: b.md", "a.md"},
		{"none", "My plan: do it", ""},
		{"in a sentence", "Our Plan: docs/split.md", ""},
		{"no plan file", "Plan: src/secret.py", ""},
		{"absolute", "Plan: /etc/plan.md", ""},
		{"outside", "Plan: ../plan.md", ""},
		{"URL", "Plan: https://example.com/plan.md", ""},
		{"in code", "```\nPlan: docs/split.md\n```", ""},
		{"in a comment", "<!-- Plan: docs/split.md -->", ""},
		{"struck out", "~~Plan: docs/split.md~~", ""},
		{"link with other words", "Plan: [the plan](docs/split.md)", "docs/split.md"},
		{"link to GitHub", "Plan: [here](https://github.com/acme/mono/blob/main/docs/split.md#steps)", "docs/split.md"},
		{"address on GitHub", "Plan: https://github.example.com/acme/mono/blob/main/docs/split.yaml", "docs/split.yaml"},
		{"address in angle brackets", "Plan: <https://github.com/acme/mono/blob/v1/docs/split.md>", "docs/split.md"},
		{"address of no plan", "Plan: https://github.com/acme/mono/blob/main/src/x.py", ""},
		{"address that leaves", "Plan: https://github.com/acme/mono/blob/main/../x.md", ""},
		{"form", "### Plan\n\ndocs/split.md\n\n### Else\n\n_No response_", "docs/split.md"},
		{"form, path", "### Path to the plan\n\n`docs/split.md`", "docs/split.md"},
		{"form, other field", "### Owner\n\ndocs/owner.md", ""},
		{"form, the plan itself", "### Plan\n\n- `a.py` → `b.py`", ""},
		{"folded", "<details>\n<summary>Plan</summary>\n\nPlan: docs/split.md\n</details>", "docs/split.md"},
		{"not UTF-8", "Plan: docs/split.md\xff", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := Link([]byte(test.body))
			if got != test.want || ok != (test.want != "") {
				t.Errorf("Link = %q, %v, want %q", got, ok, test.want)
			}
		})
	}
}

// Text made to keep a parser busy is read or refused, not suffered.
func TestHostile(t *testing.T) {
	const size = maxMarkdown / 16
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	const head = "| From | To |\n|---|---|\n| `a.py` | `b.py` |\n\n"
	for _, test := range []struct{ name, text, want string }{
		{"quotes", repeat(">"), "quoted deeper than 32 levels"},
		{"quotes and lists", repeat("> - "), "quoted deeper than 32 levels"},
		{"lists", repeat("- "), ""},
		{"indented lists", func() string {
			var b strings.Builder
			for i := 0; b.Len()+2*i+10 < size; i++ {
				b.WriteString(strings.Repeat(" ", 2*i) + "- a\n")
			}
			return b.String()
		}(), ""},
		{"wide table", strings.Repeat("|a", 2000) + "\n" + strings.Repeat("|-", 2000) + "\n" + strings.Repeat("|a\n", 50000), "a table with more than 64 columns"},
		{"long table", "| From | To |\n|---|---|\n" + repeat("|a.py|b.py|\n"), ""},
		{"many moves", func() string {
			var b strings.Builder
			b.WriteString("| From | To |\n|---|---|\n")
			for i := range 1000 {
				fmt.Fprintf(&b, "|%sf%d.py|z%d.py|\n", strings.Repeat("x/", i%13), i, i)
			}
			return b.String() + "## Step 1: " + strings.Repeat("x/", 10000)
		}(), ""},
		{"links", repeat("[a]("), "more than 2000 links"},
		{"brackets", repeat("["), ""},
		{"images", repeat("!["), ""},
		{"references", repeat("[a]: b\n"), ""},
		{"stars", repeat("*a "), ""},
		{"ticks", repeat("` "), ""},
		{"comments", repeat("<!-- "), ""},
		{"tags", repeat("<a "), ""},
		{"headings", repeat("# a\n"), ""},
		{"steps", "## Step 1: a\n" + repeat("# Step 2: a\n"), "more mistakes follow"},
		{"phases", repeat("Phase 1: move (Steps 1-9999)\n"), ""},
		{"many ranges", "Phase 1: move (Steps " + repeat("1-9999,") + ")", ""},
		{"arrows", repeat("`a.py` → `b.py` "), ""},
		{"deletes", "## x\n- Delete " + repeat("`a.py`, "), ""},
		{"long path", "- Delete `" + repeat("a/") + "`", "is longer than 1024 bytes"},
		{"fences", repeat("```\n"), ""},
		{"shell", "```sh\n" + repeat("(") + "\n```", ""},
		{"short shell", "```sh\n" + strings.Repeat("$(", 4000) + "\n```", ""},
		{"many commands", strings.Repeat("```sh\n"+strings.Repeat("rm a\n", 1000)+"\n```\n", 6), "more than 5000 things"},
		{"python", "- Create `a/__init__.py`:\n\n  ```python\n  " + repeat("from . import (") + "\n  ```", ""},
		{"names", "- Create `a/__init__.py`:\n\n  ```python\n  __all__ = [" + func() string {
			var b strings.Builder
			for i := range 6000 {
				fmt.Fprintf(&b, "'n%d', ", i)
			}
			return b.String()
		}() + "]\n  ```", "more than 5000 things"},
		{"folds", repeat("<details>"), ""},
		{"large", strings.Repeat("a", maxMarkdown), "the plan is too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := head + test.text
			if test.want == "" {
				if _, err := Read("plan.md", []byte(text)); err != nil {
					t.Errorf("not read: %v", err)
				}
				return
			}
			_, err := Read("plan.md", []byte(text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %.200v, want one with %q", err, test.want)
			}
		})
	}
}

// FuzzRead looks for plans that crash the reader, and for plans that are not
// the same when they are written as YAML and read again.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"restage: 1\nmoves: [{from: a.py, to: b.py}]\nimports: {a.*: {to: b, step: 1}}\n",
		"| From | To |\n|---|---|\n| `a.py` | **DELETE** (duplicate of x/b.py) |\n",
		"## Step 1: x\n- Move `a/` → `b/`\n- Create `b/__init__.py`:\n  ```python\n  from .x import (y,\n  z)\n  ```\n",
		"## Out of Scope\n- `a/` - b\n\n## Known issues\n1. x\n\n- `a.b` -> `c.d`\n",
		"Phase 1: move (Steps 1-3)\n\n**Step 2: x**\n\nDelete these:\n- `a.py`\n",
		"---\nrestage: 1\nmoves: [{from: a.py, to: b.py}]\n---\n\n# x\n",
		"<table><tr><th>From</th><th>To</th></tr>\n\n<tr><td><code>a.py</code><td>b/c.py</table>\n<div>x",
		"```markdown\n- `a.py`\n  - to: `b.py`\n```sh\ngit mv c.py d.py\n```\n```\n",
		"## Steps\n1. Move „a/b.py“ to «c/d.py»\n   Expected: a, b\n2. a.b becomes c.d. Delete x/y.py, a copy of z.py.\n",
		"- `a.py` → `b.py`\n```sh\n# must be 0\ngrep -r 'a\\|b' src | grep -v c | wc -l\npython -c \"from a import b\"\n```\n",
		"- `a.py` → `b.py`\n```python\n# OLD\nfrom a import b\n# NEW\nfrom c import b\n```\n",
		"restage: 1\nkeep: [a]\ndelete: [{path: b}]\nchecks: [{file: a}, {text: x, in: [a]}, {find: ['*'], in: [.], count: 0}, {import: a, names: [b]}, {same: [a, b]}]\ncommands: [{run: a}]\nnot_run: [{run: a, reason: b}]\nnot_used: [{text: c, line: 3}]\n",
		"<details>\n```yaml\nrestage: 1\nkeep: [a]\ndelete: [{path: b}]\n```\n</details>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read("plan.md", data)
		Link(data)
		if err != nil {
			var mistake *Error
			if p != nil || !errors.As(err, &mistake) {
				t.Fatalf("Read = %v, %v", p, err)
			}
			return
		}
		p.Markdown()
		text, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read("", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		compare(t, again, p)
		if !reflect.DeepEqual(again.NotRun, p.NotRun) || !reflect.DeepEqual(again.Unused, p.Unused) {
			t.Fatalf("not used was\n%+v\n%+v\nand is\n%+v\n%+v", p.NotRun, p.Unused, again.NotRun, again.Unused)
		}
	})
}

// FuzzShell looks for shell that crashes the reader, or makes checks that YAML
// cannot hold.
func FuzzShell(f *testing.F) {
	for _, s := range []string{
		"test -f a && test ! -d b || exit 1",
		"# must be 0\ngrep -r 'a\\|b' --include='*.py' src | grep -v c | wc -l",
		"grep -c '^a' b.py | grep -q '^1$' && echo ok",
		"[[ ! -f a ]] && ! grep -qiE '[[:alpha:]]+' b",
		"find . -name '*.py' -type f | wc -l | grep -q '^0$'",
		"python -c \"from a import b; print('x')\"",
		"for a in b; do c; done\n(a; b) > c <<EOF\nEOF\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		checks, commands, notRun := readShell(strings.Split(source, "\n"), "")
		p := &Plan{Checks: checks, Commands: commands, NotRun: notRun, Keep: []string{"x"}, Delete: []Delete{{Path: "y"}}}
		text, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.ValidString(source) || strings.Contains(source, "\x00") {
			return
		}
		again, err := Read("", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		compare(t, again, p)
	})
}

// A body of 64 KB, as long as an issue may be, takes far less than 256 MB and
// is done in time, whatever it is.
func TestMemory(t *testing.T) {
	const size, most = 64 << 10, 256 << 20
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	lists := func(mark string) string {
		var b strings.Builder
		for i := 0; b.Len()+2*i+10 < size; i++ {
			b.WriteString(strings.Repeat(" ", 2*i) + mark + " a\n")
		}
		return b.String()
	}
	for name, body := range map[string]string{
		"quotes":        strings.Repeat(strings.Repeat("> ", 30)+"a\n", size/62),
		"bullets":       lists("-"),
		"numbers":       lists("1."),
		"open lists":    repeat("- "),
		"brackets":      repeat("["),
		"links":         repeat("[a](b)"),
		"parentheses":   repeat("[a]("),
		"references":    repeat("[a][b]\n\n[b]: c\n"),
		"stars":         repeat("*a **b "),
		"ticks":         repeat("`a``b"),
		"tables":        repeat("| From | To |\n|-|-|\n| a.py | b.py |\n\n"),
		"wide table":    repeat("|a"),
		"HTML":          repeat("<div>\n"),
		"HTML table":    "<table>" + repeat("<tr><td>a.py"),
		"HTML tables":   repeat("<table>\n\n"),
		"deep HTML":     repeat("<table><tr><td>"),
		"comments":      repeat("<!--"),
		"folds":         repeat("<details>\n"),
		"headings":      repeat("# a\n"),
		"arrows":        "- `a.py` → " + repeat("`b.py` → "),
		"sentences":     "- " + repeat("Delete `a/b.py`. "),
		"bare paths":    "- " + repeat("a/b.py -> "),
		"quotation":     repeat("„a.b“ "),
		"becomes":       "- " + repeat("`a.b` becomes "),
		"ends":          repeat("- from: `a.b`\n"),
		"steps":         "## Steps\n" + repeat("1. a\n"),
		"fences":        repeat("```markdown\n"),
		"front matter":  "---\na: b\n" + repeat("--\n"),
		"shell":         repeat("```sh\ntest -f a\n```\n"),
		"shell nesting": repeat("```sh\n" + strings.Repeat("(", 4000) + "\n```\n"),
		"shell joined":  repeat("```sh\n" + strings.Repeat("a && ", 1000) + "b\n```\n"),
		"shell pipes":   repeat("```sh\n" + strings.Repeat("a | ", 1000) + "b\n```\n"),
		"shell regexps": repeat("```sh\ngrep -qE '" + strings.Repeat("(a{9}){9}", 20) + "' b\n```\n"),
		"python":        repeat("```python\n# OLD\nfrom a import b\n# NEW\nfrom c import b\n```\n"),
		"python lines":  "```python\n# OLD\n" + repeat("# NEW\nimport a\n") + "```\n",
		"YAML lists":    "restage: 1\nkeep: " + repeat("["),
		"YAML indents":  "restage: 1\nkeep:\n" + lists("-"),
		"YAML keys":     "restage: 1\n" + repeat("a: b\n"),
		"YAML aliases":  "restage: 1\nmoves:\n- &a {from: a.py, to: b.py, export: [a, b, c]}\n" + repeat("- *a\n"),
		"YAML laughs":   laughs,
		"YAML repeated": "restage: 1\nchecks:\n- {text: a, in: [b], only: &a ['" + strings.Repeat("(a{9}){9}", 100) + "']}\n" + repeat("- {text: a, in: [b], only: *a}\n"),
		"YAML quotes":   "restage: 1\nkeep: [" + repeat("'a', "),
		"YAML checks":   "restage: 1\nchecks:\n" + repeat("- {text: '(a{9}){9}', in: [b]}\n"),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			p, err := Read("", []byte(body))
			Link([]byte(body))
			if err == nil {
				p.Markdown()
			}
			runtime.ReadMemStats(&after)
			if used := after.HeapSys - before.HeapSys; after.HeapSys > before.HeapSys && used > most {
				t.Errorf("the heap grew by %d MB", used>>20)
			}
			if after.HeapSys > 2*most {
				t.Errorf("the heap is %d MB large", after.HeapSys>>20)
			}
		})
	}
}
