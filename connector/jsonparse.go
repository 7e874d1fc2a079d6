package connector

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrJSON says that a text is not JSON.
var ErrJSON = errors.New("connector: invalid JSON")

var errNumber = errors.New("connector: not a number")

// ParseJSON reads one JSON text (RFC 8259) and keeps the order of fields. Objects become bundles, arrays []any, numbers
// that are written as integers and fit int64, other numbers float64. Of a name that stands twice in an object the last
// value wins, in the first one's place. A byte order mark in front is skipped; bytes that are no UTF-8 and lone
// surrogates become U+FFFD.
//
// Errors wrap [ErrJSON] and say at which byte what was expected, but not what was found. Nesting beyond [MaxDepth] and
// numbers beyond float64 are errors too. There is no limit of size.
func ParseJSON(text []byte) (any, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	p := jsonParser{text: text}
	if len(text) <= shareUpTo {
		p.shared = string(text)
	}
	value, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.text) {
		return nil, p.expected("the end")
	}
	return value, nil
}

// shareUpTo is the size of a text whose strings may all point into one copy of it. A large one gets a copy per string,
// because one small field that lives long would keep all of it in memory.
const shareUpTo = 16 << 10

type jsonParser struct {
	text   []byte
	at     int
	shared string            // the text, when strings may point into it
	names  map[string]string // names of fields, each copied once
	stack  []any             // elements of the arrays that are being read
	open   []field           // fields of the objects that are being read
}

func (p *jsonParser) expected(what string) error {
	if p.at >= len(p.text) {
		return fmt.Errorf("%w: expected %s at byte %d, but the text ends", ErrJSON, what, p.at+1)
	}
	return fmt.Errorf("%w: expected %s at byte %d", ErrJSON, what, p.at+1)
}

func (p *jsonParser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

// next skips blanks and returns the byte behind them, 0 at the end.
func (p *jsonParser) next() byte {
	p.space()
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *jsonParser) value(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("%w: %w", ErrJSON, ErrDepth)
	}
	switch c := p.next(); c {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return unboxed(p.string(false))
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		if c == '-' || c >= '0' && c <= '9' {
			return p.number()
		}
	}
	return nil, p.expected("a value")
}

func (p *jsonParser) word(word string) error {
	if !bytes.HasPrefix(p.text[p.at:], []byte(word)) {
		return p.expected("a value")
	}
	p.at += len(word)
	return nil
}

func (p *jsonParser) array(depth int) (any, error) {
	p.at++
	if p.next() == ']' {
		p.at++
		return []any{}, nil
	}
	from := len(p.stack)
	for {
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		p.stack = append(p.stack, value)
		switch p.next() {
		case ',':
			p.at++
			continue
		case ']':
			p.at++
			list := append([]any(nil), p.stack[from:]...)
			clear(p.stack[from:])
			p.stack = p.stack[:from]
			return list, nil
		}
		return nil, p.expected(`"," or "]"`)
	}
}

func (p *jsonParser) object(depth int) (any, error) {
	p.at++
	if p.next() == '}' {
		p.at++
		return Bundle{}, nil
	}
	from := len(p.open)
	var index map[string]int
	for {
		if p.next() != '"' {
			return nil, p.expected("a name in quotes")
		}
		name, err := p.string(true)
		if err != nil {
			return nil, err
		}
		if p.next() != ':' {
			return nil, p.expected(`":"`)
		}
		p.at++
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		p.member(from, &index, name, value)
		switch p.next() {
		case ',':
			p.at++
			continue
		case '}':
			p.at++
			o := &object{fields: append([]field(nil), p.open[from:]...), index: index}
			clear(p.open[from:])
			p.open = p.open[:from]
			return Bundle{o: o}, nil
		}
		return nil, p.expected(`"," or "}"`)
	}
}

