package phases

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/restage/restage/phases/python"
)

// The name of an import may be put together when the program runs.

// computed warns of an import whose name is put together at run time.
func (r *rewriter) computed(s python.String, text string) {
	joined := s.Joined || s.Format && len(s.Pieces) > 0 && s.Pieces[0].Start == s.Content.Start
	if joined && len(s.Pieces) > 0 {
		text = string(r.f.Src[s.Pieces[0].Start:s.Pieces[0].End])
	}
	if !joined && strings.IndexByte(text, '%') < 0 && strings.IndexByte(text, '{') < 0 {
		return
	}
	m := computedName.FindStringSubmatch(text)
	switch {
	case m == nil || !joined && m[3] == "" || joined && m[3] == "" && !importer(s.Callee):
	case m[1] == "":
		r.unknown(s.Start, strings.TrimSuffix(m[2], "."))
	case takesModule(s.Callee):
		if pkg, ok := r.packageOf(s); ok {
			r.unknown(s.Start, python.Absolute(pkg.was, true, len(m[1]), strings.TrimSuffix(m[2], ".")))
		}
	}
}

// computedName matches the start of a name that is put together: dots, the part
// that is known, and what is to be filled in.
var computedName = regexp.MustCompile(`^(\.*)((?:[A-Za-z_]\w*\.)*)(%[s(]|\{[\w!:]*\}|$)`)

// unknown warns of an import of something below pkg, which is known at run time.
func (r *rewriter) unknown(at int, pkg string) {
	name, _ := r.m.canonical(pkg)
	for old := range r.m.fates {
		if name != "" && strings.HasPrefix(old, name+".") {
			r.tell(at, "this import is put together at run time and may name a module of "+pkg+" that moves or goes")
			r.computes = append(r.computes, leftover{path: r.path, line: r.f.Line(at), module: name})
			return
		}
	}
}

// unknownPackage warns of a relative import from a package that is known at run
// time.
func (r *rewriter) unknownPackage(at int, name string) {
	for old := range r.m.fates {
		if strings.HasSuffix(old, "."+name) {
			r.tell(at, "this imports "+name+" from a package that is known only when it runs, and may mean the one that moves or goes")
			return
		}
	}
}

// tell warns of an import by what stands at an offset.
func (r *rewriter) tell(at int, message string) {
	if r.told == nil {
		r.told = map[int]bool{}
	}
	r.told[at] = true
	r.warn(at, "dynamic-import", message)
}

// composed warns of import calls whose names are put together in ways that no
// literal shows by itself: a module is meant, perhaps, if all words are of its
// name.
func (r *rewriter) composed() {
	for _, u := range r.f.Uses {
		if at := u.Parts[len(u.Parts)-1]; takesModule(at.Text) {
			if words := r.wordsIn(r.firstArgument(at.End)); len(words) > 0 {
				r.composedOf(at.Start, words)
			}
		}
	}
}

// firstArgument returns the first argument of a call whose parenthesis is at the
// given offset.
func (r *rewriter) firstArgument(at int) python.Span {
	src := r.f.Src
	arg := python.Span{Start: at + 1, End: at + 1}
	depth := 0
	for end := min(len(src), at+sight); at < end; at++ {
		s, ok := r.stringFrom(at)
		switch c := src[at]; {
		case ok && s.Start == at:
			at = s.End - 1
			continue
		case c == '#':
			at += bytes.IndexByte(append(src[at:end:end], '\n'), '\n')
			continue
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		}
		if depth == 0 || depth == 1 && src[at] == ',' {
			arg.End = max(arg.End, at)
			break
		}
	}
	return arg
}

var literalWord = regexp.MustCompile(`%[sd]|\{[^{}]*\}|([A-Za-z_]\w*)`)

// wordsIn returns the words of the literals that an argument is put together
// from. A literal that is a name by itself is not for putting together; nor is
// anything where one is warned of already.
func (r *rewriter) wordsIn(arg python.Span) (words []string) {
	text := bytes.TrimSpace(r.f.Src[arg.Start:arg.End])
	for at := arg.Start; ; {
		s, ok := r.stringFrom(at)
		if !ok || s.Start >= arg.End || !s.Format && s.End-s.Start == len(text) {
			return words
		}
		if r.told[s.Start] {
			return nil
		}
		at = s.End
		content := s.Text(r.f.Src)
		if parts := strings.Split(content, "."); len(parts) > 1 && r.m.longest(parts) == len(parts) {
			continue
		}
		for _, m := range literalWord.FindAllStringSubmatch(content, -1) {
			if m[1] != "" {
				words = append(words, m[1])
			}
		}
	}
}

func (r *rewriter) composedOf(at int, words []string) {
	for _, old := range sorted(keys(r.m.fates)) {
		parts := strings.Split(old, ".")
		if slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(parts, w) }) {
			continue
		}
		if last := parts[len(parts)-1]; slices.Contains(words, parts[0]) && len(parts) > 1 {
			r.unknown(at, parts[0])
		} else if slices.Contains(words, last) {
			r.unknownPackage(at, last)
		} else {
			continue
		}
		return
	}
}
