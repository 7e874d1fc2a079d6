package crypto

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbkit/ebb/crypto/secret"
)

// load reads a ring, or makes it. Many who want the same one read it once; joined says that somebody else did, who may have
// begun before the call.
func (h *Hierarchy) load(ctx context.Context, o owner, known *ring, create bool) (r *ring, joined bool, err error) {
	// Who makes no ring does not say that there is none for those who would.
	own := func(err error) bool { return create && errors.Is(err, ErrNoRing) }
	return h.together(ctx, attemptKey{owner: o}, own, func(a *attempt) (*ring, error) {
		for {
			r, asked, err := h.read(ctx, o, known, create)
			if err != nil {
				return nil, err
			}
			if kept := h.keep(a, r, asked); kept != nil {
				return kept, nil
			}
			h.forget(r)
			if h.closed.Load() {
				return nil, ErrClosed
			}
			known = nil
		}
	})
}

// read reads a ring, or makes it, and says when it asked the store for it. known is nil, or the state of it that is in memory.
func (h *Hierarchy) read(ctx context.Context, o owner, known *ring, create bool) (r *ring, asked moment, err error) {
	id := o.ringID()
	for {
		asked := h.rings.now()
		stored, err := h.config.Keys.Ring(ctx, id)
		if errors.Is(err, ErrNoRing) && known != nil { // it was deleted, and so its keys are not to stay in memory
			h.rings.dropRing(known)
			h.forget(known)
			known = nil
		}
		if errors.Is(err, ErrNoRing) && create {
			r, asked, err := h.create(ctx, o, id, 0, time.Time{}, nil)
			if errors.Is(err, ErrRingConflict) {
				continue // somebody else has just made it
			}
			return r, asked, err
		}
		if err != nil {
			return nil, moment{}, fmt.Errorf("crypto: read ring: %w", err)
		}
		if known != nil && known.stored == stored.Version {
			return known, asked, nil
		}
		r, err := h.unlock(ctx, o, stored, known)
		if known != nil && errors.Is(err, ErrClosed) && !h.closed.Load() { // its keys have left memory meanwhile
			known = nil
			continue
		}
		if err == nil && r.destroyed && known != nil {
			h.forget(known)
		}
		return r, asked, err
	}
}

// unlock decodes a stored ring, unwraps its newest key and checks that nobody has changed it. What known, an older state of
// it, has unwrapped is used again.
func (h *Hierarchy) unlock(ctx context.Context, o owner, stored StoredRing, known *ring) (*ring, error) {
	r, err := decodeRing(o, stored.ID, stored.Body)
	if err != nil {
		return nil, err
	}
	r.stored = stored.Version
	if r.destroyed {
		return r, nil
	}
	if known != nil {
		known.lend(r)
	}
	if _, err := h.unwrapped(ctx, r, r.newest()); err != nil {
		return nil, err
	}
	if ok, err := r.authentic(stored.Body); err != nil || !ok {
		r.abandon()
		if err == nil {
			err = also(fmt.Errorf("%w: ring %s was changed", ErrRing, r.name()), ErrMalformed)
		}
		return nil, err
	}
	return r, nil
}

// unwrapped returns the key of a version. Many who want the same one ask the keeper once. ErrClosed: the ring has left memory
// meanwhile.
func (h *Hierarchy) unwrapped(ctx context.Context, r *ring, v *ringVersion) (*rootKey, error) {
	if r.has(v) {
		return v.key, nil
	}
	_, _, err := h.together(ctx, attemptKey{ring: r, id: v.key.id}, func(error) bool { return false }, func(*attempt) (*ring, error) {
		if r.has(v) { // somebody was done with it a moment ago
			return r, nil
		}
		key, err := h.unwrap(ctx, r, v)
		if err != nil {
			return nil, err
		}
		return r, r.take(v, key)
	})
	if err != nil {
		return nil, err
	}
	return v.key, nil
}

// unwrap asks the keeper for the key of a version.
func (h *Hierarchy) unwrap(ctx context.Context, r *ring, v *ringVersion) (secret.Value, error) {
	key, err := h.config.Keeper.Unwrap(ctx, v.epoch, v.wrapped, wrapScope(r.name(), v.number, &v.key.id))
	switch {
	case errors.Is(err, ErrScope), errors.Is(err, ErrMalformed):
		return secret.Value{}, also(fmt.Errorf("%w: a key of ring %s is not what was wrapped: %w", ErrRing, r.name(), err), ErrMalformed)
	case errors.Is(err, ErrEpochDestroyed):
		return secret.Value{}, fmt.Errorf("unwrap a key: %w", h.confirm(ctx, v.epoch, err))
	case err != nil:
		return secret.Value{}, fmt.Errorf("unwrap a key: %w", err)
	}
	defer clear(key)
	// What was wrapped is bound to its place, so this is none of the ring's fault. Not to be kept, because the next answer may
	// be right, and not to be wrapped anew.
	if len(key) != keySize || keyIDOf(key) != v.key.id {
		return secret.Value{}, fmt.Errorf("%w: for a key of ring %s it gives %d bytes that are not the key", ErrKeeper, r.name(), len(key))
	}
	return secret.New(key), nil
}

