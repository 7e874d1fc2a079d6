package crypto

import (
	"context"
	"errors"
	"fmt"
)

// A Forgetter is a Shredder that can also let go of an owner whom nobody needs any more, such as a person whom no record
// names. It is optional; the engine finds it by type assertion.
type Forgetter interface {
	Shredder
	// Forget takes away the keys of the owner of a scope and leaves nothing behind, where Shred leaves a mark for ever. So it
	// is for owners of whom nothing is sealed any more and who do not come back under the same name: one who does gets new
	// keys, and what was sealed under the old ones says ErrNoKey. The mark of an owner whose keys were destroyed stays.
	// Whoever has none is no error.
	Forget(ctx context.Context, at Scope) error
}

var _ Forgetter = (*Hierarchy)(nil)

// Forget does what Forgetter says. In this process it counts at once, in others after HierarchyConfig.KeyTime.
func (h *Hierarchy) Forget(ctx context.Context, at Scope) error {
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
			h.reset(o)
			return nil
		}
		if err != nil {
			return fmt.Errorf("crypto: read ring: %w", err)
		}
		switch known, err := decodeRing(o, stored.ID, stored.Body); {
		case errors.Is(err, ErrNewer): // it may be a mark
			return err
		case err == nil && known.destroyed:
			return nil
		}
		err = h.config.Keys.DeleteRing(ctx, stored)
		if errors.Is(err, ErrRingConflict) {
			continue
		}
		if err != nil {
			return err
		}
		h.reset(o)
		return nil
	}
}
