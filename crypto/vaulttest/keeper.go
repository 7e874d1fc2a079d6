package vaulttest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// Keeper runs the conformance suite of [crypto.Keeper], each clause a subtest of t. open gives a new keeper with keys of
// its own each time it is called, and cleans up with t.Cleanup; it is called from several goroutines. It needs no knowledge
// of how the keeper works, and some thousand calls of it, most of them to Unwrap. Run it with the race detector.
func Keeper(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	t.Helper()
	for _, clause := range []struct {
		name  string
		check func(t *testing.T, open func(t *testing.T) crypto.Keeper)
	}{
		{"KeysOfEveryLength", keysOfEveryLength},
		{"ScopesOfEveryKind", scopesOfEveryKind},
		{"OtherScope", keyOfOtherScope},
		{"OtherEpoch", keyOfOtherEpoch},
		{"OtherKeeper", keyOfOtherKeeper},
		{"EveryBitFlipped", keyWithEveryBitFlipped},
		{"Truncated", keyTruncated},
		{"Spliced", keysSpliced},
		{"NothingWrapped", nothingWrapped},
		{"NoKeyInside", noKeyInside},
		{"NothingShared", nothingSharedWithKeeper},
		{"Numbering", numbering},
		{"NoEpoch", noEpoch},
		{"Destroyed", destroyed},
		{"DestroyedOutOfOrder", destroyedOutOfOrder},
		{"Canceled", keeperCanceled},
		{"Concurrent", keeperConcurrent},
		{"DestroyedWhileUsed", destroyedWhileUsed},
	} {
		t.Run(clause.name, func(t *testing.T) {
			t.Parallel()
			clause.check(t, open)
		})
	}
}

// box is what most clauses bind keys to.
var box = []byte("keys of acme, version 1")

func newEpoch(t *testing.T, k crypto.Keeper) uint32 {
	t.Helper()
	e, err := k.NewEpoch(t.Context())
	require.NoError(t, err)
	return e.Number
}

func wrap(t *testing.T, k crypto.Keeper, epoch uint32, key, scope []byte) []byte {
	t.Helper()
	wrapped, err := k.Wrap(t.Context(), epoch, key, scope)
	require.NoError(t, err)
	require.NotEmpty(t, wrapped)
	return wrapped
}

func unwraps(t *testing.T, k crypto.Keeper, epoch uint32, wrapped, scope, want []byte) {
	t.Helper()
	got, err := k.Unwrap(t.Context(), epoch, wrapped, scope)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "unwrapped to %d bytes that are not the %d wrapped ones", len(got), len(want))
}

// stays requires that wrapped gives no key, with one of the given errors.
func stays(t *testing.T, k crypto.Keeper, epoch uint32, wrapped, scope []byte, what string, wants ...error) {
	t.Helper()
	got, err := k.Unwrap(t.Context(), epoch, wrapped, scope)
	require.True(t, isOneOf(err, wants), "%s: Unwrap returned %v", what, err)
	require.Empty(t, got, "%s: Unwrap returned bytes with an error", what)
}

// gone requires that an epoch is destroyed, as what was wrapped under it shows.
func gone(t *testing.T, k crypto.Keeper, epoch uint32, wrapped []byte) {
	t.Helper()
	stays(t, k, epoch, wrapped, box, "destroyed epoch", crypto.ErrEpochDestroyed)
	got, err := k.Wrap(t.Context(), epoch, random(32), box)
	require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	require.Empty(t, got)
}

var (
	otherPlace = []error{crypto.ErrScope}
	changedKey = []error{crypto.ErrScope, crypto.ErrMalformed}
)

func keysOfEveryLength(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	for size := 1; size <= crypto.MaxWrapBytes; size++ {
		key := random(size)
		unwraps(t, k, epoch, wrap(t, k, epoch, key, box), box, key)
	}
	for _, b := range []byte{0, 0xff} {
		key := bytes.Repeat([]byte{b}, 32)
		unwraps(t, k, epoch, wrap(t, k, epoch, key, box), box, key)
	}
	// Again, and in any order.
	one, two := wrap(t, k, epoch, []byte("one"), box), wrap(t, k, epoch, []byte("two"), box)
	unwraps(t, k, epoch, two, box, []byte("two"))
	unwraps(t, k, epoch, one, box, []byte("one"))
	unwraps(t, k, epoch, two, box, []byte("two"))
}

