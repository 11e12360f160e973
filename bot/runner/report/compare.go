package report

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/restage/restage/phases/config"
)

// A Comparison is what a pull request changed.
type Comparison struct {
	New     []Finding // fails, and did not on the base
	Old     []Finding // fails, as on the base
	Fixed   []Finding // failed on the base
	Flaky   []Finding // failed, and passed when it was run again, on the head or on the base
	Skipped []Finding // a test that passed on the base, and is skipped now
	Gone    []Finding // a test of the base that is not run any more

	// Broken is why the command came to its end on neither commit, so that they
	// cannot be compared; "" if it did on one.
	Broken string

	// Stuck says that no test was run on either commit: pytest stopped at files that
	// cannot be imported.
	Stuck bool
}

// Moves is where what was on the base is now.
type Moves struct {
	Paths   map[string]string // files, old to new; those that stayed need not be there
	Renamed map[string]string // likewise, those that tests may call by another name now
	Deleted []string          // files

	// Line returns where a line of a file of the base is now, 0 if it is gone: see
	// Lines. Nil leaves all lines where they are.
	Line func(path string, line int) int
}

// Compare compares the findings of two runs of one command. The findings that it
// returns have the paths and lines of the head.
func Compare(base, head *Report, m Moves) *Comparison {
	before := make([]Finding, len(base.Findings))
	for i, f := range base.Findings {
		before[i] = m.move(f)
	}
	keys := byName(respell(spellings(m.Renamed)))
	if head.Kind == config.Mypy {
		keys = byLine
	}
	of := pair(before, head.Findings, keys)
	c, paired := &Comparison{}, make([]bool, len(before))
	for i, f := range head.Findings {
		was, failed := Outcome(""), false
		if of[i] >= 0 {
			paired[of[i]], was = true, before[of[i]].Outcome
			// A command that came to its end on the base, whatever it found, and does not
			// any more, is worse.
			failed = was == Failed && (f.ID != "" || head.Broken == "" || base.Broken != "")
		}
		switch {
		case f.Outcome == Flaky, f.Outcome == Failed && was == Flaky:
			c.Flaky = append(c.Flaky, f)
		case f.Outcome == Failed && failed:
			c.Old = append(c.Old, f)
		case f.Outcome == Failed:
			c.New = append(c.New, f)
		case f.Outcome == Passed && failed:
			c.Fixed = append(c.Fixed, f)
		case f.Outcome == Skipped && (was == Passed || was == Flaky):
			c.Skipped = append(c.Skipped, f)
		}
	}
	gone := m.gone()
	for i, f := range before {
		switch {
		case paired[i] || !head.Complete:
		case f.ID == "" || head.Kind == config.Mypy:
			if f.Outcome == Failed {
				c.Fixed = append(c.Fixed, f)
			}
		case !gone(f):
			c.Gone = append(c.Gone, f)
		}
	}
	switch {
	case head.Broken != "" && base.Broken != "":
		c.Broken = head.Broken
	case head.Broken != "" && len(c.New) == 0: // what it came to is old
		c.New = append(c.New, Finding{Outcome: Failed, Message: head.Broken})
	}
	c.Stuck = head.Kind == config.Pytest && !base.ran() && !head.ran() &&
		slices.ContainsFunc(c.Old, func(f Finding) bool { return f.ID != "" })
	return c
}

// ran reports whether a test was run. Other findings are files that could not be
// imported, and the command itself.
func (r *Report) ran() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return strings.Contains(f.ID, "::") })
}

// move returns f as it would be on the head.
func (m Moves) move(f Finding) Finding {
	if m.Line != nil && f.Line > 0 {
		f.Line = m.Line(f.Path, f.Line)
	}
	now, ok := m.Paths[f.Path]
	if !ok || f.Path == "" {
		return f
	}
	if rest, ok := strings.CutPrefix(f.ID, f.Path); ok {
		f.ID = now + rest
	}
	f.Path = now
	return f
}

// gone returns a function that reports whether a test goes with the files that are
// deleted: it is in one, or called after it.
func (m Moves) gone() func(Finding) bool {
	names := map[string]string{}
	for _, file := range m.Deleted {
		for rest, ok := file, true; ok && strings.Contains(rest, "/"); _, rest, ok = strings.Cut(rest, "/") {
			names[rest], names[dotted(rest)] = "deleted", "deleted"
		}
	}
	respell := respell(names)
	return func(f Finding) bool {
		_, test, _ := strings.Cut(f.ID, "::")
		return slices.Contains(m.Deleted, f.Path) || respell(test) != test
	}
}

// byName says what makes two findings the same: a test is known by its name, which
// may hold that of a module. Parameters may have another name each time, such as
// where an object is in memory; then any test of the same function will do, as long
// as both pass.
func byName(respell func(string) string) []func(Finding) string {
	return []func(Finding) string{
		func(f Finding) string { return f.ID },
		func(f Finding) string { return respell(f.ID) },
		func(f Finding) string {
			if f.Outcome != Passed {
				return f.ID
			}
			return function(f.ID)
		},
	}
}

// byLine is for errors, which may be there several times. So those on the same line
// go first, then those there whose messages name different modules, as they do where
// an import was rewritten, and then any in the same file.
var byLine = []func(Finding) string{
	func(f Finding) string { return strconv.Itoa(f.Line) + ":" + unlined(f) },
	func(f Finding) string {
		return strconv.Itoa(f.Line) + ":" + module.ReplaceAllString(unlined(f), "module")
	},
	unlined,
}

// unlined returns what an error says but for the line of another place.
func unlined(f Finding) string { return otherLine.ReplaceAllString(f.ID, "line") }

var otherLine = regexp.MustCompile(`\bline \d+`)

// module matches the name of a module in a message, and dotted names.
var module = regexp.MustCompile(`[Mm]odule(?: named)? "[^"]*"|"\w+(?:\.\w+)+"`)

// pair returns for each finding of the head the one of the base that it is, or -1.
// Findings with the same key are the same, in their order; the first key counts most.
func pair(base, head []Finding, keys []func(Finding) string) []int {
	of := make([]int, len(head))
	for i := range of {
		of[i] = -1
	}
	taken := make([]bool, len(base))
	for _, key := range keys {
		left := map[string][]int{}
		for i, f := range base {
			if !taken[i] {
				k := key(f)
				left[k] = append(left[k], i)
			}
		}
		for i, f := range head {
			if of[i] >= 0 {
				continue
			}
			k := key(f)
			if l := left[k]; len(l) > 0 {
				of[i], left[k] = l[0], l[1:]
				taken[l[0]] = true
			}
		}
	}
	return of
}
