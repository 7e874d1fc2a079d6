package storetest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// writing holds the tests of what each change of an Apply does, and what Get makes of it.
var writing = map[string]func(*testing.T, store.Store){
	"PutKeepsEveryField":               putKeepsEveryField,
	"PutKeepsOddTexts":                 putKeepsOddTexts,
	"PutKeepsBodiesUpTo16MiB":          putKeepsBodies,
	"PutReplacesTheWholeRecord":        putReplaces,
	"PutOfZeroVersionOnlyCreates":      putCreates,
	"WriteNeedsTheStoredVersion":       writeNeedsVersion,
	"WriteNeedsTheStoredTenant":        writeNeedsTenant,
	"TouchKeepsTheBody":                touchKeepsBody,
	"DeleteIsForGood":                  deleteIsForGood,
	"CheckWritesNothing":               checkWritesNothing,
	"CheckOfZeroVersionDemandsAbsence": checkOfAbsence,
}

func putKeepsEveryField(t *testing.T, s store.Store) {
	full := record("a", id(1))
	full.Subjects = []string{"b", "a", "c"}
	full.Due, full.Passive = epoch.Add(1), epoch.Add(2)
	bare := &store.Record{Key: store.Key{Kind: "a", ID: id(2)}, Created: epoch}
	longest := record(store.Kind("k"+strings.Repeat("_9", 19)+"z"), id(3))
	text := strings.Repeat("é", int(store.MaxTextBytes/2))
	longest.Tenant, longest.Parent, longest.Category, longest.State = text, text, text, text
	longest.Subjects = []string{text}
	crowded := record("a", id(4))
	for n := range 300 {
		crowded.Subjects = append(crowded.Subjects, scattered(n))
	}
	for _, r := range []*store.Record{full, bare, longest, crowded} {
		create(t, s, r)
		require.EqualValues(t, 1, r.Version)
		holds(t, s, r)
	}
	for i, at := range []time.Time{
		time.Unix(0, 0), time.Unix(0, -1), time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2262, 4, 10, 23, 59, 59, 999_999_999, time.UTC),
	} {
		r := record("a", id(10+i))
		r.Created, r.Due, r.Passive = at, at, at
		create(t, s, r)
		holds(t, s, r)
	}
}

func putKeepsOddTexts(t *testing.T, s store.Store) {
	n := 0
	for name, text := range odd {
		for field, set := range map[string]func(*store.Record){
			"tenant":   func(r *store.Record) { r.Tenant = text },
			"parent":   func(r *store.Record) { r.Parent = text },
			"category": func(r *store.Record) { r.Category = text },
			"state":    func(r *store.Record) { r.State = text },
			"subjects": func(r *store.Record) { r.Subjects = []string{"x", text, text + "y"} },
		} {
			n++
			r := record("odd", id(n))
			set(r)
			create(t, s, r)
			holds(t, s, r)

			q := store.Query{Kind: "odd", Tenant: r.Tenant}
			switch field {
			case "parent":
				q.Parent = text
			case "category":
				q.Category = text
			case "state":
				q.State = text
			case "subjects":
				q.Subject = text
			}
			if field != "tenant" {
				found := find(t, s, q)
				require.Len(t, found, 1, "%s in %s", name, field)
				same(t, *r, found[0])
			} else {
				require.Contains(t, idsOf(find(t, s, q)), r.ID, "%s in tenant", name)
			}
		}
	}
	// A text that only begins like another, or only looks like it, is another.
	a, b := record("near", id(1)), record("near", id(2))
	a.Parent, b.Parent = "a", "a\x00"
	a.Category, b.Category = "c", "C"
	a.State, b.State = "1", "01"
	a.Subjects, b.Subjects = []string{"s"}, []string{"s "}
	create(t, s, a, b)
	for _, q := range []store.Query{{Parent: "a"}, {Category: "c"}, {State: "1"}, {Subject: "s"}} {
		q.Kind, q.Tenant = "near", "acme"
		require.Equal(t, []string{a.ID}, idsOf(find(t, s, q)))
	}
}

