package engine_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/ebbkit/ebb/connector"
)

// bank is an app whose modules have effects, for tests that count them.
type bank struct {
	// pay is called for each payment, when it is set.
	pay func(ctx context.Context, call *connector.Call) error
}

func (bank) Name() string { return "bank" }

func (b bank) Modules() []connector.Module {
	type payment struct {
		Amount string `json:"amount"`
	}
	do := func(ctx context.Context, call *connector.Call, in connector.Bundle) (connector.Bundle, error) {
		if b.pay == nil {
			return in, nil
		}
		return in, b.pay(ctx, call)
	}
	return []connector.Module{
		connector.NewAction(connector.Info{Name: "Pay", Connection: "bank"}, func(_ context.Context, call *connector.Call, in payment) (connector.Bundle, error) {
			size := 0
			if err := call.Connection.Secrets["token"].Use(func(token []byte) { size = len(token) }); err != nil {
				return connector.Bundle{}, err
			}
			return connector.NewBundle("paid", fmt.Sprintf("%s by %v with %d bytes", in.Amount, call.Connection.Fields.Get("user"), size)), nil
		}),
		connector.NewAction(connector.Info{Name: "Do"}, do),
		connector.NewAction(connector.Info{Name: "DoOnce", Idempotent: true}, do),
	}
}

// effects counts how often something was done.
type effects struct{ atomic.Int64 }

func canceled(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// doing is a scenario that has one effect a run.
const doing = `{
  "name": "Doing",
  "flow": [
    {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 7}, "mapper": {}},
    {"id": 2, "module": "bank:Do", "version": 1, "mapper": {"name": "{{1.name}}"}}
  ]
}`
