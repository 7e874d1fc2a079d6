package expr

import (
	"math"
	"math/bits"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
)

type operator uint8

const (
	opNone operator = iota
	opOr
	opAnd
	opEqual
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opAdd
	opSubtract
	opMultiply
	opDivide
	opRemainder
)

// levels are the binary operators' precedences, loosest first.
var levels = [...][]operator{
	{opOr},
	{opAnd},
	{opEqual, opNotEqual},
	{opLess, opLessEqual, opGreater, opGreaterEqual},
	{opAdd, opSubtract},
	{opMultiply, opDivide, opRemainder},
}

// apply works out one binary operator; & and |, which may leave out their right side, are the evaluator's.
func apply(op operator, a, b any, loc *time.Location) (any, error) {
	switch op {
	case opEqual, opNotEqual:
		same, err := equal(a, b)
		return same == (op == opEqual), err
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		c, ok := compare(a, b, loc)
		if !ok {
			return false, nil
		}
		switch op {
		case opLess:
			return c < 0, nil
		case opLessEqual:
			return c <= 0, nil
		case opGreater:
			return c > 0, nil
		}
		return c >= 0, nil
	}
	if op == opAdd && isNull(a) && isNull(b) {
		return nil, nil
	}
	// Text beside a date is a date, so that "2026-01-31" can be subtracted from one.
	a, b = alignDates(a, b, loc)
	x, err := operand(a)
	if err != nil {
		return nil, err
	}
	y, err := operand(b)
	if err != nil {
		return nil, err
	}
	if i, ok := x.(int64); ok {
		if j, ok := y.(int64); ok {
			if result, ok := applyIntegers(op, i, j); ok {
				return result, nil
			}
		}
	}
	return applyFloats(op, toFloat(x), toFloat(y)), nil
}

// compare orders two values as JavaScript's relational operators do: two texts by their UTF-16 units, everything else as
// numbers. What is no number orders with nothing, which makes every comparison false.
func compare(a, b any, loc *time.Location) (int, bool) {
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return compareUTF16(s, t), true
		}
	}
	a, b = alignDates(a, b, loc)
	x, err := operand(a)
	if err != nil {
		return 0, false
	}
	y, err := operand(b)
	if err != nil {
		return 0, false
	}
	c := compareNumbers(x, y)
	return c, c != 2
}

func alignDates(a, b any, loc *time.Location) (any, any) {
	if s, ok := a.(string); ok {
		if _, ok := b.(time.Time); ok {
			if t, err := connector.ParseDate(s, loc); err == nil {
				return t, b
			}
		}
	} else if s, ok := b.(string); ok {
		if _, ok := a.(time.Time); ok {
			if t, err := connector.ParseDate(s, loc); err == nil {
				return a, t
			}
		}
	}
	return a, b
}

// operand gives an arithmetic operand's number.
func operand(v any) (any, error) {
	switch v := v.(type) {
	case nil, Special:
		return int64(0), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case int64, float64:
		return v, nil
	case time.Time:
		return v.UnixMilli(), nil
	case string:
		if trimSpace(v) == "" {
			return int64(0), nil
		}
		if n, ok := parseNumber(v); ok {
			return n, nil
		}
		return nil, invalid("text that is not a number cannot be calculated with")
	}
	return nil, invalid("a %s cannot be calculated with", kindOf(v))
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

// applyIntegers calculates where the result is an int64 exactly.
func applyIntegers(op operator, a, b int64) (any, bool) {
	switch op {
	case opAdd:
		sum := a + b
		return sum, (sum > a) == (b > 0)
	case opSubtract:
		difference := a - b
		return difference, (difference < a) == (b > 0)
	case opMultiply:
		high, low := bits.Mul64(magnitude(a), magnitude(b))
		if high != 0 || low > math.MaxInt64 {
			return nil, false
		}
		return a * b, true
	case opDivide:
		if b == 0 || a%b != 0 || a == math.MinInt64 && b == -1 {
			return nil, false
		}
		return a / b, true
	case opRemainder:
		if b == 0 || b == -1 {
			return int64(0), b == -1
		}
		return a % b, true
	}
	return nil, false
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) //nolint:gosec // two's complement gives the magnitude of the smallest number too
	}
	return uint64(n)
}

func applyFloats(op operator, a, b float64) any {
	switch op {
	case opAdd:
		return number(a + b)
	case opSubtract:
		return number(a - b)
	case opMultiply:
		return number(a * b)
	case opDivide:
		return number(a / b)
	}
	return number(math.Mod(a, b))
}

// compareUTF16 orders texts as JavaScript does. That differs from the order of their bytes only where a character beyond
// the basic plane meets one between U+E000 and U+FFFF.
func compareUTF16(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return order(int64(len(a)), int64(len(b)))
	}
	if a[i] >= 0xEE && b[i] >= 0xEE {
		// Lead bytes from EE on begin U+E000 and above, F0 and above the supplementary planes, whose surrogates sort first.
		if x, y := a[i] >= 0xF0, b[i] >= 0xF0; x != y {
			if x {
				return -1
			}
			return 1
		}
	}
	return strings.Compare(a[i:], b[i:])
}

// negate is the unary minus.
func negate(v any) (any, error) {
	n, err := operand(v)
	if err != nil {
		return nil, err
	}
	if i, ok := n.(int64); ok && i != math.MinInt64 {
		return -i, nil
	}
	return number(-toFloat(n)), nil
}
