package python

// simpleStatement reads a statement that has no block.
func (p *parser) simpleStatement() {
	mark, start := len(p.stack), p.start
	switch p.tok {
	case keywordImport:
		p.importStatement()
	case keywordFrom:
		p.fromStatement()
	case keywordPass, keywordBreak, keywordContinue:
		p.leaf(kindPass, fieldNone)
	case keywordReturn:
		p.next()
		if !p.atEnd() {
			p.starExpressions()
		}
		p.close(kindReturn, start, mark)
	case keywordRaise:
		p.next()
		if !p.atEnd() {
			p.expression()
			if p.accept(keywordFrom) {
				p.expression()
			}
		}
		p.close(kindRaise, start, mark)
	case keywordAssert:
		p.next()
		p.expression()
		if p.accept(',') {
			p.expression()
		}
		p.close(kindAssert, start, mark)
	case keywordDel:
		p.next()
		p.starExpressions()
		p.requireTarget(mark)
		p.close(kindDelete, start, mark)
	case keywordGlobal:
		p.names(kindGlobal)
	case keywordNonlocal:
		p.names(kindNonlocal)
	default:
		if !p.word("type") || !p.attempt(p.typeAlias) {
			p.expressionStatement()
		}
	}
}

// atEnd reports whether the statement is over.
func (p *parser) atEnd() bool { return p.tok == tokenNewline || p.tok == ';' }

func (p *parser) names(k kind) {
	mark, start := len(p.stack), p.start
	p.next()
	p.name(fieldNone)
	for p.accept(',') {
		p.name(fieldNone)
	}
	p.close(k, start, mark)
}

func (p *parser) importStatement() {
	mark, start := len(p.stack), p.start
	p.next()
	p.importName(true)
	for p.accept(',') {
		p.importName(true)
	}
	p.close(kindImport, start, mark)
}

// importName reads one name of an import statement, with dots or without, and
// the name that it gets.
func (p *parser) importName(dotted bool) {
	mark, start := len(p.stack), p.start
	if dotted {
		p.dotted(fieldName)
	} else {
		p.name(fieldName)
	}
	if p.accept(keywordAs) {
		p.name(fieldAlias)
		p.close(kindAliased, start, mark)
		p.label(fieldName)
	}
}

// dotted reads a.b.c into one node.
func (p *parser) dotted(f field) {
	start := p.start
	p.expect(tokenName)
	for p.accept('.') {
		p.expect(tokenName)
	}
	p.push(kindDotted, f, start, p.last)
}

func (p *parser) fromStatement() {
	mark, start := len(p.stack), p.start
	p.next()
	module := p.start
	for p.tok == '.' || p.tok == tokenEllipsis {
		p.next()
	}
	if p.tok == tokenName {
		p.dotted(fieldModule)
		p.stack[len(p.stack)-1].start = int32(module)
	} else if p.start == module {
		p.wrong()
	} else {
		p.push(kindDotted, fieldModule, module, p.last)
	}
	p.expect(keywordImport)
	switch {
	case p.tok == '*':
		p.leaf(kindStarName, fieldNone)
	case p.accept('('):
		p.importName(false)
		for p.accept(',') && p.tok != ')' {
			p.importName(false)
		}
		p.expect(')')
	default:
		p.importName(false)
		for p.accept(',') {
			p.importName(false)
		}
	}
	k := kindFromImport
	if !p.failed && string(p.src[p.stack[mark].start:p.stack[mark].end]) == "__future__" {
		k = kindFuture
	}
	p.close(k, start, mark)
}

// typeAlias reads "type X = ..." (PEP 695), if it is that.
func (p *parser) typeAlias() bool {
	mark, start := len(p.stack), p.start
	p.next()
	if p.tok != tokenName {
		return false
	}
	p.name(fieldName)
	p.typeParameters()
	if !p.accept('=') {
		return false
	}
	p.expression()
	p.label(fieldValue)
	p.close(kindTypeAlias, start, mark)
	return true
}

func (p *parser) expressionStatement() {
	mark, start := len(p.stack), p.start
	p.value()
	switch p.tok {
	case '=':
		p.assignment(mark, start)
	case ':':
		p.requireTarget(mark)
		if k := p.top(); k == kindTuple || k == kindList {
			p.fail(start)
		}
		p.label(fieldLeft)
		p.next()
		p.expression()
		p.label(fieldType)
		if p.accept('=') {
			p.value()
			p.label(fieldRight)
		}
		p.close(kindAssignment, start, mark)
	case tokenAugmented:
		p.requireTarget(mark)
		p.label(fieldLeft)
		p.leaf(kindOperator, fieldNone)
		p.value()
		p.label(fieldRight)
		p.close(kindAugmented, start, mark)
	}
	p.close(kindExpression, start, mark)
}

// value reads what can stand on either side of an assignment.
func (p *parser) value() {
	if p.tok == keywordYield {
		p.yield()
	} else {
		p.starExpressions()
	}
}

