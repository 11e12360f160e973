// Package input reads files that strangers wrote: plans and configuration.
//
// It bounds what it reads and says where a mistake is, file, line and column,
// and what to do about it. All mistakes of a file are reported at once, so that
// its author needs one look and not ten.
package input

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 1 << 20

// maxErrors bounds how many mistakes of one file are reported.
const maxErrors = 20

// An Error is a mistake in a file. It says where and what to do about it.
type Error struct {
	File    string // path of the file, "" when the text has none (an issue)
	Line    int    // from 1; 0 if it concerns the whole file
	Column  int    // from 1, in bytes; 0 if unknown
	Message string // what is wrong and the remedy, one line
}

// Error returns "FILE:LINE:COL: message", without the parts that are unknown.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	for _, n := range []int{e.Line, e.Column} {
		if n == 0 {
			break
		}
		if b.Len() > 0 {
			b.WriteByte(':')
		} else if n == e.Line {
			b.WriteString("line ")
		}
		fmt.Fprint(&b, n)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	return b.String()
}

// Errors collects the mistakes found in one file. The zero value with a File is
// ready for use.
type Errors struct {
	File string
	list []*Error
}

// Add records a mistake at line and column. The message is made one line.
func (e *Errors) Add(line, column int, format string, args ...any) {
	message := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	mistake := &Error{e.File, line, column, message}
	if len(e.list) <= maxErrors && !slices.ContainsFunc(e.list, func(o *Error) bool { return *o == *mistake }) {
		e.list = append(e.list, mistake)
	}
}

// Empty reports whether no mistake was recorded.
func (e *Errors) Empty() bool { return len(e.list) == 0 }

// Err returns the mistakes in the order of their places, one a line: nil if
// there are none, else an error of which errors.As finds the first *Error.
func (e *Errors) Err() error {
	sorted := slices.SortedStableFunc(slices.Values(e.list), func(a, b *Error) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	var all []error
	for i, mistake := range sorted {
		if i == maxErrors {
			all = append(all, errors.New("more mistakes follow"))
			break
		}
		all = append(all, mistake)
	}
	return errors.Join(all...)
}

// Suggest returns "; did you mean X?" for the known word that is closest to
// word, or the list of all known words if none is close.
func Suggest(word string, known []string) string {
	best, least := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return "; known are " + strings.Join(known, ", ")
}

// distance counts the edits (insert, remove, replace, swap neighbours) that
// lead from a to b. Words longer than any key are not looked at.
func distance(a, b string) int {
	const far = 64
	if len(a) > far || len(b) > far {
		return far
	}
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// Quote returns s in double quotes, escaped and cut to a length that fits a
// message.
func Quote(s string) string {
	const longest = 100
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "..."
	}
	return fmt.Sprintf("%q", s)
}
