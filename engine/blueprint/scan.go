package blueprint

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// reader reads JSON as RFC 8259 defines it into ordered values. It is our own because encoding/json loses the order of fields, names
// that stand twice and half surrogates, and tells no line.
type reader struct {
	text     string
	pos      int
	depth    int
	maxDepth int

	// What the objects and lists that are open hold so far, the innermost last. Each copies its part when it closes, at its exact size.
	members  []member
	elements []any
}

// document reads the one value that the text holds.
func (r *reader) document() (any, error) {
	r.space()
	value, err := r.value()
	if err != nil {
		return nil, err
	}
	r.space()
	if r.pos < len(r.text) {
		return nil, r.syntax("expected the end of the file, found %s", r.found())
	}
	return value, nil
}

func (r *reader) value() (any, error) {
	if r.pos >= len(r.text) {
		return nil, r.syntax("expected a value, found the end of the file")
	}
	switch c := r.text[r.pos]; {
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
	case c == '"':
		return r.str()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	default:
		for _, word := range [...]struct {
			text  string
			value any
		}{{"true", true}, {"false", false}, {"null", nil}} {
			if strings.HasPrefix(r.text[r.pos:], word.text) {
				r.pos += len(word.text)
				return word.value, nil
			}
		}
		return nil, r.syntax("expected a value, found %s", r.found())
	}
}

func (r *reader) object() (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	o := Object{}
	start := len(r.members)
	for r.space(); r.peek() != '}'; r.space() {
		if len(r.members) > start {
			if err := r.expect(',', "a comma or } after a value"); err != nil {
				return nil, err
			}
			r.space()
		}
		if r.peek() != '"' {
			return nil, r.syntax("expected the name of a field in double quotes, found %s", r.found())
		}
		name, err := r.str()
		if err != nil {
			return nil, err
		}
		r.space()
		if err := r.expect(':', "a colon after the name of a field"); err != nil {
			return nil, err
		}
		r.space()
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		o.members = r.members[start:]
		if i := o.find(name); i >= 0 {
			// JavaScript keeps the place of the first and the value of the last.
			o.members[i] = member{name: name, value: value, repeated: true}
			continue
		}
		r.members = append(r.members, member{name: name, value: value})
		o.members = r.members[start:]
		o.indexLast()
	}
	o.members = slices.Clone(r.members[start:])
	clear(r.members[start:])
	r.members = r.members[:start]
	r.pos++
	r.depth--
	return &o, nil
}

func (r *reader) array() (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	start := len(r.elements)
	for r.space(); r.peek() != ']'; r.space() {
		if len(r.elements) > start {
			if err := r.expect(',', "a comma or ] after a value"); err != nil {
				return nil, err
			}
			r.space()
		}
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		r.elements = append(r.elements, value)
	}
	list := append([]any{}, r.elements[start:]...)
	clear(r.elements[start:])
	r.elements = r.elements[:start]
	r.pos++
	r.depth--
	return list, nil
}

func (r *reader) enter() error {
	r.depth++
	if r.depth > r.maxDepth {
		line, column := r.where(r.pos)
		return fmt.Errorf("%w: line %d, column %d: more than %d levels", ErrTooDeep, line, column, r.maxDepth)
	}
	r.pos++
	return nil
}

func (r *reader) number() (any, error) {
	start := r.pos
	digits := func() bool {
		from := r.pos
		for r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9' {
			r.pos++
		}
		return r.pos > from
	}
	if r.peek() == '-' {
		r.pos++
	}
	if r.peek() == '0' {
		r.pos++
	} else if !digits() {
		return nil, r.syntax("expected a digit, found %s", r.found())
	}
	if r.peek() == '.' {
		r.pos++
		if !digits() {
			return nil, r.syntax("expected a digit after the decimal point, found %s", r.found())
		}
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.pos++
		if c := r.peek(); c == '+' || c == '-' {
			r.pos++
		}
		if !digits() {
			return nil, r.syntax("expected a digit in the exponent, found %s", r.found())
		}
	}
	return json.Number(r.text[start:r.pos]), nil
}

