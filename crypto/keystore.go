package crypto

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"
)

var (
	// ErrNoRing says that a key store has no ring of this ID.
	ErrNoRing = errors.New("crypto: no such ring")
	// ErrRingConflict says that a ring is not in the version that was read: somebody else has written it.
	ErrRingConflict = errors.New("crypto: ring has changed")
)

// A StoredRing is the wrapped keys of one owner, as a [KeyStore] keeps them.
type StoredRing struct {
	// ID names the ring: a UUID in canonical form that does not tell whose keys they are.
	ID string
	// Tenant says whose data the keys are for.
	Tenant string
	// Run says that the keys are those of a run: they are deleted when the run has ended, and may be deleted with all else of
	// the run when it never ends.
	Run bool
	// Created is when the ring was first stored.
	Created time.Time
	// Version counts the writes, from 1. Zero: it is not stored yet.
	Version int64
	// Epoch is the lowest epoch of the keeper that any of the keys needs. Zero: it has no keys.
	Epoch uint32
	// Body is opaque. It holds no key in the clear.
	Body []byte
}

// A KeyStore keeps rings, usually in the same store as what they seal. Bodies are the store's to keep, not to read. Many
// goroutines may use it.
type KeyStore interface {
	// Ring returns a ring, ErrNoRing when there is none.
	Ring(ctx context.Context, id string) (StoredRing, error)
	// PutRing creates a ring whose Version is 0, or replaces the version that was read, and sets the new Version. It
	// returns ErrRingConflict when somebody else wrote meanwhile. When it returns nil, the ring is kept for good.
	PutRing(ctx context.Context, ring *StoredRing) error
	// DeleteRing removes the version that was read. ErrRingConflict as in PutRing; a ring that is not there is no error.
	DeleteRing(ctx context.Context, ring StoredRing) error
	// Rings yields all rings of all tenants in the order of their IDs, those that are written meanwhile or not. A loop may
	// write.
	Rings(ctx context.Context) iter.Seq2[StoredRing, error]
}

// NewKeyStore returns a key store in memory, for tests.
func NewKeyStore() KeyStore { return &memoryKeys{rings: map[string]StoredRing{}} }

type memoryKeys struct {
	mu    sync.Mutex
	rings map[string]StoredRing
}

// Ring implements KeyStore.
func (m *memoryKeys) Ring(ctx context.Context, id string) (StoredRing, error) {
	if err := ctx.Err(); err != nil {
		return StoredRing{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	ring, ok := m.rings[id]
	if !ok {
		return StoredRing{}, fmt.Errorf("%w: %s", ErrNoRing, id)
	}
	ring.Body = slices.Clone(ring.Body)
	return ring, nil
}

// PutRing implements KeyStore.
func (m *memoryKeys) PutRing(ctx context.Context, ring *StoredRing) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rings[ring.ID].Version != ring.Version {
		return fmt.Errorf("%w: %s", ErrRingConflict, ring.ID)
	}
	ring.Version++
	kept := *ring
	kept.Body = slices.Clone(ring.Body)
	m.rings[ring.ID] = kept
	return nil
}

// DeleteRing implements KeyStore.
func (m *memoryKeys) DeleteRing(ctx context.Context, ring StoredRing) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept, ok := m.rings[ring.ID]; ok && kept.Version != ring.Version {
		return fmt.Errorf("%w: %s", ErrRingConflict, ring.ID)
	}
	delete(m.rings, ring.ID)
	return nil
}

// Rings implements KeyStore.
func (m *memoryKeys) Rings(ctx context.Context) iter.Seq2[StoredRing, error] {
	return func(yield func(StoredRing, error) bool) {
		m.mu.Lock()
		ids := slices.Sorted(maps.Keys(m.rings))
		m.mu.Unlock()
		for _, id := range ids {
			ring, err := m.Ring(ctx, id)
			if errors.Is(err, ErrNoRing) {
				continue
			}
			if !yield(ring, err) || err != nil {
				return
			}
		}
	}
}

// CopyRings brings the rings of one key store to another, in place of those of the same ID there. A backup of records from
// before the present epoch opens with the rings of today, as long as nobody has trimmed the versions that it needs: copy
// those into it. What was destroyed since is destroyed there, too. Rings that only the other key store has stay. A backup that
// is newer than the last trim and older than the epoch needs it; never copy from the older key store to the newer: versions
// made since would be lost, and what was destroyed would come back. It may be stopped at any point and called again.
func CopyRings(ctx context.Context, from, to KeyStore) error {
	for ring, err := range from.Rings(ctx) {
		if err != nil {
			return fmt.Errorf("crypto: copy rings: %w", err)
		}
		for {
			there, err := to.Ring(ctx, ring.ID)
			if err != nil && !errors.Is(err, ErrNoRing) {
				return fmt.Errorf("crypto: copy ring %s: %w", ring.ID, err)
			}
			ring.Version = there.Version
			if err = to.PutRing(ctx, &ring); err == nil {
				break
			}
			if !errors.Is(err, ErrRingConflict) {
				return fmt.Errorf("crypto: copy ring %s: %w", ring.ID, err)
			}
		}
	}
	return nil
}
