// Package gateway gives the modules at the gate of a scenario: the webhook that starts it and the answer to its caller.
// In blueprints they stand as "gateway:CustomWebHook" and "gateway:WebhookRespond".
package gateway

import (
	"slices"

	"github.com/ebbkit/ebb/connector"
)

// New returns the connector "gateway". Its modules hold no state and may be used by many goroutines.
func New() connector.Connector {
	return gateway{modules: []connector.Module{customWebhook(), webhookRespond()}}
}

type gateway struct{ modules []connector.Module }

// Name returns "gateway".
func (gateway) Name() string { return "gateway" }

// Modules returns CustomWebHook and WebhookRespond.
func (g gateway) Modules() []connector.Module { return slices.Clone(g.modules) }
