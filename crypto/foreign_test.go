package crypto_test

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// settled is a house with the keys of some people, after some turns of its epochs.
func settled(t *testing.T, people, turns int) *house {
	t.Helper()
	h := build(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Nanosecond })
	for i := range people {
		_, err := h.Seal(t.Context(), crypto.Scope{Tenant: "acme", Subject: strconv.Itoa(i)}, []byte("content"))
		require.NoError(t, err)
	}
	for range turns {
		finish(t, h.Turn(t.Context(), true))
	}
	return h
}

// copied returns a copy of a keeper as it is now.
func (c *cabinet) copied() *cabinet {
	other := newCabinet()
	other.epochs = append(other.epochs, c.epochs...)
	for epoch, key := range c.keys {
		other.keys[epoch] = key
	}
	return other
}

// begun returns a new keeper with epochs.
func begun(t *testing.T, epochs int) *cabinet {
	t.Helper()
	keeper := newCabinet()
	for range epochs {
		_, err := keeper.NewEpoch(t.Context())
		require.NoError(t, err)
	}
	return keeper
}

// A keeper that has not wrapped what is in the key store is refused before it is used, and keeps what it has.
func TestForeignKeeperIsRefusedByNew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		people, turns int
		keeper        func(t *testing.T, h *house) *cabinet
		epochs        int
	}{
		"a new one": {1, 0, func(*testing.T, *house) *cabinet { return newCabinet() }, 0},
		"an old copy": {5, 0, func(t *testing.T, h *house) *cabinet {
			past := h.keeper.copied()
			finish(t, h.Turn(t.Context(), true))
			return past
		}, 1},
		"a younger one":           {1, 3, func(t *testing.T, _ *house) *cabinet { return begun(t, 3) }, 3},
		"one with as many epochs": {3, 0, func(t *testing.T, _ *house) *cabinet { return begun(t, 1) }, 1},
		"an older one":            {40, 3, func(t *testing.T, _ *house) *cabinet { return begun(t, 9) }, 9},
		"a new one, behind many tombstones": {30, 0, func(t *testing.T, h *house) *cabinet {
			for i := range 29 {
				_, err := h.Shred(t.Context(), crypto.Scope{Tenant: "acme", Subject: strconv.Itoa(i)})
				require.NoError(t, err)
			}
			return newCabinet()
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := settled(t, test.people, test.turns)
			keeper := test.keeper(t, h)
			_, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: keeper, Keys: h.keys})
			require.ErrorIs(t, err, crypto.ErrForeignKeeper)
			require.Len(t, keeper.epochs, test.epochs, "it gets no epoch")
		})
	}
}

