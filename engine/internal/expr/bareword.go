package expr

import (
	"strings"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

// bareword looks whether the argument, or the island, that begins at the position is text without quotes. If so it
// returns its node and moves behind it. Otherwise, and that includes an empty argument, it leaves the position alone.
//
// It stops at the first thing that only an expression has, and what it has passed until then is passed only once more
// by the expression's own parsing, so that scanning stays linear.
func (p *parser) bareword(parameter Parameter, island bool) (node, bool) {
	start := p.pos
	if start < len(p.src) && (p.src[start] == '"' || p.src[start] == '`') {
		return nil, false
	}
	arithmetic := true
	i := start
scan:
	for i < len(p.src) {
		c := p.src[i]
		switch {
		case p.closes(i):
			break scan
		case c == ';' || c == ')':
			if island {
				return nil, false
			}
			break scan
		case c == '"' || c == '`' || c == '(':
			return nil, false
		case c == '\'':
			if !p.isApostrophe(i) {
				return nil, false
			}
			arithmetic = false
			i++
		case isDigit(c):
			end, module := p.moduleNumber(i)
			if module {
				return nil, false
			}
			i = p.exponentEnd(end)
		case strings.IndexByte("+-*/%=!<>&|.", c) >= 0:
			i++
		default:
			end := nameEnd(p.src, i, false)
			if end == i {
				r, size := utf8.DecodeRuneInString(p.src[i:])
				arithmetic = arithmetic && isSpace(r)
				i += size
				continue
			}
			name := p.src[i:end]
			arithmetic = arithmetic && (name == "and" || name == "or")
			if isKeyword(name) || name == "var" && end < len(p.src) && p.src[end] == '.' {
				return nil, false
			}
			i = p.dottedEnd(end)
		}
	}
	if i == len(p.src) {
		return nil, false // the island does not end; the parser says so
	}
	text := trimSpace(p.src[start:i])
	if text == "" {
		return nil, false
	}
	// Text stays as it is written, 007 for one.
	if parameter.Type != connector.TypeText {
		if n, ok := parseNumber(text); ok {
			p.pos = i
			return constant{n}, true
		}
		if arithmetic && isCalculation(text, parameter, island) {
			return p.calculation(text, i)
		}
	}
	if island {
		p.refer(Reference{Kind: BarewordReference, Name: text}, start)
	}
	p.pos = i
	return constant{text}, true
}

// dottedEnd moves behind the further words of a.b.c, none of which can be a keyword.
func (p *parser) dottedEnd(i int) int {
	for i+1 < len(p.src) && p.src[i] == '.' {
		end := nameEnd(p.src, i+1, true)
		if end == i+1 {
			break
		}
		i = end
	}
	return i
}

// isCalculation decides whether an argument of nothing but numbers and operators, and and or among them, is to be an expression.
func isCalculation(text string, parameter Parameter, island bool) bool {
	if island || parameter.sums {
		return true
	}
	switch parameter.Type {
	case connector.TypeNumber, connector.TypeInteger, connector.TypeUInteger, connector.TypeBoolean:
		return true
	case connector.TypeAny, "":
		return hasLoneNumber(text)
	}
	return false // 2016-12-28 is a date
}

// calculation tries a text of numbers and operators as an expression. One that is none, such as - or 1.2.3, is a bareword
// unless it has a lone number: then something is missing, and the parser is to say what.
func (p *parser) calculation(text string, end int) (node, bool) {
	start, depth, references := p.pos, p.depth, len(p.references)
	n, err := p.expression()
	p.skipSpace()
	if err == nil && p.pos >= end {
		return n, true
	}
	p.pos, p.depth, p.references = start, depth, p.references[:references]
	if hasLoneNumber(text) {
		return nil, false
	}
	p.pos = end
	return constant{text}, true
}

// hasLoneNumber says whether one of the words between blanks is a number.
func hasLoneNumber(text string) bool {
	for word := range strings.FieldsFuncSeq(text, isSpace) {
		if isDigit(word[len(word)-1]) {
			if _, ok := parseNumber(word); ok {
				return true
			}
		}
	}
	return false
}
