package engine_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// A machine that slept past its leases goes on with its runs and does not do them again.
func TestRunIsNotDoubledWhenTheClockJumps(t *testing.T) {
	t.Parallel()
	for name, jump := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var jumped atomic.Int64
				var done effects
				e, err := engine.New(engine.Config{
					Now: func() time.Time { return time.Now().Add(time.Duration(jumped.Load())) },
					Connectors: []connector.Connector{bank{pay: func(ctx context.Context, _ *connector.Call) error {
						done.Add(1)
						time.Sleep(10 * time.Second)
						return ctx.Err()
					}}},
				})
				require.NoError(t, err)
				scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				stop := serve(t, e)
				synctest.Wait()
				post(t, e, scenario.Hook, "application/json", `{}`)
				time.Sleep(time.Second)
				jumped.Store(int64(jump))
				time.Sleep(time.Minute)
				post(t, e, scenario.Hook, "application/json", `{}`)
				time.Sleep(time.Minute)
				stop()
				require.EqualValues(t, 2, done.Load())
				require.Len(t, executions(t, e, scenario.ID), 2)
				require.NoError(t, e.Close())
			})
		})
	}
}

// lossy is a store that loses the answer to a write that it has done.
type lossy struct {
	store.Store
	lose func([]store.Change) bool
}

func (l lossy) Apply(ctx context.Context, changes ...store.Change) error {
	lost := l.lose(changes)
	if err := l.Store.Apply(ctx, changes...); err != nil || !lost {
		return err
	}
	for _, c := range changes { // whoever does not know that it happened does not know the version
		for _, rec := range []*store.Record{c.Put, c.Touch} {
			if rec != nil {
				rec.Version--
			}
		}
	}
	return errors.New("the answer was lost")
}

func TestLostAnswerDoesNotDoubleTheRun(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func([]store.Change) bool{
		"of a renewal":        func(c []store.Change) bool { return len(c) == 1 && c[0].Touch != nil },
		"of the end of a run": func(c []store.Change) bool { return len(c) == 3 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var done effects
				var lost atomic.Bool
				records := lossy{memory.New(), func(c []store.Change) bool { return lose(c) && lost.CompareAndSwap(false, true) }}
				e, err := engine.New(engine.Config{Store: records, Vault: crypto.NewKeyring(), Connectors: []connector.Connector{
					bank{pay: func(ctx context.Context, _ *connector.Call) error {
						done.Add(1)
						time.Sleep(20 * time.Second)
						return ctx.Err()
					}},
				}})
				require.NoError(t, err)
				scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				stop := serve(t, e)
				synctest.Wait()
				post(t, e, scenario.Hook, "application/json", `{}`)
				time.Sleep(3 * time.Minute)
				stop()
				require.True(t, lost.Load())
				require.EqualValues(t, 1, done.Load())
				require.Len(t, executions(t, e, scenario.ID), 1)
				require.NoError(t, e.Close())
			})
		})
	}
}

// The answer to a renewal is lost, and before the run knows, the record is sealed anew, or the store has gone on failing: the
// run is still this process's, and is not done again.
func TestLeaseWhoseRenewalIsUnknownIsRecognized(t *testing.T) {
	t.Parallel()
	for name, sealed := range map[string]bool{"its record is sealed anew": true, "the next renewal fails": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var done effects
				var renewals atomic.Int64
				var down atomic.Bool
				renews := func(c []store.Change) bool { return len(c) == 1 && c[0].Touch != nil }
				disk := dying{lossy{memory.New(), func(c []store.Change) bool { return renews(c) && renewals.Add(1) == 1 }}, &down}
				e := start(t, engine.Config{
					Store: disk, Keys: crypto.HierarchyConfig{Keeper: crypto.NewKeyring(), KeyTime: time.Millisecond},
					Connectors: []connector.Connector{bank{pay: func(ctx context.Context, _ *connector.Call) error {
						done.Add(1)
						time.Sleep(20 * time.Second)
						return ctx.Err()
					}}},
				})
				scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				stop := serve(t, e)
				synctest.Wait()
				post(t, e, scenario.Hook, "application/json", `{}`)
				for renewals.Load() == 0 {
					time.Sleep(100 * time.Millisecond)
				}
				if sealed {
					before := records(t, disk, "delivery")[0].Version
					_, err = rotate(t, e.Rotate(t.Context(), engine.RotateOptions{}))
					require.NoError(t, err)
					require.Greater(t, records(t, disk, "delivery")[0].Version, before)
				} else {
					down.Store(true)
					time.Sleep(6 * time.Second)
					down.Store(false)
				}
				time.Sleep(3 * time.Minute)
				stop()
				require.EqualValues(t, 1, done.Load())
				require.Len(t, executions(t, e, scenario.ID), 1)
			})
		})
	}
}

