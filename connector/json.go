package connector

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// MarshalJSON writes the bundle as [AppendJSON] does. json.Marshal, which calls it, escapes <, > and & besides.
func (b Bundle) MarshalJSON() ([]byte, error) { return AppendJSON(nil, b) }

// UnmarshalJSON reads an object as [ParseJSON] does. Null leaves the bundle as it is.
func (b *Bundle) UnmarshalJSON(text []byte) error {
	value, err := ParseJSON(text)
	if err != nil {
		return err
	}
	switch value := value.(type) {
	case nil:
	case Bundle:
		*b = value
	default:
		return fmt.Errorf("%w: expected an object, received %s", ErrJSON, typeName(value))
	}
	return nil
}

// AppendJSON appends the JSON of a value to dst, in the way that JavaScript's JSON.stringify writes it: no blanks,
// fields in their order, no escapes but those that JSON demands, numbers as JavaScript prints them. int64 is exact. NaN
// and infinities, which JSON does not have, are null. A time is ISO 8601 in UTC with milliseconds. A buffer is its text
// when that is valid UTF-8, else its base64 (RFC 4648, section 4). Bytes of texts that are no UTF-8 become U+FFFD.
//
// What a bundle cannot hold is normalized first. Errors are those of [Normalize].
func AppendJSON(dst []byte, value any) ([]byte, error) {
	return appendJSON(dst, value, 0, len(dst)+MaxEncodedBytes, false)
}

// appendJSON is strict where buffers must be text.
func appendJSON(dst []byte, value any, depth, limit int, strict bool) ([]byte, error) {
	if depth > MaxDepth {
		return dst, ErrDepth
	}
	if len(dst) > limit {
		return dst, ErrTooLarge
	}
	var err error
	switch value := value.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, value), nil
	case int64:
		return strconv.AppendInt(dst, value, 10), nil
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return append(dst, "null"...), nil
		}
		return appendNumber(dst, value), nil
	case string:
		return appendString(dst, value), nil
	case time.Time:
		dst = append(dst, '"')
		dst = appendDate(dst, value)
		return append(dst, '"'), nil
	case []byte:
		if utf8.Valid(value) {
			return appendString(dst, value), nil
		}
		if strict {
			return dst, errBuffer()
		}
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, value)
		return append(dst, '"'), nil
	case []any:
		if value == nil {
			return append(dst, "null"...), nil
		}
		dst = append(dst, '[')
		for i, element := range value {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendJSON(dst, element, depth+1, limit, strict); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case Bundle:
		dst = append(dst, '{')
		for i := range value.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			f := &value.o.fields[i]
			dst = append(appendString(dst, f.name), ':')
			if dst, err = appendJSON(dst, f.value, depth+1, limit, strict); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	}
	normal, err := Normalize(value)
	if err != nil {
		return dst, err
	}
	return appendJSON(dst, normal, depth, limit, strict)
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends a text as a JSON string, as [AppendJSON] does: only what JSON demands is escaped, and bytes that are
// no UTF-8 become U+FFFD.
func AppendQuoted(dst []byte, text string) []byte { return appendString(dst, text) }

// appendString quotes a text.
func appendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)]))
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, text[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, text[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, text[from:]...), '"')
}

// appendNumber writes a number as ECMAScript's Number::toString does: digits as short as they can be, an exponent from
// 1e21 on and below 1e-6, and no minus for zero.
func appendNumber(dst []byte, f float64) []byte {
	switch {
	case f == 0:
		return append(dst, '0')
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	}
	size := math.Abs(f)
	if size >= 1e-6 && size < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript as many as there are.
	if n := len(dst); n >= 3 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst = append(dst[:n-2], dst[n-1])
	}
	return dst
}

func formatNumber(f float64) string {
	var room [32]byte
	return string(appendNumber(room[:0], f))
}

// appendDate writes an instant as ECMAScript's Date.prototype.toISOString does. Years that do not have four digits get
// a sign and six.
func appendDate(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year := t.Year()
	if year >= 0 && year <= 9999 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	}
	if year < 0 {
		dst, year = append(dst, '-'), -year
	} else {
		dst = append(dst, '+')
	}
	for digit := 100_000; digit > year && digit > 1; digit /= 10 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendInt(dst, int64(year), 10)
	return t.AppendFormat(dst, "-01-02T15:04:05.000Z")
}

// parseNumber reads a number in decimal notation: int64 when it is written as an integer that fits, else float64.
func parseNumber(text string) (any, error) {
	integer := text != ""
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
		case c == '-' || c == '+':
			integer = integer && i == 0 && len(text) > 1
		case c == '.' || c == 'e' || c == 'E':
			integer = false
		default:
			return nil, errNumber
		}
	}
	if integer {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errNumber
	}
	return f, nil
}
