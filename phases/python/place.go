package python

import (
	"bytes"
	"strings"
)

// AfterImports returns the offset behind the last import at the top of the
// file, or where the first would stand: behind the docstring and comments.
func (f *Syntax) AfterImports() int {
	at := 0
	withTree(f.Src, func(t *syntaxTree) {
		statements := t.children(&t.root)
		for i := range statements {
			switch n := &statements[i]; n.kind {
			case kindImport, kindFromImport, kindFuture:
				at = f.lineEnd(int(n.end))
			case kindExpression:
				if at == 0 && t.children(n)[0].kind == kindString {
					at = f.lineEnd(int(n.end))
				}
			}
		}
	})
	return at
}

// lineEnd returns the offset of the line after the one that offset is on.
func (f *Syntax) lineEnd(offset int) int {
	i := bytes.IndexByte(f.Src[offset:], '\n')
	if i < 0 {
		return len(f.Src)
	}
	return offset + i + 1
}

// AppendAll returns the edit that adds names to the module's __all__, which
// must exist, in the layout that it has.
func (f *Syntax) AppendAll(names []string) Edit {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = `"` + n + `"`
	}
	list := f.All
	if len(list.Items) == 0 {
		return Edit{Span: Span{list.Start, list.End}, Text: "[" + strings.Join(quoted, ", ") + "]"}
	}
	last := list.Items[len(list.Items)-1]
	start := bytes.LastIndexByte(f.Src[:last.Start], '\n') + 1
	indent := string(f.Src[start:last.Start])
	if strings.TrimSpace(indent) != "" {
		return Edit{Span: Span{last.End, last.End}, Text: ", " + strings.Join(quoted, ", ")}
	}
	rest := f.Src[last.End:list.End]
	if i := bytes.IndexByte(rest, ','); i >= 0 && len(bytes.TrimSpace(rest[:i])) == 0 {
		at := last.End + i + 1
		return Edit{Span: Span{at, at}, Text: "\n" + indent + strings.Join(quoted, ",\n"+indent) + ","}
	}
	return Edit{Span: Span{last.End, last.End}, Text: ",\n" + indent + strings.Join(quoted, ",\n"+indent)}
}
