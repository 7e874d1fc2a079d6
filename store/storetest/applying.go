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

// applying holds the tests of an Apply as a whole, and of what belongs to whom.
var applying = map[string]func(*testing.T, store.Store){
	"ApplyIsAllOrNothing":              applyIsAllOrNothing,
	"ConflictTakesBackWhatWasCreated":  conflictTakesBack,
	"ConflictTakesBackWhatWasReplaced": conflictTakesBackReplaced,
	"ApplyOfNothingSucceeds":           applyOfNothing,
	"ApplyOfManyKinds":                 applyOfManyKinds,
	"ApplySetsVersionsOnlyOnSuccess":   applySetsVersions,
	"RecordsBelongToTheirHolder":       recordsBelongToHolder,
	"InstantsLoseOnlyTheirLocation":    instantsNormalised,
	"KindsAreApart":                    kindsAreApart,
	"PassiveRecordIsStillFetchedByKey": passiveByKey,
	"KindsAreListed":                   kindsAreListed,
	"RecordsAreCounted":                recordsAreCounted,
	"CompactKeepsWhatIsThere":          compactKeeps,
}

// applyIsAllOrNothing lets each change of a call fail in turn.
func applyIsAllOrNothing(t *testing.T, s store.Store) {
	for failing := range 5 {
		base := 100 * failing
		old, gone, touched, seen := record("a", id(base+1)), record("a", id(base+2)), record("a", id(base+3)), record("b", id(base+4))
		gone.Subjects = []string{"s"}
		create(t, s, old, gone, touched, seen)
		changed := *old
		changed.State, changed.Body = "changed", bytes.Repeat([]byte("x"), 9000)
		moved := *touched
		moved.Due = epoch
		fresh := record("c", id(base+5))
		fresh.Subjects = []string{"s"}
		changes := []store.Change{put(fresh), put(&changed), erase(gone), touch(&moved), check(seen)}
		bad := []*store.Record{fresh, &changed, gone, &moved, seen}[failing]
		good := bad.Version
		bad.Version = 7
		require.ErrorIs(t, s.Apply(t.Context(), changes...), store.ErrConflict)
		bad.Version = good
		lacks(t, s, fresh.Key)
		for _, r := range []*store.Record{old, gone, touched, seen} {
			holds(t, s, r)
		}
		require.Empty(t, find(t, s, store.Query{Kind: "c", AllTenants: true, Subject: "s"}))

		require.NoError(t, s.Apply(t.Context(), changes...))
		for _, r := range []*store.Record{fresh, &changed, &moved, seen} {
			holds(t, s, r)
		}
		lacks(t, s, gone.Key)
		require.NoError(t, s.Apply(t.Context(), erase(fresh), erase(&moved)))
	}
}

// conflictTakesBack creates records, the last of which is there already.
func conflictTakesBack(t *testing.T, s store.Store) {
	there, old := record("a", id(1)), record("b", id(2))
	create(t, s, there, old)
	large, small := record("a", id(3)), record("c", id(4))
	large.Subjects, large.Body = []string{"s", "t"}, bytes.Repeat([]byte("x"), 9000)
	small.Subjects, small.Due = []string{"s"}, epoch
	again, moved := record("a", id(1)), *old
	moved.State = "moved"
	require.ErrorIs(t, s.Apply(t.Context(), touch(&moved), put(large), put(small), put(again)), store.ErrConflict)
	lacks(t, s, large.Key)
	lacks(t, s, small.Key)
	holds(t, s, there)
	holds(t, s, old)
	require.Empty(t, find(t, s, store.Query{Kind: "a", AllTenants: true, Subject: "s"}))
	claimed, err := s.Claim(t.Context(), "c", epoch, epoch.Add(time.Minute), 10)
	require.NoError(t, err)
	require.Empty(t, claimed)

	require.NoError(t, s.Apply(t.Context(), touch(&moved), put(large), put(small)))
	holds(t, s, large)
	holds(t, s, small)
}

