package phases

import (
	"path"
	"strings"

	"github.com/restage/restage/phases/python"
)

// rewriteText rewrites a file that is neither Python nor a notebook: Python in
// fenced blocks as Python, everything else by its tokens.
func (m *model) rewriteText(file string, src []byte) *rewriter {
	r := &rewriter{m: m, f: &python.Syntax{Src: src}, path: file}
	switch path.Ext(file) {
	case ".md", ".rst", ".txt", ".markdown":
		r.text(python.Span{End: len(src)})
		return r
	}
	at := 0
	if l := readPackageList(file, src); l != nil { // kept up by moves and cleanup
		r.scan(python.Span{Start: at, End: l.span.Start}, false)
		at = l.span.End
	}
	r.scan(python.Span{Start: at, End: len(src)}, false)
	r.patterns()
	r.keepKeys()
	for i := range r.left {
		r.left[i].soft = r.left[i].soft || patternFile(file)
	}
	return r
}

// patternFile reports whether a file only lists paths, and runs and opens none.
func patternFile(file string) bool {
	switch base := path.Base(file); base {
	case "CODEOWNERS", ".gitattributes":
		return true
	default:
		return strings.HasPrefix(base, ".") && strings.HasSuffix(base, "ignore")
	}
}
