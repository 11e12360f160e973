package tree

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// Compare returns how two files differ, as a unified diff of at most the given
// number of lines, of which the last says how many more there are. It is empty
// for equal content, and only says so of files with NUL bytes that differ.
func Compare(oldName string, old []byte, newName string, now []byte, lines int) string {
	if bytes.IndexByte(old, 0) >= 0 || bytes.IndexByte(now, 0) >= 0 {
		if bytes.Equal(old, now) {
			return ""
		}
		return "Binary files " + quote(oldName) + " and " + quote(newName) + " differ\n"
	}
	_, hunks, _ := bytes.Cut(diff.Diff(quote(oldName), old, quote(newName), now), []byte("\n"))
	all := strings.SplitAfter(string(hunks), "\n")
	if len(all)-1 <= lines {
		return string(hunks)
	}
	return strings.Join(all[:lines-1], "") + "... and " + strconv.Itoa(len(all)-lines) + " lines more\n"
}
