package report

import (
	"regexp"
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
}

// Moves is where what was on the base is now.
type Moves struct {
	Paths map[string]string // files, old to new; those that stayed need not be there

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
	keys := byName
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
			failed = was == Failed && (f.ID != "" || head.Complete || !base.Complete)
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
	for i, f := range before {
		switch {
		case paired[i] || !head.Complete:
		case f.ID == "" || head.Kind == config.Mypy:
			if f.Outcome == Failed {
				c.Fixed = append(c.Fixed, f)
			}
		default:
			c.Gone = append(c.Gone, f)
		}
	}
	return c
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

// byName says what makes two findings the same: a test is known by its name.
var byName = []func(Finding) string{
	func(f Finding) string { return f.ID },
}

// byLine is for errors, which may be there several times. So those on the same line
// go first, then those there whose messages name different modules, as they do where
// an import was rewritten, and then any in the same file.
var byLine = []func(Finding) string{
	func(f Finding) string { return strconv.Itoa(f.Line) + ":" + f.ID },
	func(f Finding) string { return strconv.Itoa(f.Line) + ":" + module.ReplaceAllString(f.ID, "module") },
	func(f Finding) string { return f.ID },
}

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
