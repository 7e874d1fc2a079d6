package builtin

import (
	"context"
	"iter"

	"github.com/ebbkit/ebb/connector"
)

// targetField stands in a mapper for the whole element: the editor writes it when the target of the aggregator is an
// array whose elements have no fields of their own.
const targetField = "__IMTTARGET__"

type aggregatorParams struct {
	// The engine reads the feeder: it says whose bundles are one group.
	Feeder any    `json:"feeder" label:"Source module"`
	Target string `json:"target" label:"Target structure"`
}

// aggregator makes one bundle whose field "array" has an element per bundle of the group: the mapper as it was
// evaluated for it. A mapper with the field "__IMTTARGET__" gives the value of that field instead of a collection. No
// bundles give an empty array.
//
// The parameter "target" only told the editor which fields to offer for the mapper; it does not change the result.
func aggregator() connector.Aggregator {
	return connector.NewAggregator(connector.Info{
		Name:        "BasicAggregator",
		Version:     1,
		Label:       "Array aggregator",
		Description: "Gathers bundles in one array.",
		Pure:        true,
		Output:      []connector.Field{{Name: "array", Type: connector.TypeArray, Label: "Array"}},
	}, func(
		_ context.Context, _ *connector.Call, _ aggregatorParams, bundles iter.Seq2[connector.Bundle, error],
	) (connector.Bundle, error) {
		elements := []any{}
		for bundle, err := range bundles {
			if err != nil {
				return connector.Bundle{}, err
			}
			var element any = bundle
			if value, ok := bundle.Lookup(targetField); ok {
				element = value
			}
			elements = append(elements, element)
		}
		return connector.NewBundle("array", elements), nil
	})
}
