package util

import (
	"context"

	"github.com/ebbkit/ebb/connector"
)

type composed struct {
	Value *string `json:"value" label:"Text"`
}

// compose gives back the text that was mapped into it, for other modules to map on.
func compose() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "ComposeTransformer",
		Version:     1,
		Label:       "Compose a string",
		Description: "Makes one text that other modules can map.",
		Pure:        true,
		Direct:      true,
	}, func(_ context.Context, _ *connector.Call, in composed) (composed, error) { return in, nil })
}
