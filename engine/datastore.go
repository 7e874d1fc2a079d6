package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// Limits of data stores.
const (
	// MaxKeyBytes is the longest key of an entry.
	MaxKeyBytes = 1024
	// MaxEntryBytes is how large an entry may be at most, as in Make (https://help.make.com/data-stores). A host can set a
	// lower limit, see Config.
	MaxEntryBytes = 15 << 20
)

// DataStoreOptions say what a data store takes.
type DataStoreOptions struct {
	// Structure names the data structure of its entries: what is written is converted to it, and refused with a
	// BundleValidationError when it does not fit. Default: none, entries are as they come.
	Structure string
	// Strict refuses fields that the structure does not have, whether the structure itself is strict or not.
	Strict bool
	// Subjects says where texts and numbers stand in an entry that name people: paths as in DeployOptions.Subjects, but without
	// a module, "email" or "orders[].buyer". An entry that names one person is sealed under that person's keys; when the person
	// is erased, it reads as if it were not there. What names a person who was erased is refused with a DataError that wraps
	// ErrErased. Also an execution that has read such an entry by its key, or has written it, is about these people, and one that was
	// refused keeps no trace; for what a search gives, name the module's output in DeployOptions.Subjects. What is wrong with a path
	// is a *SubjectError. Default: none.
	Subjects []string
	// SubjectKey says that the key of an entry names a person, too.
	SubjectKey bool
}

// SaveDataStore makes a data store, or gives it other options. They hold at once in this process, and after a second in
// others; entries that are there stay as they are until they are written again.
func (e *Engine) SaveDataStore(ctx context.Context, name string, options DataStoreOptions) error {
	if err := e.open(); err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("%w: the data store has no name", ErrInvalid)
	}
	if options.Strict && options.Structure == "" {
		return fmt.Errorf("save data store %q: %w: DataStoreOptions.Strict needs a Structure", name, ErrInvalid)
	}
	if options.Structure != "" {
		if _, err := e.structure(ctx, e.tenant, options.Structure); err != nil {
			return fmt.Errorf("save data store %q: %w", name, err)
		}
	}
	if _, err := parseSubjects("DataStoreOptions.Subjects", options.Subjects, false, nil); err != nil {
		return fmt.Errorf("save data store %q: %w", name, err)
	}
	id := repo.DataStoreID(e.tenant, name)
	for {
		doc := &repo.DataStore{Envelope: repo.Envelope{ID: id, Tenant: e.tenant}}
		if err := e.repo.Get(ctx, doc); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("save data store %q: %w", name, err)
		}
		if doc.Created.IsZero() {
			doc.Created = e.now()
		}
		doc.Name, doc.Structure, doc.Strict = name, options.Structure, options.Strict
		doc.People, doc.KeyNames = options.Subjects, options.SubjectKey
		err := e.repo.Apply(ctx, e.repo.Put(doc))
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		e.tables.forget(id)
		if err != nil {
			return fmt.Errorf("save data store %q: %w", name, err)
		}
		return nil
	}
}

// DataStoreOptions returns the options of one of the tenant's data stores.
func (e *Engine) DataStoreOptions(ctx context.Context, name string) (DataStoreOptions, error) {
	doc := &repo.DataStore{Envelope: repo.Envelope{ID: repo.DataStoreID(e.tenant, name), Tenant: e.tenant}}
	if err := e.repo.Get(ctx, doc); err != nil {
		return DataStoreOptions{}, notFound(err, "data store", name)
	}
	return DataStoreOptions{Structure: doc.Structure, Strict: doc.Strict, Subjects: doc.People, SubjectKey: doc.KeyNames}, nil
}

// DataStore opens one of the tenant's data stores, and makes it when it is not there yet. What is written through it is
// checked like what scenarios write. Many goroutines may use it.
func (e *Engine) DataStore(ctx context.Context, name string) (connector.DataStore, error) {
	if err := e.open(); err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fmt.Errorf("%w: the data store has no name", ErrInvalid)
	}
	change, err := e.dataStoreChange(ctx, name)
	if err == nil && change != nil {
		err = e.repo.Apply(ctx, *change)
	}
	if err != nil && !errors.Is(err, store.ErrConflict) { // in a conflict somebody else has just made it
		return nil, fmt.Errorf("data store %q: %w", name, err)
	}
	return e.dataStore(e.tenant, name), nil
}

