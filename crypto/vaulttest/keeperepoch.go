package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

func numbers(epochs []crypto.Epoch) []uint32 {
	var all []uint32
	for _, e := range epochs {
		all = append(all, e.Number)
	}
	return all
}

// list returns the epochs, after it has looked at them.
func list(t *testing.T, k crypto.Keeper) map[uint32]crypto.Epoch {
	t.Helper()
	epochs, err := k.Epochs(t.Context())
	require.NoError(t, err)
	require.True(t, slices.IsSorted(numbers(epochs)), "not the oldest first: %v", numbers(epochs))
	all := map[uint32]crypto.Epoch{}
	for _, e := range epochs {
		require.NotZero(t, e.Number)
		require.NotContains(t, all, e.Number, "epoch %d twice", e.Number)
		require.True(t, !e.Destroyed.IsZero() || !e.Created.IsZero(), "epoch %d was never created", e.Number)
		all[e.Number] = e
	}
	return all
}

func numbering(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	highest := uint32(0)
	for number := range list(t, k) {
		highest = max(highest, number)
	}
	require.LessOrEqual(t, highest, uint32(1), "a new keeper has none, or one")
	for range 5 {
		e, err := k.NewEpoch(t.Context())
		require.NoError(t, err)
		highest++
		require.Equal(t, highest, e.Number)
		require.False(t, e.Created.IsZero(), "no time of creation")
		require.True(t, e.Destroyed.IsZero(), "destroyed from the beginning")
		listed, ok := list(t, k)[e.Number]
		require.True(t, ok, "epoch %d is not listed", e.Number)
		require.True(t, e.Created.Equal(listed.Created), "made at %v, listed as made at %v", e.Created, listed.Created)
		require.True(t, listed.Destroyed.IsZero())
	}
	for number := uint32(1); number <= highest; number++ {
		require.Contains(t, list(t, k), number)
		unwraps(t, k, number, wrap(t, k, number, []byte("any epoch that is there wraps"), box), box, []byte("any epoch that is there wraps"))
	}
	// Nobody gets the number of a destroyed epoch.
	for number := uint32(1); number < highest; number++ {
		_, err := k.DestroyEpoch(t.Context(), number)
		require.NoError(t, err)
	}
	require.Equal(t, highest+1, newEpoch(t, k))
	if _, err := k.DestroyEpoch(t.Context(), highest+1); err == nil {
		require.Equal(t, highest+2, newEpoch(t, k))
	}
}

func noEpoch(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	highest := newEpoch(t, k)
	wrapped := wrap(t, k, highest, random(32), box)
	for _, number := range []uint32{0, highest + 1, highest + 1000, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32} {
		got, err := k.Wrap(t.Context(), number, random(32), box)
		require.ErrorIs(t, err, crypto.ErrNoEpoch, "epoch %d", number)
		require.Empty(t, got)
		got, err = k.Unwrap(t.Context(), number, wrapped, box)
		// Whoever looks at the bytes first sees that they are of another epoch.
		require.True(t, isOneOf(err, []error{crypto.ErrNoEpoch, crypto.ErrScope}), "epoch %d: %v", number, err)
		require.Empty(t, got)
		_, err = k.DestroyEpoch(t.Context(), number)
		require.ErrorIs(t, err, crypto.ErrNoEpoch, "epoch %d", number)
	}
	require.Equal(t, highest+1, newEpoch(t, k))
}

// destroy destroys an epoch, and looks at what the keeper says of it.
func destroy(t *testing.T, k crypto.Keeper, epoch uint32) {
	t.Helper()
	irrevocable, err := k.DestroyEpoch(t.Context(), epoch)
	require.NoError(t, err)
	requireDestroyed(t, k, epoch, irrevocable)
}

