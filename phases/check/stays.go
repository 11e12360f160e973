package check

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A stays knows files and folders that are to stay, and what names them. As long
// as they are there, a plan that also says that nothing names them cannot hold.
type stays struct {
	paths []string
	names *regexp.Regexp // nil: nothing stays
}

func newStays(paths, roots []string) *stays {
	s := &stays{}
	var names []string
	for _, p := range paths {
		s.paths = append(s.paths, strings.TrimSuffix(p, "/"))
		p = strings.TrimSuffix(strings.TrimSuffix(p, "/"), ".py")
		if path.Base(p) == "__init__" {
			continue // there for what else stays
		}
		for _, r := range roots {
			if rest, ok := strings.CutPrefix(p, r+"/"); ok {
				p = rest
				break
			}
		}
		dotted := strings.ReplaceAll(p, "/", ".")
		names = append(names, regexp.QuoteMeta(p), regexp.QuoteMeta(dotted))
		if pkg, last, ok := cutLast(dotted); ok {
			names = append(names, `from\s+`+regexp.QuoteMeta(pkg)+`\s+import\b.*\b`+regexp.QuoteMeta(last))
		}
	}
	if len(names) > 0 {
		s.names = regexp.MustCompile(`(?:^|[^\w.])(?:` + strings.Join(names, "|") + `)(?:\W|$)`)
	}
	return s
}

// file reports whether a file is to stay.
func (s *stays) file(f string) bool {
	return slices.ContainsFunc(s.paths, func(p string) bool { return f == p || strings.HasPrefix(f, p+"/") })
}

// below reports whether something below a folder is to stay.
func (s *stays) below(dir string) bool {
	return slices.ContainsFunc(s.paths, func(p string) bool { return strings.HasPrefix(p, dir+"/") })
}

// named reports whether a line names something that is to stay.
func (s *stays) named(line []byte) bool { return s.names != nil && s.names.Match(line) }
