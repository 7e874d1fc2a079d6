package expr

import (
	"math"
	"math/bits"
)

// A scalar is a value on its way through a calculation. A number stands outside of the interface there, so that only the
// result of a calculation is allocated; then other says what the bits are. It is kept small enough for registers.
type scalar struct {
	other any
	bits  uint64
}

type (
	wholeNumber struct{} // the bits are an int64
	floatNumber struct{} // the bits are a float64
)

func wholeOf(n int64) scalar    { return scalar{wholeNumber{}, uint64(n)} } //nolint:gosec // bits
func floatOf(f float64) scalar  { return scalar{floatNumber{}, math.Float64bits(f)} }
func otherOf(v any) scalar      { return scalar{other: v} }
func (s scalar) whole() int64   { return int64(s.bits) } //nolint:gosec // bits
func (s scalar) float() float64 { return math.Float64frombits(s.bits) }

func (s scalar) isWhole() bool {
	_, whole := s.other.(wholeNumber)
	return whole
}

func (s scalar) isFloat() bool {
	_, float := s.other.(floatNumber)
	return float
}

func (s scalar) isNumber() bool { return s.isWhole() || s.isFloat() }

// scalarOf takes a number out of its interface. A float stays one, even if it is whole.
func scalarOf(v any) scalar {
	switch v := v.(type) {
	case int64:
		return wholeOf(v)
	case float64:
		return floatOf(v)
	}
	return otherOf(v)
}

// result is the value of what was calculated. A float that is a whole number up to 2^53 becomes an integer, so that a result
// has one form however it came about.
func (s scalar) result() any {
	switch s.other.(type) {
	case wholeNumber:
		return s.whole()
	case floatNumber:
		return number(s.float())
	}
	return s.other
}

// number gives a number as a float.
func (s scalar) number() (float64, bool) {
	switch s.other.(type) {
	case wholeNumber:
		return float64(s.whole()), true
	case floatNumber:
		return s.float(), true
	}
	return 0, false
}

func (s scalar) truth() bool {
	switch s.other.(type) {
	case wholeNumber:
		return s.whole() != 0
	case floatNumber:
		return truth(s.float())
	}
	return truth(s.other)
}

// evaluate is a node's eval without the interface where that saves an allocation.
func (m *machine) evaluate(n node) (scalar, error) {
	switch n := n.(type) {
	case *path:
		return scalarOf(n.find(m.env)), nil
	case constant:
		return scalarOf(n.value), nil
	case *chain:
		return n.run(m)
	}
	v, err := m.eval(n)
	return scalarOf(v), err
}

// test is the truth of a node's value.
func (m *machine) test(n node) (bool, error) {
	switch n := n.(type) {
	case *all:
		return n.test(m)
	case *either:
		return n.test(m)
	case *not:
		return n.test(m)
	case *comparison:
		return n.test(m)
	}
	s, err := m.evaluate(n)
	return err == nil && s.truth(), err
}

// calculate works out an arithmetic operator for two numbers; ok is false when one of them is none.
func calculate(op operator, a, b scalar) (result scalar, ok bool) {
	var x, y float64
	switch a.other.(type) {
	case floatNumber:
		x = a.float()
	case wholeNumber:
		if b.isWhole() {
			if result, ok := calculateWhole(op, a.whole(), b.whole()); ok {
				return wholeOf(result), true
			}
		}
		x = float64(a.whole())
	default:
		return scalar{}, false
	}
	switch b.other.(type) {
	case floatNumber:
		y = b.float()
	case wholeNumber:
		y = float64(b.whole())
	default:
		return scalar{}, false
	}
	switch op {
	case opAdd:
		x += y
	case opSubtract:
		x -= y
	case opMultiply:
		x *= y
	case opDivide:
		x /= y
	default:
		x = math.Mod(x, y)
	}
	return floatOf(x), true
}

// calculateWhole calculates where the result is an int64 exactly.
func calculateWhole(op operator, a, b int64) (int64, bool) {
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
			return 0, false
		}
		return a * b, true
	case opDivide:
		if b == 0 || a%b != 0 || a == math.MinInt64 && b == -1 {
			return 0, false
		}
		return a / b, true
	case opRemainder:
		if b == 0 || b == -1 {
			return 0, b == -1
		}
		return a % b, true
	}
	return 0, false
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) //nolint:gosec // two's complement gives the magnitude of the smallest number too
	}
	return uint64(n)
}

// compareScalars orders two numbers; it gives 2 when either is NaN, or none. Two integers, and an integer and a float,
// are compared exactly.
func compareScalars(a, b scalar) int {
	switch {
	case a.isWhole() && b.isWhole():
		return order(a.whole(), b.whole())
	case a.isWhole() && b.isFloat():
		return compareIntFloat(a.whole(), b.float())
	case a.isFloat() && b.isWhole():
		if c := compareIntFloat(b.whole(), a.float()); c != 2 {
			return -c
		}
	case a.isFloat() && b.isFloat():
		if x, y := a.float(), b.float(); x == x && y == y {
			return order(x, y)
		}
	}
	return 2
}
