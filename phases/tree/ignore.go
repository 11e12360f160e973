package tree

import (
	"path"
	"strings"
)

// A pattern is one line of a .gitignore file. The rules are those of
// gitignore(5), with two left out that hardly anybody uses: character classes
// such as [[:alpha:]], and the user's own core.excludesFile, which would make
// the tree depend on who looks at it.
type pattern struct {
	dir     string   // folder of the file that has the line, "" for the top
	parts   []string // the pattern, split at slashes; "**" stands for any number of folders
	negated bool     // the line begins with "!": what matches is not ignored after all
	dirOnly bool     // the line ends in "/": it means folders only
}

// parseIgnore returns the patterns of a .gitignore file that lies in dir.
func parseIgnore(dir string, data []byte) []pattern {
	var patterns []pattern
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		line = strings.TrimRight(line, "\r\n")
		for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
			line = line[:len(line)-1]
		}
		if line == "" || line[0] == '#' {
			continue
		}
		p := pattern{dir: dir}
		line, p.negated = strings.CutPrefix(line, "!")
		line, p.dirOnly = strings.CutSuffix(line, "/")
		// A slash at the start or in the middle ties a pattern to its folder.
		anchored := strings.Contains(line, "/")
		p.parts = strings.Split(strings.TrimPrefix(strings.ReplaceAll(line, "[!", "[^"), "/"), "/")
		if !anchored {
			p.parts = append([]string{"**"}, p.parts...)
		}
		patterns = append(patterns, p)
	}
	return patterns
}

// Ignored reports whether git would leave out a new file at the path name: a
// .gitignore file of t on the way there names it, or a folder that it is in.
func Ignored(t Tree, name string) bool {
	var patterns []pattern
	for dir := ""; ; {
		if e, ok := Find(t, path.Join(dir, ".gitignore")); ok && e.Mode != Symlink {
			if data, err := t.Read(e.Path); err == nil {
				patterns = append(patterns, parseIgnore(dir, data)...)
			}
		}
		next, _, below := strings.Cut(strings.TrimPrefix(name[len(dir):], "/"), "/")
		dir = path.Join(dir, next)
		if ignored(patterns, dir, below) {
			return true
		}
		if !below {
			return false
		}
	}
}

// ignored reports what the last of patterns that matches name says of it. What
// lies in an ignored folder is not asked about: the folder was left out whole.
func ignored(patterns []pattern, name string, isDir bool) bool {
	for i := len(patterns) - 1; i >= 0; i-- {
		p := patterns[i]
		if p.dirOnly && !isDir {
			continue
		}
		rest := name
		if p.dir != "" {
			var below bool
			if rest, below = strings.CutPrefix(name, p.dir+"/"); !below {
				continue
			}
		}
		if matchParts(p.parts, strings.Split(rest, "/")) {
			return !p.negated
		}
	}
	return false
}

// matchParts reports whether the parts of a pattern match all parts of a name.
func matchParts(pattern, name []string) bool {
	for i, part := range pattern {
		if part == "**" {
			if i == len(pattern)-1 {
				return len(name) > 0
			}
			for j := range name {
				if matchParts(pattern[i+1:], name[j:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(part, name[0]); err != nil || !ok {
			return false // git, too, lets a malformed pattern match nothing
		}
		name = name[1:]
	}
	return len(name) == 0
}
