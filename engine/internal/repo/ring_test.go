package repo_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// plain is a keeper that keeps nothing secret, for tests of where the keys go.
type plain struct{ crypto.Keeper }

func (plain) Wrap(_ context.Context, _ uint32, key, scope []byte) ([]byte, error) {
	return append(append([]byte(nil), scope...), key...), nil
}

func (plain) Unwrap(_ context.Context, _ uint32, wrapped, scope []byte) ([]byte, error) {
	if len(wrapped) < len(scope) || string(wrapped[:len(scope)]) != string(scope) {
		return nil, crypto.ErrScope
	}
	return append([]byte(nil), wrapped[len(scope):]...), nil
}

func (plain) Epochs(context.Context) ([]crypto.Epoch, error) {
	return []crypto.Epoch{{Number: 1, Created: time.Now()}}, nil
}

func hierarchy(t *testing.T, records store.Store) *crypto.Hierarchy {
	t.Helper()
	v, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: plain{}, Keys: repo.NewRings(records), KeyTime: time.Nanosecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

func TestKeysLiveInTheStore(t *testing.T) {
	t.Parallel()
	records := memory.New()
	first, second := hierarchy(t, records), hierarchy(t, records)
	at := crypto.Scope{Tenant: "acme", Subject: "ada"}
	sealed, err := first.Seal(t.Context(), at, []byte("content"))
	require.NoError(t, err)
	_, err = second.Open(t.Context(), at, sealed)
	require.NoError(t, err)
	_, err = second.Shred(t.Context(), at)
	require.NoError(t, err)
	_, err = first.Open(t.Context(), at, sealed)
	require.ErrorIs(t, err, crypto.ErrShredded)

	at = crypto.Scope{Tenant: "acme", Run: "x1"}
	sealed, err = first.Seal(t.Context(), at, []byte("content"))
	require.NoError(t, err)
	_, err = second.Shred(t.Context(), at)
	require.NoError(t, err)
	_, err = first.Open(t.Context(), at, sealed)
	require.ErrorIs(t, err, crypto.ErrNoKey)
	var left int
	for rec, err := range records.Find(t.Context(), store.Query{Kind: "key", AllTenants: true}) {
		require.NoError(t, err)
		require.Equal(t, "acme", rec.Tenant)
		require.Equal(t, string(retention.Key), rec.Category)
		require.False(t, rec.Created.IsZero())
		left++
	}
	require.Equal(t, 1, left, "of a run nothing is left, of a subject that its keys were destroyed")
}

func TestKeysDoNotEndByTime(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]retention.Policy{"default": {}, "a host's own": {Rules: map[retention.Category]retention.Rule{}}} {
		_, limited := policy.Until(retention.Key, time.Now())
		require.False(t, limited, name)
		rule, ok := policy.Rule(retention.Key)
		require.True(t, ok, name)
		require.True(t, rule.Passive.IsZero(), name)
	}
	policy := retention.Default()
	policy.Rules[retention.Key] = retention.Rule{Active: retention.Period{Days: 1}, SkipPassive: true, Role: retention.Processor, Purpose: "x", Basis: "y"}
	require.ErrorContains(t, policy.Validate(), `category "key"`)
}