// member adds a field to the object whose fields begin at from.
func (p *jsonParser) member(from int, index *map[string]int, name string, value any) {
	fields := p.open[from:]
	if *index != nil {
		if i, ok := (*index)[name]; ok {
			fields[i].value = value
			return
		}
		(*index)[name] = len(fields)
		p.open = append(p.open, field{name, value})
		return
	}
	for i := range fields {
		if fields[i].name == name {
			fields[i].value = value
			return
		}
	}
	p.open = append(p.open, field{name, value})
	if fields = p.open[from:]; len(fields) >= indexFrom {
		*index = make(map[string]int, 2*len(fields))
		for i := range fields {
			(*index)[fields[i].name] = i
		}
	}
}

func (p *jsonParser) number() (any, error) {
	from := p.at
	digits := func() bool {
		start := p.at
		for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
			p.at++
		}
		return p.at > start
	}
	if p.text[p.at] == '-' {
		p.at++
	}
	if p.at < len(p.text) && p.text[p.at] == '0' {
		p.at++
	} else if !digits() {
		return nil, p.expected("a digit")
	}
	integer := true
	if p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		integer = false
		if !digits() {
			return nil, p.expected("a digit")
		}
	}
	if p.at < len(p.text) && p.text[p.at]|0x20 == 'e' {
		p.at++
		integer = false
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if !digits() {
			return nil, p.expected("a digit")
		}
	}
	text := p.text[from:p.at]
	if integer && len(text) <= 18 {
		var n int64
		for _, c := range bytes.TrimPrefix(text, []byte{'-'}) {
			n = n*10 + int64(c-'0')
		}
		if text[0] == '-' {
			n = -n
		}
		return n, nil
	}
	if integer {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		p.at = from
		return nil, p.expected("a number that a float64 can hold")
	}
	return f, nil
}

// string reads a text in quotes, or the name of a field, of which one copy serves all objects.
func (p *jsonParser) string(name bool) (string, error) {
	p.at++
	from := p.at
	ascii := true
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			raw := p.text[from:p.at]
			p.at++
			switch {
			case !ascii && !utf8.Valid(raw):
				return validText(string(raw)), nil
			case p.shared != "":
				return p.shared[from : from+len(raw)], nil
			case name:
				return p.intern(raw), nil
			}
			return string(raw), nil
		case c == '\\':
			return p.escaped(from)
		case c < ' ':
			return "", p.expected("an escape for a control character")
		case c >= utf8.RuneSelf:
			ascii = false
		}
		p.at++
	}
	return "", p.expected("the closing quote")
}

// validText puts U+FFFD for every byte that is no UTF-8.
func validText(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func (p *jsonParser) intern(raw []byte) string {
	if name, ok := p.names[string(raw)]; ok {
		return name
	}
	if p.names == nil {
		p.names = map[string]string{}
	}
	name := string(raw)
	p.names[name] = name
	return name
}

// escaped reads a text with escapes; what lies between from and the first of them is plain.
func (p *jsonParser) escaped(from int) (string, error) {
	out := append(make([]byte, 0, p.at-from+64), p.text[from:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			return validText(string(out)), nil
		case c < ' ':
			return "", p.expected("an escape for a control character")
		case c != '\\':
			out = append(out, c)
			p.at++
			continue
		}
		p.at++
		if p.at >= len(p.text) {
			break
		}
		switch c := p.text[p.at]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := p.hex(p.at + 1)
			if !ok {
				return "", p.expected("four hexadecimal digits")
			}
			p.at += 4
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if p.at+2 < len(p.text) && p.text[p.at+1] == '\\' && p.text[p.at+2] == 'u' {
					low, ok = p.hex(p.at + 3)
				}
				if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
					p.at += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			return "", p.expected("a known escape")
		}
		p.at++
	}
	return "", p.expected("the closing quote")
}

func (p *jsonParser) hex(at int) (rune, bool) {
	if at+4 > len(p.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.text[at:at+4]), 16, 32)
	// ParseUint takes no signs, but underscores only with base 0, so four bytes are four digits.
	return rune(n), err == nil
}
