package plan

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/restage/restage/phases/input"
)

// maxPath bounds the length of one path or dotted name, in bytes.
const maxPath = 1024

// CleanPath returns the path p as a Plan holds it: slashes, no "." and no empty
// elements, a trailing slash kept. Backslashes are read as slashes. The error
// says why p is no path inside a repository.
func CleanPath(p string) (string, error) {
	p = strings.TrimSpace(p)
	quoted := input.Quote(p)
	if !utf8.ValidString(p) || strings.ContainsFunc(p, invisible) {
		return "", fmt.Errorf("the path %s holds characters that no path should", quoted)
	}
	p = strings.ReplaceAll(p, `\`, "/")
	switch {
	case p == "":
		return "", errors.New("the path is empty; name a file, or a folder with a trailing slash")
	case len(p) > maxPath:
		return "", fmt.Errorf("the path %s is longer than %d bytes", quoted, maxPath)
	case p[0] == '/' || p[0] == '~' || drive.MatchString(p):
		return "", fmt.Errorf("the path %s is absolute; write it from the repository root or a source root", quoted)
	case strings.Contains(p, "://"):
		return "", fmt.Errorf("%s is a URL; write a path from the repository root or a source root", quoted)
	case strings.ContainsAny(p, "*?[]"):
		return "", fmt.Errorf("the path %s is a pattern; name the folder with a trailing slash, or each file", quoted)
	}
	for element := range strings.SplitSeq(p, "/") {
		if element == ".." {
			return "", fmt.Errorf("the path %s has a %q in it; write it from the repository root or a source root", quoted, "..")
		}
		if strings.EqualFold(element, ".git") {
			return "", fmt.Errorf("the path %s lies in .git, which is no part of the tree", quoted)
		}
	}
	clean := path.Clean(p)
	if clean == "." {
		return "", fmt.Errorf("the path %s is the whole repository; name a file or folder in it", quoted)
	}
	if strings.HasSuffix(p, "/") {
		clean += "/"
	}
	return clean, nil
}

// invisible reports whether a reader does not see r, or sees it turn text
// around.
func invisible(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// drive matches the start of a Windows path.
var drive = regexp.MustCompile(`^[A-Za-z]:`)

// dotted matches a Python module: identifiers joined by dots.
var dotted = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$`)

// isIdentifier reports whether s is one Python name.
func isIdentifier(s string) bool { return dotted.MatchString(s) && !strings.Contains(s, ".") }

// CleanRoot returns the source root p: a folder without a trailing slash, or
// "." for the repository root.
func CleanRoot(p string) (string, error) {
	if p == "." || p == "./" {
		return ".", nil
	}
	clean, err := CleanPath(p)
	return strings.TrimSuffix(clean, "/"), err
}

// cleanName returns the Python name s.
func cleanName(s string) (string, error) {
	if s = strings.TrimSpace(s); !isIdentifier(s) || len(s) > maxPath {
		return "", fmt.Errorf("%s is no Python name", input.Quote(s))
	}
	return s, nil
}

// cleanModule returns the module m as an import map holds it: a dotted name
// that may end in ".*" or in ":name".
func cleanModule(m string) (string, error) {
	module, name, symbol := strings.Cut(m, ":")
	if !symbol {
		return cleanPackage(m)
	}
	module, err := cleanPackage(module)
	if err != nil {
		return "", err
	}
	if name, err = cleanName(name); err != nil {
		return "", err
	}
	if strings.HasSuffix(module, ".*") {
		return "", fmt.Errorf("%s mixes .* with a name; write module:name", input.Quote(m))
	}
	return module + ":" + name, nil
}

// cleanPackage returns the dotted name m, which may end in ".*".
func cleanPackage(m string) (string, error) {
	m = strings.TrimSpace(m)
	switch {
	case m == "":
		return "", errors.New("the module is empty; write it dotted, as in package.module")
	case len(m) > maxPath:
		return "", fmt.Errorf("the module %s is longer than %d bytes", input.Quote(m), maxPath)
	case strings.ContainsAny(m, `/\`):
		return "", fmt.Errorf("%s is a path; write the module dotted, as in package.module", input.Quote(m))
	case !dotted.MatchString(strings.TrimSuffix(m, ".*")):
		return "", fmt.Errorf("%s is no module; write it dotted, as in package.module", input.Quote(m))
	}
	return m, nil
}

// checkMapping returns an error if old and new do not go together.
func checkMapping(old, new string) error {
	oldName, newName := strings.Contains(old, ":"), strings.Contains(new, ":")
	switch {
	case new == "":
		return nil
	case old == new:
		return fmt.Errorf("%s is mapped to itself", input.Quote(old))
	case oldName != newName:
		return fmt.Errorf("%s and %s do not go together; write module:name on both sides or on none", input.Quote(old), input.Quote(new))
	case strings.HasSuffix(new, ".*") && !strings.HasSuffix(old, ".*"):
		return fmt.Errorf("%s is a whole package, %s is not; write .* on the left side too", input.Quote(new), input.Quote(old))
	}
	return nil
}

// pair makes the two ends of a move agree on what they are: both a folder or
// both a file. A file that goes to a folder keeps its name there.
func pair(from, to string) (string, string) {
	folder := strings.HasSuffix(from, "/") || path.Ext(from) == ""
	switch {
	case strings.HasSuffix(from, "/") && !strings.HasSuffix(to, "/"):
		return from, to + "/"
	case folder && strings.HasSuffix(to, "/"):
		return strings.TrimSuffix(from, "/") + "/", to
	case strings.HasSuffix(to, "/"):
		return from, to + path.Base(from)
	}
	return from, to
}
