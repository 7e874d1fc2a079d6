package crypto

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// ErrKeyInUse says that a version of a key cannot be taken away, because something is still sealed under it.
var ErrKeyInUse = errors.New("crypto: key is in use")

// A Rotator is a vault whose keys have versions that can be made and taken away while it is in use: the newest one of an
// owner seals, the others open what is under them. It is optional; the engine finds it by type assertion. A whole rotation
// is
//
//	Rotate, wait for SettleTime, Vault.Rewrap of all that is sealed (streams by Streamer.RewrapStream), Retire, Trim
//
// and can be stopped anywhere: whatever was sealed opens after each step, as long as nothing is retired that is in use.
type Rotator interface {
	// Rotate gives every owner that has keys a new version, which seals from then on. It goes by the order in which the
	// owners' rings are kept, and begins behind the ring that after names: Progress.After of a loop that was cut off.
	Rotate(ctx context.Context, after string) iter.Seq2[Progress, error]
	// Retire stops all versions but the newest from opening anything: what is still under them fails with ErrKeyTooOld.
	// It asks used about each one, with the id that KeyOf gives for what is sealed under it, and leaves an owner alone,
	// with ErrKeyInUse, of whose older versions one is in use. Without used it asks nobody.
	Retire(ctx context.Context, used func(ctx context.Context, key [16]byte) (bool, error)) iter.Seq2[Progress, error]
	// Reinstate lets all versions that are still there open again. It takes back Retire, until Trim.
	Reinstate(ctx context.Context) iter.Seq2[Progress, error]
	// Trim takes away the versions that were retired. It asks used as Retire does, and leaves an owner alone, with
	// ErrKeyInUse, of whose retired versions one is in use.
	Trim(ctx context.Context, used func(ctx context.Context, key [16]byte) (bool, error)) iter.Seq2[Progress, error]
	// SettleTime is how long after any of these has returned nobody works with the older state any more, in this process or
	// another, a writer included who has just sealed something and not stored it yet.
	SettleTime() time.Duration
}

// A Turner is a vault whose keys are wrapped by a keeper's epoch keys. It is optional; the engine finds it by type
// assertion.
type Turner interface {
	// Epoch returns the newest epoch, as the keeper knows it now.
	Epoch(ctx context.Context) (Epoch, error)
	// Turn begins a new epoch when the present one has lasted its time, or at once when now is true, wraps all keys anew
	// under it, and destroys the older ones when nobody needs them any more; Progress.Again says when to call it for that.
	Turn(ctx context.Context, now bool) iter.Seq2[Progress, error]
}

var (
	_ Rotator = (*Hierarchy)(nil)
	_ Turner  = (*Hierarchy)(nil)
)

// SettleTime does what Rotator says: twice HierarchyConfig.KeyTime. After the first half nobody seals under an older key, and
// the second is for what was sealed to be stored.
func (h *Hierarchy) SettleTime() time.Duration { return 2 * h.config.KeyTime }

// Epoch does what Turner says.
func (h *Hierarchy) Epoch(ctx context.Context) (Epoch, error) {
	if h.closed.Load() {
		return Epoch{}, ErrClosed
	}
	return h.epoch(ctx, true)
}

// Rotate does what Rotator says. What is sealed stays as it is: bring it to the newest version with Rewrap, then let Retire
// and Trim take away the old ones. The keys of blind tokens stay, see RotateIndex. It yields its progress after each batch of
// owners, may be stopped at any point, and counts in this process at once, in others after HierarchyConfig.KeyTime.
//
// An owner whose keys cannot be had is reported with its error, and the loop may go on. Progress.After is then that owner:
// begin behind the one before if it is to be tried again.
func (h *Hierarchy) Rotate(ctx context.Context, after string) iter.Seq2[Progress, error] {
	return h.each(ctx, after, anyRing, func(r *ring) (bool, error) {
		if r.owner.kind == ownerIndex {
			return false, nil
		}
		return true, h.addVersion(ctx, r)
	})
}

// addVersion makes a new version for a ring.
func (h *Hierarchy) addVersion(ctx context.Context, r *ring) error {
	if len(r.versions) >= maxVersions {
		return fmt.Errorf("%w: ring %s has %d versions: trim it first", ErrKeyInUse, r.name(), len(r.versions))
	}
	v := newVersion(r.latest+1, h.config.Now())
	epoch, err := h.epoch(ctx, false)
	if err != nil {
		return err
	}
	if err := h.wrap(ctx, r, &v, epoch); err != nil {
		return err
	}
	r.versions, r.latest = append(r.versions, v), v.number
	return nil
}

