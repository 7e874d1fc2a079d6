package repo

import (
	"context"
	"encoding/json"
	"errors"
	"iter"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// A DataStore is a table of entries. Its ID follows from its tenant and its name.
type DataStore struct {
	Envelope `json:"-"`

	Name string `json:"name"`
	// Structure names the data structure of its entries. Empty: none. Strict refuses what the structure does not have.
	Structure string `json:"structure,omitempty"`
	Strict    bool   `json:"strict,omitempty"`
	// People are the paths in an entry at which identifiers of people stand. KeyNames says that its key is one.
	People   []string `json:"subjects,omitempty"`
	KeyNames bool     `json:"subjectKey,omitempty"`
}

// DataStoreID returns the ID of a tenant's data store of this name.
func DataStoreID(tenant, name string) string { return NamedID(string(dataStoreKind), tenant, name) }

const dataStoreKind store.Kind = "datastore"

func (*DataStore) kind() store.Kind             { return dataStoreKind }
func (*DataStore) category() retention.Category { return retention.Scenario }
func (d *DataStore) encode() ([]byte, error)    { return json.Marshal(d) }
func (d *DataStore) decode(body []byte) error   { return json.Unmarshal(body, d) }

// DataStores yields a tenant's data stores, in no order that means anything.
func (r *Repo) DataStores(ctx context.Context, tenant string) iter.Seq2[*DataStore, error] {
	return typed[*DataStore](r.find(ctx, store.Query{Kind: dataStoreKind, Tenant: tenant}, func() Document { return new(DataStore) }))
}

// An Entry is one row of a data store, its Parent. Its ID follows from its key, but only for who has the vault's index
// key: whoever sees the store cannot guess keys and find them confirmed. While index keys are rotated, it may stand under the
// ID of an older one.
type Entry struct {
	Envelope

	Key string
	// Data is a bundle as the engine encodes it.
	Data []byte

	// places is what has to be so when the entry is created.
	places places
}

const entryKind store.Kind = "entry"

func (*Entry) kind() store.Kind             { return entryKind }
func (*Entry) category() retention.Category { return retention.DatastoreRecord }
func (e *Entry) encode() ([]byte, error)    { return pack([]byte(e.Key), e.Data), nil }

func (e *Entry) decode(body []byte) error {
	var key []byte
	err := unpack(body, &key, &e.Data)
	e.Key = string(key)
	return err
}

// Entry returns the entry that a key has in a data store. With store.ErrNotFound it returns one to be filled in and written
// with PutEntry. With ErrErased it does so, too: what cannot be read any more goes in the same write.
func (r *Repo) Entry(ctx context.Context, tenant, dataStore, key string) (*Entry, error) {
	ids, err := r.entryIDs(ctx, tenant, dataStore, key)
	if err != nil {
		return nil, err
	}
	doc, places, err := r.seek(ctx, ids, func(id string) Document {
		return &Entry{Envelope: Envelope{ID: id, Tenant: tenant, Parent: dataStore}, Key: key}
	})
	if places.first != nil {
		doc = places.first
	}
	entry := doc.(*Entry) //nolint:errcheck // it is what the function made
	entry.places = places
	return entry, err
}

// PutEntry writes an entry that Entry returned. A new one conflicts when its key has an entry by now, whatever its ID.
func (r *Repo) PutEntry(e *Entry) []Change {
	return append([]Change{r.Put(e)}, r.clear(e, e.places)...)
}

// DeleteErased removes what is left of the entry of a person who was erased: what Entry has returned ErrErased for. None: nothing is.
func (r *Repo) DeleteErased(e *Entry) []Change {
	var changes []Change
	for _, left := range append([]Document{e}, e.places.left...) {
		if len(left.envelope().Subjects) == 1 {
			changes = append(changes, r.Delete(left))
		}
	}
	return changes
}

// entryIDs returns the IDs that the entry of a key may have, the one that a new entry gets first.
func (r *Repo) entryIDs(ctx context.Context, tenant, dataStore, key string) ([]string, error) {
	at := crypto.Scope{Tenant: tenant, Category: string(retention.DatastoreRecord), Record: dataStore, Field: EntryField}
	ids, err := r.tokenIDs(ctx, at, key)
	if err != nil && !errors.Is(err, ErrNoBlinder) {
		err = blinding(err, "a key of data store "+dataStore)
	}
	return ids, err
}

// An EntryList is the envelopes of all entries of a data store, by ID.
type EntryList struct {
	Entries []*Entry
	// Corrupt is what the store says of entries that it cannot read.
	Corrupt []error

	moves int64
}

// Entries lists the entries of a data store. Each that is there all the time is there once, also when entries move to other
// IDs meanwhile: then it looks again.
func (r *Repo) Entries(ctx context.Context, tenant, dataStore string) (list EntryList, err error) {
	q := store.Query{Kind: entryKind, Tenant: tenant, Parent: dataStore, KeysOnly: true}
	for {
		if list.moves, _, err = r.moves(ctx); err != nil {
			return EntryList{}, err
		}
		list.Entries, list.Corrupt = list.Entries[:0], nil
		for entry, err := range typed[*Entry](r.find(ctx, q, func() Document { return new(Entry) })) {
			switch {
			case err == nil:
				list.Entries = append(list.Entries, entry)
			case errors.Is(err, store.ErrCorrupt):
				list.Corrupt = append(list.Corrupt, err)
			default:
				return EntryList{}, err
			}
		}
		if moved, err := r.Moved(ctx, list); err != nil || !moved {
			return list, err
		}
	}
}

// Moved says whether entries have moved to other IDs since they were listed.
func (r *Repo) Moved(ctx context.Context, list EntryList) (bool, error) {
	now, _, err := r.moves(ctx)
	return now != list.moves, err
}