func (r *reader) str() (string, error) {
	r.pos++
	start := r.pos
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '"':
			r.pos++
			return r.text[start : r.pos-1], nil
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			return "", r.syntax("a text must not hold a raw control character such as a line break: write it as an escape (\\n)")
		default:
			r.pos++
		}
	}
	return "", r.syntax("expected the closing quote of a text, found the end of the file")
}

// escaped goes on with a text that began at start and holds an escape at the present position.
func (r *reader) escaped(start int) (string, error) {
	out := make([]byte, 0, r.pos-start+64)
	out = append(out, r.text[start:r.pos]...)
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		switch {
		case c == '"':
			r.pos++
			return string(out), nil
		case c < ' ':
			return "", r.syntax("a text must not hold a raw control character such as a line break: write it as an escape (\\n)")
		case c != '\\':
			out = append(out, c)
			r.pos++
			continue
		}
		r.pos++
		c = r.peek()
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 && c != 0 {
			out = append(out, "\"\\/\b\f\n\r\t"[i])
			r.pos++
			continue
		}
		if c != 'u' {
			return "", r.syntax(`expected an escape (\" \\ \/ \b \f \n \r \t \u0000), found %s`, r.found())
		}
		r.pos++
		unit, err := r.hex()
		if err != nil {
			return "", err
		}
		out, err = r.unit(out, unit)
		if err != nil {
			return "", err
		}
	}
	return "", r.syntax("expected the closing quote of a text, found the end of the file")
}

// unit appends one UTF-16 unit, together with its second half when that follows. A half that stands alone becomes the three bytes
// that UTF-8 would give it if it allowed surrogates (WTF-8), so that nothing is lost; appendString writes it back.
func (r *reader) unit(out []byte, unit rune) ([]byte, error) {
	if !isSurrogate(unit) {
		return utf8.AppendRune(out, unit), nil
	}
	if unit < 0xDC00 && strings.HasPrefix(r.text[r.pos:], `\u`) {
		back := r.pos
		r.pos += 2
		low, err := r.hex()
		if err != nil {
			return nil, err
		}
		if low >= 0xDC00 && low <= 0xDFFF {
			return utf8.AppendRune(out, (unit-0xD800)<<10+(low-0xDC00)+0x10000), nil
		}
		r.pos = back
	}
	return append(out, 0xED, 0x80|byte(unit>>6&0x3F), 0x80|byte(unit&0x3F)), nil
}

func isSurrogate(unit rune) bool {
	return unit >= 0xD800 && unit <= 0xDFFF
}

func (r *reader) hex() (rune, error) {
	var unit rune
	for range 4 {
		c := r.peek()
		switch {
		case c >= '0' && c <= '9':
			unit = unit<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			unit = unit<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, r.syntax(`expected four hexadecimal digits after \u, found %s`, r.found())
		}
		r.pos++
	}
	return unit, nil
}

func (r *reader) space() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// peek returns the byte at the present position, 0 at the end.
func (r *reader) peek() byte {
	if r.pos < len(r.text) {
		return r.text[r.pos]
	}
	return 0
}

func (r *reader) expect(c byte, what string) error {
	if r.peek() != c {
		return r.syntax("expected %s, found %s", what, r.found())
	}
	r.pos++
	return nil
}

// found names what stands at the present position: one character, never more of the file.
func (r *reader) found() string {
	if r.pos >= len(r.text) {
		return "the end of the file"
	}
	c, _ := utf8.DecodeRuneInString(r.text[r.pos:])
	return fmt.Sprintf("%q", c)
}

func (r *reader) syntax(format string, args ...any) error {
	line, column := r.where(r.pos)
	return &SyntaxError{Line: line, Column: column, Message: fmt.Sprintf(format, args...)}
}

// where turns an offset into line and column, both counted from 1, columns in characters.
func (r *reader) where(pos int) (line, column int) {
	before := r.text[:pos]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}
