// Package util gives the tools of scenarios: variables, a counter, a value to map on, bundles to begin with, a pause, a switch
// and the aggregators of texts, numbers and tables. In blueprints they stand as "util:SetVariable2", "util:TextAggregator"
// and so on.
package util

import (
	"slices"

	"github.com/ebbkit/ebb/connector"
)

// New returns the connector "util". Many goroutines may use its modules; what belongs to a run is in the call.
func New() connector.Connector {
	return util{modules: []connector.Module{
		setVariable(), setVariables(), getVariable(), getVariables(),
		oldSetVariable(), oldGetVariable(),
		increment(), compose(), basicTrigger(), sleep("FunctionSleep"), sleep("Sleep"), switcher(), textAggregator(),
		numericAggregator("FunctionAggregator2"), numericAggregator("NumericalAggregator"),
		tableAggregator("AggregateAggregator"), tableAggregator("TableAggregator"),
	}}
}

type util struct{ modules []connector.Module }

// Name returns "util".
func (util) Name() string { return "util" }

// Modules returns SetVariable2, SetVariables, GetVariable2, GetVariables and their predecessors SetVariable and GetVariable;
// FunctionIncrement, ComposeTransformer, BasicTrigger, FunctionSleep (also under the name Sleep) and Switcher;
// TextAggregator, FunctionAggregator2 (also NumericalAggregator) and AggregateAggregator (also TableAggregator).
func (u util) Modules() []connector.Module { return slices.Clone(u.modules) }
