package vaulttest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

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
