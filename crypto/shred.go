package crypto

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Shredder is a vault that can destroy the keys of one subject, run or tenant. It is optional; the engine finds it by
// type assertion.
type Shredder interface {
	Vault
	// Shred destroys the keys of the owner of a scope: its Subject, else its Run, else its Tenant; Category, Record and
	// Field are of no account, but for the tenant without a name one of them is set, because the zero Scope is ErrScope. What was sealed under them opens nowhere any more, and nothing new is sealed for a subject
	// or a tenant until AllowNewLifecycle: both fail with ErrShredded. It is one small write, however much was sealed. An
	// owner whose keys are destroyed already is no error, and one that never had any gets none.
	Shred(ctx context.Context, at Scope) (Receipt, error)
	// AllowNewLifecycle lets an owner whose keys were destroyed have new ones, which have nothing to do with the old: what was
	// sealed under those goes on failing with ErrShredded. An owner whose keys were not destroyed keeps them.
	AllowNewLifecycle(ctx context.Context, at Scope) error
}

// A Receipt says what was destroyed.
type Receipt struct {
	// Ring names the keys, and does not tell whose they were.
	Ring string
	// Destroyed is when they were destroyed in the live key store.
	Destroyed time.Time
	// Irrevocable is from when on no backup of the key store gives them back, provided that epochs turn in time.
	Irrevocable time.Time
}

var _ Shredder = (*Hierarchy)(nil)

// Shred does what Shredder says. In this process it counts at once, in others after HierarchyConfig.KeyTime.
func (h *Hierarchy) Shred(ctx context.Context, at Scope) (Receipt, error) {
	if err := at.check(); err != nil {
		return Receipt{}, err
	}
	if h.closed.Load() {
		return Receipt{}, ErrClosed
	}
	current, err := h.epoch(ctx, false)
	if err != nil {
		return Receipt{}, err
	}
	o := ownerOf(&at)
	tomb := &ring{owner: o, id: o.ringID(), destroyed: true, at: h.config.Now().UTC().Truncate(time.Second)}
	tomb.irrevocable = h.irrevocable(current, tomb.at)
	for {
		stored, err := h.config.Keys.Ring(ctx, tomb.id)
		if err != nil && !errors.Is(err, ErrNoRing) {
			return Receipt{}, fmt.Errorf("crypto: read ring: %w", err)
		}
		if err == nil {
			switch known, err := decodeRing(o, stored.ID, stored.Body); {
			case err == nil && known.destroyed:
				h.reset(o)
				return Receipt{Ring: tomb.id, Destroyed: known.at, Irrevocable: known.irrevocable}, nil
			case err == nil:
				if known.newest().epoch > current.Number { // it was wrapped anew, and a backup may have it so
					if current, err = h.epoch(ctx, true); err != nil {
						return Receipt{}, err
					}
					tomb.irrevocable = h.irrevocable(current, tomb.at)
				}
				tomb.past = known.buries(tomb.at)
			case errors.Is(err, ErrNewer): // a ring that is damaged may be destroyed, one that is not understood may not
				return Receipt{}, err
			}
		}
		switch {
		case o.kind == ownerRun && err != nil: // it never had any
			err = nil
		case o.kind == ownerRun: // a run does not come back, so nothing is left of its keys
			err = h.config.Keys.DeleteRing(ctx, stored)
		default:
			stored.ID, stored.Tenant = tomb.id, o.tenant
			err = h.put(ctx, tomb, &stored)
		}
		if errors.Is(err, ErrRingConflict) {
			continue
		}
		if err != nil {
			return Receipt{}, err
		}
		h.reset(o)
		return Receipt{Ring: tomb.id, Destroyed: tomb.at, Irrevocable: tomb.irrevocable}, nil
	}
}

// irrevocable is when no backup gives back what is destroyed now: when the epoch has ended, was turned and is destroyed.
func (h *Hierarchy) irrevocable(current Epoch, now time.Time) time.Time {
	ends := current.Created.Add(h.config.Epoch)
	if ends.Before(now) {
		ends = now
	}
	return ends.Add(h.config.Slack + h.config.DestroyDelay).UTC()
}

// AllowNewLifecycle does what Shredder says.
func (h *Hierarchy) AllowNewLifecycle(ctx context.Context, at Scope) error {
	if err := at.check(); err != nil {
		return err
	}
	if h.closed.Load() {
		return ErrClosed
	}
	o := ownerOf(&at)
	for {
		stored, err := h.config.Keys.Ring(ctx, o.ringID())
		if errors.Is(err, ErrNoRing) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("crypto: read ring: %w", err)
		}
		known, err := decodeRing(o, stored.ID, stored.Body)
		if err != nil || !known.destroyed {
			return err
		}
		r, _, err := h.create(ctx, o, stored.ID, stored.Version, stored.Created, known.past)
		if err == nil {
			r.forget()
			h.reset(o)
		}
		if !errors.Is(err, ErrRingConflict) {
			return err
		}
	}
}
