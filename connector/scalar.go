package connector

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The conversions of single values by Make's rules of type coercion, see Convert.

func toText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case bool:
		return strconv.FormatBool(value), true
	case int64:
		return strconv.FormatInt(value, 10), true
	case float64:
		return formatNumber(value), true
	case time.Time:
		return formatDate(value), true
	case []byte:
		if !utf8.Valid(value) {
			return "", false
		}
		return string(value), true
	case []any:
		return joinText(value)
	}
	return "", false
}

// joinText writes the elements of an array as one text. Arrays and collections inside are their JSON.
func joinText(list []any) (string, bool) {
	var out []byte
	for i, element := range list {
		if i > 0 {
			out = append(out, ", "...)
		}
		switch element := element.(type) {
		case nil:
		case []any, Bundle:
			var err error
			if out, err = AppendJSON(out, element); err != nil {
				return "", false
			}
		default:
			text, ok := toText(element)
			if !ok {
				return "", false
			}
			out = append(out, text...)
		}
	}
	return string(out), true
}

func toNumber(value any) (any, bool) {
	switch value := value.(type) {
	case int64, float64:
		return value, true
	case string:
		number, err := parseNumber(strings.TrimSpace(value))
		return number, err == nil
	}
	return nil, false
}

func toFloat(value any) (float64, bool) {
	number, ok := toNumber(value)
	switch number := number.(type) {
	case int64:
		return float64(number), ok
	case float64:
		return number, ok
	}
	return 0, false
}

func toInteger(value any) (int64, bool) {
	if n, ok := value.(int64); ok {
		return n, true
	}
	number, ok := toNumber(value)
	switch number := number.(type) {
	case int64:
		return number, ok
	case float64:
		// 2^63 itself does not fit, and no float lies between it and the largest that does.
		if number == math.Trunc(number) && number >= -1<<63 && number < 1<<63 {
			return int64(number), ok
		}
	}
	return 0, false
}

// toIntegral is toInteger for fields: an integer beyond int64 stays the float that it is.
func toIntegral(value any) (any, bool) {
	if n, ok := toInteger(value); ok {
		return n, true
	}
	f, ok := toFloat(value)
	return f, ok && f == math.Trunc(f) && !math.IsInf(f, 0)
}

func toBoolean(value any) bool {
	switch value := value.(type) {
	case bool:
		return value
	case string:
		return value != "false" && value != ""
	}
	return value != nil
}

func toDate(value any, zone *time.Location) (time.Time, bool) {
	switch value := value.(type) {
	case time.Time:
		return value, true
	case string:
		date, err := ParseDate(value, zone)
		return date, err == nil
	}
	return time.Time{}, false
}

func toBuffer(value any) ([]byte, bool) {
	switch value := value.(type) {
	case []byte:
		return value, true
	case []any, Bundle:
		return nil, false
	}
	text, ok := toText(value)
	return []byte(text), ok
}
