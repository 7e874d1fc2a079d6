package engine

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// All implements connector.DataStore. Entries come in the order in which they were added.
func (d *dataStore) All(ctx context.Context) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) {
		w := &walk{dataStore: d, yield: yield, seen: map[string]bool{}}
		for again := true; again; {
			list, err := d.repo.Entries(ctx, d.tenant, d.id)
			if err != nil {
				yield(connector.Entry{}, err)
				return
			}
			again = w.list(ctx, list)
		}
	}
}

// A walk is one loop over all entries of a data store.
type walk struct {
	*dataStore
	yield func(connector.Entry, error) bool
	begun bool // what is wrong with the list has been said

	// at is when the last entry was added that was dealt with, seen has the keys of those that were added then: what comes
	// again when the list is made anew.
	at   time.Time
	seen map[string]bool
}

// list goes through a list of entries from where the one before ended. It returns true when the loop goes on with a new one,
// because entries have moved meanwhile: their IDs follow from their keys and those of the vault.
func (w *walk) list(ctx context.Context, list repo.EntryList) (again bool) {
	if !w.begun {
		w.begun = true
		for _, err := range list.Corrupt {
			if !w.yield(connector.Entry{}, err) {
				return false
			}
		}
	}
	slices.SortFunc(list.Entries, func(a, b *repo.Entry) int { // IDs sort like nothing that means anything
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	for _, entry := range list.Entries {
		if entry.Created.Before(w.at) {
			continue
		}
		added := entry.Created
		err := w.repo.Get(ctx, entry)
		if errors.Is(err, store.ErrNotFound) {
			moved, err := w.repo.Moved(ctx, list)
			if err != nil {
				w.yield(connector.Entry{}, err)
				return false
			}
			if moved {
				return true
			}
			continue // deleted meanwhile
		}
		if errors.Is(err, ErrErased) {
			continue
		}
		if !added.Equal(w.at) {
			w.at = added
			clear(w.seen)
		}
		if err == nil && w.seen[entry.Key] {
			continue
		}
		w.seen[entry.Key] = true
		var data connector.Bundle
		if err == nil {
			data, _, err = connector.DecodeBundle(entry.Data)
		}
		if !w.yield(connector.Entry{Key: entry.Key, Data: data}, err) {
			return false
		}
	}
	return false
}
