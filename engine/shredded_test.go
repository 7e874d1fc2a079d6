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
)

// When the keys of a tenant are destroyed, a run of it that is under way ends without a record, does its effect no second time,
// and keeps no worker from the others; what was waiting is not tried for ever.
func TestRunOfATenantWithoutKeysEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		vault, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: crypto.NewKeyring(), Keys: crypto.NewKeyStore()})
		require.NoError(t, err)
		s := memory.New()
		var done effects
		e := start(t, engine.Config{
			Store: s, Vault: vault, Workers: 1,
			Connectors: []connector.Connector{bank{pay: func(ctx context.Context, call *connector.Call) error {
				if done.Add(1) > 1 {
					return nil
				}
				_, err := vault.Shred(ctx, crypto.Scope{Tenant: "acme"})
				return err
			}}},
		})
		acme, err := e.For("acme").Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		other, err := e.For("globex").Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		for _, hook := range []*engine.Hook{acme.Hook, acme.Hook, other.Hook} {
			status, _ := post(t, e, hook, "application/json", `{"name":"Ada"}`)
			require.Equal(t, http.StatusOK, status)
			time.Sleep(time.Second) // deliveries of the same instant are run in any order
		}
		stop := serve(t, e)
		time.Sleep(5 * time.Minute)
		require.EqualValues(t, 2, done.Load(), "one of each tenant")
		require.Len(t, executions(t, e.For("globex"), other.ID), 1)
		stop()
		runs, err := e.Tick(t.Context())
		require.NoError(t, err)
		require.Zero(t, runs)
		require.Len(t, records(t, s, "execution"), 1)
		before := len(records(t, s, "delivery"))
		status, _ := post(t, e, acme.Hook, "application/json", `{"name":"Ada"}`)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Len(t, records(t, s, "delivery"), before)
	})
}
