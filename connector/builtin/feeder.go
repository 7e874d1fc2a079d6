package builtin

import (
	"context"
	"iter"

	"github.com/ebbkit/ebb/connector"
)

type feederInput struct {
	Array []any `json:"array" label:"Array" help:"What is not an array is taken as an array of one element."`
}

// feeder is the iterator: a bundle per element.
//
// A collection gives its fields to the bundle, everything else stands in the field "value", arrays inside the array
// too: a second iterator takes them apart. Null, an empty text and an empty array give no bundle. An element that is
// null is still an element and gives a bundle whose value is null.
func feeder() connector.Search {
	return connector.NewSearch(connector.Info{
		Name:        "BasicFeeder",
		Version:     1,
		Label:       "Iterator",
		Description: "Gives a bundle for each element of an array.",
		Pure:        true,
	}, func(ctx context.Context, _ *connector.Call, in feederInput) iter.Seq2[connector.Bundle, error] {
		names := []string{"value"}
		return func(yield func(connector.Bundle, error) bool) {
			for _, element := range in.Array {
				if err := ctx.Err(); err != nil {
					yield(connector.Bundle{}, err)
					return
				}
				bundle, ok := element.(connector.Bundle)
				if !ok {
					bundle = connector.BundleOf(names, []any{element})
				}
				if !yield(bundle, nil) {
					return
				}
			}
		}
	})
}
