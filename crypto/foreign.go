package crypto

import (
	"context"
	"errors"
	"fmt"
)

const (
	// foreignSample is how many rings are looked at to find out whether a keeper is that of their key store, and foreignReach
	// how many are passed over at most to find those that have keys.
	foreignSample = 16
	foreignReach  = 256
	// foreignDoubts is how many keys the keeper must not have wrapped, and none of the others, before it is taken for another
	// store's: fewer may have been damaged.
	foreignDoubts = 3
)

// recognize says whether a keeper may have wrapped what is in the key store, by the first few rings: ErrForeignKeeper if it
// cannot. One ring under an epoch that the keeper never had is enough, because it says so twice, apart from each other. Where
// numbers of epochs say nothing, keys do, unless there are too few to tell another keeper from damage. What has been lost
// with its epoch proves nothing, and neither does a keeper or a key store that cannot be asked now: whoever needs them will
// hear of it.
func (h *Hierarchy) recognize(ctx context.Context) error {
	newest, err := h.highest(ctx)
	if err != nil {
		return err
	}
	looked, passed, doubts, proven := 0, 0, 0, false
	for stored, err := range h.config.Keys.Rings(ctx) {
		if passed++; err != nil || looked == foreignSample || passed > foreignReach {
			break
		}
		if stored.Epoch == 0 {
			continue
		}
		r, err := decodeRing(owner{tenant: stored.Tenant}, stored.ID, stored.Body)
		if err != nil || r.destroyed || r.oldestEpoch() != stored.Epoch {
			continue
		}
		looked++
		if proven && stored.Epoch <= newest {
			continue
		}
		v := r.oldest()
		_, err = h.unwrapped(ctx, r, v)
		r.forget()
		switch {
		case err == nil:
			proven = true
		case errors.Is(err, ErrNewer): // it is this release that does not understand
		case errors.Is(err, ErrRing):
			doubts++
		case errors.Is(err, ErrNoEpoch) && stored.Epoch > newest:
			if newest, err = h.highest(ctx); err != nil { // another process may have begun it a moment ago
				return err
			}
			if stored.Epoch > newest {
				return foreign(newest, stored.ID, stored.Epoch)
			}
		case !errors.Is(err, ErrNoEpoch) && !errors.Is(err, ErrEpochDestroyed):
			return ctx.Err()
		}
	}
	if !proven && doubts >= foreignDoubts {
		return fmt.Errorf("%w: it has wrapped none of %d rings: use the keeper that the store was made with", ErrForeignKeeper, doubts)
	}
	return ctx.Err()
}

// highest returns the number of the newest epoch of the keeper. Zero: it has none.
func (h *Hierarchy) highest(ctx context.Context) (uint32, error) {
	epochs, err := h.config.Keeper.Epochs(ctx)
	if err != nil {
		return 0, fmt.Errorf("list epochs: %w", err)
	}
	if len(epochs) == 0 {
		return 0, nil
	}
	return epochs[len(epochs)-1].Number, nil
}

// foreign says that a ring is under an epoch that the keeper never had.
func foreign(newest uint32, ring string, epoch uint32) error {
	return fmt.Errorf("%w: its newest epoch is %d, and ring %s is under epoch %d: use the keeper that the store was made with, in its newest state",
		ErrForeignKeeper, newest, ring, epoch)
}
