package expr

import (
	"math"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// A Special is the value of the keyword ignore or erase. It counts as null wherever an expression uses it, and survives
// where it is an island's whole value.
type Special uint8

const (
	// Ignore says that the field is to be treated as if it had been left blank.
	Ignore Special = iota + 1
	// Erase says that the field is to be cleared.
	Erase
)

// String returns the keyword.
func (s Special) String() string {
	if s == Erase {
		return "erase"
	}
	return "ignore"
}

// maxValueDepth is how deep arrays and collections may nest where they are written, compared or flattened.
const maxValueDepth = connector.MaxDepth

// kindOf names a value's type as messages do.
func kindOf(v any) string {
	switch v.(type) {
	case nil, Special:
		return "null"
	case bool:
		return "boolean"
	case int64, float64:
		return "number"
	case string:
		return "text"
	case time.Time:
		return "date"
	case []byte:
		return "buffer"
	case []any:
		return "array"
	case connector.Bundle:
		return "collection"
	}
	return "value of an unknown type"
}

// isNull says whether a value counts as null.
func isNull(v any) bool {
	switch v.(type) {
	case nil, Special:
		return true
	}
	return false
}

// isEmpty is the emptiness of ifempty: null, "" or an array without items, but neither 0 nor false.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil, Special:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return false
}

// truth is JavaScript's.
func truth(v any) bool {
	switch v := v.(type) {
	case nil, Special:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	}
	return true
}

// compareNumbers orders two numbers as compareScalars does; it gives 2 for what is none.
func compareNumbers(a, b any) int {
	return compareScalars(scalarOf(a), scalarOf(b))
}

func compareIntFloat(a int64, b float64) int {
	switch {
	case math.IsNaN(b):
		return 2
	case b >= 1<<63:
		return -1
	case b < -1<<63:
		return 1
	}
	whole, fraction := math.Modf(b)
	if c := order(a, int64(whole)); c != 0 {
		return c
	}
	return order(0, fraction)
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
