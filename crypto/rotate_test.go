package crypto_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

func never(context.Context, [16]byte) (bool, error) { return false, nil }

func noTenant(context.Context, string) (bool, error) { return false, nil }

// A rotation that is cut off goes on behind the owner that it had come to.
func TestRotationGoesOnBehindARing(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	const owners = 600
	under := map[crypto.Scope][16]byte{}
	seal := func(at crypto.Scope) [16]byte {
		sealed, err := h.Seal(t.Context(), at, []byte("content"))
		require.NoError(t, err)
		key, err := crypto.KeyOf(sealed)
		require.NoError(t, err)
		return key
	}
	for i := range owners {
		at := crypto.Scope{Tenant: "acme", Subject: fmt.Sprint(i)}
		under[at] = seal(at)
	}
	var first crypto.Progress
	for p, err := range h.Rotate(t.Context(), "") {
		require.NoError(t, err)
		first = p
		break
	}
	require.False(t, first.Finished)
	require.NotEmpty(t, first.After)
	require.Less(t, first.Done, int64(owners))
	rest := finish(t, h.Rotate(t.Context(), first.After))
	require.EqualValues(t, owners, first.Changed+rest.Changed, "each got one version")
	require.EqualValues(t, owners, first.Done+rest.Done)
	for at, key := range under {
		require.NotEqual(t, key, seal(at))
	}
	require.Zero(t, finish(t, h.Rotate(t.Context(), rest.After)).Changed)
}

func TestVersionInUseIsNotRetired(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	old, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	other, err := h.Seal(t.Context(), acme, []byte("content"))
	require.NoError(t, err)
	key, err := crypto.KeyOf(old)
	require.NoError(t, err)
	finish(t, h.Rotate(t.Context(), ""))
	var refused error
	var last crypto.Progress
	for p, err := range h.Retire(t.Context(), func(_ context.Context, asked [16]byte) (bool, error) { return asked == key, nil }) {
		last, refused = p, errors.Join(refused, err)
	}
	require.ErrorIs(t, refused, crypto.ErrKeyInUse)
	require.ErrorContains(t, refused, fmt.Sprintf("%x", key), "it names the key")
	require.True(t, last.Finished)
	require.EqualValues(t, 1, last.Changed)
	_, err = h.Open(t.Context(), ada, old)
	require.NoError(t, err)
	_, err = h.Open(t.Context(), acme, other)
	require.ErrorIs(t, err, crypto.ErrKeyTooOld)
	require.EqualValues(t, 1, finish(t, h.Trim(t.Context(), never)).Changed)
	_, err = h.Open(t.Context(), ada, old)
	require.NoError(t, err)

	broken := errors.New("the scan failed")
	for _, err := range h.Retire(t.Context(), func(context.Context, [16]byte) (bool, error) { return false, broken }) {
		refused = err
		break
	}
	require.ErrorIs(t, refused, broken)
	_, err = h.Open(t.Context(), ada, old)
	require.NoError(t, err)
}

// A process that was reading a ring while another version was made does not take what it read for the newest.
func TestWhatWasReadBeforeARotationDoesNotSealAfterIt(t *testing.T) {
	t.Parallel()
	slow := &slowKeys{KeyStore: crypto.NewKeyStore(), asked: make(chan struct{}), goOn: make(chan struct{})}
	h := build(t, func(c *crypto.HierarchyConfig) { c.Keys, c.KeyTime = slow, time.Hour })
	old, err := h.Seal(t.Context(), acme, nil)
	require.NoError(t, err)
	before, err := crypto.KeyOf(old)
	require.NoError(t, err)
	again, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: h.keeper, Keys: slow, KeyTime: time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, again.Close()) })
	slow.slow.Store(true)
	done := make(chan error, 1)
	go func() {
		_, err := again.Open(context.Background(), acme, old)
		done <- err
	}()
	<-slow.asked
	slow.slow.Store(false)
	finish(t, again.Rotate(t.Context(), ""))
	close(slow.goOn)
	require.NoError(t, <-done)
	sealed, err := again.Seal(t.Context(), acme, nil)
	require.NoError(t, err)
	after, err := crypto.KeyOf(sealed)
	require.NoError(t, err)
	require.NotEqual(t, before, after)
}

func TestTokensAreFoundThroughoutARotation(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	key := crypto.Scope{Tenant: "acme", Record: "people", Field: "key"}
	mail := crypto.Scope{Tenant: "acme", Field: "mail"}
	tokens := func(v *crypto.Hierarchy, at crypto.Scope) [][]byte {
		all, err := v.Blinds(t.Context(), at, []byte("ada"))
		require.NoError(t, err)
		first, err := v.Blind(t.Context(), at, []byte("ada"))
		require.NoError(t, err)
		require.Equal(t, first, all[0])
		return all
	}
	old, untouched := tokens(h.Hierarchy, key), tokens(h.Hierarchy, mail)
	require.Len(t, old, 1)
	require.NotEqual(t, old, untouched)

	for range 2 { // again does nothing
		finish(t, h.RotateIndex(t.Context(), "key"))
	}
	known := tokens(h.Hierarchy, key)
	require.Len(t, known, 2)
	require.Equal(t, old[0], known[0], "the new one is only known")
	finish(t, h.Rotate(t.Context(), ""))
	finish(t, h.Retire(t.Context(), nil))
	finish(t, h.Trim(t.Context(), never))
	finish(t, h.Reinstate(t.Context()))
	require.Equal(t, known, tokens(h.Hierarchy, key), "keys that seal are another matter")
	require.Zero(t, finish(t, h.TrimIndex(t.Context(), "key", noTenant)).Changed, "both are needed")
	for range 2 {
		finish(t, h.AdoptIndex(t.Context(), "key"))
		finish(t, h.RotateIndex(t.Context(), "key"))
	}
	adopted := tokens(h.open(t, nil), key)
	require.Equal(t, [][]byte{known[1], known[0]}, adopted)

	var refused error
	for _, err := range h.TrimIndex(t.Context(), "key", func(_ context.Context, tenant string) (bool, error) { return tenant == "acme", nil }) {
		refused = errors.Join(refused, err)
	}
	require.ErrorIs(t, refused, crypto.ErrKeyInUse)
	require.Len(t, tokens(h.Hierarchy, key), 2)
	finish(t, h.TrimIndex(t.Context(), "key", noTenant))
	require.Equal(t, known[1:], tokens(h.Hierarchy, key))
	require.Equal(t, untouched, tokens(h.open(t, nil), mail), "other fields have other keys")
	_, err := h.Blinds(t.Context(), crypto.Scope{}, nil)
	require.ErrorIs(t, err, crypto.ErrScope)
}

func TestClosedHierarchyRotatesNothing(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	require.NoError(t, h.Close())
	for _, err := range h.Rotate(t.Context(), "") {
		require.ErrorIs(t, err, crypto.ErrClosed)
	}
	_, err := h.Epoch(t.Context())
	require.ErrorIs(t, err, crypto.ErrClosed)
}

// slowKeys is a key store that holds up one answer.
type slowKeys struct {
	crypto.KeyStore
	slow        atomic.Bool
	asked, goOn chan struct{}
}

func (s *slowKeys) Ring(ctx context.Context, id string) (crypto.StoredRing, error) {
	ring, err := s.KeyStore.Ring(ctx, id)
	if s.slow.Load() {
		close(s.asked)
		<-s.goOn
	}
	return ring, err
}
