package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/restage/restage/bot/runner/report"
	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases"
	"github.com/restage/restage/phases/check"
)

func TestParseCommands(t *testing.T) {
	for _, c := range []struct{ comment, want string }{
		{"/restage rerun", "rerun []"},
		{"Please:\r\n/ReStage  RERUN now\r\nthanks", "rerun [now]"},
		{"/restage", " []"},
		{"/restage decide a b/c.py delete\n/restage status", "decide [a b/c.py delete]; status []"},
		{"/restaged rerun", ""},
		{"say /restage rerun", ""},
		{"> /restage rerun", ""},
		{"> quoted\n/restage rerun", ""}, // still the quote, to Markdown
		{"> quoted\n\n/restage rerun", "rerun []"},
		{"    /restage rerun", ""},
		{"```\n/restage rerun\n```", ""},
		{"~~~\n/restage rerun", ""},
		{"- /restage rerun", ""},
		{"<!--\n/restage rerun\n-->", ""},
		{"<pre>\n/restage rerun\n</pre>", ""},
		{"# /restage rerun", ""},
		{"   /restage rerun", "rerun []"},
		{"/restage pause\n---\nThat will do.", "pause []"},
		{"/restage pause\n===", "pause []"},
		{"as in `\n/restage rerun\n` and\n/restage status", "status []"},
		{"`/restage rerun`", ""},
		{"so `it`\n/restage rerun\nand `that`", "rerun []"},
		{"so ` it\n/restage rerun", "rerun []"},
		{"text <!--\n/restage rerun\n--> and\n/restage status", "status []"},
		{"text <a title=\"\n/restage rerun\n\">\n/restage status", "status []"},
		{strings.Repeat("/restage status\n", 1000), strings.Repeat("status []; ", maxCommands-1) + "status []"},
	} {
		var got []string
		for _, cmd := range parseCommands(c.comment) {
			got = append(got, fmt.Sprint(cmd.verb, " ", cmd.args))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%q: got %q, want %q", c.comment, s, c.want)
		}
	}
}

