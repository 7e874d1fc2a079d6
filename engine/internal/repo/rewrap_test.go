package repo_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// meddler is a store that does something before the first writes of sealed records.
type meddler struct {
	store.Store
	mu     sync.Mutex // several steps are written at once
	left   int
	before func(rec *store.Record)
}

func (m *meddler) Apply(ctx context.Context, changes ...store.Change) error {
	m.meddle(changes)
	return m.Store.Apply(ctx, changes...)
}

func (m *meddler) meddle(changes []store.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if put := changes[0].Put; put != nil && put.Version > 0 && m.left > 0 {
		m.left--
		for _, c := range changes {
			if c.Put != nil && c.Put.Version > 0 && c.Put.Kind != "rotation" {
				m.before(c.Put)
			}
		}
	}
}

// states fills a store with states of modules.
func states(t testing.TB, r *repo.Repo, count int) {
	t.Helper()
	for i := range count {
		state := repo.NewState(fmt.Sprint("tenant-", i%3), repo.ScenarioID("", "s"), i)
		state.Data, state.Created = []byte("data"), time.Now()
		require.NoError(t, r.Apply(t.Context(), r.Put(state)))
	}
}

func rewrapAll(t testing.TB, r *repo.Repo, kind store.Kind) (sum repo.Pass) {
	t.Helper()
	for step, err := range r.Rewrap(t.Context(), kind, "") {
		require.NoError(t, err)
		sum.Done, sum.Changed, sum.Broken = sum.Done+step.Done, sum.Changed+step.Changed, append(sum.Broken, step.Broken...)
	}
	return sum
}

// Who writes while a record is sealed anew wins: what he touched is looked at again, and what he sealed anew or deleted is let
// be.
func TestConcurrentWritersWin(t *testing.T) {
	t.Parallel()
	const count = 600
	records, keyring := memory.New(), crypto.NewKeyring()
	meddling := &meddler{Store: records, left: 5}
	now := func() time.Time { return time.Now() }
	r := repo.New(meddling, keyring, retention.Default(), now)
	states(t, r, count)
	direct := repo.New(records, keyring, retention.Default(), now)
	n, touched, sealed, deleted := 0, 0, 0, 0
	meddling.before = func(rec *store.Record) {
		got, err := records.Get(context.Background(), rec.Key)
		if err != nil || got.Version != 1 {
			return
		}
		change := store.Change{Touch: &got}
		switch n++; n % 10 {
		case 1:
			touched++
			got.State = "touched"
		case 2:
			sealed++
			state := repo.NewState(got.Tenant, got.Parent, 0)
			state.ID, state.Version, state.Created, state.Data = got.ID, got.Version, got.Created, []byte("newer")
			if err := direct.Apply(context.Background(), direct.Put(state)); err != nil {
				panic(err)
			}
			return
		case 3:
			deleted++
			change = store.Change{Delete: &got}
		default:
			return
		}
		if err := records.Apply(context.Background(), change); err != nil {
			panic(err)
		}
	}
	require.NoError(t, keyring.AddKey(t.Context()))
	sum := rewrapAll(t, r, "state")
	require.EqualValues(t, count, sum.Done)
	require.Positive(t, touched)
	require.Positive(t, sealed)
	require.Positive(t, deleted)
	require.EqualValues(t, count-sealed-deleted, sum.Changed)
	require.Empty(t, sum.Broken)
	keys, newer := map[[16]byte]int{}, 0
	for rec, err := range records.Find(t.Context(), store.Query{Kind: "state", AllTenants: true}) {
		require.NoError(t, err)
		key, err := crypto.KeyOf(rec.Body)
		require.NoError(t, err)
		keys[key]++
		state := repo.NewState(rec.Tenant, rec.Parent, 0)
		state.ID = rec.ID
		require.NoError(t, direct.Get(t.Context(), state))
		if string(state.Data) == "newer" {
			newer++
		}
		if rec.State == "touched" {
			touched--
		}
	}
	require.Len(t, keys, 1)
	require.Equal(t, sealed, newer)
	require.Zero(t, touched, "what was touched stays so")
	require.Zero(t, rewrapAll(t, r, "state").Changed, "nothing is written twice")
}

