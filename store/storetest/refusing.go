package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
)

// refusing holds the tests of what a store must turn down before it writes anything.
var refusing = map[string]func(*testing.T, store.Store){
	"BadRecordIsRefused":        badRecordRefused,
	"BadChangeIsRefused":        badChangeRefused,
	"BadKeyIsRefused":           badKeyRefused,
	"BadQueryIsRefused":         badQueryRefused,
	"BadClaimIsRefused":         badClaimRefused,
	"RefusedCallWritesNothing":  refusedWritesNothing,
	"RefusalShowsNoFieldValues": refusalShowsNoValues,
}

var (
	tooLong = strings.Repeat("x", int(store.MaxTextBytes)+1)
	noUTF8  = "caf\xe9"
	badIDs  = []string{
		"", "1", "01900000-0000-7000-8000-00000000000A", "{01900000-0000-7000-8000-00000000000}",
		"01900000000070008000000000000001", "01900000-0000-7000-8000-00000000000g", "01900000-0000-7000-80000-0000000000",
		"01900000-0000-7000-8000-0000000000011", "01900000-0000-7000-8000-00000000000\x00",
	}
	badKinds = []store.Kind{
		"", "A", "1a", "_a", "a-b", "a b", "a\x00", "é", `a"`, store.Kind(strings.Repeat("k", 41)),
	}
	badInstants = []time.Time{
		time.Date(1677, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC),
		time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC),
	}
)

// A spoiled record is a valid one after one change for the worse.
type spoiled struct {
	field string
	spoil func(*store.Record)
	want  error
}

func spoiledRecords() []spoiled {
	all := []spoiled{
		{"tenant", func(r *store.Record) { r.Tenant = tooLong }, store.ErrTooLarge},
		{"parent", func(r *store.Record) { r.Parent = tooLong }, store.ErrTooLarge},
		{"category", func(r *store.Record) { r.Category = tooLong }, store.ErrTooLarge},
		{"state", func(r *store.Record) { r.State = tooLong }, store.ErrTooLarge},
		{"subjects", func(r *store.Record) { r.Subjects = []string{"a", tooLong} }, store.ErrTooLarge},
		{"tenant", func(r *store.Record) { r.Tenant = noUTF8 }, store.ErrInvalid},
		{"parent", func(r *store.Record) { r.Parent = noUTF8 }, store.ErrInvalid},
		{"category", func(r *store.Record) { r.Category = noUTF8 }, store.ErrInvalid},
		{"state", func(r *store.Record) { r.State = noUTF8 }, store.ErrInvalid},
		{"subjects", func(r *store.Record) { r.Subjects = []string{"a", noUTF8} }, store.ErrInvalid},
		{"subjects", func(r *store.Record) { r.Subjects = []string{"a", "b", "a"} }, store.ErrInvalid},
		{"subjects", func(r *store.Record) { r.Subjects = []string{"a", ""} }, store.ErrInvalid},
		{"subjects", func(r *store.Record) {
			for n := range 50 {
				r.Subjects = append(r.Subjects, id(n%49))
			}
		}, store.ErrInvalid},
		{"created", func(r *store.Record) { r.Created = time.Time{} }, store.ErrInvalid},
		{"version", func(r *store.Record) { r.Version = -1 }, store.ErrInvalid},
	}
	for _, bad := range badIDs {
		all = append(all, spoiled{"id", func(r *store.Record) { r.ID = bad }, store.ErrInvalid})
	}
	for _, bad := range badKinds {
		all = append(all, spoiled{"kind", func(r *store.Record) { r.Kind = bad }, store.ErrInvalid})
	}
	for _, bad := range badInstants {
		all = append(all,
			spoiled{"created", func(r *store.Record) { r.Created = bad }, store.ErrInvalid},
			spoiled{"due", func(r *store.Record) { r.Due = bad }, store.ErrInvalid},
			spoiled{"passive", func(r *store.Record) { r.Passive = bad }, store.ErrInvalid})
	}
	return all
}

