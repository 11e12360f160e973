package plan

import (
	"reflect"
	"strings"
	"testing"
)

func TestYAML(t *testing.T) {
	got := mustRead(t, "", []byte(`# A plan.
---
restage: 1
title: "  Distribute   orchestration "
source_roots: [src, lib/, .]
steps:
- {step: 2, title: Move, phase: moves}
moves:
- from: a/training.py
  to: training/jobs.py
  expect: [run, stop]
  export: [run]
  metadata: {domain: training, from_domain: a, tags: {add: [x], remove: [y z]}}
  step: 2
- {from: .\a\tools\, to: tools}
- {from: a/one.py, to: one/}
imports:
  a.training: training
  a.index.*: {to: training.index, step: 2}
  a.gone:
  a.also_gone: ""
  a.x:f: b.y:g
retire:
- {path: a//wrapper.py, use: training.*, step: 2}
- path: a/nothing.py
delete:
- {path: a/dup.py, duplicate_of: ./a/training.py}
- {path: a/, step: 2}
keep: [a/keep/]
decide: {a/b.py: delete}
preconditions: [green]
known_issues: []
`))
	want := &Plan{
		Title:       "Distribute orchestration",
		SourceRoots: []string{"src", "lib", "."},
		Steps:       []Step{{2, "Move", "moves"}},
		Moves: []Move{
			{From: "a/training.py", To: "training/jobs.py", Expect: []string{"run", "stop"}, Export: []string{"run"},
				Metadata: &Metadata{Domain: "training", FromDomain: "a", AddTags: []string{"x"}, RemoveTags: []string{"y z"}},
				Step:     2, Line: 9},
			{From: "a/tools/", To: "tools/", Line: 15},
			{From: "a/one.py", To: "one/one.py", Line: 16},
		},
		Imports: []Mapping{
			{Old: "a.training", New: "training", Line: 18},
			{Old: "a.index.*", New: "training.index", Step: 2, Line: 19},
			{Old: "a.gone", Line: 20},
			{Old: "a.also_gone", Line: 21},
			{Old: "a.x:f", New: "b.y:g", Line: 22},
		},
		Retire:        []Retire{{"a/wrapper.py", "training.*", 2, 24}, {"a/nothing.py", "", 0, 25}},
		Delete:        []Delete{{"a/dup.py", "a/training.py", 0, 27}, {"a/", "", 2, 28}},
		Keep:          []string{"a/keep/"},
		Decide:        map[string]string{"a/b.py": "delete"},
		Preconditions: []string{"green"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Aliases are read as what they stand for, at the line where they stand.
func TestYAMLAliases(t *testing.T) {
	got := mustRead(t, "", []byte(`restage: 1
moves:
- {from: &old a/one.py, to: &new b/one.py, export: &names [f, g], metadata: &meta {domain: b}}
- {from: a/two.py, to: b/two.py, export: *names, metadata: *meta}
imports: {&module a.one: b.one}
retire: [{path: a/wrapper.py, use: b.one}]
delete:
- &gone {path: a/dup.py, duplicate_of: *old}
keep: [&keep a/trial/]
decide: {*keep : keep}
`))
	meta := &Metadata{Domain: "b"}
	want := &Plan{
		Moves: []Move{
			{From: "a/one.py", To: "b/one.py", Export: []string{"f", "g"}, Metadata: meta, Line: 3},
			{From: "a/two.py", To: "b/two.py", Export: []string{"f", "g"}, Metadata: meta, Line: 4},
		},
		Imports: []Mapping{{Old: "a.one", New: "b.one", Line: 5}},
		Retire:  []Retire{{"a/wrapper.py", "b.one", 0, 6}},
		Delete:  []Delete{{"a/dup.py", "a/one.py", 0, 8}},
		Keep:    []string{"a/trial/"},
		Decide:  map[string]string{"a/trial/": "keep"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// laughs is a short plan whose aliases stand for a billion values.
const laughs = `restage: 1
keep:
- &a [x, x, x, x, x, x, x, x, x, x]
- &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
- &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
- &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
- &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
- &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
- &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
- [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]
`

func TestYAMLMistakes(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"unknown key", "restage: 1\nmove: []", `p.yaml:2:1: unknown key "move"; did you mean "moves"?`},
		{"unknown key in a move", "restage: 1\nmoves:\n- {form: a.py, to: b.py}", `p.yaml:3:4: unknown key "form"; did you mean "from"?`},
		{"unknown key in metadata", "restage: 1\nmoves: [{from: a.py, to: b.py, metadata: {tag: x}}]", `p.yaml:2:43: unknown key "tag"; did you mean "tags"?`},
		{"unknown version", "restage: 2\nmoves: []", `p.yaml:1:10: unknown version of the plan format; this restage reads "restage: 1"`},
		{"no version", "moves:\n- {from: a.py, to: b.py}", `p.yaml:1:1: the version is missing; start with "restage: 1"`},
		{"empty", "", `p.yaml:1:1: the version is missing; start with "restage: 1"`},
		{"nothing to do", "restage: 1\ntitle: x", `p.yaml: the plan moves nothing: write a table`},
		{"no moves", "restage: 1\nmoves: []", `p.yaml: the plan moves nothing: write a table`},
		{"absolute", "restage: 1\nmoves:\n- from: /a.py\n  to: b.py", `p.yaml:3:9: the path "/a.py" is absolute;`},
		{"backslash first", "restage: 1\nmoves:\n- from: \\a.py\n  to: b.py", `p.yaml:3:9: the path "\\a.py" is absolute;`},
		{"drive", "restage: 1\ndelete: [{path: 'c:x.py'}]", `p.yaml:2:17: the path "c:x.py" is absolute;`},
		{"home", "restage: 1\nkeep: [~/x]", `p.yaml:2:8: the path "~/x" is absolute;`},
		{"outside", "restage: 1\nretire: [{path: a/../../b.py}]", `p.yaml:2:17: the path "a/../../b.py" has a ".." in it;`},
		{"outside with backslashes", "restage: 1\nretire: [{path: 'a\\..\\b.py'}]", `p.yaml:2:17: the path "a\\..\\b.py" has a ".." in it;`},
		{"duplicate outside", "restage: 1\ndelete: [{path: a.py, duplicate_of: ../b.py}]", `p.yaml:2:37: the path "../b.py" has a ".." in it;`},
		{"decide outside", "restage: 1\ndecide: {../b.py: keep}", `p.yaml:2:10: the path "../b.py" has a ".." in it;`},
		{"root outside", "restage: 1\nsource_roots: [..]", `p.yaml:2:16: the path ".." has a ".." in it;`},
		{"empty path", "restage: 1\nmoves: [{from: '', to: b.py}]", `p.yaml:2:16: the path is empty;`},
		{"no path", "restage: 1\nmoves: [{from: , to: b.py}]", `p.yaml:2:16: expected text, found nothing`},
		{"no from", "restage: 1\nmoves:\n- to: b.py", `p.yaml:3:3: the move has no "from"; add it`},
		{"no to", "restage: 1\nmoves:\n- from: b.py", `p.yaml:3:3: the move has no "to"; add it`},
		{"no path to delete", "restage: 1\ndelete:\n- step: 3", `p.yaml:3:3: the entry has no "path"; add it`},
		{"NUL", "restage: 1\nkeep: [\"a\\0b\"]", `p.yaml:2:8: the path "a\x00b" holds characters that no path should`},
		{"raw NUL", "restage: 1\nkeep: [a\x00b]", `p.yaml:2:9: a NUL character; save the plan as text`},
		{"not UTF-8", "restage: 1\ntitle: \xff", `p.yaml:2:8: not UTF-8: the byte 0xff; save the plan as UTF-8`},
		{"the repository", "restage: 1\ndelete: [{path: ./}]", `p.yaml:2:17: the path "./" is the whole repository;`},
		{"git", "restage: 1\ndelete: [{path: a/.GIT/x}]", `p.yaml:2:17: the path "a/.GIT/x" lies in .git`},
		{"pattern", "restage: 1\ndelete: [{path: a/*.py}]", `p.yaml:2:17: the path "a/*.py" is a pattern;`},
		{"URL", "restage: 1\ndelete: [{path: 'https://x/y'}]", `p.yaml:2:17: "https://x/y" is a URL;`},
		{"long path", "restage: 1\nkeep: [" + strings.Repeat("a", 2000) + "]", `p.yaml:2:8: the path "aaaa`},
		{"path for module", "restage: 1\nimports: {a/b.py: c}", `p.yaml:2:11: "a/b.py" is a path; write the module dotted`},
		{"relative module", "restage: 1\nimports: {.a: c}", `p.yaml:2:11: ".a" is no module`},
		{"star inside", "restage: 1\nimports: {a.*.b: c}", `p.yaml:2:11: "a.*.b" is no module`},
		{"star and name", "restage: 1\nimports: {'a.*:b': c}", `p.yaml:2:11: "a.*:b" mixes .* with a name`},
		{"star on the right", "restage: 1\nimports: {a.b: c.*}", `p.yaml:2: "c.*" is a whole package, "a.b" is not; write .* on the left side too`},
		{"name on one side", "restage: 1\nimports: {a.b: 'c:d'}", `p.yaml:2: "a.b" and "c:d" do not go together; write module:name on both sides or on none`},
		{"name in use", "restage: 1\nretire: [{path: a.py, use: 'b:c'}]", `p.yaml:2:28: "b:c" is no module`},
		{"key twice", "restage: 1\nimports:\n  a: b\n  a: c", `p.yaml:4:3: key "a" is given twice, first in line 3; keep one`},
		{"no Python name", "restage: 1\nmoves: [{from: a.py, to: b.py, export: [a-b]}]", `p.yaml:2:41: "a-b" is no Python name`},
		{"step zero", "restage: 1\nmoves: [{from: a.py, to: b.py, step: 0}]", `p.yaml:2:38: expected a whole number from 1 to 9999, found "0"`},
		{"step unknown", "restage: 1\nsteps: [{step: 1}]\nmoves: [{from: a.py, to: b.py, step: 2}]", `p.yaml:3: step 2 is not in the list of steps; add it there`},
		{"step twice", "restage: 1\nsteps: [{step: 1}, {step: 1}]", `p.yaml:2:20: step 1 is listed twice; keep one`},
		{"phase", "restage: 1\nsteps: [{step: 1, phase: move}]", `p.yaml:2:26: unknown phase "move"; did you mean "moves"?`},
		{"alias of nothing", "restage: 1\nkeep: [*a]", `p.yaml:2:8: not valid YAML: unknown anchor 'a' referenced; mark a value above with &, or quote what begins with *`},
		{"pattern that looks like an alias", "restage: 1\nchecks:\n- {text: a, in: [b], files: [*.py]}", `p.yaml:3:30: not valid YAML: unknown anchor`},
		{"alias of the wrong kind", "restage: 1\nkeep: &a [b]\nmoves: [{from: *a, to: c.py}]", `p.yaml:3:16: expected text, found a list`},
		{"alias of a mistake", "restage: 1\nkeep: [a, &b ../b]\ndelete: [{path: *b}]", "p.yaml:2:11: the path \"../b\" has a \"..\" in it; write it from the repository root or a source root\np.yaml:3:17: the path"},
		{"misspelt key repeated", "restage: 1\nmoves:\n- {from: a.py, to: b.py, metadata: &m {domian: x}}\n- {from: c.py, to: d.py, metadata: *m}", `p.yaml:3:40: unknown key "domian"; did you mean "domain"?`},
		{"alias as a key given twice", "restage: 1\nimports: {&a a.b: c, *a : d}", `p.yaml:2:22: key "a.b" is given twice, first in line 2; keep one`},
		{"part of itself", "restage: 1\nkeep: &a [b, *a]", `p.yaml:2:14: with its aliases (*x) this nests deeper than 32 levels; no value can be part of itself`},
		{"laughs", laughs, `p.yaml:6:35: aliases (*x) repeat more than 10000 values up to here; write fewer`},
		{"merge key", "restage: 1\nmoves:\n- &a {from: a.py, to: b.py}\n- {<<: *a, to: c.py}", `p.yaml:4:4: merge keys (<<) are not supported; write the keys out`},
		{"tag", "restage: 1\ntitle: !!str x", `p.yaml:2:8: tags such as !!str are not supported`},
		{"two documents", "restage: 1\n---\nrestage: 1", `p.yaml:2:1: a second document starts here; keep one`},
		{"list of moves as mapping", "restage: 1\nmoves: {from: a, to: b}", `p.yaml:2:8: expected a list, found keys and values`},
		{"imports as list", "restage: 1\nimports: [a]", `p.yaml:2:10: expected keys and values, found a list`},
		{"answer empty", "restage: 1\ndecide: {a.py: ''}", `p.yaml:2:16: the answer is empty;`},
		{"moved and deleted", "restage: 1\nmoves: [{from: a.py, to: b.py}]\ndelete: [{path: a.py}]", `p.yaml:3: "a.py" is moved in line 2 and deleted here; keep one`},
		{"a keyword", "restage: 1\nmoves:\n- {from: a.py, to: other/class.py}", `p.yaml:3: nobody could import "other/class.py": "class" is a keyword of Python; choose another name`},
		{"a hyphen", "restage: 1\nmoves:\n- {from: a.py, to: other/my-mod.py}", `p.yaml:3: nobody could import "other/my-mod.py": "my-mod" is no Python name; use letters, digits and _`},
		{"a digit first", "restage: 1\nmoves:\n- {from: a.py, to: 3d.py}", `p.yaml:3: nobody could import "3d.py": "3d" is no Python name`},
		{"a dot", "restage: 1\nmoves:\n- {from: a.py, to: b.test.py}", `p.yaml:3: nobody could import "b.test.py": "b.test" is no Python name`},
		{"a slash too much", "restage: 1\nmoves:\n- {from: a.py, to: core/a.py/}", `p.yaml:3: the new home of "a.py" lies in a folder called "core/a.py/"; write the file without a slash behind it`},
		{"a folder to a file", "restage: 1\nmoves:\n- {from: a/, to: b.py}", `p.yaml:3: the new home of "a/" lies in a folder called "b.py/"`},
		{"no longer Python", "restage: 1\nmoves:\n- {from: a.py, to: core/a.txt}", `p.yaml:3: "a.py" is Python and its new home "core/a.txt" is not; end it in .py, or in a slash for a folder`},
		{"no suffix", "restage: 1\nmoves:\n- {from: a.py, to: core}", `p.yaml:3: "a.py" is Python and its new home "core" is not`},
		{"check without a kind", "restage: 1\nchecks: [{step: 1}]", `p.yaml:2:10: a check is about one thing; give one of the keys file, folder,`},
		{"check of two kinds", "restage: 1\nchecks: [{file: a, folder: b}]", `p.yaml:2:10: a check is about one thing;`},
		{"check of nowhere", "restage: 1\nchecks: [{text: a}]", `p.yaml:2:10: the check has no "in"; list the files or folders to look in`},
		{"check of one file", "restage: 1\nchecks: [{same: [a]}]", `p.yaml:2:10: "same" takes two files`},
		{"check outside", "restage: 1\nchecks: [{file: ../a}]", `p.yaml:2:17: the path "../a" has a ".." in it;`},
		{"check of a pattern", "restage: 1\nchecks: [{text: '(a', in: [b]}]", `p.yaml:2:17: "(a" is no regular expression:`},
		{"check of a glob", "restage: 1\nchecks: [{find: ['[a'], in: [b]}]", `p.yaml:2:18: "[a" is no pattern for the name of a file; write it as in *.py`},
		{"check of a package", "restage: 1\nchecks: [{import: 'a.*'}]", `p.yaml:2:19: "a.*" is a whole package; name one module`},
		{"command without text", "restage: 1\ncommands: [{step: 1}]", `p.yaml:2:12: the command has no "run"; add it`},
		{"command with a reason", "restage: 1\ncommands: [{run: a, reason: b}]", `p.yaml:2:21: unknown key "reason"; known are check, line, run, step`},
		{"unused without text", "restage: 1\nnot_used: [{line: 1}]", `p.yaml:2:12: the entry has no "text"; add it`},
		{"too large", "restage: 1\n#" + strings.Repeat("x", 1<<20), `p.yaml: the plan is too large: 1048588 bytes; at most 1048576 are read`},
		{"too long", "restage: 1\nkeep: [" + strings.Repeat("a,", 10001) + "]", `p.yaml:2:7: too long: at most 5000 entries are read`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Read("p.yaml", []byte(test.data))
			if err == nil {
				t.Fatalf("read as %+v", p)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// All mistakes are told at once, each with its place.
func TestYAMLTellsAllMistakes(t *testing.T) {
	_, err := Read("p.yaml", []byte(`restage: 1
moves:
  - {form: a.py, to: ../b.py}
  - from: c.py
    to: d.py
    metadata: {tag: x}
import: {a: b}
delete: [{path: /x}]
checks:
  - {fiel: a.py}
`))
	want := `p.yaml:3:6: unknown key "form"; did you mean "from"?
p.yaml:3:22: the path "../b.py" has a ".." in it; write it from the repository root or a source root
p.yaml:6:16: unknown key "tag"; did you mean "tags"?
p.yaml:7:1: unknown key "import"; did you mean "imports"?
p.yaml:8:17: the path "/x" is absolute; write it from the repository root or a source root
p.yaml:10:6: unknown key "fiel"; did you mean "file"?`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// What a plan is shows in its content, whatever its name is.
func TestReadFindsFormat(t *testing.T) {
	const table = "| From | To |\n|---|---|\n| `a.py` | `b.py` |\n"
	for _, test := range []struct{ name, file, data string }{
		{"YAML in an issue", "", "restage: 1\nmoves: [{from: a.py, to: b.py}]\n"},
		{"YAML after comments", "", "\n# a plan\r\n\n---\r\nrestage : 1\nmoves: [{from: a.py, to: b.py}]\n"},
		{"YAML in a Markdown file", "plan.md", "restage: 1\nmoves: [{from: a.py, to: b.py}]\n"},
		{"YAML with a byte order mark", "", "\ufeffrestage: 1\nmoves: [{from: a.py, to: b.py}]\n"},
		{"YAML file, version last", "plan.yml", "moves: [{from: a.py, to: b.py}]\nrestage: 1\n"},
		{"JSON", "", `{"restage": 1, "moves": [{"from": "a.py", "to": "b.py"}]}`},
		{"Markdown", "", "# restage: 1\n\n" + table},
		{"Markdown file", "x/plan.MD", table},
		{"Markdown of no name", "plan", table},
		{"Markdown with a byte order mark", "", "\ufeff" + table},
		{"fence without a language", "", "Hi\n\n```\nrestage: 1\nmoves: [{from: a.py, to: b.py}]\n```\n"},
		{"tilde fence", "", "Hi\n~~~yml title=plan\nrestage: 1\nmoves: [{from: a.py, to: b.py}]\n~~~\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Read(test.file, []byte(test.data))
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Moves) != 1 || p.Moves[0].From != "a.py" || p.Moves[0].To != "b.py" {
				t.Errorf("moves are %+v", p.Moves)
			}
		})
	}
}
