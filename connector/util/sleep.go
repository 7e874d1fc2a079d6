package util

import (
	"context"
	"time"

	"github.com/ebbkit/ebb/connector"
)

type sleepInput struct {
	Duration float64 `json:"duration" label:"Delay" help:"In seconds." required:"true" min:"1" max:"300"`
}

// sleep waits for 1 to 300 seconds and gives an empty bundle. Fractions count: scenarios compute their delays. When the
// context ends the wait ends with its error.
//
// It is not pure, for time passes, but idempotent: waiting once more does no harm.
func sleep(name string) connector.Action {
	return connector.NewAction(connector.Info{
		Name:        name,
		Version:     1,
		Label:       "Sleep",
		Description: "Waits before the scenario goes on.",
		ReadOnly:    true,
	}, func(ctx context.Context, _ *connector.Call, in sleepInput) (connector.Bundle, error) {
		timer := time.NewTimer(time.Duration(in.Duration * float64(time.Second)))
		defer timer.Stop()
		select {
		case <-timer.C:
			return connector.Bundle{}, nil
		case <-ctx.Done():
			return connector.Bundle{}, context.Cause(ctx)
		}
	})
}
