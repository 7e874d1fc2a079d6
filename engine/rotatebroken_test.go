package engine_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// one returns a record of a kind of a tenant.
func (s *safe) one(t testing.TB, kind store.Kind, tenant string) store.Record {
	t.Helper()
	for rec, err := range s.records.Find(t.Context(), store.Query{Kind: kind, Tenant: tenant, Visibility: store.Everything}) {
		require.NoError(t, err)
		return rec
	}
	require.Fail(t, "no record")
	return store.Record{}
}

// spoil changes a body behind everybody's back.
func (s *safe) spoil(t testing.TB, rec store.Record, at int) store.Record {
	t.Helper()
	rec.Body[(at+len(rec.Body))%len(rec.Body)] ^= 1
	require.NoError(t, s.records.Apply(t.Context(), store.Change{Put: &rec}))
	return rec
}

// failures sorts what was reported by record, and returns the rest.
func failures(all iter.Seq2[engine.RotateProgress, error]) (records map[store.Key]*engine.RecordError, rest []error, last engine.RotateProgress) {
	records = map[store.Key]*engine.RecordError{}
	for p, err := range all {
		last = p
		var broken *engine.RecordError
		switch {
		case errors.As(err, &broken):
			records[store.Key{Kind: store.Kind(broken.Kind), ID: broken.ID}] = broken
		case err != nil:
			rest = append(rest, err)
		}
	}
	return records, rest, last
}

func TestRecordThatDoesNotOpenIsReportedAndKeepsItsKey(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	s.fill(t, s.engine(t), tenants...)
	spoiled := s.spoil(t, s.one(t, "connection", "acme"), -1)
	key, err := crypto.KeyOf(spoiled.Body)
	require.NoError(t, err)
	zoo, err := crypto.KeyOf(s.one(t, "connection", "zoo").Body)
	require.NoError(t, err)
	foreign := s.one(t, "structure", "acme") // under a key that nobody has
	stranger := crypto.NewKeyring()
	foreign.Body, err = stranger.Seal(t.Context(), crypto.Scope{Tenant: "acme"}, []byte("text"))
	require.NoError(t, err)
	require.NoError(t, s.records.Apply(t.Context(), store.Change{Put: &foreign}))
	none := s.one(t, "activity", "acme") // no envelope
	none.Body = []byte("text")
	require.NoError(t, s.records.Apply(t.Context(), store.Change{Put: &none}))

	for range 2 { // a second rotation finds the same
		records, rest, last := failures(s.engine(t).Rotate(t.Context(), engine.RotateOptions{Index: true}))
		require.True(t, last.Finished)
		require.EqualValues(t, 3, last.Failed)
		require.Len(t, records, 3)
		require.Equal(t, "connection", records[spoiled.Key].Kind)
		require.Equal(t, "acme", records[spoiled.Key].Tenant)
		require.ErrorIs(t, records[spoiled.Key], crypto.ErrScope)
		require.ErrorIs(t, records[foreign.Key], crypto.ErrNoKey)
		require.ErrorIs(t, records[none.Key], crypto.ErrMalformed)
		require.Len(t, rest, 1, "one owner keeps its keys")
		require.ErrorIs(t, rest[0], crypto.ErrKeyInUse)
		require.ErrorContains(t, rest[0], "version 1")
		for _, rec := range []store.Record{spoiled, foreign, none} {
			now, err := s.records.Get(t.Context(), rec.Key)
			require.NoError(t, err)
			require.Equal(t, rec, now, "nothing of it is touched")
		}
	}
	under := s.underWithout(t, none.Key)
	require.Equal(t, 1, under[key], "only what does not open is under the old key")
	require.Zero(t, under[zoo])

	// What made it not open is put right.
	s.spoil(t, spoiled, -1)
	require.NoError(t, s.records.Apply(t.Context(), store.Change{Delete: &none}, store.Change{Delete: &foreign}))
	last, err := rotate(t, s.engine(t).Rotate(t.Context(), engine.RotateOptions{}))
	require.NoError(t, err)
	require.True(t, last.Finished)
	require.Zero(t, s.under(t)[key])
	opens(t, s.engine(t))
}

