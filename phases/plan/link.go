package plan

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/input"
)

var (
	linkLine = regexp.MustCompile("(?i)^(?:restage )?plan:\\s*`?([^`\\s]+)`?$")
	planExts = []string{".md", ".markdown", ".yaml", ".yml", ".json"}
)

// Link returns the path that a line "Plan: path/in/repo.md" of an issue body
// points to, from the repository root. It reports false if there is no such
// line, or if what it names is no path of a Markdown or YAML file inside the
// repository. Code blocks, comments and struck text are not looked at.
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
			if match == nil {
				continue
			}
			p, err := CleanPath(strings.TrimSuffix(match[1], "."))
			if err == nil && slices.Contains(planExts, strings.ToLower(path.Ext(p))) {
				return p, true
			}
		}
	}
	return "", false
}
