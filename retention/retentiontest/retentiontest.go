// Package retentiontest proves that a store and a policy together let go of records on time. A host calls it from its own
// tests, with its own store and its own policy:
//
//	func TestRecordsGoOnTime(t *testing.T) {
//		retentiontest.Run(t, memory.New(), myPolicy)
//	}
package retentiontest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// Kind is the kind of the records that Run writes. No other kind is touched.
const Kind store.Kind = "retentiontest"

// The instants at which Run creates records: an ordinary one, and those from which months and leap years go wrong.
var births = []time.Time{
	time.Date(2026, 4, 15, 9, 30, 0, 123_456_789, time.UTC),
	time.Date(2026, 8, 31, 0, 0, 0, 0, time.UTC),
	time.Date(2027, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	time.Date(2028, 1, 31, 12, 0, 0, 0, time.UTC),
	time.Date(2028, 2, 29, 12, 0, 0, 1, time.UTC),
}

// A life is a record with the instants that its policy gives it; zero: never.
type life struct {
	store.Record

	until, gone time.Time
}

// Run proves, for every category of the policy and for records of two tenants created at awkward instants, that a record
//
//   - is visible a nanosecond before its active time ends, and not at that instant, swept or not;
//   - is passive after a sweep at that instant, since exactly then, never due again, and otherwise as it was;
//   - is still there a nanosecond before its passive time ends, and not after a sweep at that instant;
//   - stays as it is, for two hundred years, when its rule has no limit.
//
// It sweeps as of each of these instants in turn, so it takes some hundreds of sweeps. Run fails the test when the policy
// is not valid. It deletes what is left of its records at the end.
func Run(t *testing.T, s store.Store, policy retention.Policy) {
	t.Helper()
	policy = policy.Resolve()
	require.NoError(t, policy.Validate())
	lives := create(t, s, policy)
	last := births[len(births)-1].AddDate(200, 0, 0)
	instants := map[time.Time]bool{last: true}
	for _, l := range lives {
		for _, at := range []time.Time{l.until, l.gone} {
			if !at.IsZero() && at.Before(last) {
				instants[at.Add(-1)], instants[at] = true, true
			}
		}
	}
	passivated, deleted := int64(0), int64(0)
	for _, now := range slices.SortedFunc(maps.Keys(instants), time.Time.Compare) {
		for _, rec := range find(t, s, store.Active) {
			l := lives[rec.ID]
			require.Equal(t, l.until.IsZero() || now.Before(l.until), policy.Visible(rec, now),
				"category %q is not visible as its rule says at %v, unswept", l.Category, now)
		}
		report, err := retention.Keeper{
			Store: s, Policy: policy, Kinds: []store.Kind{Kind}, Now: func() time.Time { return now },
		}.Sweep(t.Context())
		require.NoError(t, err)
		passivated, deleted = passivated+report.Total().Passivated, deleted+report.Total().Deleted
		check(t, s, lives, now)
	}
	var expectPassivated, expectDeleted int64
	for _, l := range lives {
		if !l.until.IsZero() && l.until.Before(last) && !l.until.Equal(l.gone) {
			expectPassivated++
		}
		if !l.gone.IsZero() && l.gone.Before(last) {
			expectDeleted++
		}
	}
	require.Equal(t, expectPassivated, passivated, "the reports count each record that became passive once")
	require.Equal(t, expectDeleted, deleted, "the reports count each record that was deleted once")
}

// create writes the records and returns them by ID.
func create(t *testing.T, s store.Store, policy retention.Policy) map[string]life {
	t.Helper()
	lives := make(map[string]life)
	for c := range policy.Rules {
		for _, tenant := range []string{"", "another"} {
			for _, created := range births {
				id, err := uuid.NewV7()
				require.NoError(t, err)
				l := life{Record: store.Record{
					Key: store.Key{Kind: Kind, ID: id.String()}, Tenant: tenant, Parent: "parent", Category: string(c),
					Subjects: []string{"token"}, State: "state", Created: created, Due: created, Body: []byte("body of " + id.String()),
				}}
				if until, limited := policy.Until(c, created); limited {
					l.until = until
					l.gone, _ = policy.Gone(c, until)
				}
				require.NoError(t, s.Apply(t.Context(), store.Change{Put: &l.Record}))
				lives[l.ID] = l
			}
		}
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, l := range lives {
			if rec, err := s.Get(ctx, l.Key); err == nil {
				require.NoError(t, s.Apply(ctx, store.Change{Delete: &rec}))
			}
		}
	})
	return lives
}

// find returns the records of Run that a visibility shows.
func find(t *testing.T, s store.Store, visibility store.Visibility) map[string]store.Record {
	t.Helper()
	found := make(map[string]store.Record)
	for rec, err := range s.Find(t.Context(), store.Query{Kind: Kind, AllTenants: true, Visibility: visibility}) {
		require.NoError(t, err)
		found[rec.ID] = rec
	}
	return found
}

// check demands that after a sweep as of now every record is what its life says, and nothing else is there.
func check(t *testing.T, s store.Store, lives map[string]life, now time.Time) {
	t.Helper()
	active, passive := find(t, s, store.Active), find(t, s, store.Passive)
	for id, l := range lives {
		want := l.Record
		switch {
		case !l.gone.IsZero() && !now.Before(l.gone):
			require.NotContains(t, active, id, "category %q is not gone at %v", l.Category, now)
			require.NotContains(t, passive, id, "category %q is not gone at %v", l.Category, now)
			_, err := s.Get(t.Context(), l.Key)
			require.ErrorIs(t, err, store.ErrNotFound, "category %q is not gone at %v", l.Category, now)
		case !l.until.IsZero() && !now.Before(l.until):
			want.Passive, want.Due, want.Version = l.until, time.Time{}, l.Version+1
			require.NotContains(t, active, id, "category %q is in normal reads at %v", l.Category, now)
			require.Equal(t, want, passive[id], "category %q is not passive as it should be at %v", l.Category, now)
		default:
			require.NotContains(t, passive, id, "category %q is passive too early at %v", l.Category, now)
			require.Equal(t, want, active[id], "category %q changed while it is active at %v", l.Category, now)
		}
	}
	for id := range maps.Keys(active) {
		require.Contains(t, lives, id, "a record that Run did not write")
	}
}
