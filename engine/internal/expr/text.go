package expr

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ebbkit/ebb/connector"
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
		case []any, connector.Bundle:
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

// appendItem appends the text of a value that is no array.
func appendItem(dst []byte, v any, limit int) ([]byte, error) {
	size := 0
	switch v := v.(type) {
	case Special:
		return dst, nil
	case string:
		size = len(v)
	case []byte:
		size = len(v)
	case connector.Bundle:
		return appendJSON(dst, v, limit, 0)
	}
	// Before they are copied, because they may be large.
	if len(dst)+size > limit {
		return dst, errTextLimit()
	}
	dst, err := connector.AppendText(dst, v)
	if err != nil {
		return dst, refused(err)
	}
	if len(dst) > limit {
		return dst, errTextLimit()
	}
	return dst, nil
}

// appendJSON appends what JavaScript's JSON.stringify gives, with an object's fields in their order.
func appendJSON(dst []byte, value any, limit, depth int) ([]byte, error) {
	if depth > maxValueDepth {
		return dst, errDepth()
	}
	var err error
	switch v := value.(type) {
	case nil, Special:
		dst = append(dst, "null"...)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			dst = append(dst, "null"...)
		} else {
			return appendItem(dst, value, limit)
		}
	case string:
		if len(dst)+len(v) > limit {
			return dst, errTextLimit()
		}
		dst = connector.AppendQuoted(dst, v)
	case time.Time:
		if dst, err = appendItem(append(dst, '"'), value, limit); err != nil {
			return dst, err
		}
		dst = append(dst, '"')
	case []byte:
		if !utf8.Valid(v) {
			return dst, badData("a buffer that is not UTF-8 text cannot be converted to text")
		}
		if len(dst)+len(v) > limit {
			return dst, errTextLimit()
		}
		dst = connector.AppendQuoted(dst, string(v))
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
	case connector.Bundle:
		dst = append(dst, '{')
		first := true
		for name, field := range v.All() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(connector.AppendQuoted(dst, name), ':')
			if dst, err = appendJSON(dst, field, limit, depth+1); err != nil {
				return dst, err
			}
		}
		dst = append(dst, '}')
	default:
		return appendItem(dst, value, limit)
	}
	if len(dst) > limit {
		return dst, errTextLimit()
	}
	return dst, nil
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

// parseNumber reads a number as text is converted to one.
func parseNumber(s string) (any, bool) {
	n, err := connector.Coerce(s, connector.TypeNumber, nil)
	return n, err == nil
}

// number gives a float that is a whole number up to 2^53 as an int64, so that a result has one form however it came about.
func number(f float64) any {
	if n := int64(f); float64(n) == f && n <= 1<<53 && n >= -1<<53 {
		return n
	}
	return f
}