func requireDestroyed(t *testing.T, k crypto.Keeper, epoch uint32, irrevocable time.Time) {
	t.Helper()
	require.False(t, irrevocable.IsZero(), "it does not say when no copy can be had back")
	for range 2 {
		before := time.Now()
		again, err := k.DestroyEpoch(t.Context(), epoch)
		require.NoError(t, err, "destroying a destroyed epoch")
		require.False(t, again.Before(irrevocable), "destroyed at %v, and then before that, at %v", irrevocable, again)
		if !again.Equal(irrevocable) { // forgotten: as if it were destroyed now
			require.Less(t, again.Sub(irrevocable), time.Since(before)+time.Minute)
		}
		if e, ok := list(t, k)[epoch]; ok {
			require.False(t, e.Destroyed.IsZero(), "listed as if it were there")
			require.True(t, e.Destroyed.Equal(irrevocable), "destroyed at %v, listed as destroyed at %v", irrevocable, e.Destroyed)
		}
	}
}

func destroyed(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	newEpoch(t, k)
	newEpoch(t, k)
	last := newEpoch(t, k)
	wrapped := map[uint32][]byte{}
	for number := uint32(1); number <= last; number++ {
		wrapped[number] = wrap(t, k, number, []byte{byte(number)}, box)
		// Warm, so that nothing but the key itself may be kept.
		unwraps(t, k, number, wrapped[number], box, []byte{byte(number)})
	}
	for number := uint32(1); number < last; number++ {
		destroy(t, k, number)
		for other := uint32(1); other <= last; other++ {
			if other <= number {
				gone(t, k, other, wrapped[other])
				continue
			}
			unwraps(t, k, other, wrapped[other], box, []byte{byte(other)})
			unwraps(t, k, other, wrap(t, k, other, []byte("another"), box), box, []byte("another"))
		}
	}
	newEpoch(t, k)
	for number := uint32(1); number < last; number++ {
		gone(t, k, number, wrapped[number])
	}
}

// destroyedOutOfOrder asks for the newest epoch and for one that is not the oldest, which a keeper may refuse.
func destroyedOutOfOrder(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	for _, which := range []string{"the newest", "not the oldest"} {
		k := open(t)
		newEpoch(t, k)
		epoch := newEpoch(t, k)
		last := epoch
		if which == "not the oldest" {
			last = newEpoch(t, k)
		}
		wrapped := wrap(t, k, epoch, []byte("key"), box)
		irrevocable, err := k.DestroyEpoch(t.Context(), epoch)
		if err == nil {
			requireDestroyed(t, k, epoch, irrevocable)
			gone(t, k, epoch, wrapped)
		} else {
			require.ErrorIs(t, err, crypto.ErrEpochOrder, which)
			unwraps(t, k, epoch, wrapped, box, []byte("key"))
			unwraps(t, k, epoch, wrap(t, k, epoch, []byte("another"), box), box, []byte("another"))
			e, ok := list(t, k)[epoch]
			require.True(t, ok && e.Destroyed.IsZero(), "listed as destroyed, but DestroyEpoch said that it is not")
		}
		require.Equal(t, last+1, newEpoch(t, k), which)
	}
}

func keeperCanceled(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	newEpoch(t, k)
	key := random(32)
	wrapped := wrap(t, k, epoch, key, box)
	before := list(t, k)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	for ctx, want := range map[context.Context]error{canceled: context.Canceled, late: context.DeadlineExceeded} {
		got, err := k.Wrap(ctx, epoch, key, box)
		require.ErrorIs(t, err, want)
		require.Empty(t, got)
		got, err = k.Unwrap(ctx, epoch, wrapped, box)
		require.ErrorIs(t, err, want)
		require.Empty(t, got)
		_, err = k.NewEpoch(ctx)
		require.ErrorIs(t, err, want)
		_, err = k.DestroyEpoch(ctx, epoch)
		require.ErrorIs(t, err, want)
		epochs, err := k.Epochs(ctx)
		require.ErrorIs(t, err, want)
		require.Empty(t, epochs)
	}
	after := list(t, k)
	require.Len(t, after, len(before), "calls whose context had ended changed the epochs")
	for number, e := range before {
		require.True(t, e.Destroyed.Equal(after[number].Destroyed), "calls whose context had ended changed epoch %d", number)
	}
	unwraps(t, k, epoch, wrapped, box, key)
}

