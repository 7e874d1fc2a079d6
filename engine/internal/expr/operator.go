package expr

import (
	"math"
	"slices"
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

// Symbols lists how binary operators are written: by precedence, the loosest first, and each with its other spellings behind
// it.
func Symbols() [][][]string {
	all := make([][][]string, len(levels))
	for i, level := range levels {
		for _, op := range level {
			var spellings []string
			for _, known := range slices.Backward(operatorTexts[:]) {
				if known.op == op {
					spellings = append(spellings, known.text)
				}
			}
			switch op {
			case opOr:
				spellings = append(spellings, "or")
			case opAnd:
				spellings = append(spellings, "and")
			}
			all[i] = append(all[i], spellings)
		}
	}
	return all
}

// apply works out one binary operator; & and |, which may leave out their right side, are the evaluator's.
func apply(m *machine, op operator, a, b scalar) (scalar, error) {
	switch op {
	case opEqual, opNotEqual:
		same, err := equalScalars(a, b)
		return otherOf(same == (op == opEqual)), err
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		return otherOf(ordered(op, compare(m, a, b))), nil
	}
	x, y, err := operands(m, a, b)
	if err != nil {
		return scalar{}, err
	}
	if op == opAdd && isNull(a.other) && isNull(b.other) {
		return scalar{}, nil
	}
	result, _ := calculate(op, x, y)
	return result, nil
}

func equalScalars(a, b scalar) (bool, error) {
	if s, ok := a.other.(string); ok {
		t, ok := b.other.(string)
		return ok && s == t, nil
	}
	switch a.other.(type) {
	case wholeNumber, floatNumber:
		return compareScalars(a, b) == 0, nil
	}
	return equal(a.other, b.other)
}

// ordered says whether an order is the one that an operator asks for; 2 is none.
func ordered(op operator, order int) bool {
	switch op {
	case opLess:
		return order < 0
	case opLessEqual:
		return order <= 0
	case opGreater:
		return order == 1
	}
	return order == 0 || order == 1
}

// compare orders two values as JavaScript's relational operators do: two texts by their UTF-16 units, everything else as
// numbers. What is no number orders with nothing, which gives 2 and makes every comparison false.
func compare(m *machine, a, b scalar) int {
	if s, ok := a.other.(string); ok {
		if t, ok := b.other.(string); ok {
			return compareUTF16(s, t)
		}
	}
	if a.isNumber() && b.isNumber() {
		return compareScalars(a, b)
	}
	x, y, err := operands(m, a, b)
	if err != nil {
		return 2
	}
	return compareScalars(x, y)
}

// operands gives two values' numbers. Text beside a date is a date, so that "2026-01-31" can be subtracted from one.
func operands(m *machine, a, b scalar) (x, y scalar, err error) {
	if x, err = operandBeside(m, a, b); err != nil {
		return x, y, err
	}
	y, err = operandBeside(m, b, a)
	return x, y, err
}

func operandBeside(m *machine, s, other scalar) (scalar, error) {
	if _, date := other.other.(time.Time); date {
		if text, ok := s.other.(string); ok {
			if t, err := connector.ParseDate(text, m.location()); err == nil {
				return wholeOf(t.UnixMilli()), nil
			}
		}
	}
	return operand(s)
}

// operand gives an arithmetic operand's number.
func operand(s scalar) (scalar, error) {
	switch v := s.other.(type) {
	case wholeNumber, floatNumber:
		return s, nil
	case nil, Special:
		return wholeOf(0), nil
	case bool:
		if v {
			return wholeOf(1), nil
		}
		return wholeOf(0), nil
	case time.Time:
		return wholeOf(v.UnixMilli()), nil
	case string:
		if trimSpace(v) == "" {
			return wholeOf(0), nil
		}
		if n, ok := parseNumber(v); ok {
			return scalarOf(n), nil
		}
		return s, invalid("text that is not a number cannot be calculated with")
	}
	return s, invalid("values of type %s cannot be calculated with", kindOf(s.other))
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
	n, err := operand(scalarOf(v))
	if err != nil {
		return nil, err
	}
	if n.isWhole() && n.whole() != math.MinInt64 {
		return -n.whole(), nil
	}
	f, _ := n.number()
	return number(-f), nil
}