// underWithout is under, for a store with a record that is no envelope.
func (s *safe) underWithout(t testing.TB, none store.Key) map[[16]byte]int {
	t.Helper()
	keys := map[[16]byte]int{}
	for _, rec := range s.all(t) {
		key, err := crypto.KeyOf(rec.Body)
		if rec.Key == none {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		keys[key]++
	}
	return keys
}

func TestCheckKeysListsWhatDoesNotOpenAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	e := s.engine(t)
	s.fill(t, e, tenants...)
	moved := s.one(t, "connection", "zoo") // sealed elsewhere
	moved.Body = s.one(t, "connection", "acme").Body
	require.NoError(t, s.records.Apply(t.Context(), store.Change{Put: &moved}))
	cut := s.one(t, "entry", "zoo")
	cut.Body = cut.Body[:40]
	require.NoError(t, s.records.Apply(t.Context(), store.Change{Put: &cut}))
	newer := s.one(t, "execution", "zoo")
	newer.Body[0] = 9
	require.NoError(t, s.records.Apply(t.Context(), store.Change{Put: &newer}))
	note := store.Record{Key: store.Key{Kind: "note", ID: moved.ID}, Created: moved.Created, Body: []byte("of somebody else's")}
	require.NoError(t, s.records.Apply(t.Context(), store.Change{Put: &note}))
	shredded, err := s.vault(t, s.records).Shred(t.Context(), crypto.Scope{Tenant: "acme"})
	require.NoError(t, err)
	require.NotEmpty(t, shredded.Ring)
	before := s.snapshot(t)

	records, rest, last := failures(s.engine(t).CheckKeys(t.Context()))
	require.Empty(t, rest)
	require.True(t, last.Finished)
	require.Equal(t, engine.PhaseCheck, last.Phase)
	require.Equal(t, last.Total, last.Done)
	require.Zero(t, last.Changed)
	require.EqualValues(t, len(records), last.Failed)
	require.EqualValues(t, len(records)-3, last.Shredded)
	require.ErrorIs(t, records[moved.Key], crypto.ErrScope)
	require.ErrorIs(t, records[cut.Key], crypto.ErrMalformed)
	require.ErrorIs(t, records[newer.Key], crypto.ErrNewer)
	for _, rec := range s.all(t) {
		if rec.Tenant == "acme" {
			require.ErrorIs(t, records[rec.Key], crypto.ErrShredded)
			delete(records, rec.Key)
		}
	}
	require.Len(t, records, 3)
	require.Equal(t, before, s.snapshot(t))
}

// What was destroyed on purpose is counted in a rotation and reported in none, however often keys are rotated; CheckKeys goes on
// listing it. It holds up nothing of the others, and nothing of its own index keys.
func TestRotationCountsWhatWasShredded(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	e := s.engine(t)
	s.fill(t, e, tenants...)
	_, err := e.Vault().(crypto.Shredder).Shred(t.Context(), crypto.Scope{Tenant: "acme"})
	require.NoError(t, err)
	gone := int64(0)
	for _, rec := range s.all(t) {
		if rec.Tenant == "acme" {
			gone++
		}
	}
	require.Greater(t, gone, int64(5))
	before := s.under(t)
	for range 2 {
		last, err := rotate(t, s.engine(t).Rotate(t.Context(), engine.RotateOptions{Emergency: true, RevokeHooks: true}))
		require.NoError(t, err, "none is reported")
		require.True(t, last.Finished)
		require.Equal(t, gone, last.Shredded)
		require.Zero(t, last.Failed)
		listed, rest, checked := failures(s.engine(t).CheckKeys(t.Context()))
		require.Empty(t, rest)
		require.Len(t, listed, int(gone))
		require.Equal(t, gone, checked.Shredded)
		require.Equal(t, gone, checked.Failed)
	}
	for _, rec := range s.all(t) {
		if rec.Tenant != "acme" {
			key, err := crypto.KeyOf(rec.Body)
			require.NoError(t, err)
			require.NotContains(t, before, key)
		}
	}
	for _, ring := range records(t, s.records, "key") {
		if ring.Body[1] == 1 { // no tombstone
			require.EqualValues(t, 1, binary.BigEndian.Uint16(ring.Body[15:]), "versions of ring %s", ring.ID)
		}
	}
}

