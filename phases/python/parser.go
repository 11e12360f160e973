package python

import "bytes"

// A parser reads a file from front to back, as "Full Grammar specification" in
// the Python language reference has it, for 3.14 and all versions before. What
// it has read is on a stack: a piece of syntax that is complete takes its parts
// from there.
//
// A statement that is wrong is left out, and reading goes on behind it, so that
// something is known of a broken file too.
type parser struct {
	lexer
	nodes     []node
	stack     []node
	depth     int // how deep statements and expressions are nested
	errors    int
	errorLine int // of the first
}

// maxDepth is how deep syntax may be nested. CPython gives up about as early.
const maxDepth = 1000

// maxErrors is how many statements of a file may be wrong before the rest is
// not looked at.
const maxErrors = 100

// maxSource is the size in bytes above which a file is not parsed.
const maxSource = 1 << 30

// parse reads a file. The tree is good until the next call.
func (p *parser) parse(src []byte) *syntaxTree {
	p.nodes, p.stack = p.nodes[:0], p.stack[:0]
	p.depth, p.errors, p.errorLine = 0, 0, 0
	p.reset(src)
	if len(src) > maxSource {
		p.errorLine = 1
		p.reset(nil)
	}
	p.next()
	for p.tok != tokenEOF {
		if p.tok == tokenIndent || p.tok == tokenDedent {
			p.note()
			continue
		}
		p.statement()
	}
	p.last = len(src)
	p.close(kindModule, 0, 0)
	return &syntaxTree{src: src, nodes: p.nodes, root: p.stack[0], comments: p.comments, errorLine: p.errorLine}
}

// push puts a node without children on the stack.
func (p *parser) push(k kind, f field, start, end int) {
	p.stack = append(p.stack, node{kind: k, field: f, start: int32(start), end: int32(end)})
}

// leaf puts the next token on the stack.
func (p *parser) leaf(k kind, f field) {
	p.push(k, f, p.start, p.end)
	p.next()
}

// close makes one node of all that is on the stack from mark on.
func (p *parser) close(k kind, start, mark int) {
	n := node{kind: k, start: int32(start), end: int32(p.last), first: int32(len(p.nodes)), count: int32(len(p.stack) - mark)}
	p.nodes = append(p.nodes, p.stack[mark:]...)
	p.stack = append(p.stack[:mark], n)
}

// label gives the node on top of the stack its field. After an error, that may
// be somebody else's.
func (p *parser) label(f field) {
	if !p.failed {
		p.stack[len(p.stack)-1].field = f
	}
}

// top returns the kind of the node on top of the stack.
func (p *parser) top() kind {
	if p.failed {
		return kindNone
	}
	return p.stack[len(p.stack)-1].kind
}

func (p *parser) wrong() { p.fail(p.start) }

// accept reads a token if it comes next.
func (p *parser) accept(t token) bool {
	if p.tok != t {
		return false
	}
	p.next()
	return true
}

func (p *parser) expect(t token) {
	if !p.accept(t) {
		p.wrong()
	}
}

// enter counts a level of nesting; leave takes it back.
func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.wrong()
	}
}

func (p *parser) leave() { p.depth-- }

// word reports whether the next token is the given name, which is a keyword in
// some places only.
func (p *parser) word(name string) bool {
	return p.tok == tokenName && string(p.src[p.start:p.end]) == name
}

// attempt reads something that may turn out to be something else; then nothing
// has been read. It reports whether it was it.
func (p *parser) attempt(read func() bool) bool {
	lexer, nodes, stack := p.lexer, len(p.nodes), len(p.stack)
	if read() && !p.failed {
		return true
	}
	p.lexer, p.nodes, p.stack = lexer, p.nodes[:nodes], p.stack[:stack]
	return false
}

// recover notes the error in the statement that begins at start, and is on the
// stack from mark on. It goes on with the next line, or with the line that the
// statement should have ended before.
func (p *parser) recover(mark, start int) {
	failedAt := min(p.failedAt, len(p.src))
	if p.errorLine == 0 {
		p.errorLine = 1 + bytes.Count(p.src[:failedAt], []byte("\n"))
	}
	p.stack = p.stack[:mark]
	p.errors++
	at := len(p.src)
	if p.errors < maxErrors {
		line := bytes.LastIndexByte(p.src[:failedAt], '\n') + 1
		if start < line && len(bytes.TrimSpace(p.src[line:failedAt])) == 0 {
			at = line
		} else if i := bytes.IndexByte(p.src[failedAt:], '\n'); i >= 0 {
			at = failedAt + i + 1
		}
	}
	for n := len(p.comments); n > 0 && p.comments[n-1].Start >= at; n-- {
		p.comments = p.comments[:n-1]
	}
	p.pos, p.last = at, at
	p.failed, p.open, p.replaced, p.dedents, p.lineStart = false, 0, 0, 0, true
	p.tok = tokenNewline
	p.next()
}

