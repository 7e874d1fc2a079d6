package engine

import (
	"context"
	"errors"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// A table is a data store as it was saved.
type table struct {
	*repo.DataStore
	paths []*expr.Locator // at which an entry names people
}

// table returns the data store as it was within the last cacheTime.
func (d *dataStore) table(ctx context.Context) (table, error) {
	return d.tables.get(ctx, d.id, never, func(ctx context.Context) (table, error) {
		doc := &repo.DataStore{Envelope: repo.Envelope{ID: d.id, Tenant: d.tenant}}
		if err := d.repo.Get(ctx, doc); err != nil && !errors.Is(err, store.ErrNotFound) {
			return table{}, err
		}
		// a store that nobody made has no structure
		paths, err := parseSubjects("DataStoreOptions.Subjects", doc.People, false, nil)
		return table{doc, paths}, err
	})
}

// named returns the people whom an entry names.
func (d *dataStore) named(ctx context.Context, of table, key string, data connector.Bundle) ([]repo.Person, error) {
	if len(of.paths) == 0 && !of.KeyNames {
		return nil, nil
	}
	var named identifiers
	if of.KeyNames {
		if err := named.add(d.core, key); err != nil {
			return nil, err
		}
	}
	if err := named.addAll(d.core, of.paths, data); err != nil {
		return nil, err
	}
	return d.resolve(ctx, d.tenant, named.list)
}

// typed is an entry as the data structure of the store has it.
func (d *dataStore) typed(ctx context.Context, doc table, data connector.Bundle) (connector.Bundle, error) {
	if doc.Structure == "" {
		return data, nil
	}
	structure, err := d.structure(ctx, d.tenant, doc.Structure)
	if errors.Is(err, ErrNotFound) {
		return data, connector.Errorf(connector.InvalidConfigurationError,
			"the data structure %q of the data store is not there: save it with Engine.SaveStructure", doc.Structure)
	}
	if err != nil {
		return data, err
	}
	strict := *structure
	strict.Strict = strict.Strict || doc.Strict
	return strict.Convert(data, d.location)
}

// ofOnePerson says that an entry is under the keys of a person, and goes with that person.
func ofOnePerson(entry *repo.Entry) bool { return len(entry.Subjects) == 1 }
