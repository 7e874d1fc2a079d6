package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// claiming holds the tests of leases.
var claiming = map[string]func(*testing.T, store.Store){
	"ClaimTakesWhatIsDueAndActive":     claimTakesDue,
	"ClaimTakesEarliestFirst":          claimEarliestFirst,
	"ClaimReturnsRecordsAsTheyAre":     claimReturnsCurrent,
	"ClaimSpansTenants":                claimSpansTenants,
	"LeaseRunsOut":                     leaseRunsOut,
	"LeaseIsRenewedAndEndedByTouch":    leaseRenewed,
	"LateHolderIsFenced":               lateHolderFenced,
	"ClaimsNeverShareALease":           claimsNeverShare,
	"ClaimsAndWritesNeverLoseEither":   claimsAndWrites,
	"ClaimOfUnknownKindReturnsNothing": claimUnknownKind,
}

func claim(t *testing.T, s store.Store, kind store.Kind, now, until time.Time, limit int) []store.Record {
	t.Helper()
	leased, err := s.Claim(t.Context(), kind, now, until, limit)
	require.NoError(t, err)
	return leased
}

func claimTakesDue(t *testing.T, s store.Store) {
	never, future, now, past, passive := record("a", id(1)), record("a", id(2)), record("a", id(3)), record("a", id(4)), record("a", id(5))
	future.Due, now.Due, past.Due, passive.Due = epoch.Add(1), epoch, epoch.Add(-time.Hour), epoch
	passive.Passive = epoch.Add(-1)
	create(t, s, never, future, now, past, passive)
	require.Equal(t, []string{past.ID, now.ID}, idsOf(claim(t, s, "a", epoch, epoch.Add(time.Hour), 10)))
	require.Empty(t, claim(t, s, "a", epoch, epoch.Add(time.Hour), 10))
	for _, r := range []*store.Record{never, future, passive} {
		holds(t, s, r)
	}
	// What becomes active again is due again.
	passive.Passive = time.Time{}
	require.NoError(t, s.Apply(t.Context(), touch(passive)))
	require.Equal(t, []string{passive.ID}, idsOf(claim(t, s, "a", epoch, epoch.Add(time.Hour), 10)))
}

func claimEarliestFirst(t *testing.T, s store.Store) {
	var want []string
	for n := range 500 {
		r := record("a", scattered(n))
		r.Due = epoch.Add(time.Duration(n) - 300)
		create(t, s, r)
		want = append(want, r.ID)
	}
	var got []string
	for _, limit := range []int{1, 2, 97, 150, 1} {
		leased := claim(t, s, "a", epoch, epoch.Add(time.Hour), limit)
		require.Len(t, leased, limit)
		got = append(got, idsOf(leased)...)
	}
	require.Equal(t, want[:251], got)
	require.Equal(t, want[251:301], idsOf(claim(t, s, "a", epoch, epoch.Add(time.Hour), 1000)))
}

func claimReturnsCurrent(t *testing.T, s store.Store) {
	for n, size := range []int{0, 100, 3000, 200_000} {
		r := record("a", id(n))
		r.Subjects, r.Due = []string{"x", "y"}, epoch
		r.Body = bytes.Repeat([]byte{byte(n + 1)}, size)
		create(t, s, r)
		create(t, s, r)
		leased := claim(t, s, "a", epoch, epoch.Add(time.Minute+7), 10)
		require.Len(t, leased, 1)
		r.Due, r.Version = epoch.Add(time.Minute+7), 3
		same(t, *r, leased[0])
		holds(t, s, r)
	}
}

func claimSpansTenants(t *testing.T, s store.Store) {
	for n, tenant := range []string{"", "a", "b"} {
		r := record("a", id(n))
		r.Tenant, r.Due = tenant, epoch
		create(t, s, r)
	}
	tenants := map[string]bool{}
	for _, r := range claim(t, s, "a", epoch, epoch.Add(1), 10) {
		tenants[r.Tenant] = true
	}
	require.Equal(t, map[string]bool{"": true, "a": true, "b": true}, tenants)
}

func leaseRunsOut(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Due = epoch
	create(t, s, r)
	now := epoch
	for n := range 20 {
		until := now.Add(time.Minute)
		leased := claim(t, s, "a", now, until, 1)
		require.Len(t, leased, 1)
		require.EqualValues(t, n+2, leased[0].Version)
		require.Empty(t, claim(t, s, "a", until.Add(-1), until.Add(time.Hour), 1))
		now = until
	}
}

