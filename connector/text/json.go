package text

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"strings"

	"github.com/ebbkit/ebb/connector"
)

type parseInput struct {
	JSON string `json:"json" label:"JSON string" required:"true"`
}

// parseJSON reads a JSON text, or a buffer of one. An object gives one bundle with its fields in their order, an array
// a bundle per element, and what is neither an object stands in the field "value". Text that is no JSON is a DataError
// that names the byte, and never what stands there.
//
// The parameter "type" names a data structure: every bundle is checked against it and converted by it, and the first one
// that does not fit is a BundleValidationError that names its fields.
func parseJSON() connector.Search {
	return connector.NewSearch(connector.Info{
		Name:        "ParseJSON",
		Version:     1,
		Label:       "Parse JSON",
		Description: "Reads a JSON text.",
		Pure:        true,
		Params:      structureParam(),
	}, func(ctx context.Context, call *connector.Call, in parseInput) iter.Seq2[connector.Bundle, error] {
		return func(yield func(connector.Bundle, error) bool) {
			shaped, err := shape(ctx, call)
			if err != nil {
				yield(connector.Bundle{}, err)
				return
			}
			value, err := connector.ParseJSON([]byte(in.JSON))
			if err != nil {
				message := strings.ReplaceAll(err.Error(), "connector: ", "")
				yield(connector.Bundle{}, &connector.Error{Type: connector.DataError, Message: message, Err: err})
				return
			}
			elements, ok := value.([]any)
			if !ok {
				elements = []any{value}
			}
			for i, element := range elements {
				if err := ctx.Err(); err != nil {
					yield(connector.Bundle{}, err)
					return
				}
				bundle, object := element.(connector.Bundle)
				if !object {
					bundle = connector.NewBundle("value", element)
				}
				number := i + 1
				if !ok {
					number = 0 // the text is no array
				}
				bundle, err := shaped(bundle, number)
				if !yield(bundle, err) || err != nil {
					return
				}
			}
		}
	})
}

// createJSON writes the fields of its mapper as a JSON object, in the order of the mapper, as JavaScript's
// JSON.stringify does: what is text to JSON is text, dates are ISO 8601 in UTC, and buffers are their text or base64.
// The parameter "space" is the indentation: none, "tab", "2" or "4".
//
// The parameter "type" names a data structure: the fields are converted to its types and stand in its order, with its
// defaults; what it does not have stands behind, or is refused when it is strict. Fields that do not fit are a
// BundleValidationError that names them.
func createJSON() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "CreateJSON",
		Version:     1,
		Label:       "Create JSON",
		Description: "Writes fields as a JSON text.",
		Pure:        true,
		Params:      append(structureParam(), spaceParam()),
		Output:      outputJSON(),
	}, func(ctx context.Context, call *connector.Call, _ struct{}) (connector.Bundle, error) {
		shaped, err := shape(ctx, call)
		if err != nil {
			return connector.Bundle{}, err
		}
		input, err := shaped(call.Input, 0)
		if err != nil {
			return connector.Bundle{}, err
		}
		text, err := input.MarshalJSON()
		if err != nil {
			return connector.Bundle{}, unwritable(err)
		}
		indent, err := indentation(call.Params.Get("space"))
		if err != nil {
			return connector.Bundle{}, err
		}
		return written(text, indent)
	})
}

func indentation(space any) (string, error) {
	switch space {
	case nil, "":
		return "", nil
	case "tab":
		return "\t", nil
	case "2", int64(2):
		return "  ", nil
	case "4", int64(4):
		return "    ", nil
	}
	return "", connector.Errorf(connector.InvalidConfigurationError, `parameter space: expected "", "tab", "2" or "4"`)
}

// aggregateToJSON writes a JSON array with an object per bundle: the mapper as it was evaluated for it. No bundles give an
// empty array. Parameters and texts are those of createJSON.
func aggregateToJSON() connector.Aggregator {
	return connector.NewAggregator(connector.Info{
		Name:        "AggregateToJSON",
		Version:     1,
		Label:       "Aggregate to JSON",
		Description: "Writes bundles as a JSON array.",
		Pure:        true,
		Params:      append(structureParam(), spaceParam(), feederParam()),
		Output:      outputJSON(),
	}, func(
		ctx context.Context, call *connector.Call, _ struct{}, bundles iter.Seq2[connector.Bundle, error],
	) (connector.Bundle, error) {
		indent, err := indentation(call.Params.Get("space"))
		if err != nil {
			return connector.Bundle{}, err
		}
		shaped, err := shape(ctx, call)
		if err != nil {
			return connector.Bundle{}, err
		}
		number := 0
		text := []byte{'['}
		for bundle, err := range bundles {
			if err != nil {
				return connector.Bundle{}, err
			}
			number++
			if bundle, err = shaped(bundle, number); err != nil {
				return connector.Bundle{}, err
			}
			if len(text) > 1 {
				text = append(text, ',')
			}
			if text, err = connector.AppendJSON(text, bundle); err != nil {
				return connector.Bundle{}, unwritable(err)
			}
			if len(text) > connector.MaxEncodedBytes {
				return connector.Bundle{}, tooLong()
			}
		}
		return written(append(text, ']'), indent)
	})
}

// feederParam describes the source of an aggregator. The engine reads it: it says whose bundles are one group.
func feederParam() connector.Field {
	return connector.Field{Name: "feeder", Type: connector.TypeAny, Label: "Source module"}
}

// spaceParam describes the indentation.
func spaceParam() connector.Field {
	return connector.Field{Name: "space", Type: connector.TypeSelect, Label: "Indentation", Options: []string{"tab", "2", "4"}}
}

// written is the bundle of a JSON text, indented if need be.
func written(text []byte, indent string) (connector.Bundle, error) {
	if indent != "" {
		var out bytes.Buffer
		if err := json.Indent(&out, text, "", indent); err != nil {
			return connector.Bundle{}, unwritable(err)
		}
		text = out.Bytes()
	}
	return connector.NewBundle("json", string(text)), nil
}

// transformToJSON writes one value of any kind as JSON. The parameter "space" is that of createJSON.
func transformToJSON() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "TransformToJSON",
		Version:     1,
		Label:       "Transform to JSON",
		Description: "Writes a value as a JSON text.",
		Pure:        true,
		Params:      []connector.Field{spaceParam()},
		Input:       []connector.Field{{Name: "object", Type: connector.TypeAny, Label: "Object"}},
		Output:      outputJSON(),
	}, func(_ context.Context, call *connector.Call, _ struct{}) (connector.Bundle, error) {
		text, err := connector.AppendJSON(nil, call.Input.Get("object"))
		if err != nil {
			return connector.Bundle{}, unwritable(err)
		}
		indent, err := indentation(call.Params.Get("space"))
		if err != nil {
			return connector.Bundle{}, err
		}
		return written(text, indent)
	})
}

func outputJSON() []connector.Field {
	return []connector.Field{{Name: "json", Type: connector.TypeText, Label: "JSON string"}}
}

func unwritable(err error) error {
	return connector.Errorf(connector.DataError, "the value cannot be written as JSON: %w", err)
}
