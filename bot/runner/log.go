package runner

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine bounds a line of the log, in bytes. A longer one loses its end.
const maxLine = 16 << 10

// A log takes what a command writes and keeps what may be shown of it: lines of
// printable UTF-8, secrets masked, and of too many lines the first and the last.
// Each line is cleaned before it is masked: a control code within a secret must
// not hide it.
type log struct {
	mask   *strings.Replacer
	longer int       // how much of a line must be seen so that no secret is cut in two
	to     io.Writer // gets every line, also those that are not kept; nil after an error

	state state
	part  []byte // of a rune that is not complete
	line  []byte // the current line, cleaned

	kept strings.Builder
	head int      // how much more fits into the first half
	tail [][]byte // the last lines, in at most half the bytes
	half int
	size int // of tail
	lost int // lines cut out of the middle
	cut  bool
}

// A state says in which sequence of control codes a log is.
type state int

const (
	text    state = iota
	escape        // after ESC
	control       // CSI: up to a letter
	command       // OSC and its like: up to BEL, ESC or the end of the line
	ret           // after a carriage return
)

// newLog returns a log that keeps at most size bytes, and writes all lines to to.
func newLog(size Size, secrets []string, to io.Writer) *log {
	l := &log{to: to, half: int(size / 2), head: int(size / 2)}
	var parts []string
	for _, s := range secrets {
		for part := range strings.Lines(s) {
			// A mask for "a" would tell more than it hides.
			if part = strings.TrimSpace(part); len(part) >= 4 && !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, part := range parts {
		pairs = append(pairs, part, "***")
		l.longer = max(l.longer, len(part))
	}
	l.mask = strings.NewReplacer(pairs...)
	return l
}

// Write takes what the command wrote. It never fails.
func (l *log) Write(data []byte) (int, error) {
	n := len(data)
	if len(l.part) > 0 {
		data = append(l.part, data...)
		l.part = nil
	}
	for len(data) > 0 {
		if plain := plain(data); l.state == text && plain > 0 {
			l.line = append(l.line, data[:min(plain, l.room())]...)
			data = data[plain:]
			continue
		}
		if !utf8.FullRune(data) {
			l.part = slices.Clone(data)
			break
		}
		r, size := utf8.DecodeRune(data)
		data = data[size:]
		l.rune(r)
	}
	return n, nil
}

// plain returns how many bytes at the beginning of data are printable ASCII.
func plain(data []byte) int {
	n := bytes.IndexFunc(data, func(r rune) bool { return r < ' ' || r > '~' })
	if n < 0 {
		return len(data)
	}
	return n
}

// rune takes the next rune.
func (l *log) rune(r rune) {
	switch {
	case r == '\n':
		l.state = text
		l.endLine()
		return
	case r == '\x1b':
		l.state = escape
		return
	}
	switch l.state {
	case escape:
		switch r {
		case '[':
			l.state = control
		case ']', 'P', 'X', '^', '_':
			l.state = command
		default:
			// The second of two, or what stands between them.
			if r < ' ' || r >= '0' {
				l.state = text
			}
		}
		return
	case control:
		if r >= '@' || r < ' ' {
			l.state = text
		}
		return
	case command:
		if r == '\a' {
			l.state = text
		}
		return
	case ret:
		// What would be written over what stands there is a line of its own.
		l.endLine()
		l.state = text
	}
	switch {
	case r == '\r':
		l.state = ret
	case r == '\t':
		l.add(r)
	case unicode.Is(unicode.Cc, r):
	case hidden(r):
		l.add(utf8.RuneError)
	default:
		l.add(r)
	}
}

// hidden reports whether r changes how the text around it looks: it turns its
// direction, breaks the line, or is not seen.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// add adds a rune to the line, while it fits.
func (l *log) add(r rune) {
	if l.room() > 0 {
		l.line = utf8.AppendRune(l.line, r)
	}
}

// room returns how many more bytes of the line are of interest: those that are
// kept, those of a secret that begins there, and one that says that it is too long.
func (l *log) room() int { return max(0, maxLine+l.longer+1-len(l.line)) }

// endLine ends the line.
func (l *log) endLine() {
	line := []byte(l.mask.Replace(string(l.line)))
	l.line = l.line[:0]
	if len(line) > maxLine {
		line = append(bytes.ToValidUTF8(line[:maxLine], nil), " [the rest of the line is cut]"...)
		l.cut = true
	}
	line = append(line, '\n')
	if l.to != nil {
		if _, err := l.to.Write(line); err != nil {
			l.to = nil
		}
	}
	if len(line) <= l.head && l.size == 0 && l.lost == 0 {
		l.head -= len(line)
		l.kept.Write(line)
		return
	}
	l.tail = append(l.tail, line)
	l.size += len(line)
	for l.size > l.half {
		l.size -= len(l.tail[0])
		l.tail = l.tail[1:]
		l.lost++
	}
}

// close ends the log and returns it.
func (l *log) close() string {
	if len(l.part) > 0 {
		l.add(utf8.RuneError)
	}
	if len(l.line) > 0 {
		l.endLine()
	}
	if l.lost > 0 {
		l.cut = true
		fmt.Fprintf(&l.kept, "[%d lines are cut out here]\n", l.lost)
	}
	for _, line := range l.tail {
		l.kept.Write(line)
	}
	return l.kept.String()
}
