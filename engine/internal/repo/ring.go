package repo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

// Rings keeps the wrapped keys of a crypto.Hierarchy as records of their own kind, in the same store as what they seal. They
// are not sealed: whoever reads them has wrapped keys and nothing to unwrap them with. Tenants are valid UTF-8, as
// everywhere in a store. Any number of goroutines may use it.
type Rings struct{ store store.Store }

var _ crypto.KeyStore = (*Rings)(nil)

// NewRings returns the key store in a store.
func NewRings(s store.Store) *Rings { return &Rings{s} }

const ringKind store.Kind = "key"

// Ring implements crypto.KeyStore.
func (r *Rings) Ring(ctx context.Context, id string) (crypto.StoredRing, error) {
	rec, err := r.store.Get(ctx, store.Key{Kind: ringKind, ID: id})
	if errors.Is(err, store.ErrNotFound) {
		return crypto.StoredRing{}, fmt.Errorf("%w: %s", crypto.ErrNoRing, id)
	}
	return storedRing(rec), err
}

// PutRing implements crypto.KeyStore.
func (r *Rings) PutRing(ctx context.Context, ring *crypto.StoredRing) error {
	rec := ringRecord(*ring)
	if err := r.store.Apply(ctx, store.Change{Put: rec}); err != nil {
		return ringConflict(err, ring.ID)
	}
	ring.Version = rec.Version
	return nil
}

// DeleteRing implements crypto.KeyStore.
func (r *Rings) DeleteRing(ctx context.Context, ring crypto.StoredRing) error {
	err := r.store.Apply(ctx, store.Change{Delete: ringRecord(ring)})
	if errors.Is(err, store.ErrConflict) {
		if _, gone := r.store.Get(ctx, store.Key{Kind: ringKind, ID: ring.ID}); errors.Is(gone, store.ErrNotFound) {
			return nil
		}
	}
	return ringConflict(err, ring.ID)
}

// Rings implements crypto.KeyStore.
func (r *Rings) Rings(ctx context.Context) iter.Seq2[crypto.StoredRing, error] {
	return func(yield func(crypto.StoredRing, error) bool) {
		q := store.Query{Kind: ringKind, AllTenants: true, Visibility: store.Everything}
		for rec, err := range r.store.Find(ctx, q) {
			if !yield(storedRing(rec), err) {
				return
			}
		}
	}
}

func ringConflict(err error, id string) error {
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: %s", crypto.ErrRingConflict, id)
	}
	return err
}

// ringRecord is what the store keeps of a ring. Its state is the epoch. The keys of a run are kept as long as what they seal.
func ringRecord(ring crypto.StoredRing) *store.Record {
	category := retention.Key
	if ring.Run {
		category = retention.Confidential
	}
	return &store.Record{
		Key:      store.Key{Kind: ringKind, ID: ring.ID},
		Tenant:   ring.Tenant,
		Category: string(category),
		State:    strconv.FormatUint(uint64(ring.Epoch), 10),
		Created:  ring.Created,
		Version:  ring.Version,
		Body:     ring.Body,
	}
}

func storedRing(rec store.Record) crypto.StoredRing {
	epoch, _ := strconv.ParseUint(rec.State, 10, 32) // what is no number has no epoch
	return crypto.StoredRing{
		ID: rec.ID, Tenant: rec.Tenant, Run: rec.Category == string(retention.Confidential), Epoch: uint32(epoch), Created: rec.Created, Version: rec.Version, Body: rec.Body,
	}
}
