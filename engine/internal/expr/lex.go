package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scanning works on byte offsets and never looks at a byte more often than a fixed number of times, whatever the
// template; columns are counted from the last one that was asked for.

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isNameStart and isNamePart say what a field's name consists of outside backquotes.
func isNameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == '$' || r == '@' || r == '#'
	}
	return unicode.IsLetter(r)
}

func isNamePart(r rune) bool {
	if r < utf8.RuneSelf {
		return isNameStart(r) || r >= '0' && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}

// isName says whether a text can name a function.
func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '@' || c == '#' || c == '$' || c >= utf8.RuneSelf || !isNamePart(rune(c)) || i == 0 && isDigit(c) {
			return false
		}
	}
	return s != ""
}

// nameEnd gives where the name that begins at i ends; i itself when none does. Digits may begin a name when digits is set.
func nameEnd(s string, i int, digits bool) int {
	start := i
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if i == start && !digits && !isNameStart(r) || !isNamePart(r) {
			break
		}
		i += size
	}
	return i
}

// skipSpace moves behind white space.
func (p *parser) skipSpace() {
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		if c < utf8.RuneSelf {
			if c != ' ' && (c < '\t' || c > '\r') {
				return
			}
			p.pos++
			continue
		}
		r, size := utf8.DecodeRuneInString(p.src[p.pos:])
		if !isSpace(r) {
			return
		}
		p.pos += size
	}
}

// peek gives the byte at the position, 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

// atEnd says whether the island ends here.
func (p *parser) atEnd() bool { return p.closes(p.pos) }

func (p *parser) closes(i int) bool {
	return i+1 < len(p.src) && p.src[i] == '}' && p.src[i+1] == '}'
}

// literalEnd gives the offset behind the literal that begins at i, or false when it does not end.
func (p *parser) literalEnd(i int) (int, bool) {
	quote := p.src[i]
	for i++; ; {
		n := strings.IndexByte(p.src[i:], quote)
		if n < 0 {
			return len(p.src), false
		}
		i += n + 1
		if quote == '`' || i >= len(p.src) || p.src[i] != quote {
			return i, true
		}
		i++ // a doubled quote stands for one
	}
}

// isApostrophe says whether the single quote at i follows a letter or digit, so that it begins no literal.
func (p *parser) isApostrophe(i int) bool {
	if i == 0 {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(p.src[:i])
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// islandEnd gives the offset behind the }} of the island that i is in, or the end of the template.
func (p *parser) islandEnd(i int) int {
	for i < len(p.src) {
		switch c := p.src[i]; {
		case p.closes(i):
			return i + 2
		case c == '"' || c == '`' || c == '\'' && !p.isApostrophe(i):
			i, _ = p.literalEnd(i)
		default:
			i++
		}
	}
	return i
}

// operators are looked for longest first.
var operatorTexts = [...]struct {
	text string
	op   operator
}{
	{"===", opEqual}, {"!==", opNotEqual},
	{"==", opEqual}, {"!=", opNotEqual}, {"<=", opLessEqual}, {">=", opGreaterEqual}, {"&&", opAnd}, {"||", opOr},
	{"=", opEqual}, {"<", opLess}, {">", opGreater}, {"&", opAnd}, {"|", opOr},
	{"+", opAdd}, {"-", opSubtract}, {"*", opMultiply}, {"/", opDivide}, {"%", opRemainder},
}

// peekOperator finds the binary operator at the position and its length.
func (p *parser) peekOperator() (operator, int) {
	rest := p.src[p.pos:]
	switch p.peek() {
	case 'a', 'o':
		switch end := nameEnd(p.src, p.pos, false); p.src[p.pos:end] {
		case "and":
			return opAnd, 3
		case "or":
			return opOr, 2
		}
	case '=', '!', '<', '>', '&', '|', '+', '-', '*', '/', '%':
		for _, known := range operatorTexts {
			if strings.HasPrefix(rest, known.text) {
				return known.op, len(known.text)
			}
		}
	}
	return opNone, 0
}

// moduleNumber gives the end of the digits at i when a field follows them, which makes them a module's number.
func (p *parser) moduleNumber(i int) (int, bool) {
	for i < len(p.src) && isDigit(p.src[i]) {
		i++
	}
	if i+1 >= len(p.src) || p.src[i] != '.' {
		return i, false
	}
	r, _ := utf8.DecodeRuneInString(p.src[i+1:])
	return i, r == '`' || isNameStart(r)
}

// exponentEnd gives the end of the exponent that begins at i and ends a number, as in 1e3; i when none does.
func (p *parser) exponentEnd(i int) int {
	end := i
	if end == len(p.src) || p.src[end]|0x20 != 'e' {
		return i
	}
	if end++; end < len(p.src) && (p.src[end] == '+' || p.src[end] == '-') {
		end++
	}
	digits := end
	for end < len(p.src) && isDigit(p.src[end]) {
		end++
	}
	if end == digits || nameEnd(p.src, end, true) > end {
		return i
	}
	return end
}

// column counts characters up to a byte offset, from the last offset that was asked for. Callers ask in the order of the
// text, or soon behind it, so that all columns together cost one pass.
func (p *parser) column(offset int) int {
	if offset < p.countedTo {
		p.counted -= utf8.RuneCountInString(p.src[offset:p.countedTo])
	} else {
		p.counted += utf8.RuneCountInString(p.src[p.countedTo:offset])
	}
	p.countedTo = offset
	return p.counted + 1
}
