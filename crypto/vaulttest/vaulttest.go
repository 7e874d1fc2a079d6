// Package vaulttest checks that a vault does what crypto.Vault promises, and a keeper what crypto.Keeper does.
//
// Call [Run] from a test of your own vault, [Keeper] from one of your own keeper. None needs to know how it works: they
// seal, damage, move and open, and hold every answer against the contract. A vault that the engine is to rotate also passes
// [Rotator], [Turner] and [Reblinder], as far as it is one. Run them with the race detector.
package vaulttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// Run runs the conformance suite, each clause a subtest of t. open gives a new vault with new keys of its own each time
// it is called, and cleans up with t.Cleanup; it is called from several goroutines.
//
// What a vault may do besides is checked when it has it: [crypto.Blinder], [crypto.Streamer], and a method
// AddKey(context.Context) error that makes a new key the one that seals. Rotator, Turner and Reblinder have suites of their own.
func Run(t *testing.T, open func(t *testing.T) crypto.Vault) {
	t.Helper()
	for _, clause := range []struct {
		name  string
		check func(t *testing.T, open func(t *testing.T) crypto.Vault)
	}{
		{"RoundTrip", roundTrip},
		{"TooLarge", tooLarge},
		{"EmptyScope", emptyScope},
		{"OtherScope", otherScope},
		{"LongestScope", longestScope},
		{"OtherVault", otherVault},
		{"EveryBitFlipped", everyBitFlipped},
		{"Truncated", truncated},
		{"Spliced", spliced},
		{"NoEnvelope", noEnvelope},
		{"NeverTheSame", neverTheSame},
		{"NoPlaintextInside", noPlaintextInside},
		{"NothingShared", nothingShared},
		{"Rewrap", rewrap},
		{"AddKey", addKey},
		{"Canceled", canceled},
		{"Concurrent", concurrent},
		{"Blind", blind},
		{"Stream", stream},
	} {
		t.Run(clause.name, func(t *testing.T) {
			t.Parallel()
			clause.check(t, open)
		})
	}
}

// home is a scope with every field set.
var home = crypto.Scope{Tenant: "acme", Category: "execution_detail", Record: "r1", Field: "body", Subject: "s1", Run: "x1"}

// elsewhere gives scopes that differ from home in one field each, or only in where one field ends and the next begins.
func elsewhere() map[string]crypto.Scope {
	scopes := map[string]crypto.Scope{}
	fields := func(s *crypto.Scope) map[string]*string {
		return map[string]*string{
			"tenant": &s.Tenant, "category": &s.Category, "record": &s.Record, "field": &s.Field, "subject": &s.Subject, "run": &s.Run,
		}
	}
	for name := range fields(&crypto.Scope{}) {
		for change, text := range map[string]string{
			"empty": "", "other": "zzz", "longer": *fields(&home)[name] + "\x00", "upper case": strings.ToUpper(*fields(&home)[name]),
		} {
			s := home
			*fields(&s)[name] = text
			scopes[name+" "+change] = s
		}
	}
	shift := home
	shift.Tenant, shift.Category = "acmee", "xecution_detail"
	scopes["border moved"] = shift
	swap := home
	swap.Subject, swap.Run = home.Run, home.Subject
	scopes["fields swapped"] = swap
	return scopes
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func seal(t *testing.T, v crypto.Vault, at crypto.Scope, plaintext []byte) []byte {
	t.Helper()
	sealed, err := v.Seal(t.Context(), at, plaintext)
	require.NoError(t, err)
	return sealed
}

func opens(t *testing.T, v crypto.Vault, at crypto.Scope, sealed, want []byte) {
	t.Helper()
	got, err := v.Open(t.Context(), at, sealed)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "opened to %d bytes that are not the %d sealed ones", len(got), len(want))
}

// closed requires that sealed does not open under at, with one of the given errors, nor is rewrapped.
func closed(t *testing.T, v crypto.Vault, at crypto.Scope, sealed []byte, what string, wants ...error) {
	t.Helper()
	got, err := v.Open(t.Context(), at, sealed)
	require.True(t, isOneOf(err, wants), "%s: Open returned %v", what, err)
	require.Empty(t, got, "%s: Open returned bytes with an error", what)
	again, done, err := v.Rewrap(t.Context(), at, sealed)
	require.True(t, isOneOf(err, wants), "%s: Rewrap returned %v", what, err)
	require.Empty(t, again, "%s: Rewrap returned bytes with an error", what)
	require.False(t, done, "%s: Rewrap reported success with an error", what)
}

