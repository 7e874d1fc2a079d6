package crypto_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// stalling is a key store whose first write waits.
type stalling struct {
	crypto.KeyStore
	begun   atomic.Bool
	release chan struct{}
}

func (s *stalling) PutRing(ctx context.Context, ring *crypto.StoredRing) error {
	if !s.begun.Swap(true) {
		<-s.release
	}
	return s.KeyStore.PutRing(ctx, ring)
}

// A key whose first write takes so long that its epoch is turned and destroyed meanwhile is wrapped anew, also when this
// process has heard of the new epoch a moment ago.
func TestKeyThatIsStoredBehindItsEpochIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := &stalling{KeyStore: crypto.NewKeyStore(), release: make(chan struct{})}
		config := crypto.HierarchyConfig{Keeper: newCabinet(), Keys: keys}
		h, err := crypto.NewHierarchy(t.Context(), config)
		require.NoError(t, err)
		defer h.Close()
		var sealed []byte
		var failed error
		done := make(chan struct{})
		go func() {
			defer close(done)
			sealed, failed = h.Seal(t.Context(), ada, []byte("hers"))
		}()
		synctest.Wait()
		finish(t, h.Turn(t.Context(), true))
		time.Sleep(3 * time.Minute)
		require.True(t, finish(t, h.Turn(t.Context(), false)).Finished)
		close(keys.release)
		<-done
		require.NoError(t, failed)
		other, err := crypto.NewHierarchy(t.Context(), config)
		require.NoError(t, err)
		defer other.Close()
		text, err := other.Open(t.Context(), ada, sealed)
		require.NoError(t, err)
		require.Equal(t, "hers", string(text))
	})
}

// A keeper whose clock is hours behind, or a clock here that is moved on, does not let an epoch be destroyed that another
// process is still using.
func TestEpochIsNotDestroyedTooEarlyByAWrongClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keeper, keys := newCabinet(), crypto.NewKeyStore()
		slow := &stalling{KeyStore: keys, release: make(chan struct{})}
		keeper.now = func() time.Time { return time.Now().Add(-3 * time.Hour) }
		h, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: keeper, Keys: keys})
		require.NoError(t, err)
		defer h.Close()
		other, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: keeper, Keys: slow})
		require.NoError(t, err)
		defer other.Close()
		var sealed []byte
		var failed error
		done := make(chan struct{})
		go func() {
			defer close(done)
			sealed, failed = other.Seal(t.Context(), ada, []byte("hers"))
		}()
		synctest.Wait()
		first := finish(t, h.Turn(t.Context(), true))
		require.False(t, first.Finished)
		require.Equal(t, 2*time.Minute, time.Until(first.Again))
		time.Sleep(time.Second)
		require.False(t, finish(t, h.Turn(t.Context(), false)).Finished)
		close(slow.release)
		<-done
		require.NoError(t, failed)
		time.Sleep(2 * time.Minute)
		require.True(t, finish(t, h.Turn(t.Context(), false)).Finished)
		text, err := h.Open(t.Context(), ada, sealed)
		require.NoError(t, err)
		require.Equal(t, "hers", string(text))
	})
}