// DataStores yields the names of the tenant's data stores.
func (e *Engine) DataStores(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for doc, err := range e.repo.DataStores(ctx, e.tenant) {
			if !yield(doc.Name, err) {
				return
			}
		}
	}
}

// dataStoreChange is what makes a data store that is not there yet; nil when it is.
func (e *Engine) dataStoreChange(ctx context.Context, name string) (*repo.Change, error) {
	doc := &repo.DataStore{Envelope: repo.Envelope{ID: repo.DataStoreID(e.tenant, name), Tenant: e.tenant}, Name: name}
	err := e.repo.Get(ctx, doc)
	if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	doc.Created = e.now()
	change := e.repo.Put(doc)
	return &change, nil
}

// dataStoreChanges are what makes the data stores that a blueprint names and that are not there yet.
func (e *Engine) dataStoreChanges(ctx context.Context, bp *blueprint.Blueprint, names map[string]string) ([]repo.Change, error) {
	var changes []repo.Change
	seen := map[string]bool{}
	for _, m := range bp.All() {
		value, ok := m.Parameters.Get("datastore")
		if !ok || m.App() != "datastore" {
			continue
		}
		normal, err := connector.Normalize(value)
		if err != nil {
			continue // Check has reported it
		}
		name := mapped(label(normal), names)
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		change, err := e.dataStoreChange(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("data store %q: %w", name, err)
		}
		if change != nil {
			changes = append(changes, *change)
		}
	}
	return changes, nil
}

func (c *core) dataStore(tenant, name string) *dataStore {
	return &dataStore{core: c, tenant: tenant, id: repo.DataStoreID(tenant, name), location: c.cfg.Location}
}

// dataStore is one data store, seen by modules and by the host.
type dataStore struct {
	*core
	tenant, id string
	location   *time.Location // of dates without a zone
	// speakOf hears whom entries name that are read by key, and those that are written. Nil: nobody is to know.
	speakOf func(people []repo.Person, met []string, untold error)
}

var _ connector.DataStore = (*dataStore)(nil)

// entry returns the entry of a key, with its data when it exists. One of a person who was erased does not, but has a place that
// can be taken.
func (d *dataStore) entry(ctx context.Context, key string) (*repo.Entry, connector.Bundle, bool, error) {
	if key == "" || len(key) > MaxKeyBytes {
		return nil, connector.Bundle{}, false, connector.Errorf(connector.DataError, "a key has 1 to %d bytes, this one %d", MaxKeyBytes, len(key))
	}
	entry, err := d.repo.Entry(ctx, d.tenant, d.id, key)
	switch {
	case errors.Is(err, store.ErrNotFound), errors.Is(err, ErrErased):
		return entry, connector.Bundle{}, false, nil
	case err != nil:
		return nil, connector.Bundle{}, false, err
	}
	data, _, err := connector.DecodeBundle(entry.Data)
	return entry, data, true, err
}

// met says that a module has met the people of an entry.
func (d *dataStore) met(entry *repo.Entry) {
	if d.speakOf != nil {
		d.speakOf(nil, entry.Subjects, nil)
	}
}

// Get implements connector.DataStore.
func (d *dataStore) Get(ctx context.Context, key string) (connector.Bundle, bool, error) {
	entry, data, ok, err := d.entry(ctx, key)
	if ok {
		d.met(entry)
	}
	return data, ok, err
}

