package python

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// maxBrackets is how deep brackets may be nested. CPython has the same limit
// (MAXLEVEL in its tokenizer).
const maxBrackets = 200

// A lexer cuts Python source into tokens; see "Lexical analysis" in the Python
// language reference. It holds the token that comes next.
type lexer struct {
	src        []byte
	pos        int // where the text after the token begins
	tok        token
	start, end int // of the token
	last       int // end of the last token that is not layout

	lineStart bool     // the next token is the first of its line
	dedents   int      // how many are still to be handed out
	indents   []indent // of the blocks around

	brackets [maxBrackets]bracket // the open ones
	open     int
	replaced int // in an f-string: how many brackets are open around the expression; 0 outside
	comments []Span
	failed   bool
	failedAt int
}

type bracket struct {
	pos  int32
	char byte
}

func (l *lexer) reset(src []byte) {
	*l = lexer{src: src, indents: append(l.indents[:0], indent{}), lineStart: true}
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		l.pos = 3
	}
}

// fail notes a syntax error at a byte offset. From there on all tokens are
// errors, so that every loop of the parser ends.
func (l *lexer) fail(at int) {
	if l.failed {
		return
	}
	l.failed, l.failedAt, l.tok = true, at, tokenError
	if l.open > 0 {
		// As CPython does, blame a bracket on a line above that is not closed.
		if b := int(l.brackets[l.open-1].pos); b < at && bytes.IndexByte(l.src[b:min(at, len(l.src))], '\n') >= 0 {
			l.failedAt = b
		}
	}
}

// next moves to the next token.
func (l *lexer) next() {
	if l.failed {
		return
	}
	if l.tok > tokenDedent {
		l.last = l.end
	}
	if l.dedents > 0 {
		l.dedents--
		l.tok = tokenDedent
		return
	}
	if l.lineStart && l.open == 0 {
		l.lineStart = false
		if l.indentation() {
			return
		}
	}
	l.space()
	if l.failed {
		return
	}
	l.start = l.pos
	if l.pos >= len(l.src) {
		l.endOfFile()
		return
	}
	l.scan()
}

// endOfFile hands out what is missing at the end: the end of the line, the ends
// of the blocks.
func (l *lexer) endOfFile() {
	l.end = l.pos
	switch {
	case l.open > 0:
		l.fail(int(l.brackets[l.open-1].pos))
	case l.tok > tokenDedent:
		l.tok, l.lineStart = tokenNewline, true
	case len(l.indents) > 1:
		l.dedents = len(l.indents) - 2
		l.indents = l.indents[:1]
		l.tok = tokenDedent
	default:
		l.tok = tokenEOF
	}
}

// An indent is how far a line is indented, with tabs as wide as eight characters
// and as wide as one: only where both agree is it clear (CPython: TabError).
type indent struct{ wide, narrow int }

// indentation reads the white space at the beginning of a line, and the empty
// lines before it. It reports whether that is a token.
func (l *lexer) indentation() bool {
	var column, continued indent
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case ' ':
			column = indent{column.wide + 1, column.narrow + 1}
		case '\t':
			column = indent{column.wide/8*8 + 8, column.narrow + 1}
		case '\f', '\n', '\r':
			column = indent{}
		case '#':
			l.comment()
			continue
		case '\\':
			if continued.wide == 0 {
				continued = column
			}
			if l.continuation(); l.failed {
				return true
			}
			continue
		default:
			if continued.wide > 0 {
				column = continued
			}
			return l.indentTo(column)
		}
		l.pos++
	}
	return false // the end of the file
}

func (l *lexer) indentTo(column indent) bool {
	around := l.indents[len(l.indents)-1]
	if column == around {
		return false
	}
	l.start, l.end = l.pos, l.pos
	if column.wide > around.wide && column.narrow > around.narrow {
		l.indents = append(l.indents, column)
		l.tok = tokenIndent
		return true
	}
	for l.indents[len(l.indents)-1].wide > column.wide {
		l.indents = l.indents[:len(l.indents)-1]
		l.dedents++
	}
	if l.indents[len(l.indents)-1] != column || l.dedents == 0 {
		l.dedents = 0
		l.fail(l.pos)
		return true
	}
	l.dedents--
	l.tok = tokenDedent
	return true
}