// What ends while the store is down is written when it is back.
func TestOutageOfTheStoreDoesNotDoubleRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var done effects
		var down atomic.Bool
		records := dying{Store: memory.New(), dead: &down}
		e, err := engine.New(engine.Config{Store: records, Vault: crypto.NewKeyring(), Connectors: []connector.Connector{
			bank{pay: func(context.Context, *connector.Call) error {
				done.Add(1)
				time.Sleep(5 * time.Second)
				return nil
			}},
		}})
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		stop := serve(t, e)
		synctest.Wait()
		for range 10 {
			post(t, e, scenario.Hook, "application/json", `{}`)
		}
		time.Sleep(time.Second)
		down.Store(true)
		time.Sleep(time.Minute)
		down.Store(false)
		time.Sleep(time.Minute)
		stop()
		require.EqualValues(t, 10, done.Load())
		require.Len(t, executions(t, e, scenario.ID), 10)
		require.NoError(t, e.Close())
	})
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// Whatever a module returns, its run comes to an end that is recorded, once.
func TestAnyErrorOfAModuleIsRecordedOnce(t *testing.T) {
	t.Parallel()
	var none *nilError
	for name, failure := range map[string]error{
		"longer than a record":        errors.New(strings.Repeat("x", 17<<20)),
		"that panics when it is read": none,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var done effects
				e, err := engine.New(engine.Config{Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
					done.Add(1)
					return failure
				}}}})
				require.NoError(t, err)
				scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				stop := serve(t, e)
				synctest.Wait()
				post(t, e, scenario.Hook, "application/json", `{"name":"x"}`)
				time.Sleep(2 * time.Minute)
				stop()
				require.EqualValues(t, 1, done.Load())
				all := executions(t, e, scenario.ID)
				require.Len(t, all, 1)
				require.Equal(t, engine.StatusError, all[0].Status)
				require.Less(t, len(all[0].Failure.Message), 100<<10)
				require.NoError(t, e.Close())
			})
		})
	}
}

func TestCachedScenarioIsItsTenantsAlone(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	acme, umbrella := e.For("acme"), e.For("umbrella")
	scenario, err := acme.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{})
	require.NoError(t, err)
	_, err = acme.Run(t.Context(), scenario.ID, connector.NewBundle("name", "x"))
	require.NoError(t, err)
	_, err = umbrella.Run(t.Context(), scenario.ID, connector.NewBundle("name", "x"))
	require.ErrorIs(t, err, engine.ErrNotFound)
}

// A process that lacks a connector leaves deliveries for one that has it.
func TestDeliveryWaitsForAProcessThatCanRunIt(t *testing.T) {
	t.Parallel()
	records, vault := memory.New(), crypto.NewKeyring()
	with := engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{bank{}}}
	e := start(t, with)
	scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"x"}`)
	require.Equal(t, http.StatusOK, status)
	_, err = start(t, engine.Config{Store: records, Vault: vault}).Tick(t.Context())
	require.NoError(t, err)
	e = start(t, with)
	_, err = e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	_, err = e.Tick(t.Context())
	require.NoError(t, err)
	require.Len(t, executions(t, e, scenario.ID), 1)
}

func TestZoneThatCannotBeFoundAgainIsRefused(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	for _, zone := range []*time.Location{time.FixedZone("UTC+3", 3*3600), time.FixedZone("Europe/Prague", 3600)} {
		_, err := e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Location: zone})
		require.ErrorIs(t, err, engine.ErrInvalid, zone.String())
	}
	prague, err := time.LoadLocation("Europe/Prague")
	require.NoError(t, err)
	_, err = e.Deploy(t.Context(), parse(t, silentHook), engine.DeployOptions{Location: prague})
	require.NoError(t, err)
}

// Close waits for whatever is at work, and tells what does not listen.
func TestModuleThatDoesNotListenIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		e, err := engine.New(engine.Config{DrainTimeout: time.Second, Connectors: []connector.Connector{
			bank{pay: func(context.Context, *connector.Call) error {
				<-stuck
				return nil
			}},
		}})
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- e.Serve(ctx) }()
		synctest.Wait()
		post(t, e, scenario.Hook, "application/json", `{}`)
		time.Sleep(time.Second)
		cancel()
		require.ErrorIs(t, <-served, engine.ErrStuck)
		require.NoError(t, e.Close())
		close(stuck)
	})
}
