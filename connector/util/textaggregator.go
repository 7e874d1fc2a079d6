package util

import (
	"context"
	"iter"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

type textParams struct {
	// The engine reads the feeder: it says whose bundles are one group.
	Feeder any `json:"feeder" label:"Source module"`
	// Exports hold the character itself; blueprints that were written by hand often its escape.
	RowSeparator      string `json:"rowSeparator" label:"Row separator" enum:"\n,\t,\\n,\\t,other"`
	OtherRowSeparator string `json:"otherRowSeparator" label:"Separator"`
}

// separator is what stands between rows or columns.
func separator(kind, other string) string {
	switch kind {
	case `\n`:
		return "\n"
	case `\t`:
		return "\t"
	case "other":
		return other
	}
	return kind
}

// tooLong says that a text would be longer than a bundle may hold.
func tooLong() error {
	return connector.Errorf(connector.MaxFileSizeExceededError, "the text would be longer than %d bytes", connector.MaxEncodedBytes)
}

type textRow struct {
	Value string `json:"value" label:"Text"`
}

type textOutput struct {
	Text string `json:"text" label:"Text"`
}

// textAggregator joins the texts of a group with a separator: none, a new line, a tab or another text, which is taken
// as it stands. A value that is empty is an empty row. No bundles give an empty text.
func textAggregator() connector.Aggregator {
	return connector.NewAggregator(connector.Info{
		Name:        "TextAggregator",
		Version:     1,
		Label:       "Text aggregator",
		Description: "Joins the texts of bundles to one.",
		Pure:        true,
	}, func(
		_ context.Context, _ *connector.Call, params textParams, rows iter.Seq2[textRow, error],
	) (textOutput, error) {
		between := separator(params.RowSeparator, params.OtherRowSeparator)
		var text strings.Builder
		first := true
		for row, err := range rows {
			if err != nil {
				return textOutput{}, err
			}
			if !first {
				text.WriteString(between)
			}
			first = false
			if text.Len()+len(row.Value) > connector.MaxEncodedBytes {
				return textOutput{}, tooLong()
			}
			text.WriteString(row.Value)
		}
		return textOutput{Text: text.String()}, nil
	})
}