// confirm asks whether an epoch is destroyed of which the keeper has said so: whoever believes it gives up the keys under it.
func (h *Hierarchy) confirm(ctx context.Context, epoch uint32, said error) error {
	epochs, err := h.config.Keeper.Epochs(ctx)
	if errors.Is(err, ErrEpochDestroyed) { // which is no answer to that
		return fmt.Errorf("%w: it lists no epochs: %v", ErrKeeper, err) //nolint:errorlint // see above
	}
	if err != nil {
		return fmt.Errorf("list epochs: %w", err)
	}
	for _, e := range epochs {
		if e.Number == epoch && e.Destroyed.IsZero() {
			return fmt.Errorf("%w: it says that epoch %d is destroyed, and lists it as one that is not", ErrKeeper, epoch)
		}
	}
	return fmt.Errorf("%w: if the stored keys are from a backup, bring later ones to them, see CopyRings", said)
}

// create makes the first key of an owner and stores it in place of the stored version. before is nil, or what the owner had
// before. began is a moment before it was stored.
func (h *Hierarchy) create(
	ctx context.Context, o owner, id string, stored int64, created time.Time, before *past,
) (_ *ring, began moment, err error) {
	for {
		epoch, err := h.epoch(ctx, false)
		if err != nil {
			return nil, moment{}, err
		}
		began := h.rings.now()
		r := &ring{owner: o, id: id, latest: 1, minDecrypt: 1, minAvailable: 1, past: before}
		r.versions = []ringVersion{newVersion(1, h.config.Now())}
		err = h.wrap(ctx, r, r.newest(), epoch)
		if errors.Is(err, ErrEpochDestroyed) {
			r.forget()
			now, err := h.epoch(ctx, true)
			if err == nil && now.Number == epoch.Number {
				err = fmt.Errorf("%w: its newest epoch is %d, and it says that this one is destroyed", ErrKeeper, now.Number)
			}
			if err != nil {
				return nil, moment{}, err
			}
			continue
		}
		if err != nil {
			r.forget()
			return nil, moment{}, err
		}
		kept := StoredRing{ID: id, Tenant: o.tenant, Run: o.kind == ownerRun, Version: stored, Created: created}
		if err := h.put(ctx, r, &kept); err != nil {
			r.forget()
			return nil, moment{}, err
		}
		if err := h.settle(ctx, r, &kept, epoch); err != nil {
			r.forget()
			return nil, moment{}, err
		}
		return r, began, nil
	}
}

// settle makes sure that a ring that has just been stored is under an epoch that holds: between the look at the epoch and the
// write the epoch may have been turned and destroyed, if that took long. Others may have sealed under the ring's key
// already, so the key stays, and is wrapped anew.
func (h *Hierarchy) settle(ctx context.Context, r *ring, stored *StoredRing, epoch Epoch) error {
	for {
		ok, err := h.holds(ctx, epoch)
		if ok || err != nil {
			return err
		}
		if epoch, err = h.epoch(ctx, false); err != nil {
			return err
		}
		if err = h.wrap(ctx, r, r.newest(), epoch); err == nil {
			err = h.put(ctx, r, stored)
		}
		if err != nil && !errors.Is(err, ErrEpochDestroyed) {
			return err
		}
	}
}

// keep puts a ring into memory, without what can be had again: its name, and the wrapped form of what is unwrapped. It returns
// the ring to use, which is another one when somebody has read a newer state meanwhile, and nil when the ring is not to be used
// because the hierarchy was closed, or because of reset: who reads it anew finds out why.
func (h *Hierarchy) keep(a *attempt, r *ring, asked moment) *ring {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.void || h.closed.Load() {
		a.void = false
		return nil
	}
	if r.id != "" {
		r.id = ""
		for i := range r.versions {
			if v := &r.versions[i]; !v.key.key.IsZero() {
				v.wrapped = nil
			}
		}
	}
	return h.rings.put(r, asked)
}

// reset clears what is in memory of the keys of an owner, and lets nobody use what was read of them until now.
func (h *Hierarchy) reset(o owner) {
	h.mu.Lock()
	if a := h.attempts[attemptKey{owner: o}]; a != nil {
		a.void = true
	}
	known := h.rings.drop(o)
	h.mu.Unlock()
	if known != nil {
		h.forget(known)
	}
}

// wrap wraps the key of a version under an epoch.
func (h *Hierarchy) wrap(ctx context.Context, r *ring, v *ringVersion, epoch Epoch) (err error) {
	var wrapped []byte
	used := v.key.key.Use(func(key []byte) {
		wrapped, err = h.config.Keeper.Wrap(ctx, epoch.Number, key, wrapScope(r.name(), v.number, &v.key.id))
	})
	switch {
	case used != nil:
		return ErrClosed
	case err != nil:
		return fmt.Errorf("wrap a key: %w", err)
	case len(wrapped) == 0 || len(wrapped) > maxWrapped:
		return fmt.Errorf("%w: it wraps a key into %d bytes, at most %d can be kept", ErrKeeper, len(wrapped), maxWrapped)
	}
	v.wrapped, v.epoch = wrapped, epoch.Number
	return nil
}

// maxWrapped is how long a wrapped key may be.
const maxWrapped = 1<<16 - 1

// put stores a ring.
func (h *Hierarchy) put(ctx context.Context, r *ring, stored *StoredRing) (err error) {
	if stored.Body, err = r.encode(); err != nil {
		return err
	}
	stored.Epoch = r.oldestEpoch()
	if stored.Created.IsZero() {
		stored.Created = h.config.Now().UTC()
	}
	if err := h.config.Keys.PutRing(ctx, stored); err != nil {
		return fmt.Errorf("crypto: keep ring: %w", err)
	}
	r.stored = stored.Version
	return nil
}

// forget clears all that is in memory of the keys of a ring.
func (h *Hierarchy) forget(r *ring) {
	for i := range r.versions {
		h.envelopes.forgetKey(r.versions[i].key.id)
	}
	r.forget()
}
