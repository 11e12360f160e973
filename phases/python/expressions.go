package python

// How tightly operators bind; see "Operator precedence" in the Python language
// reference.
const (
	precedenceOr = iota + 1
	precedenceAnd
	precedenceNot
	precedenceCompare
	precedenceBitOr
	precedenceBitXor
	precedenceBitAnd
	precedenceShift
	precedenceSum
	precedenceProduct
)

var precedences = [256]uint8{
	keywordOr: precedenceOr, keywordAnd: precedenceAnd,
	tokenCompare: precedenceCompare, '<': precedenceCompare, '>': precedenceCompare,
	keywordIn: precedenceCompare, keywordNot: precedenceCompare, keywordIs: precedenceCompare,
	'|': precedenceBitOr, '^': precedenceBitXor, '&': precedenceBitAnd, tokenShift: precedenceShift,
	'+': precedenceSum, '-': precedenceSum,
	'*': precedenceProduct, '/': precedenceProduct, tokenFloor: precedenceProduct, '%': precedenceProduct, '@': precedenceProduct,
}

// starExpressions reads one expression, or a tuple without brackets.
func (p *parser) starExpressions() { p.tuple(p.expression) }

// tuple is starExpressions of elements that plain reads.
func (p *parser) tuple(plain func()) {
	mark, start := len(p.stack), p.start
	p.starExpression(plain)
	if p.tok != ',' {
		return
	}
	for p.accept(',') && p.startsExpression() {
		p.starExpression(plain)
	}
	p.close(kindTuple, start, mark)
}

// startsExpression reports whether an expression can begin with the next token.
func (p *parser) startsExpression() bool {
	switch p.tok {
	case tokenName, tokenNumber, tokenString, tokenFormat, tokenEllipsis, '(', '[', '{', '-', '+', '~', '*',
		keywordNot, keywordLambda, keywordAwait, keywordNone, keywordTrue, keywordFalse:
		return true
	}
	return false
}

// starExpression reads what plain does, or *expression.
func (p *parser) starExpression(plain func()) {
	mark, start := len(p.stack), p.start
	if p.accept('*') {
		p.operators(precedenceBitOr)
		p.close(kindStar, start, mark)
		return
	}
	plain()
}

// namedExpression reads an expression, or name := expression (PEP 572).
func (p *parser) namedExpression() {
	mark, start := len(p.stack), p.start
	p.expression()
	if p.tok == tokenWalrus {
		if p.top() != kindIdentifier {
			p.wrong()
			return
		}
		p.label(fieldName)
		p.next()
		p.expression()
		p.label(fieldValue)
		p.close(kindNamed, start, mark)
	}
}

func (p *parser) expression() {
	p.enter()
	defer p.leave()
	mark, start := len(p.stack), p.start
	if p.tok == keywordLambda {
		p.lambda()
		return
	}
	p.operators(precedenceOr)
	if p.tok == keywordIf {
		p.next()
		p.operators(precedenceOr)
		p.expect(keywordElse)
		p.expression()
		p.close(kindConditional, start, mark)
	}
}

func (p *parser) lambda() {
	mark, start := len(p.stack), p.start
	p.next()
	p.parameters(':', false)
	p.expect(':')
	p.expression()
	p.label(fieldBody)
	p.close(kindLambda, start, mark)
}

// operators reads operands with operators between them that bind at least as
// tightly as least.
func (p *parser) operators(least uint8) {
	mark, start := len(p.stack), p.start
	p.unary()
	for {
		level := precedences[p.tok]
		if level == 0 || level < least {
			return
		}
		for precedences[p.tok] == level {
			p.operator()
			p.operators(level + 1)
		}
		p.close(kindBinary, start, mark)
	}
}

// operator reads one operator: "not in" and "is not" are one each.
func (p *parser) operator() {
	start, first := p.start, p.tok
	p.next()
	switch {
	case first == keywordNot:
		p.expect(keywordIn)
	case first == keywordIs && p.tok == keywordNot:
		p.next()
	}
	p.push(kindOperator, fieldNone, start, p.last)
}