// index returns a vault whose index keys have versions.
func index(t testing.TB, records store.Store) *crypto.Hierarchy {
	t.Helper()
	keeper := crypto.NewKeyring()
	vault, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: keeper, Keys: repo.NewRings(records)})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, vault.Close())
		require.NoError(t, keeper.Close())
	})
	return vault
}

func through[P any](t testing.TB, all func(func(P, error) bool)) {
	t.Helper()
	for _, err := range all {
		require.NoError(t, err)
	}
}

func TestEntryMovesWithAllThatStandsBesideIt(t *testing.T) {
	t.Parallel()
	records := memory.New()
	vault := index(t, records)
	r := repo.New(records, vault, retention.Default(), time.Now)
	people := repo.DataStoreID("acme", "people")
	entry, err := r.Entry(t.Context(), "acme", people, "ada")
	require.ErrorIs(t, err, store.ErrNotFound)
	entry.Data, entry.Created, entry.State, entry.Subjects = []byte("data"), time.Now().UTC(), "state", []string{"one", "two"}
	require.NoError(t, r.Apply(t.Context(), r.PutEntry(entry)...))
	old, err := records.Get(t.Context(), store.Key{Kind: "entry", ID: entry.ID})
	require.NoError(t, err)
	old.Passive, old.Due = entry.Created.Add(time.Hour), entry.Created.Add(2*time.Hour)
	require.NoError(t, records.Apply(t.Context(), store.Change{Touch: &old}))

	through(t, vault.RotateIndex(t.Context(), repo.EntryField))
	through(t, vault.AdoptIndex(t.Context(), repo.EntryField))
	through(t, r.Move(t.Context(), repo.EntryKind, ""))
	_, err = records.Get(t.Context(), old.Key)
	require.ErrorIs(t, err, store.ErrNotFound)
	count := 0
	for rec, err := range records.Find(t.Context(), store.Query{Kind: "entry", AllTenants: true, Visibility: store.Everything}) {
		require.NoError(t, err)
		require.NotEqual(t, old.ID, rec.ID)
		rec.ID, rec.Version, rec.Body = old.ID, old.Version, old.Body
		require.Equal(t, old, rec)
		count++
	}
	require.Equal(t, 1, count)
}

// Two writers who are at different steps of a rotation do not make two entries of one key.
func TestKeyHasOneEntryWhateverTokensItsWritersUse(t *testing.T) {
	t.Parallel()
	records := memory.New()
	vault := index(t, records)
	r := repo.New(records, vault, retention.Default(), time.Now)
	people := repo.DataStoreID("acme", "people")
	fresh := func() *repo.Entry {
		entry, err := r.Entry(t.Context(), "acme", people, "ada")
		require.ErrorIs(t, err, store.ErrNotFound)
		entry.Created = time.Now()
		return entry
	}
	fresh()
	through(t, vault.RotateIndex(t.Context(), repo.EntryField))
	before := fresh()
	through(t, vault.AdoptIndex(t.Context(), repo.EntryField))
	after := fresh()
	require.NotEqual(t, before.ID, after.ID)
	require.NoError(t, r.Apply(t.Context(), r.PutEntry(before)...))
	require.ErrorIs(t, r.Apply(t.Context(), r.PutEntry(after)...), store.ErrConflict)
	found, err := r.Entry(t.Context(), "acme", people, "ada")
	require.NoError(t, err)
	require.Equal(t, before.ID, found.ID)
	require.NoError(t, r.Apply(t.Context(), r.Delete(found)))
	require.NoError(t, r.Apply(t.Context(), r.PutEntry(after)...))
	require.ErrorIs(t, r.Apply(t.Context(), r.PutEntry(before)...), store.ErrConflict)
}

