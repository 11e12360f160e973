package tree

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// A Patch shows what edits do to one file.
type Patch struct {
	Path string `json:"path"`
	Diff string `json:"diff"` // one file of a git patch, see git-diff(1)
}

// Diff returns what edits do to t in the end, sorted by path, in the format
// that "git apply" reads. Of files with NUL bytes it only says that they
// differ.
func Diff(t Tree, edits []Edit) ([]Patch, error) {
	after, err := Apply(t, edits)
	if err != nil {
		return nil, err
	}
	touched := map[string]bool{}
	for _, e := range edits {
		touched[e.Path] = true
		if e.From != "" {
			touched[e.From] = true
		}
	}
	origin, renamed := origins(t, after, edits)
	var patches []Patch
	for name := range touched {
		if renamed[name] {
			continue
		}
		text, err := patch(t, after, name, origin[name])
		if err != nil {
			return nil, fmt.Errorf("diff of %s: %w", name, err)
		}
		if text != "" {
			patches = append(patches, Patch{name, text})
		}
	}
	slices.SortFunc(patches, func(a, b Patch) int { return strings.Compare(a.Path, b.Path) })
	return patches, nil
}

// origins returns where the files that moved from before to after came from,
// and which old paths are gone thereby: a rename takes the deletion along.
func origins(before, after Tree, edits []Edit) (origin map[string]string, renamed map[string]bool) {
	origin, renamed = map[string]string{}, map[string]bool{}
	for _, e := range edits {
		delete(origin, e.Path)
		if e.From == "" {
			continue
		}
		from := e.From
		if first, moved := origin[from]; moved {
			from = first
			delete(origin, e.From)
		}
		origin[e.Path] = from
	}
	for _, name := range slices.Sorted(maps.Keys(origin)) {
		from := origin[name]
		_, is := Find(after, name)
		_, was := Find(before, from)
		_, stays := Find(after, from)
		_, replaces := Find(before, name)
		if !is || !was || replaces || renamed[from] {
			delete(origin, name)
		} else if !stays {
			renamed[from] = true
		}
	}
	return origin, renamed
}

// patch returns the part of a git patch that is about name, which was at from
// before if that is not "". It is empty if nothing changed.
func patch(before, after Tree, name, from string) (string, error) {
	oldName := name
	if from != "" {
		oldName = from
	}
	old, was := Find(before, oldName)
	now, is := Find(after, name)
	var a, b []byte
	var err error
	if was {
		if a, err = before.Read(oldName); err != nil {
			return "", err
		}
	}
	if is {
		if b, err = after.Read(name); err != nil {
			return "", err
		}
	}
	aName, bName := quote("a/"+oldName), quote("b/"+name)
	var head strings.Builder
	switch {
	case !was && !is:
		return "", nil
	case !was:
		fmt.Fprintf(&head, "new file mode %s\n", now.Mode.git())
		oldName, aName = "", "/dev/null"
	case !is:
		fmt.Fprintf(&head, "deleted file mode %s\n", old.Mode.git())
		bName = "/dev/null"
	case old.Mode != now.Mode:
		fmt.Fprintf(&head, "old mode %s\nnew mode %s\n", old.Mode.git(), now.Mode.git())
	}
	if from != "" {
		verb := "rename"
		if _, stays := Find(after, from); stays {
			verb = "copy"
		}
		fmt.Fprintf(&head, "%s from %s\n%s to %s\n", verb, quote(from), verb, quote(name))
	}
	if bytes.IndexByte(a, 0) >= 0 || bytes.IndexByte(b, 0) >= 0 {
		if !bytes.Equal(a, b) {
			fmt.Fprintf(&head, "Binary files %s and %s differ\n", aName, bName)
		}
	} else {
		_, hunks, _ := bytes.Cut(diff.Diff(aName, a, bName, b), []byte("\n"))
		head.Write(hunks)
	}
	if head.Len() == 0 {
		return "", nil
	}
	if oldName == "" {
		oldName = name
	}
	return fmt.Sprintf("diff --git %s %s\n%s", quote("a/"+oldName), quote("b/"+name), head.String()), nil
}

// git returns the mode as git writes it.
func (m Mode) git() string {
	switch m {
	case Executable:
		return "100755"
	case Symlink:
		return "120000"
	}
	return "100644"
}

// quote quotes a path as git does when it holds control characters, quotes or
// backslashes, so that no file name can forge a line of the patch.
func quote(name string) string {
	special := func(b byte) bool { return b < ' ' || b == 0x7f || b == '"' || b == '\\' }
	if !slices.ContainsFunc([]byte(name), special) {
		return name
	}
	quoted := []byte{'"'}
	for _, b := range []byte(name) {
		switch {
		case b == '"' || b == '\\':
			quoted = append(quoted, '\\', b)
		case special(b):
			quoted = fmt.Appendf(quoted, `\%03o`, b)
		default:
			quoted = append(quoted, b)
		}
	}
	return string(append(quoted, '"'))
}