func (l *lexer) comment() {
	end := len(l.src)
	if i := bytes.IndexAny(l.src[l.pos:], "\n\r"); i >= 0 {
		end = l.pos + i
	}
	l.comments = append(l.comments, Span{l.pos, end})
	l.pos = end
}

// space skips white space, comments and continued lines.
func (l *lexer) space() {
	for l.pos < len(l.src) {
		switch l.src[l.pos] {
		case ' ', '\t', '\f':
			l.pos++
		case '\n', '\r':
			if l.open == 0 {
				return
			}
			l.pos++
		case '#':
			l.comment()
		case '\\':
			if l.continuation(); l.failed {
				return
			}
		default:
			return
		}
	}
}

// continuation moves behind a backslash and the end of its line.
func (l *lexer) continuation() {
	switch rest := l.src[l.pos+1:]; {
	case len(rest) > 2 && rest[0] == '\r' && rest[1] == '\n':
		l.pos += 3
	case len(rest) > 1 && (rest[0] == '\n' || rest[0] == '\r'):
		l.pos += 2
	default:
		l.fail(l.pos)
	}
}

// scan reads the token at pos, which is not white space.
func (l *lexer) scan() {
	c := l.src[l.pos]
	switch {
	case IsNameByte(c) && !isDigit(c):
		l.identifier()
	case isDigit(c), c == '.' && isDigit(l.at(1)):
		l.number()
	case c == '"' || c == '\'':
		l.quoted(l.pos)
	case c == '\n':
		l.take(tokenNewline, 1)
		l.lineStart = true
	case c == '\r':
		n := 1
		if l.at(1) == '\n' {
			n = 2
		}
		l.take(tokenNewline, n)
		l.lineStart = true
	default:
		l.punctuation(c)
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// at returns the byte i behind pos, 0 behind the end.
func (l *lexer) at(i int) byte {
	if l.pos+i < len(l.src) {
		return l.src[l.pos+i]
	}
	return 0
}

func (l *lexer) take(t token, n int) {
	l.tok = t
	l.pos += n
	l.end = l.pos
}

func (l *lexer) identifier() {
	i := l.pos + 1
	ascii := l.src[l.pos] < utf8.RuneSelf
	for ; i < len(l.src) && IsNameByte(l.src[i]); i++ {
		ascii = ascii && l.src[i] < utf8.RuneSelf
	}
	if i < len(l.src) && (l.src[i] == '"' || l.src[i] == '\'') && i-l.pos <= 2 && isPrefix(l.src[l.pos:i]) {
		l.quoted(i)
		return
	}
	word := l.src[l.pos:i]
	if !ascii && !isWord(word) {
		l.fail(l.pos)
		return
	}
	l.take(tokenName, len(word))
	if k, ok := keyword(word); ok {
		l.tok = k
	}
}

// isWord reports whether the bytes of an identifier are letters and digits. In a
// file that is not UTF-8, bytes beyond ASCII may be any.
func isWord(word []byte) bool {
	return !utf8.Valid(word) || bytes.IndexFunc(word, func(r rune) bool {
		return r != '_' && !unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.Pc, unicode.Other_ID_Start, unicode.Other_ID_Continue)
	}) < 0
}

// isPrefix reports whether s can stand before the quotes of a string.
func isPrefix(s []byte) bool {
	if len(s) == 1 {
		return bytes.IndexByte([]byte("rbuftRBUFT"), s[0]) >= 0
	}
	a, b := s[0]|0x20, s[1]|0x20
	return a == 'r' && (b == 'b' || b == 'f' || b == 't') || b == 'r' && (a == 'b' || a == 'f' || a == 't')
}

// number reads a number; see "Numeric literals" in the Python language reference.
func (l *lexer) number() {
	i := l.pos
	digits := func(ok func(byte) bool) {
		for i < len(l.src) && (ok(l.src[i]) || l.src[i] == '_' && i+1 < len(l.src) && ok(l.src[i+1])) {
			i++
		}
	}
	is := func(c byte) bool { return i < len(l.src) && l.src[i]|0x20 == c }
	if next := l.at(1) | 0x20; l.src[i] == '0' && (next == 'x' || next == 'o' || next == 'b') {
		i += 2
		digits(isHex)
		if i == l.pos+2 {
			l.fail(l.pos)
			return
		}
		l.take(tokenNumber, i-l.pos)
		return
	}
	digits(isDigit)
	octal := l.src[l.pos] == '0' && len(bytes.Trim(l.src[l.pos:i], "0_")) > 0
	if i < len(l.src) && l.src[i] == '.' {
		i++
		digits(isDigit)
		octal = false
	}
	if from := i; is('e') {
		i++
		if i < len(l.src) && (l.src[i] == '+' || l.src[i] == '-') {
			i++
		}
		if i < len(l.src) && isDigit(l.src[i]) {
			digits(isDigit)
			octal = false
		} else {
			i = from
		}
	}
	if is('j') {
		i++
		octal = false
	}
	if octal { // 0777 was octal in Python 2 and is nothing now
		l.fail(l.pos)
		return
	}
	l.take(tokenNumber, i-l.pos)
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// quoted reads a string literal whose opening quote is at offset quote.
func (l *lexer) quoted(quote int) {
	width := quoteWidth(string(l.src[quote:min(quote+3, len(l.src))]))
	for _, c := range l.src[l.pos:quote] {
		if c |= 0x20; c == 'f' || c == 't' {
			l.take(tokenFormat, quote+width-l.pos)
			return
		}
	}
	for i := quote + width; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '\\':
			i++
			if i+1 < len(l.src) && l.src[i] == '\r' && l.src[i+1] == '\n' {
				i++
			}
		case width == 1 && (c == '\n' || c == '\r'):
			l.fail(l.pos)
			return
		case c == l.src[quote] && closes(l.src[i:], c, width):
			l.take(tokenString, i+width-l.pos)
			return
		}
	}
	l.fail(l.pos)
}

