package connector

import (
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Coerce converts one value by Make's rules of type coercion, which [Convert] lists; text-like types are text, and types
// that are not known take everything. Null stays null, whatever the type, and what has the type already comes back as it
// is. A date or time without a zone is in the given one, nil for UTC.
//
// The error is an [*Error] that names types and never the value: of type DataError for a buffer that is to become text
// but is not UTF-8, else BundleValidationError. Only an array that is to become text gives [ErrDepth] besides.
func Coerce(value any, to FieldType, zone *time.Location) (any, error) {
	// The type as it stands first: it is a basic one as a rule, and to find that out costs more than to compare it.
	if value == nil || fits(to, value) {
		return value, nil
	}
	base := to.base()
	if base != to && fits(base, value) {
		return value, nil
	}
	converted, ok := value, true
	switch base {
	case TypeText:
		text, err := AppendText(nil, value)
		if err != nil {
			return nil, err
		}
		return string(text), nil
	case TypeNumber:
		converted, ok = toNumber(value)
	case TypeInteger, TypeUInteger:
		converted, ok = toIntegral(value)
		if n, _ := toFloat(converted); n < 0 && to == TypeUInteger {
			ok = false
		}
	case TypeBoolean:
		converted = toBoolean(value)
	case TypeDate:
		converted, ok = unbox(toDate(value, zone))
	case TypeTime:
		converted, ok = unbox(timeOfDay(value, zone))
	case TypeBuffer:
		converted, ok = unbox(toBuffer(value))
	case TypeArray:
		if _, is := value.([]any); !is {
			converted = []any{value}
		}
	case TypeCollection:
		_, ok = value.(Bundle)
	}
	if !ok {
		return nil, mismatch(to, value)
	}
	return converted, nil
}

func unbox[T any](value T, ok bool) (any, bool) { return value, ok }

func mismatch(expected FieldType, value any) *Error {
	return &Error{Type: BundleValidationError, Message: "expected " + string(expected) + ", received " + typeName(value)}
}

// AppendText appends the text of a value by Make's rules of type coercion: booleans, numbers as JavaScript writes them
// (ECMA-262, Number::toString), dates as its toISOString does (UTC, milliseconds, and a sign and six digits for years
// that do not have four), buffers that are UTF-8, and arrays, whose elements are joined with ", ", arrays and collections
// in them as JSON. Null has no text. It allocates nothing but the room that it needs.
//
// Errors are those of [Coerce]: a collection is refused, and so is a buffer that is not UTF-8, wherever it stands. An array
// that is nested deeper than [MaxDepth] is [ErrDepth].
func AppendText(dst []byte, value any) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return dst, nil
	case string:
		return append(dst, value...), nil
	case bool:
		return strconv.AppendBool(dst, value), nil
	case int64:
		return strconv.AppendInt(dst, value, 10), nil
	case float64:
		return appendNumber(dst, value), nil
	case time.Time:
		return appendDate(dst, value), nil
	case []byte:
		if !utf8.Valid(value) {
			return dst, errBuffer()
		}
		return append(dst, value...), nil
	case []any:
		return joinText(dst, value)
	}
	return dst, mismatch(TypeText, value)
}

func errBuffer() *Error {
	return &Error{Type: DataError, Message: "a buffer that is not UTF-8 text cannot be converted to text"}
}

func joinText(dst []byte, list []any) ([]byte, error) {
	var err error
	for i, element := range list {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		switch element.(type) {
		case []any, Bundle:
			dst, err = appendJSON(dst, element, 0, len(dst)+MaxEncodedBytes, true)
		default:
			dst, err = AppendText(dst, element)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func toText(value any) (string, bool) {
	if text, ok := value.(string); ok {
		return text, true
	}
	if value == nil {
		return "", false
	}
	text, err := AppendText(nil, value)
	return string(text), err == nil
}

func toNumber(value any) (any, bool) {
	switch value := value.(type) {
	case int64, float64:
		return value, true
	case string:
		number, err := parseNumber(trimSpace(value))
		// A whole number has one form, however it was spelled.
		if f, ok := number.(float64); ok && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
			return int64(f), true
		}
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
