package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/restage/restage/bot/store"
	"github.com/restage/restage/phases/config"
)

func TestSoFar(t *testing.T) {
	tests := []struct {
		name      string
		report    config.Report
		log, want string
	}{
		{"files", config.Pytest, "collected 8 items\n\ntests/test_a.py ..F.     [ 50%]\ntests/test_b.py .s", "3 passed, 1 failed so far, 50% done"},
		{"files and more of one", config.Pytest, "tests/test_a.py ..  [ 40%]\n..E   [100%]\n", "4 passed, 1 failed so far, 100% done"},
		{"quiet", config.Pytest, "....sxX.F  [  9%]\n", "5 passed, 1 failed so far, 9% done"},
		{"verbose", config.Pytest, "tests/test_a.py::test_a PASSED [ 33%]\ntests/test_a.py::test_b[x y] FAILED   [ 66%]\ntests/test_a.py::test_c SKIPPED (no) [100%]\n", "1 passed, 1 failed so far, 100% done"},
		{"once more", config.Pytest, "..F [ 60%]\n.F [100%]\nF. [100%]\n. [ 50%]\n", "1 passed, 0 failed so far, 50% done"},
		{"a log that is cut", config.Pytest, "... [ 10%]\n" + cutMark + "... [ 70%]\n", "70% done"},
		{"nothing yet", config.Pytest, "collected 8 items\n", ""},
		{"prose", config.Pytest, "It is done [ 50%]\nFEs\nF... [999%]\n", ""},
		{"another program", config.Mypy, "... [ 50%]\n", ""},
	}
	for _, test := range tests {
		if got := soFar(test.report, test.log); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// What is seen of a long log while it grows is how it began and the newest lines.
func TestRunLog(t *testing.T) {
	var l runLog
	for i := range 20000 {
		fmt.Fprintf(&l, "line %d\n", i)
	}
	got := l.text()
	if len(got) > maxHead+len(cutMark)+maxTail || !strings.HasPrefix(got, "line 0\nline 1\n") || !strings.HasSuffix(got, "\nline 19998\nline 19999\n") || strings.Count(got, cutMark) != 1 {
		t.Errorf("got %d bytes: %.100q ... %q", len(got), got, got[max(0, len(got)-100):])
	}
	short := runLog{}
	fmt.Fprint(&short, "a\n")
	fmt.Fprint(&short, "b\n")
	if got := short.text(); got != "a\nb\n" {
		t.Errorf("got %q", got)
	}
}

// A check that runs says how far it has come.
func TestPending(t *testing.T) {
	started := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	v := verification{verifyCommand: verifyCommand{Verify: config.Verify{Name: "tests", Run: "pytest", Report: config.Pytest}}}
	v.head = store.Run{ID: 1, State: store.Running, Started: started, Log: "test_a.py .F  [ 20%]\n"}
	v.base = store.Run{ID: 2, State: store.Running, Started: started}
	r := v.pending()
	if want := "runs: 1 passed, 1 failed so far, 20% done"; r.Title != want {
		t.Errorf("the title is %q, want %q", r.Title, want)
	}
	if want := "On the pull request: runs since 12:00:00 UTC, 1 passed, 1 failed so far, 20% done. On the base: runs since 12:00:00 UTC."; r.Summary != want {
		t.Errorf("the summary is %q, want %q", r.Summary, want)
	}
	if want := "test_a.py .F  [ 20%]"; !strings.Contains(v.text(), want) {
		t.Errorf("the text lacks %q: %s", want, v.text())
	}
}
