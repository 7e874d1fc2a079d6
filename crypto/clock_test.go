package crypto_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// skewed is a process over a keeper and a key store whose clock is wrong.
func skewed(t *testing.T, keeper crypto.Keeper, keys crypto.KeyStore, skew time.Duration) *crypto.Hierarchy {
	t.Helper()
	h, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{
		Keeper: keeper, Keys: keys, Now: func() time.Time { return time.Now().Add(skew) },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

// A process that has just been started does not destroy an epoch that others are still using, whatever its clock says.
func TestFreshProcessWithAWrongClockLosesNoKey(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"right": 0, "ahead": 11 * time.Hour, "behind": -30 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keeper, keys := newCabinet(), crypto.NewKeyStore()
				slow := &stalling{KeyStore: keys, release: make(chan struct{})}
				h, writer := skewed(t, keeper, keys, 0), skewed(t, keeper, slow, 0)
				var sealed []byte
				var failed error
				done := make(chan struct{})
				go func() {
					defer close(done)
					sealed, failed = writer.Seal(t.Context(), ada, []byte("hers"))
				}()
				synctest.Wait()
				require.False(t, finish(t, h.Turn(t.Context(), true)).Finished)
				time.Sleep(10 * time.Second)
				fresh := skewed(t, keeper, keys, skew)
				p := finish(t, fresh.Turn(t.Context(), false))
				require.False(t, p.Finished)
				require.Equal(t, 2*time.Minute, p.Again.Sub(time.Now().Add(skew)), "by its own clock")
				close(slow.release)
				<-done
				require.NoError(t, failed)
				time.Sleep(2 * time.Minute)
				require.True(t, finish(t, fresh.Turn(t.Context(), false)).Finished, "it goes by how long it has waited")
				text, err := skewed(t, keeper, keys, 0).Open(t.Context(), ada, sealed)
				require.NoError(t, err)
				require.Equal(t, "hers", string(text))
			})
		})
	}
}

// Processes that are started every hour, and end at once, keep the times, also when their clocks are hours wrong.
func TestShortLivedProcessesTurnInTime(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{"right": 0, "ahead": 5 * time.Hour, "behind": -5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				keeper, keys := newCabinet(), crypto.NewKeyStore()
				_, err := skewed(t, keeper, keys, skew).Seal(t.Context(), ada, nil)
				require.NoError(t, err)
				for range 40 * 24 {
					h := skewed(t, keeper, keys, skew)
					for _, err := range h.Turn(t.Context(), false) {
						require.NoError(t, err)
					}
					require.NoError(t, h.Close())
					for _, e := range keeper.epochs {
						over := time.Since(e.Created) > 15*24*time.Hour
						require.Equal(t, over, over && !e.Destroyed.IsZero(), "epoch %d is there after %v", e.Number, time.Since(e.Created))
					}
					time.Sleep(time.Hour)
				}
				require.Len(t, keeper.epochs, 3)
			})
		})
	}
}

// A receipt does not promise too much when another process has begun an epoch a moment ago: a backup from this moment has the
// ring under the new one.
func TestReceiptKnowsTheEpochThatHasJustBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keeper, keys := newCabinet(), crypto.NewKeyStore()
		h, other := skewed(t, keeper, keys, 0), skewed(t, keeper, keys, 0)
		time.Sleep(13 * 24 * time.Hour)
		_, err := h.Seal(t.Context(), ada, nil)
		require.NoError(t, err)
		finish(t, other.Turn(t.Context(), true))
		began := time.Now()
		time.Sleep(10 * time.Second)
		receipt, err := h.Shred(t.Context(), ada)
		require.NoError(t, err)
		require.Equal(t, began.Add((14+1+30)*24*time.Hour).UTC(), receipt.Irrevocable)
	})
}
