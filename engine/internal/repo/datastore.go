package repo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

	// others are the IDs under which the key must have no entry when this one is created.
	others []string
}

// ErrNoBlinder says that the vault cannot derive the tokens by which entries of data stores are found.
var ErrNoBlinder = errors.New("the vault is no crypto.Blinder, which data stores need")

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
// with PutEntry.
func (r *Repo) Entry(ctx context.Context, tenant, dataStore, key string) (*Entry, error) {
	ids, err := r.entryIDs(ctx, tenant, dataStore, key)
	if err != nil {
		return nil, err
	}
	at := func(i int) *Entry {
		return &Entry{Envelope: Envelope{ID: ids[i], Tenant: tenant, Parent: dataStore}, Key: key}
	}
	// Entries move from older IDs to the newest, so that is where to look last: one that moves meanwhile is not missed.
	place := 0
	var hidden int64
	for i := len(ids) - 1; i >= 0; i-- {
		entry := at(i)
		err = r.Get(ctx, entry)
		if !errors.Is(err, store.ErrNotFound) {
			return entry, err
		}
		if entry.Version != 0 { // one whose time is over, whose place is taken
			place, hidden = i, entry.Version
		}
	}
	entry := at(place)
	entry.Version = hidden
	for i, id := range ids {
		if i != place {
			entry.others = append(entry.others, id)
		}
	}
	return entry, err
}

// PutEntry writes an entry that Entry returned. A new one conflicts when its key has an entry by now, whatever its ID.
func (r *Repo) PutEntry(e *Entry) []Change {
	changes := []Change{r.Put(e)}
	for _, id := range e.others {
		absent := &store.Record{Key: store.Key{Kind: entryKind, ID: id}, Tenant: e.Tenant}
		changes = append(changes, Change{doc: e, change: func(context.Context) (store.Change, error) {
			return store.Change{Check: absent}, nil
		}})
	}
	return changes
}

// entryIDs returns the IDs that the entry of a key may have: the one that a new entry gets, then those that follow from other
// versions of the index key.
func (r *Repo) entryIDs(ctx context.Context, tenant, dataStore, key string) ([]string, error) {
	at := crypto.Scope{Tenant: tenant, Category: string(retention.DatastoreRecord), Record: dataStore, Field: EntryField}
	var tokens [][]byte
	var err error
	switch vault := r.vault.(type) {
	case crypto.Reblinder:
		tokens, err = vault.Blinds(ctx, at, []byte(key))
	case crypto.Blinder:
		tokens = make([][]byte, 1)
		tokens[0], err = vault.Blind(ctx, at, []byte(key))
	default:
		return nil, ErrNoBlinder
	}
	if err != nil {
		return nil, fmt.Errorf("blind a key of data store %s: %w", dataStore, err)
	}
	ids := make([]string, len(tokens))
	for i, token := range tokens {
		ids[i] = customID(token)
	}
	return ids, nil
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
