// Package util gives the tools of scenarios: variables, a value to map on, a pause, a switch and the text aggregator.
// In blueprints they stand as "util:SetVariable2", "util:TextAggregator" and so on.
package util

import (
	"slices"

	"github.com/ebbkit/ebb/connector"
)

// New returns the connector "util". Many goroutines may use its modules; what belongs to a run is in the call.
func New() connector.Connector {
	return util{modules: []connector.Module{
		setVariable(), setVariables(), getVariable(), getVariables(),
		compose(), sleep("FunctionSleep"), sleep("Sleep"), switcher(), textAggregator(),
	}}
}

type util struct{ modules []connector.Module }

// Name returns "util".
func (util) Name() string { return "util" }

// Modules returns SetVariable2, SetVariables, GetVariable2, GetVariables, ComposeTransformer, FunctionSleep (also under
// the name Sleep), Switcher and TextAggregator.
func (u util) Modules() []connector.Module { return slices.Clone(u.modules) }