// assignment reads from the "=" behind the first target on. In a = b = c, the
// right side of a's assignment is that of b.
func (p *parser) assignment(mark, start int) {
	starts := []int{start}
	for p.tok == '=' && !p.failed {
		p.requireTarget(len(p.stack) - 1)
		p.label(fieldLeft)
		p.next()
		starts = append(starts, p.start)
		p.value()
	}
	p.label(fieldRight)
	for i := len(starts) - 2; i >= 0 && !p.failed; i-- {
		p.close(kindAssignment, starts[i], mark+i)
		p.label(fieldRight)
	}
}

// requireTarget fails unless what is on the stack at the given place can be
// assigned to or deleted.
func (p *parser) requireTarget(at int) {
	if !p.failed && !p.isTarget(&p.stack[at]) {
		p.fail(int(p.stack[at].start))
	}
}

func (p *parser) isTarget(n *node) bool {
	switch n.kind {
	case kindIdentifier, kindAttribute, kindSubscript:
		return true
	case kindTuple, kindList, kindParenthesized, kindStar:
		for i := range n.count {
			if !p.isTarget(&p.nodes[n.first+i]) {
				return false
			}
		}
		return true
	}
	return false
}

// matchSubject reads the head of a match statement, if it is one (PEP 634).
func (p *parser) matchSubject() bool {
	start := p.start
	p.push(kindNone, fieldNone, start, start) // where the statement begins
	p.next()
	switch p.tok {
	case '=', '.', ',', ')', ':', tokenNewline, tokenAugmented:
		return false
	}
	p.tuple(p.namedExpression)
	return p.accept(':') && p.tok == tokenNewline
}

// matchCases reads the rest of a match statement, whose head is on the stack.
func (p *parser) matchCases() {
	mark := len(p.stack) - 2
	start := int(p.stack[mark].start)
	p.stack[mark] = p.stack[mark+1]
	p.stack = p.stack[:mark+1]
	p.next()
	p.expect(tokenIndent)
	for p.word("case") {
		inner, at := len(p.stack), p.start
		p.next()
		p.patterns()
		if p.accept(keywordIf) {
			p.namedExpression()
		}
		p.suite()
		p.close(kindCase, at, inner)
	}
	if p.tok != tokenEOF {
		p.expect(tokenDedent)
	}
	p.close(kindMatch, start, mark)
}

// patterns reads a pattern, or several with commas between.
func (p *parser) patterns() {
	mark, start := len(p.stack), p.start
	p.pattern()
	for p.accept(',') && p.tok != ':' && p.tok != keywordIf {
		p.pattern()
	}
	p.close(kindPattern, start, mark)
}

func (p *parser) pattern() {
	p.enter()
	defer p.leave()
	mark, start := len(p.stack), p.start
	if p.tok == '*' {
		p.leaf(kindOperator, fieldNone)
		p.capture()
		p.close(kindPattern, start, mark)
		return
	}
	p.closedPattern()
	for p.tok == '|' {
		p.leaf(kindOperator, fieldNone)
		p.closedPattern()
	}
	if p.accept(keywordAs) {
		p.capture()
	}
	p.close(kindPattern, start, mark)
}

func (p *parser) capture() {
	if p.tok != tokenName {
		p.wrong()
		return
	}
	p.leaf(kindCapture, fieldNone)
}

func (p *parser) closedPattern() {
	switch p.tok {
	case tokenName:
		p.namePattern()
	case '(':
		p.patternsUpTo(')', p.pattern)
	case '[':
		p.patternsUpTo(']', p.pattern)
	case '{':
		p.patternsUpTo('}', p.mappingPattern)
	case '-', tokenNumber, tokenString, tokenFormat, keywordNone, keywordTrue, keywordFalse:
		p.operators(precedenceSum)
	default:
		p.wrong()
	}
}

// patternsUpTo reads patterns in brackets.
func (p *parser) patternsUpTo(end token, pattern func()) {
	mark, start := len(p.stack), p.start
	p.leaf(kindOperator, fieldNone) // tells the brackets apart
	for p.tok != end && !p.failed {
		pattern()
		if p.tok != end {
			p.expect(',')
		}
	}
	p.expect(end)
	p.close(kindPattern, start, mark)
}

func (p *parser) mappingPattern() {
	if p.tok == tokenPower {
		p.leaf(kindOperator, fieldNone)
		p.capture()
		return
	}
	p.operators(precedenceSum)
	p.expect(':')
	p.pattern()
}

// namePattern reads a capture, a dotted value or a class with its patterns.
func (p *parser) namePattern() {
	mark, start := len(p.stack), p.start
	p.name(fieldNone)
	for p.tok == '.' {
		p.attribute(mark, start)
	}
	switch {
	case p.failed:
	case p.tok == '(':
		p.patternsUpTo(')', p.argumentPattern)
		p.close(kindPattern, start, mark)
	case p.top() == kindIdentifier:
		p.stack[mark].kind = kindCapture
	}
}

func (p *parser) argumentPattern() {
	keyword := p.attempt(func() bool {
		p.name(fieldNone)
		return p.accept('=')
	})
	if keyword {
		p.stack[len(p.stack)-1].kind = kindDotted // a name of the class, not of this file
	}
	p.pattern()
}
