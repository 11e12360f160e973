package plan

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
	"golang.org/x/tools/txtar"
)

// plans returns every plan of the test data that can be read, by name.
func plans(t *testing.T) map[string]*Plan {
	t.Helper()
	all := map[string]*Plan{"seed": mustRead(t, "plan.md", readFile(t, seed))}
	files, err := filepath.Glob("testdata/markdown/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := Read("plan.md", archive.Files[0].Data); err == nil {
			all[filepath.Base(file)] = p
		}
	}
	all["odd"] = odd()
	return all
}

// odd is a plan whose author is up to something.
func odd() *Plan {
	const text = "yes: @octocat <script>alert(1)</script> ![x](https://example.com/x.png) [x](y) `` ` | #1 &amp; ```\u00e9 *b* ~~s~~"
	return &Plan{
		Title:         text,
		SourceRoots:   []string{"."},
		Steps:         []Step{{Number: 1, Title: text, Phase: "moves"}, {Number: 7}},
		Moves:         []Move{{From: "a|b`/@x <b>.py", To: "``/x.py", Metadata: &Metadata{Domain: "- a", AddTags: []string{"null", "1"}}}},
		Imports:       []Mapping{{Old: "a.b", New: "c.d"}, {Old: "true", New: "null"}, {Old: "on.*"}},
		Retire:        []Retire{{Path: "1.0"}, {Path: "null", Use: "yes"}},
		Keep:          []string{"#x/"},
		Decide:        map[string]string{"a, b: {c}": "~"},
		Preconditions: []string{text, "", "- a"},
	}
}

func TestYAMLRoundTrip(t *testing.T) {
	for name, p := range plans(t) {
		t.Run(name, func(t *testing.T) {
			data, err := p.YAML()
			if err != nil {
				t.Fatal(err)
			}
			got := mustRead(t, "", data)
			compare(t, got, p)
			if !reflect.DeepEqual(got.Unused, p.Unused) || !reflect.DeepEqual(got.NotRun, p.NotRun) || !reflect.DeepEqual(got.Commands, p.Commands) {
				t.Errorf("what was not used comes back as\n%+v\n%+v\n%+v", got.Unused, got.NotRun, got.Commands)
			}
			again, err := mustRead(t, "", data).YAML()
			if err != nil || !bytes.Equal(again, data) {
				t.Errorf("written again, it is different: %v\n%s", err, again)
			}
		})
	}
}

func TestJSONRoundTrip(t *testing.T) {
	for name, p := range plans(t) {
		t.Run(name, func(t *testing.T) {
			data, err := p.JSON()
			if err != nil {
				t.Fatal(err)
			}
			if !json.Valid(data) {
				t.Errorf("no JSON:\n%s", data)
			}
			compare(t, mustRead(t, "", data), p)
		})
	}
}

// The summary is looked at, so it is compared as a whole. To accept a change,
// write the new text to the file.
func TestSummary(t *testing.T) {
	p := mustRead(t, "", []byte(`restage: 1
title: Move the *jobs*
steps: [{step: 1, title: First, phase: moves}]
moves: [{from: app/a.py, to: work/a.py, export: [run, stop], step: 1}]
imports: {app.a: work.a, app.b: }
retire: [{path: app/old.py, use: work.a}, {path: app/older.py}]
delete: [{path: app/x.py, duplicate_of: app/a.py}, {path: app/}]
keep: [app/keep/]
decide: {app/y.py: delete}
preconditions: [ask @ann]
known_issues: ['slow | and #1']
`))
	p.Checks = []Check{{Kind: File, Paths: []string{"work/a.py"}, Step: 1}}
	p.Commands = []Command{{1, "pytest `@bob`", 5, "", ""}, {1, "mypy", 6, "", "types"}}
	p.NotRun = []Command{{0, "rm -r x", 8, "restage *makes* its changes", ""}, {1, "mv x y", 9, "restage *makes* its changes", ""}}
	p.Unused = []Unused{{0, "Thanks to @bob", 12}, {1, "a", 14}, {1, "b", 15}, {1, "c", 17}}
	const file = "testdata/summary.md"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Markdown(); got != string(want) {
		t.Errorf("got\n%s\nwant the text in %s", got, file)
	}
}

// However a plan is written, its summary links, mentions and embeds nothing.
func TestSummaryEscapes(t *testing.T) {
	p := odd()
	p.Unused = []Unused{{0, p.Title, 1}}
	source := []byte(p.Markdown())
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	tree := markdown.Parser().Parse(textReader(source))
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link, *ast.Image, *ast.AutoLink, *ast.RawHTML:
			t.Errorf("the summary holds a %s", n.Kind())
		case *ast.HTMLBlock:
			if line := n.Lines().At(0); !strings.Contains(string(line.Value(source)), "details>") {
				t.Errorf("the summary holds the HTML %q", line.Value(source))
			}
		case *ast.Text:
			if inCode(n) {
				break
			}
			if s := string(n.Value(source)); strings.Contains(s, "@o") || strings.Contains(s, "#1") {
				t.Errorf("the summary mentions somebody or something: %q", s)
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := markdown.Convert(source, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<code>a|b`/@x &lt;b&gt;.py</code>", "<code>``/x.py</code>", "![x](https://example.com/x.png)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("a reader does not see %s in\n%s", want, out.String())
		}
	}
}

func inCode(n ast.Node) bool {
	for ; n != nil; n = n.Parent() {
		if n.Kind() == ast.KindCodeSpan {
			return true
		}
	}
	return false
}
