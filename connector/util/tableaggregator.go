package util

import (
	"context"
	"iter"

	"github.com/ebbkit/ebb/connector"
)

type tableParams struct {
	// The engine reads the feeder: it says whose bundles are one group.
	Feeder               any    `json:"feeder" label:"Source module"`
	ColumnSeparator      string `json:"columnSeparator" label:"Column separator" enum:"\n,\t,\\n,\\t,other"`
	OtherColumnSeparator string `json:"otherColumnSeparator" label:"Separator"`
	RowSeparator         string `json:"rowSeparator" label:"Row separator" enum:"\n,\t,\\n,\\t,other"`
	OtherRowSeparator    string `json:"otherRowSeparator" label:"Separator"`
}

// tableAggregator writes a row per bundle, with the fields of the mapper in their order, each as text: null as an empty one,
// collections as JSON. Separators are those of the text aggregator. No bundles give an empty text.
func tableAggregator(name string) connector.Aggregator {
	return connector.NewAggregator(connector.Info{
		Name:        name,
		Version:     1,
		Label:       "Table aggregator",
		Description: "Writes bundles as rows of a table.",
		Pure:        true,
		Output:      []connector.Field{{Name: "text", Type: connector.TypeText, Label: "Text"}},
	}, func(
		_ context.Context, _ *connector.Call, params tableParams, bundles iter.Seq2[connector.Bundle, error],
	) (textOutput, error) {
		column := separator(params.ColumnSeparator, params.OtherColumnSeparator)
		row := separator(params.RowSeparator, params.OtherRowSeparator)
		var text []byte
		var count int
		for bundle, err := range bundles {
			if err != nil {
				return textOutput{}, err
			}
			if count++; count > 1 {
				text = append(text, row...)
			}
			first := true
			for field, value := range bundle.All() {
				if !first {
					text = append(text, column...)
				}
				first = false
				if _, nested := value.(connector.Bundle); nested {
					text, err = connector.AppendJSON(text, value)
				} else {
					text, err = connector.AppendText(text, value)
				}
				if err != nil {
					return textOutput{}, connector.Errorf(connector.DataError, "row %d, field %s: %w", count, field, err)
				}
			}
			if len(text) > connector.MaxEncodedBytes {
				return textOutput{}, tooLong()
			}
		}
		return textOutput{Text: string(text)}, nil
	})
}
