// Package markdown writes what people wrote into Markdown.
//
// Titles, paths, messages and answers come from issues, comments and
// repositories, and go into comments, pull requests and check runs under
// restage's name. Whatever does so goes through this package, so that it shows
// as what it is: no markup, no HTML, no link or autolink, no mention, no
// reference that closes an issue.
//
// What comes back may stand anywhere on a line: as a paragraph, in a list item
// or in a cell of a table.
package markdown

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longest bounds a line, in characters. A path, with words around it, fits.
const longest = 2000

// terminal matches what tells a terminal to do something (ECMA-48), as far as it
// goes: colors, titles, movements.
var terminal = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}])[^\x07\x1b\x{9c}\n]*(?:\x07|\x1b\\|\x{9c})?|\x1b[ -/]*[0-~]`)

// Plain returns s, any number of lines, without what a reader does not see: codes
// for terminals, control characters but for tabs, and characters that turn text
// around. It is not escaped. Every line break is a "\n".
func Plain(s string) string {
	s = terminal.ReplaceAllString(strings.ToValidUTF8(s, "\ufffd"), "")
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s)
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
}

// OneLine returns s as Plain does, and as one line: white space is single spaces,
// as is what is no UTF-8, and what is longer than 2000 characters is cut.
func OneLine(s string) string {
	s = strings.ReplaceAll(Plain(s), "\ufffd", " ")
	return Shorten(strings.Join(strings.Fields(s), " "), longest)
}

// Shorten returns s cut to at most max characters, of which there is at least
// one. A cut ends in "…".
func Shorten(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	return string([]rune(s)[:max-1]) + "…"
}

// Text returns s, a message in one line, as Markdown. What stands between
// backquotes becomes code.
func Text(s string) string {
	s = OneLine(s)
	parts := strings.Split(s, "`")
	if len(parts)%2 == 0 { // a backquote without its other half
		return Escape(s)
	}
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 0 {
			b.WriteString(escape(part))
		} else {
			b.WriteString(cmp.Or(Code(part), escape("`"+part+"`")))
		}
	}
	return notBlock(b.String())
}

// Escape returns s in one line, as Markdown that shows it character by
// character.
func Escape(s string) string { return notBlock(escape(OneLine(s))) }

// Code returns s in one line, as a code span; "" stays "". A pipe is escaped as
// in a table, where even code ends at one. Elsewhere its backslash is seen.
func Code(s string) string {
	s = strings.ReplaceAll(OneLine(s), "|", `\|`)
	if s == "" {
		return ""
	}
	f := fence(s, 1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return f + s + f
}

// Block returns s, any number of lines, as a fenced code block. The language is
// one word, and not from people.
func Block(language, s string) string {
	s = Plain(s)
	f := fence(s, 3)
	return f + language + "\n" + strings.TrimRight(s, "\n") + "\n" + f
}

// fence returns more backquotes, at least least, than stand together in s.
func fence(s string, least int) string {
	run := 0
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		run++
		least = max(least, run+1)
	}
	return strings.Repeat("`", least)
}

// live matches what GitHub looks for in text when the escapes are gone already
// (GitHub Flavored Markdown: Autolinks; GitHub: Autolinked references and URLs).
// A character of no width behind the first one of a match breaks it.
var live = regexp.MustCompile(`(?i)[@#]|://|www\.|gh-\d`)

const noWidth = "\u200b"

// escape returns s, a part of a line, without what means something in a line.
func escape(s string) string {
	s = live.ReplaceAllStringFunc(s, func(m string) string { return m[:1] + noWidth + m[1:] })
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune("\\`*[]|~$", r), r == '_' && !inWord(s, i):
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// inWord reports whether the character of one byte at i stands between two
// letters or digits, where an underscore is no markup.
func inWord(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+1:])
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return word(before) && word(after)
}

// opening matches what at the start of a line makes a list, a rule, the
// underline of a heading or that of a table.
var opening = regexp.MustCompile(`^([0-9]*)([-+=:]|[.)](?: |$))`)

// notBlock returns an escaped line so that it starts nothing but a paragraph.
func notBlock(line string) string { return opening.ReplaceAllString(line, `${1}\${2}`) }
