package phases

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// Loggers are named after modules, and the one of a package covers those below
// it. When a module leaves the package, what is configured for the package does
// not hold for the module any more.

// uncovered returns the loggers that do not cover a module any more, and one
// such module for each, by its new name: those of the packages that a module has
// left, and its own unless references follow.
func (j *job) uncovered(own bool) map[string]string {
	left := map[string]string{}
	for _, mv := range j.moves {
		at := mv.to
		if !mv.done {
			at = mv.from
		}
		src, err := j.tree.Read(at)
		if err != nil || mv.old == "" || mv.new == "" || own && mv.done || !bytes.Contains(src, []byte("getLogger(__name__")) {
			continue
		}
		name := mv.old
		if !own {
			name, _ = cutLast(name)
		}
		for ; name != ""; name, _ = cutLast(name) {
			if _, known := left[name]; !known && !strings.HasPrefix(mv.new, name+".") {
				left[name] = mv.new
			}
		}
	}
	return left
}

// warnLoggers warns of loggers that are configured somewhere in the tree and
// that do not cover a module any more once files have moved.
func (j *job) warnLoggers(after tree.Tree) error {
	uncovered := j.uncovered(true)
	for _, f := range j.hits {
		if _, stays := tree.Find(after, f); !stays || j.excluded(f) {
			continue
		}
		src, err := after.Read(f)
		if err != nil {
			return fmt.Errorf("read %s: %w", f, err)
		}
		r := &rewriter{f: &python.Syntax{Src: src}, path: f}
		r.warnLoggers(uncovered)
		j.warnings = append(j.warnings, r.warnings...)
	}
	return nil
}

var (
	loggerName = regexp.MustCompile(`^(?:qualname[ \t]*=[ \t]*|getLogger\([ \t]*["'])([A-Za-z_][\w.]*)(?:["'][ \t]*\)|[ \t]*\r?(?:\n|$))`)
	loggerKeys = regexp.MustCompile(`(?m)^([ \t]*).*?\bloggers["']?[ \t]*:`)
	loggerKey  = regexp.MustCompile(`["']?\b([A-Za-z_][\w.]*)["']?[ \t]*:`)
)

// warnLoggers warns of loggers that do not cover a module any more, where they
// are configured.
func (r *rewriter) warnLoggers(uncovered map[string]string) {
	if len(uncovered) == 0 {
		return
	}
	src := r.f.Src
	var found [][]int
	for _, word := range []string{"qualname", "getLogger("} {
		for at, i := 0, 0; ; at += len(word) {
			if i = bytes.Index(src[at:], []byte(word)); i < 0 {
				break
			}
			at += i
			if m := loggerName.FindSubmatchIndex(src[at:min(len(src), at+sight)]); m != nil && (at == 0 || !python.IsNameByte(src[at-1])) {
				found = append(found, []int{0, 0, at + m[2], at + m[3]})
			}
		}
	}
	if !bytes.Contains(src, []byte("loggers")) {
		// no table of them
	} else if keys := loggerKeys.FindSubmatchIndex(src); keys != nil {
		table := r.f.Src[keys[1]:]
		table = table[:tableEnd(table, keys[3]-keys[2])]
		for _, m := range loggerKey.FindAllSubmatchIndex(table, -1) {
			found = append(found, []int{0, 0, keys[1] + m[2], keys[1] + m[3]})
		}
	}
	for _, m := range found {
		if module := uncovered[string(r.f.Src[m[2]:m[3]])]; module != "" {
			r.warn(m[2], "logger", "the logger "+string(r.f.Src[m[2]:m[3]])+" does not cover "+module+" any more, whose logger is named after it")
		}
	}
}

// tableEnd returns where the table that text begins with ends: at its closing
// brace, or else before the next line that is indented no deeper than indent.
func tableEnd(text []byte, indent int) int {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		depth := 0
		for i, c := range text {
			switch c {
			case '{':
				depth++
			case '}':
				if depth--; depth == 0 {
					return i
				}
			}
		}
		return len(text)
	}
	end := 0
	for line := range bytes.Lines(text) {
		if in := len(line) - len(bytes.TrimLeft(line, " \t")); end > 0 && in <= indent && len(bytes.TrimSpace(line)) > 0 {
			break
		}
		end += len(line)
	}
	return end
}
