package python

// A token is the kind of a token. Operators and brackets of one character are
// that character.
type token uint8

const (
	tokenError token = iota
	tokenEOF
	tokenNewline
	tokenIndent
	tokenDedent
	tokenName
	tokenNumber
	tokenString
	tokenFormat // the opening quote of an f-string: what follows is for the parser

	tokenArrow token = iota + 128 // ->
	tokenWalrus
	tokenEllipsis
	tokenAugmented // +=, //=, ...
	tokenPower
	tokenFloor
	tokenShift
	tokenCompare // ==, !=, <=, >=

	keywordAnd
	keywordAs
	keywordAssert
	keywordAsync
	keywordAwait
	keywordBreak
	keywordClass
	keywordContinue
	keywordDef
	keywordDel
	keywordElif
	keywordElse
	keywordExcept
	keywordFalse
	keywordFinally
	keywordFor
	keywordFrom
	keywordGlobal
	keywordIf
	keywordImport
	keywordIn
	keywordIs
	keywordLambda
	keywordNone
	keywordNonlocal
	keywordNot
	keywordOr
	keywordPass
	keywordRaise
	keywordReturn
	keywordTrue
	keywordTry
	keywordWhile
	keywordWith
	keywordYield
)

// keyword returns the keyword that word is, if it is one.
func keyword(word []byte) (token, bool) {
	if len(word) < 2 || len(word) > 8 {
		return 0, false
	}
	switch string(word) {
	case "and":
		return keywordAnd, true
	case "as":
		return keywordAs, true
	case "assert":
		return keywordAssert, true
	case "async":
		return keywordAsync, true
	case "await":
		return keywordAwait, true
	case "break":
		return keywordBreak, true
	case "class":
		return keywordClass, true
	case "continue":
		return keywordContinue, true
	case "def":
		return keywordDef, true
	case "del":
		return keywordDel, true
	case "elif":
		return keywordElif, true
	case "else":
		return keywordElse, true
	case "except":
		return keywordExcept, true
	case "False":
		return keywordFalse, true
	case "finally":
		return keywordFinally, true
	case "for":
		return keywordFor, true
	case "from":
		return keywordFrom, true
	case "global":
		return keywordGlobal, true
	case "if":
		return keywordIf, true
	case "import":
		return keywordImport, true
	case "in":
		return keywordIn, true
	case "is":
		return keywordIs, true
	case "lambda":
		return keywordLambda, true
	case "None":
		return keywordNone, true
	case "nonlocal":
		return keywordNonlocal, true
	case "not":
		return keywordNot, true
	case "or":
		return keywordOr, true
	case "pass":
		return keywordPass, true
	case "raise":
		return keywordRaise, true
	case "return":
		return keywordReturn, true
	case "True":
		return keywordTrue, true
	case "try":
		return keywordTry, true
	case "while":
		return keywordWhile, true
	case "with":
		return keywordWith, true
	case "yield":
		return keywordYield, true
	}
	return 0, false
}
