package crypto

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// epoch returns the epoch that keys are wrapped under: the newest one of the keeper, as it was within the last KeyTime. A
// keeper without any gets its first.
func (h *Hierarchy) epoch(ctx context.Context, now bool) (Epoch, error) {
	h.mu.Lock()
	current, listed := h.current, h.listed
	h.mu.Unlock()
	if !now && time.Since(listed) < h.config.KeyTime {
		return current, nil
	}
	asked := time.Now()
	epochs, err := h.config.Keeper.Epochs(ctx)
	if err != nil {
		return Epoch{}, fmt.Errorf("list epochs: %w", err)
	}
	if len(epochs) == 0 || !epochs[len(epochs)-1].Destroyed.IsZero() {
		made, err := h.config.Keeper.NewEpoch(ctx)
		if err != nil {
			return Epoch{}, fmt.Errorf("make an epoch: %w", err)
		}
		epochs = append(epochs, made)
	}
	current = epochs[len(epochs)-1]
	h.mu.Lock()
	defer h.mu.Unlock()
	if !asked.Before(h.listed) && current.Number >= h.current.Number {
		if h.current.Number != current.Number {
			h.seen, h.turned = time.Now(), h.current.Number != 0
		}
		h.current, h.listed = current, asked
	}
	return current, nil
}

// holds says whether an epoch was safe to wrap under until now. Whoever turns an epoch waits for longer than KeyTime before
// he looks for the last time for keys under the old one, so only what took longer needs a second look.
func (h *Hierarchy) holds(ctx context.Context, epoch Epoch) (bool, error) {
	h.mu.Lock()
	current, listed := h.current, h.listed
	h.mu.Unlock()
	if current.Number == epoch.Number && time.Since(listed) < h.config.KeyTime {
		return true, nil
	}
	current, err := h.epoch(ctx, true)
	return current.Number == epoch.Number, err
}

// A Progress says how far a long operation has come.
type Progress struct {
	// Done counts what has been looked at, Changed what of it was written anew.
	Done, Changed int64
	// After is the ID of the ring that was looked at last. Turn does not set it: it begins anew each time.
	After string
	// Finished says that this is the last one, and that all is done.
	Finished bool
	// Again is when the operation is to be called again, because something must wait until then. Zero: it need not be.
	Again time.Time
}

// Turn begins a new epoch when the present one has lasted for HierarchyConfig.Epoch, or at once when now is true, wraps all
// keys anew under it, and then destroys the older ones in the keeper: from then on no backup of the key store gives back a
// key that was destroyed before. Nothing that is sealed changes.
//
// It yields its progress after each batch of keys. The old epochs are destroyed no sooner than twice KeyTime after the new
// one began, because other processes may use them until then: Again says when Turn is to be called once more. A process that is
// not there for that long destroys them at the first call that comes half of Slack or more after the new one began. Call it at
// least once in Slack. ErrForeignKeeper: the keeper is another store's, or an old copy, and nothing was done. It may be stopped at
// any point and called again, by several processes too; nothing is lost.
func (h *Hierarchy) Turn(ctx context.Context, now bool) iter.Seq2[Progress, error] {
	return func(yield func(Progress, error) bool) {
		var p Progress
		current, err := h.epoch(ctx, true)
		if err == nil {
			err = h.tell(ctx, current)
		}
		// A clock that runs far ahead must not begin epochs faster than they settle.
		due := h.settles(current).IsZero() && !h.config.Now().Before(current.Created.Add(h.config.Epoch))
		if err == nil && (now || due) {
			if err = h.known(ctx, current); err == nil {
				_, err = h.config.Keeper.NewEpoch(ctx)
			}
			if err == nil {
				current, err = h.epoch(ctx, true)
			}
			if err == nil {
				err = h.tell(ctx, current)
			}
		}
		if err != nil {
			yield(p, err)
			return
		}
		if left, err := h.older(ctx, current); err != nil || !left {
			p.Finished = err == nil
			yield(p, err)
			return
		}
		settles := h.settles(current)
		left, goOn := h.rewrapAll(ctx, current, &p, yield)
		if !goOn {
			return
		}
		if left == nil {
			p.Again, left = h.destroyBefore(ctx, current, settles)
		}
		p.Finished = left == nil && p.Again.IsZero()
		yield(p, left)
	}
}

// tell calls HierarchyConfig.Turned with an epoch that it has not heard of.
func (h *Hierarchy) tell(ctx context.Context, newest Epoch) error {
	if h.config.Turned == nil {
		return nil
	}
	select {
	case h.telling <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.telling }()
	if newest.Number <= h.told {
		return nil
	}
	if err := h.config.Turned(ctx, newest); err != nil {
		return fmt.Errorf("HierarchyConfig.Turned: epoch %d has begun: %w", newest.Number, err)
	}
	h.told = newest.Number
	return nil
}

// settles is when nobody uses the epochs before the current one any more, zero when that is so already. This goes by how long
// the process has known the current one, because clocks may be hours wrong: that of the keeper, of this machine, of others. A
// process that has not lived that long, as one that is started from time to time and never does, believes clocks, if the
// current epoch is older by them than they may be wrong: half of Slack, so that the old epoch still goes within it.
func (h *Hierarchy) settles(current Epoch) time.Time {
	h.mu.Lock()
	seen, turned := h.seen, h.turned
	h.mu.Unlock()
	left := 2*h.config.KeyTime - time.Since(seen)
	if left <= 0 {
		return time.Time{}
	}
	now := h.config.Now()
	if !turned && now.Sub(current.Created) >= 2*h.config.KeyTime+h.config.Slack/2 {
		return time.Time{}
	}
	return now.Add(left)
}