// conflictTakesBackReplaced replaces bodies in calls of which one, in each place in turn, is in conflict, while others replace
// theirs.
func conflictTakesBackReplaced(t *testing.T, s store.Store) {
	const size = 5
	var records, others []*store.Record
	for n := range size {
		r := record("a", id(n))
		r.Subjects = [][]string{nil, {"s"}, {"s", "t"}}[n%3]
		records = append(records, r)
		others = append(others, record("a", id(100+n)))
	}
	create(t, s, slices.Concat(records, others)...)
	change := func(r *store.Record, round int) store.Change {
		r.Body = fmt.Appendf(nil, "body of round %d", round)
		return put(r)
	}
	for round := range 4 * size {
		failing := round % size
		changed := make([]store.Record, size)
		changes := make([]store.Change, size)
		for n, r := range records {
			changed[n] = *r
			changes[n] = change(&changed[n], round)
		}
		switch round / size {
		case 0:
			changed[failing].Version++
		case 1:
			changed[failing].Tenant = "globex"
		case 2:
			changed[failing].ID = id(50)
		case 3: // in conflict behind one that changes more than its body
			changed[failing].Version++
			changed[(failing+size-1)%size].State = "changed"
		}
		var beside sync.WaitGroup
		for _, r := range others {
			c := change(r, round)
			beside.Go(func() {
				if err := s.Apply(t.Context(), c); err != nil {
					t.Errorf("replace beside a conflict: %v", err)
				}
			})
		}
		require.ErrorIs(t, s.Apply(t.Context(), changes...), store.ErrConflict)
		beside.Wait()
		for _, r := range slices.Concat(records, others) {
			holds(t, s, r)
		}
	}
	for n, r := range records {
		change(r, n)
	}
	records[2].State, records[3].Subjects = "changed", []string{"u"}
	records[4].Body = bytes.Repeat([]byte("x"), 9000)
	var changes []store.Change
	for _, r := range records {
		changes = append(changes, put(r))
	}
	require.NoError(t, s.Apply(t.Context(), changes...))
	for _, r := range records {
		holds(t, s, r)
	}
	require.Len(t, find(t, s, store.Query{Kind: "a", AllTenants: true, Subject: "u"}), 1)
	require.Len(t, find(t, s, store.Query{Kind: "a", AllTenants: true, Subject: "s"}), 3)
}

func applyOfNothing(t *testing.T, s store.Store) {
	require.NoError(t, s.Apply(t.Context()))
	require.NoError(t, s.Apply(t.Context(), []store.Change{}...))
}

func applyOfManyKinds(t *testing.T, s store.Store) {
	var records []*store.Record
	for n := range 200 {
		records = append(records, record(store.Kind([]string{"a", "b", "c_1", "select", "table"}[n%5]), id(n)))
	}
	create(t, s, records...)
	for _, r := range records {
		holds(t, s, r)
	}
	require.Len(t, find(t, s, store.Query{Kind: "select", Tenant: "acme"}), 40)
}

func applySetsVersions(t *testing.T, s store.Store) {
	a, b := record("a", id(1)), record("a", id(2))
	create(t, s, a, b)
	b.State = "touched"
	c := record("a", id(3))
	require.NoError(t, s.Apply(t.Context(), put(a), touch(b), put(c)))
	require.Equal(t, []int64{2, 2, 1}, []int64{a.Version, b.Version, c.Version})
	b.Version = 1
	require.ErrorIs(t, s.Apply(t.Context(), put(a), touch(b), put(c)), store.ErrConflict)
	require.Equal(t, []int64{2, 1, 1}, []int64{a.Version, b.Version, c.Version})
}

func recordsBelongToHolder(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Subjects, r.Due = []string{"one", "two"}, epoch
	want := *r
	want.Subjects, want.Body, want.Version = []string{"one", "two"}, bytes.Clone(r.Body), 1
	spoil := func(r *store.Record) {
		clear(r.Body)
		clear(r.Subjects)
	}
	create(t, s, r)
	spoil(r)
	holds(t, s, &want)
	got, err := s.Get(t.Context(), r.Key)
	require.NoError(t, err)
	spoil(&got)
	holds(t, s, &want)
	for found := range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme"}) {
		spoil(&found)
	}
	holds(t, s, &want)
	leased, err := s.Claim(t.Context(), "a", epoch, epoch.Add(1), 1)
	require.NoError(t, err)
	require.Len(t, leased, 1)
	spoil(&leased[0])
	want.Due, want.Version = epoch.Add(1), 2
	holds(t, s, &want)
	touched := want
	touched.Subjects = []string{"three"}
	require.NoError(t, s.Apply(t.Context(), touch(&touched)))
	clear(touched.Subjects)
	want.Subjects, want.Version = []string{"three"}, 3
	holds(t, s, &want)
}

