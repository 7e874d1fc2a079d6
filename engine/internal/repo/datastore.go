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
// key: whoever sees the store cannot guess keys and find them confirmed.
type Entry struct {
	Envelope

	Key string
	// Data is a bundle as the engine encodes it.
	Data []byte
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

// NewEntry returns the entry that a key has in a data store: its envelope is filled in for Get, and for Put when there
// is no such entry yet.
func (r *Repo) NewEntry(ctx context.Context, tenant, dataStore, key string) (*Entry, error) {
	blinder, ok := r.vault.(crypto.Blinder)
	if !ok {
		return nil, ErrNoBlinder
	}
	token, err := blinder.Blind(ctx, crypto.Scope{
		Tenant: tenant, Category: string(retention.DatastoreRecord), Record: dataStore, Field: "key",
	}, []byte(key))
	if err != nil {
		return nil, fmt.Errorf("blind a key of data store %s: %w", dataStore, err)
	}
	return &Entry{
		Envelope: Envelope{ID: customID(token), Tenant: tenant, Parent: dataStore},
		Key:      key,
	}, nil
}

// Entries yields the entries of a data store. Without bodies it yields envelopes only.
func (r *Repo) Entries(ctx context.Context, tenant, dataStore string, bodies bool) iter.Seq2[*Entry, error] {
	q := store.Query{Kind: entryKind, Tenant: tenant, Parent: dataStore, KeysOnly: !bodies}
	return typed[*Entry](r.find(ctx, q, func() Document { return new(Entry) }))
}
