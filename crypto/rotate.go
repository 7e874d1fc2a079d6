package crypto

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Rotate gives every owner that has keys a new version, which seals from then on; the others still open what is under
// them. What is sealed stays as it is: bring it to the newest version with Rewrap, then let Retire and Trim take away the
// old ones. It yields its progress after each batch of owners, may be stopped at any point, and counts in this process at
// once, in others after HierarchyConfig.KeyTime.
func (h *Hierarchy) Rotate(ctx context.Context) iter.Seq2[Progress, error] {
	return h.each(ctx, func(r *ring) (bool, error) {
		if r.owner.kind == ownerIndex { // a new one would give new tokens
			return false, nil
		}
		if len(r.versions) >= maxVersions {
			return false, fmt.Errorf("crypto: ring %s has %d versions: trim it first", r.name(), len(r.versions))
		}
		v := newVersion(r.latest+1, h.config.Now())
		epoch, err := h.epoch(ctx, false)
		if err != nil {
			return false, err
		}
		if err := h.wrap(ctx, r, &v, epoch); err != nil {
			return false, err
		}
		r.versions, r.latest = append(r.versions, v), v.number
		return true, nil
	})
}

// Retire stops all versions but the newest from opening anything: what is still under them fails with ErrKeyTooOld. It can
// be taken back with Reinstate until Trim.
func (h *Hierarchy) Retire(ctx context.Context) iter.Seq2[Progress, error] {
	return h.each(ctx, func(r *ring) (bool, error) {
		changed := r.minDecrypt != r.latest
		r.minDecrypt = r.latest
		return changed, nil
	})
}

// Reinstate lets all versions that are still there open again.
func (h *Hierarchy) Reinstate(ctx context.Context) iter.Seq2[Progress, error] {
	return h.each(ctx, func(r *ring) (bool, error) {
		changed := r.minDecrypt != r.minAvailable
		r.minDecrypt = r.minAvailable
		return changed, nil
	})
}

// ErrKeyInUse says that a version of a key cannot be taken away, because something is still sealed under it.
var ErrKeyInUse = errors.New("crypto: key is in use")

// Trim takes away the versions that were retired. It asks used about each one, with the id that KeyOf gives for what is
// sealed under it, and leaves an owner alone, with ErrKeyInUse, of whose retired versions one is in use.
func (h *Hierarchy) Trim(ctx context.Context, used func(ctx context.Context, key [16]byte) (bool, error)) iter.Seq2[Progress, error] {
	return h.each(ctx, func(r *ring) (bool, error) {
		keep := 0
		for ; r.versions[keep].number < r.minDecrypt; keep++ {
			inUse, err := used(ctx, r.versions[keep].key.id)
			if err != nil {
				return false, err
			}
			if inUse {
				return false, fmt.Errorf("%w: version %d of ring %s", ErrKeyInUse, r.versions[keep].number, r.name())
			}
		}
		if keep == 0 {
			return false, nil
		}
		for i := range keep {
			h.envelopes.forgetKey(r.versions[i].key.id)
		}
		r.versions, r.minAvailable = r.versions[keep:], r.minDecrypt
		return true, nil
	})
}

// KeyOf returns the id of the key that an envelope is under. ErrMalformed and ErrNewer as in Vault.Open.
func KeyOf(sealed []byte) ([16]byte, error) {
	env, err := parseEnvelope(sealed)
	return env.id, err
}

// each changes every ring that has keys. One that cannot be changed is reported with its error, and the loop may go on.
func (h *Hierarchy) each(ctx context.Context, change func(*ring) (bool, error)) iter.Seq2[Progress, error] {
	return func(yield func(Progress, error) bool) {
		var p Progress
		for stored, err := range h.config.Keys.Rings(ctx) {
			if err != nil {
				yield(p, fmt.Errorf("crypto: read rings: %w", err))
				return
			}
			p.Done++
			if stored.Epoch != 0 {
				err = h.change(ctx, stored.ID, func(r *ring) (changed bool, err error) {
					if r.destroyed {
						return false, nil
					}
					if changed, err = change(r); changed {
						p.Changed++
					}
					return changed, err
				})
			}
			h.rings.stale()
			if (err != nil || p.Done%progressEvery == 0) && !yield(p, err) || ctx.Err() != nil {
				return
			}
		}
		p.Finished = true
		yield(p, nil)
	}
}
