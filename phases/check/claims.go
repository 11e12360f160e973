package check

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/restage/restage/phases/plan"
	"github.com/restage/restage/phases/python"
	"github.com/restage/restage/phases/tree"
)

// A State says whether something that a plan claims is so.
type State string

// The states.
const (
	Holds   State = "holds"
	Fails   State = "fails"
	Cannot  State = "cannot"  // is not so, and cannot be as long as something stays that is to stay
	Unknown State = "unknown" // nothing in the tree tells
)

// A Claim is a check of a plan and what a tree says of it.
type Claim struct {
	plan.Check
	State   State
	Message string // one line that says what is not so or not known; "" if it holds
	At      string // the file that shows it, "" if none does
	AtLine  int    // from 1; 0 without a file
}

// Claims holds what a plan says against a tree, in the order of its checks.
// Roots are the source roots; paths may leave them out. Nothing is run. It fails
// only if the tree cannot be read, an expression of a check is none or ctx is done.
func Claims(ctx context.Context, t tree.Tree, roots []string, p Promise) ([]Claim, error) {
	c := &claims{tree: t, roots: roots, list: make([]Claim, len(p.Checks)), compiled: map[string]*regexp.Regexp{}, stays: newStays(p.Stays, roots), old: map[place]bool{}}
	for _, a := range p.Leftovers {
		c.old[place{a.Path, a.Line}] = true
	}
	var hunts []*hunt
	for i, check := range p.Checks {
		c.list[i] = Claim{Check: check, State: Holds}
		claim := &c.list[i]
		switch check.Kind {
		case plan.File, plan.Folder, plan.Exists, plan.Absent:
			c.path(claim)
		case plan.Import:
			if err := c.imports(ctx, claim); err != nil {
				return nil, err
			}
		case plan.Same:
			if err := c.same(claim); err != nil {
				return nil, err
			}
		case plan.Text, plan.Found:
			s, err := c.search(claim)
			if err != nil {
				return nil, err
			}
			hunts = append(hunts, s)
		}
	}
	if err := c.scan(ctx, hunts); err != nil {
		return nil, err
	}
	for _, s := range hunts {
		s.judge()
	}
	return c.list, nil
}

// claims holds what the claims about one tree share.
type claims struct {
	tree  tree.Tree
	roots []string
	list  []Claim
	world *world // nil until an import is looked at
	stays *stays
	old   map[place]bool // where the check of the leftovers found something

	compiled map[string]*regexp.Regexp
}

func (c *Claim) fail(format string, args ...any) {
	c.State, c.Message = Fails, fmt.Sprintf(format, args...)
}

func (c *Claim) cannot(format string, args ...any) {
	c.State, c.Message = Cannot, fmt.Sprintf(format, args...)
}

func (c *Claim) unknown(format string, args ...any) {
	c.State, c.Message = Unknown, fmt.Sprintf(format, args...)
}

// find returns where a path of a plan is in the tree, from the root of the
// repository or from a source root, and whether it is a file or a folder.
func (c *claims) find(p string) (at string, file, folder bool) {
	p = strings.TrimSuffix(p, "/")
	for _, root := range append([]string{"."}, c.roots...) {
		at = path.Join(root, p)
		if _, ok := tree.Find(c.tree, at); ok {
			return at, true, false
		}
		if len(tree.Under(c.tree, at)) > 0 {
			return at, false, true
		}
	}
	return p, false, false
}

// path looks whether a file or folder is there.
func (c *claims) path(claim *Claim) {
	at, file, folder := c.find(claim.Paths[0])
	switch claim.Kind {
	case plan.Absent:
		switch left := c.left(at); {
		case !file && !folder:
		case left == "":
			claim.cannot("what is in %s is to stay", quoted(at))
		case file:
			claim.fail("%s is still there", quoted(at))
			claim.At, claim.AtLine = at, 1
		default:
			claim.fail("there are still files in %s, such as %s", quoted(at), quoted(left))
		}
	case plan.File:
		if !file {
			claim.fail("%s is no file", quoted(at))
		}
	case plan.Folder:
		if !folder {
			claim.fail("%s is no folder with files", quoted(at))
		}
	default:
		if !file && !folder {
			claim.fail("%s is not there", quoted(at))
		}
	}
}

// left returns the first file at a path or below it that is not there for what
// is to stay, "" if there is none.
func (c *claims) left(at string) string {
	for _, e := range slices.Concat(tree.Under(c.tree, at), []tree.Entry{{Path: at}}) {
		dir, isInit := strings.CutSuffix(e.Path, "/__init__.py")
		if _, there := tree.Find(c.tree, e.Path); there && !c.stays.file(e.Path) && !(isInit && c.stays.below(dir)) {
			return e.Path
		}
	}
	return ""
}

// imports looks whether names can be imported.
func (c *claims) imports(ctx context.Context, claim *Claim) error {
	if c.world == nil {
		w, err := newWorld(ctx, c.tree, c.roots, nil, python.Parse)
		if err != nil {
			return err
		}
		c.world = w
	}
	switch m := c.world.module(claim.Module); {
	case !c.world.owns(claim.Module):
		claim.unknown("%s is no module of this repository", quoted(claim.Module))
	case m == nil:
		claim.fail("there is no module %s", quoted(claim.Module))
	default:
		for _, name := range claim.Names {
			if _, ok := c.world.attr(claim.Module, name, false); !ok {
				claim.fail("%s has no %s", quoted(claim.Module), quoted(name))
				claim.At, claim.AtLine = m.Path, 1
				return nil
			}
		}
	}
	return nil
}

