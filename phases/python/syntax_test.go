package python

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestResolve reads source in which each use of the name n is followed by a
// comment that says which scope binds it, as Python has it.
func TestResolve(t *testing.T) {
	const src = `
import n
n.x  # module
def f(a=n):  # module
    return n  # module
def g(n):
    return n  # function
def h():
    n = 1
    def inner():
        return n  # function
    return [n for _ in range(3)]  # function
def i():
    global n
    n = 2
    return n  # module
def j():
    def inner():
        nonlocal n
        n = 3
        return n  # function
    n = 4
class C:
    a = n  # module
    n = n  # module
    b = n  # class
    def m(self):
        return n  # module
    def n_(self, k=n):  # class
        pass
x = [n for n in range(3)]  # comprehension
y = [z for z in n]  # module
lambda n: n  # function
lambda k=n: k  # module
def w():
    return (n := 5), n  # function
def v():
    for n in "": pass
    return n  # function
def u():
    with open("") as n: pass
    return n  # function
def s():
    try: pass
    except OSError as n: pass
    return n  # function
def r():
    match 1:
        case [n, *_]: return n  # function
def q():
    import n.m
    return n.m  # function
def p(*n, **k):
    return n, k.n  # function
def o():
    def n(): pass
    return n  # function
def d():
    del n
    return n  # function
k(n=1, m=n)  # module
[a for a in b if [n for n in a]]  # comprehension
{n: v for n, v in w}  # comprehension
async def t():
    async for n in w: pass
    return n  # function
`
	f := Parse([]byte(src))
	if f.ErrorLine != 0 {
		t.Fatalf("line %d does not parse", f.ErrorLine)
	}
	lines := strings.Split(src, "\n")
	kinds := map[ScopeKind]string{ModuleScope: "module", ClassScope: "class", FunctionScope: "function", ComprehensionScope: "comprehension"}
	checked := map[int]bool{}
	for _, u := range f.Uses {
		if u.Parts[0].Text != "n" {
			continue
		}
		at := f.Line(u.Parts[0].Start)
		_, want, _ := strings.Cut(lines[at-1], "  # ")
		got := "nothing"
		if s := u.Resolve(); s != nil {
			got = kinds[s.Kind]
		}
		if got != want {
			t.Errorf("line %d, %s: bound by the %s", at, lines[at-1], got)
		}
		checked[at] = true
	}
	for i, line := range lines {
		if strings.Contains(line, "  # ") && !checked[i+1] {
			t.Errorf("line %d, %s: no use found", i+1, line)
		}
	}
}

