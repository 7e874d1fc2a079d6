// Package builtin gives the modules that make many bundles of one and one of many: the iterator, the repeater and the
// array aggregator. In blueprints they stand as "builtin:BasicFeeder", "builtin:BasicRepeater" and
// "builtin:BasicAggregator".
//
// Routers, if-else, merge and the directives of error routes carry the same prefix. They steer the flow itself, so the
// engine runs them, and they are no modules of this connector.
package builtin

import (
	"slices"

	"github.com/ebbkit/ebb/connector"
)

// New returns the connector "builtin". Its modules are pure, hold no state and may be used by many goroutines.
func New() connector.Connector {
	return builtin{modules: []connector.Module{feeder(), repeater(), aggregator()}}
}

type builtin struct{ modules []connector.Module }

// Name returns "builtin".
func (builtin) Name() string { return "builtin" }

// Modules returns BasicFeeder, BasicRepeater and BasicAggregator.
func (b builtin) Modules() []connector.Module { return slices.Clone(b.modules) }