// Two entries of one key cannot come from this package; should there be any, both stay and are reported.
func TestEntryWhosePlaceIsTakenIsReportedAndStays(t *testing.T) {
	t.Parallel()
	records := memory.New()
	vault := index(t, records)
	r := repo.New(records, vault, retention.Default(), time.Now)
	people := repo.DataStoreID("acme", "people")
	put := func(key string) string {
		entry, _ := r.Entry(t.Context(), "acme", people, key)
		entry.Created = time.Now()
		require.NoError(t, r.Apply(t.Context(), r.Put(entry)))
		return entry.ID
	}
	old := put("ada")
	put("bob")
	through(t, vault.RotateIndex(t.Context(), repo.EntryField))
	through(t, vault.AdoptIndex(t.Context(), repo.EntryField))
	rec, err := records.Get(t.Context(), store.Key{Kind: "entry", ID: old})
	require.NoError(t, err)
	require.NoError(t, records.Apply(t.Context(), store.Change{Delete: &rec}))
	put("ada")
	rec.Version = 0
	require.NoError(t, records.Apply(t.Context(), store.Change{Put: &rec}))
	var broken []repo.Broken
	changed := int64(0)
	for step, err := range r.Move(t.Context(), repo.EntryKind, "") {
		require.NoError(t, err)
		broken = append(broken, step.Broken...)
		changed += step.Changed
	}
	require.Len(t, broken, 1)
	require.Equal(t, old, broken[0].ID)
	require.ErrorIs(t, broken[0].Err, store.ErrConflict)
	require.EqualValues(t, 1, changed)
	list, err := r.Entries(t.Context(), "acme", people)
	require.NoError(t, err)
	require.Len(t, list.Entries, 3)
}

// Two entries of one key that both stand under tokens which count no more: one moves, the other is reported and stays.
func TestEntriesThatMoveToTheSamePlaceEndNoRotation(t *testing.T) {
	t.Parallel()
	records := memory.New()
	vault := index(t, records)
	r := repo.New(records, vault, retention.Default(), time.Now)
	people := repo.DataStoreID("acme", "people")
	put := func() store.Record {
		entry, _ := r.Entry(t.Context(), "acme", people, "ada")
		entry.Created = time.Now()
		require.NoError(t, r.Apply(t.Context(), r.Put(entry)))
		rec, err := records.Get(t.Context(), store.Key{Kind: "entry", ID: entry.ID})
		require.NoError(t, err)
		return rec
	}
	turn := func() {
		through(t, vault.RotateIndex(t.Context(), repo.EntryField))
		through(t, vault.AdoptIndex(t.Context(), repo.EntryField))
	}
	old := put()
	require.NoError(t, records.Apply(t.Context(), store.Change{Delete: &old}))
	turn()
	put()
	through(t, vault.TrimIndex(t.Context(), repo.EntryField, func(context.Context, string) (bool, error) { return false, nil }))
	old.Version = 0
	require.NoError(t, records.Apply(t.Context(), store.Change{Put: &old}))
	turn()
	var broken []repo.Broken
	for step, err := range r.Move(t.Context(), repo.EntryKind, "") {
		require.NoError(t, err)
		broken = append(broken, step.Broken...)
	}
	require.Len(t, broken, 1)
	require.ErrorIs(t, broken[0].Err, store.ErrConflict)
	found, err := r.Entry(t.Context(), "acme", people, "ada")
	require.NoError(t, err)
	require.NotEqual(t, old.ID, found.ID)
	list, err := r.Entries(t.Context(), "acme", people)
	require.NoError(t, err)
	require.Len(t, list.Entries, 2)
}

// The same key has other tokens in another tenant, before and after a rotation.
func TestTokensOfTenantsHaveNothingInCommon(t *testing.T) {
	t.Parallel()
	records := memory.New()
	vault := index(t, records)
	r := repo.New(records, vault, retention.Default(), time.Now)
	seen := map[string]bool{}
	for range 2 {
		for _, tenant := range []string{"acme", "zoo"} {
			entry, err := r.Entry(t.Context(), tenant, repo.DataStoreID("acme", "people"), "ada@example.com")
			require.ErrorIs(t, err, store.ErrNotFound)
			require.False(t, seen[entry.ID])
			seen[entry.ID] = true
		}
		through(t, vault.RotateIndex(t.Context(), repo.EntryField))
		through(t, vault.AdoptIndex(t.Context(), repo.EntryField))
	}
}