func putKeepsBodies(t *testing.T, s store.Store) {
	sizes := []int{0, 1, 255, 1023, 1024, 1025, 2047, 2048, 2049, 4000, 4095, 4096, 4097, 65_535, 65_536, 1 << 20,
		int(store.MaxBodyBytes)}
	pattern := func(size int) []byte {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(i*7 + i>>8 + size)
		}
		return body
	}
	records := make([]*store.Record, len(sizes))
	for i, size := range sizes {
		r := record("big", id(i))
		r.Body = pattern(size)
		create(t, s, r)
		records[i] = r
	}
	for _, r := range records {
		got, err := s.Get(t.Context(), r.Key)
		require.NoError(t, err)
		// Not Equal: it would print megabytes.
		require.True(t, bytes.Equal(r.Body, got.Body), "a body of %d bytes came back as another", len(r.Body))
	}
	n := 0
	for got, err := range s.Find(t.Context(), store.Query{Kind: "big", Tenant: "acme"}) {
		require.NoError(t, err)
		require.True(t, bytes.Equal(records[n].Body, got.Body), "a body of %d bytes was found as another", len(records[n].Body))
		n++
	}
	require.Equal(t, len(records), n)
	for r, err := range s.Find(t.Context(), store.Query{Kind: "big", Tenant: "acme", KeysOnly: true}) {
		require.NoError(t, err)
		require.Empty(t, r.Body)
	}
	// Every size takes every other's place.
	for i, r := range records {
		r.Body = pattern(sizes[len(sizes)-1-i])
		create(t, s, r)
		touched := *r
		touched.State, touched.Body = "touched", nil
		require.NoError(t, s.Apply(t.Context(), touch(&touched)))
		r.Version = touched.Version
	}
	for _, r := range records {
		got, err := s.Get(t.Context(), r.Key)
		require.NoError(t, err)
		require.Equal(t, "touched", got.State)
		require.True(t, bytes.Equal(r.Body, got.Body), "a body of %d bytes was replaced by another", len(r.Body))
		require.NoError(t, s.Apply(t.Context(), erase(r)))
	}
	require.Empty(t, find(t, s, store.Query{Kind: "big", Tenant: "acme"}))
}

func putReplaces(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Subjects, r.Due = []string{"one", "two"}, epoch
	create(t, s, r)
	r.Parent, r.Category, r.State, r.Subjects = "p2", "c2", "s2", []string{"two", "three"}
	r.Created, r.Due, r.Passive, r.Body = epoch.Add(-time.Hour), time.Time{}, epoch.Add(9), []byte("other")
	create(t, s, r)
	require.EqualValues(t, 2, r.Version)
	holds(t, s, r)
	all := store.Query{Kind: "a", Tenant: "acme", Visibility: store.Everything}
	for _, gone := range []store.Query{{Parent: "parent"}, {Category: "category"}, {State: "new"}, {Subject: "one"}} {
		gone.Kind, gone.Tenant, gone.Visibility = all.Kind, all.Tenant, all.Visibility
		require.Empty(t, find(t, s, gone))
	}
	for _, there := range []store.Query{{Parent: "p2"}, {Category: "c2"}, {State: "s2"}, {Subject: "two"}, {Subject: "three"}} {
		there.Kind, there.Tenant, there.Visibility = all.Kind, all.Tenant, all.Visibility
		require.Equal(t, []string{r.ID}, idsOf(find(t, s, there)))
	}
	*r = store.Record{Key: r.Key, Tenant: r.Tenant, Created: epoch, Version: r.Version}
	create(t, s, r)
	require.EqualValues(t, 3, r.Version)
	holds(t, s, r)
}

func putCreates(t *testing.T, s store.Store) {
	r := record("a", id(1))
	create(t, s, r)
	again := record("a", id(1))
	again.Body = []byte("second")
	require.ErrorIs(t, s.Apply(t.Context(), put(again)), store.ErrConflict)
	again.Tenant = "other"
	require.ErrorIs(t, s.Apply(t.Context(), put(again)), store.ErrConflict)
	holds(t, s, r)
}

func writeNeedsVersion(t *testing.T, s store.Store) {
	r := record("a", id(1))
	create(t, s, r)
	create(t, s, r)
	require.EqualValues(t, 2, r.Version)
	missing := record("a", id(2))
	for _, version := range []int64{1, 3, 1 << 40} {
		for _, target := range []store.Key{r.Key, missing.Key, {Kind: "never_seen", ID: id(1)}} {
			for name, change := range map[string]func(*store.Record) store.Change{
				"put": put, "touch": touch, "delete": erase, "check": check,
			} {
				stale := record(target.Kind, target.ID)
				stale.Version, stale.State = version, "stale"
				require.ErrorIs(t, s.Apply(t.Context(), change(stale)), store.ErrConflict, "%s of version %d", name, version)
				require.Equal(t, version, stale.Version)
			}
		}
	}
	holds(t, s, r)
	lacks(t, s, missing.Key)
}

