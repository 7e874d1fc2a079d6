package crypto_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// reading is a hierarchy with an envelope, and a keeper that takes five seconds to unwrap its key.
func reading(t *testing.T, at crypto.Scope) (h *crypto.Hierarchy, sealed []byte) {
	t.Helper()
	keeper := &tardy{Keeper: newCabinet()}
	config := crypto.HierarchyConfig{Keeper: keeper, Keys: crypto.NewKeyStore()}
	before, err := crypto.NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	sealed, err = before.Seal(t.Context(), at, []byte("gone"))
	require.NoError(t, err)
	require.NoError(t, before.Close())
	h, err = crypto.NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	keeper.wait.Store(int64(5 * time.Second))
	return h, sealed
}

// What began before keys were destroyed does not bring them back, neither for itself nor for those who come behind it.
func TestShreddingCountsAtOnceWhileKeysAreRead(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]crypto.Scope{"tenant": acme, "subject": ada, "run": run} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, sealed := reading(t, at)
				defer h.Close()
				want := crypto.ErrShredded
				if at.Run != "" {
					want = crypto.ErrNoKey
				}
				var first sync.WaitGroup
				first.Go(func() {
					if _, err := h.Open(t.Context(), at, sealed); err == nil {
						t.Error("keys that were destroyed while they were read have opened something")
					}
				})
				synctest.Wait()
				_, err := h.Shred(t.Context(), at)
				require.NoError(t, err)
				_, err = h.Open(t.Context(), at, sealed) // waits beside the first
				require.ErrorIs(t, err, want)
				first.Wait()
				_, err = h.Open(t.Context(), at, sealed)
				require.ErrorIs(t, err, want)
			})
		})
	}
}

// Who has read that keys were destroyed before they were allowed anew keeps nobody from the new ones.
func TestNewLifeBeginsAtOnceWhileKeysAreRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := &lateKeys{KeyStore: crypto.NewKeyStore()}
		h, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: newCabinet(), Keys: keys})
		require.NoError(t, err)
		defer h.Close()
		_, err = h.Shred(t.Context(), ada)
		require.NoError(t, err)
		keys.wait = time.Second
		var first sync.WaitGroup
		first.Go(func() { _, _ = h.Seal(t.Context(), ada, nil) })
		synctest.Wait()
		keys.wait = 0
		require.NoError(t, h.AllowNewLifecycle(t.Context(), ada))
		first.Wait()
		_, err = h.Seal(t.Context(), ada, nil)
		require.NoError(t, err)
	})
}

// lateKeys is a key store whose answers are a while under way.
type lateKeys struct {
	crypto.KeyStore
	wait time.Duration
}

func (s *lateKeys) Ring(ctx context.Context, id string) (crypto.StoredRing, error) {
	wait := s.wait
	ring, err := s.KeyStore.Ring(ctx, id)
	time.Sleep(wait)
	return ring, err
}

func TestKeysThatAreReadWhileTheHierarchyIsClosedAreNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, sealed := reading(t, ada)
		var first sync.WaitGroup
		first.Go(func() {
			if _, err := h.Open(t.Context(), ada, sealed); !errors.Is(err, crypto.ErrClosed) {
				t.Error(err)
			}
		})
		synctest.Wait()
		require.NoError(t, h.Close())
		first.Wait()
	})
}
