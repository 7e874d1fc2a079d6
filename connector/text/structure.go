package text

import (
	"context"
	"strconv"

	"github.com/ebbkit/ebb/connector"
)

// structureParam describes the choice of a data structure.
func structureParam() []connector.Field {
	return []connector.Field{{Name: "type", Type: connector.TypeStructure, Label: "Data structure"}}
}

// shape finds the data structure that the parameter "type" names, and returns what makes bundles of that structure: typed,
// in its order, with its defaults. Without a structure bundles stay as they are. The number of a bundle counts from 1;
// errors name it unless it is 0.
func shape(ctx context.Context, call *connector.Call) (func(b connector.Bundle, number int) (connector.Bundle, error), error) {
	structure, err := call.ParamStructure(ctx, "type")
	if err != nil {
		return nil, err
	}
	return func(b connector.Bundle, number int) (connector.Bundle, error) {
		if structure == nil {
			return b, nil
		}
		shaped, err := structure.Convert(b, call.Location)
		if err != nil && number > 0 {
			typed := *connector.AsError(err)
			typed.Message = "element " + strconv.Itoa(number) + ": " + typed.Message
			return b, &typed
		}
		return shaped, err
	}, nil
}