func scopesOfEveryKind(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	key := random(32)
	for _, scope := range [][]byte{{0}, {0xff}, []byte("\x00\x01\xfe\xff\n\r\t \"\\<>&"), []byte("Zażółć gęślą jaźń 漢字"), random(100), random(crypto.MaxWrapScopeBytes)} {
		unwraps(t, k, epoch, wrap(t, k, epoch, key, scope), scope, key)
	}
}

func keyOfOtherScope(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	key := random(32)
	long := bytes.Repeat([]byte("x"), crypto.MaxWrapScopeBytes)
	for _, scope := range [][]byte{box, {0}, {0xff, 0xfe}, long} {
		wrapped := wrap(t, k, epoch, key, scope)
		last := bytes.Clone(scope)
		last[len(last)-1] ^= 1
		for what, other := range map[string][]byte{
			"another scope": []byte("keys of globex, version 1"), "a bit of the last byte": last, "upper case": bytes.ToUpper(scope),
			"hexadecimal": hex.AppendEncode(nil, scope[:min(len(scope), 500)]), "other bytes that are no text": {0xfd, 0xfe},
		} {
			if !bytes.Equal(other, scope) {
				stays(t, k, epoch, wrapped, other, what, otherPlace...)
			}
		}
		if len(scope) < crypto.MaxWrapScopeBytes {
			stays(t, k, epoch, wrapped, append(bytes.Clone(scope), 0), "a zero more", otherPlace...)
			stays(t, k, epoch, wrapped, append([]byte{' '}, scope...), "a space in front", otherPlace...)
		}
		if len(scope) > 1 {
			stays(t, k, epoch, wrapped, scope[:len(scope)-1], "a byte less", otherPlace...)
			stays(t, k, epoch, wrapped, scope[1:], "a byte less in front", otherPlace...)
		}
		unwraps(t, k, epoch, wrapped, scope, key)
	}
}

func keyOfOtherEpoch(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epochs := []uint32{newEpoch(t, k), newEpoch(t, k), newEpoch(t, k)}
	key := random(32)
	for _, made := range epochs {
		wrapped := wrap(t, k, made, key, box)
		for _, epoch := range epochs {
			if epoch != made {
				stays(t, k, epoch, wrapped, box, fmt.Sprintf("of epoch %d as one of %d", made, epoch), otherPlace...)
			}
		}
		unwraps(t, k, made, wrapped, box, key)
	}
}

func keyOfOtherKeeper(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	mine, theirs := open(t), open(t)
	a, b := newEpoch(t, mine), newEpoch(t, theirs)
	for a < b {
		a = newEpoch(t, mine)
	}
	for b < a {
		b = newEpoch(t, theirs)
	}
	stays(t, theirs, b, wrap(t, mine, a, random(32), box), box, "another keeper's key", changedKey...)
}

func keyWithEveryBitFlipped(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	newEpoch(t, k) // so that a changed number is that of an epoch
	for _, key := range [][]byte{{7}, random(32)} {
		wrapped := wrap(t, k, epoch, key, box)
		for i := range len(wrapped) * 8 {
			flipped := bytes.Clone(wrapped)
			flipped[i/8] ^= 1 << (i % 8)
			stays(t, k, epoch, flipped, box, fmt.Sprintf("bit %d of byte %d flipped", i%8, i/8), changedKey...)
		}
		unwraps(t, k, epoch, wrapped, box, key)
	}
	// Encodings of bytes as text often have several forms of the last ones; which, depends on the length.
	for size := 30; size <= 32; size++ {
		wrapped := wrap(t, k, epoch, random(size), box)
		for i := max(0, len(wrapped)-3); i < len(wrapped); i++ {
			for change := 1; change < 256; change++ {
				other := bytes.Clone(wrapped)
				other[i] ^= byte(change)
				stays(t, k, epoch, other, box, fmt.Sprintf("byte %d of %d changed by %#x", i, len(wrapped), change), changedKey...)
			}
		}
	}
}

