package expr

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth    = 1000
	maxProblems = 20
)

// parser turns a template into parts. An island's syntax error ends that island and parsing goes on behind it; unknown
// functions and wrong numbers of arguments are noted on the way.
type parser struct {
	lang       *Language
	src        string
	slots      Slots
	pos        int
	depth      int
	errors     Errors
	references []Reference

	countedTo, counted int // an offset and the number of characters before it
}

func (p *parser) problem(offset int, expected, format string, args ...any) *Error {
	return &Error{Column: p.column(offset), Expected: expected, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) note(problem *Error) {
	if len(p.errors) < maxProblems {
		p.errors = append(p.errors, problem)
	}
}

func (p *parser) refer(r Reference, offset int) {
	r.Column = p.column(offset)
	p.references = append(p.references, r)
}

// template reads the whole template.
func (p *parser) template() []part {
	var parts []part
	for p.pos < len(p.src) && len(p.errors) < maxProblems {
		open := strings.Index(p.src[p.pos:], "{{")
		if open < 0 {
			return append(parts, part{text: p.src[p.pos:]})
		}
		open += p.pos
		for open+2 < len(p.src) && p.src[open+2] == '{' {
			open++ // of many braces the last two open the island
		}
		if open > p.pos {
			parts = append(parts, part{text: p.src[p.pos:open]})
		}
		p.pos, p.depth = open+2, 0
		column := p.column(open)
		n, err := p.island(open)
		if err != nil {
			p.note(err)
			p.pos = p.islandEnd(p.pos)
			continue
		}
		parts = append(parts, part{node: n, column: column})
	}
	return parts
}

// island reads an island and its closing braces.
func (p *parser) island(open int) (node, *Error) {
	p.skipSpace()
	if p.atEnd() {
		p.pos += 2
		return constant{nil}, nil
	}
	n, ok := p.bareword(Parameter{}, true)
	if !ok {
		var err *Error
		if n, err = p.expression(); err != nil {
			return nil, err
		}
		p.skipSpace()
	}
	switch {
	case p.atEnd():
		p.pos += 2
		return n, nil
	case p.pos == len(p.src):
		return nil, p.problem(open, `"}}"`, `the island that begins here does not end`)
	}
	return nil, p.unexpected(`an operator or "}}"`)
}

// unexpected says what stands at the position.
func (p *parser) unexpected(expected string) *Error {
	if p.pos == len(p.src) {
		return p.problem(p.pos, expected, "the template ends")
	}
	switch p.src[p.pos] {
	case ',':
		return p.problem(p.pos, expected, `found ","; arguments are separated by ";"`)
	case '{':
		return p.problem(p.pos, expected, `found "{"; objects and arrays cannot be written in an expression`)
	}
	end := nameEnd(p.src, p.pos, true)
	if end == p.pos {
		_, size := utf8.DecodeRuneInString(p.src[p.pos:])
		end += size
		return p.problem(p.pos, expected, "found %q", p.src[p.pos:end])
	}
	return p.problem(p.pos, expected, "found %q; text in an expression needs quotes", shorten(p.src[p.pos:end]))
}

// shorten keeps a message readable.
func shorten(s string) string {
	if len(s) <= 40 {
		return s
	}
	cut := 40
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// nest counts a level of nesting; the caller takes it back.
func (p *parser) nest() *Error {
	if p.depth++; p.depth > maxDepth {
		return p.problem(p.pos, "", "the expression is nested deeper than %d levels", maxDepth)
	}
	return nil
}

func (p *parser) expression() (node, *Error) { return p.level(0) }

// level reads a row of operands with the operators of one precedence between them.
func (p *parser) level(level int) (node, *Error) {
	if level == len(levels) {
		return p.unary()
	}
	first, err := p.level(level + 1)
	if err != nil {
		return nil, err
	}
	var rest []link
	for {
		p.skipSpace()
		op, length := p.peekOperator()
		if !slices.Contains(levels[level], op) {
			break
		}
		column := p.column(p.pos)
		p.pos += length
		operand, err := p.level(level + 1)
		if err != nil {
			return nil, err
		}
		l := link{op: op, operand: operand, column: column}
		l.recognize()
		rest = append(rest, l)
	}
	if rest == nil {
		return first, nil
	}
	return p.join(first, rest), nil
}

// join makes a row's node, and its value at once when all operands are known.
func (p *parser) join(first node, rest []link) node {
	var n node
	switch rest[0].op {
	case opOr, opAnd:
		operands := make([]node, 1, len(rest)+1)
		operands[0] = first
		for _, l := range rest {
			operands = append(operands, l.operand)
		}
		if rest[0].op == opOr {
			n = &either{operands}
		} else {
			n = &all{operands}
		}
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual:
		n = &chain{first: first, rest: rest}
		if len(rest) == 1 {
			n = &comparison{left: first, link: rest[0]}
		}
	default:
		n = &chain{first: first, rest: rest}
	}
	if _, ok := first.(constant); !ok {
		return n
	}
	for _, l := range rest {
		if _, ok := l.operand.(constant); !ok {
			return n
		}
	}
	return p.fold(n)
}

// fold works out a node of constants. What fails is left to fail at run time, and so is what looks at a date's time
// zone, which is the scenario's: constants are no dates.
func (p *parser) fold(n node) node {
	m := p.lang.machine(nil)
	defer m.release()
	v, err := m.eval(n)
	if err != nil {
		return n
	}
	return constant{v}
}

func (p *parser) unary() (node, *Error) {
	p.skipSpace()
	start := p.pos
	c := p.peek()
	if c != '!' && c != '-' && c != '+' {
		return p.primary()
	}
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	column := p.column(start)
	p.pos++
	if c == '-' && isDigit(p.peek()) {
		// The sign belongs to the number, whose smallest value has no positive counterpart.
		if _, module := p.moduleNumber(p.pos); !module {
			return p.number(start)
		}
	}
	operand, err := p.unary()
	if err != nil {
		return nil, err
	}
	var n node
	switch c {
	case '!':
		n = &not{operand}
	case '-':
		n = &minus{operand, column}
	default:
		// A plus converts to a number, as 0 + x does not for text.
		n = &minus{&minus{operand, column}, column}
	}
	if _, ok := operand.(constant); ok {
		return p.fold(n), nil
	}
	return n, nil
}

const expectedOperand = "a value: a path, a function, a keyword, a number or quoted text"

func (p *parser) primary() (node, *Error) {
	start := p.pos
	switch c := p.peek(); {
	case c == '(':
		if err := p.nest(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		p.pos++
		n, err := p.expression()
		if err != nil {
			return nil, err
		}
		p.skipSpace()
		if p.peek() != ')' || p.pos == len(p.src) {
			return nil, p.unexpected(`an operator or ")"`)
		}
		p.pos++
		return n, nil
	case c == '"' || c == '\'':
		return p.literal()
	case c == '`':
		return p.quotedRoot()
	case isDigit(c):
		if end, module := p.moduleNumber(start); module {
			p.pos = end
			return p.path(start, p.src[start:end])
		}
		return p.number(start)
	case c == '.' && start+1 < len(p.src) && isDigit(p.src[start+1]):
		return p.number(start)
	}
	end := nameEnd(p.src, start, false)
	if end == start {
		return nil, p.unexpected(expectedOperand)
	}
	return p.word(start, end)
}

// literal reads quoted text.
func (p *parser) literal() (node, *Error) {
	start := p.pos
	quote := p.src[start : start+1]
	end, ok := p.literalEnd(start)
	if !ok {
		p.pos = len(p.src)
		return nil, p.problem(start, "a closing quote", "the text that begins here does not end")
	}
	p.pos = end
	text := p.src[start+1 : end-1]
	if strings.Contains(text, quote) {
		text = strings.ReplaceAll(text, quote+quote, quote)
	}
	return constant{text}, nil
}

func (p *parser) skipDigits() {
	for isDigit(p.peek()) {
		p.pos++
	}
}

// number reads digits with an optional fraction and exponent, and a sign when start is before the position.
func (p *parser) number(start int) (node, *Error) {
	p.skipDigits()
	if p.peek() == '.' && p.pos+1 < len(p.src) && isDigit(p.src[p.pos+1]) {
		p.pos++
		p.skipDigits()
	}
	p.pos = p.exponentEnd(p.pos)
	if end := nameEnd(p.src, p.pos, false); end > p.pos || p.peek() == '.' {
		return nil, p.problem(start, "", "%q is neither a number nor a path; a name that begins with a digit needs backquotes, text needs quotes",
			shorten(p.src[start:max(end, p.pos+1)]))
	}
	v, ok := parseNumber(p.src[start:p.pos])
	if !ok {
		return nil, p.problem(start, "a number", "found %q", shorten(p.src[start:p.pos]))
	}
	return constant{v}, nil
}

// word reads what begins with a letter: a call, a keyword, a variable, or a single word of text.
func (p *parser) word(start, end int) (node, *Error) {
	name := p.src[start:end]
	p.pos = end
	p.skipSpace()
	if p.peek() == '(' {
		return p.callOf(name, start)
	}
	p.pos = end
	if v, ok := fixedKeyword(name); ok {
		return constant{v}, nil
	}
	if isLive(name) {
		p.refer(Reference{Kind: KeywordReference, Name: name}, start)
		return keyword{name}, nil
	}
	if name == "var" && p.peek() == '.' {
		return p.path(start, name)
	}
	p.pos = p.dottedEnd(end)
	text := p.src[start:p.pos]
	p.refer(Reference{Kind: BarewordReference, Name: text}, start)
	return constant{text}, nil
}