func badRecordRefused(t *testing.T, s store.Store) {
	there := record("a", id(1))
	create(t, s, there)
	for _, bad := range spoiledRecords() {
		fresh, stored := record("a", id(2)), *there
		bad.spoil(fresh)
		bad.spoil(&stored)
		for _, change := range []store.Change{put(fresh), touch(&stored)} {
			err := s.Apply(t.Context(), change)
			require.ErrorIs(t, err, bad.want, bad.field)
			require.ErrorContains(t, err, bad.field)
		}
		switch bad.field {
		case "id", "kind", "version", "tenant":
			for _, change := range []store.Change{erase(&stored), check(&stored)} {
				err := s.Apply(t.Context(), change)
				require.ErrorIs(t, err, bad.want, bad.field)
				require.ErrorContains(t, err, bad.field)
			}
		}
	}
	large := record("a", id(2))
	large.Body = make([]byte, store.MaxBodyBytes+1)
	err := s.Apply(t.Context(), put(large))
	require.ErrorIs(t, err, store.ErrTooLarge)
	require.ErrorContains(t, err, "body")
	// The body counts for nothing in the other changes.
	large.Key, large.Version = there.Key, there.Version
	require.NoError(t, s.Apply(t.Context(), check(large)))
	require.NoError(t, s.Apply(t.Context(), touch(large)))
	require.NoError(t, s.Apply(t.Context(), erase(large)))
}

func badChangeRefused(t *testing.T, s store.Store) {
	r, other := record("a", id(1)), record("a", id(2))
	create(t, s, r)
	for name, changes := range map[string][]store.Change{
		"nothing set":          {{}},
		"two set":              {{Put: r, Check: r}},
		"four set":             {{Put: r, Touch: r, Delete: r, Check: r}},
		"touch of version 0":   {touch(record("a", id(1)))},
		"delete of version 0":  {erase(record("a", id(1)))},
		"same record twice":    {put(r), put(r)},
		"same key twice":       {put(r), check(&store.Record{Key: r.Key, Tenant: r.Tenant, Version: 1})},
		"a second one is bad":  {put(other), {}},
		"same key far apart":   {put(other), check(record("b", id(1))), put(r), erase(&store.Record{Key: other.Key, Version: 1})},
		"many and a key twice": append(absentChecks(30), check(record("n", id(7)))),
	} {
		require.ErrorIs(t, s.Apply(t.Context(), changes...), store.ErrInvalid, name)
	}
	holds(t, s, r)
	lacks(t, s, other.Key)
	require.NoError(t, s.Apply(t.Context(), absentChecks(30)...))
}

// absentChecks are n checks that pass on a store without the kind n.
func absentChecks(n int) []store.Change {
	var changes []store.Change
	for i := range n {
		changes = append(changes, check(record("n", id(i))))
	}
	return changes
}

func badKeyRefused(t *testing.T, s store.Store) {
	for _, bad := range badIDs {
		_, err := s.Get(t.Context(), store.Key{Kind: "a", ID: bad})
		require.ErrorIs(t, err, store.ErrInvalid, bad)
	}
	for _, bad := range badKinds {
		_, err := s.Get(t.Context(), store.Key{Kind: bad, ID: id(1)})
		require.ErrorIs(t, err, store.ErrInvalid, bad)
	}
}

