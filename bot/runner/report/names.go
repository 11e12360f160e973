package report

import (
	"path"
	"regexp"
	"strings"
)

// Names of tests may hold those of modules and files, as test_import[shop.cart]
// does, and those of doctests.

// spellings maps how a file and its module may be called to what they are called
// now: from the root of the repository, or from any folder that has both. A lone
// word says nothing. What would mean two things is mapped to "".
func spellings(moved map[string]string) map[string]string {
	names := map[string]string{}
	add := func(from, to string) {
		if !strings.ContainsAny(from, "./") {
			return
		}
		if known, ok := names[from]; ok && known != to {
			to = ""
		}
		names[from] = to
	}
	for from, to := range moved {
		for {
			add(from, to)
			if path.Ext(from) == ".py" && path.Ext(to) == ".py" {
				add(dotted(from), dotted(to))
			}
			a, restFrom, ok := strings.Cut(from, "/")
			b, restTo, okTo := strings.Cut(to, "/")
			if !ok || !okTo || a != b {
				break
			}
			from, to = restFrom, restTo
		}
	}
	return names
}

// dotted returns the module in a file.
func dotted(file string) string {
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(file, ".py"), "/__init__"), "/", ".")
}

// word matches what may be the name of a file or a module, with names in it. A
// hyphen is what parameters are joined with.
var word = regexp.MustCompile(`[\w./]+`)

// respell returns a function that puts new names for old ones.
func respell(names map[string]string) func(id string) string {
	longest := 0
	for name := range names {
		longest = max(longest, len(name))
	}
	return func(id string) string {
		return word.ReplaceAllStringFunc(id, func(w string) string {
			for i := min(len(w), longest); i > 0; i-- {
				if i < len(w) && w[i] != '.' {
					continue
				}
				if now := names[w[:i]]; now != "" {
					return now + w[i:]
				}
			}
			return w
		})
	}
}

// function returns the name of a test without its parameters.
func function(id string) string {
	file, test, ok := strings.Cut(id, "::")
	if !ok {
		return id
	}
	test, _, _ = strings.Cut(test, "[")
	return file + "::" + test
}
