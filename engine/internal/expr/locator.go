package expr

import (
	"strconv"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
)

// A Locator is a path that leads to values in a bundle, any number of them: where arrays are met on the way, every item counts.
// It never changes, so any number of goroutines may use it.
type Locator struct {
	module int
	names  []string
}

// ParseLocator reads a path of the mapping language: names with dots between them, in backquotes where they are no words,
// each followed by [] if its author likes to show that there is an array. With rooted, a module's number and a dot stand in
// front. Without, a first name that is a number stands in backquotes, because it is more likely a module that was left in front.
// The error is an *Error.
//
//	locator = [ ( module | "`" module "`" ) "." ] segment { "[]" } { "." segment { "[]" } }
func ParseLocator(text string, rooted bool) (*Locator, error) {
	p := &parser{src: text}
	l := &Locator{}
	if rooted {
		if err := p.locatorRoot(l); err != nil {
			return nil, err
		}
	} else if number := rootLike(text); number != "" {
		return nil, p.problem(0, "", "%s would be the name of a field here, where paths have no module: leave it out, or write `%[1]s` if the field has that name", number)
	}
	for {
		name, err := p.locatorName()
		if err != nil {
			return nil, err
		}
		l.names = append(l.names, name)
		for p.peek() == '[' {
			start := p.pos
			index, err := p.index()
			if err != nil {
				return nil, err
			}
			if index >= 0 {
				return nil, p.problem(start, `"[]"`, "an index leads to one item, and all of them count")
			}
		}
		switch {
		case p.pos == len(p.src):
			return l, nil
		case p.peek() != '.':
			return nil, p.stray(`"." or the end`)
		}
		p.pos++
	}
}

// rootLike returns the number that a path begins with, as it stands there, if that is all of its first name.
func rootLike(text string) string {
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if end == len(text) || text[end] == '.' || text[end] == '[' {
		return shorten(text[:end])
	}
	return ""
}

// locatorRoot reads the number of a module and the dot behind it.
func (p *parser) locatorRoot(l *Locator) *Error {
	digits, quoted := p.pos, p.peek() == '`'
	if quoted {
		p.pos++
		digits = p.pos
	}
	p.skipDigits()
	text := p.src[digits:p.pos]
	if text == "" {
		return p.stray("the number of a module and a dot in front, as in \"1.email\"")
	}
	id, err := strconv.Atoi(text)
	if err != nil {
		return p.problem(digits, "", "the module number %s is too large", shorten(text))
	}
	if quoted {
		if p.peek() != '`' {
			return p.stray("a closing backquote")
		}
		p.pos++
	}
	if p.peek() != '.' {
		return p.stray(`"." and a field's name`)
	}
	p.pos++
	l.module = id
	return nil
}

// locatorName reads a field's name, which is not empty.
func (p *parser) locatorName() (string, *Error) {
	const expected = "a field's name; one with blanks or punctuation needs backquotes"
	start := p.pos
	if start == len(p.src) || p.src[start] == '{' {
		return "", p.stray(expected)
	}
	name, err := p.segment()
	if err == nil && name == "" {
		err = p.problem(start, expected, "the name between the backquotes is empty")
	}
	return name, err
}

// stray says that something else should stand at the position.
func (p *parser) stray(expected string) *Error {
	if p.pos == len(p.src) {
		return p.problem(p.pos, expected, "the path ends")
	}
	if p.src[p.pos] == '{' {
		return p.problem(p.pos, expected, "found \"{\"; a path stands without braces")
	}
	end := nameEnd(p.src, p.pos, true)
	if end == p.pos {
		_, size := utf8.DecodeRuneInString(p.src[p.pos:])
		end += size
	}
	return p.problem(p.pos, expected, "found %q", shorten(p.src[p.pos:end]))
}

// Module is the number of the module that the path begins with; 0 for one that has none.
func (l *Locator) Module() int { return l.module }

// Locate hands every value that the path leads to in a bundle to visit, in order, until visit returns false. It returns what
// visit returned last, true if there was nothing. A value is never an array: its items are handed over. The bundle is that of
// the module, without its number.
func (l *Locator) Locate(in connector.Bundle, visit func(value any) bool) bool {
	return locate(in, l.names, visit)
}

func locate(value any, names []string, visit func(any) bool) bool {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if !locate(item, names, visit) {
				return false
			}
		}
		return true
	case connector.Bundle:
		if len(names) == 0 {
			return visit(value)
		}
		inner, ok := value.Lookup(names[0])
		return !ok || locate(inner, names[1:], visit)
	}
	return len(names) > 0 || visit(value)
}
