package builtin

import (
	"context"
	"iter"
	"math"

	"github.com/ebbkit/ebb/connector"
)

type repeaterInput struct {
	Start   float64 `json:"start" label:"Initial value" required:"true"`
	Repeats int64   `json:"repeats" label:"Repeats" required:"true" min:"0" max:"10000"`
	Step    float64 `json:"step" label:"Step" required:"true"`
}

// exact is up to where every integer has a float64 of its own.
const exact = 1 << 53

// repeater gives a number of bundles with a counter in the field "i": start, start + step, start + 2 step, and so on.
// Repeats says how many there are, not where the counter ends; 0 gives none.
func repeater() connector.Search {
	return connector.NewSearch(connector.Info{
		Name:        "BasicRepeater",
		Version:     1,
		Label:       "Repeater",
		Description: "Gives a number of bundles that count up or down.",
		Pure:        true,
		Output:      []connector.Field{{Name: "i", Type: connector.TypeNumber, Label: "i"}},
	}, func(ctx context.Context, _ *connector.Call, in repeaterInput) iter.Seq2[connector.Bundle, error] {
		names := []string{"i"}
		return func(yield func(connector.Bundle, error) bool) {
			for k := range in.Repeats {
				if err := ctx.Err(); err != nil {
					yield(connector.Bundle{}, err)
					return
				}
				// Multiplied, not added up, so that fractions do not gather errors.
				var i any = in.Start + float64(k)*in.Step
				if f := i.(float64); f == math.Trunc(f) && math.Abs(f) <= exact {
					i = int64(f)
				}
				if !yield(connector.BundleOf(names, []any{i}), nil) {
					return
				}
			}
		}
	})
}
