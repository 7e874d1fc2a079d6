package blueprint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// appender is a value of this package that writes itself as JSON.
type appender interface {
	appendJSON(dst []byte) ([]byte, error)
}

// appendValue writes a value as compact JSON.
func appendValue(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case string:
		return appendString(dst, v), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case json.Number:
		if !isNumber(string(v)) {
			return nil, fmt.Errorf("%w: %q is not a number", ErrValue, string(v))
		}
		return append(dst, v...), nil
	case *Object:
		if v == nil {
			return append(dst, "null"...), nil
		}
		return appendMembers(dst, v, nil, func(_ string, value any, _ bool) (any, bool) { return value, true })
	case []any:
		return appendList(dst, v, appendValue)
	case appender:
		return v.appendJSON(dst)
	default:
		return appendForeign(dst, v)
	}
}

// appendForeign writes what the caller of Set put there, such as a map or a struct, through encoding/json.
func appendForeign(dst []byte, value any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, fmt.Errorf("%w: %T", ErrValue, value)
	}
	return append(dst, bytes.TrimSpace(out.Bytes())...), nil
}

func appendList[T any](dst []byte, list []T, element func([]byte, T) ([]byte, error)) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = element(dst, v); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// appendMembers writes an object: the fields of source in their order, then those of names that source has not. Of each field, value
// tells what to write, and whether.
func appendMembers(dst []byte, source *Object, names []string, value func(name string, raw any, has bool) (any, bool)) ([]byte, error) {
	dst = append(dst, '{')
	first, err := true, error(nil)
	field := func(name string, raw any, has bool) {
		v, write := value(name, raw, has)
		if !write || err != nil {
			return
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, name), ':')
		var out []byte
		if out, err = appendValue(dst, v); err == nil {
			dst = out
		}
	}
	for name, raw := range source.All() {
		field(name, raw, true)
	}
	for _, name := range names {
		if _, has := source.Get(name); !has {
			field(name, nil, false)
		}
	}
	if err != nil {
		return nil, err
	}
	return append(dst, '}'), nil
}

// appendString writes a text as JSON and only escapes what RFC 8259 asks for. A half surrogate that reader kept goes out as the
// escape that it was; any other byte that is not UTF-8 goes out as U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		if _, size := utf8.DecodeRuneInString(s[i:]); size > 1 {
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		if unit, ok := surrogateAt(s, i); ok {
			dst = append(dst, '\\', 'u', hex[unit>>12], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
			i += 3
		} else {
			dst = append(dst, "\ufffd"...)
			i++
		}
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// surrogateAt returns the half surrogate that begins at s[i], in the form that reader keeps it.
func surrogateAt(s string, i int) (rune, bool) {
	if len(s)-i < 3 || s[i] != 0xED || s[i+1]&0xE0 != 0xA0 || s[i+2]&0xC0 != 0x80 {
		return 0, false
	}
	return 0xD000 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F), true
}

// isNumber reports whether the text is one JSON number.
func isNumber(text string) bool {
	r := reader{text: text}
	if text == "" {
		return false
	}
	if c := text[0]; c != '-' && (c < '0' || c > '9') {
		return false
	}
	_, err := r.number()
	return err == nil && r.pos == len(text)
}