func isOneOf(err error, wants []error) bool {
	for _, want := range wants {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// damage is what a changed envelope may meet.
var damage = []error{crypto.ErrScope, crypto.ErrNoKey, crypto.ErrMalformed, crypto.ErrNewer}

func roundTrip(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	for _, size := range []int{0, 1, 15, 16, 17, 200, 1 << 10, 64<<10 - 1, 1 << 20, int(crypto.MaxPlaintextBytes)} {
		plaintext := random(size)
		opens(t, v, home, seal(t, v, home, plaintext), plaintext)
	}
	opens(t, v, home, seal(t, v, home, nil), nil)
	for name, at := range elsewhere() {
		sealed, err := v.Seal(t.Context(), at, []byte(name))
		require.NoError(t, err, name)
		opens(t, v, at, sealed, []byte(name))
	}
	// Sealing is no queue: envelopes open in any order, and again.
	first, second := seal(t, v, home, []byte("first")), seal(t, v, home, []byte("second"))
	opens(t, v, home, second, []byte("second"))
	opens(t, v, home, first, []byte("first"))
	opens(t, v, home, second, []byte("second"))
}

func tooLarge(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	_, err := v.Seal(t.Context(), home, make([]byte, crypto.MaxPlaintextBytes+1))
	require.ErrorIs(t, err, crypto.ErrTooLarge)
}

func emptyScope(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	sealed, err := v.Seal(t.Context(), crypto.Scope{}, []byte("text"))
	require.ErrorIs(t, err, crypto.ErrScope)
	require.Empty(t, sealed)
	closed(t, v, crypto.Scope{}, seal(t, v, home, []byte("text")), "empty scope", crypto.ErrScope)
}

func otherScope(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	sealed := seal(t, v, home, []byte("belongs here"))
	for name, at := range elsewhere() {
		closed(t, v, at, sealed, name, crypto.ErrScope)
		closed(t, v, home, seal(t, v, at, []byte("belongs there")), "from "+name, crypto.ErrScope)
	}
	opens(t, v, home, sealed, []byte("belongs here"))
}

func longestScope(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	longest := strings.Repeat("\xff", crypto.MaxScopeBytes)
	at := crypto.Scope{Tenant: longest, Category: longest, Record: longest, Field: longest, Subject: longest, Run: longest}
	opens(t, v, at, seal(t, v, at, []byte("text")), []byte("text"))
	for _, at := range []crypto.Scope{
		{Tenant: longest + "x"}, {Category: longest + "x"}, {Record: longest + "x"}, {Field: longest + "x"}, {Subject: longest + "x"}, {Run: longest + "x"},
	} {
		_, err := v.Seal(t.Context(), at, []byte("text"))
		require.ErrorIs(t, err, crypto.ErrScope)
		closed(t, v, at, seal(t, v, home, []byte("text")), "long scope", crypto.ErrScope)
	}
}

func otherVault(t *testing.T, open func(t *testing.T) crypto.Vault) {
	mine, theirs := open(t), open(t)
	closed(t, theirs, home, seal(t, mine, home, []byte("text")), "another vault's envelope", crypto.ErrNoKey, crypto.ErrScope)
}

func everyBitFlipped(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	for _, plaintext := range [][]byte{nil, []byte("thirteen byte")} {
		sealed := seal(t, v, home, plaintext)
		for i := range len(sealed) * 8 {
			flipped := bytes.Clone(sealed)
			flipped[i/8] ^= 1 << (i % 8)
			closed(t, v, home, flipped, fmt.Sprintf("bit %d of byte %d flipped", i%8, i/8), damage...)
		}
		opens(t, v, home, sealed, plaintext)
	}
}

func truncated(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	sealed := seal(t, v, home, []byte("thirteen byte"))
	for n := range len(sealed) {
		closed(t, v, home, sealed[:n], fmt.Sprintf("first %d bytes", n), damage...)
		closed(t, v, home, sealed[n+1:], fmt.Sprintf("without the first %d bytes", n+1), damage...)
		closed(t, v, home, append(bytes.Clone(sealed[:n]), sealed[n+1:]...), fmt.Sprintf("without byte %d", n), damage...)
	}
	closed(t, v, home, append(bytes.Clone(sealed), 0), "one byte more", damage...)
	closed(t, v, home, append([]byte{0}, sealed...), "one byte more in front", damage...)
	closed(t, v, home, append(bytes.Clone(sealed), sealed...), "twice", damage...)
}

func spliced(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	a, b := seal(t, v, home, []byte("thirteen byte")), seal(t, v, home, []byte("another text."))
	for n := range min(len(a), len(b)) {
		joined := append(bytes.Clone(a[:n]), b[n:]...)
		if bytes.Equal(joined, a) || bytes.Equal(joined, b) {
			continue
		}
		closed(t, v, home, joined, fmt.Sprintf("%d bytes of one and the rest of another", n), damage...)
	}
}

func noEnvelope(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	for _, b := range [][]byte{nil, {}, {0}, []byte("{}"), []byte(`{"name":"Ada","age":36}`), []byte(strings.Repeat("plain text ", 100)), make([]byte, 500)} {
		closed(t, v, home, b, fmt.Sprintf("%.20q", b), crypto.ErrMalformed)
	}
	for range 200 {
		closed(t, v, home, random(300), "random bytes", damage...)
	}
}

func neverTheSame(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	seen := map[string]bool{}
	for range 1000 {
		sealed := string(seal(t, v, home, []byte("yes")))
		require.False(t, seen[sealed], "the same envelope twice")
		seen[sealed] = true
	}
}

func noPlaintextInside(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	plaintext := random(4096)
	// Eight bytes come about by chance in one of 2^40 runs.
	windows := map[string]bool{}
	for i := range len(plaintext) - 7 {
		windows[string(plaintext[i:i+8])] = true
	}
	sealed := seal(t, v, home, plaintext)
	for i := range len(sealed) - 7 {
		require.False(t, windows[string(sealed[i:i+8])], "plaintext at byte %d", i)
	}
	zeros := seal(t, v, home, make([]byte, 4096))
	require.NotContains(t, string(zeros), string(make([]byte, 16)))
}

func nothingShared(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	plaintext := []byte("thirteen byte")
	sealed := seal(t, v, home, plaintext)
	require.Equal(t, "thirteen byte", string(plaintext), "Seal changed its input")
	clear(plaintext)
	kept := bytes.Clone(sealed)

	got, err := v.Open(t.Context(), home, sealed)
	require.NoError(t, err)
	clear(got)
	require.Equal(t, kept, sealed, "what Open returned is inside the envelope")
	opens(t, v, home, sealed, []byte("thirteen byte"))

	other := seal(t, v, home, []byte("another text"))
	clear(other)
	opens(t, v, home, sealed, []byte("thirteen byte"))
}

func rewrap(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	sealed := seal(t, v, home, []byte("text"))
	again, done, err := v.Rewrap(t.Context(), home, sealed)
	require.NoError(t, err)
	require.False(t, done, "rewrapped what is under the newest key")
	require.Equal(t, sealed, again)
	opens(t, v, home, again, []byte("text"))
}

func addKey(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	adder, ok := v.(interface{ AddKey(context.Context) error })
	if !ok {
		t.Log("the vault has no method AddKey")
		return
	}
	old := seal(t, v, home, []byte("text"))
	require.NoError(t, adder.AddKey(t.Context()))
	opens(t, v, home, old, []byte("text"))

	kept := bytes.Clone(old)
	rewrapped, done, err := v.Rewrap(t.Context(), home, old)
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, kept, old, "Rewrap changed its input")
	require.NotEqual(t, old, rewrapped)
	opens(t, v, home, rewrapped, []byte("text"))
	opens(t, v, home, old, []byte("text"))
	for name, at := range elsewhere() {
		closed(t, v, at, rewrapped, name, crypto.ErrScope)
	}

	for _, newest := range [][]byte{rewrapped, seal(t, v, home, []byte("text"))} {
		same, done, err := v.Rewrap(t.Context(), home, newest)
		require.NoError(t, err)
		require.False(t, done)
		require.Equal(t, newest, same)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, adder.AddKey(canceled), context.Canceled)
}

func canceled(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	sealed := seal(t, v, home, []byte("text"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := v.Seal(ctx, home, []byte("text"))
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, got)
	got, err = v.Open(ctx, home, sealed)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, got)
	got, done, err := v.Rewrap(ctx, home, sealed)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, got)
	require.False(t, done)
	if b, ok := v.(crypto.Blinder); ok {
		got, err = b.Blind(ctx, home, []byte("text"))
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, got)
	}
	opens(t, v, home, sealed, []byte("text"))
}