// Change implements connector.DataStore. The people of the entry are those that it names afterwards: a module that writes over
// another person's entry has nothing of that person.
func (d *dataStore) Change(ctx context.Context, key string, change func(connector.Bundle, bool) (connector.Bundle, error)) error {
	for {
		entry, data, ok, err := d.entry(ctx, key)
		if err != nil {
			return err
		}
		if data, err = change(data, ok); err != nil {
			return err
		}
		table, err := d.table(ctx)
		if err != nil {
			return err
		}
		if data, err = d.typed(ctx, table, data); err != nil {
			return err
		}
		if entry.Data, err = connector.AppendBundle(nil, data); err != nil {
			return err
		}
		if int64(len(entry.Data)) > d.cfg.MaxEntryBytes {
			return connector.Errorf(connector.MaxFileSizeExceededError, "an entry has at most %d bytes, this one %d", d.cfg.MaxEntryBytes, len(entry.Data))
		}
		if !ok {
			entry.Created = d.stamp()
		}
		people, err := d.named(ctx, table, key, data)
		if err != nil {
			return asDataError(err)
		}
		entry.Subjects = subjectsOf(people)
		err = d.repo.Apply(ctx, append(d.repo.PutEntry(entry), d.repo.Present(people...)...)...)
		if err == nil && d.speakOf != nil {
			d.speakOf(people, nil, nil)
		}
		if !errors.Is(err, store.ErrConflict) {
			return asDataError(err)
		}
		d.people.forget(d.tenant, people) // it may be for their sake
	}
}

// Delete implements connector.DataStore.
func (d *dataStore) Delete(ctx context.Context, key string) (bool, error) {
	for {
		entry, _, ok, err := d.entry(ctx, key)
		if err != nil {
			return false, err
		}
		changes := []repo.Change{d.repo.Delete(entry)}
		if ok {
			d.met(entry)
		} else {
			changes = d.repo.DeleteErased(entry)
		}
		if len(changes) == 0 {
			return false, nil
		}
		err = d.repo.Apply(ctx, changes...)
		if !errors.Is(err, store.ErrConflict) {
			return ok && err == nil, err
		}
	}
}

// deleteBatch is how many entries DeleteAll removes in one step.
const deleteBatch = 256

// DeleteAll implements connector.DataStore. What others add meanwhile may stay.
func (d *dataStore) DeleteAll(ctx context.Context) (int64, error) {
	var deleted int64
	var batch []repo.Change
	flush := func() error {
		err := d.repo.Apply(ctx, batch...)
		if err == nil {
			deleted += int64(len(batch))
			batch = batch[:0]
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		for _, change := range batch { // somebody changed one of them: leave that one to the next round
			switch err := d.repo.Apply(ctx, change); {
			case err == nil:
				deleted++
			case !errors.Is(err, store.ErrConflict):
				return err
			}
		}
		batch = batch[:0]
		return nil
	}
	for {
		before := deleted
		list, err := d.list(ctx)
		if err != nil {
			return deleted, err
		}
		for _, entry := range list {
			if batch = append(batch, d.repo.Delete(entry)); len(batch) == deleteBatch {
				if err := flush(); err != nil {
					return deleted, err
				}
			}
		}
		if err := flush(); err != nil {
			return deleted, err
		}
		if deleted == before {
			return deleted, nil
		}
	}
}

// Count implements connector.DataStore.
func (d *dataStore) Count(ctx context.Context) (int64, error) {
	list, err := d.list(ctx)
	if err != nil || !slices.ContainsFunc(list, ofOnePerson) {
		return int64(len(list)), err
	}
	living, err := d.repo.LivingSubjects(ctx, d.tenant)
	if err != nil {
		return 0, err
	}
	list = slices.DeleteFunc(list, func(entry *repo.Entry) bool {
		if !ofOnePerson(entry) {
			return false
		}
		_, lives := living[entry.Subjects[0]]
		return !lives
	})
	return int64(len(list)), nil
}

// list returns the envelopes of all entries.
func (d *dataStore) list(ctx context.Context) ([]*repo.Entry, error) {
	list, err := d.repo.Entries(ctx, d.tenant, d.id)
	if err == nil && len(list.Corrupt) > 0 {
		err = list.Corrupt[0]
	}
	return list.Entries, err
}
