// Package memory keeps records in memory, for tests and for tools that may forget.
//
// It is a whole [store.Store]: it has every promise of the contract but that of outliving the process. A change costs a
// few map and list operations; a search by parent, subject or tenant, a sweep by category and a claim look only at what
// they are after. Make one with [New].
package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ebbkit/ebb/store"
)

var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Counter = (*Store)(nil)
)

// A Store keeps records in memory. Any number of goroutines may use it at once. Make one with New.
type Store struct {
	mu     sync.RWMutex
	tables map[store.Kind]*table
	closed bool
}

// New returns an empty store. Closing it frees what it holds.
func New() *Store { return &Store{tables: map[store.Kind]*table{}} }

// usable returns why a call may not go on. The caller holds the lock.
func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return store.ErrClosed
	}
	return ctx.Err()
}

// Get returns the record with this key, active or passive; see [store.Store].
func (s *Store) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := key.Validate(); err != nil {
		return store.Record{}, err
	}
	r, err := s.get(ctx, key)
	if err != nil {
		return store.Record{}, err
	}
	return copied(r, true), nil
}

func (s *Store) get(ctx context.Context, key store.Key) (*store.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()

	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	if r := s.current(key); r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("%w: %s %s", store.ErrNotFound, key.Kind, key.ID)
}

// current returns the stored record, or nil. The caller holds the lock.
func (s *Store) current(key store.Key) *store.Record {
	if t := s.tables[key.Kind]; t != nil {
		if e := t.entries[key.ID]; e != nil {
			return e.record
		}
	}
	return nil
}

// Apply does all of the changes or none; see [store.Store].
func (s *Store) Apply(ctx context.Context, changes ...store.Change) error {
	if err := store.Validate(changes); err != nil {
		return err
	}
	// Copying bodies is the long part, so it happens before the lock is taken.
	next := make([]*store.Record, len(changes))
	for i, c := range changes {
		switch {
		case c.Put != nil:
			r := copied(c.Put, true)
			next[i] = &r
		case c.Touch != nil:
			r := copied(c.Touch, false)
			next[i] = &r
		}
	}
	if err := s.apply(ctx, changes, next); err != nil {
		return err
	}
	for i, c := range changes {
		switch {
		case c.Put != nil:
			c.Put.Version = next[i].Version
		case c.Touch != nil:
			c.Touch.Version = next[i].Version
		}
	}
	return nil
}

func (s *Store) apply(ctx context.Context, changes []store.Change, next []*store.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()

	if err := s.usable(ctx); err != nil {
		return err
	}
	before := make([]*store.Record, len(changes))
	for i, c := range changes {
		expected := recordOf(c)
		before[i] = s.current(expected.Key)
		if !fits(before[i], expected) {
			return fmt.Errorf("%w: %s %s", store.ErrConflict, expected.Kind, expected.ID)
		}
	}
	for i, c := range changes {
		switch {
		case c.Put != nil:
			next[i].Version++
			s.table(c.Put.Kind).set(before[i], next[i])
		case c.Touch != nil:
			next[i].Version++
			next[i].Body = before[i].Body
			s.table(c.Touch.Kind).set(before[i], next[i])
		case c.Delete != nil:
			s.table(c.Delete.Kind).set(before[i], nil)
		}
	}
	return nil
}

// fits reports whether the stored record, nil for none, is the one that a change expects.
func fits(stored, expected *store.Record) bool {
	if stored == nil {
		return expected.Version == 0
	}
	return stored.Version == expected.Version && stored.Tenant == expected.Tenant
}

func recordOf(c store.Change) *store.Record {
	switch {
	case c.Put != nil:
		return c.Put
	case c.Touch != nil:
		return c.Touch
	case c.Delete != nil:
		return c.Delete
	default:
		return c.Check
	}
}

// table returns the kind's table and makes one when there is none. The caller holds the lock for writing.
func (s *Store) table(kind store.Kind) *table {
	t := s.tables[kind]
	if t == nil {
		t = newTable()
		s.tables[kind] = t
	}
	return t
}

// Claim leases what is due; see [store.Store]. Among records of the same Due the lowest ID comes first.
func (s *Store) Claim(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
	if err := store.ValidateClaim(kind, now, until, limit); err != nil {
		return nil, err
	}
	leased, err := s.claim(ctx, kind, now, until, limit)
	if err != nil {
		return nil, err
	}
	var records []store.Record
	for _, r := range leased {
		records = append(records, copied(r, true))
	}
	return records, nil
}

func (s *Store) claim(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]*store.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	t := s.tables[kind]
	if t == nil {
		return nil, nil
	}
	var leased []*store.Record
	for _, e := range t.claimable(now, limit) {
		before := e.record
		after := *before
		after.Due = instant(until)
		after.Version++
		t.set(before, &after)
		leased = append(leased, &after)
	}
	return leased, nil
}

// Kinds returns every kind that ever had a record, sorted.
func (s *Store) Kinds(ctx context.Context) ([]store.Kind, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()

	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	kinds := make([]store.Kind, 0, len(s.tables))
	for k := range s.tables {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	return kinds, nil
}

// Count returns how many records of a kind there are.
func (s *Store) Count(ctx context.Context, kind store.Kind) (int64, error) {
	if err := kind.Validate(); err != nil {
		return 0, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()

	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	t := s.tables[kind]
	if t == nil {
		return 0, nil
	}
	return int64(len(t.entries)), nil
}

// Close frees what the store holds. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.closed = true
	s.tables = nil
	return nil
}

// copied returns a record that shares no memory with r that either side may change.
func copied(r *store.Record, body bool) store.Record {
	c := *r
	c.Subjects = slices.Clone(r.Subjects)
	c.Created, c.Due, c.Passive = instant(r.Created), instant(r.Due), instant(r.Passive)
	c.Body = nil
	if body {
		c.Body = bytes.Clone(r.Body)
	}
	return c
}

// instant strips what a store does not keep of a time.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Unix(0, t.UnixNano()).UTC()
}
