package engine_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/transport"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
	"github.com/ebbkit/ebb/store/storetest"
)

// expire lets the access token expire that the service gave last.
func (i *identity) expire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.access = "another"
}

// authorized says whether the service has not seen a refresh token twice.
func (i *identity) authorized() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.refresh != ""
}

// Whatever call of the store fails, before it did anything or after, while an account at a service that replaces its refresh
// tokens is renewed: the account stays authorized, in this process and in the next one.
func TestNoRefreshTokenIsLostWhenTheStoreFails(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprint("late ", late), func(t *testing.T) {
			t.Parallel()
			for n, failed := int64(1), true; failed; n++ {
				service := newIdentity(t)
				records, vault := memory.New(), crypto.NewKeyring()
				first := process(t, records, vault, nil)
				require.NoError(t, first.SaveConnection(t.Context(), service.account("refresh-needle-0")))
				scenario, err := first.Deploy(t.Context(), parse(t, service.asking()), engine.DeployOptions{Connections: mine})
				require.NoError(t, err)
				faulty := &storetest.Faulty{Store: records, Call: n, Late: late}
				e := process(t, faulty, vault, nil)
				_, _ = e.Run(t.Context(), scenario.ID, connector.Bundle{}) // which may fail, as the store does
				require.True(t, service.authorized(), "call %d", n)
				if service.grants > 0 {
					over := faulty.Failed()
					x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{})
					if over {
						require.NoError(t, err, "call %d", n)
						require.Nil(t, x.Failure, "call %d", n)
					}
					require.Equal(t, 1, service.grants, "call %d: what was renewed is known", n)
				}
				failed = faulty.Failed()
				require.NoError(t, e.Close())

				next := start(t, engine.Config{
					Store: records, Vault: vault, Network: transport.Policy{Allow: transport.Loopback()},
					Now: func() time.Time { return time.Now().Add(10 * time.Minute) }, // leases that were left are over
				})
				for range 2 {
					x, err := next.Run(t.Context(), scenario.ID, connector.Bundle{})
					require.NoError(t, err)
					require.Nil(t, x.Failure, "call %d", n)
					require.True(t, service.authorized(), "call %d", n)
					service.expire()
				}
				if !failed {
					require.Greater(t, n, int64(4), "the calls that can fail")
				}
				require.NoError(t, next.Close())
			}
		})
	}
}

// While the store takes no writes, all runs of the process go on with what was renewed, and nobody shows the service the old
// refresh token again. When the store is back, every process has it.
func TestRenewedTokenIsUsedUntilItCanBeStored(t *testing.T) {
	t.Parallel()
	service := newIdentity(t)
	records, vault := &outage{Store: memory.New()}, crypto.NewKeyring()
	core, logs := observer.New(zap.InfoLevel)
	e, other := process(t, records, vault, zap.New(core)), process(t, records.Store, vault, nil)
	require.NoError(t, e.SaveConnection(t.Context(), service.account("refresh-needle-0")))
	scenario, err := e.Deploy(t.Context(), parse(t, service.asking()), engine.DeployOptions{Connections: mine})
	require.NoError(t, err)
	service.meanwhile = func() { records.fails.Store(true) }
	for range 3 {
		_, err := e.Try(t.Context(), scenario.Blueprint, engine.TryOptions{Connections: mine})
		require.NoError(t, err)
	}
	require.Equal(t, 1, service.grants)
	require.Equal(t, 3, service.requests)
	service.expire() // and it cannot be renewed again before what there is was stored
	_, err = e.Try(t.Context(), scenario.Blueprint, engine.TryOptions{Connections: mine})
	require.NoError(t, err)
	require.Equal(t, 1, service.grants)
	require.True(t, service.authorized())

	service.meanwhile = nil
	records.fails.Store(false)
	for range 2 {
		x, err := e.Run(t.Context(), scenario.ID, connector.Bundle{}) // the lease stores what was renewed before
		require.NoError(t, err)
		require.Nil(t, x.Failure)
		x, err = other.Run(t.Context(), scenario.ID, connector.Bundle{})
		require.NoError(t, err)
		require.Nil(t, x.Failure)
		service.expire()
	}
	require.True(t, service.authorized())
	require.NotEmpty(t, logs.All())
	for _, entry := range logs.All() {
		require.NotContains(t, entry.Message+fmt.Sprint(entry.ContextMap()), "needle")
	}
}

