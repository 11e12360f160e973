package plan

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/input"
)

var (
	linkLine = regexp.MustCompile("(?i)^(?:restage )?plan(?: file)?:\\s*(?:see\\s+)?`?([^`\\s]+)`?$")
	// linkTitle matches the title of the field of a form that asks for the path.
	linkTitle = regexp.MustCompile(`(?i)^\W*(?:path (?:of|to) the )?plan(?: file| path)?\W*$`)
	// onlyWord matches text that is one word.
	onlyWord = regexp.MustCompile("^`?([^`\\s]+)`?$")
	// blob matches the address of a file as GitHub shows it, and what comes
	// after the name of the branch.
	blob     = regexp.MustCompile(`^https?://[^/\s]+/[^/\s]+/[^/\s]+/(?:blob|raw|tree)/[^/\s]+/([^?#\s]+)(?:[?#]\S*)?$`)
	planExts = []string{".md", ".markdown", ".yaml", ".yml", ".json"}
)

// Link returns the path that a line "Plan: path/in/repo.md" of an issue body
// points to, from the repository root. It may be a link, the address of the
// file on GitHub, or stand alone below the title "Plan", as in the form of an
// issue. Of an address only the path counts: the file is read from the default
// branch of the repository that the issue is in. Link reports false if there is
// no such line, or if what it names is no path of a Markdown or YAML file
// inside the repository. Code blocks, comments and struck text are not looked
// at.
func Link(data []byte) (file string, ok bool) {
	r := &reader{errs: &input.Errors{}}
	if r.valid(data); !r.errs.Empty() {
		return "", false
	}
	if r.simple(data); !r.errs.Empty() {
		return "", false
	}
	for _, b := range parse(data).blocks {
		for text := range strings.SplitSeq(b.text.s, "\n") {
			match := linkLine.FindStringSubmatch(strings.TrimSpace(text))
			if match == nil && b.heading != nil && linkTitle.MatchString(b.heading.title) {
				match = onlyWord.FindStringSubmatch(strings.TrimSpace(b.text.s))
			}
			if match == nil {
				continue
			}
			said := strings.TrimSuffix(match[1], ".")
			if address := blob.FindStringSubmatch(said); address != nil {
				said = address[1]
			}
			p, err := CleanPath(said)
			if err == nil && slices.Contains(planExts, strings.ToLower(path.Ext(p))) {
				return p, true
			}
		}
	}
	return "", false
}

// planFile reports whether an address ends in the name of a file that may hold
// a plan.
func planFile(address string) bool {
	address, _, _ = strings.Cut(address, "#")
	return slices.Contains(planExts, strings.ToLower(path.Ext(address)))
}
