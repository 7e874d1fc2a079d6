package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// finding holds the tests of what Find selects and in which order.
var finding = map[string]func(*testing.T, store.Store){
	"FindMatchesEachField":       findMatchesFields,
	"FindNeverMixesTenants":      findNeverMixesTenants,
	"FindHidesPassiveRecords":    findHidesPassive,
	"FindBoundsAreExclusive":     findBoundsExclusive,
	"FindIsInOrderOfIDs":         findInOrder,
	"FindStartsAfter":            findStartsAfter,
	"FindEndsAtLimit":            findEndsAtLimit,
	"FindOfKeysOnly":             findKeysOnly,
	"FindOfUnknownKindIsEmpty":   findUnknownKind,
	"FindSearchesAnewEachTime":   findAnew,
	"FindMatchesWhatMatchesSays": findAgreesWithMatches,
}

func findMatchesFields(t *testing.T, s store.Store) {
	vary := map[string]func(*store.Record){
		"parent":   func(r *store.Record) { r.Parent = "p" },
		"category": func(r *store.Record) { r.Category = "c" },
		"state":    func(r *store.Record) { r.State = "s" },
		"subject":  func(r *store.Record) { r.Subjects = []string{"x", "t"} },
		"created":  func(r *store.Record) { r.Created = epoch.Add(-time.Hour) },
	}
	queries := map[string]store.Query{
		"parent":   {Parent: "p"},
		"category": {Category: "c"},
		"state":    {State: "s"},
		"subject":  {Subject: "t"},
		"created":  {CreatedBefore: epoch},
	}
	plain, all := record("a", id(0)), record("a", id(9))
	create(t, s, plain, all)
	n := 1
	ids := map[string]string{}
	for name, set := range vary {
		r := record("a", id(n))
		n++
		set(r)
		set(all)
		create(t, s, r)
		ids[name] = r.ID
	}
	create(t, s, all)
	both := store.Query{Kind: "a", Tenant: "acme", Parent: "p", Category: "c", State: "s", Subject: "t", CreatedBefore: epoch}
	require.Equal(t, []string{all.ID}, idsOf(find(t, s, both)))
	for name, q := range queries {
		q.Kind, q.Tenant = "a", "acme"
		require.Equal(t, []string{ids[name], all.ID}, idsOf(find(t, s, q)), name)
		for other, o := range queries {
			if other == name {
				continue
			}
			merged := q
			merged.Parent += o.Parent
			merged.Category += o.Category
			merged.State += o.State
			merged.Subject += o.Subject
			if merged.CreatedBefore.IsZero() {
				merged.CreatedBefore = o.CreatedBefore
			}
			require.Equal(t, []string{all.ID}, idsOf(find(t, s, merged)), "%s and %s", name, other)
		}
	}
	for _, none := range []store.Query{{Parent: "q"}, {Category: "q"}, {State: "q"}, {Subject: "q"}, {CreatedBefore: epoch.Add(-2 * time.Hour)}} {
		none.Kind, none.Tenant = "a", "acme"
		require.Empty(t, find(t, s, none))
	}
}

func findNeverMixesTenants(t *testing.T, s store.Store) {
	tenants := []string{"", "a", "A", "a\x00", "a ", "b"}
	var every []string
	for n := range 60 {
		r := record("a", scattered(n))
		r.Tenant = tenants[n%len(tenants)]
		r.Subjects = []string{"t"}
		if n%4 == 3 {
			r.Passive = epoch
		}
		create(t, s, r)
		every = append(every, r.ID)
	}
	slices.Sort(every)
	for _, tenant := range tenants {
		for _, q := range []store.Query{{}, {Parent: "parent"}, {Category: "category"}, {State: "new"}, {Subject: "t"},
			{CreatedBefore: epoch.Add(1)}, {Category: "category", CreatedBefore: epoch.Add(1)}} {
			for _, seen := range []store.Visibility{store.Active, store.Passive, store.Everything} {
				q.Kind, q.Tenant, q.Visibility = "a", tenant, seen
				found := find(t, s, q)
				for _, r := range found {
					require.Equal(t, tenant, r.Tenant)
				}
				if seen == store.Everything {
					require.Len(t, found, 10)
				}
			}
		}
	}
	require.Equal(t, every, idsOf(find(t, s, store.Query{Kind: "a", AllTenants: true, Visibility: store.Everything})))
}