func TestDecisionCommand(t *testing.T) {
	for _, c := range []struct{ args, path, answer string }{
		{"a/b.py keep", "a/b.py", "keep"},
		{"`a/b.py` `keep`", "a/b.py", "keep"},
		{"my folder/b.py keep", "my folder/b.py", "keep"},
		{"keep", "", ""},
		{"", "", ""},
	} {
		path, answer, _ := command{verb: "decide", args: strings.Fields(c.args)}.decision()
		if path != c.path || answer != c.answer {
			t.Errorf("%q: got %q, %q", c.args, path, answer)
		}
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{
		"decid": "decide", "reurn": "rerun", "STATUS": "status", "hepl": "help", "destroy": "", "": "",
	} {
		if got := nearest(word, verbs); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

func TestTitle(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Move training jobs", "Move training jobs"},
		{"Fixes #12 and GH-13", "Fixes no. 12 and no. 13"},
		{"Closes https://example.com/o/r/issues/1", "Closes https: //example.com/o/r/issues/1"},
		{"@ada: tell (@bob/team) of @meta, not a@b.c or @", "@ ada: tell (@ bob/team) of @ meta, not a@b.c or @"},
		{"Move [skip ci]\n\nCo-authored-by: x", "Move (skip ci) Co-authored-by: x"},
		{strings.Repeat("ä", 300), strings.Repeat("ä", 179) + "…"},
	} {
		if got := title(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestFileURL(t *testing.T) {
	got := fileURL("https://github.com/o/r", "abc", "a b/(c)?#%.py", 7)
	if want := "https://github.com/o/r/blob/abc/a%20b/%28c%29%3F%23%25.py#L7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLongListsAreFoldedAndBounded(t *testing.T) {
	var moved []phases.Moved
	for i := range 5000 {
		moved = append(moved, phases.Moved{From: fmt.Sprintf("src/old/module_%d.py", i), To: fmt.Sprintf("src/new/module_%d.py", i)})
	}
	got := movedTable(moved, false)
	if len(got) > maxListText+500 {
		t.Errorf("%d characters", len(got))
	}
	for _, want := range []string{"<details><summary>5000 files</summary>\n\n| From | To |\n|---|---|\n| `src/old/module_0.py`", " more.\n\n</details>"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if short := movedTable(moved[:3], false); strings.Contains(short, "<details>") {
		t.Errorf("a short list is folded:\n%s", short)
	}
}

// The end of a log is shown, also that of its last line.
func TestTail(t *testing.T) {
	long := strings.Repeat("x", maxTail)
	for _, c := range []struct{ name, log, want string }{
		{"short", "a\nb\n", "a\nb\n"},
		{"long", "first\n" + long[:maxTail-3] + "\nb\n", "[...]\nb\n"},
		{"a long last line", "a\n" + long + "end", "[...]\n" + long[3:] + "end"},
		{"a long last line that ends", "a\n" + long + "end\n", "[...]\n" + long[4:] + "end\n"},
		{"a long last line of two bytes each", "a\n" + strings.Repeat("ä", maxTail/2) + "x", "[...]\n" + strings.Repeat("ä", maxTail/2-1) + "x"},
	} {
		if got := tail(c.log); got != c.want {
			t.Errorf("%s: got %d bytes, %.20q … %q", c.name, len(got), got, got[max(0, len(got)-20):])
		}
	}
}

// What went wrong on the server is told without what is only for who runs it.
func TestPublic(t *testing.T) {
	b := &Bot{secrets: []string{"s3cr3t", ""}}
	for message, want := range map[string]string{
		"mkdir /var/lib/restage/clone-12/tree-3: no space left": "mkdir [a path of the server]: no space left",
		`open "/tmp/x/y.git": denied`:                           `open "[a path of the server]": denied`,
		"image ghcr.io/acme/ci:1 is not allowed":                "image ghcr.io/acme/ci:1 is not allowed",
		"GET https://github.com/o/r/pulls: 500":                 "GET https://github.com/o/r/pulls: 500",
		"read src/shop/cart.py: not valid":                      "read src/shop/cart.py: not valid",
		"comment /restage rerun":                                "comment /restage rerun",
		"auth s3cr3t \x1b[31mfailed\u202e":                      "auth *** failed",
	} {
		if got := b.public(message); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// What an annotation says is seen as it is.
func TestAnnotationIsPlain(t *testing.T) {
	a := annotation(check.Annotation{Path: "a.py", Level: "failure", Message: "\x1b[31ma\u202eb\u0090\n\nc\x00\n"})
	if a.GetMessage() != "ab\n\nc" || a.GetStartLine() != 1 {
		t.Errorf("%q in line %d", a.GetMessage(), a.GetStartLine())
	}
}

func TestIssueOf(t *testing.T) {
	for name, want := range map[string]int{
		"restage/7/1-moves": 7, "restage/7/3-cleanup-2": 7, "main": 0, "restage/x/1-moves": 0, "restage/7": 0, "feature/restage/7/1-moves": 0,
	} {
		if got, ok := issueOf(name); got != want || ok != (want != 0) {
			t.Errorf("%s: got %d, %v", name, got, ok)
		}
	}
}

func TestWithPhases(t *testing.T) {
	list := marker("phases") + "\n1. new\n" + marker("/phases")
	for _, c := range []struct{ body, want string }{
		{"text\n" + marker("phases") + "\n1. old\n" + marker("/phases") + "\nby a person", "text\n" + list + "\nby a person"},
		{"`" + marker("phases") + "`\n" + list, "`" + marker("phases") + "`\n" + list}, // a name like a mark is no mark
		{"a\r\n" + marker("phases") + "\r\n1. old\r\n" + marker("/phases") + "\r\nb", "a\r\n" + list + "\r\nb"},
		{"no marks", "no marks"},
		{"cut " + marker("phases") + "\n1. old", "cut " + marker("phases") + "\n1. old"},
		{marker("/phases") + " and then " + marker("phases"), marker("/phases") + " and then " + marker("phases")},
		{"", ""},
	} {
		if got := withSection(c.body, "phases", list); got != c.want {
			t.Errorf("%q: got %q, want %q", c.body, got, c.want)
		}
	}
}

func TestWhatNeedsEyes(t *testing.T) {
	r := record{Change: phases.Change{Warnings: []phases.Warning{{Path: "a.py", Line: 3, Rule: "dynamic-import", Message: "m"}}}}
	r.Results = []check.Result{
		{Name: check.Structure, Annotations: []check.Annotation{{Path: "b.py", Line: 1, Level: "failure", Message: "f"}}},
		{Name: check.Leftovers, Annotations: []check.Annotation{
			{Path: "c.md", Line: 2, Level: "notice", Message: "n"}, {Path: "d.py", Line: 4, Level: "warning", Message: "w"}}},
	}
	if got, want := fmt.Sprint(r.eyes()), "[{a.py 3 dynamic-import m} {c.md 2 leftovers n} {d.py 4 leftovers w}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What a pause says of a red base is bounded, and stays in its item of the list.
func TestRedText(t *testing.T) {
	found := report.Report{Complete: true}
	for i := range 12 {
		found.Findings = append(found.Findings, report.Finding{ID: fmt.Sprintf("a.py::t%d", i), Outcome: report.Failed})
	}
	outcome, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	text, err := (&look{}).redText(store.Run{Outcome: string(outcome), Log: strings.Repeat("first\n", 1000) + "```\n# last\n"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "12 failures\n  - `a.py::t0`\n") || !strings.Contains(text, "  - `a.py::t9`\n  - and 2 more\n  \n  ````\n  first\n") ||
		!strings.HasSuffix(text, "  ```\n  # last\n  ````") || len(text) > 4<<10 {
		t.Errorf("got %s", text)
	}
	for _, c := range []struct{ outcome, want string }{
		{`{"Complete": true}`, ""},
		{`{"Findings": [{"ID": "a.py::t", "Outcome": "failed"}], "Broken": "exit status 2"}`, "1 failure; it did not come to its end: exit status 2\n  - `a.py::t`"},
	} {
		if got, err := (&look{}).redText(store.Run{Outcome: c.outcome}); err != nil || got != c.want {
			t.Errorf("got %q, %v, want %q", got, err, c.want)
		}
	}
}
