package crypto_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

func TestOwnerWhoIsForgottenLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	ring := func() string {
		receipt, err := h.Shred(t.Context(), crypto.Scope{Tenant: "acme", Subject: "ada"})
		require.NoError(t, err)
		return receipt.Ring
	}
	at := crypto.Scope{Tenant: "acme", Subject: "bob"}
	require.NoError(t, h.Forget(t.Context(), at), "who was never there")
	rings := func() (count int) {
		for _, err := range h.keys.Rings(t.Context()) {
			require.NoError(t, err)
			count++
		}
		return count
	}
	before := rings()
	sealed, err := h.Seal(t.Context(), at, []byte("content"))
	require.NoError(t, err)
	require.Equal(t, before+1, rings())
	require.NoError(t, h.Forget(t.Context(), at))
	require.Equal(t, before, rings())
	_, err = h.Open(t.Context(), at, sealed)
	require.ErrorIs(t, err, crypto.ErrNoKey)

	again, err := h.Seal(t.Context(), at, []byte("another"))
	require.NoError(t, err)
	got, err := h.Open(t.Context(), at, again)
	require.NoError(t, err)
	require.Equal(t, "another", string(got))
	_, err = h.Open(t.Context(), at, sealed)
	require.ErrorIs(t, err, crypto.ErrNoKey)

	destroyed := ring()
	require.NoError(t, h.Forget(t.Context(), crypto.Scope{Tenant: "acme", Subject: "ada"}))
	require.Equal(t, destroyed, ring(), "the mark of who was erased stays")
	_, err = h.Seal(t.Context(), crypto.Scope{Tenant: "acme", Subject: "ada"}, []byte("late"))
	require.ErrorIs(t, err, crypto.ErrShredded)

	require.ErrorIs(t, h.Forget(t.Context(), crypto.Scope{}), crypto.ErrScope)
	require.NoError(t, h.Close())
	require.ErrorIs(t, h.Forget(t.Context(), at), crypto.ErrClosed)
}