func instantsNormalised(t *testing.T, s store.Store) {
	r := record("a", id(1))
	now := time.Now()
	r.Created, r.Due, r.Passive = now, now.In(time.FixedZone("odd", 3*3600+7)), now.Add(1)
	create(t, s, r)
	got, err := s.Get(t.Context(), r.Key)
	require.NoError(t, err)
	require.Equal(t, now.Round(0).UTC(), got.Created)
	require.Equal(t, now.Round(0).UTC(), got.Due)
	require.Equal(t, now.Round(0).UTC().Add(1), got.Passive)
	zero := record("a", id(2))
	zero.Due = time.Time{}.In(time.FixedZone("odd", 60))
	create(t, s, zero)
	got, err = s.Get(t.Context(), zero.Key)
	require.NoError(t, err)
	require.True(t, got.Due.IsZero())
}

func kindsAreApart(t *testing.T, s store.Store) {
	a, b := record("a", id(1)), record("b", id(1))
	b.Body, b.Due = []byte("b"), epoch
	create(t, s, a, b)
	holds(t, s, a)
	holds(t, s, b)
	require.Len(t, find(t, s, store.Query{Kind: "a", Tenant: "acme"}), 1)
	leased, err := s.Claim(t.Context(), "a", epoch, epoch.Add(1), 9)
	require.NoError(t, err)
	require.Empty(t, leased)
	require.NoError(t, s.Apply(t.Context(), erase(a)))
	holds(t, s, b)
}

func passiveByKey(t *testing.T, s store.Store) {
	r := record("a", id(1))
	r.Passive = epoch
	create(t, s, r)
	holds(t, s, r)
}

func kindsAreListed(t *testing.T, s store.Store) {
	lister, ok := s.(store.Lister)
	if !ok {
		return // it is optional
	}
	list := func() []store.Kind {
		kinds, err := lister.Kinds(t.Context())
		require.NoError(t, err)
		return kinds
	}
	require.Empty(t, list())
	// None of these makes a record.
	absent := record("ghost", id(1))
	require.NoError(t, s.Apply(t.Context(), check(absent)))
	absent.Version = 1
	require.ErrorIs(t, s.Apply(t.Context(), put(absent)), store.ErrConflict)
	_, err := s.Claim(t.Context(), "ghost", epoch, epoch.Add(1), 1)
	require.NoError(t, err)
	require.Empty(t, find(t, s, store.Query{Kind: "ghost"}))
	require.Empty(t, list())

	r := record("z", id(1))
	create(t, s, r, record("a_b", id(1)), record("a", id(1)))
	require.NoError(t, s.Apply(t.Context(), erase(r)))
	require.Equal(t, []store.Kind{"a", "a_b", "z"}, list())
}

func recordsAreCounted(t *testing.T, s store.Store) {
	counter, ok := s.(store.Counter)
	if !ok {
		return // it is optional
	}
	count := func(kind store.Kind) int64 {
		n, err := counter.Count(t.Context(), kind)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, count("a"))
	_, err := counter.Count(t.Context(), "NO KIND")
	require.ErrorIs(t, err, store.ErrInvalid)
	gone, passive := record("a", id(1)), record("a", id(2))
	other, nobodys := record("a", id(3)), record("a", id(4))
	passive.Passive, other.Tenant, nobodys.Tenant = epoch, "globex", ""
	create(t, s, gone, passive, other, nobodys, record("b", id(1)))
	require.EqualValues(t, 4, count("a"))
	require.NoError(t, s.Apply(t.Context(), erase(gone), put(other)))
	require.EqualValues(t, 3, count("a"))
	require.EqualValues(t, 1, count("b"))
	require.NoError(t, s.Apply(t.Context(), erase(passive), erase(other), erase(nobodys)))
	require.Zero(t, count("a"))
}

func compactKeeps(t *testing.T, s store.Store) {
	compacter, ok := s.(store.Compacter)
	if !ok {
		return // it is optional
	}
	_, err := compacter.Compact(t.Context())
	require.NoError(t, err)
	var records []*store.Record
	for n := range 300 {
		r := record("a", scattered(n))
		r.Body = bytes.Repeat([]byte{byte(n)}, 100*n)
		records = append(records, r)
	}
	create(t, s, records...)
	for _, r := range records[:200] {
		require.NoError(t, s.Apply(t.Context(), erase(r)))
	}
	freed, err := compacter.Compact(t.Context())
	require.NoError(t, err)
	require.Positive(t, freed)
	for _, r := range records[200:] {
		holds(t, s, r)
	}
	require.Len(t, find(t, s, store.Query{Kind: "a", Tenant: "acme"}), 100)
	// A loop may compact, too.
	for range s.Find(t.Context(), store.Query{Kind: "a", Tenant: "acme"}) {
		_, err := compacter.Compact(t.Context())
		require.NoError(t, err)
	}
}