// renewing is an engine whose module renews its connection once, on a store that takes no writes from then on.
func renewing(t *testing.T, records *outage, vault crypto.Vault) (e *engine.Engine, run func() string) {
	t.Helper()
	renewals, last := 0, ""
	app := lock{func(ctx context.Context, call *connector.Call) error {
		last = reveal(t, call.Connections["keychain"])
		if last != "old" {
			return nil
		}
		c, err := call.Renew(ctx, call.Connections["keychain"], func(_ context.Context, c *connector.Connection) error {
			renewals++
			records.fails.Store(true)
			c.Secrets["key"] = secret.NewString(fmt.Sprint("renewed ", renewals))
			return nil
		})
		if err == nil {
			last = reveal(t, c)
		}
		return err
	}}
	e = start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{app}})
	require.NoError(t, e.SaveConnection(t.Context(), key("a", "key", "old")))
	bp := parse(t, turn)
	return e, func() string {
		_, err := e.Try(t.Context(), bp, engine.TryOptions{})
		require.NoError(t, err)
		return last
	}
}

// storedKey is the secret of a connection as another process reads it.
func storedKey(t *testing.T, records *memory.Store, vault crypto.Vault) (key string) {
	t.Helper()
	app := lock{func(_ context.Context, call *connector.Call) error {
		key = reveal(t, call.Connections["keychain"])
		return nil
	}}
	e := start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{app}})
	_, err := e.Try(t.Context(), parse(t, turn), engine.TryOptions{})
	require.NoError(t, err)
	return key
}

// What was renewed is written soon after the store takes writes again, however long that was, and without anybody asking.
func TestRenewedConnectionIsStoredWhenTheStoreIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records, vault := &outage{Store: memory.New()}, crypto.NewKeyring()
		_, run := renewing(t, records, vault)
		for range 3 {
			require.Equal(t, "renewed 1", run())
			time.Sleep(time.Hour)
		}
		require.Equal(t, "old", storedKey(t, records.Store, vault))
		records.fails.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, "renewed 1", storedKey(t, records.Store, vault))
		require.Equal(t, "renewed 1", run())
	})
}

// Close waits for a store that comes back in a moment, and not for ever for one that does not.
func TestCloseStoresWhatWasRenewed(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]time.Duration{"in a moment": 2 * time.Second, "never": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				records, vault := &outage{Store: memory.New()}, crypto.NewKeyring()
				e, run := renewing(t, records, vault)
				require.Equal(t, "renewed 1", run())
				time.Sleep(time.Minute)
				if back > 0 {
					time.AfterFunc(back, func() { records.fails.Store(false) })
				}
				began := time.Now()
				require.NoError(t, e.Close())
				require.Less(t, time.Since(began), 5*time.Second)
				want := "old"
				if back > 0 {
					want = "renewed 1"
				}
				require.Equal(t, want, storedKey(t, records.Store, vault))
			})
		})
	}
}

// What people save, or delete, in another process while something that was renewed waits to be stored is not overwritten.
func TestConnectionThatIsReplacedWhileItsRenewalIsUnstoredWins(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]bool{"saved": false, "deleted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				disk, vault := &outage{Store: memory.New()}, crypto.NewKeyring()
				e, run := renewing(t, disk, vault)
				require.Equal(t, "renewed 1", run())
				other := start(t, engine.Config{Store: disk.Store, Vault: vault})
				require.NoError(t, other.DeleteConnection(t.Context(), "a"))
				if !remove {
					require.NoError(t, other.SaveConnection(t.Context(), key("a", "key", "of people")))
					require.Equal(t, "of people", run())
				}
				disk.fails.Store(false)
				time.Sleep(5 * time.Second)
				if remove {
					require.Empty(t, records(t, disk.Store, "connection"))
					return
				}
				require.Equal(t, "of people", storedKey(t, disk.Store, vault))
				require.Equal(t, "of people", run())
				require.NoError(t, e.Close())
			})
		})
	}
}