func keyTruncated(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	wrapped := wrap(t, k, epoch, random(32), box)
	for n := range len(wrapped) {
		stays(t, k, epoch, wrapped[:n], box, fmt.Sprintf("first %d bytes", n), changedKey...)
		stays(t, k, epoch, wrapped[n+1:], box, fmt.Sprintf("without the first %d bytes", n+1), changedKey...)
	}
	for _, more := range []byte{0, '\n', ' ', '='} {
		stays(t, k, epoch, append(bytes.Clone(wrapped), more), box, fmt.Sprintf("a %q more", more), changedKey...)
		stays(t, k, epoch, append([]byte{more}, wrapped...), box, fmt.Sprintf("a %q more in front", more), changedKey...)
		middle := slices.Insert(bytes.Clone(wrapped), len(wrapped)/2, more)
		stays(t, k, epoch, middle, box, fmt.Sprintf("a %q more in the middle", more), changedKey...)
	}
	stays(t, k, epoch, append(bytes.Clone(wrapped), wrapped...), box, "twice", changedKey...)
}

func keysSpliced(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	first, second := newEpoch(t, k), newEpoch(t, k)
	a, b, c := wrap(t, k, first, random(32), box), wrap(t, k, first, random(32), box), wrap(t, k, second, random(32), box)
	for what, other := range map[string][]byte{"another key": b, "a key of another epoch": c} {
		for n := range min(len(a), len(other)) {
			joined := append(bytes.Clone(a[:n]), other[n:]...)
			if bytes.Equal(joined, a) || bytes.Equal(joined, other) {
				continue
			}
			stays(t, k, first, joined, box, fmt.Sprintf("%d bytes of one and the rest of %s", n, what), changedKey...)
			stays(t, k, second, joined, box, fmt.Sprintf("%d bytes of one and the rest of %s, in the other epoch", n, what), changedKey...)
		}
	}
}

func nothingWrapped(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	for _, b := range [][]byte{nil, {}, {0}, []byte("key"), []byte("{}"), box, make([]byte, 200), []byte(strings.Repeat("A", 200)), []byte(strings.Repeat("\xff", 1<<12))} {
		stays(t, k, epoch, b, box, fmt.Sprintf("%.20q", b), changedKey...)
	}
	for size := range 150 {
		stays(t, k, epoch, random(size), box, fmt.Sprintf("%d random bytes", size), changedKey...)
	}
}

func noKeyInside(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	key := random(crypto.MaxWrapBytes)
	wrapped := string(wrap(t, k, epoch, key, box))
	// Eight bytes, or ten characters, come about by chance in less than one of 2^40 runs.
	for i := range len(key) - 7 {
		require.NotContains(t, wrapped, string(key[i:i+8]), "the key from byte %d on", i)
	}
	encoded := []string{strings.ToLower(hex.EncodeToString(key)), strings.ToUpper(hex.EncodeToString(key))}
	for shift := range 3 { // base64 looks different at each of three beginnings
		encoded = append(encoded, base64.RawStdEncoding.EncodeToString(key[shift:]), base64.RawURLEncoding.EncodeToString(key[shift:]))
	}
	for _, text := range encoded {
		for i := range len(text) - 11 {
			require.NotContains(t, wrapped, text[i:i+12], "the key, encoded")
		}
	}
	zeros := wrap(t, k, epoch, make([]byte, crypto.MaxWrapBytes), box)
	require.NotContains(t, string(zeros), string(make([]byte, 16)))
}

func nothingSharedWithKeeper(t *testing.T, open func(t *testing.T) crypto.Keeper) {
	k := open(t)
	epoch := newEpoch(t, k)
	key, scope := []byte("a key of 32 bytes, as most keys."), bytes.Clone(box)
	wrapped := wrap(t, k, epoch, key, scope)
	require.Equal(t, "a key of 32 bytes, as most keys.", string(key), "Wrap changed the key")
	require.Equal(t, box, scope, "Wrap changed the scope")
	want := bytes.Clone(key)
	clear(key)
	clear(scope)
	kept := bytes.Clone(wrapped)

	got, err := k.Unwrap(t.Context(), epoch, wrapped, box)
	require.NoError(t, err)
	require.Equal(t, want, got)
	clear(got)
	require.Equal(t, kept, wrapped, "what Unwrap returned is inside what was wrapped")
	unwraps(t, k, epoch, wrapped, box, want)

	clear(wrap(t, k, epoch, []byte("another key"), box))
	unwraps(t, k, epoch, wrapped, box, want)

	before, err := k.Epochs(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, before)
	want2 := numbers(before)
	clear(before)
	again, err := k.Epochs(t.Context())
	require.NoError(t, err)
	require.Equal(t, want2, numbers(again), "Epochs returned what it goes on using")
}

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