func TestImports(t *testing.T) {
	const src = `import a.b.c, d as e
from . import x
from ..p.q import (y as z, w,)
from m import *
from  .  r  import  s
if TYPE_CHECKING:
    from tc import t
try:
    import g
except ImportError:
    pass
def f():
    import late
class C:
    from cls import attr
from __future__ import annotations
if x: from one import line; import two
`
	want := `1 import a.b.c d as e; module level
2 from 1 "" import x; module level
3 from 2 "p.q" import y as z w; module level
4 from 0 "m" import *; module level
5 from 1 "r" import s; module level
7 from 0 "tc" import t; type only
9 import g; module level, guarded
13 import late;
15 from 0 "cls" import attr; module level
17 from 0 "one" import line; module level
17 import two; module level
`
	f := Parse([]byte(src))
	var got strings.Builder
	for _, imp := range f.Imports {
		fmt.Fprintf(&got, "%d", f.Line(imp.Start))
		if imp.From {
			fmt.Fprintf(&got, " from %d %q", imp.Level, imp.Name)
		}
		got.WriteString(" import")
		if imp.Star {
			got.WriteString(" *")
		}
		for _, in := range imp.Names {
			got.WriteString(" " + in.Name)
			if in.As != "" {
				got.WriteString(" as " + in.As)
			}
		}
		var how []string
		for _, h := range []struct {
			ok   bool
			text string
		}{{imp.ModuleLevel, " module level"}, {imp.TypeOnly, " type only"}, {imp.Guarded, " guarded"}} {
			if h.ok {
				how = append(how, h.text)
			}
		}
		got.WriteString(";" + strings.Join(how, ",") + "\n")
	}
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestSymbols(t *testing.T) {
	f := Parse([]byte(`
import os
import a.b as ab
from .near import one, two as deux
from far import *
three = ab.three
four = one
five = os.path.sep
six: int = 6
def seven(): pass
class Eight: pass
nine = None
from late import nine
__all__ = ["one"]
__all__ += ["three"]
def inner():
    ten = 10
    global eleven
    eleven = 11
`))
	s := f.Symbols("pkg.mod", false)
	want := map[string]string{
		"os": "os:", "ab": "a.b:", "one": "pkg.near:one", "deux": "pkg.near:two",
		"three": "a.b:three", "four": "pkg.near:one", "five": "os.path:sep",
		"six": ":", "seven": ":", "Eight": ":", "nine": "late:nine", "__all__": ":", "inner": ":", "eleven": ":",
	}
	for name, sym := range s.Names {
		if got := sym.Module + ":" + sym.Name; got != want[name] {
			t.Errorf("%s comes from %q, want %q", name, got, want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
	if len(s.Stars) != 1 || s.Stars[0].Module != "far" || !slices.Equal(s.All.Names, []string{"one", "three"}) {
		t.Errorf("stars %v, __all__ %q", s.Stars, s.All.Names)
	}
}

func TestOwn(t *testing.T) {
	tests := []struct {
		name, src string
		want      []string
	}{
		{"nothing", "", nil},
		{"re-export", "from a import b\nfrom c import *\n__all__ = ['b']", nil},
		{"aliases", "import a\nb = a.b\nc = b", nil},
		{"forwards", "import a\ndef f(*args):\n    '''Doc.'''\n    return a.f(*args)", nil},
		{"forwards what it imports", "async def f(x):\n    from a import f as g\n    return await g(x)", nil},
		{"warns", "import warnings\nwarnings.warn('old')\nfrom a import b", nil},
		{"lazy", "def __getattr__(name):\n    import a\n    return getattr(a, name)", nil},
		{"tries", "try:\n    from a import b\nexcept ImportError:\n    b = None", nil},
		{"a function", "def f():\n    return 1", []string{"f"}},
		{"a function of its own", "def g(): return 1\ndef f():\n    return g()", []string{"g", "f"}},
		{"a class", "from a import B\nclass C(B): pass", []string{"C"}},
		{"a value", "LIMIT = 3", []string{"LIMIT"}},
		{"code", "import a\na.run()", []string{"code that runs"}},
		{"a loop", "for i in range(3): pass", []string{"code that runs"}},
	}
	for _, tt := range tests {
		if got := Parse([]byte(tt.src)).Own(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: Own = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestApply(t *testing.T) {
	src := []byte("one two three")
	edit := func(start, end int, text string) Edit { return Edit{Span: Span{start, end}, Text: text} }
	tests := []struct {
		edits []Edit
		want  string // "" for an error
	}{
		{nil, "one two three"},
		{[]Edit{edit(8, 13, "3"), edit(0, 3, "1")}, "1 two 3"},
		{[]Edit{edit(0, 3, "1"), edit(0, 3, "1")}, "1 two three"},
		{[]Edit{edit(3, 3, "+"), edit(3, 7, "")}, "one+ three"},
		{[]Edit{edit(0, 4, "a"), edit(3, 5, "b")}, ""},
		{[]Edit{edit(0, 3, "a"), edit(0, 3, "b")}, ""},
		{[]Edit{edit(0, 14, "a")}, ""},
		{[]Edit{edit(3, 2, "a")}, ""},
	}
	for _, tt := range tests {
		got, err := Apply(src, tt.edits)
		if string(got) != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("Apply(%v) = %q, %v, want %q", tt.edits, got, err, tt.want)
		}
	}
}

// FuzzParse parses any text: every place it hands out lies within the text.
func FuzzParse(f *testing.F) {
	f.Add("from . import a\nimport b.c as d\nf'{b.c!r:>{d}}'\n")
	f.Add("def f(a, *b, c: d = e, **g) -> h: return lambda i=j: k\n")
	f.Add("match a:\n case B(c=d.e, f=[g, *h]): pass\n case {'i': j, **k}: pass\n")
	f.Add("class A[T](b.C, metaclass=D):\n x: y = z; __all__ = ['a'\n")
	f.Fuzz(func(t *testing.T, src string) {
		s := Parse([]byte(src))
		within := func(what string, in Span) {
			if in.Start < 0 || in.End < in.Start || in.End > len(src) {
				t.Errorf("%s at %v of %d bytes", what, in, len(src))
			}
		}
		for _, imp := range s.Imports {
			within("import", imp.Span)
			for _, in := range imp.Names {
				within("name", in.Span)
			}
		}
		for _, u := range s.Uses {
			for _, p := range u.Parts {
				within("use", p.Span)
				if src[p.Start:p.End] != p.Text {
					t.Errorf("use %q at %q", p.Text, src[p.Start:p.End])
				}
			}
			u.Resolve()
		}
		for _, str := range s.Strings {
			within("string", str.Span)
			within("content", str.Content)
		}
		for _, c := range s.Comments {
			within("comment", c)
		}
		s.Symbols("pkg.mod", true)
		s.Own()
		s.Code(func(module string, level int) string { return module })
		s.AfterImports()
	})
}

func TestCheck(t *testing.T) {
	const src = "import a\n\n\ndef f():\n    return 'x'\n\n\nx = 1; y = 2\nz = [\n    3,\n]\n"
	f := Parse([]byte(src))
	at := func(s string) Span { i := strings.Index(src, s); return Span{i, i + len(s)} }
	tests := []struct {
		edits []Edit
		want  string // of the error, "" for none
	}{
		{nil, ""},
		{[]Edit{{Span: at("a"), Text: "b.c"}, {Span: at("'x'"), Text: "'y'"}, {Span: at("3"), Text: "4"}}, ""},
		{[]Edit{{Span: Span{0, len("import a\n")}}}, ""},
		{[]Edit{{Span: Span{0, len(src)}, Text: "pass\n"}}, ""},
		{[]Edit{{Span: Span{len(src), len(src)}, Text: "w = 5\n"}}, ""},
		{[]Edit{{Span: at("'x'"), Text: "'y"}}, "line 5"},
		{[]Edit{{Span: at("y = 2"), Text: "y = = 2"}}, "line 8"},
		{[]Edit{{Span: at("3"), Text: "3 4"}}, "line 9"},
		{[]Edit{{Span: Span{at("def").Start, at("x = 1").Start}, Text: "x = ("}}, "line 4"},
		{[]Edit{{Span: at("import a\n\n\ndef"), Text: "import a;"}}, "line 1"},
		{[]Edit{{Span: at("import"), Text: "x"}, {Span: Span{3, 8}, Text: "y"}}, "overlap"},
	}
	for _, tt := range tests {
		err := f.Check(tt.edits)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("Check(%v) = %v, want %q", tt.edits, err, tt.want)
		}
	}
}
