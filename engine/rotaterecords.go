package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
)

// A pass goes over all records of a kind behind an ID.
type pass func(ctx context.Context, kind store.Kind, after string) iter.Seq2[repo.Pass, error]

// saveEvery is how often a rotation notes at least how far it has come.
const saveEvery = time.Second

// records lets a pass go over the records of all kinds, from where the phase was left. broken gets those that do not open.
func (r *rotation) records(ctx context.Context, from store.Kind, after string, over pass, broken func(repo.Broken)) error {
	if err := r.count(ctx); err != nil {
		return err
	}
	r.progress.Shredded = 0
	for _, kind := range r.kinds {
		r.progress.Total += r.totals[kind]
	}
	each := func(b repo.Broken) {
		if errors.Is(b.Err, crypto.ErrShredded) {
			r.progress.Shredded++
		}
		if broken != nil {
			broken(b)
		}
	}
	for _, kind := range r.kinds {
		switch {
		case kind < from:
			r.progress.Done += r.totals[kind]
			continue
		case kind > from:
			after = ""
		}
		if err := r.kind(ctx, kind, after, over, each); err != nil {
			return err
		}
	}
	return nil
}

// kind lets a pass go over the records of a kind.
func (r *rotation) kind(ctx context.Context, kind store.Kind, after string, over pass, broken func(repo.Broken)) error {
	r.progress.Kind = string(kind)
	defer func() { r.progress.Kind = "" }()
	for step, err := range over(ctx, kind, after) {
		if err != nil {
			return err
		}
		r.progress.Done += step.Done
		r.progress.Changed += step.Changed
		for _, b := range step.Broken {
			if broken != nil {
				broken(b)
			}
			if err := r.complain(b); err != nil {
				return err
			}
		}
		if r.state != nil {
			if r.state.Kind, r.state.After = kind, step.After; time.Since(r.saved) >= saveEvery {
				if err := r.save(ctx); err != nil {
					return err
				}
			}
		}
		if err := r.report(nil); err != nil {
			return err
		}
	}
	return nil
}

// complain reports a record that does not open, once in this call. That keys were destroyed is no news to a rotation.
func (r *rotation) complain(b repo.Broken) error {
	if r.progress.Phase != PhaseCheck && errors.Is(b.Err, crypto.ErrShredded) {
		return nil
	}
	key := store.Key{Kind: b.Kind, ID: b.ID}
	if _, known := r.reported[key]; known && b.ID != "" {
		return nil
	}
	r.reported[key] = struct{}{}
	r.progress.Failed++
	return r.report(&RecordError{Kind: string(b.Kind), ID: b.ID, Tenant: b.Tenant, Err: b.Err})
}

// count finds out which records there are.
func (r *rotation) count(ctx context.Context) (err error) {
	if r.totals != nil {
		return nil
	}
	if r.kinds, err = r.repo.SealedKinds(ctx); err != nil {
		return fmt.Errorf("list kinds of records: %w", err)
	}
	totals := make(map[store.Kind]int64, len(r.kinds))
	for _, kind := range r.kinds {
		if totals[kind], err = r.repo.Count(ctx, kind); err != nil {
			return fmt.Errorf("count %s: %w", kind, err)
		}
	}
	r.totals = totals
	return nil
}

// rewrap brings all records to the newest versions. Others may go on sealing under the older ones until they have settled;
// verify comes back for that.
func (r *rotation) rewrap(ctx context.Context) error {
	return r.records(ctx, r.state.Kind, r.state.After, r.repo.Rewrap, nil)
}

// verify brings what is still under older versions to the newest, and then takes away all versions that no record needs. When
// it is stopped, it begins anew: only whoever has seen every record knows what is not needed.
func (r *rotation) verify(ctx context.Context) error {
	if r.own != nil {
		r.enter(PhaseOwn)
		if err := r.own(ctx); err != nil {
			return err
		}
		r.enter(PhaseVerify)
	}
	if r.state.Index {
		r.stuck = map[store.Kind]map[string]struct{}{}
		for _, kind := range repo.MovedKinds() {
			stuck := map[string]struct{}{}
			r.stuck[kind] = stuck
			if err := r.kind(ctx, kind, "", r.repo.Move, func(b repo.Broken) { stuck[b.Tenant] = struct{}{} }); err != nil {
				return err
			}
		}
		r.enter(PhaseVerify)
	}
	r.used, r.unreadable = map[[16]byte]struct{}{}, 0
	err := r.records(ctx, "", "", r.repo.Rewrap, func(b repo.Broken) {
		if b.Named {
			r.used[b.Key] = struct{}{}
		}
		if errors.Is(b.Err, store.ErrCorrupt) {
			r.unreadable++
		}
	})
	if err != nil {
		return err
	}
	return r.trim(ctx)
}

// trim takes away the versions that nothing is under any more.
func (r *rotation) trim(ctx context.Context) error {
	if r.unreadable > 0 {
		err := fmt.Errorf("%w: %d records that the store cannot read may be under any version", crypto.ErrKeyInUse, r.unreadable)
		return r.report(err)
	}
	if err := r.save(ctx); err != nil { // whoever has taken over may have made newer versions
		return err
	}
	used := func(_ context.Context, key [16]byte) (bool, error) {
		_, inUse := r.used[key]
		return inUse, nil
	}
	r.enter(PhaseRetire)
	if err := r.owners(ctx, r.rotator.Retire(ctx, used), nil); err != nil {
		return err
	}
	r.enter(PhaseTrim)
	if err := r.owners(ctx, r.rotator.Trim(ctx, used), nil); err != nil || !r.state.Index {
		return err
	}
	for _, kind := range repo.MovedKinds() {
		stuck := func(_ context.Context, tenant string) (bool, error) {
			_, inUse := r.stuck[kind][tenant]
			return inUse, nil
		}
		if err := r.owners(ctx, r.reblinder.TrimIndex(ctx, repo.FieldOf(kind), stuck), nil); err != nil {
			return err
		}
	}
	return nil
}