// older says whether there are epochs before the current one that were not destroyed. Without any, no key is under one.
func (h *Hierarchy) older(ctx context.Context, current Epoch) (bool, error) {
	epochs, err := h.config.Keeper.Epochs(ctx)
	if err != nil {
		return false, fmt.Errorf("list epochs: %w", err)
	}
	return slices.ContainsFunc(epochs, func(e Epoch) bool { return e.Number < current.Number && e.Destroyed.IsZero() }), nil
}

// known says whether the keeper knows the epochs that keys are under. If not, the next one that it makes would have the number
// of one that it lacks.
func (h *Hierarchy) known(ctx context.Context, newest Epoch) error {
	for stored, err := range h.config.Keys.Rings(ctx) {
		if err != nil {
			return fmt.Errorf("crypto: read rings: %w", err)
		}
		if stored.Epoch > newest.Number { // another process may have begun it a moment ago
			if newest, err = h.epoch(ctx, true); err != nil {
				return err
			}
		}
		if stored.Epoch > newest.Number {
			return foreign(newest.Number, stored.ID, stored.Epoch)
		}
	}
	return nil
}

// progressEvery is how many rings lie between two reports.
const progressEvery = 256

// rewrapAll wraps every key that is under an older epoch anew. It reports whether the loop goes on. What is wrong with one ring
// keeps none of the others; what is wrong with the keeper would be wrong with all of them.
func (h *Hierarchy) rewrapAll(ctx context.Context, current Epoch, p *Progress, yield func(Progress, error) bool) (failed error, goOn bool) {
	failures := 0
	for stored, err := range h.config.Keys.Rings(ctx) {
		if err != nil {
			return fmt.Errorf("crypto: read rings: %w", err), true
		}
		p.Done++
		if stored.Epoch != 0 && stored.Epoch < current.Number {
			switch err := h.rewrapRing(ctx, stored.ID, current); {
			case ctx.Err() != nil:
				return ctx.Err(), true
			case errors.Is(err, ErrEpochDestroyed): // nothing can be done for it, and nothing is to wait for it
				if !yield(*p, err) {
					return failed, false
				}
			case errors.Is(err, ErrKeeper):
				return err, true
			case err != nil: // the others go on; the old epoch stays
				failures++
				if failed == nil {
					failed = err
				}
			default:
				p.Changed++
			}
		}
		if p.Done%progressEvery == 0 && !yield(*p, nil) {
			return failed, false
		}
	}
	if failures > 1 {
		failed = fmt.Errorf("%d rings could not be wrapped anew, one of them: %w", failures, failed)
	}
	return failed, true
}

// rewrapRing wraps the keys of one ring under an epoch.
func (h *Hierarchy) rewrapRing(ctx context.Context, id string, epoch Epoch) error {
	return h.change(ctx, id, func(r *ring) (bool, error) {
		changed := false
		for i := range r.versions {
			v := &r.versions[i]
			if v.epoch >= epoch.Number {
				continue
			}
			if _, err := h.unwrapped(ctx, r, v); err != nil {
				return false, err
			}
			err := h.wrap(ctx, r, v, epoch)
			if err == nil {
				err = h.proves(ctx, r, v)
			}
			if errors.Is(err, ErrEpochDestroyed) { // the new one: the key is not lost, and must wait
				err = fmt.Errorf("%w: wrap a key under epoch %d: %v", ErrKeeper, epoch.Number, err) //nolint:errorlint // see above
			}
			if err != nil {
				return false, err
			}
			changed = true
		}
		return changed, nil
	})
}

// proves makes sure that the keeper gives back a key that it has just wrapped. Once the old epoch is destroyed there is nothing
// to go back to.
func (h *Hierarchy) proves(ctx context.Context, r *ring, v *ringVersion) error {
	again := ringVersion{number: v.number, epoch: v.epoch, wrapped: v.wrapped, key: &rootKey{id: v.key.id}}
	key, err := h.unwrapped(ctx, &ring{id: r.name()}, &again)
	if err == nil {
		key.key.Destroy()
	}
	if errors.Is(err, ErrRing) {
		return fmt.Errorf("%w: it does not give back what it has just wrapped: %w", ErrKeeper, err)
	}
	return err
}

// change reads a ring, lets change work on it, and stores it if it changed. When somebody else wrote meanwhile, it begins
// anew. Ring and keys are its own, apart from those in use.
func (h *Hierarchy) change(ctx context.Context, id string, change func(*ring) (bool, error)) error {
	for {
		stored, err := h.config.Keys.Ring(ctx, id)
		if errors.Is(err, ErrNoRing) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return fmt.Errorf("crypto: read ring: %w", err)
		}
		r, err := h.unlock(ctx, owner{tenant: stored.Tenant}, stored, nil)
		if err != nil {
			return err
		}
		changed, err := change(r)
		if err == nil && changed {
			err = h.put(ctx, r, &stored)
		}
		r.forget()
		if !errors.Is(err, ErrRingConflict) {
			return err
		}
	}
}

// destroyBefore destroys the epochs before the current one, or says when that may be done: not before settles.
func (h *Hierarchy) destroyBefore(ctx context.Context, current Epoch, settles time.Time) (again time.Time, err error) {
	epochs, err := h.config.Keeper.Epochs(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("list epochs: %w", err)
	}
	for _, e := range epochs {
		if e.Number >= current.Number || !e.Destroyed.IsZero() {
			continue
		}
		if !settles.IsZero() {
			return settles, nil
		}
		if _, err := h.config.Keeper.DestroyEpoch(ctx, e.Number); err != nil {
			return time.Time{}, fmt.Errorf("destroy epoch %d: %w", e.Number, err)
		}
	}
	return time.Time{}, nil
}
