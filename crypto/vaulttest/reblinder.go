package vaulttest

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

// Reblinder runs the conformance suite of [crypto.Reblinder], each clause a subtest of t. The vaults are crypto.Reblinders and,
// for SettleTime, crypto.Rotators.
func Reblinder(t *testing.T, open Opener) {
	t.Helper()
	for _, clause := range []struct {
		name  string
		check func(t *testing.T, r *reblinding)
	}{
		{"OneToken", oneToken},
		{"KnownBeforeUsed", knownBeforeUsed},
		{"NoThirdVersion", noThirdVersion},
		{"Adopt", adopt},
		{"Trim", trimIndex},
		{"TrimInUse", trimIndexInUse},
		{"TrimUnknown", trimIndexUnknown},
		{"OtherFields", otherFields},
		{"OtherKeys", otherKeys},
		{"Canceled", reblinderCanceled},
	} {
		t.Run(clause.name, func(t *testing.T) {
			t.Parallel()
			v, again := open(t)
			reblinder, ok := v.(crypto.Reblinder)
			require.True(t, ok, "the vault is no crypto.Reblinder")
			rotator, ok := v.(crypto.Rotator)
			require.True(t, ok, "the vault is no crypto.Rotator")
			require.Less(t, rotator.SettleTime(), time.Second, "open gives vaults whose times are short")
			r := &reblinding{Reblinder: reblinder, rotator: rotator, again: func(t *testing.T) crypto.Reblinder {
				other, ok := again(t).(crypto.Reblinder)
				require.True(t, ok)
				return other
			}}
			for _, tenant := range []string{"acme", "globex"} {
				at := crypto.Scope{Tenant: tenant, Record: "people", Field: "mail"}
				r.scopes, r.old = append(r.scopes, at), append(r.old, r.tokens(t, at, reblinder)[0])
			}
			clause.check(t, r)
		})
	}
}

// reblinding is a reblinder with two tenants, and a token of each.
type reblinding struct {
	crypto.Reblinder
	rotator crypto.Rotator
	again   func(t *testing.T) crypto.Reblinder
	scopes  []crypto.Scope
	old     [][]byte
}

// tokens returns the tokens of a value, which are the same in every process, the first being the one that Blind gives.
func (r *reblinding) tokens(t *testing.T, at crypto.Scope, vaults ...crypto.Reblinder) [][]byte {
	t.Helper()
	var all [][]byte
	for i, v := range vaults {
		tokens, err := v.Blinds(t.Context(), at, []byte("ada@example.com"))
		require.NoError(t, err, "process %d", i)
		require.NotEmpty(t, tokens, "process %d", i)
		first, err := v.Blind(t.Context(), at, []byte("ada@example.com"))
		require.NoError(t, err, "process %d", i)
		require.Equal(t, first, tokens[0], "process %d: the first is not the one that Blind gives", i)
		if i > 0 {
			require.Equal(t, all, tokens, "process %d finds other tokens", i)
		}
		all = tokens
	}
	return all
}

// everywhere returns the tokens of a value once no process works with what was before.
func (r *reblinding) everywhere(t *testing.T, at crypto.Scope, others ...crypto.Reblinder) [][]byte {
	t.Helper()
	settle(t, r.rotator.SettleTime())
	return r.tokens(t, at, append(others, r.Reblinder, r.again(t))...)
}

func noTenant(context.Context, string) (bool, error) { return false, nil }

func oneToken(t *testing.T, r *reblinding) {
	for i, at := range r.scopes {
		require.Equal(t, [][]byte{r.old[i]}, r.everywhere(t, at))
	}
	require.NotEqual(t, r.old[0], r.old[1], "two tenants have the same token")
	_, err := r.Blinds(t.Context(), crypto.Scope{}, []byte("ada"))
	require.ErrorIs(t, err, crypto.ErrScope)
}

func knownBeforeUsed(t *testing.T, r *reblinding) {
	other := r.again(t)
	r.tokens(t, r.scopes[0], other)
	require.EqualValues(t, 2, done(t, r.RotateIndex(t.Context(), "mail")).Changed)
	for i, at := range r.scopes {
		tokens := r.everywhere(t, at, other)
		require.Len(t, tokens, 2, "the new version is not looked up")
		require.Equal(t, r.old[i], tokens[0], "the new version is used before all know it")
		require.NotEqual(t, tokens[0], tokens[1])
	}
	require.Zero(t, done(t, r.TrimIndex(t.Context(), "mail", noTenant)).Changed, "both are needed")
	require.Len(t, r.everywhere(t, r.scopes[0]), 2)
}

