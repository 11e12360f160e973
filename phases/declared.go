package phases

import (
	"path"
	"regexp"
	"strings"

	"github.com/BurntSushi/toml"
)

// A declaration is a folder that a settings file gives as one where import
// paths start.
type declaration struct {
	root string // from the repository root; "" for that itself
	sure bool   // what is released is found there, and not only what a tool looks at
}

// maxSettings is the size in bytes above which a settings file declares
// nothing.
const maxSettings = 1 << 20

// declarations returns what a file says of source roots: where packages are
// found that are built from it, and where pytest and mypy look for modules.
func declarations(file string, src []byte) []declaration {
	if len(src) > maxSettings {
		return nil
	}
	var sure, hints []string
	switch path.Base(file) {
	case "pyproject.toml":
		sure, hints = pyprojectRoots(src)
	case "setup.cfg":
		sure = setupCfgRoots(src)
		hints = append(iniPaths(src, "tool:pytest", "pythonpath"), iniPaths(src, "mypy", "mypy_path")...)
	case "setup.py":
		for _, m := range setupRoot.FindAllSubmatch(src, -1) {
			sure = append(sure, string(m[1]))
		}
	case "pytest.ini", ".pytest.ini", "tox.ini":
		hints = iniPaths(src, "pytest", "pythonpath")
	case "mypy.ini", ".mypy.ini":
		hints = iniPaths(src, "mypy", "mypy_path")
	}
	var list []declaration
	add := func(spelt string, sure bool) {
		spelt = strings.TrimPrefix(strings.ReplaceAll(spelt, `\`, "/"), "$MYPY_CONFIG_FILE_DIR/")
		root := path.Join(path.Dir(file), spelt)
		if path.IsAbs(spelt) || root == ".." || strings.HasPrefix(root, "../") {
			return
		}
		if root == "." {
			root = ""
		}
		list = append(list, declaration{root, sure})
	}
	for _, root := range sure {
		add(root, true)
	}
	for _, root := range hints {
		add(root, false)
	}
	return list
}

// setupRoot finds the folder of package_dir={"": "src"} and of
// find_packages("src") in setup.py.
var setupRoot = regexp.MustCompile(`(?:\bpackage_dir\s*=\s*\{\s*(?:""|'')\s*:|\bfind_(?:namespace_)?packages\(\s*(?:where\s*=)?)\s*["']([\w./-]+)["']`)

// pyprojectRoots reads the tables of pyproject.toml: the build backends say for
// sure, pytest and mypy give hints.
func pyprojectRoots(src []byte) (sure, hints []string) {
	var doc map[string]any
	if toml.Unmarshal(src, &doc) != nil {
		return nil, nil
	}
	tool := func(keys ...string) any { return dig(doc["tool"], keys...) }

	for name, dir := range tables(tool("setuptools", "package-dir")) {
		sure = append(sure, packageRoot(name, dir)...)
	}
	sure = append(sure, texts(tool("setuptools", "packages", "find", "where"))...)
	sure = append(sure, texts(tool("pdm", "build", "package-dir"))...)
	sure = append(sure, texts(tool("uv", "build-backend", "module-root"))...)
	sure = append(sure, texts(tool("maturin", "python-source"))...)
	if list, ok := tool("poetry", "packages").([]any); ok {
		for _, p := range list {
			sure = append(sure, texts(dig(p, "from"))...)
		}
	}
	for _, target := range []string{"wheel", "sdist"} {
		sure = append(sure, texts(tool("hatch", "build", "targets", target, "sources"))...)
		for _, p := range texts(tool("hatch", "build", "targets", target, "packages")) {
			sure = append(sure, path.Dir(p))
		}
	}
	sure = append(sure, texts(tool("hatch", "build", "sources"))...)
	hints = texts(tool("pytest", "ini_options", "pythonpath"))
	for _, list := range texts(tool("mypy", "mypy_path")) {
		hints = append(hints, searchPath(list)...)
	}
	if len(sure) == 0 && (doc["project"] != nil || tool("poetry") != nil) {
		hints = append(hints, "src") // where all backends look by themselves
	}
	return sure, hints
}

// packageRoot returns the folder from which a package has its name, given the
// folder that it is in: "" and "src", or "pkg" and "src/pkg".
func packageRoot(name string, dir any) []string {
	d, ok := dir.(string)
	below := strings.ReplaceAll(name, ".", "/")
	switch {
	case !ok:
		return nil
	case name == "":
		return []string{d}
	case path.Clean(d) == below:
		return []string{"."}
	}
	if root, ok := strings.CutSuffix(path.Clean(d), "/"+below); ok {
		return []string{root}
	}
	return nil
}

func setupCfgRoots(src []byte) (roots []string) {
	for _, line := range iniValues(src, "options", "package_dir") {
		if name, dir, ok := strings.Cut(line, "="); ok {
			roots = append(roots, packageRoot(strings.TrimSpace(name), strings.TrimSpace(dir))...)
		}
	}
	return append(roots, iniPaths(src, "options.packages.find", "where")...)
}

// dig returns what is at the keys below a table, nil if there is nothing.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		table, _ := v.(map[string]any)
		v = table[k]
	}
	return v
}

func tables(v any) map[string]any {
	table, _ := v.(map[string]any)
	return table
}

// texts returns a string, or the strings of a list.
func texts(v any) []string {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// iniPaths returns the paths of a setting that lists some.
func iniPaths(src []byte, section, key string) (paths []string) {
	for _, line := range iniValues(src, section, key) {
		paths = append(paths, searchPath(line)...)
	}
	return paths
}

// searchPath splits a list of paths as mypy and pytest write it.
func searchPath(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \t,:;", r) })
}

// iniValues returns the lines of a value in an INI file: the one behind the key
// and those that are indented below it.
func iniValues(src []byte, section, key string) (lines []string) {
	here, taking := false, false
	for line := range strings.Lines(string(src)) {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case text[0] == '[' && line[0] == '[':
			here, taking = text == "["+section+"]", false
		case taking && (line[0] == ' ' || line[0] == '\t'):
			lines = append(lines, text)
		default:
			name, value, _ := strings.Cut(text, "=")
			if taking = here && strings.TrimSpace(name) == key; taking {
				lines = append(lines, strings.TrimSpace(value))
			}
		}
	}
	return lines
}