// What is wrong with single rings, or with the keeper at the moment, does not make the right keeper another store's.
func TestRightKeeperIsNotTakenForAnother(t *testing.T) {
	t.Parallel()
	spoil := func(change func(i int, r *crypto.StoredRing)) func(*testing.T, *house, *crypto.HierarchyConfig) {
		return func(t *testing.T, h *house, _ *crypto.HierarchyConfig) {
			i := 0
			for ring, err := range h.keys.Rings(t.Context()) {
				require.NoError(t, err)
				change(i, &ring)
				require.NoError(t, h.keys.PutRing(t.Context(), &ring))
				i++
			}
		}
	}
	for name, test := range map[string]struct {
		people, turns int
		change        func(t *testing.T, h *house, c *crypto.HierarchyConfig)
	}{
		"nothing is wrong":               {5, 2, func(*testing.T, *house, *crypto.HierarchyConfig) {}},
		"nothing was sealed yet":         {0, 2, func(*testing.T, *house, *crypto.HierarchyConfig) {}},
		"nothing was sealed and wrapped": {0, 0, func(_ *testing.T, _ *house, c *crypto.HierarchyConfig) { c.Keeper = newCabinet() }},
		"the only ring has another key":  {1, 0, spoil(func(_ int, r *crypto.StoredRing) { r.Body[len(r.Body)-33] ^= 1 })},
		"two rings have other keys":      {2, 0, spoil(func(_ int, r *crypto.StoredRing) { r.Body[len(r.Body)-33] ^= 1 })},
		"all but one ring have other keys": {16, 0, spoil(func(i int, r *crypto.StoredRing) {
			if i < 15 {
				r.Body[len(r.Body)-33] ^= 1
			}
		})},
		"a ring is under an epoch that is no number": {1, 0, spoil(func(_ int, r *crypto.StoredRing) { r.Body[3+3*4+2+4+16+8] ^= 1 })},
		"a ring is noted under a later epoch":        {1, 0, spoil(func(_ int, r *crypto.StoredRing) { r.Epoch = 77 })},
		"all rings are cut short":                    {9, 0, spoil(func(_ int, r *crypto.StoredRing) { r.Body = r.Body[:20] })},
		"all rings are of a destroyed epoch": {9, 0, func(t *testing.T, h *house, _ *crypto.HierarchyConfig) {
			_, err := h.keeper.NewEpoch(t.Context())
			require.NoError(t, err)
			_, err = h.keeper.DestroyEpoch(t.Context(), 1)
			require.NoError(t, err)
		}},
		"the keeper is ahead": {9, 0, func(t *testing.T, h *house, _ *crypto.HierarchyConfig) {
			for range 3 {
				_, err := h.keeper.NewEpoch(t.Context())
				require.NoError(t, err)
			}
		}},
		"the keeper unwraps nothing now": {9, 0, func(_ *testing.T, _ *house, c *crypto.HierarchyConfig) {
			c.Keeper = &liar{Keeper: c.Keeper, unwrap: func([]byte, error) ([]byte, error) { return nil, crypto.ErrKeeper }}
		}},
		"the keeper gives wrong keys": {9, 0, func(_ *testing.T, _ *house, c *crypto.HierarchyConfig) {
			c.Keeper = &liar{Keeper: c.Keeper, unwrap: func([]byte, error) ([]byte, error) { return make([]byte, 32), nil }}
		}},
		"the keeper does not know an epoch that it lists": {9, 0, func(_ *testing.T, _ *house, c *crypto.HierarchyConfig) {
			c.Keeper = &liar{Keeper: c.Keeper, unwrap: func([]byte, error) ([]byte, error) { return nil, crypto.ErrNoEpoch }}
		}},
		"another process turns the epoch at this moment": {9, 0, func(t *testing.T, h *house, c *crypto.HierarchyConfig) {
			c.Keys = &meanwhile{KeyStore: h.keys, do: func() { finish(t, h.Turn(t.Context(), true)) }}
		}},
		"the key store is down": {9, 0, func(_ *testing.T, h *house, c *crypto.HierarchyConfig) {
			c.Keys = &meanwhile{KeyStore: h.keys, fails: true}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := settled(t, test.people, test.turns)
			h.open(t, func(c *crypto.HierarchyConfig) { test.change(t, h, c) })
		})
	}
}

// A release that does not understand how a newer one has wrapped keys does not take their keeper for another store's.
func TestKeysWrappedByANewerReleaseAreNotForeign(t *testing.T) {
	t.Parallel()
	keeper, keys := crypto.NewKeyring(), crypto.NewKeyStore()
	config := crypto.HierarchyConfig{Keeper: keeper, Keys: keys}
	h, err := crypto.NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	defer h.Close()
	sealed := map[string][]byte{}
	for _, subject := range []string{"ada", "bob", "eve", "dan"} {
		sealed[subject], err = h.Seal(t.Context(), crypto.Scope{Tenant: "acme", Subject: subject}, nil)
		require.NoError(t, err)
	}
	for ring, err := range keys.Rings(t.Context()) {
		require.NoError(t, err)
		wrapped := 1 + 1 + 1 + 3*4 + 2 + 4 + 16 + 8 + 4 + 2 // where the wrapped key begins, with the version of its form
		require.EqualValues(t, 1, ring.Body[wrapped])
		ring.Body[wrapped]++
		require.NoError(t, keys.PutRing(t.Context(), &ring))
	}
	older, err := crypto.NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	defer older.Close()
	for subject := range sealed {
		_, err = older.Open(t.Context(), crypto.Scope{Tenant: "acme", Subject: subject}, sealed[subject])
		require.ErrorIs(t, err, crypto.ErrNewer)
	}
}

// meanwhile is a key store in which something happens, or fails, when all rings are asked for.
type meanwhile struct {
	crypto.KeyStore
	do    func()
	fails bool
}

func (m *meanwhile) Rings(ctx context.Context) iter.Seq2[crypto.StoredRing, error] {
	return func(yield func(crypto.StoredRing, error) bool) {
		if m.fails {
			yield(crypto.StoredRing{}, errors.New("down"))
			return
		}
		if m.do != nil {
			m.do()
			m.do = nil
		}
		m.KeyStore.Rings(ctx)(yield)
	}
}