func noThirdVersion(t *testing.T, r *reblinding) {
	for range 2 {
		done(t, r.RotateIndex(t.Context(), "mail"))
	}
	require.Len(t, r.everywhere(t, r.scopes[0]), 2)
	done(t, r.AdoptIndex(t.Context(), "mail"))
	require.Zero(t, done(t, r.RotateIndex(t.Context(), "mail")).Changed)
	require.Len(t, r.everywhere(t, r.scopes[0]), 2)
}

func adopt(t *testing.T, r *reblinding) {
	other := r.again(t)
	done(t, r.RotateIndex(t.Context(), "mail"))
	known := r.everywhere(t, r.scopes[0], other)
	require.Len(t, known, 2)
	for range 2 {
		done(t, r.AdoptIndex(t.Context(), "mail"))
		require.Equal(t, [][]byte{known[1], known[0]}, r.everywhere(t, r.scopes[0], other))
	}
	both := r.everywhere(t, r.scopes[1])
	require.Len(t, both, 2)
	require.Equal(t, r.old[1], both[1], "the older token is not looked up")
}

func trimIndex(t *testing.T, r *reblinding) {
	done(t, r.RotateIndex(t.Context(), "mail"))
	done(t, r.AdoptIndex(t.Context(), "mail"))
	used := r.everywhere(t, r.scopes[0])[0]
	require.EqualValues(t, 2, done(t, r.TrimIndex(t.Context(), "mail", noTenant)).Changed)
	require.Equal(t, [][]byte{used}, r.everywhere(t, r.scopes[0]))
}

func trimIndexInUse(t *testing.T, r *reblinding) {
	done(t, r.RotateIndex(t.Context(), "mail"))
	done(t, r.AdoptIndex(t.Context(), "mail"))
	last, err := result(t, r.TrimIndex(t.Context(), "mail", func(_ context.Context, tenant string) (bool, error) { return tenant == "acme", nil }))
	require.ErrorIs(t, err, crypto.ErrKeyInUse)
	require.True(t, last.Finished, "one tenant ends it for all")
	require.Len(t, r.everywhere(t, r.scopes[0]), 2)
	require.Len(t, r.everywhere(t, r.scopes[1]), 1)
}

func trimIndexUnknown(t *testing.T, r *reblinding) {
	done(t, r.RotateIndex(t.Context(), "mail"))
	done(t, r.AdoptIndex(t.Context(), "mail"))
	broken := errors.New("nobody knows")
	_, err := result(t, r.TrimIndex(t.Context(), "mail", func(context.Context, string) (bool, error) { return false, broken }))
	require.ErrorIs(t, err, broken)
	for _, at := range r.scopes {
		require.Len(t, r.everywhere(t, at), 2)
	}
}

func otherFields(t *testing.T, r *reblinding) {
	at := crypto.Scope{Tenant: "acme", Field: "phone"}
	before := r.tokens(t, at, r.Reblinder)
	done(t, r.RotateIndex(t.Context(), "mail"))
	done(t, r.AdoptIndex(t.Context(), "mail"))
	done(t, r.TrimIndex(t.Context(), "mail", noTenant))
	require.Equal(t, before, r.everywhere(t, at))
}

// otherKeys rotates the keys that seal.
func otherKeys(t *testing.T, r *reblinding) {
	done(t, r.RotateIndex(t.Context(), "mail"))
	before := r.everywhere(t, r.scopes[0])
	done(t, r.rotator.Rotate(t.Context(), ""))
	done(t, r.rotator.Retire(t.Context(), nil))
	done(t, r.rotator.Trim(t.Context(), nothingUsed))
	done(t, r.rotator.Reinstate(t.Context()))
	require.Equal(t, before, r.everywhere(t, r.scopes[0]))
}

func reblinderCanceled(t *testing.T, r *reblinding) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Blinds(ctx, r.scopes[0], []byte("ada"))
	require.ErrorIs(t, err, context.Canceled)
	for _, all := range []iter.Seq2[crypto.Progress, error]{
		r.RotateIndex(ctx, "mail"), r.AdoptIndex(ctx, "mail"), r.TrimIndex(ctx, "mail", noTenant),
	} {
		last, err := result(t, all)
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, last.Finished)
	}
	require.Equal(t, [][]byte{r.old[0]}, r.everywhere(t, r.scopes[0]))
}
