package plan

import (
	"fmt"
	"testing"
)

// Homes that are none of a module, or may be one where nobody knows the source
// roots yet.
func TestTargets(t *testing.T) {
	for _, test := range []struct{ name, from, to string }{
		{"a soft keyword", "a.py", "core/match.py"},
		{"a source root", "a.py", "my-service/a.py"},
		{"a folder", "a.py", "core/"},
		{"letters of any script", "a.py", "größe.py"},
		{"a package's own file", "a/__init__.py", "b/__init__.py"},
		{"a script that nobody imports", "tools/run-tests.py", "scripts/run-all-tests.py"},
		{"no Python", "data/a.json", "data/my-a.json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := fmt.Sprintf("| From | To |\n|---|---|\n| `%s` | `%s` |\n", test.from, test.to)
			if _, err := Read("plan.md", []byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
}
