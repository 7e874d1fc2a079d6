package expr

import (
	"bytes"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

func mathFunctions() []Function {
	values := []Parameter{{Name: "value1 or array", Type: connector.TypeArray, sums: true}, {Name: "value2", Type: connector.TypeArray, Optional: true, Repeat: true, sums: true}}
	one := []Parameter{{Name: "number", Type: connector.TypeNumber}}
	aggregate := func(name string, f func(numbers []any) any) Function {
		return Function{
			Name: name, Family: "math", Result: connector.TypeNumber, Parameters: values,
			Call: func(c *Call) (any, error) { return f(numbersIn(c.Args)), nil },
		}
	}
	return []Function{
		aggregate("sum", sum),
		aggregate("average", average),
		aggregate("min", func(n []any) any { return extreme(n, -1) }),
		aggregate("max", func(n []any) any { return extreme(n, 1) }),
		aggregate("median", median),
		aggregate("stdevS", func(n []any) any { return deviation(n, 1) }),
		aggregate("stdevP", func(n []any) any { return deviation(n, 0) }),
		{
			Name: "abs", Family: "math", Result: connector.TypeNumber, Parameters: one,
			Call: func(c *Call) (any, error) {
				if toFloat(c.Args[0]) < 0 {
					return negate(c.Args[0])
				}
				return c.Args[0], nil
			},
		},
		{
			Name: "ceil", Family: "math", Result: connector.TypeNumber, Parameters: one,
			Call: func(c *Call) (any, error) { return rounded(c.Args[0], math.Ceil), nil },
		},
		{
			Name: "floor", Family: "math", Result: connector.TypeNumber, Parameters: one,
			Call: func(c *Call) (any, error) { return rounded(c.Args[0], math.Floor), nil },
		},
		{
			Name: "round", Family: "math", Result: connector.TypeNumber, Parameters: one,
			Call: func(c *Call) (any, error) { return rounded(c.Args[0], roundHalfUp), nil },
		},
		{
			Name: "trunc", Family: "math", Result: connector.TypeNumber,
			Parameters: []Parameter{{Name: "number", Type: connector.TypeNumber}, {Name: "decimals", Type: connector.TypeNumber, Optional: true}},
			Call:       trunc,
		},
		{
			Name: "parseNumber", Family: "math", Result: connector.TypeNumber,
			Parameters: []Parameter{{Name: "text", Type: connector.TypeText}, {Name: "decimal separator", Type: connector.TypeText, Optional: true}},
			Call:       parseNumberText,
		},
		{
			Name: "formatNumber", Family: "math", Result: connector.TypeText,
			Parameters: []Parameter{
				{Name: "number", Type: connector.TypeNumber}, {Name: "decimals", Type: connector.TypeNumber, Optional: true},
				{Name: "decimal separator", Type: connector.TypeText, Optional: true}, {Name: "thousands separator", Type: connector.TypeText, Optional: true},
			},
			Call: formatNumber,
		},
	}
}

// numbersIn collects the numbers of arrays, and text that spells numbers.
func numbersIn(args []any) []any {
	var numbers []any
	for _, arg := range args {
		items, _ := arg.([]any)
		for _, item := range items {
			switch item := item.(type) {
			case int64, float64:
				numbers = append(numbers, item)
			case string:
				if n, ok := parseNumber(item); ok {
					numbers = append(numbers, n)
				}
			}
		}
	}
	return numbers
}

func sum(numbers []any) any {
	return total(numbers).result()
}

func total(numbers []any) scalar {
	total := wholeOf(0)
	for _, n := range numbers {
		total, _ = calculate(opAdd, total, scalarOf(n))
	}
	return total
}

func average(numbers []any) any {
	if len(numbers) == 0 {
		return nil
	}
	mean, _ := calculate(opDivide, total(numbers), wholeOf(int64(len(numbers))))
	return mean.result()
}

func extreme(numbers []any, sign int) any {
	if len(numbers) == 0 {
		return nil
	}
	best := numbers[0]
	for _, n := range numbers[1:] {
		if compareNumbers(n, best) == sign {
			best = n
		}
	}
	return best
}

func median(numbers []any) any {
	if len(numbers) == 0 {
		return nil
	}
	slices.SortFunc(numbers, compareNumbers)
	middle := len(numbers) / 2
	if len(numbers)%2 == 1 {
		return numbers[middle]
	}
	return average(numbers[middle-1 : middle+1])
}

// deviation divides by the number of values less the degrees of freedom that are lost.
func deviation(numbers []any, lost int) any {
	if len(numbers) <= lost {
		return nil
	}
	mean := toFloat(average(numbers))
	squares := 0.0
	for _, n := range numbers {
		d := toFloat(n) - mean
		squares += d * d
	}
	return number(math.Sqrt(squares / float64(len(numbers)-lost)))
}

func rounded(v any, round func(float64) float64) any {
	if f, ok := v.(float64); ok {
		return number(round(f))
	}
	return v
}

// roundHalfUp is JavaScript's Math.round.
func roundHalfUp(f float64) float64 {
	whole := math.Floor(f)
	if f-whole >= 0.5 {
		whole++
	}
	return whole
}

func trunc(c *Call) (any, error) {
	decimals := c.whole(1, 0)
	if n, ok := c.Args[0].(int64); ok {
		if decimals >= 0 {
			return n, nil
		}
		if decimals < -18 {
			return int64(0), nil
		}
		unit := int64(1)
		for range -decimals {
			unit *= 10
		}
		return n / unit * unit, nil
	}
	f := c.number(0)
	if math.IsNaN(f) || math.IsInf(f, 0) || decimals > 400 {
		return f, nil
	}
	// The digits are cut, not the binary value, so that 4.35 with two decimals is 4.35.
	text := strconv.FormatFloat(f, 'f', -1, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	switch {
	case decimals > 0 && len(fraction) > decimals:
		text = whole + "." + fraction[:decimals]
	case decimals <= 0:
		digits := strings.TrimPrefix(whole, "-")
		if -decimals >= len(digits) {
			return int64(0), nil
		}
		text = whole[:len(whole)+decimals] + strings.Repeat("0", -decimals)
	}
	cut, _ := parseNumber(text)
	return cut, nil
}

func parseNumberText(c *Call) (any, error) {
	decimal := c.text(1)
	if decimal == "" {
		decimal = "."
	}
	if decimal != "." && decimal != "," {
		return nil, invalid("argument 2 (decimal separator): expected a point or a comma")
	}
	var b strings.Builder
	for _, r := range trimSpace(c.text(0)) {
		switch {
		case string(r) == decimal:
			b.WriteByte('.')
		case r == '.' || r == ',' || r == '\'' || r == '’' || isSpace(r):
		default:
			b.WriteRune(r)
		}
	}
	n, ok := parseNumber(b.String())
	if !ok {
		return nil, invalid("argument 1 (text): expected a number, got text that is none")
	}
	return n, nil
}

func formatNumber(c *Call) (any, error) {
	decimals := c.whole(1, 0)
	if decimals < 0 || decimals > 100 {
		return nil, invalid("argument 2 (decimals): expected 0 to 100")
	}
	separator, thousands := ",", "."
	if c.given(2) {
		separator = c.text(2)
	}
	if c.given(3) {
		thousands = c.text(3)
	}
	var space [64]byte
	digits := space[:0]
	switch n := c.Args[0].(type) {
	case int64:
		if digits = strconv.AppendInt(digits, n, 10); decimals > 0 {
			digits = append(append(digits, '.'), strings.Repeat("0", decimals)...)
		}
	case float64:
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, invalid("argument 1 (number): expected a finite number")
		}
		digits = appendFixed(digits, n, decimals)
	}
	whole, fraction, _ := bytes.Cut(digits, []byte{'.'})
	var formatted [96]byte
	text := formatted[:0]
	if whole[0] == '-' {
		whole = whole[1:]
		text = append(text, '-')
	}
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			text = append(text, thousands...)
		}
		text = append(text, digit)
	}
	if len(fraction) > 0 {
		text = append(append(text, separator...), fraction...)
	}
	if err := c.checkText(len(text)); err != nil {
		return nil, err
	}
	return string(text), nil
}

// appendFixed is JavaScript's toFixed: the exact binary value rounded, ties away from zero. A negative number that rounds
// to zero loses its sign.
func appendFixed(dst []byte, f float64, decimals int) []byte {
	// AppendFloat rounds the exact value too, but ties to even. Whether there may be a tie is quickly seen as long as the
	// product is exact for one; a false alarm does no harm.
	scaled := math.Abs(f) * math.Pow10(min(decimals, 22))
	if decimals > 22 || scaled-math.Trunc(scaled) == 0.5 || scaled >= 1<<52 {
		dst = append(dst, new(big.Rat).SetFloat64(f).FloatString(decimals)...) // which rounds halves away from zero
	} else {
		dst = strconv.AppendFloat(dst, f, 'f', decimals, 64)
	}
	if len(bytes.Trim(dst, "-0.")) == 0 {
		dst = bytes.TrimPrefix(dst, []byte{'-'})
	}
	return dst
}