func findHidesPassive(t *testing.T, s store.Store) {
	active, passive := record("a", id(1)), record("a", id(2))
	active.Subjects, passive.Subjects = []string{"t"}, []string{"t"}
	passive.Passive = epoch
	create(t, s, active, passive)
	for _, q := range []store.Query{{}, {Parent: "parent"}, {Category: "category"}, {State: "new"}, {Subject: "t"},
		{CreatedBefore: epoch.Add(1)}, {Category: "category", CreatedBefore: epoch.Add(1)}} {
		for _, all := range []bool{false, true} {
			q.Kind, q.Tenant, q.AllTenants = "a", "acme", all
			if all {
				q.Tenant = ""
			}
			q.Visibility = store.Active
			require.Equal(t, []string{active.ID}, idsOf(find(t, s, q)))
			q.Visibility = store.Passive
			require.Equal(t, []string{passive.ID}, idsOf(find(t, s, q)))
			q.Visibility = store.Everything
			require.Equal(t, []string{active.ID, passive.ID}, idsOf(find(t, s, q)))
		}
	}
	// It is out of sight from the moment it is passive, and back when it is not.
	active.Passive, passive.Passive = epoch, time.Time{}
	require.NoError(t, s.Apply(t.Context(), touch(active), touch(passive)))
	require.Equal(t, []string{passive.ID}, idsOf(find(t, s, store.Query{Kind: "a", Tenant: "acme"})))
}

func findBoundsExclusive(t *testing.T, s store.Store) {
	for n := range 5 {
		r := record("a", id(n))
		r.Created = epoch.Add(time.Duration(n))
		create(t, s, r)
		p := record("p", id(n))
		p.Passive = epoch.Add(time.Duration(n))
		create(t, s, p)
	}
	for n := range 6 {
		bound := epoch.Add(time.Duration(n))
		for _, category := range []string{"", "category"} {
			require.Len(t, find(t, s, store.Query{Kind: "a", Tenant: "acme", Category: category, CreatedBefore: bound}), n)
			for _, seen := range []store.Visibility{store.Passive, store.Everything} {
				require.Len(t, find(t, s, store.Query{
					Kind: "p", Tenant: "acme", Category: category, PassiveBefore: bound, Visibility: seen,
				}), n)
			}
		}
	}
	require.Empty(t, find(t, s, store.Query{Kind: "a", Tenant: "acme", PassiveBefore: epoch.Add(9), Visibility: store.Everything}))
	// Before 1970 nanoseconds are negative.
	old := record("a", id(9))
	old.Created = time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)
	create(t, s, old)
	bound := time.Unix(0, 0)
	require.Equal(t, []string{old.ID}, idsOf(find(t, s, store.Query{Kind: "a", Tenant: "acme", Category: "category", CreatedBefore: bound})))
}

// crowd puts n records with scattered IDs and returns the IDs in order.
func crowd(t *testing.T, s store.Store, kind store.Kind, n int, set func(int, *store.Record)) []string {
	t.Helper()
	var ids []string
	var changes []store.Change
	for i := range n {
		r := record(kind, scattered(i))
		if set != nil {
			set(i, r)
		}
		ids = append(ids, r.ID)
		changes = append(changes, put(r))
	}
	for part := range slices.Chunk(changes, 500) {
		require.NoError(t, s.Apply(t.Context(), part...))
	}
	slices.Sort(ids)
	return ids
}

func reversed(ids []string) []string {
	back := slices.Clone(ids)
	slices.Reverse(back)
	return back
}

// ways are queries that all select the whole crowd, by another field each.
var ways = []store.Query{
	{Tenant: "acme"},
	{AllTenants: true},
	{Tenant: "acme", Parent: "parent"},
	{Tenant: "acme", Subject: "t"},
	{AllTenants: true, Category: "category"},
	{AllTenants: true, Category: "category", CreatedBefore: epoch.Add(1)},
	{AllTenants: true, CreatedBefore: epoch.Add(1)},
	{AllTenants: true, State: "new"},
	{Tenant: "acme", Visibility: store.Everything},
}

func withSubject(_ int, r *store.Record) { r.Subjects = []string{"t"} }

func findInOrder(t *testing.T, s store.Store) {
	ids := crowd(t, s, "a", 1200, withSubject)
	for _, q := range ways {
		q.Kind = "a"
		require.Equal(t, ids, idsOf(find(t, s, q)), "%+v", q)
		q.Reverse = true
		require.Equal(t, reversed(ids), idsOf(find(t, s, q)), "%+v", q)
	}
}

func findStartsAfter(t *testing.T, s store.Store) {
	ids := crowd(t, s, "a", 400, withSubject)
	const lowest, highest = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
	gone := record("a", ids[200])
	gone.Version = 1
	require.NoError(t, s.Apply(t.Context(), erase(gone)))
	left := slices.Delete(slices.Clone(ids), 200, 201)
	for _, q := range ways {
		q.Kind = "a"
		for after, from := range map[string]int{lowest: 0, ids[0]: 1, ids[150]: 151, ids[200]: 200, ids[399]: 399, highest: 399} {
			q.After, q.Reverse = after, false
			require.Equal(t, append([]string{}, left[from:]...), idsOf(find(t, s, q)), "%+v", q)
		}
		for after, to := range map[string]int{lowest: 0, ids[0]: 0, ids[150]: 150, ids[200]: 200, ids[399]: 398, highest: 399} {
			q.After, q.Reverse = after, true
			require.Equal(t, append([]string{}, reversed(left[:to])...), idsOf(find(t, s, q)), "%+v", q)
		}
	}
}