// statement reads the statements of one line, or one that has a block.
func (p *parser) statement() {
	mark, start, depth := len(p.stack), p.start, p.depth
	p.enter()
	p.oneStatement()
	p.depth = depth
	if p.failed {
		p.recover(mark, start)
	}
}

func (p *parser) oneStatement() {
	switch p.tok {
	case '@':
		p.decorated()
	case keywordDef:
		p.function(len(p.stack), p.start)
	case keywordClass:
		p.class(p.start)
	case keywordAsync:
		p.async()
	case keywordIf:
		p.ifStatement()
	case keywordFor:
		p.forStatement(len(p.stack), p.start)
	case keywordWhile:
		mark, start := len(p.stack), p.start
		p.next()
		p.namedExpression()
		p.suite()
		p.orElse()
		p.close(kindWhile, start, mark)
	case keywordTry:
		p.try()
	case keywordWith:
		p.with(len(p.stack), p.start)
	default:
		if p.word("match") && p.attempt(p.matchSubject) {
			p.matchCases()
			return
		}
		p.simpleStatements()
	}
}

func (p *parser) async() {
	mark, start := len(p.stack), p.start
	p.leaf(kindOperator, fieldNone)
	switch p.tok {
	case keywordDef:
		p.function(mark, start)
	case keywordFor:
		p.forStatement(mark, start)
	case keywordWith:
		p.with(mark, start)
	default:
		p.wrong()
	}
}

func (p *parser) simpleStatements() {
	p.simpleStatement()
	for p.accept(';') && p.tok != tokenNewline {
		p.simpleStatement()
	}
	p.expect(tokenNewline)
}

// suite reads a colon and the block behind it.
func (p *parser) suite() {
	p.expect(':')
	mark, start := len(p.stack), p.start
	if p.tok != tokenNewline {
		p.simpleStatements()
	} else {
		p.next()
		start = p.start
		p.expect(tokenIndent)
		p.indented()
	}
	p.close(kindBlock, start, mark)
	p.label(fieldBody)
}

// indented reads statements up to the end of their block. Blocks that turn up
// where a statement could not be read are read as if they were part of it.
func (p *parser) indented() {
	for deeper := 0; !p.failed; {
		switch p.tok {
		case tokenDedent:
			p.next()
			if deeper--; deeper < 0 {
				return
			}
		case tokenEOF:
			return
		case tokenIndent:
			deeper++
			p.note()
		default:
			p.statement()
		}
	}
}

// note notes an error at the next token and goes on behind it.
func (p *parser) note() {
	if p.errorLine == 0 {
		p.errorLine = 1 + bytes.Count(p.src[:p.start], []byte("\n"))
	}
	p.next()
}

func (p *parser) decorated() {
	mark, start := len(p.stack), p.start
	for p.tok == '@' {
		inner, at := len(p.stack), p.start
		p.next()
		p.namedExpression()
		p.close(kindDecorator, at, inner)
		p.expect(tokenNewline)
	}
	switch p.tok {
	case keywordDef:
		p.function(len(p.stack), p.start)
	case keywordClass:
		p.class(p.start)
	case keywordAsync:
		p.async()
		if p.top() != kindFunction {
			p.wrong()
		}
	default:
		p.wrong()
	}
	p.label(fieldDefinition)
	p.close(kindDecorated, start, mark)
}

func (p *parser) name(f field) {
	if p.tok != tokenName {
		p.wrong()
		return
	}
	p.leaf(kindIdentifier, f)
}

func (p *parser) function(mark, start int) {
	p.next()
	p.name(fieldName)
	p.typeParameters()
	p.expect('(')
	p.parameters(')', true)
	p.expect(')')
	if p.accept(tokenArrow) {
		p.expression()
		p.label(fieldType)
	}
	p.suite()
	p.close(kindFunction, start, mark)
}

// parameters reads parameters up to the token end, which stays.
func (p *parser) parameters(end token, annotated bool) {
	mark, start := len(p.stack), p.start
	var seen struct{ slash, star, bare, defaults, last bool }
	for p.tok != end && !p.failed {
		inner, at := len(p.stack), p.start
		ok := !seen.last
		switch p.tok {
		case '/':
			ok = ok && !seen.slash && !seen.star && len(p.stack) > mark
			seen.slash = true
			p.leaf(kindOperator, fieldNone)
		case '*':
			ok = ok && !seen.star
			seen.star, seen.defaults = true, false
			p.leaf(kindOperator, fieldNone)
			if seen.bare = p.tok == ','; !seen.bare {
				p.parameter(annotated, true)
			}
		case tokenPower:
			ok = ok && !seen.bare
			seen.last = true
			p.leaf(kindOperator, fieldNone)
			if p.parameter(annotated, false) {
				p.wrong()
			}
		default:
			hasDefault := p.parameter(annotated, false)
			ok = ok && (hasDefault || seen.star || !seen.defaults)
			seen.defaults, seen.bare = hasDefault, false
		}
		if !ok {
			p.fail(at)
		}
		p.close(kindParameter, at, inner)
		if p.tok != end {
			p.expect(',')
		}
	}
	if seen.bare {
		p.wrong()
	}
	p.close(kindParameters, start, mark)
	p.label(fieldParameters)
}

