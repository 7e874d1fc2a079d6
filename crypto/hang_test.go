package crypto_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// hanging is a keeper that can be told not to answer when it is asked to unwrap.
type hanging struct {
	crypto.Keeper
	hangs atomic.Bool
	asked atomic.Int64
}

func (k *hanging) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	k.asked.Add(1)
	if k.hangs.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return k.Keeper.Unwrap(ctx, epoch, wrapped, scope)
}

// tardy is a keeper that takes its time to unwrap.
type tardy struct {
	crypto.Keeper
	wait atomic.Int64
}

func (k *tardy) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	time.Sleep(time.Duration(k.wait.Load()))
	return k.Keeper.Unwrap(ctx, epoch, wrapped, scope)
}

// hung is a hierarchy that knows none of its keys yet, its keeper, and envelopes under the newest and under an older
// version of the same owner's keys.
func hung(t *testing.T) (h *crypto.Hierarchy, keeper *hanging, newest, older []byte) {
	t.Helper()
	keeper = &hanging{Keeper: newCabinet()}
	config := crypto.HierarchyConfig{Keeper: keeper, Keys: crypto.NewKeyStore()}
	before, err := crypto.NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	older, err = before.Seal(t.Context(), ada, []byte("older"))
	require.NoError(t, err)
	finish(t, before.Rotate(t.Context(), ""))
	newest, err = before.Seal(t.Context(), ada, []byte("newest"))
	require.NoError(t, err)
	require.NoError(t, before.Close())
	h, err = crypto.NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	return h, keeper, newest, older
}

// hungFor is a hierarchy and its keeper, and an envelope that does not open without the keeper: one under the newest version of
// the keys or, when the hierarchy is warm and has that one, under an older.
func hungFor(t *testing.T, warm bool) (h *crypto.Hierarchy, keeper *hanging, sealed []byte) {
	t.Helper()
	h, keeper, newest, older := hung(t)
	if !warm {
		return h, keeper, newest
	}
	_, err := h.Open(t.Context(), ada, newest)
	require.NoError(t, err)
	return h, keeper, older
}

// Whoever waits for the same key while the keeper does not answer gives up with the first one, and the keeper is asked once.
func TestCallersOfOneOwnerWaitForAKeeperOnce(t *testing.T) {
	t.Parallel()
	for name, warm := range map[string]bool{"the newest key": false, "an older key": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, keeper, sealed := hungFor(t, warm)
				defer h.Close()
				asked := keeper.asked.Load()
				keeper.hangs.Store(true)
				began := time.Now()
				var callers sync.WaitGroup
				for i := range 20 {
					callers.Go(func() {
						time.Sleep(time.Duration(i) * 400 * time.Millisecond)
						if _, err := h.Open(t.Context(), ada, sealed); !errors.Is(err, crypto.ErrKeeper) {
							t.Errorf("caller %d: %v", i, err)
						}
						if waited := time.Since(began); waited > 10*time.Second {
							t.Errorf("caller %d waited until %v", i, waited)
						}
					})
				}
				callers.Wait()
				require.EqualValues(t, 1, keeper.asked.Load()-asked)
				keeper.hangs.Store(false)
				_, err := h.Open(t.Context(), ada, sealed)
				require.NoError(t, err, "a failure is not remembered")
			})
		})
	}
}

// A caller that gives up fails alone: the others go on to wait for the keeper, and get their answers.
func TestCallerThatGivesUpTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	for name, warm := range map[string]bool{"the newest key": false, "an older key": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, keeper, sealed := hungFor(t, warm)
				defer h.Close()
				keeper.hangs.Store(true)
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var callers sync.WaitGroup
				callers.Go(func() {
					if _, err := h.Open(short, ada, sealed); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("who gave up: %v", err)
					}
				})
				synctest.Wait() // it is the one who asks
				for range 5 {
					callers.Go(func() {
						if text, err := h.Open(t.Context(), ada, sealed); err != nil || len(text) == 0 {
							t.Errorf("who waited: %q, %v", text, err)
						}
					})
				}
				synctest.Wait()
				keeper.hangs.Store(false)
				callers.Wait()
			})
		})
	}
}

// Keys that are shredded, or closed, while one of them is being unwrapped are not held up by that, and do not come back into
// memory.
func TestHangingKeeperDoesNotHoldUpTheEndOfKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end  func(t *testing.T, h *crypto.Hierarchy)
		then error
	}{
		"shredded": {func(t *testing.T, h *crypto.Hierarchy) {
			_, err := h.Shred(t.Context(), ada)
			require.NoError(t, err)
		}, crypto.ErrShredded},
		"closed": {func(t *testing.T, h *crypto.Hierarchy) { require.NoError(t, h.Close()) }, crypto.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, keeper, newest, older := hung(t)
				slow := &tardy{Keeper: keeper.Keeper}
				keeper.Keeper = slow
				defer h.Close()
				_, err := h.Open(t.Context(), ada, newest)
				require.NoError(t, err)
				slow.wait.Store(int64(5 * time.Second))
				failed := make(chan error, 1)
				go func() {
					_, err := h.Open(t.Context(), ada, older)
					failed <- err
				}()
				synctest.Wait()
				began := time.Now()
				test.end(t, h)
				require.Zero(t, time.Since(began))
				require.ErrorIs(t, <-failed, test.then)
			})
		})
	}
}