func findEndsAtLimit(t *testing.T, s store.Store) {
	ids := crowd(t, s, "a", 700, withSubject)
	for _, q := range ways {
		q.Kind = "a"
		for _, limit := range []int{1, 32, 33, 257, 700, 5000} {
			q.Limit, q.Reverse = limit, false
			require.Equal(t, ids[:min(limit, len(ids))], idsOf(find(t, s, q)), "%+v", q)
			q.Reverse = true
			require.Equal(t, reversed(ids)[:min(limit, len(ids))], idsOf(find(t, s, q)), "%+v", q)
		}
	}
	// The limit counts what matches, not what is looked at.
	q := store.Query{Kind: "a", Tenant: "acme", State: "rare", Limit: 2}
	for _, i := range []int{690, 695, 699} {
		r := record("a", ids[i])
		r.Version, r.State = 1, "rare"
		require.NoError(t, s.Apply(t.Context(), touch(r)))
	}
	require.Equal(t, []string{ids[690], ids[695]}, idsOf(find(t, s, q)))
}

func findKeysOnly(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Subjects, r.Due = []string{"b", "a"}, epoch
	create(t, s, r)
	found := find(t, s, store.Query{Kind: "a", Tenant: "acme", KeysOnly: true})
	require.Len(t, found, 1)
	want := *r
	want.Body = nil
	same(t, want, found[0])
	holds(t, s, r)
}

func findUnknownKind(t *testing.T, s store.Store) {
	create(t, s, record("a", id(1)))
	require.Empty(t, find(t, s, store.Query{Kind: "b", AllTenants: true, Visibility: store.Everything}))
	require.Empty(t, find(t, s, store.Query{Kind: "a", Tenant: "acme", Subject: "nobody"}))
	lacks(t, s, store.Key{Kind: "b", ID: id(1)})
	lacks(t, s, store.Key{Kind: "a", ID: id(2)})
}

func findAnew(t *testing.T, s store.Store) {
	ids := crowd(t, s, "a", 10, nil)
	search := s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme", Limit: 5})
	for range 2 {
		var got []string
		for r, err := range search {
			require.NoError(t, err)
			got = append(got, r.ID)
		}
		require.Equal(t, ids[:5], got)
	}
	for range search {
		break
	}
	first := record("a", ids[0])
	first.Version = 1
	require.NoError(t, s.Apply(t.Context(), erase(first)))
	for r, err := range search {
		require.NoError(t, err)
		require.Equal(t, ids[1], r.ID)
		break
	}
}

// findAgreesWithMatches crosses all fields with few values each.
func findAgreesWithMatches(t *testing.T, s store.Store) {
	var all []store.Record
	crowd(t, s, "a", 512, func(n int, r *store.Record) {
		r.Tenant = []string{"", "t"}[n&1]
		r.Parent = []string{"", "p"}[n>>1&1]
		r.Category = []string{"", "c"}[n>>2&1]
		r.State = []string{"", "s"}[n>>3&1]
		if n>>4&1 == 1 {
			r.Subjects = []string{"j"}
		}
		if n>>5&1 == 1 {
			r.Passive = epoch.Add(time.Duration(n >> 6 & 1))
		}
		r.Created = epoch.Add(time.Duration(n >> 7 & 1))
		all = append(all, *r)
	})
	slices.SortFunc(all, func(a, b store.Record) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	for n := range 1 << 9 {
		q := store.Query{Kind: "a", Parent: []string{"", "p"}[n&1], Category: []string{"", "c"}[n>>1&1],
			State: []string{"", "s"}[n>>2&1], Subject: []string{"", "j"}[n>>3&1], AllTenants: n>>4&1 == 1,
			Visibility: store.Visibility(n >> 5 & 3)}
		if n>>7&1 == 1 {
			q.CreatedBefore = epoch.Add(1)
		}
		if n>>8&1 == 1 {
			q.PassiveBefore = epoch.Add(1)
		}
		if !q.AllTenants && n&1 == 1 {
			q.Tenant = "t"
		}
		if q.Validate() != nil {
			continue
		}
		var want []string
		for _, r := range all {
			if q.Matches(r) {
				want = append(want, r.ID)
			}
		}
		require.Equal(t, append([]string{}, want...), idsOf(find(t, s, q)), "%+v", q)
	}
}