// snapshot returns all records, those of keys included.
func (s *safe) snapshot(t testing.TB) map[store.Key]store.Record {
	t.Helper()
	all := map[store.Key]store.Record{}
	kinds, err := s.records.(store.Lister).Kinds(t.Context())
	require.NoError(t, err)
	for _, kind := range kinds {
		for rec, err := range s.records.Find(t.Context(), store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
			require.NoError(t, err)
			all[rec.Key] = rec
		}
	}
	return all
}

// moth is a store of which one record cannot be read.
type moth struct {
	store.Store
	key store.Key
}

func (m *moth) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		for rec, err := range m.Store.Find(ctx, q) {
			if rec.Key == m.key {
				rec, err = store.Record{Key: m.key}, store.ErrCorrupt
			}
			if !yield(rec, err) {
				return
			}
		}
	}
}

// A record that the store cannot read may be under any key, so none is taken away. The store does not know its kinds.
func TestRecordThatCannotBeReadKeepsAllKeys(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	s.fill(t, s.engine(t), tenants...)
	before := s.snapshot(t)
	gone := s.one(t, "execution", "zoo")
	eaten := &moth{s.records, gone.Key}
	vault := s.vault(t, eaten)
	e := start(t, engine.Config{Store: eaten, Vault: vault, Connectors: []connector.Connector{bank{}}})
	records, rest, last := failures(e.Rotate(t.Context(), engine.RotateOptions{}))
	require.True(t, last.Finished)
	require.ErrorIs(t, records[gone.Key], store.ErrCorrupt)
	require.Len(t, rest, 1)
	require.ErrorIs(t, rest[0], crypto.ErrKeyInUse)
	for key, rec := range s.snapshot(t) {
		if key.Kind != "key" && key.Kind != "rotation" {
			require.Equal(t, key == gone.Key, rec.Version == before[key].Version)
		}
	}
	opens(t, s.engine(t)) // the disk was mended
}

// memoryOf copies a store.
func memoryOf(t testing.TB, records map[store.Key]store.Record) store.Store {
	t.Helper()
	copied := memory.New()
	for _, rec := range records {
		rec.Version = 0
		require.NoError(t, copied.Apply(t.Context(), store.Change{Put: &rec}))
	}
	return copied
}

// An entry that cannot be opened cannot be moved. Until that is put right, the index key that leads to it stays.
func TestEntryThatDoesNotOpenKeepsItsIndexKey(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	s.fill(t, s.engine(t), tenants...)
	spoiled := s.spoil(t, s.one(t, "entry", "zoo"), -1)
	records, rest, last := failures(s.engine(t).Rotate(t.Context(), engine.RotateOptions{Index: true}))
	require.True(t, last.Finished)
	require.Len(t, records, 1)
	require.Contains(t, records, spoiled.Key)
	require.Len(t, rest, 2, "the key that seals, and the index key")
	for _, err := range rest {
		require.ErrorIs(t, err, crypto.ErrKeyInUse)
	}
	e := s.engine(t)
	require.Len(t, people(t, e, "acme"), 5)
	entries, err := e.For("zoo").DataStore(t.Context(), "people")
	require.NoError(t, err)
	wrong := 0
	for i := range 5 {
		_, ok, err := entries.Get(t.Context(), fmt.Sprintf("person-%d@example.com", i))
		if errors.Is(err, crypto.ErrScope) {
			wrong++
			continue
		}
		require.NoError(t, err)
		require.True(t, ok)
	}
	require.Equal(t, 1, wrong, "it is found, and does not open")
	s.spoil(t, spoiled, -1)
	_, err = rotate(t, s.engine(t).Rotate(t.Context(), engine.RotateOptions{Index: true}))
	require.NoError(t, err)
	require.Len(t, people(t, s.engine(t), "zoo"), 5)
	_, err = s.records.Get(t.Context(), spoiled.Key)
	require.Error(t, err, "it has moved")
}
