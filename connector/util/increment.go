package util

import (
	"context"
	"strconv"

	"github.com/ebbkit/ebb/connector"
)

// When a counter begins anew.
const (
	resetRun       = "run"       // with every cycle
	resetExecution = "execution" // with every run
	resetScenario  = "scenario"  // never
)

type incrementInput struct {
	Reset string `json:"reset" label:"Reset a value" enum:"run,execution,scenario" default:"run" param:"true"`
}

type incremented struct {
	I int64 `json:"i" label:"i"`
}

// increment counts its operations: 1, 2, 3 and so on, from 1 again after each cycle, after each run or, with the parameter
// reset "scenario", never. That count is kept with the scenario; runs of all processes share it, and none gets a number
// that another one has. When an operation is repeated after a crash, it gets its number again, unless another run has
// counted since then: a number is left out then.
func increment() connector.Action {
	return connector.NewAction(connector.Info{
		Name:        "FunctionIncrement",
		Version:     1,
		Label:       "Increment function",
		Description: "Counts how often it was reached.",
		Idempotent:  true,
	}, func(ctx context.Context, call *connector.Call, in incrementInput) (incremented, error) {
		switch in.Reset {
		case resetScenario:
			return countForEver(ctx, call)
		case resetExecution:
			return countVariable(call, connector.Execution), nil
		}
		return countVariable(call, connector.Roundtrip), nil
	})
}

// countVariable keeps the count among the variables of the run, under a name that no variable of a person has.
func countVariable(call *connector.Call, scope connector.VariableScope) incremented {
	name := "\x00increment " + strconv.Itoa(call.Module)
	value, _ := call.Vars.Get(name)
	count, _ := value.(int64)
	count++
	call.Vars.Set(name, count, scope)
	return incremented{count}
}

// countForEver keeps the count in the state of the module, and with it who got the last number.
func countForEver(ctx context.Context, call *connector.Call) (incremented, error) {
	if call.State == nil {
		return incremented{}, connector.Errorf(connector.InvalidConfigurationError, "the host keeps no state, which the parameter reset %q needs", resetScenario)
	}
	var count int64
	err := call.State.Update(ctx, func(state connector.Bundle) (connector.Bundle, error) {
		count, _ = state.Get("i").(int64)
		if state.Get("key") == call.Key {
			return state, nil
		}
		count++
		return connector.NewBundle("i", count, "key", call.Key), nil
	})
	return incremented{count}, err
}
