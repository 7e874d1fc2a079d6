package engine_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

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
		require.Equal(t, http.StatusGone, status)
		require.Len(t, records(t, s, "delivery"), before)
	})
}

// The hook of a tenant whose keys were destroyed is gone for good: nobody is told to send something again, and nobody who reads
// the log is told that something is wrong. So is the scenario, by its name and by its ID.
func TestTenantWithoutKeysIsGoneAndNotOutOfOrder(t *testing.T) {
	t.Parallel()
	keeper, s := crypto.NewKeyring(), memory.New()
	config := engine.Config{Store: s, Keys: crypto.HierarchyConfig{Keeper: keeper}, Connectors: []connector.Connector{bank{}}}
	e := start(t, config)
	acme := e.For("acme")
	scenario, err := acme.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	_, err = e.Vault().(crypto.Shredder).Shred(t.Context(), crypto.Scope{Tenant: "acme"})
	require.NoError(t, err)
	core, logs := observer.New(zap.WarnLevel)
	config.Logger = zap.New(core)
	for name, e := range map[string]*engine.Engine{"this process": e, "another process": start(t, config)} {
		for range 2 {
			recorder := httptest.NewRecorder()
			e.Hooks().ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/"+scenario.Hook.Token, strings.NewReader(`{"name":"Ada"}`)))
			require.Equal(t, http.StatusGone, recorder.Code, name)
			require.Empty(t, recorder.Header().Get("Retry-After"), name)
		}
		for _, id := range []string{scenario.ID, scenario.Name} {
			_, err = e.For("acme").Scenario(t.Context(), id)
			require.ErrorIs(t, err, crypto.ErrShredded, name)
			require.NotErrorIs(t, err, engine.ErrNotFound, name)
		}
		_, err = e.For("acme").Scenario(t.Context(), "Another")
		require.ErrorIs(t, err, engine.ErrNotFound, name)
	}
	require.Empty(t, logs.All())
}
