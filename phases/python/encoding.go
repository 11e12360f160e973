package python

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// cookie declares the encoding of a file (PEP 263).
var cookie = regexp.MustCompile(`^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)`)

// undecodable returns the first line that keeps Python from reading src: a null
// byte, bytes outside comments that are not UTF-8 where no cookie says
// otherwise, a cookie that contradicts a byte order mark. It is 0 if there is
// none. Which encodings there are beside UTF-8 only Python knows.
func undecodable(src []byte, comments []Span) int {
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return lineOf(src, i)
	}
	text, marked := bytes.CutPrefix(src, []byte("\ufeff"))
	encoding, line := declared(text)
	switch {
	case encoding != "" && marked:
		return line
	case encoding != "" || utf8.Valid(text):
		return 0
	}
	at := 0
	for _, c := range append(comments[:len(comments):len(comments)], Span{len(src), len(src)}) {
		if i := invalid(src[at:max(at, c.Start)]); i >= 0 {
			return lineOf(src, at+i)
		}
		at = max(at, c.End)
	}
	return 0
}

// invalid returns where the first bytes are that are not UTF-8, -1 if all are.
func invalid(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// declared returns the encoding that a cookie in the first two lines declares,
// "" for UTF-8, and its line.
func declared(text []byte) (encoding string, line int) {
	for line := 1; line <= 2; line++ {
		first, rest, _ := bytes.Cut(text, []byte("\n"))
		if m := cookie.FindSubmatch(first); m != nil {
			name := strings.ReplaceAll(strings.ToLower(string(m[1])), "_", "-")
			if name == "utf-8" || name == "utf8" || strings.HasPrefix(name, "utf-8-") {
				name = ""
			}
			return name, line
		}
		if first = bytes.TrimSpace(first); len(first) > 0 && first[0] != '#' {
			break
		}
		text = rest
	}
	return "", 0
}

func lineOf(src []byte, at int) int { return 1 + bytes.Count(src[:at], []byte("\n")) }