// quoteWidth returns how many quotes a string opens with that text begins with.
func quoteWidth(text string) int {
	if len(text) > 2 && text[1] == text[0] && text[2] == text[0] {
		return 3
	}
	return 1
}

func closes(src []byte, quote byte, width int) bool {
	return width == 1 || len(src) > 2 && src[1] == quote && src[2] == quote
}

func (l *lexer) punctuation(c byte) {
	next := l.at(1)
	switch c {
	case '(', '[', '{':
		if l.open == maxBrackets {
			l.fail(l.pos)
			return
		}
		l.brackets[l.open] = bracket{int32(l.pos), c}
		l.open++
		l.take(token(c), 1)
	case ')', ']', '}':
		if l.open == 0 || !pair(l.brackets[l.open-1].char, c) {
			l.fail(l.pos)
			return
		}
		l.open--
		l.take(token(c), 1)
	case ',', ';', '~':
		l.take(token(c), 1)
	case ':':
		if next == '=' && (l.replaced == 0 || l.open > l.replaced) {
			l.take(tokenWalrus, 2)
		} else {
			l.take(':', 1)
		}
	case '.':
		if next == '.' && l.at(2) == '.' {
			l.take(tokenEllipsis, 3)
		} else {
			l.take('.', 1)
		}
	case '!':
		switch {
		case next == '=':
			l.take(tokenCompare, 2)
		case l.replaced > 0:
			l.take('!', 1)
		default:
			l.fail(l.pos)
		}
	case '=':
		if next == '=' {
			l.take(tokenCompare, 2)
		} else {
			l.take('=', 1)
		}
	case '<', '>', '*', '/':
		l.doubled(c, next)
	case '+', '-', '%', '&', '|', '^', '@':
		switch {
		case next == '=':
			l.take(tokenAugmented, 2)
		case c == '-' && next == '>':
			l.take(tokenArrow, 2)
		default:
			l.take(token(c), 1)
		}
	default:
		l.fail(l.pos)
	}
}

// doubled reads an operator of a character that may stand twice.
func (l *lexer) doubled(c, next byte) {
	twice := tokenShift
	switch c {
	case '*':
		twice = tokenPower
	case '/':
		twice = tokenFloor
	}
	switch {
	case next == c && l.at(2) == '=':
		l.take(tokenAugmented, 3)
	case next == c:
		l.take(twice, 2)
	case next == '=' && (c == '<' || c == '>'):
		l.take(tokenCompare, 2)
	case next == '=':
		l.take(tokenAugmented, 2)
	default:
		l.take(token(c), 1)
	}
}

func pair(open, shut byte) bool {
	return open == '(' && shut == ')' || open == '[' && shut == ']' || open == '{' && shut == '}'
}
