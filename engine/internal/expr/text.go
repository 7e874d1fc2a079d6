package expr

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendText appends the text that a value has in a mixed template. It fails when dst would grow beyond limit bytes.
func appendText(dst []byte, v any, limit int) ([]byte, error) {
	items, ok := v.([]any)
	if !ok {
		return appendItem(dst, v, limit)
	}
	var err error
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		switch item.(type) {
		case []any, Object:
			dst, err = appendJSON(dst, item, limit, 0)
		default:
			dst, err = appendItem(dst, item, limit)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendItem(dst []byte, v any, limit int) ([]byte, error) {
	switch v := v.(type) {
	case nil, Special:
	case bool:
		dst = strconv.AppendBool(dst, v)
	case int64:
		dst = strconv.AppendInt(dst, v, 10)
	case float64:
		dst = appendFloat(dst, v)
	case string:
		if len(dst)+len(v) > limit {
			return dst, errTextLimit()
		}
		dst = append(dst, v...)
	case time.Time:
		dst = appendISO(dst, v)
	case []byte:
		if !utf8.Valid(v) {
			return dst, badData("a buffer that is not UTF-8 text cannot be converted to text")
		}
		if len(dst)+len(v) > limit {
			return dst, errTextLimit()
		}
		dst = append(dst, v...)
	case Object:
		return appendJSON(dst, v, limit, 0)
	default:
		return dst, badData("a %s cannot be converted to text", kindOf(v))
	}
	if len(dst) > limit {
		return dst, errTextLimit()
	}
	return dst, nil
}

// appendJSON appends what JavaScript's JSON.stringify gives, with an object's fields in their order.
func appendJSON(dst []byte, v any, limit, depth int) ([]byte, error) {
	if depth > maxValueDepth {
		return dst, errDepth()
	}
	var err error
	switch v := v.(type) {
	case nil, Special:
		dst = append(dst, "null"...)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			dst = append(dst, "null"...)
		} else {
			dst = appendFloat(dst, v)
		}
	case string:
		if len(dst)+len(v) > limit {
			return dst, errTextLimit()
		}
		dst = appendQuoted(dst, v)
	case time.Time:
		dst = append(appendISO(append(dst, '"'), v), '"')
	case []byte:
		if !utf8.Valid(v) {
			return dst, badData("a buffer that is not UTF-8 text cannot be converted to text")
		}
		if len(dst)+len(v) > limit {
			return dst, errTextLimit()
		}
		dst = appendQuoted(dst, string(v))
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendJSON(dst, item, limit, depth+1); err != nil {
				return dst, err
			}
		}
		dst = append(dst, ']')
	case Object:
		dst = append(dst, '{')
		first := true
		for name, value := range v.All() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(appendQuoted(dst, name), ':')
			if dst, err = appendJSON(dst, value, limit, depth+1); err != nil {
				return dst, err
			}
		}
		dst = append(dst, '}')
	default:
		return appendItem(dst, v, limit)
	}
	if len(dst) > limit {
		return dst, errTextLimit()
	}
	return dst, nil
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends a JSON string. Only what JSON.stringify escapes is escaped.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + size
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
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
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// appendFloat appends a number as JavaScript's Number::toString does (ECMA-262, 6.1.6.1.20).
func appendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		return append(dst, '0')
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript only those it needs.
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// appendISO appends a date as JavaScript's toISOString does: UTC, milliseconds, and a sign and six digits for years
// beyond four digits.
func appendISO(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	switch {
	case year < 0:
		dst = appendPadded(append(dst, '-'), -year, 6)
	case year > 9999:
		dst = appendPadded(append(dst, '+'), year, 6)
	default:
		dst = appendPadded(dst, year, 4)
	}
	hour, minute, second := t.Clock()
	dst = appendPadded(append(dst, '-'), int(month), 2)
	dst = appendPadded(append(dst, '-'), day, 2)
	dst = appendPadded(append(dst, 'T'), hour, 2)
	dst = appendPadded(append(dst, ':'), minute, 2)
	dst = appendPadded(append(dst, ':'), second, 2)
	dst = appendPadded(append(dst, '.'), t.Nanosecond()/1e6, 3)
	return append(dst, 'Z')
}

// appendPadded appends a number that is not negative with at least width digits.
func appendPadded(dst []byte, n, width int) []byte {
	for rest := n / 10; width > 1; width-- {
		if rest == 0 {
			dst = append(dst, '0')
		}
		rest /= 10
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// parseNumber reads a number as it is spelled in text: an optional sign, digits with an optional decimal point, an
// optional exponent, and blanks around them. What fits an int64 exactly is one.
func parseNumber(s string) (any, bool) {
	s = trimSpace(s)
	digits, whole := false, true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = true
		case c == '+' || c == '-':
			if i > 0 && s[i-1] != 'e' && s[i-1] != 'E' {
				return nil, false
			}
		case c == '.':
			whole = false
		case c == 'e' || c == 'E':
			if !digits {
				return nil, false
			}
			whole = false
		default:
			return nil, false
		}
	}
	if !digits {
		return nil, false
	}
	if whole {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, true
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, false
	}
	return number(f), true
}

// number gives a float that is a whole number up to 2^53 as an int64, so that a result has one form however it came about.
func number(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return int64(f)
	}
	return f
}
