package storetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// looping holds the tests of loops over Find whose bodies use the store.
var looping = map[string]func(*testing.T, store.Store){
	"LoopMayDeleteWhatItSees":        loopDeletes,
	"LoopMayMoveWhatItSeesOutOfView": loopMoves,
	"LoopMayWriteAhead":              loopWritesAhead,
	"LoopMayCallEveryMethod":         loopCallsAll,
	"LoopSeesWhatStaysExactlyOnce":   loopSeesStaying,
	"LoopMayBreakOff":                loopBreaks,
}

func loopDeletes(t *testing.T, s store.Store) {
	for i, way := range ways {
		kind := store.Kind("k" + string(rune('a'+i)))
		ids := crowd(t, s, kind, 300, withSubject)
		way.Kind, way.Reverse = kind, i%2 == 1
		var got []string
		for r, err := range s.Find(t.Context(), way) {
			require.NoError(t, err)
			got = append(got, r.ID)
			require.NoError(t, s.Apply(t.Context(), erase(&r)))
		}
		if way.Reverse {
			slices.Reverse(got)
		}
		require.Equal(t, ids, got, "%+v", way)
		require.Empty(t, find(t, s, way))
	}
}

// loopMoves does what a sweep does.
func loopMoves(t *testing.T, s store.Store) {
	ids := crowd(t, s, "a", 700, nil)
	var got []string
	q := store.Query{Kind: "a", AllTenants: true, Category: "category", CreatedBefore: epoch.Add(1), KeysOnly: true}
	for r, err := range s.Find(t.Context(), q) {
		require.NoError(t, err)
		got = append(got, r.ID)
		r.Passive = epoch.Add(2)
		require.NoError(t, s.Apply(t.Context(), touch(&r)))
	}
	require.Equal(t, ids, got)
	require.Empty(t, find(t, s, q))
	passive := find(t, s, store.Query{Kind: "a", AllTenants: true, Visibility: store.Passive})
	require.Equal(t, ids, idsOf(passive))
	for _, r := range passive {
		require.Equal(t, "body of "+r.ID, string(r.Body))
	}
}

func loopWritesAhead(t *testing.T, s store.Store) {
	ids := crowd(t, s, "a", 600, nil)
	last := ids[len(ids)-1]
	n := 0
	for r, err := range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme"}) {
		require.NoError(t, err)
		if n == 0 {
			late := record("a", last)
			late.Version, late.State = 1, "late"
			require.NoError(t, s.Apply(t.Context(), touch(late)))
		}
		if r.ID == last {
			require.Contains(t, []string{"new", "late"}, r.State)
			require.Equal(t, map[string]int64{"new": 1, "late": 2}[r.State], r.Version)
		}
		n++
	}
	require.Equal(t, len(ids), n)
}

func loopCallsAll(t *testing.T, s store.Store) {
	crowd(t, s, "a", 300, func(_ int, r *store.Record) { r.Due = epoch })
	n := 0
	for r, err := range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme"}) {
		require.NoError(t, err)
		_, err := s.Get(t.Context(), r.Key)
		require.NoError(t, err)
		for inner, err := range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme", Limit: 1, After: r.ID}) {
			require.NoError(t, err)
			require.Greater(t, inner.ID, r.ID)
		}
		leased, err := s.Claim(t.Context(), "a", epoch, epoch.Add(1), 1)
		require.NoError(t, err)
		require.Len(t, leased, 1)
		n++
	}
	require.Equal(t, 300, n)
}

// loopSeesStaying adds and removes records around those that stay, in both directions of every way.
func loopSeesStaying(t *testing.T, s store.Store) {
	for i, way := range ways {
		kind := store.Kind("k" + string(rune('a'+i)))
		ids := crowd(t, s, kind, 360, withSubject)
		staying := map[string]bool{}
		for n, id := range ids {
			if n%3 != 0 {
				staying[id] = true
			}
		}
		way.Kind, way.Reverse = kind, i%2 == 0
		seen := map[string]int{}
		n := 0
		for r, err := range s.Find(t.Context(), way) {
			require.NoError(t, err)
			seen[r.ID]++
			// One of every third goes, another comes.
			if n < 120 {
				gone := record(kind, ids[n*3])
				gone.Version = 1
				fresh := record(kind, scattered(10_000+n))
				fresh.Subjects = []string{"t"}
				require.NoError(t, s.Apply(t.Context(), erase(gone), put(fresh)))
			}
			n++
		}
		for id, times := range seen {
			require.Equal(t, 1, times, "%s was seen more than once", id)
			delete(staying, id)
		}
		require.Empty(t, staying, "stayed and was not seen, %+v", way)
	}
}

func loopBreaks(t *testing.T, s store.Store) {
	crowd(t, s, "a", 300, nil)
	for stop := 0; stop < 290; stop += 17 {
		n := 0
		for _, err := range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme"}) {
			require.NoError(t, err)
			if n++; n > stop {
				break
			}
		}
	}
	// What a broken loop held is free again.
	holds(t, s, func() *store.Record { r := record("a", scattered(0)); r.Version = 1; return r }())
	require.NoError(t, s.Apply(t.Context(), put(record("a", id(1)))))
}
