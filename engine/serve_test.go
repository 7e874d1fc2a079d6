package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// A worker that dies keeps its delivery for a lease; then somebody else does the work, and what the dead one still writes
// is refused.
func TestWorkOfADeadProcessIsDoneByTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records, vault := memory.New(), crypto.NewKeyring()
		stuck := make(chan struct{})
		var dead, alive effects
		var cut atomic.Bool
		config := engine.Config{Store: dying{Store: records, dead: &cut}, Vault: vault, Lease: 10 * time.Second}
		config.Connectors = []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
			dead.Add(1)
			<-stuck
			return nil
		}}}
		first, err := engine.New(config)
		require.NoError(t, err)
		scenario, err := first.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		ctx, kill := context.WithCancel(t.Context())
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = first.Serve(ctx)
		}()
		synctest.Wait()
		status, _ := post(t, first, scenario.Hook, "application/json", `{"name":"Ada"}`)
		require.Equal(t, http.StatusOK, status)
		synctest.Wait()
		require.EqualValues(t, 1, dead.Load())
		cut.Store(true) // from here on the first process reaches its store no more

		config.Store = records
		config.Connectors = []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
			alive.Add(1)
			return nil
		}}}
		second, err := engine.New(config)
		require.NoError(t, err)
		runs, err := second.Tick(t.Context())
		require.NoError(t, err)
		require.Zero(t, runs, "the lease is not over")
		time.Sleep(11 * time.Second)
		runs, err = second.Tick(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, runs)
		require.EqualValues(t, 1, alive.Load())
		all := executions(t, second, scenario.ID)
		require.Len(t, all, 1)

		cut.Store(false)
		close(stuck) // the first one wakes up and wants to write its end
		kill()
		<-served
		require.Len(t, executions(t, second, scenario.ID), 1)
		require.NoError(t, second.Close())
		require.NoError(t, first.Close())
	})
}

// dying is a store whose process can be cut off from it.
type dying struct {
	store.Store
	dead *atomic.Bool
}

func (d dying) Apply(ctx context.Context, changes ...store.Change) error {
	if d.dead.Load() {
		return errors.New("cut off")
	}
	return d.Store.Apply(ctx, changes...)
}

func (d dying) Claim(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
	if d.dead.Load() {
		return nil, errors.New("cut off")
	}
	return d.Store.Claim(ctx, kind, now, until, limit)
}

// A lease is renewed for as long as the run goes on, so that nobody else does its work.
func TestLongRunKeepsItsLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records, vault := memory.New(), crypto.NewKeyring()
		var done effects
		config := engine.Config{Store: records, Vault: vault, Lease: 3 * time.Second}
		config.Connectors = []connector.Connector{bank{pay: func(ctx context.Context, _ *connector.Call) error {
			done.Add(1)
			time.Sleep(time.Minute)
			return ctx.Err()
		}}}
		e, err := engine.New(config)
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		other, err := engine.New(config)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var serving sync.WaitGroup
		for _, worker := range []*engine.Engine{e, other} {
			serving.Go(func() { _ = worker.Serve(ctx) })
		}
		synctest.Wait()
		status, _ := post(t, e, scenario.Hook, "application/json", `{}`)
		require.Equal(t, http.StatusOK, status)
		time.Sleep(2 * time.Minute)
		cancel()
		serving.Wait()
		require.EqualValues(t, 1, done.Load())
		require.Equal(t, engine.StatusSuccess, executions(t, e, scenario.ID)[0].Status)
		require.NoError(t, e.Close())
		require.NoError(t, other.Close())
	})
}

// Serve lets runs come to their ends; those that take too long start over at the next Serve, at once.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var begun, ended effects
		e, err := engine.New(engine.Config{DrainTimeout: 5 * time.Second, Connectors: []connector.Connector{bank{pay: func(ctx context.Context, call *connector.Call) error {
			begun.Add(1)
			took := 3 * time.Second
			if call.Input.Get("name") == "slow" && begun.Load() <= 2 {
				took = time.Hour
			}
			timer := time.NewTimer(took)
			defer timer.Stop()
			select {
			case <-timer.C:
				ended.Add(1)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}}})
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		for _, name := range []string{"quick", "slow"} {
			status, _ := post(t, e, scenario.Hook, "application/json", fmt.Sprintf(`{"name":%q}`, name))
			require.Equal(t, http.StatusOK, status)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error)
		go func() { served <- e.Serve(ctx) }()
		synctest.Wait()
		require.EqualValues(t, 2, begun.Load())
		before := time.Now()
		cancel()
		require.NoError(t, <-served)
		require.Equal(t, 5*time.Second, time.Since(before))
		require.EqualValues(t, 1, ended.Load())
		require.Len(t, executions(t, e, scenario.ID), 1)
		runs, err := e.Tick(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, runs)
		require.EqualValues(t, 2, ended.Load())
		require.Len(t, executions(t, e, scenario.ID), 2)
		require.NoError(t, e.Close())
	})
}

func TestNoMoreRunsAtOnceThanWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most, all effects
		e, err := engine.New(engine.Config{Workers: 3, Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			all.Add(1)
			return nil
		}}}})
		require.NoError(t, err)
		scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error)
		go func() { served <- e.Serve(ctx) }()
		synctest.Wait()
		for range 20 {
			status, _ := post(t, e, scenario.Hook, "application/json", `{}`)
			require.Equal(t, http.StatusOK, status)
		}
		time.Sleep(time.Minute)
		cancel()
		require.NoError(t, <-served)
		require.EqualValues(t, 20, all.Load())
		require.EqualValues(t, 3, most.Load())
		require.NoError(t, e.Close())
	})
}

func TestPayloadNeverReachesTheLog(t *testing.T) {
	t.Parallel()
	core, logs := observer.New(zap.DebugLevel)
	e := start(t, engine.Config{Logger: zap.New(core), Connectors: []connector.Connector{bank{pay: func(_ context.Context, call *connector.Call) error {
		if call.Input.Get("name") == "needle-panic" {
			panic(call.Input)
		}
		return connector.Errorf(connector.DataError, "cannot do %v", call.Input.Get("name"))
	}}}})
	scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
	require.NoError(t, err)
	for _, body := range []string{`{"name":"needle-one"}`, `{"name":"needle-panic"}`, `{"name":"needle`} {
		post(t, e, scenario.Hook, "application/json", body)
	}
	runs, err := e.Tick(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, runs)
	require.NotEmpty(t, logs.All())
	for _, entry := range logs.All() {
		require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), "needle")
		require.NotContains(t, fmt.Sprint(entry.Message, entry.ContextMap()), scenario.Hook.Token)
	}
	for x, err := range e.Activity(t.Context(), "", engine.Query{}) {
		require.NoError(t, err)
		require.Empty(t, x.Failure.Message)
	}
	types := map[connector.ErrorType]bool{}
	for _, x := range executions(t, e, scenario.ID) {
		types[x.Failure.Type] = true
	}
	require.Equal(t, map[connector.ErrorType]bool{connector.DataError: true, connector.UnexpectedError: true}, types)
}
