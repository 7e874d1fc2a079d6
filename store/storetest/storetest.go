// Package storetest says whether a store keeps the contract of package store.
//
// [Run] tests every clause that one process can see, [Reopen] what must outlive it, and [Crash] that a killed process
// loses nothing that it was promised. [Faulty] is for everybody else's tests: a store that fails when it is told to. A
// store of your own calls them from its tests:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mystore.New() })
//	}
package storetest

import (
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// Run tests a store against the contract of package store, in parallel subtests. The open function returns a new, empty
// store each time; Run closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	t.Helper()
	for _, group := range []map[string]func(*testing.T, store.Store){
		writing, applying, refusing, finding, looping, claiming, sharing, ending, modelling,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := open(t)
				t.Cleanup(func() { require.NoError(t, s.Close()) })
				test(t, s)
			})
		}
	}
}

// epoch is an instant with nanoseconds that every test counts from.
var epoch = time.Date(2026, 2, 28, 23, 59, 59, 999_999_999, time.UTC)

// odd are texts that stores like to break.
var odd = map[string]string{
	"NUL":               "a\x00b\x00",
	"only NUL":          "\x00",
	"quotes":            `'"` + "`;--\\",
	"wildcards":         "%_*?[",
	"line ends":         "\r\n\t\v\u2028",
	"beyond the BMP":    "🜂\U0010FFFF",
	"combining":         "e\u0301\u200d\ufeff",
	"right to left":     "\u202eשלום",
	"space around":      "  x  ",
	"digits":            "0012",
	"exponent":          "1e5",
	"like a UUID":       "01900000-0000-7000-8000-000000000001",
	"like an upper one": "01900000-0000-7000-8000-00000000000A",
	"sixteen bytes":     "0123456789abcdef",
	"replacement":       "\uFFFD",
	"null":              "null",
}

// id returns an ID; ids sort as their numbers do.
func id(n int) string { return fmt.Sprintf("01900000-0000-7000-8000-%012x", n) }

// scattered returns an ID whose place among others has nothing to do with its number.
func scattered(n int) string {
	h := fnv.New64a()
	fmt.Fprint(h, "scatter", n, n)
	sum := h.Sum64() * 0x9E3779B97F4A7C15
	return fmt.Sprintf("%08x-%04x-7000-8000-%012x", uint32(sum>>32), uint16(sum>>16), n)
}

// record returns a new record of a kind with every plain field set.
func record(kind store.Kind, id string) *store.Record {
	return &store.Record{
		Key:      store.Key{Kind: kind, ID: id},
		Tenant:   "acme",
		Parent:   "parent",
		Category: "category",
		State:    "new",
		Created:  epoch,
		Body:     []byte("body of " + id),
	}
}

func put(r *store.Record) store.Change   { return store.Change{Put: r} }
func touch(r *store.Record) store.Change { return store.Change{Touch: r} }
func erase(r *store.Record) store.Change { return store.Change{Delete: r} }
func check(r *store.Record) store.Change { return store.Change{Check: r} }

// create puts records that are not there yet.
func create(t *testing.T, s store.Store, records ...*store.Record) {
	t.Helper()
	changes := make([]store.Change, len(records))
	for i, r := range records {
		changes[i] = put(r)
	}
	require.NoError(t, s.Apply(t.Context(), changes...))
}

// holds demands that the store has exactly this record under its key.
func holds(t *testing.T, s store.Store, want *store.Record) {
	t.Helper()
	got, err := s.Get(t.Context(), want.Key)
	require.NoError(t, err)
	same(t, *want, got)
}

// lacks demands that the store has no record under the key.
func lacks(t *testing.T, s store.Store, key store.Key) {
	t.Helper()
	_, err := s.Get(t.Context(), key)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// same demands that two records are equal, and that what came out of the store is in its normal form.
func same(t *testing.T, want, got store.Record) {
	t.Helper()
	for _, at := range []time.Time{got.Created, got.Due, got.Passive} {
		require.Equal(t, time.UTC, at.Location(), "the location of an instant")
	}
	require.Equal(t, normal(want), normal(got))
}

// normal makes equal what the contract calls equal.
func normal(r store.Record) store.Record {
	if len(r.Subjects) == 0 {
		r.Subjects = nil
	}
	if len(r.Body) == 0 {
		r.Body = nil
	}
	for _, at := range []*time.Time{&r.Created, &r.Due, &r.Passive} {
		if at.IsZero() {
			*at = time.Time{}
		} else {
			*at = at.Round(0).UTC()
		}
	}
	return r
}

// find returns all that a query yields.
func find(t *testing.T, s store.Store, q store.Query) []store.Record {
	t.Helper()
	var found []store.Record
	for r, err := range s.Find(t.Context(), q) {
		require.NoError(t, err)
		found = append(found, r)
	}
	return found
}

// idsOf returns the IDs of records in their order.
func idsOf(records []store.Record) []string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	return ids
}
