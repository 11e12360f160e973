package github

import (
	"strings"
	"unicode/utf8"
)

// Clip returns Markdown s if it has at most max characters, else its first lines
// and a last one that says that there was more. What the lines opened is closed: a
// block of code, and what is folded away.
func Clip(s string, max int) string {
	const more = "\n\n_Cut here: the text is longer than GitHub allows._\n"
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	room := max - utf8.RuneCountInString(more)
	var o opened
	kept, closing, at := 0, "", 0
	for line := range strings.Lines(s) {
		o.line(line)
		at += len(line)
		if room -= utf8.RuneCountInString(line); room+1 < utf8.RuneCountInString(o.closing()) { // the line break goes
			break
		}
		kept, closing = at, o.closing()
	}
	return strings.TrimSuffix(s[:kept], "\n") + closing + more
}

// opened is what of the lines of a Markdown text has begun and not ended.
type opened struct {
	fence   string // around a block of code, "" outside of one
	details int
}

// line takes the next line.
func (o *opened) line(line string) {
	line = strings.TrimSpace(line)
	if run := fenceOf(line); run != "" {
		switch {
		case o.fence == "":
			o.fence = run
		case strings.HasPrefix(run, o.fence) && run == line:
			o.fence = ""
		}
		return
	}
	switch {
	case o.fence != "":
	case strings.HasPrefix(line, "<details") && !strings.HasSuffix(line, "</details>"):
		o.details++
	case strings.HasPrefix(line, "</details>"):
		o.details = max(0, o.details-1)
	}
}

// fenceOf returns the backquotes or tildes that begin a line and fence a block of
// code, "" if there are none.
func fenceOf(line string) string {
	for _, mark := range []string{"`", "~"} {
		rest := strings.TrimLeft(line, mark)
		if run := line[:len(line)-len(rest)]; len(run) >= 3 && !(mark == "`" && strings.Contains(rest, mark)) {
			return run
		}
	}
	return ""
}

// closing returns the lines that end what has begun.
func (o *opened) closing() string {
	s := ""
	if o.fence != "" {
		s = "\n" + o.fence
	}
	return s + strings.Repeat("\n\n</details>", o.details)
}