func badQueryRefused(t *testing.T, s store.Store) {
	create(t, s, record("a", id(1)))
	type bad struct {
		query store.Query
		want  error
	}
	all := []bad{
		{store.Query{Tenant: noUTF8}, store.ErrInvalid},
		{store.Query{Parent: noUTF8}, store.ErrInvalid},
		{store.Query{Category: noUTF8}, store.ErrInvalid},
		{store.Query{State: noUTF8}, store.ErrInvalid},
		{store.Query{Subject: noUTF8}, store.ErrInvalid},
		{store.Query{Tenant: tooLong}, store.ErrTooLarge},
		{store.Query{Parent: tooLong}, store.ErrTooLarge},
		{store.Query{Category: tooLong}, store.ErrTooLarge},
		{store.Query{State: tooLong}, store.ErrTooLarge},
		{store.Query{Subject: tooLong}, store.ErrTooLarge},
		{store.Query{Limit: -1}, store.ErrInvalid},
		{store.Query{Visibility: store.Everything + 1}, store.ErrInvalid},
		{store.Query{Tenant: "acme", AllTenants: true}, store.ErrInvalid},
		{store.Query{PassiveBefore: epoch}, store.ErrInvalid},
	}
	for _, id := range badIDs[1:] {
		all = append(all, bad{store.Query{After: id}, store.ErrInvalid})
	}
	for _, at := range badInstants {
		all = append(all, bad{store.Query{CreatedBefore: at}, store.ErrInvalid},
			bad{store.Query{PassiveBefore: at, Visibility: store.Passive}, store.ErrInvalid})
	}
	for i := range all {
		all[i].query.Kind = "a"
	}
	for _, kind := range badKinds {
		all = append(all, bad{store.Query{Kind: kind}, store.ErrInvalid})
	}
	for _, b := range all {
		var errs []error
		for _, err := range s.Find(t.Context(), b.query) {
			errs = append(errs, err)
		}
		require.Len(t, errs, 1, "%+v", b.query)
		require.ErrorIs(t, errs[0], b.want, "%+v", b.query)
	}
}

func badClaimRefused(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Due = epoch
	create(t, s, r)
	later := epoch.Add(time.Minute)
	for name, claim := range map[string]func() ([]store.Record, error){
		"limit 0":         func() ([]store.Record, error) { return s.Claim(t.Context(), "a", epoch, later, 0) },
		"limit -1":        func() ([]store.Record, error) { return s.Claim(t.Context(), "a", epoch, later, -1) },
		"no now":          func() ([]store.Record, error) { return s.Claim(t.Context(), "a", time.Time{}, later, 1) },
		"no until":        func() ([]store.Record, error) { return s.Claim(t.Context(), "a", epoch, time.Time{}, 1) },
		"until is now":    func() ([]store.Record, error) { return s.Claim(t.Context(), "a", epoch, epoch, 1) },
		"until is before": func() ([]store.Record, error) { return s.Claim(t.Context(), "a", later, epoch, 1) },
		"far now":         func() ([]store.Record, error) { return s.Claim(t.Context(), "a", badInstants[0], later, 1) },
		"far until":       func() ([]store.Record, error) { return s.Claim(t.Context(), "a", epoch, badInstants[1], 1) },
		"bad kind":        func() ([]store.Record, error) { return s.Claim(t.Context(), "A", epoch, later, 1) },
	} {
		leased, err := claim()
		require.ErrorIs(t, err, store.ErrInvalid, name)
		require.Empty(t, leased, name)
	}
	holds(t, s, r)
}

func refusedWritesNothing(t *testing.T, s store.Store) {
	there := record("a", id(1))
	create(t, s, there)
	for _, bad := range spoiledRecords() {
		fresh, changed, spoilt := record("a", id(2)), *there, record("b", id(3))
		changed.State = "changed"
		bad.spoil(spoilt)
		require.ErrorIs(t, s.Apply(t.Context(), put(fresh), put(&changed), put(spoilt)), bad.want)
		require.Zero(t, fresh.Version)
		lacks(t, s, fresh.Key)
		holds(t, s, there)
	}
}

func refusalShowsNoValues(t *testing.T, s store.Store) {
	const secret = "eve@example.org"
	r := record("a", id(1))
	r.Tenant, r.Parent, r.State, r.Subjects, r.Body = secret, secret, secret, []string{secret, secret}, []byte(secret)
	err := s.Apply(t.Context(), put(r))
	require.ErrorIs(t, err, store.ErrInvalid)
	require.NotContains(t, err.Error(), "eve")
	r.Subjects = []string{secret}
	create(t, s, r)
	r.Version = 9
	err = s.Apply(t.Context(), put(r))
	require.ErrorIs(t, err, store.ErrConflict)
	require.NotContains(t, err.Error(), "eve")
	r.Parent = secret + noUTF8
	err = s.Apply(t.Context(), put(r))
	require.ErrorIs(t, err, store.ErrInvalid)
	require.NotContains(t, err.Error(), "eve")
}
