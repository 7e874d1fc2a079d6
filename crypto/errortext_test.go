package crypto_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// An error that is two things says what is wrong once.
func TestErrorsSayItOnce(t *testing.T) {
	t.Parallel()
	eve := crypto.Scope{Tenant: "acme", Subject: "eve"}
	damage := func(change func(ring *crypto.StoredRing)) func(t *testing.T, h *house) error {
		return func(t *testing.T, h *house) error {
			sealed, err := h.Seal(t.Context(), ada, []byte("content"))
			require.NoError(t, err)
			for ring, err := range h.keys.Rings(t.Context()) {
				require.NoError(t, err)
				change(&ring)
				require.NoError(t, h.keys.PutRing(t.Context(), &ring))
			}
			_, err = h.open(t, nil).Open(t.Context(), ada, sealed)
			return err
		}
	}
	for name, test := range map[string]struct {
		meet func(t *testing.T, h *house) error
		is   []error
		says string
	}{
		"an owner without keys": {func(t *testing.T, h *house) error {
			sealed, err := h.Seal(t.Context(), ada, nil)
			require.NoError(t, err)
			_, err = h.Open(t.Context(), eve, sealed)
			return err
		}, []error{crypto.ErrNoKey, crypto.ErrScope}, `^crypto: no key: its owner has none$`},
		"a key of somebody else": {func(t *testing.T, h *house) error {
			sealed, err := h.Seal(t.Context(), ada, nil)
			require.NoError(t, err)
			_, err = h.Seal(t.Context(), eve, nil)
			require.NoError(t, err)
			_, err = h.Open(t.Context(), eve, sealed)
			return err
		}, []error{crypto.ErrNoKey, crypto.ErrScope}, `^crypto: no key [0-9a-f]{32} among those of its owner$`},
		"a ring cut short": {damage(func(r *crypto.StoredRing) { r.Body = r.Body[:9] }),
			[]error{crypto.ErrRing, crypto.ErrMalformed}, `^crypto: keys are damaged: ring [0-9a-f-]{36}: it is too short$`},
		"a ring with another mac": {damage(func(r *crypto.StoredRing) { r.Body[len(r.Body)-1] ^= 1 }),
			[]error{crypto.ErrRing, crypto.ErrMalformed}, `^crypto: keys are damaged: ring [0-9a-f-]{36} was changed$`},
		"a wrapped key that was changed": {damage(func(r *crypto.StoredRing) { r.Body[len(r.Body)-33] ^= 1 }),
			[]error{crypto.ErrRing, crypto.ErrMalformed, crypto.ErrScope}, `^crypto: keys are damaged: a key of ring [0-9a-f-]{36} is not what was wrapped: crypto: scope$`},
		"a keyring that was used with a later version": {func(t *testing.T, _ *house) error {
			keeper := crypto.NewKeyring()
			e, err := keeper.NewEpoch(t.Context())
			require.NoError(t, err)
			wrapped, err := keeper.Wrap(t.Context(), e.Number, []byte("key"), []byte("scope"))
			require.NoError(t, err)
			wrapped[0]++
			_, err = keeper.Unwrap(t.Context(), e.Number, wrapped, []byte("scope"))
			return err
		}, []error{crypto.ErrNewer, crypto.ErrMalformed}, `^crypto: newer format: envelope version 2, known is 1$`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.meet(t, build(t, nil))
			for _, is := range test.is {
				require.ErrorIs(t, err, is)
			}
			require.Regexp(t, test.says, err.Error())
		})
	}
	synctest.Test(t, func(t *testing.T) {
		h, keeper, newest, _ := hung(t)
		defer h.Close()
		keeper.hangs.Store(true)
		_, err := h.Open(t.Context(), ada, newest)
		require.ErrorIs(t, err, crypto.ErrKeeper)
		require.EqualError(t, err, "unwrap a key: crypto: keeper does not answer in 10s")
	})
}