func leaseRenewed(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Due = epoch
	create(t, s, r)
	leased := claim(t, s, "a", epoch, epoch.Add(time.Minute), 1)
	require.Len(t, leased, 1)
	held := leased[0]
	held.Due = epoch.Add(time.Hour)
	require.NoError(t, s.Apply(t.Context(), touch(&held)))
	require.Empty(t, claim(t, s, "a", epoch.Add(time.Minute), epoch.Add(time.Hour), 1))
	held.Due, held.State = time.Time{}, "done"
	require.NoError(t, s.Apply(t.Context(), touch(&held)))
	require.Empty(t, claim(t, s, "a", epoch.AddDate(100, 0, 0), epoch.AddDate(101, 0, 0), 1))
	holds(t, s, &held)
}

func lateHolderFenced(t *testing.T, s store.Store) {
	r, effect := record("a", id(1)), record("effect", id(1))
	r.Due = epoch
	create(t, s, r)
	late := claim(t, s, "a", epoch, epoch.Add(time.Minute), 1)[0]
	heir := claim(t, s, "a", epoch.Add(time.Minute), epoch.Add(time.Hour), 1)[0]
	for name, change := range map[string]func(*store.Record) store.Change{"put": put, "touch": touch, "delete": erase, "check": check} {
		stale := late
		require.ErrorIs(t, s.Apply(t.Context(), put(effect), change(&stale)), store.ErrConflict, name)
	}
	lacks(t, s, effect.Key)
	require.NoError(t, s.Apply(t.Context(), put(effect), erase(&heir)))
	require.ErrorIs(t, s.Apply(t.Context(), put(&late)), store.ErrConflict)
	late.Version = 0
	require.NoError(t, s.Apply(t.Context(), put(&late)))
}

// claimsNeverShare lets many goroutines claim the same records for round after round of leases.
func claimsNeverShare(t *testing.T, s store.Store) {
	const records, rounds, claimers = 300, 4, 10
	crowd(t, s, "a", records, func(n int, r *store.Record) { r.Due = epoch.Add(time.Duration(-n)) })
	for round := range rounds {
		now := epoch.Add(time.Duration(round) * time.Minute)
		var mu sync.Mutex
		seen := map[string]int{}
		together(t, claimers, func(g int) error {
			for {
				leased, err := s.Claim(t.Context(), "a", now, now.Add(time.Minute), 1+g)
				if err != nil || len(leased) == 0 {
					return err
				}
				mu.Lock()
				for _, r := range leased {
					seen[fmt.Sprint(r.ID, " ", r.Version)]++
				}
				mu.Unlock()
			}
		})
		require.Len(t, seen, records)
		for lease, times := range seen {
			require.Equal(t, 1, times, lease)
		}
	}
	for _, r := range find(t, s, store.Query{Kind: "a", Tenant: "acme"}) {
		require.EqualValues(t, 1+rounds, r.Version)
	}
}

// claimsAndWrites lets claimers finish records while others renew them; each record must be finished exactly once.
func claimsAndWrites(t *testing.T, s store.Store) {
	const records = 120
	ids := crowd(t, s, "a", records, func(_ int, r *store.Record) { r.Due = epoch })
	var mu sync.Mutex
	finished := map[string]int{}
	together(t, 8, func(g int) error {
		for n := 0; ; n++ {
			// Every lease is over when the next claim comes, so holders fight.
			now := epoch.Add(time.Duration(n*8 + g))
			leased, err := s.Claim(t.Context(), "a", now, now.Add(1), 3)
			if err != nil {
				return err
			}
			for _, r := range leased {
				r.Due, r.State = time.Time{}, "done"
				err := s.Apply(t.Context(), touch(&r))
				if err == nil {
					mu.Lock()
					finished[r.ID]++
					mu.Unlock()
				} else if !isConflict(err) {
					return err
				}
			}
			mu.Lock()
			over := len(finished) == records
			mu.Unlock()
			if over {
				return nil
			}
		}
	})
	for _, id := range ids {
		require.Equal(t, 1, finished[id])
	}
	done := find(t, s, store.Query{Kind: "a", Tenant: "acme", State: "done"})
	require.Equal(t, ids, slices.Clip(idsOf(done)))
}

func claimUnknownKind(t *testing.T, s store.Store) {
	require.Empty(t, claim(t, s, "nobody", epoch, epoch.Add(1), 10))
}