// same looks whether two files are equal, if both are there.
func (c *claims) same(claim *Claim) error {
	var texts [][]byte
	for _, p := range claim.Paths {
		at, file, _ := c.find(p)
		if !file {
			claim.unknown("%s is no file, so there is nothing to compare", quoted(at))
			return nil
		}
		data, err := c.tree.Read(at)
		if err != nil {
			return err
		}
		texts = append(texts, data)
	}
	if !bytes.Equal(texts[0], texts[1]) {
		claim.fail("%s and %s differ", quoted(claim.Paths[0]), quoted(claim.Paths[1]))
	}
	return nil
}

// A hunt counts the lines or files that a claim is about.
type hunt struct {
	claim        *Claim
	text         *regexp.Regexp
	only, except []*regexp.Regexp
	files        map[string]bool // files to look into
	prefix       bool            // lines are held against filters with their paths

	found int
	stay  int   // how many of these are about what is to stay
	first place // the first of the others
	old   bool  // one of the others names an old path
}

// A place is a line of a file.
type place struct {
	file string
	line int
}

func (c *claims) search(claim *Claim) (s *hunt, err error) {
	s = &hunt{claim: claim, files: map[string]bool{}, prefix: len(claim.Paths) > 1}
	compile := func(expr string) *regexp.Regexp {
		if re := c.compiled[expr]; re != nil {
			return re
		}
		re, bad := regexp.Compile(expr)
		if bad != nil && err == nil {
			err = fmt.Errorf("line %d of the plan: %w", claim.Line, bad)
		}
		c.compiled[expr] = re
		return re
	}
	s.text = compile(claim.Text)
	for _, expr := range claim.Only {
		s.only = append(s.only, compile(expr))
	}
	for _, expr := range claim.Except {
		s.except = append(s.except, compile(expr))
	}
	for _, p := range claim.Paths {
		at, file, _ := c.find(p)
		if file {
			s.files[at] = true
			continue
		}
		s.prefix = true
		for _, e := range tree.Under(c.tree, at) {
			if e.Mode != tree.Symlink && s.named(path.Base(e.Path)) {
				s.files[e.Path] = true
			}
		}
	}
	return s, err
}

// named reports whether files of a name are looked at.
func (s *hunt) named(name string) bool {
	return len(s.claim.Files) == 0 || slices.ContainsFunc(s.claim.Files, func(glob string) bool {
		ok, _ := path.Match(glob, name)
		return ok
	})
}

// counts reports whether something found counts.
func (s *hunt) counts(text []byte) bool {
	match := func(re *regexp.Regexp) bool { return re.Match(text) }
	return !slices.ContainsFunc(s.except, match) &&
		!slices.ContainsFunc(s.only, func(re *regexp.Regexp) bool { return !match(re) })
}

// add counts something found; the first in the order of paths is kept.
func (c *claims) add(s *hunt, at place, text []byte) {
	s.found++
	if c.stays.file(at.file) || c.stays.named(text) {
		s.stay++
		return
	}
	s.old = s.old || c.old[at]
	if s.first.file == "" || at.file < s.first.file || at.file == s.first.file && at.line < s.first.line {
		s.first = at
	}
}

// scan reads each file once for all hunts.
func (c *claims) scan(ctx context.Context, hunts []*hunt) error {
	var all []string
	for _, e := range c.tree.Entries() {
		for _, s := range hunts {
			if s.claim.Kind == plan.Found && s.files[e.Path] && s.counts([]byte(e.Path)) {
				c.add(s, place{e.Path, 1}, nil)
			}
		}
		if slices.ContainsFunc(hunts, func(s *hunt) bool { return s.claim.Kind == plan.Text && s.files[e.Path] }) {
			all = append(all, e.Path)
		}
	}
	var mu sync.Mutex
	return tree.Scan(ctx, c.tree, all, func(i int, src []byte) {
		if !isText(src) {
			return
		}
		for _, s := range hunts {
			if s.claim.Kind == plan.Text && s.files[all[i]] {
				c.lines(s, &mu, all[i], src)
			}
		}
	})
}

// lines counts the lines of a file that match.
func (c *claims) lines(s *hunt, mu *sync.Mutex, file string, src []byte) {
	number := 0
	for line := range bytes.Lines(src) {
		number++
		line = bytes.TrimRight(line, "\r\n")
		if !s.text.Match(line) {
			continue
		}
		if s.prefix {
			line = fmt.Appendf(nil, "%s:%s", file, line)
		}
		if s.counts(line) {
			mu.Lock()
			c.add(s, place{file, number}, line)
			mu.Unlock()
		}
	}
}

// judge compares what was found with what there is to be.
func (s *hunt) judge() {
	c, what := s.claim, "files"
	if c.Kind == plan.Text {
		what = "lines that match " + quoted(c.Text)
	}
	places := quoted(strings.Join(c.Paths, ", "))
	switch {
	case c.Count == plan.Some && s.found == 0:
		c.fail("there are no %s in %s", what, places)
	case c.Count == 0 && s.stay > 0 && (s.stay == s.found || c.Kind == plan.Text && !s.old):
		c.cannot("there are %d %s in %s, of which %d are about what is to stay", s.found, what, places, s.stay)
		if s.stay < s.found {
			c.Message += ", and none of the others names an old path"
		}
	case c.Count != plan.Some && s.found != c.Count:
		c.fail("there are %d %s in %s, and there must be %d", s.found, what, places, c.Count)
		c.At, c.AtLine = s.first.file, s.first.line
	}
}
