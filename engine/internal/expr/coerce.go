package expr

import (
	"math"
	"time"
)

// A Type is what a field, a parameter or a filter's operand is declared to be.
type Type uint8

// The types. A value of TypeAny is left as it is. TypeTime is a time of day, kept as text HH:mm:ss.
const (
	TypeAny Type = iota
	TypeText
	TypeNumber
	TypeInteger
	TypeUInteger
	TypeBoolean
	TypeDate
	TypeTime
	TypeBuffer
	TypeArray
	TypeCollection
)

var typeNames = [...]string{"any", "text", "number", "integer", "uinteger", "boolean", "date", "time", "buffer", "array", "collection"}

// String returns the name that Make gives the type.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "any"
}

// ParseType gives the type that a field of a blueprint's interface declares. Names that only refine text (email, url,
// filename, path, color, uuid, password, cert, pkey, hidden text) are TypeText. For other names, such as select or filter,
// whose values are taken as they are, it gives TypeAny and false.
func ParseType(name string) (Type, bool) {
	for i, known := range typeNames {
		if name == known {
			return Type(i), true
		}
	}
	switch name {
	case "email", "url", "filename", "path", "color", "uuid", "password", "cert", "pkey", "timezone":
		return TypeText, true
	case "port":
		return TypeUInteger, true
	case "timestamp":
		return TypeDate, true
	}
	return TypeAny, false
}

// Coerce converts a value to the type that was declared for it, by Make's rules of type coercion:
//
//   - nil, Ignore and Erase stay as they are, whatever the type.
//   - text takes booleans, numbers, dates, arrays (items joined by ", ") and buffers that are valid UTF-8; a collection is an error.
//   - number takes text that spells one. integer and uinteger take whole numbers, the latter from 0 on.
//   - boolean: a number is true, even 0; text is false when it is "false" or empty; anything else is true.
//   - date takes text in the forms ISO 8601, YYYY-MM-DD HH:mm[:ss][zone], YYYY/MM/DD, MM/DD/YYYY, D.M.YYYY, RFC 2822 and
//     the like, with day, month and year and an optional time, also with AM or PM. Without a zone it is read in loc.
//   - time takes text H:mm[:ss] with an optional AM or PM, and a date, whose time of day in loc it is.
//   - buffer takes text as UTF-8, and booleans, numbers and dates as their text.
//   - array makes one item of anything else. collection takes nothing else.
//
// A nil loc is UTC. What cannot be converted is a *RuntimeError that names the types but not the value.
func Coerce(v any, to Type, loc *time.Location) (any, error) {
	if isNull(v) {
		return v, nil
	}
	switch to {
	case TypeText:
		return coerceText(v, defaultMaxTextBytes)
	case TypeNumber:
		return coerceNumber(v)
	case TypeInteger, TypeUInteger:
		return coerceInteger(v, to)
	case TypeBoolean:
		return coerceBoolean(v), nil
	case TypeDate:
		return coerceDate(v, loc)
	case TypeTime:
		return coerceTime(v, loc)
	case TypeBuffer:
		return coerceBuffer(v, defaultMaxTextBytes)
	case TypeArray:
		if _, ok := v.([]any); ok {
			return v, nil
		}
		return []any{v}, nil
	case TypeCollection:
		if _, ok := v.(Object); !ok {
			return nil, mismatch(v, to)
		}
	}
	return v, nil
}

func mismatch(v any, to Type) *RuntimeError {
	return invalid("expected %s, got %s", to, kindOf(v))
}

// The conversions give back the very v that has the type already: putting its content into a new any would allocate.

func coerceText(v any, limit int) (any, error) {
	switch v.(type) {
	case string:
		return v, nil
	case Object:
		return nil, mismatch(v, TypeText)
	}
	text, err := appendText(nil, v, limit)
	if err != nil {
		return nil, err
	}
	return string(text), nil
}

func coerceNumber(v any) (any, error) {
	switch text := v.(type) {
	case int64, float64:
		return v, nil
	case string:
		if n, ok := parseNumber(text); ok {
			return n, nil
		}
		return nil, invalid("expected number, got text that is none")
	}
	return nil, mismatch(v, TypeNumber)
}

func coerceInteger(v any, to Type) (any, error) {
	n, err := coerceNumber(v)
	if err != nil {
		return nil, err
	}
	if f, ok := n.(float64); ok {
		if f != math.Trunc(f) || f >= 1<<63 || f < -1<<63 {
			return nil, invalid("expected %s, got a number that is not whole or too large", to)
		}
		n = int64(f)
	}
	if to == TypeUInteger && n.(int64) < 0 {
		return nil, invalid("expected %s, got a number below 0", to)
	}
	return n, nil
}

func coerceBoolean(v any) any {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v != "" && v != "false"
	}
	return true
}

func coerceDate(v any, loc *time.Location) (any, error) {
	switch text := v.(type) {
	case time.Time:
		return v, nil
	case string:
		if t, ok := parseDateText(text, loc); ok {
			return t, nil
		}
		return nil, invalid("expected date, got text that is none")
	}
	return nil, mismatch(v, TypeDate)
}

func coerceTime(v any, loc *time.Location) (any, error) {
	switch v := v.(type) {
	case time.Time:
		return timeOfDay(sinceMidnight(v, loc)), nil
	case string:
		if d, ok := parseTimeText(v); ok {
			return timeOfDay(d), nil
		}
		return nil, invalid("expected time, got text that is none")
	}
	return nil, mismatch(v, TypeTime)
}

func sinceMidnight(t time.Time, loc *time.Location) time.Duration {
	hour, minute, second := inZone(t, loc).Clock()
	return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second +
		time.Duration(t.Nanosecond())
}

// timeOfDay writes HH:mm:ss, with milliseconds where there are any.
func timeOfDay(d time.Duration) string {
	text := appendPadded(nil, int(d/time.Hour), 2)
	text = appendPadded(append(text, ':'), int(d/time.Minute%60), 2)
	text = appendPadded(append(text, ':'), int(d/time.Second%60), 2)
	if ms := int(d / time.Millisecond % 1000); ms > 0 {
		text = appendPadded(append(text, '.'), ms, 3)
	}
	return string(text)
}

func coerceBuffer(v any, limit int) (any, error) {
	switch text := v.(type) {
	case []byte:
		return v, nil
	case string:
		return []byte(text), nil
	case bool, int64, float64, time.Time:
		return appendItem(nil, v, limit)
	}
	return nil, mismatch(v, TypeBuffer)
}

// inZone gives a date in the zone that expressions work in.
func inZone(t time.Time, loc *time.Location) time.Time {
	if loc == nil {
		return t.UTC()
	}
	return t.In(loc)
}
