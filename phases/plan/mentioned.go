package plan

import (
	"regexp"
	"strings"
)

// estimated matches what an author says of how many imports there are, such as
// "~40-50 import statements".
var estimated = regexp.MustCompile(`(?i)(?:~|\b(?:about|around|approximately|roughly|some|approx\.?)\s+)?\d{1,6}(?:\s*(?:-|–|to)\s*\d{1,6}|\+)?\s+(?:\w+\s+)?import(?:s|\s+statements|\s+lines)\b`)

// estimate returns the first sentence part of Markdown that says how many
// imports there are, "" if none does.
func estimate(text string) string {
	return strings.Join(strings.Fields(estimated.FindString(text)), " ")
}

// guided matches a sentence that names the file for the migration guide.
var guided = regexp.MustCompile("(?i)\\b(?:write|put|add|save|publish)\\b[^\\n`]*\\bmigration guide\\b[^\\n`]*\\b(?:to|in|into|at|as)\\s+`?([^`\\s]+\\.(?:md|rst|txt))\\b")

// guideFile returns the path that Markdown names for the migration guide, ""
// if it names none or none that can be written.
func guideFile(text string) string {
	m := guided.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	path, err := CleanPath(m[1])
	if err != nil {
		return ""
	}
	return path
}
