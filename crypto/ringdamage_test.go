package crypto_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// Damaged keys keep their epoch, and with it all that was destroyed since, until they are put back or given up.
func TestDamagedKeysHoldUpEpochsUntilTheyAreDestroyed(t *testing.T) {
	t.Parallel()
	h := build(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Nanosecond })
	_, err := h.Seal(t.Context(), ada, nil)
	require.NoError(t, err)
	sealed, err := h.Seal(t.Context(), bob, []byte("his"))
	require.NoError(t, err)
	ring := ringOf(t, h.keys, ada)
	ring.Body[len(ring.Body)-1] ^= 1
	require.NoError(t, h.keys.PutRing(t.Context(), &ring))

	for _, now := range []bool{true, false} {
		var failed error
		for _, err := range h.Turn(t.Context(), now) {
			if err != nil {
				failed = err
			}
		}
		require.ErrorIs(t, failed, crypto.ErrRing)
		require.True(t, h.keeper.epochs[0].Destroyed.IsZero())
	}
	_, err = h.Shred(t.Context(), ada)
	require.NoError(t, err)
	require.True(t, finish(t, h.Turn(t.Context(), false)).Finished)
	require.False(t, h.keeper.epochs[0].Destroyed.IsZero())
	text, err := h.Open(t.Context(), bob, sealed)
	require.NoError(t, err)
	require.Equal(t, "his", string(text))
}