// parameter reads the name of a parameter and what belongs to it. It reports
// whether it has a default.
func (p *parser) parameter(annotated, several bool) bool {
	p.name(fieldName)
	if annotated && p.accept(':') {
		if several {
			p.starExpression(p.expression)
		} else {
			p.expression()
		}
		p.label(fieldType)
	}
	if several || !p.accept('=') {
		return false
	}
	p.expression()
	p.label(fieldDefault)
	return true
}

// typeParameters reads the parameters in brackets of a generic function, class
// or type (PEP 695, PEP 696).
func (p *parser) typeParameters() {
	if p.tok != '[' {
		return
	}
	mark, start := len(p.stack), p.start
	p.next()
	for p.tok != ']' && !p.failed {
		inner, at := len(p.stack), p.start
		if p.tok == '*' || p.tok == tokenPower {
			p.leaf(kindOperator, fieldNone)
		}
		p.name(fieldName)
		if p.accept(':') {
			p.expression()
			p.label(fieldType)
		}
		if p.accept('=') {
			p.starExpression(p.expression)
			p.label(fieldDefault)
		}
		p.close(kindTypeParameter, at, inner)
		if p.tok != ']' {
			p.expect(',')
		}
	}
	p.expect(']')
	p.close(kindTypeParameters, start, mark)
	p.label(fieldTypeParameters)
}

func (p *parser) class(start int) {
	mark := len(p.stack)
	p.next()
	p.name(fieldName)
	p.typeParameters()
	if p.tok == '(' {
		p.arguments()
	}
	p.suite()
	p.close(kindClass, start, mark)
}

// ifStatement reads from "if" or "elif" on.
func (p *parser) ifStatement() {
	mark, start := len(p.stack), p.start
	p.enter()
	defer p.leave()
	p.next()
	p.namedExpression()
	p.label(fieldCondition)
	p.suite()
	if p.tok == keywordElif {
		p.ifStatement()
	} else {
		p.orElse()
	}
	p.close(kindIf, start, mark)
}

func (p *parser) orElse() {
	if p.tok == keywordElse {
		p.clause(kindElse)
	}
}

// clause reads a keyword and a block.
func (p *parser) clause(k kind) {
	mark, start := len(p.stack), p.start
	p.next()
	p.suite()
	p.close(k, start, mark)
}

func (p *parser) forStatement(mark, start int) {
	p.next()
	p.targets()
	p.expect(keywordIn)
	p.starExpressions()
	p.suite()
	p.orElse()
	p.close(kindFor, start, mark)
}

func (p *parser) try() {
	mark, start := len(p.stack), p.start
	p.next()
	p.suite()
	excepts := 0
	for ; p.tok == keywordExcept; excepts++ {
		p.except()
	}
	if excepts > 0 {
		p.orElse()
	}
	if p.tok == keywordFinally {
		p.clause(kindFinally)
	} else if excepts == 0 {
		p.wrong()
	}
	p.close(kindTry, start, mark)
}

func (p *parser) except() {
	mark, start := len(p.stack), p.start
	p.next()
	if p.tok == '*' {
		p.leaf(kindOperator, fieldNone)
	}
	if p.tok != ':' {
		inner, at := len(p.stack), p.start
		p.starExpressions()
		if p.accept(keywordAs) {
			p.name(fieldAlias)
			p.close(kindAs, at, inner)
		}
	}
	p.suite()
	p.close(kindExcept, start, mark)
}

func (p *parser) with(mark, start int) {
	p.next()
	if p.tok != '(' || !p.attempt(p.withParenthesized) {
		for {
			p.withItem()
			if !p.accept(',') {
				break
			}
		}
	}
	p.suite()
	p.close(kindWith, start, mark)
}

func (p *parser) withParenthesized() bool {
	p.next()
	for p.tok != ')' && !p.failed {
		p.withItem()
		if p.tok != ')' {
			p.expect(',')
		}
	}
	p.expect(')')
	return p.tok == ':'
}

func (p *parser) withItem() {
	mark, start := len(p.stack), p.start
	p.expression()
	if p.accept(keywordAs) {
		at := len(p.stack)
		p.starExpression(p.expression)
		p.requireTarget(at)
		p.label(fieldAlias)
		p.close(kindAs, start, mark)
	}
}
