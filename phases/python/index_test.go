package python

import (
	"slices"
	"testing"
)

func TestAbsolute(t *testing.T) {
	tests := []struct {
		module    string
		isPackage bool
		level     int
		name      string
		want      string
	}{
		{"a.b.c", false, 0, "x.y", "x.y"},
		{"a.b.c", false, 1, "", "a.b"},
		{"a.b.c", false, 1, "x", "a.b.x"},
		{"a.b.c", false, 2, "x.y", "a.x.y"},
		{"a.b.c", false, 3, "", ""},
		{"a.b.c", false, 3, "x", "x"}, // Python refuses it; so nothing is of that name
		{"a.b.c", false, 4, "x", ""},
		{"a.b.c", true, 1, "", "a.b.c"},
		{"a.b.c", true, 1, "x", "a.b.c.x"},
		{"a.b.c", true, 2, "x", "a.b.x"},
		{"top", false, 1, "x", "x"}, // a module at the top has no package
		{"top", true, 1, "x", "top.x"},
		{"top", true, 2, "x", "x"},
		{"top", true, 3, "x", ""},
		{"", false, 1, "x", ""}, // a script
		{"", false, 0, "x", "x"},
	}
	for _, tt := range tests {
		if got := Absolute(tt.module, tt.isPackage, tt.level, tt.name); got != tt.want {
			t.Errorf("Absolute(%q, %v, %d, %q) = %q, want %q", tt.module, tt.isPackage, tt.level, tt.name, got, tt.want)
		}
	}
}

func TestFindRoots(t *testing.T) {
	tests := []struct {
		name     string
		files    []string
		imported []string
		want     []string
	}{
		{"flat", []string{"app/__init__.py", "app/a.py", "main.py"}, []string{"app.a"}, []string{""}},
		{"src layout", []string{"src/app/__init__.py", "src/app/a.py", "tests/test_a.py"}, []string{"app.a", "pytest"}, []string{"src"}},
		{"src with an __init__.py", []string{"src/__init__.py", "src/app/__init__.py", "src/app/a.py"}, []string{"app.a"}, []string{"src"}},
		{"src in front of the name", []string{"src/app/__init__.py", "src/app/a.py"}, []string{"src.app.a"}, []string{""}},
		{"both ways", []string{"src/app/a.py"}, []string{"src.app.a", "app.a"}, []string{"", "src"}},
		{"two roots", []string{"one/a/x.py", "two/b/y.py"}, []string{"a.x", "b.y"}, []string{"one", "two"}},
		{"a library of the name of a subpackage", []string{"app/__init__.py", "app/mlflow/__init__.py", "app/run.py"},
			[]string{"mlflow", "app.run"}, []string{""}},
		{"the standard library", []string{"app/json.py", "lib/os/path.py"}, []string{"json", "os.path"}, nil},
		{"scripts that import each other", []string{"scripts/a.py", "scripts/b.py"}, []string{"a"}, []string{"scripts"}},
		{"a namespace package", []string{"src/acme/tools/cut.py"}, []string{"acme.tools.cut"}, []string{"src"}},
		{"the nearest to the top", []string{"src/app/a.py", "old/copy/app/a.py"}, []string{"app.a"}, []string{"src"}},
		{"no imports", []string{"a/b.py"}, nil, nil},
	}
	for _, tt := range tests {
		imported := map[string]bool{}
		for _, name := range tt.imported {
			imported[name] = true
		}
		if got := FindRoots(tt.files, imported); !slices.Equal(got, tt.want) {
			t.Errorf("%s: FindRoots = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestIndexLookup(t *testing.T) {
	files := []string{
		"README.md",
		"conf/app.toml",
		"src/pkg/__init__.py",
		"src/pkg/mod.py",
		"src/pkg/both.py",
		"src/pkg/both/__init__.py",
		"src/pkg/both/in.py",
		"src/pkg/wins.py",
		"src/pkg/wins/data.py",
		"src/space/part/leaf.py",
		"src/not-a-name/x.py",
		"src/__init__.py",
		"tests/test_mod.py",
		"tools.py",
	}
	tests := []struct {
		dotted   string
		path     string // "-" if there is no such module
		isPkg    bool
		prefix   string
		shadowed string
	}{
		{"pkg", "src/pkg/__init__.py", true, "", ""},
		{"pkg.mod", "src/pkg/mod.py", false, "", ""},
		{"src.pkg.mod", "src/pkg/mod.py", false, "src.", ""},
		{"pkg.both", "src/pkg/both/__init__.py", true, "", "src/pkg/both.py"},
		{"pkg.both.in", "src/pkg/both/in.py", false, "", ""},
		{"pkg.wins", "src/pkg/wins.py", false, "", ""}, // a module goes before a namespace package
		{"space", "", true, "", ""},
		{"space.part", "", true, "", ""},
		{"src.space.part.leaf", "src/space/part/leaf.py", false, "src.", ""},
		{"tests.test_mod", "tests/test_mod.py", false, "", ""},
		{"src.tests.test_mod", "-", false, "", ""},
		{"src.tools", "-", false, "", ""},
		{"tools", "tools.py", false, "", ""},
		{"pkg.nothing", "-", false, "", ""},
		{"not-a-name.x", "-", false, "", ""},
		{"", "-", false, "", ""},
	}
	forward, backward := slices.Clone(files), slices.Clone(files)
	slices.Sort(forward)
	slices.Sort(backward)
	slices.Reverse(backward)
	for _, order := range [][]string{forward, backward} { // the order of files means nothing
		x := NewIndex(order, []string{"src/"})
		for _, tt := range tests {
			m, prefix := x.Lookup(tt.dotted)
			if m == nil {
				if tt.path != "-" {
					t.Errorf("Lookup(%q) finds nothing, want %q", tt.dotted, tt.path)
				}
				continue
			}
			if m.Path != tt.path || m.Package != tt.isPkg || prefix != tt.prefix || m.Shadowed != tt.shadowed {
				t.Errorf("Lookup(%q) = %+v, prefix %q, want %+v", tt.dotted, *m, prefix, tt)
			}
			if m.Path != "" && x.ByPath(m.Path) != m {
				t.Errorf("ByPath(%q) = %v", m.Path, x.ByPath(m.Path))
			}
		}
		if m := x.ByPath("src/pkg/both.py"); m != nil {
			t.Errorf("a module that a package hides is %+v", *m)
		}
	}
}

func TestIndexNameOf(t *testing.T) {
	x := NewIndex(nil, []string{"src", "src/deep/root"})
	tests := []struct{ path, want string }{
		{"src/pkg/mod.py", "pkg.mod"},
		{"src/pkg/mod.pyi", "pkg.mod"},
		{"src/pkg/__init__.py", "pkg"},
		{"src/pkg/", "pkg"},
		{"src/deep/root/a/b.py", "a.b"},
		{"srcs/a.py", "srcs.a"},
		{"src/__init__.py", ""},
		{"__init__.py", ""},
		{"a-b/c.py", ""},
		{"a/3d.py", ""},
		{"a/größe.py", "a.größe"},
	}
	for _, tt := range tests {
		if got := x.NameOf(tt.path); got != tt.want {
			t.Errorf("NameOf(%q) = %q, want %q", tt.path, got, tt.want)
		}
	}
}
