package engine_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
	"github.com/ebbkit/ebb/store/storetest"
)

// Whatever call of the store fails, before it did anything or after, an accepted delivery is run to an end and leaves one
// record; and one that was not accepted leaves none.
func TestNoDeliveryIsLostWhenTheStoreFails(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for n := int64(1); ; n++ {
			failed := false
			synctest.Test(t, func(t *testing.T) {
				records, vault := memory.New(), crypto.NewKeyring()
				e, err := engine.New(engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{bank{}}})
				require.NoError(t, err)
				scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				require.NoError(t, e.Close())

				faulty := &storetest.Faulty{Store: records, Call: n, Late: after}
				e, err = engine.New(engine.Config{Store: faulty, Poll: 20 * time.Second, Vault: vault, Connectors: []connector.Connector{bank{}}})
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				served := make(chan error)
				go func() { served <- e.Serve(ctx) }()
				synctest.Wait()
				accepted := 0
				for range 3 {
					status, body := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
					switch status {
					case http.StatusOK:
						accepted++
					case http.StatusServiceUnavailable:
						require.Contains(t, body, "again")
					default:
						require.Fail(t, "answer", "%d %s", status, body)
					}
				}
				time.Sleep(2 * time.Minute)
				cancel()
				require.NoError(t, <-served)
				require.NoError(t, e.Close())
				failed = faulty.Failed()

				e, err = engine.New(engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{bank{}}})
				require.NoError(t, err)
				_, err = e.Tick(t.Context())
				require.NoError(t, err)
				got := len(executions(t, e, scenario.ID))
				if after { // a write whose answer was lost may have happened
					require.GreaterOrEqual(t, got, accepted, "call %d", n)
					require.LessOrEqual(t, got, 3, "call %d", n)
				} else {
					require.Equal(t, accepted, got, "call %d", n)
				}
				require.NoError(t, e.Close())
			})
			if !failed {
				require.Greater(t, n, int64(5), "the calls that can fail")
				break
			}
		}
	}
}
