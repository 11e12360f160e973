package phases

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/restage/restage/phases/python"
)

// A package may be looked up by its name, as in sys.modules["a"], and reached
// through for a module like any other object.

var (
	keyBefore  = regexp.MustCompile(`\b(?:sys\.modules|globals\(\))\s*\[\s*$`)
	keyAfter   = regexp.MustCompile(`^\s*\]`)
	chainAfter = regexp.MustCompile(`^(?:\.[A-Za-z_]\w*)+`)
	keyword    = regexp.MustCompile(`,\s*([A-Za-z_]\w*)\s*=`)
	storeAfter = regexp.MustCompile(`^\s*=[^=]`)
)

// lookups warns of packages that the file looks up by names in strings and
// reaches through for a module that is there no more. What puts a package there
// stays imported.
func (r *rewriter) lookups() {
	for _, s := range r.f.Strings {
		pkg := s.Text(r.f.Src)
		top, _, _ := strings.Cut(pkg, ".")
		if s.Format || s.Joined || !r.m.firsts[top] || !r.m.stays(pkg) {
			continue
		}
		if strings.HasSuffix(s.Callee, "patch.multiple") && s.Arg == 0 {
			r.patchesMultiple(s, pkg)
		} else if end := r.lookup(s); end > 0 {
			if r.looked == nil {
				r.looked = map[string][]string{}
			}
			r.looked[top] = append(r.looked[top], pkg)
			r.lookedUp(s, pkg, end)
		}
	}
}

// lookup returns the end of the expression that gives out the module which the
// string names, 0 if there is none.
func (r *rewriter) lookup(s python.String) (end int) {
	src := r.f.Src
	if takesModule(s.Callee) && isName(s) && !r.forEffect(s.Call) || s.Callee == "sys.modules.get" && s.Arg == 0 {
		return s.Call.End
	}
	after := keyAfter.Find(src[s.End:])
	if after == nil || !keyBefore.Match(src[max(0, s.Start-sight):s.Start]) || storeAfter.Match(src[s.End+len(after):]) {
		return 0
	}
	return s.End + len(after)
}

// lookedUp looks at what follows a lookup that ends at end. A call such as
// getattr(sys.modules["a"], "b") says what it reaches for.
func (r *rewriter) lookedUp(s python.String, pkg string, end int) {
	src := r.f.Src
	if chain := chainAfter.Find(src[end:]); chain != nil {
		parts := strings.Split(pkg+string(chain), ".")
		n := r.m.longest(parts)
		depth := strings.Count(pkg, ".") + 1
		if old := strings.Join(parts[:n], "."); n > depth && r.concerned(old) && !r.m.bound(parts[:n], depth) {
			pkg, name := cutLast(old)
			r.reachesThrough(s.Start, pkg, name)
		}
		return
	}
	names := r.m.lost[pkg]
	next, ok := r.stringFrom(end)
	switch {
	case len(names) == 0:
	case !ok || next.Arg != 1 || string(bytes.TrimSpace(src[end:next.Start])) != ",":
		r.passesOn(s.Start, pkg, names)
	case contains(names, next.Text(src)):
		r.reachesThrough(s.Start, pkg, next.Text(src))
	}
}

// patchesMultiple warns of patch.multiple("a", b=...) where b is a module that a
// loses.
func (r *rewriter) patchesMultiple(s python.String, pkg string) {
	for _, m := range keyword.FindAllSubmatch(r.f.Src[s.End:s.Call.End], -1) {
		if name := string(m[1]); contains(r.m.lost[pkg], name) {
			r.reachesThrough(s.Start, pkg, name)
		}
	}
}

// reachesThrough warns of a package that is reached through for a module which
// it loses.
func (r *rewriter) reachesThrough(at int, pkg, name string) {
	r.left = append(r.left, leftover{path: r.path, line: r.f.Line(at), module: pkg + "." + name, told: true})
	r.passesOn(at, pkg, []string{name})
}

// passesOn warns of a package that may be reached through for the modules which
// it loses. The imports that make them there stay.
func (r *rewriter) passesOn(at int, pkg string, names []string) {
	if r.passed == nil {
		r.passed = map[string]bool{}
	}
	r.passed[pkg] = true
	r.warn(at, "package-object", "the package "+pkg+" is used as an object here; "+pkg+"."+strings.Join(names, ", "+pkg+".")+" cannot be reached through it any more")
}
