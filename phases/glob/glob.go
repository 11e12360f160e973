// Package glob matches paths of a repository with the patterns that people
// write in .github/restage.yml. As in .gitignore, a folder that matches stands
// for everything below it.
//
//	docs/*.md       "*", "?" and "[a-z]" match within one element
//	docs/**/old.md  "**" matches any number of elements, also none
//	*.ipynb         a pattern without another slash matches in every folder
//	legacy/         a trailing slash matches folders only
package glob

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// maxPattern bounds the length of a pattern, in bytes.
const maxPattern = 1024

// Check returns an error that says why pattern can match no path, or nil.
func Check(pattern string) error {
	switch {
	case pattern == "":
		return errors.New("the pattern is empty")
	case len(pattern) > maxPattern:
		return fmt.Errorf("the pattern is longer than %d bytes", maxPattern)
	case strings.HasPrefix(pattern, "/"):
		return fmt.Errorf("the pattern %q is absolute; write it from the repository root, without the first slash", pattern)
	case strings.Contains(pattern, `\`):
		return fmt.Errorf("the pattern %q has a backslash; use slashes", pattern)
	}
	for element := range strings.SplitSeq(strings.TrimSuffix(pattern, "/"), "/") {
		if _, err := path.Match(element, ""); err != nil {
			return fmt.Errorf("the pattern %q has a [ that is not closed", pattern)
		}
		switch element {
		case "", ".", "..":
			return fmt.Errorf("the pattern %q has an element %q; write it from the repository root", pattern, element)
		}
	}
	return nil
}

// Match reports whether pattern, which Check finds right, matches name: the
// path of a file from the repository root.
func Match(pattern, name string) bool {
	pattern, folder := strings.CutSuffix(pattern, "/")
	if !strings.Contains(pattern, "/") {
		pattern = "**/" + pattern
	}
	elements := strings.Split(name, "/")
	// reach[i] says that the elements of pattern so far match elements[:i].
	reach := make([]bool, len(elements)+1)
	reach[0] = true
	for p := range strings.SplitSeq(pattern, "/") {
		next := make([]bool, len(reach))
		for i := range reach {
			if p == "**" {
				next[i] = reach[i] || i > 0 && next[i-1]
			} else if i > 0 && reach[i-1] {
				next[i], _ = path.Match(p, elements[i-1])
			}
		}
		reach = next
	}
	if folder {
		reach = reach[:len(elements)]
	}
	return slices.Contains(reach[1:], true)
}
