package crypto_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
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

// restless answers after some time or other.
type restless struct {
	crypto.Keeper
	crypto.KeyStore
}

func rest() { time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond) }

func (r restless) Unwrap(ctx context.Context, epoch uint32, wrapped, scope []byte) ([]byte, error) {
	rest()
	return r.Keeper.Unwrap(ctx, epoch, wrapped, scope)
}

func (r restless) Ring(ctx context.Context, id string) (crypto.StoredRing, error) {
	rest()
	defer rest()
	return r.KeyStore.Ring(ctx, id)
}

// However many use an owner's keys meanwhile: nothing opens and nothing is sealed once Shred has returned, and everything
// does once AllowNewLifecycle has.
func TestLivesOfAnOwnerAreKeptApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parts := restless{newCabinet(), crypto.NewKeyStore()}
		h, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: parts, Keys: parts, KeyTime: time.Hour, MaxKeys: 1})
		require.NoError(t, err)
		defer h.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		defer others.Wait()
		defer cancel()
		var last atomic.Pointer[[]byte]
		for range 4 {
			others.Go(func() {
				for ctx.Err() == nil {
					rest()
					short, done := context.WithTimeout(ctx, time.Duration(rand.IntN(40))*time.Millisecond)
					_, _ = h.Seal(short, ada, nil)
					_, _ = h.Seal(ctx, bob, nil) // there is room for the keys of one of them
					if sealed := last.Load(); sealed != nil {
						_, _ = h.Open(ctx, ada, *sealed)
					}
					done()
				}
			})
		}
		for range 200 {
			sealed, err := h.Seal(t.Context(), ada, []byte("content"))
			require.NoError(t, err)
			last.Store(&sealed)
			_, err = h.Open(t.Context(), ada, sealed)
			require.NoError(t, err)
			rest()
			_, err = h.Shred(t.Context(), ada)
			require.NoError(t, err)
			_, err = h.Open(t.Context(), ada, sealed)
			require.ErrorIs(t, err, crypto.ErrShredded)
			rest()
			_, err = h.Seal(t.Context(), ada, nil)
			require.ErrorIs(t, err, crypto.ErrShredded)
			require.NoError(t, h.AllowNewLifecycle(t.Context(), ada))
		}
	})
}

// A process that knows that keys were destroyed opens what another has sealed in a new life at once, and looks no further for
// what is from before.
func TestNewLifeIsOpenedByOtherProcesses(t *testing.T) {
	t.Parallel()
	h := build(t, func(c *crypto.HierarchyConfig) { c.KeyTime = time.Hour })
	counted := &countedKeys{KeyStore: h.keys}
	other := h.open(t, func(c *crypto.HierarchyConfig) { c.Keys, c.KeyTime = counted, time.Hour })
	before, err := h.Seal(t.Context(), acme, []byte("before"))
	require.NoError(t, err)
	_, err = h.Shred(t.Context(), acme)
	require.NoError(t, err)
	for range 3 {
		_, err = other.Open(t.Context(), acme, before)
		require.ErrorIs(t, err, crypto.ErrShredded)
		_, err = other.Seal(t.Context(), acme, nil)
		require.ErrorIs(t, err, crypto.ErrShredded)
	}
	require.EqualValues(t, 1, counted.reads.Load())
	require.NoError(t, h.AllowNewLifecycle(t.Context(), acme))
	after, err := h.Seal(t.Context(), acme, []byte("after"))
	require.NoError(t, err)
	text, err := other.Open(t.Context(), acme, after)
	require.NoError(t, err)
	require.Equal(t, "after", string(text))
	_, err = other.Open(t.Context(), acme, before)
	require.ErrorIs(t, err, crypto.ErrShredded)
	require.EqualValues(t, 2, counted.reads.Load())
}

// countedKeys is a key store that counts how often it is asked for one ring.
type countedKeys struct {
	crypto.KeyStore
	reads atomic.Int64
}

func (c *countedKeys) Ring(ctx context.Context, id string) (crypto.StoredRing, error) {
	c.reads.Add(1)
	return c.KeyStore.Ring(ctx, id)
}
