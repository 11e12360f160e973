package glob

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"docs/a.md", "docs/a.md", true},
		{"docs/a.md", "x/docs/a.md", false},
		{"docs/*.md", "docs/a.md", true},
		{"docs/*.md", "docs/sub/a.md", false},
		{"docs/[ab].md", "docs/b.md", true},
		{"docs/?.md", "docs/ab.md", false},
		{"docs/**/a.md", "docs/a.md", true},
		{"docs/**/a.md", "docs/x/y/a.md", true},
		{"docs/**", "docs/x/y.md", true},
		{"docs/**", "docs2/y.md", false},
		{"**/a.md", "a.md", true},
		{"**/x/**", "a/x/b/c", true},
		{"*.ipynb", "notebooks/deep/a.ipynb", true},
		{"*.ipynb", "a.ipynb", true},
		{"legacy/", "legacy/x/y.py", true},
		{"legacy/", "src/legacy/y.py", true},
		{"src/legacy/", "src/legacy/y.py", true},
		{"src/legacy/", "other/src/legacy/y.py", false},
		{"legacy/", "legacy", false},
		{"legacy", "src/legacy/x/y.py", true},
		{"legacy", "src/legacy2/y.py", false},
		{"src/legacy", "src/legacy/x/y.py", true},
		{"src/*", "src/legacy/x.py", true},
		{"src/**/x", "src/a/x/b.py", true},
		{"src/**/x/", "src/a/x", false},
		{"legacy/", "legacy2/x.py", false},
	} {
		if err := Check(test.pattern); err != nil {
			t.Errorf("Check(%q) = %v", test.pattern, err)
		}
		if got := Match(test.pattern, test.name); got != test.want {
			t.Errorf("Match(%q, %q) = %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                        "empty",
		"/etc/*":                  "absolute",
		"../x":                    `element ".."`,
		"a/./b":                   `element "."`,
		"a//b":                    `element ""`,
		"a[b":                     "not closed",
		`a\b`:                     "backslash",
		strings.Repeat("a", 2000): "longer",
	} {
		if err := Check(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check(%.20q) = %v, want an error with %q", pattern, err, want)
		}
	}
}

// A hostile pattern must not take exponential time.
func TestMatchManyStars(t *testing.T) {
	pattern := strings.Repeat("**/", 300) + "x"
	if Match(pattern, strings.Repeat("a/", 1000)+"y") {
		t.Error("matches")
	}
}
