// Package scenario gives the modules by which scenarios call each other: the start of a scenario that others call, the call,
// and the return of its outputs (https://help.make.com/subscenarios). In blueprints they stand under the prefix
// "scenario-service".
package scenario

import (
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/ebbkit/ebb/connector"
)

// New returns the connector "scenario-service". Its modules hold no state and may be used by many goroutines.
func New() connector.Connector {
	return service{modules: []connector.Module{start{}, callSubscenario(), returnData()}}
}

type service struct{ modules []connector.Module }

// Name returns "scenario-service".
func (service) Name() string { return "scenario-service" }

// Modules returns StartSubscenario, CallSubscenario and ReturnData.
func (s service) Modules() []connector.Module { return slices.Clone(s.modules) }

// start is where a scenario begins that others call. Its bundle holds the inputs of the call; a run that nobody called has
// none.
type start struct{}

var _ connector.Trigger = start{}

// Info implements connector.Module.
func (start) Info() connector.Info {
	return connector.Info{
		Name: "StartSubscenario", Label: "Start a subscenario", Description: "Starts the scenario when another one calls it.",
	}
}

// Poll implements connector.Trigger.
func (start) Poll(context.Context, *connector.Call) (iter.Seq2[connector.Bundle, error], func() []byte) {
	return func(yield func(connector.Bundle, error) bool) { yield(connector.Bundle{}, nil) }, func() []byte { return nil }
}

type callInput struct {
	Scenario any              `json:"scenario" label:"Scenario" type:"scenario" required:"true" param:"true"`
	Wait     bool             `json:"shouldWaitForExecutionEnd" label:"Wait for the scenario to finish" param:"true"`
	Data     connector.Bundle `json:"data" label:"Scenario inputs"`
}

// callSubscenario runs another scenario with data as its inputs. If it waits, its bundle is what that scenario returns; the
// failure of that scenario is its own. Without waiting it gives an empty bundle at once, and the other scenario is run even
// if this process dies.
func callSubscenario() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "CallSubscenario",
		Label:       "Call a subscenario",
		Description: "Runs another scenario and, if it is to wait, gives what that returns.",
	}, func(ctx context.Context, call *connector.Call, in callInput) (connector.Bundle, error) {
		if call.Scenario == nil {
			return connector.Bundle{}, connector.Errorf(connector.InvalidConfigurationError, "this host runs no other scenarios")
		}
		name, err := label(in.Scenario)
		if err != nil {
			return connector.Bundle{}, err
		}
		return call.Scenario(ctx, name, in.Data, in.Wait)
	})
}

// label is what a blueprint calls a scenario: a text, or the number that it has in the account that it comes from.
func label(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case int64:
		return strconv.FormatInt(value, 10), nil
	}
	return "", connector.Errorf(connector.InvalidConfigurationError, "parameter scenario: expected the name or number of a scenario")
}

// returnData ends the run; its fields are the outputs of the scenario.
func returnData() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "ReturnData",
		Label:       "Return output",
		Description: "Ends the run and returns the scenario's outputs to whoever called it.",
		Pure:        true,
		Returns:     true,
	}, func(_ context.Context, _ *connector.Call, in connector.Bundle) (connector.Bundle, error) {
		return in, nil
	})
}
