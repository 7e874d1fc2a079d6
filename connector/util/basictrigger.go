package util

import (
	"context"
	"iter"

	"github.com/ebbkit/ebb/connector"
)

type basicTriggerParams struct {
	Values []basicTriggerBundle `json:"values" label:"Bundles"`
}

type basicTriggerBundle struct {
	Spec []basicTriggerItem `json:"spec" label:"Items"`
}

type basicTriggerItem struct {
	Name  string `json:"name" label:"Name" required:"true"`
	Value any    `json:"value" label:"Value"`
}

// basicTrigger gives the bundles that its parameters hold, the same ones every time it is asked. Of a name that stands twice
// in a bundle the last value counts.
func basicTrigger() connector.Trigger {
	return connector.NewTrigger(connector.Info{
		Name:        "BasicTrigger",
		Version:     1,
		Label:       "Basic trigger",
		Description: "Gives bundles that stand in the scenario itself.",
		Pure:        true,
	}, func(
		_ context.Context, call *connector.Call, in basicTriggerParams,
	) (iter.Seq2[connector.Bundle, error], func() []byte) {
		return func(yield func(connector.Bundle, error) bool) {
			for _, value := range in.Values {
				var bundle connector.Bundle
				for _, item := range value.Spec {
					bundle.Set(item.Name, item.Value)
				}
				if !yield(bundle, nil) {
					return
				}
			}
		}, func() []byte { return call.Cursor }
	})
}