func (p *parser) unary() {
	mark, start := len(p.stack), p.start
	switch p.tok {
	case keywordNot:
		p.enter()
		p.leaf(kindOperator, fieldNone)
		p.operators(precedenceCompare)
		p.leave()
		p.close(kindUnary, start, mark)
	case '+', '-', '~':
		p.enter()
		p.leaf(kindOperator, fieldNone)
		p.unary()
		p.leave()
		p.close(kindUnary, start, mark)
	default:
		p.primary()
		if p.tok == tokenPower {
			p.enter()
			p.leaf(kindOperator, fieldNone)
			p.unary()
			p.leave()
			p.close(kindBinary, start, mark)
		}
	}
}

// primary reads an atom with the attributes, calls and subscripts behind it.
func (p *parser) primary() {
	mark, start := len(p.stack), p.start
	if p.accept(keywordAwait) {
		p.enter()
		p.primary()
		p.leave()
		p.close(kindAwait, start, mark)
		return
	}
	p.atom()
	for links := 0; ; links++ {
		if links > maxDepth {
			p.wrong()
		}
		switch p.tok {
		case '.':
			p.attribute(mark, start)
		case '(':
			p.label(fieldFunction)
			p.arguments()
			p.close(kindCall, start, mark)
		case '[':
			p.label(fieldValue)
			p.subscript()
			p.close(kindSubscript, start, mark)
		default:
			return
		}
	}
}

// attribute reads a dot and a name behind the object on top of the stack.
func (p *parser) attribute(mark, start int) {
	p.label(fieldObject)
	p.next()
	p.name(fieldAttribute)
	p.close(kindAttribute, start, mark)
}

func (p *parser) arguments() {
	mark, start := len(p.stack), p.start
	p.next()
	named := false
	for p.tok != ')' && !p.failed {
		at := p.start
		named = named || p.tok == tokenPower
		p.argument()
		if p.top() == kindKeyword {
			named = true
		} else if named && p.top() != kindStar {
			p.fail(at) // a positional argument behind one with a name
		}
		if p.tok != ')' {
			p.expect(',')
		}
	}
	p.expect(')')
	p.close(kindArguments, start, mark)
	p.label(fieldArguments)
}

func (p *parser) argument() {
	mark, start := len(p.stack), p.start
	if p.tok == '*' || p.tok == tokenPower {
		p.leaf(kindOperator, fieldNone)
		p.expression()
		p.close(kindStar, start, mark)
		return
	}
	p.namedExpression()
	switch {
	case p.tok == '=' && p.top() == kindIdentifier:
		p.label(fieldName)
		p.next()
		p.expression()
		p.label(fieldValue)
		p.close(kindKeyword, start, mark)
	case p.tok == keywordFor || p.tok == keywordAsync:
		p.comprehension(kindGenerator, start, mark)
	}
}

func (p *parser) subscript() {
	mark, start := len(p.stack), p.start
	p.next()
	several := false
	for {
		p.slice()
		if !p.accept(',') {
			break
		}
		if several = true; p.tok == ']' {
			break
		}
	}
	p.expect(']')
	if several {
		p.close(kindTuple, start, mark)
	}
}

func (p *parser) slice() {
	mark, start := len(p.stack), p.start
	if p.tok != ':' {
		p.starExpression(p.namedExpression)
		if p.tok != ':' {
			return
		}
	}
	for p.tok == ':' {
		p.leaf(kindOperator, fieldNone)
		if p.tok != ':' && p.tok != ']' && p.tok != ',' {
			p.expression()
		}
	}
	p.close(kindSlice, start, mark)
}

func (p *parser) atom() {
	switch p.tok {
	case tokenName:
		p.leaf(kindIdentifier, fieldNone)
	case tokenNumber:
		p.leaf(kindNumber, fieldNone)
	case tokenString, tokenFormat:
		p.strings()
	case keywordNone, keywordTrue, keywordFalse, tokenEllipsis:
		p.leaf(kindConstant, fieldNone)
	case '(':
		p.parenthesized()
	case '[':
		p.list()
	case '{':
		p.braced()
	default:
		p.wrong()
	}
}

func (p *parser) yield() {
	mark, start := len(p.stack), p.start
	p.next()
	switch {
	case p.tok == keywordFrom:
		p.leaf(kindOperator, fieldNone)
		p.expression()
	case p.startsExpression():
		p.starExpressions()
	}
	p.close(kindYield, start, mark)
}

