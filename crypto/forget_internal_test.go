package crypto

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

func TestExpandIsTheFirstBlockOfHKDF(t *testing.T) {
	t.Parallel()
	for _, h := range []func() hash.Hash{sha256.New, sha512.New} {
		for size := range 200 {
			key, info := make([]byte, 32), make([]byte, size)
			_, _ = rand.Read(key)
			_, _ = rand.Read(info)
			want, err := hkdf.Expand(h, key, string(info), h().Size())
			require.NoError(t, err)
			require.Equal(t, want, expand(h, key, info))
		}
	}
}

// kept returns the keys of an owner that a hierarchy has in memory.
func kept(t *testing.T, h *Hierarchy, at Scope) (keys []secret.Value) {
	t.Helper()
	r, _ := h.rings.get(ownerOf(&at))
	require.NotNil(t, r)
	for i := range r.versions {
		keys = append(keys, r.versions[i].key.key)
	}
	return keys
}

func newTestHierarchy(t *testing.T, config HierarchyConfig) *Hierarchy {
	t.Helper()
	config.Keeper, config.Keys = NewKeyring(), NewKeyStore()
	h, err := NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

// A version that is taken away leaves memory when its owner is looked up next, though the ring that had it was in use.
func TestTrimmedKeyIsClearedInMemory(t *testing.T) {
	t.Parallel()
	h := newTestHierarchy(t, HierarchyConfig{})
	at := Scope{Tenant: "acme", Subject: "ada"}
	_, err := h.Seal(t.Context(), at, nil)
	require.NoError(t, err)
	old := kept(t, h, at)
	require.Len(t, old, 1)
	for _, err := range h.Rotate(t.Context(), "") {
		require.NoError(t, err)
	}
	_, err = h.Seal(t.Context(), at, nil)
	require.NoError(t, err)
	require.NoError(t, old[0].Use(func([]byte) {}), "it still opens what is under it")
	for _, err := range h.Retire(t.Context(), nil) {
		require.NoError(t, err)
	}
	for _, err := range h.Trim(t.Context(), nil) {
		require.NoError(t, err)
	}
	_, err = h.Seal(t.Context(), at, nil)
	require.NoError(t, err)
	require.ErrorIs(t, old[0].Use(func([]byte) {}), secret.ErrDestroyed)
	newest := kept(t, h, at)
	require.Len(t, newest, 1)
	require.NoError(t, h.Close())
	require.ErrorIs(t, newest[0].Use(func([]byte) {}), secret.ErrDestroyed)
}

// A key that there was no room for any more is cleared by the garbage collector: somebody may have been using it.
func TestKeyThatLeftTheCacheIsClearedByTheCollector(t *testing.T) {
	t.Parallel()
	h := newTestHierarchy(t, HierarchyConfig{MaxKeys: 1})
	at := Scope{Tenant: "acme", Subject: "ada"}
	_, err := h.Seal(t.Context(), at, nil)
	require.NoError(t, err)
	key := kept(t, h, at)[0]
	at.Subject = "bob"
	_, err = h.Seal(t.Context(), at, nil)
	require.NoError(t, err)
	for deadline := time.Now().Add(10 * time.Second); key.Use(func([]byte) {}) == nil; runtime.Gosched() {
		require.True(t, time.Now().Before(deadline), "it is still there")
		runtime.GC()
	}
	require.NoError(t, kept(t, h, at)[0].Use(func([]byte) {}))
}

// The keys of a run leave memory when the store has them no more, whoever has deleted them.
func TestDeletedKeyIsClearedInMemory(t *testing.T) {
	t.Parallel()
	h := newTestHierarchy(t, HierarchyConfig{})
	at := Scope{Tenant: "acme", Run: "r1"}
	sealed, err := h.Seal(t.Context(), at, nil)
	require.NoError(t, err)
	old := kept(t, h, at)
	for stored, err := range h.config.Keys.Rings(t.Context()) {
		require.NoError(t, err)
		require.NoError(t, h.config.Keys.DeleteRing(t.Context(), stored))
	}
	h.rings.stale()
	_, err = h.Open(t.Context(), at, sealed)
	require.ErrorIs(t, err, ErrNoKey)
	require.ErrorIs(t, old[0].Use(func([]byte) {}), secret.ErrDestroyed)
}