func concurrent(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	adder, _ := v.(interface{ AddKey(context.Context) error })
	blinder, _ := v.(crypto.Blinder)
	ctx := t.Context()
	worker := func(id int) error {
		for n := range 60 {
			at := home
			at.Tenant, at.Record, at.Run = fmt.Sprint("tenant ", id%3), fmt.Sprint(id), fmt.Sprint(n%7)
			want := bytes.Repeat([]byte{byte(id), byte(n)}, n*10)
			sealed, err := v.Seal(ctx, at, want)
			if err != nil {
				return fmt.Errorf("seal: %w", err)
			}
			if adder != nil && id == 0 && n%20 == 19 {
				if err := adder.AddKey(ctx); err != nil {
					return fmt.Errorf("add key: %w", err)
				}
			}
			rewrapped, _, err := v.Rewrap(ctx, at, sealed)
			if err != nil {
				return fmt.Errorf("rewrap: %w", err)
			}
			for _, envelope := range [][]byte{sealed, rewrapped} {
				got, err := v.Open(ctx, at, envelope)
				if err != nil {
					return fmt.Errorf("open: %w", err)
				}
				if !bytes.Equal(got, want) {
					return errors.New("open: another goroutine's text")
				}
			}
			wrong := at
			wrong.Record = fmt.Sprint(id + 1)
			if _, err := v.Open(ctx, wrong, sealed); !errors.Is(err, crypto.ErrScope) {
				return fmt.Errorf("open under another goroutine's scope: %w", err)
			}
			if blinder != nil {
				one, err := blinder.Blind(ctx, at, want)
				if err != nil {
					return fmt.Errorf("blind: %w", err)
				}
				two, err := blinder.Blind(ctx, at, want)
				if err != nil || !bytes.Equal(one, two) {
					return fmt.Errorf("blind: another token, %w", err)
				}
			}
		}
		return nil
	}
	results := make([]error, 12)
	var wg sync.WaitGroup
	for id := range results {
		wg.Go(func() { results[id] = worker(id) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(results...))
}

func blind(t *testing.T, open func(t *testing.T) crypto.Vault) {
	v := open(t)
	b, ok := v.(crypto.Blinder)
	if !ok {
		t.Log("the vault is no crypto.Blinder")
		return
	}
	token := func(b crypto.Blinder, at crypto.Scope, value []byte) string {
		t.Helper()
		kept := bytes.Clone(value)
		got, err := b.Blind(t.Context(), at, value)
		require.NoError(t, err)
		require.Len(t, got, 32)
		require.Equal(t, kept, value, "Blind changed its input")
		return string(got)
	}
	value := []byte("ada@example.com")
	want := token(b, home, value)
	require.Equal(t, want, token(b, home, value))

	seen := map[string]string{want: "home"}
	differs := func(what, token string) {
		t.Helper()
		require.NotContains(t, seen, token, "%s gives the token of %s", what, seen[token])
		seen[token] = what
	}
	for name, at := range elsewhere() {
		differs(name, token(b, at, value))
	}
	for _, other := range [][]byte{nil, []byte("ada@example.co"), []byte("ada@example.com\x00"), []byte("Ada@example.com"), random(1 << 16)} {
		differs(fmt.Sprintf("value %.30q", other), token(b, home, other))
	}
	theirs, ok := open(t).(crypto.Blinder)
	require.True(t, ok)
	differs("another vault", token(theirs, home, value))

	_, err := b.Blind(t.Context(), crypto.Scope{}, value)
	require.ErrorIs(t, err, crypto.ErrScope)
	_, err = b.Blind(t.Context(), crypto.Scope{Field: strings.Repeat("x", crypto.MaxScopeBytes+1)}, value)
	require.ErrorIs(t, err, crypto.ErrScope)

	if adder, ok := v.(interface{ AddKey(context.Context) error }); ok {
		require.NoError(t, adder.AddKey(t.Context()))
		require.Equal(t, want, token(b, home, value), "a new key changed the tokens")
	}
}