// Retire does what Rotator says.
func (h *Hierarchy) Retire(ctx context.Context, used func(ctx context.Context, key [16]byte) (bool, error)) iter.Seq2[Progress, error] {
	return h.each(ctx, "", anyRing, func(r *ring) (bool, error) {
		if r.owner.kind == ownerIndex || r.minDecrypt == r.latest {
			return false, nil
		}
		if used != nil {
			if _, err := unused(ctx, r, r.latest, used); err != nil {
				return false, err
			}
		}
		r.minDecrypt = r.latest
		return true, nil
	})
}

// unused says how many versions of a ring lie below a number. ErrKeyInUse: one of them is in use.
func unused(ctx context.Context, r *ring, below uint32, used func(context.Context, [16]byte) (bool, error)) (int, error) {
	count := 0
	for ; r.versions[count].number < below; count++ {
		if used == nil {
			continue
		}
		inUse, err := used(ctx, r.versions[count].key.id)
		if err != nil {
			return 0, err
		}
		if inUse {
			return 0, fmt.Errorf("%w: version %d of ring %s, key %x", ErrKeyInUse, r.versions[count].number, r.name(), r.versions[count].key.id)
		}
	}
	return count, nil
}

// Reinstate does what Rotator says.
func (h *Hierarchy) Reinstate(ctx context.Context) iter.Seq2[Progress, error] {
	return h.each(ctx, "", anyRing, func(r *ring) (bool, error) {
		if oldest := r.versions[0].number; r.owner.kind != ownerIndex && r.minDecrypt != oldest {
			r.minDecrypt = oldest
			return true, nil
		}
		return false, nil
	})
}

// Trim does what Rotator says.
func (h *Hierarchy) Trim(ctx context.Context, used func(ctx context.Context, key [16]byte) (bool, error)) iter.Seq2[Progress, error] {
	return h.each(ctx, "", anyRing, func(r *ring) (bool, error) {
		if r.owner.kind == ownerIndex {
			return false, nil
		}
		count, err := unused(ctx, r, r.minDecrypt, used)
		if err != nil || count == 0 {
			return false, err
		}
		h.trim(r, count)
		return true, nil
	})
}

// trim takes the oldest versions of a ring away.
func (h *Hierarchy) trim(r *ring, count int) {
	for i := range count {
		h.envelopes.forgetKey(r.versions[i].key.id)
		r.versions[i].key.key.Destroy()
	}
	r.versions, r.minAvailable = r.versions[count:], r.minDecrypt
}

// KeyOf returns the id of the key that an envelope is under. ErrMalformed and ErrNewer as in Vault.Open.
func KeyOf(sealed []byte) ([16]byte, error) {
	env, err := parseEnvelope(sealed)
	return env.id, err
}

// anyRing selects all rings that have keys.
func anyRing(StoredRing) bool { return true }

// each changes every ring behind after that has keys and is selected. One that cannot be changed is reported with its error,
// and the loop may go on.
func (h *Hierarchy) each(ctx context.Context, after string, selected func(StoredRing) bool, change func(*ring) (bool, error)) iter.Seq2[Progress, error] {
	return func(yield func(Progress, error) bool) {
		p := Progress{After: after}
		if h.closed.Load() {
			yield(p, ErrClosed)
			return
		}
		for stored, err := range h.config.Keys.Rings(ctx) {
			if err != nil {
				yield(p, fmt.Errorf("crypto: read rings: %w", err))
				return
			}
			if stored.ID <= after {
				continue
			}
			p.Done++
			if stored.Epoch != 0 && selected(stored) {
				changed := false
				err = h.change(ctx, stored.ID, func(r *ring) (bool, error) {
					changed = false
					if r.destroyed {
						return false, nil
					}
					var err error
					changed, err = change(r)
					return changed && err == nil, err
				})
				if changed { // even if the write failed: its answer may have been lost
					h.rings.stale()
				}
				if changed && err == nil {
					p.Changed++
				}
			}
			p.After = stored.ID
			if (err != nil || p.Done%progressEvery == 0) && !yield(p, err) {
				return
			}
			if err := ctx.Err(); err != nil {
				yield(p, err)
				return
			}
		}
		p.Finished = true
		yield(p, nil)
	}
}
