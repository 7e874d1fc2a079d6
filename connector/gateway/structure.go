package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ebbkit/ebb/connector"
)

// structureOf finds the data structure of a hook. One that is named and not there lets nothing in: what it would have kept
// out must not pass.
func structureOf(ctx context.Context, call *connector.Call, params hookParams) (*connector.Structure, error) {
	if params.Structure == nil || params.Structure == "" {
		return nil, nil
	}
	structure, err := call.ParamStructure(ctx, "udt")
	switch {
	case err != nil:
		return nil, err
	case structure == nil:
		return nil, connector.Errorf(connector.InvalidConfigurationError, "the data structure of the hook is not there: save it")
	case params.Stringify:
		return nil, connector.Errorf(connector.InvalidConfigurationError,
			"a hook that gives JSON as text cannot check it against a data structure: set one of the two")
	}
	return structure, nil
}

// maxMisfits is how many bundles of one request an error speaks of.
const maxMisfits = 5

// fitting converts bundles to a structure, all or none.
func fitting(structure *connector.Structure, bundles []connector.Bundle, zone *time.Location) ([]connector.Bundle, error) {
	var misfits []string
	for i, bundle := range bundles {
		converted, err := structure.Convert(bundle, zone)
		if err == nil {
			bundles[i] = converted
			continue
		}
		var typed *connector.Error
		if !errors.As(err, &typed) {
			return nil, err
		}
		message := typed.Message
		if len(bundles) > 1 {
			message = fmt.Sprintf("element %d: %s", i+1, message)
		}
		if misfits = append(misfits, message); len(misfits) == maxMisfits {
			if i < len(bundles)-1 {
				misfits = append(misfits, "the elements behind it were not looked at")
			}
			break
		}
	}
	if misfits != nil {
		return nil, &connector.Error{Type: connector.BundleValidationError, Message: strings.Join(misfits, "; ")}
	}
	return bundles, nil
}
