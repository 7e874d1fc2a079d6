package connectortest

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/ebbkit/ebb/connector"
)

var _ connector.DataStore = (*DataStore)(nil)

const (
	maxKeyBytes  = 1024
	maxDataBytes = 15 << 20
)

// A DataStore is a data store in memory. It keeps entries encoded, so that nobody can change one by changing the bundle
// that went in or came out. Make one with [NewDataStore]. Many goroutines may use it.
type DataStore struct {
	// Structure is what entries are converted to before they are written. Set it before the first use. Default: none,
	// entries are as they come.
	Structure *connector.Structure

	mu      sync.Mutex
	entries map[string]*entry
	keys    []string // in the order in which they came; a key that was deleted stays until the next All
	version int64
}

type entry struct {
	data    []byte
	version int64
}

// NewDataStore returns an empty data store.
func NewDataStore() *DataStore { return &DataStore{entries: map[string]*entry{}} }

// Get returns false when there is no such entry.
func (s *DataStore) Get(ctx context.Context, key string) (connector.Bundle, bool, error) {
	if err := admit(ctx, key); err != nil {
		return connector.Bundle{}, false, err
	}
	data, _ := s.read(key)
	if data == nil {
		return connector.Bundle{}, false, nil
	}
	b, _, err := connector.DecodeBundle(data)
	return b, err == nil, err
}

// read returns the encoding and version of an entry, nil and 0 when there is none.
func (s *DataStore) read(key string) ([]byte, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[key]; e != nil {
		return e.data, e.version
	}
	return nil, 0
}

// Change reads an entry, lets change decide and writes what it returns. When somebody else wrote meanwhile, change is
// called again.
func (s *DataStore) Change(
	ctx context.Context, key string, change func(data connector.Bundle, ok bool) (connector.Bundle, error),
) error {
	for {
		if err := admit(ctx, key); err != nil {
			return err
		}
		old, version := s.read(key)
		var before connector.Bundle
		var err error
		if old != nil {
			if before, _, err = connector.DecodeBundle(old); err != nil {
				return err
			}
		}
		after, err := change(before, old != nil)
		if err != nil {
			return err
		}
		if s.Structure != nil {
			if after, err = s.Structure.Convert(after, nil); err != nil {
				return err
			}
		}
		data, err := connector.AppendBundle(nil, after)
		if err != nil {
			return err
		}
		if len(data) > maxDataBytes {
			return connector.Errorf(connector.MaxFileSizeExceededError,
				"an entry must not be larger than %d bytes", maxDataBytes)
		}
		if s.write(key, data, version) {
			return nil
		}
	}
}

// write puts an entry in place if it still has the version.
func (s *DataStore) write(key string, data []byte, version int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	switch {
	case e == nil && version != 0, e != nil && e.version != version:
		return false
	case e == nil:
		e = &entry{}
		s.entries[key] = e
		s.keys = append(s.keys, key)
	}
	s.version++
	e.data, e.version = data, s.version
	return true
}

// Delete says whether there was such an entry.
func (s *DataStore) Delete(ctx context.Context, key string) (bool, error) {
	if err := admit(ctx, key); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.entries[key]
	if ok {
		delete(s.entries, key)
		s.keys = slices.DeleteFunc(s.keys, func(k string) bool { return k == key })
	}
	return ok, nil
}

// DeleteAll says how many entries there were.
func (s *DataStore) DeleteAll(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	count := len(s.entries)
	clear(s.entries)
	s.keys = nil
	return int64(count), nil
}

// Count counts the entries.
func (s *DataStore) Count(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.entries)), nil
}

// All yields the entries in the order in which they were added. Entries that are added during the loop are not seen.
func (s *DataStore) All(ctx context.Context) iter.Seq2[connector.Entry, error] {
	return func(yield func(connector.Entry, error) bool) {
		s.mu.Lock()
		keys := slices.Clone(s.keys)
		s.mu.Unlock()
		for _, key := range keys {
			if err := ctx.Err(); err != nil {
				yield(connector.Entry{}, err)
				return
			}
			data, _ := s.read(key)
			if data == nil {
				continue
			}
			b, _, err := connector.DecodeBundle(data)
			if !yield(connector.Entry{Key: key, Data: b}, err) || err != nil {
				return
			}
		}
	}
}

func admit(ctx context.Context, key string) error {
	if len(key) == 0 || len(key) > maxKeyBytes {
		return connector.Errorf(connector.DataError, "the key of an entry must have 1 to %d bytes", maxKeyBytes)
	}
	return ctx.Err()
}
