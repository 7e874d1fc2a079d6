package engine_test

import (
	"context"
	"errors"
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

// A clock that was a year ahead, and is put right, does not keep epochs from turning for a year.
func TestEpochsTurnAfterTheClockIsPutBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(365 * 24 * time.Hour))
		keeper := crypto.NewKeyring()
		e := start(t, engine.Config{
			Keys: crypto.HierarchyConfig{Keeper: keeper}, Poll: time.Hour,
			Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
		})
		serve(t, e)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		before, err := keeper.Epochs(t.Context())
		require.NoError(t, err)
		ahead.Store(0)
		time.Sleep(16 * 24 * time.Hour)
		synctest.Wait()
		epochs, err := keeper.Epochs(t.Context())
		require.NoError(t, err)
		require.Len(t, epochs, len(before)+1)
		require.False(t, epochs[len(before)-1].Destroyed.IsZero())
	})
}

// slowKeeper is a keeper that answers late when it is asked for epochs.
type slowKeeper struct {
	crypto.Keeper
	slow atomic.Bool
}

func (k *slowKeeper) Epochs(ctx context.Context) ([]crypto.Epoch, error) {
	if k.slow.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return k.Keeper.Epochs(ctx)
}

// A Tick does not wait until somebody else has turned the epochs, which may take long.
func TestTickDoesNotWaitForAnotherTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keeper := &slowKeeper{Keeper: crypto.NewKeyring()}
		e := start(t, engine.Config{Keys: crypto.HierarchyConfig{Keeper: keeper, KeeperTimeout: time.Hour}, Poll: time.Hour})
		keeper.slow.Store(true)
		serve(t, e)
		synctest.Wait()
		began := time.Now()
		_, err := e.Tick(t.Context())
		require.NoError(t, err)
		require.Less(t, time.Since(began), time.Second)
	})
}

// A confidential run whose end was written, though the answer was lost, leaves no key.
func TestLostAnswerLeavesNoKeyOfTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lost atomic.Bool
		s := lossy{memory.New(), func(changes []store.Change) bool {
			for _, c := range changes {
				if c.Delete != nil && c.Delete.Kind == "delivery" {
					return lost.CompareAndSwap(false, true)
				}
			}
			return false
		}}
		e := start(t, engine.Config{
			Store: s, Keys: crypto.HierarchyConfig{Keeper: crypto.NewKeyring()},
			Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error { return nil }}},
		})
		scenario, err := e.Deploy(t.Context(), parse(t, confidentialDoing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		before := len(records(t, s, "key"))
		post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
		_, err = e.Tick(t.Context())
		require.NoError(t, err)
		require.True(t, lost.Load())
		require.Empty(t, records(t, s, "delivery"))
		require.Len(t, records(t, s, "key"), before)
	})
}

// A confidential delivery that could not be written leaves no key.
func TestDeliveryThatIsNotAcceptedLeavesNoKey(t *testing.T) {
	t.Parallel()
	for name, serving := range map[string]bool{"accepted": false, "begun early": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := refusing{memory.New()}
				e := start(t, engine.Config{
					Store: s, Keys: crypto.HierarchyConfig{Keeper: crypto.NewKeyring()},
					Connectors: []connector.Connector{bank{pay: func(context.Context, *connector.Call) error { return nil }}},
				})
				scenario, err := e.Deploy(t.Context(), parse(t, confidentialDoing), engine.DeployOptions{Activate: true})
				require.NoError(t, err)
				before := len(records(t, s, "key"))
				if serving {
					serve(t, e)
					synctest.Wait()
				}
				status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
				require.GreaterOrEqual(t, status, 500)
				synctest.Wait()
				require.Empty(t, records(t, s, "delivery"))
				require.Len(t, records(t, s, "key"), before)
			})
		})
	}
}

// refusing is a store that takes no deliveries.
type refusing struct{ store.Store }

func (s refusing) Apply(ctx context.Context, changes ...store.Change) error {
	for _, c := range changes {
		if c.Put != nil && c.Put.Kind == "delivery" {
			return errors.New("disk on fire")
		}
	}
	return s.Store.Apply(ctx, changes...)
}

// The host of an engine hears of each epoch, and one that it cannot take yet is offered again after a moment.
func TestHostOfAnEngineHearsOfEpochs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var heard []uint32
		failures := 2
		e := start(t, engine.Config{Poll: time.Hour, Keys: crypto.HierarchyConfig{
			Keeper: crypto.NewKeyring(),
			Turned: func(_ context.Context, newest crypto.Epoch) error {
				if newest.Number == 2 && failures > 0 {
					failures--
					return errors.New("no room for a copy")
				}
				heard = append(heard, newest.Number)
				return nil
			},
		}})
		serve(t, e)
		time.Sleep(14*24*time.Hour + 2*time.Hour)
		synctest.Wait()
		require.Zero(t, failures)
		require.Equal(t, []uint32{1, 2}, heard)
	})
}