func writeNeedsTenant(t *testing.T, s store.Store) {
	r := record("a", id(1))
	create(t, s, r)
	for _, tenant := range []string{"", "ACME", "acme ", "other"} {
		for name, change := range map[string]func(*store.Record) store.Change{
			"put": put, "touch": touch, "delete": erase, "check": check,
		} {
			foreign := *r
			foreign.Tenant, foreign.State = tenant, "foreign"
			require.ErrorIs(t, s.Apply(t.Context(), change(&foreign)), store.ErrConflict, "%s as %q", name, tenant)
		}
	}
	holds(t, s, r)
	none := record("a", id(2))
	none.Tenant = ""
	create(t, s, none)
	none.Tenant = "acme"
	require.ErrorIs(t, s.Apply(t.Context(), put(none)), store.ErrConflict)
}

func touchKeepsBody(t *testing.T, s store.Store) {
	for n, size := range []int{0, 10, 5000, 100_000} {
		r := record("a", id(n))
		r.Subjects = []string{"one"}
		r.Body = bytes.Repeat([]byte{byte(n + 1)}, size)
		create(t, s, r)
		body := r.Body
		r.Parent, r.Category, r.State, r.Subjects = "p2", "c2", "s2", []string{"two"}
		r.Created, r.Due, r.Passive = epoch.Add(1), epoch.Add(2), epoch.Add(3)
		r.Body = []byte("ignored")
		require.NoError(t, s.Apply(t.Context(), touch(r)))
		require.EqualValues(t, 2, r.Version)
		require.Equal(t, "ignored", string(r.Body))
		r.Body = body
		holds(t, s, r)
		moved := store.Query{Kind: "a", Tenant: "acme", Parent: "p2", Subject: "two", Visibility: store.Passive}
		require.Contains(t, idsOf(find(t, s, moved)), r.ID)
		require.Empty(t, find(t, s, store.Query{Kind: "a", AllTenants: true, Subject: "one", Visibility: store.Everything}))
	}
}

func deleteIsForGood(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Subjects, r.Due = []string{"one"}, epoch
	create(t, s, r)
	create(t, s, r)
	require.NoError(t, s.Apply(t.Context(), store.Change{Delete: &store.Record{Key: r.Key, Tenant: r.Tenant, Version: 2}}))
	lacks(t, s, r.Key)
	require.ErrorIs(t, s.Apply(t.Context(), erase(r)), store.ErrConflict)
	for _, q := range []store.Query{{}, {Parent: "parent"}, {Category: "category"}, {Subject: "one"}} {
		q.Kind, q.AllTenants, q.Visibility = "a", true, store.Everything
		require.Empty(t, find(t, s, q))
	}
	leased, err := s.Claim(t.Context(), "a", epoch, epoch.Add(1), 10)
	require.NoError(t, err)
	require.Empty(t, leased)

	again := record("a", id(1))
	again.Tenant, again.Body = "other", []byte("anew")
	create(t, s, again)
	require.EqualValues(t, 1, again.Version)
	holds(t, s, again)
	require.Empty(t, find(t, s, store.Query{Kind: "a", AllTenants: true, Subject: "one"}))
}

func checkWritesNothing(t *testing.T, s store.Store) {
	r, other := record("a", id(1)), record("a", id(2))
	create(t, s, r)
	guard := &store.Record{Key: r.Key, Tenant: r.Tenant, Version: 1}
	require.NoError(t, s.Apply(t.Context(), check(guard)))
	require.NoError(t, s.Apply(t.Context(), check(guard), put(other)))
	require.EqualValues(t, 1, guard.Version)
	holds(t, s, r)
	holds(t, s, other)
}

func checkOfAbsence(t *testing.T, s store.Store) {
	absent := &store.Record{Key: store.Key{Kind: "a", ID: id(1)}, Tenant: "acme"}
	require.NoError(t, s.Apply(t.Context(), check(absent)))
	r := record("b", id(1))
	require.NoError(t, s.Apply(t.Context(), check(absent), put(r)))
	there := record("a", id(1))
	create(t, s, there)
	require.ErrorIs(t, s.Apply(t.Context(), check(absent)), store.ErrConflict)
	absent.Tenant = "other"
	require.ErrorIs(t, s.Apply(t.Context(), check(absent)), store.ErrConflict)
	require.NoError(t, s.Apply(t.Context(), erase(there)))
	require.NoError(t, s.Apply(t.Context(), check(absent)))
}
