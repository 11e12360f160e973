package python

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// ImportStatements returns the text of what looks like import statements: lines
// that begin with "from" or "import", up to the closing parenthesis or the end
// of a continued line. Places are the offsets where "import" stands, sorted. It
// does not parse, so that every file can afford it.
func ImportStatements(src []byte, places []int) [][]byte {
	var out [][]byte
	at := 0
	for _, i := range places {
		if i < at {
			continue
		}
		start, end := logicalLine(src, at, i)
		text := bytes.TrimLeft(src[start:end], " \t\f")
		if bytes.HasPrefix(text, []byte("from")) || bytes.HasPrefix(text, []byte("import")) {
			end = start + statementEnd(src[start:])
			out = append(out, src[start:end])
		} else if i := bytes.Index(text, []byte("; ")); i >= 0 && bytes.Contains(text[i:], []byte("import")) {
			out = append(out, src[start:end]) // behind a semicolon
		}
		at = end
	}
	return out
}

// logicalLine returns the line that offset i is on, with the lines before it,
// from the offset least on, that go on in it.
func logicalLine(src []byte, least, i int) (start, end int) {
	for start = i; ; start-- {
		start = least + bytes.LastIndexByte(src[least:start], '\n') + 1
		before := bytes.TrimSuffix(bytes.TrimSuffix(src[least:start], []byte("\n")), []byte("\r"))
		if start == least || !bytes.HasSuffix(before, []byte("\\")) {
			break
		}
	}
	end = len(src)
	if n := bytes.IndexByte(src[i:], '\n'); n >= 0 {
		end = i + n + 1
	}
	return start, end
}

// statementEnd returns the length of the statement that src begins with.
func statementEnd(src []byte) int {
	open := 0
	comment := false
	for i, c := range src {
		switch {
		case c == '\n' && open <= 0 && (i == 0 || src[i-1] != '\\' && (src[i-1] != '\r' || i < 2 || src[i-2] != '\\')):
			return i + 1
		case c == '\n':
			comment = false
		case comment:
		case c == '#':
			comment = true
		case c == '(':
			open++
		case c == ')':
			open--
		}
	}
	return len(src)
}

// ImportedModules returns the dotted names that import statements name,
// absolute ones only; of several after one "import", the first.
func ImportedModules(statements [][]byte) []string {
	var names []string
	for _, s := range statements {
		for part := range bytes.SplitSeq(s, []byte(";")) {
			if name := importedModule(part); name != nil && !slices.Contains(names, string(name)) {
				names = append(names, string(name))
			}
		}
	}
	return names
}

// importedModule returns the dotted name in "from NAME import" or "import NAME",
// nil if the statement is neither.
func importedModule(s []byte) []byte {
	keyword, rest := cutWord(bytes.TrimLeft(s, " \t\r\n\f"))
	from := string(keyword) == "from"
	if !from && string(keyword) != "import" || len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t' {
		return nil
	}
	name, rest := cutWord(bytes.TrimLeft(rest, " \t"))
	if len(name) == 0 || name[0] == '.' || name[0] >= '0' && name[0] <= '9' {
		return nil
	}
	if keyword, _ := cutWord(bytes.TrimLeft(rest, " \t")); from && string(keyword) != "import" {
		return nil
	}
	return name
}

// cutWord splits a dotted name off s.
func cutWord(s []byte) (word, rest []byte) {
	i := bytes.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf || r != '.' && !IsNameByte(byte(r)) })
	if i < 0 {
		i = len(s)
	}
	return s[:i], s[i:]
}

// FindRoots finds the folders under which the imports that exist resolve:
// files are all files of the tree, imported the dotted names that they import.
// An __init__.py in a folder proves nothing either way, but inside a package a
// folder is a root only on good evidence: "import mlflow" means the library,
// not the subpackage of that name.
func FindRoots(files []string, imported map[string]bool) []string {
	parents := map[string][]string{} // first part of what is imported → folders that have it
	for name := range imported {
		if head, _, _ := strings.Cut(name, "."); !standardLibrary[head] {
			parents[head] = nil
		}
	}
	modules := make(map[string]bool, len(files)) // slash path of module or folder with Python
	initFile := map[string]bool{}                // folders with an __init__.py
	children := map[string]int{}                 // how many parts a folder has
	add := func(p string) {
		if modules[p] {
			return
		}
		modules[p] = true
		dir, base := path.Split(p)
		dir = strings.TrimSuffix(dir, "/")
		if dirs, wanted := parents[base]; wanted {
			parents[base] = append(dirs, dir)
		}
		children[dir]++
	}
	for _, f := range files {
		if !strings.HasSuffix(f, ".py") {
			continue
		}
		dir, base := path.Split(f)
		dir = strings.TrimSuffix(dir, "/")
		if base == "__init__.py" {
			initFile[dir] = true
		} else {
			add(strings.TrimSuffix(f, ".py"))
		}
		for ; dir != "" && dir != "." && !modules[dir]; dir = path.Dir(dir) {
			add(dir)
		}
	}
	type evidence struct {
		heads map[string]bool
		deep  bool // a dotted name of two parts or more resolves whole
	}
	found := map[string]*evidence{}
	for name := range imported {
		head, rest, dotted := strings.Cut(name, ".")
		best, ok := "", false
		for _, dir := range parents[head] {
			full := strings.ReplaceAll(name, ".", "/")
			if dir != "" {
				full = dir + "/" + full
			}
			if modules[full] && (!ok || strings.Count(dir, "/") < strings.Count(best, "/") || len(dir) == 0) {
				best, ok = dir, true
			}
		}
		if !ok {
			continue
		}
		if found[best] == nil {
			found[best] = &evidence{heads: map[string]bool{}}
		}
		found[best].heads[head] = true
		found[best].deep = found[best].deep || dotted && rest != ""
	}
	var roots []string
	for dir, e := range found {
		inPackage := initFile[dir]
		if !inPackage || e.deep || len(e.heads) >= 2 && 2*len(e.heads) >= children[dir] {
			roots = append(roots, dir)
		}
	}
	slices.Sort(roots)
	return roots
}

// standardLibrary holds the top-level modules of Python's standard library,
// 3.8 to 3.14 (sys.stdlib_module_names without private ones).
var standardLibrary = func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(`abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore
		atexit audioop base64 bdb binascii binhex bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code
		codecs codeop collections colorsys compileall compression concurrent configparser contextlib contextvars copy
		copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest email encodings
		ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch formatter fractions ftplib functools gc
		genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr
		imp importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap
		marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path
		numbers opcode operator optparse os ossaudiodev parser pathlib pdb pickle pickletools pipes pkgutil platform
		plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pyexpat queue quopri
		random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil signal
		site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl stat
		statistics string stringprep struct subprocess sunau symbol symtable sys sysconfig syslog tabnanny tarfile
		telnetlib tempfile termios test textwrap this threading time timeit tkinter token tokenize tomllib trace
		traceback tracemalloc tty turtle types typing unicodedata unittest urllib uu uuid venv warnings wave weakref
		webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo`) {
		set[name] = true
	}
	return set
}()