func keeperConcurrent(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	ctx := t.Context()
	var mu sync.Mutex
	made := map[uint32]bool{}
	worker := func(id int) error {
		for n := range 20 {
			scope := fmt.Appendf(nil, "worker %d, key %d", id, n)
			want := bytes.Repeat([]byte{byte(id), byte(n)}, n+1)
			wrapped, err := k.Wrap(ctx, epoch, want, scope)
			if err != nil {
				return fmt.Errorf("wrap: %w", err)
			}
			if n == 10 && id < 4 {
				e, err := k.NewEpoch(ctx)
				if err != nil {
					return fmt.Errorf("new epoch: %w", err)
				}
				mu.Lock()
				twice := made[e.Number]
				made[e.Number] = true
				mu.Unlock()
				if twice {
					return fmt.Errorf("new epoch: %d was given to two", e.Number)
				}
			}
			got, err := k.Unwrap(ctx, epoch, wrapped, scope)
			if err != nil {
				return fmt.Errorf("unwrap: %w", err)
			}
			if !bytes.Equal(got, want) {
				return errors.New("unwrap: another goroutine's key")
			}
			if _, err := k.Unwrap(ctx, epoch, wrapped, fmt.Appendf(nil, "worker %d, key %d", id+1, n)); !errors.Is(err, crypto.ErrScope) {
				return fmt.Errorf("unwrap under another goroutine's scope: %w", err)
			}
			if _, err := k.Epochs(ctx); err != nil {
				return fmt.Errorf("epochs: %w", err)
			}
		}
		return nil
	}
	results := make([]error, 8)
	var wg sync.WaitGroup
	for id := range results {
		wg.Go(func() { results[id] = worker(id) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(results...))
	for n := range uint32(4) {
		require.True(t, made[epoch+1+n], "no epoch %d among %v", epoch+1+n, made)
	}
}

func destroyedWhileUsed(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	old := newEpoch(t, k)
	for number := uint32(1); number < old; number++ {
		destroy(t, k, number)
	}
	current := newEpoch(t, k)
	key := random(32)
	wrapped, kept := wrap(t, k, old, key, box), wrap(t, k, current, key, box)
	ctx := t.Context()
	var over atomic.Bool
	begun := make(chan struct{}, 8) // two a worker
	worker := func() error {
		defer func() { begun <- struct{}{} }()
		for seen := 0; ; seen++ {
			after := over.Load()
			got, err := k.Unwrap(ctx, old, wrapped, box)
			switch {
			case errors.Is(err, crypto.ErrEpochDestroyed) && seen > 5:
				return nil
			case err != nil || !bytes.Equal(got, key):
				return fmt.Errorf("unwrap: %d bytes, %w", len(got), err)
			case after:
				return errors.New("unwrap: the epoch is destroyed and goes on")
			}
			if got, err := k.Unwrap(ctx, current, kept, box); err != nil || !bytes.Equal(got, key) {
				return fmt.Errorf("unwrap in the epoch that stays: %d bytes, %w", len(got), err)
			}
			if seen == 5 {
				begun <- struct{}{}
			}
		}
	}
	results := make([]error, 4)
	var wg sync.WaitGroup
	for id := range results {
		wg.Go(func() { results[id] = worker() })
	}
	for range results {
		<-begun
	}
	_, err := k.DestroyEpoch(ctx, old)
	over.Store(true)
	wg.Wait()
	require.NoError(t, err)
	require.NoError(t, errors.Join(results...))
	gone(t, k, old, wrapped)
	unwraps(t, k, current, kept, box, key)
}
