package util

import (
	"context"

	"github.com/ebbkit/ebb/connector"
)

type setVariableInput struct {
	Name  string                  `json:"name" label:"Variable name" required:"true"`
	Scope connector.VariableScope `json:"scope" label:"Variable lifetime" enum:"roundtrip,execution" default:"roundtrip"`
	Value any                     `json:"value" label:"Variable value"`
}

// setVariable sets one variable of the run. Its bundle has one field: the variable, by its name. A value that was not
// given, or ignored, sets null.
func setVariable() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "SetVariable2",
		Version:     1,
		Label:       "Set variable",
		Description: "Keeps a value under a name, for the rest of the cycle or of the run.",
		Pure:        true,
		Direct:      true,
	}, func(_ context.Context, call *connector.Call, in setVariableInput) (connector.Bundle, error) {
		call.Vars.Set(in.Name, in.Value, in.Scope)
		return connector.BundleOf([]string{in.Name}, []any{in.Value}), nil
	})
}

type setVariablesInput struct {
	Variables []variable              `json:"variables" label:"Variables"`
	Scope     connector.VariableScope `json:"scope" label:"Variable lifetime" enum:"roundtrip,execution" default:"roundtrip"`
}

type variable struct {
	Name  string `json:"name" label:"Variable name" required:"true"`
	Value any    `json:"value" label:"Variable value"`
}

// setVariables sets many variables in the order in which they are given. Its bundle has a field for each; of a name
// that is given twice the last value counts.
func setVariables() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "SetVariables",
		Version:     1,
		Label:       "Set multiple variables",
		Description: "Keeps values under names, for the rest of the cycle or of the run.",
		Pure:        true,
		Direct:      true,
	}, func(_ context.Context, call *connector.Call, in setVariablesInput) (connector.Bundle, error) {
		var out connector.Bundle
		for _, v := range in.Variables {
			call.Vars.Set(v.Name, v.Value, in.Scope)
			out.Set(v.Name, v.Value)
		}
		return out, nil
	})
}

type getVariableInput struct {
	Name string `json:"name" label:"Variable name" required:"true"`
}

// getVariable reads a variable that was set earlier in the run, wherever that was. Its bundle has one field: the
// variable, by its name; null when it was not set.
func getVariable() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "GetVariable2",
		Version:     1,
		Label:       "Get variable",
		Description: "Reads a variable that was set before.",
		Pure:        true,
		Direct:      true,
	}, func(_ context.Context, call *connector.Call, in getVariableInput) (connector.Bundle, error) {
		value, _ := call.Vars.Get(in.Name)
		return connector.BundleOf([]string{in.Name}, []any{value}), nil
	})
}

type getVariablesInput struct {
	// Exports hold plain names. Blueprints that were written by hand also hold {"name": …} and {"value": …}.
	Variables []any `json:"variables" label:"Variables"`
}

// getVariables reads many variables. Its bundle has a field for each name, null for those that were not set.
func getVariables() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "GetVariables",
		Version:     1,
		Label:       "Get multiple variables",
		Description: "Reads variables that were set before.",
		Pure:        true,
		Direct:      true,
	}, func(_ context.Context, call *connector.Call, in getVariablesInput) (connector.Bundle, error) {
		var out connector.Bundle
		for i, element := range in.Variables {
			name, ok := variableName(element)
			if !ok {
				return connector.Bundle{}, connector.Errorf(connector.DataError,
					"field variables[%d]: expected the name of a variable", i+1)
			}
			value, _ := call.Vars.Get(name)
			out.Set(name, value)
		}
		return out, nil
	})
}

func variableName(element any) (string, bool) {
	if b, ok := element.(connector.Bundle); ok {
		if element, ok = b.Lookup("name"); !ok {
			element = b.Get("value")
		}
	}
	name, ok := asText(element)
	return name, ok && name != ""
}

// asText converts a value as a text field does. There is no text of null and of collections.
func asText(value any) (string, bool) {
	if text, ok := value.(string); ok {
		return text, true
	}
	field := []connector.Field{{Name: "text", Type: connector.TypeText}}
	out, err := connector.Convert(field, connector.NewBundle("text", value), nil)
	text, ok := out.Get("text").(string)
	return text, ok && err == nil
}
