package storetest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// Reopen tests what a store that lasts must still know after it was closed and opened again. The open function opens the
// store in a folder: an empty one at first, then one with what an earlier store left there. Reopen closes it.
func Reopen(t *testing.T, open func(t *testing.T, dir string) store.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func() store.Store){
		"RecordsLast":         recordsLast,
		"DeletionsLast":       deletionsLast,
		"LeasesLast":          leasesLast,
		"KindsLast":           kindsLast,
		"ManyLivesAreOneLife": manyLives,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var current store.Store
			again := func() store.Store {
				if current != nil {
					require.NoError(t, current.Close())
				}
				current = open(t, dir)
				return current
			}
			test(t, again)
			require.NoError(t, current.Close())
		})
	}
}

func recordsLast(t *testing.T, again func() store.Store) {
	s := again()
	var records []*store.Record
	n := 0
	for _, text := range odd {
		n++
		r := record("a", scattered(n))
		r.Tenant, r.Parent, r.Category, r.State, r.Subjects = text, text, text, text, []string{text, "x"}
		r.Due, r.Passive = epoch.Add(time.Duration(n)), epoch.Add(time.Duration(2*n))
		r.Body = bytes.Repeat([]byte{byte(n)}, n*n*40)
		create(t, s, r)
		records = append(records, r)
	}
	create(t, s, records...)
	s = again()
	for _, r := range records {
		holds(t, s, r)
		q := store.Query{Kind: "a", Tenant: r.Tenant, Category: r.Category, State: r.State, Parent: r.Parent, Subject: r.Subjects[0]}
		q.Visibility = store.Everything
		require.Equal(t, []string{r.ID}, idsOf(find(t, s, q)))
		r.State = "changed"
	}
	create(t, s, records...)
	s = again()
	for _, r := range records {
		require.EqualValues(t, 3, r.Version)
		holds(t, s, r)
	}
	large := record("large", id(1))
	large.Body = bytes.Repeat([]byte("0123456789abcdef"), int(store.MaxBodyBytes)/16)
	create(t, s, large)
	s = again()
	got, err := s.Get(t.Context(), large.Key)
	require.NoError(t, err)
	require.True(t, bytes.Equal(large.Body, got.Body))
}

func deletionsLast(t *testing.T, again func() store.Store) {
	s := again()
	r := record("a", id(1))
	r.Subjects = []string{"s"}
	create(t, s, r)
	s = again()
	require.NoError(t, s.Apply(t.Context(), erase(r)))
	s = again()
	lacks(t, s, r.Key)
	require.Empty(t, find(t, s, store.Query{Kind: "a", AllTenants: true, Subject: "s"}))
	require.ErrorIs(t, s.Apply(t.Context(), put(r)), store.ErrConflict)
}

func leasesLast(t *testing.T, again func() store.Store) {
	s := again()
	r := record("a", id(1))
	r.Due = epoch
	create(t, s, r)
	held := claim(t, s, "a", epoch, epoch.Add(time.Minute), 1)
	require.Len(t, held, 1)
	s = again()
	require.Empty(t, claim(t, s, "a", epoch, epoch.Add(time.Minute), 1))
	heir := claim(t, s, "a", epoch.Add(time.Minute), epoch.Add(time.Hour), 1)
	require.Len(t, heir, 1)
	s = again()
	require.ErrorIs(t, s.Apply(t.Context(), put(&held[0])), store.ErrConflict)
	require.NoError(t, s.Apply(t.Context(), put(&heir[0])))
}

func kindsLast(t *testing.T, again func() store.Store) {
	s := again()
	r := record("gone", id(1))
	create(t, s, r, record("kept", id(1)))
	require.NoError(t, s.Apply(t.Context(), erase(r)))
	s = again()
	if lister, ok := s.(store.Lister); ok {
		kinds, err := lister.Kinds(t.Context())
		require.NoError(t, err)
		require.Equal(t, []store.Kind{"gone", "kept"}, kinds)
	}
	require.Empty(t, find(t, s, store.Query{Kind: "gone", AllTenants: true}))
}

func manyLives(t *testing.T, again func() store.Store) {
	counter := record("counter", id(0))
	for life := range 10 {
		s := again()
		create(t, s, counter)
		require.EqualValues(t, life+1, counter.Version)
		r := record("a", id(life))
		r.Category, r.State = fmt.Sprint("c", life), fmt.Sprint("s", life)
		create(t, s, r)
		if compacter, ok := s.(store.Compacter); ok && life%3 == 0 {
			_, err := compacter.Compact(t.Context())
			require.NoError(t, err)
		}
		for n, found := range find(t, s, store.Query{Kind: "a", Tenant: "acme"}) {
			require.Equal(t, fmt.Sprint("c", n), found.Category)
			require.Equal(t, fmt.Sprint("s", n), found.State)
		}
	}
}
