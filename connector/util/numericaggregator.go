package util

import (
	"context"
	"iter"
	"math"

	"github.com/ebbkit/ebb/connector"
)

type numericParams struct {
	// The engine reads the feeder: it says whose bundles are one group.
	Feeder any    `json:"feeder" label:"Source module"`
	Fn     string `json:"fn" label:"Aggregate function" enum:"avg,sum,count,max,min" default:"sum"`
}

type numericItem struct {
	Value any `json:"value" label:"Value"`
}

type numericOutput struct {
	Result any `json:"result" label:"Result"`
}

// numericAggregator makes one number of a group: the sum, the average, the largest or the smallest of its values, or the
// number of its bundles. It keeps a running total and no bundles. A value that is empty counts only as a bundle; what is no
// number is a BundleValidationError, except for the count, which does not look at values.
//
// Of no values the sum and the count are 0, the others null. A sum of integers is exact as long as it is one of 64 bits.
func numericAggregator(name string) connector.Aggregator {
	return connector.NewAggregator(connector.Info{
		Name:        name,
		Version:     1,
		Label:       "Numeric aggregator",
		Description: "Makes one number of the numbers of bundles.",
		Pure:        true,
		Output:      []connector.Field{{Name: "result", Type: connector.TypeNumber, Label: "Result"}},
	}, func(
		_ context.Context, call *connector.Call, params numericParams, items iter.Seq2[numericItem, error],
	) (numericOutput, error) {
		var t total
		var bundles int64
		for item, err := range items {
			if err != nil {
				return numericOutput{}, err
			}
			bundles++
			if params.Fn == "count" || item.Value == nil || item.Value == "" {
				continue
			}
			number, err := connector.Coerce(item.Value, connector.TypeNumber, call.Location)
			if err != nil {
				return numericOutput{}, connector.Errorf(connector.BundleValidationError, "bundle %d, field value: %w", bundles, err)
			}
			t.add(number)
		}
		if params.Fn == "count" {
			return numericOutput{bundles}, nil
		}
		return numericOutput{t.result(params.Fn)}, nil
	})
}

// total is what is known of the numbers so far.
type total struct {
	count    int64
	whole    int64 // the sum, as long as it is exact
	inexact  bool
	fraction float64 // the sum from then on
	min, max any
}

func (t *total) add(number any) {
	t.count++
	n, whole := number.(int64)
	if sum := t.whole + n; whole && !t.inexact && (sum > t.whole) == (n > 0) {
		t.whole = sum
	} else {
		if !t.inexact {
			t.inexact, t.fraction = true, float64(t.whole)
		}
		t.fraction += float(number)
	}
	if t.count == 1 || less(number, t.min) {
		t.min = number
	}
	if t.count == 1 || less(t.max, number) {
		t.max = number
	}
}

func (t *total) result(fn string) any {
	switch {
	case fn == "sum" && !t.inexact:
		return t.whole
	case fn == "sum":
		return simple(t.fraction)
	case t.count == 0:
		return nil
	case fn == "avg" && !t.inexact:
		return simple(float64(t.whole) / float64(t.count))
	case fn == "avg":
		return simple(t.fraction / float64(t.count))
	case fn == "min":
		return t.min
	}
	return t.max
}

func float(number any) float64 {
	if n, ok := number.(int64); ok {
		return float64(n)
	}
	f, _ := number.(float64)
	return f
}

// less compares integers as such: not all of them are floats.
func less(a, b any) bool {
	x, ok := a.(int64)
	if y, both := b.(int64); ok && both {
		return x < y
	}
	return float(a) < float(b)
}

// simple makes an integer of a float that is one.
func simple(f float64) any {
	const exact = 1 << 53
	if f == math.Trunc(f) && math.Abs(f) <= exact {
		return int64(f)
	}
	return f
}
