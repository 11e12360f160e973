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
