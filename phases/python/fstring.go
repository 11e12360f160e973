package python

// strings reads one string literal, or several side by side.
func (p *parser) strings() {
	mark, start := len(p.stack), p.start
	count := 0
	for p.tok == tokenString || p.tok == tokenFormat {
		if p.tok == tokenString {
			p.leaf(kindString, fieldNone)
		} else {
			p.formatted()
		}
		count++
	}
	if count > 1 {
		p.close(kindConcatenated, start, mark)
	}
}

// formatted reads an f-string (PEP 701) or a template string (PEP 750), whose
// opening quote is the token.
func (p *parser) formatted() {
	mark, start := len(p.stack), p.start
	p.enter()
	defer p.leave()
	quote := p.end - 1
	width, raw := 1, false
	for i := p.start; p.src[i] != '"' && p.src[i] != '\''; i++ {
		raw = raw || p.src[i]|0x20 == 'r'
		quote = i + 1
	}
	if p.end-quote == 3 {
		width = 3
	}
	p.pieces(p.src[quote], width, raw, false)
	if p.failed {
		return
	}
	p.tok, p.end = tokenString, p.pos
	p.next()
	p.close(kindString, start, mark)
}

// pieces reads the text of an f-string from pos on, with the expressions in it,
// until its closing quotes or, in a format specification, the closing brace.
// Pos is behind that then.
func (p *parser) pieces(quote byte, width int, raw, spec bool) {
	from := p.pos
	piece := func(end int) {
		if end > from {
			p.push(kindPiece, fieldNone, from, end)
		}
	}
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '\\':
			p.escape(raw)
		case c == quote && closes(p.src[p.pos:], quote, width):
			if spec {
				p.fail(p.pos)
				return
			}
			piece(p.pos)
			p.pos += width
			return
		case (c == '\n' || c == '\r') && width == 1:
			p.fail(p.pos)
			return
		case c == '{' && p.at(1) == '{' && !spec:
			p.pos += 2
		case c == '{':
			piece(p.pos)
			p.interpolation(quote, width, raw)
			if p.failed {
				return
			}
			from = p.pos
		case c == '}' && spec:
			piece(p.pos)
			p.pos++
			return
		case c == '}' && p.at(1) == '}':
			p.pos += 2
		case c == '}':
			p.fail(p.pos)
			return
		default:
			p.pos++
		}
	}
	p.fail(p.start)
}

// escape moves behind a backslash and what it escapes; a brace is not escaped
// by it, and a character's name in braces is no expression.
func (p *parser) escape(raw bool) {
	next := p.at(1)
	switch {
	case next == '{' || next == '}':
		p.pos++
	case next == 'N' && p.at(2) == '{' && !raw:
		for p.pos < len(p.src) && p.src[p.pos] != '}' && p.src[p.pos] != '\n' {
			p.pos++
		}
		p.pos++
	case next == '\r' && p.at(2) == '\n':
		p.pos += 3
	default:
		p.pos += 2
	}
	p.pos = min(p.pos, len(p.src))
}

// interpolation reads from an opening brace to behind the closing one.
func (p *parser) interpolation(quote byte, width int, raw bool) {
	mark, start, around := len(p.stack), p.pos, p.replaced
	p.punctuation('{')
	p.replaced = p.open
	p.next()
	p.value()
	if p.tok == '=' {
		p.leaf(kindOperator, fieldNone)
	}
	if p.tok == '!' {
		p.next()
		if p.tok != tokenName {
			p.wrong()
		} else {
			p.leaf(kindOperator, fieldNone)
		}
	}
	switch {
	case p.failed:
		return
	case p.tok == ':':
		p.open--
		p.pieces(quote, width, raw, true)
	case p.tok != '}':
		p.wrong()
	}
	p.replaced = around
	if p.failed {
		return
	}
	p.last = p.pos
	p.close(kindInterpolation, start, mark)
}