func (p *parser) parenthesized() {
	mark, start := len(p.stack), p.start
	p.next()
	switch p.tok {
	case ')':
		p.next()
		p.close(kindTuple, start, mark)
		return
	case keywordYield:
		p.yield()
		p.expect(')')
		p.close(kindParenthesized, start, mark)
		return
	}
	p.starExpression(p.namedExpression)
	switch p.tok {
	case keywordFor, keywordAsync:
		p.comprehension(kindGenerator, start, mark)
		p.expect(')')
		p.stretch(mark)
	case ',':
		p.items(')')
		p.close(kindTuple, start, mark)
	default:
		if p.top() == kindStar {
			p.wrong()
		}
		p.expect(')')
		p.close(kindParenthesized, start, mark)
	}
}

// items reads the rest of a bracketed list, from a comma or its end on.
func (p *parser) items(end token) {
	for p.accept(',') && p.tok != end {
		p.starExpression(p.namedExpression)
	}
	p.expect(end)
}

func (p *parser) list() {
	mark, start := len(p.stack), p.start
	p.next()
	if p.tok != ']' {
		p.starExpression(p.namedExpression)
	}
	if p.tok == keywordFor || p.tok == keywordAsync {
		p.comprehension(kindListComprehension, start, mark)
		p.expect(']')
		p.stretch(mark)
		return
	}
	p.items(']')
	p.close(kindList, start, mark)
}

// stretch lets the node at mark end behind the last token.
func (p *parser) stretch(mark int) {
	if !p.failed {
		p.stack[mark].end = int32(p.last)
	}
}

// braced reads a dictionary or a set, or a comprehension of one.
func (p *parser) braced() {
	mark, start := len(p.stack), p.start
	p.next()
	k, comprehension := kindSet, kindSetComprehension
	if p.tok == '}' || p.tok == tokenPower {
		k = kindDict
	}
	for first := true; p.tok != '}' && !p.failed; first = false {
		at := p.start
		if pairs := p.element(); first && pairs {
			k, comprehension = kindDict, kindDictComprehension
		} else if pairs != (k == kindDict) {
			p.fail(at)
		}
		if p.tok == keywordFor || p.tok == keywordAsync {
			p.comprehension(comprehension, start, mark)
			p.expect('}')
			p.stretch(mark)
			return
		}
		if p.tok != '}' {
			p.expect(',')
		}
	}
	p.expect('}')
	p.close(k, start, mark)
}

// element reads an element of a set or dictionary and reports whether it is one
// of a dictionary.
func (p *parser) element() (pair bool) {
	mark, start := len(p.stack), p.start
	if p.tok == tokenPower {
		p.leaf(kindOperator, fieldNone)
		p.operators(precedenceBitOr)
		p.close(kindStar, start, mark)
		return true
	}
	p.starExpression(p.namedExpression)
	if !p.accept(':') {
		return false
	}
	p.expression()
	return true
}

// comprehension reads the clauses behind the element, which is on the stack
// from mark on.
func (p *parser) comprehension(k kind, start, mark int) {
	for p.tok == keywordFor || p.tok == keywordAsync {
		inner, at := len(p.stack), p.start
		if p.tok == keywordAsync {
			p.leaf(kindOperator, fieldNone)
		}
		p.expect(keywordFor)
		p.targets()
		p.expect(keywordIn)
		p.disjunction()
		p.close(kindForIn, at, inner)
		for p.accept(keywordIf) {
			p.disjunction()
		}
	}
	p.close(k, start, mark)
}

// disjunction reads an expression that is not a conditional one.
func (p *parser) disjunction() {
	if p.tok == keywordLambda {
		p.lambda()
		return
	}
	p.operators(precedenceOr)
}

// targets reads what a for loop assigns to.
func (p *parser) targets() {
	mark, start := len(p.stack), p.start
	p.target()
	if p.tok == ',' {
		for p.accept(',') && p.tok != keywordIn {
			p.target()
		}
		p.close(kindTuple, start, mark)
	}
	p.requireTarget(mark)
	p.label(fieldLeft)
}

func (p *parser) target() {
	mark, start := len(p.stack), p.start
	if p.accept('*') {
		p.primary()
		p.close(kindStar, start, mark)
		return
	}
	p.primary()
}
