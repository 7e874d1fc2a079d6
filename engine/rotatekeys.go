package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
)

// beginEpoch lets the keeper begin a new epoch, unless it has done so since the rotation was asked for, and wraps the keys
// under it. What cannot be wrapped now is tried again by destroyEpochs.
func (r *rotation) beginEpoch(ctx context.Context) error {
	current, err := r.turner.Epoch(ctx)
	if err != nil {
		return err
	}
	if !r.state.Marked {
		r.state.Epoch, r.state.Marked = current.Number, true
		if err := r.save(ctx); err != nil {
			return err
		}
	}
	var failed error
	for p, err := range r.turner.Turn(ctx, current.Number <= r.state.Epoch) {
		if err := ctx.Err(); err != nil {
			return err
		}
		failed = errors.Join(failed, err)
		r.progress.Done, r.progress.Changed = p.Done, p.Changed
		if err := r.report(err); err != nil {
			return err
		}
	}
	if current, err = r.turner.Epoch(ctx); err == nil && current.Number <= r.state.Epoch {
		err = fmt.Errorf("begin an epoch: %w", failed)
	}
	return err
}

// destroyEpochs destroys what was before the new epoch, as soon as no process needs it.
func (r *rotation) destroyEpochs(ctx context.Context) error {
	for {
		var last crypto.Progress
		var failed error
		for p, err := range r.turner.Turn(ctx, false) {
			if errors.Is(err, crypto.ErrEpochDestroyed) { // of one owner's keys; nothing can be done for them
				if err := r.report(err); err != nil {
					return err
				}
				err = nil
			}
			failed = errors.Join(failed, err)
			last = p
			r.progress.Done, r.progress.Changed = p.Done, p.Changed
		}
		switch {
		case failed != nil:
			return fmt.Errorf("destroy epochs: %w", failed)
		case last.Again.IsZero():
			return r.report(nil)
		}
		// The keeper's clock may be behind.
		if err := r.wait(ctx, max(last.Again.Sub(r.now()), time.Millisecond)); err != nil {
			return err
		}
	}
}

// makeVersions gives all owners new versions. Index keys are only made known yet.
func (r *rotation) makeVersions(ctx context.Context) error {
	if r.rotator == nil {
		// A crash before the phase is noted as done leaves one key more than is needed, and nothing else.
		if adder, ok := r.cfg.Vault.(keyAdder); ok {
			return adder.AddKey(ctx)
		}
		return nil
	}
	if r.state.Index {
		for _, kind := range repo.MovedKinds() {
			if err := r.owners(ctx, r.reblinder.RotateIndex(ctx, repo.FieldOf(kind)), nil); err != nil {
				return err
			}
			r.enter(PhaseKeys)
		}
	}
	// A crash before progress is noted gives the owners since one version more than is needed, and nothing else.
	err := r.owners(ctx, r.rotator.Rotate(ctx, r.state.After), func(after string) error {
		r.state.After = after
		return r.save(ctx)
	})
	r.versions = time.Now()
	return err
}

// owners goes through a change of all owners' keys. An owner whose keys cannot be had, or whose older ones are in use, is
// reported. done gets how far it has come.
func (r *rotation) owners(ctx context.Context, all iter.Seq2[crypto.Progress, error], done func(after string) error) error {
	before := r.progress
	for p, err := range all {
		if err != nil && !ownersOwn(err) {
			return err
		}
		r.progress.Done, r.progress.Changed = before.Done+p.Done, before.Changed+p.Changed
		if done != nil {
			if err := done(p.After); err != nil {
				return err
			}
		}
		if err := r.report(err); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// ownersOwn says that an error concerns the keys of one owner alone, and that trying again is of no use.
func ownersOwn(err error) bool {
	for _, known := range [...]error{
		crypto.ErrKeyInUse, crypto.ErrMalformed, crypto.ErrNewer, crypto.ErrEpochDestroyed, crypto.ErrNoEpoch,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// settleVersions waits until no process seals under the older versions, and all know the new index keys.
func (r *rotation) settleVersions(ctx context.Context) error {
	since := r.versions
	if since.IsZero() { // who made them did so before this call
		since = r.began
	}
	return r.wait(ctx, r.rotator.SettleTime()-time.Since(since))
}

// moveAll brings entries of data stores, and what leads to people, to the IDs that follow from the newest index keys: first
// every process has to store new ones there.
func (r *rotation) moveAll(ctx context.Context) error {
	from, after := r.state.Kind, r.state.After
	if after == "" {
		for _, kind := range repo.MovedKinds() {
			if err := r.owners(ctx, r.reblinder.AdoptIndex(ctx, repo.FieldOf(kind)), nil); err != nil {
				return err
			}
		}
		if err := r.wait(ctx, r.rotator.SettleTime()); err != nil {
			return err
		}
		r.enter(PhaseIndex)
	}
	for _, kind := range repo.MovedKinds() {
		total, err := r.repo.Count(ctx, kind)
		if err != nil {
			return err
		}
		r.progress.Total += total
		switch {
		case kind < from:
			r.progress.Done += total
			continue
		case kind > from:
			after = ""
		}
		if err := r.kind(ctx, kind, after, r.repo.Move, nil); err != nil {
			return err
		}
	}
	return nil
}
