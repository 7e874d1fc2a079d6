package util

import (
	"context"

	"github.com/ebbkit/ebb/connector"
)

// Before there were SetVariable2 and GetVariable2, SetVariable and GetVariable gave the variable in the field "value". They
// do so still, and besides in a field of the variable's name, as their successors do.

func oldSetVariable() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "SetVariable",
		Version:     1,
		Label:       "Set variable",
		Description: "Keeps a value under a name, for the rest of the cycle or of the run.",
		Pure:        true,
	}, func(_ context.Context, call *connector.Call, in setVariableInput) (connector.Bundle, error) {
		call.Vars.Set(in.Name, in.Value, in.Scope)
		return connector.BundleOf([]string{"value", in.Name}, []any{in.Value, in.Value}), nil
	})
}

func oldGetVariable() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "GetVariable",
		Version:     1,
		Label:       "Get variable",
		Description: "Reads a variable that was set before.",
		Pure:        true,
	}, func(_ context.Context, call *connector.Call, in getVariableInput) (connector.Bundle, error) {
		value, _ := call.Vars.Get(in.Name)
		return connector.BundleOf([]string{"value", in.Name}, []any{value, value}), nil
	})
}
