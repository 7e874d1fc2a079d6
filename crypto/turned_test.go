package crypto_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// turns records what Turned was told.
type turns struct {
	mu    sync.Mutex
	heard []uint32
	err   error
}

func (r *turns) hear(_ context.Context, e crypto.Epoch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.heard = append(r.heard, e.Number)
	}
	return r.err
}

// Every process hears of every epoch that it sees, once and in order, whoever has begun it.
func TestEveryProcessHearsOfEachEpochOnce(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	var mine, theirs turns
	one := h.open(t, func(c *crypto.HierarchyConfig) { c.Turned = mine.hear })
	two := h.open(t, func(c *crypto.HierarchyConfig) { c.Turned = theirs.hear })
	require.Empty(t, mine.heard, "New turns nothing")
	for range 2 {
		finish(t, one.Turn(t.Context(), false))
	}
	require.Equal(t, []uint32{1}, mine.heard)
	finish(t, one.Turn(t.Context(), true))
	require.Equal(t, []uint32{1, 2}, mine.heard)
	finish(t, two.Turn(t.Context(), false))
	require.Equal(t, []uint32{2}, theirs.heard)
	finish(t, two.Turn(t.Context(), true))
	finish(t, one.Turn(t.Context(), false))
	require.Equal(t, []uint32{2, 3}, theirs.heard)
	require.Equal(t, []uint32{1, 2, 3}, mine.heard)
}

// As long as the host has no copy of the new root key, no key is moved to it and the old one stays; when it has, the turn goes on.
func TestEpochWaitsForTheHostsCopy(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	_, err := h.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
	full := errors.New("the disk is full")
	var heard turns
	v := h.open(t, func(c *crypto.HierarchyConfig) { c.KeyTime, c.Turned = time.Nanosecond, heard.hear })
	finish(t, v.Turn(t.Context(), false))
	heard.err = full
	for _, now := range []bool{true, false} {
		for p, err := range v.Turn(t.Context(), now) {
			require.ErrorIs(t, err, full)
			require.False(t, p.Finished)
		}
		for ring, err := range h.keys.Rings(t.Context()) {
			require.NoError(t, err)
			require.EqualValues(t, 1, ring.Epoch)
		}
		require.Len(t, h.keeper.epochs, 2, "and no further one is begun")
		require.True(t, h.keeper.epochs[0].Destroyed.IsZero())
	}
	heard.err = nil
	h.now = h.now.Add(time.Second)
	require.True(t, finish(t, v.Turn(t.Context(), false)).Finished)
	require.Equal(t, []uint32{1, 2}, heard.heard)
	require.False(t, h.keeper.epochs[0].Destroyed.IsZero())
	_, err = v.Seal(t.Context(), ada, []byte("content"))
	require.NoError(t, err)
}

// Turns at the same time do not call the host at the same time.
func TestHostIsToldByOneTurnAtATime(t *testing.T) {
	t.Parallel()
	h := build(t, nil)
	var inside, most, calls atomic.Int64
	v := h.open(t, func(c *crypto.HierarchyConfig) {
		c.Turned = func(context.Context, crypto.Epoch) error {
			most.Store(max(most.Load(), inside.Add(1)))
			defer inside.Add(-1)
			calls.Add(1)
			return nil
		}
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range v.Turn(context.Background(), true) { //nolint:revive // to its end
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, most.Load())
	require.LessOrEqual(t, calls.Load(), int64(len(h.keeper.epochs)))
	require.Positive(t, calls.Load())
}

// Who waits for another turn to tell the host gives up when its own time is over.
func TestTurnDoesNotWaitForAHostThatIsToldByAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := build(t, nil)
		done := make(chan struct{})
		v := h.open(t, func(c *crypto.HierarchyConfig) {
			c.Turned = func(context.Context, crypto.Epoch) error {
				<-done
				return nil
			}
		})
		var first sync.WaitGroup
		first.Go(func() { finish(t, v.Turn(t.Context(), false)) })
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, err := range v.Turn(short, false) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.ErrorIs(t, short.Err(), context.DeadlineExceeded)
		close(done)
		first.Wait()
	})
}
