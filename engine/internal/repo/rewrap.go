package repo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/store"
)

// sealed are the kinds whose bodies are sealed, for stores that do not know which kinds they have.
var sealed = []store.Kind{
	activityKind, connectionKind, dataStoreKind, deliveryKind, entryKind, erasureKind, executionKind, hookKind, identifierKind,
	scenarioKind, stateKind, structureKind,
}

// SealedKinds returns the kinds of records whose bodies may be sealed, sorted. A store that knows its kinds also has those
// that somebody else writes.
func (r *Repo) SealedKinds(ctx context.Context) ([]store.Kind, error) {
	lister, ok := r.store.(store.Lister)
	if !ok {
		return slices.Clone(sealed), nil
	}
	kinds, err := lister.Kinds(ctx)
	if errors.Is(err, errors.ErrUnsupported) {
		return slices.Clone(sealed), nil
	}
	return slices.DeleteFunc(kinds, func(kind store.Kind) bool { return kind == ringKind || kind == rotationKind }), err
}

// Count counts the records of a kind, of all tenants, active and passive.
func (r *Repo) Count(ctx context.Context, kind store.Kind) (count int64, err error) {
	if counter, ok := r.store.(store.Counter); ok {
		count, err := counter.Count(ctx, kind)
		if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, store.ErrCorrupt) {
			return count, err
		}
	}
	q := everything(kind)
	q.KeysOnly = true
	for _, err := range r.store.Find(ctx, q) {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return 0, err
		}
		count++
	}
	return count, nil
}

func everything(kind store.Kind) store.Query {
	return store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}
}

// Broken is a record that does not open.
type Broken struct {
	Kind       store.Kind
	ID, Tenant string
	// Key is the key that it is under, when Named says that it names one.
	Key   [16]byte
	Named bool
	Err   error
}

// Pass is how far a pass over all records of a kind has come.
type Pass struct {
	// After is the ID of the last record that was dealt with.
	After string
	// Done and Changed count the records of this step: all of them, and those that were written anew.
	Done, Changed int64
	// Broken are those of this step that do not open. They stay as they are.
	Broken []Broken
}

// Rewrap brings all records of a kind, of all tenants, behind an ID, to the newest keys. Only bodies change, and versions;
// what is under the newest key already is not written. When it is through, every record that was there all the time, and is
// not reported as broken, is under the newest key that this process knows.
//
// It goes on behind records that do not open, and ends with the first error of the store or of the keys. A loop that is left
// early waits for the writes under way.
func (r *Repo) Rewrap(ctx context.Context, kind store.Kind, after string) iter.Seq2[Pass, error] {
	// Twice as many steps as can be sealed at a time, so that the store always has several to commit together.
	return r.pass(ctx, kind, after, 2*runtime.GOMAXPROCS(0)+2, r.rewrap)
}

// Verify opens all records of a kind, of all tenants, behind an ID, and changes nothing.
func (r *Repo) Verify(ctx context.Context, kind store.Kind, after string) iter.Seq2[Pass, error] {
	return r.pass(ctx, kind, after, runtime.GOMAXPROCS(0)+1, r.verify)
}

const (
	// passRecords and passBytes bound what one step of a pass takes along.
	passRecords = 512
	passBytes   = 2 << 20
)

// A step is a batch of records that follow each other, and what became of them.
type step struct {
	Pass
	records []store.Record
	err     error
	done    chan struct{}
}

// pass reads the records of a kind ahead, lets work deal with several steps at a time, and yields them in order.
func (r *Repo) pass(ctx context.Context, kind store.Kind, after string, parallel int, work func(context.Context, *step) error) iter.Seq2[Pass, error] {
	return func(yield func(Pass, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var working sync.WaitGroup
		defer working.Wait()
		defer cancel()
		steps := make(chan *step, parallel-1) // one more is waited for
		var failed error                      // of the reading; looked at when steps is closed
		working.Go(func() {
			defer close(steps)
			failed = r.readSteps(ctx, kind, after, func(s *step) bool {
				select {
				case steps <- s:
				case <-ctx.Done():
					return false
				}
				working.Go(func() {
					defer close(s.done)
					s.err = work(ctx, s)
					s.records = nil
				})
				return true
			})
		})
		for s := range steps {
			<-s.done
			if s.err != nil {
				cancel()
				yield(Pass{}, s.err)
				return
			}
			if !yield(s.Pass, nil) {
				return
			}
		}
		if failed != nil {
			yield(Pass{}, failed)
		}
	}
}

// readSteps reads the records of a kind in steps until hand returns false.
func (r *Repo) readSteps(ctx context.Context, kind store.Kind, after string, hand func(*step) bool) error {
	newStep := func() *step { return &step{done: make(chan struct{})} }
	s, size := newStep(), 0
	q := everything(kind)
	q.After = after
	for rec, err := range r.store.Find(ctx, q) {
		switch {
		case errors.Is(err, store.ErrCorrupt):
			s.Broken = append(s.Broken, Broken{Kind: kind, ID: rec.ID, Tenant: rec.Tenant, Err: err})
		case err != nil:
			return fmt.Errorf("read %s: %w", kind, err)
		default:
			s.records = append(s.records, rec)
			size += len(rec.Body)
		}
		if rec.ID != "" { // one that is corrupt may have lost it
			s.After = rec.ID
		}
		if s.Done++; s.Done == passRecords || size >= passBytes {
			room := len(s.records)
			if !hand(s) {
				return ctx.Err()
			}
			s, size = newStep(), 0
			s.records = make([]store.Record, 0, room) // the next step is likely to be like this one
		}
	}
	if s.Done > 0 && !hand(s) {
		return ctx.Err()
	}
	return nil
}

// verify opens the records of a step.
func (r *Repo) verify(ctx context.Context, s *step) error {
	for i := range s.records {
		err := r.settled(ctx, &s.records[i], func(rec *store.Record) error {
			body, err := r.vault.Open(ctx, scope(rec), rec.Body)
			clear(body)
			return err
		})
		if err := s.failed(&s.records[i], err); err != nil {
			return err
		}
	}
	return nil
}

// rewrap brings the records of a step to the newest keys.
func (r *Repo) rewrap(ctx context.Context, s *step) error {
	var changed []*store.Record
	for i := range s.records {
		rec, renewed := &s.records[i], false
		err := r.settled(ctx, rec, func(rec *store.Record) (err error) {
			renewed, err = r.renew(ctx, rec)
			return err
		})
		if err := s.failed(rec, err); err != nil {
			return err
		}
		if renewed {
			changed = append(changed, rec)
		}
	}
	return r.replace(ctx, s, changed)
}

// renew seals the body of a record anew, unless it is under the newest key.
func (r *Repo) renew(ctx context.Context, rec *store.Record) (bool, error) {
	body, renewed, err := r.vault.Rewrap(ctx, scope(rec), rec.Body)
	if err != nil {
		return false, err
	}
	rec.Body = body
	return renewed, nil
}

// replace writes records with new bodies. Where somebody else has written meanwhile, it looks again: what he has sealed may
// be under the newest key, what he has only touched is not.
func (r *Repo) replace(ctx context.Context, s *step, records []*store.Record) error {
	if len(records) == 0 {
		return nil
	}
	changes := make([]store.Change, len(records))
	for i, rec := range records {
		changes[i].Put = rec
	}
	err := r.store.Apply(ctx, changes...)
	switch {
	case err == nil:
		s.Changed += int64(len(records))
		return nil
	case !errors.Is(err, store.ErrConflict):
		return fmt.Errorf("write %s: %w", records[0].Kind, err)
	case len(records) > 1:
		half := len(records) / 2
		if err := r.replace(ctx, s, records[:half]); err != nil {
			return err
		}
		return r.replace(ctx, s, records[half:])
	}
	rec := records[0]
	now, err := r.store.Get(ctx, rec.Key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil && !errors.Is(err, store.ErrCorrupt) {
		return fmt.Errorf("read %s: %w", rec.Kind, err)
	}
	*rec = now
	renewed := false
	if err == nil {
		renewed, err = r.renew(ctx, rec)
	}
	if err := s.failed(rec, err); err != nil || !renewed {
		return err
	}
	return r.replace(ctx, s, records)
}

// settled does something with a record. When that fails, the record may have been sealed anew since it was read, and its old
// key taken away: then it is read and tried again.
func (r *Repo) settled(ctx context.Context, rec *store.Record, do func(*store.Record) error) error {
	for {
		err := do(rec)
		if err == nil || !Unopenable(err) {
			return err
		}
		now, again := r.store.Get(ctx, rec.Key)
		if errors.Is(again, store.ErrNotFound) {
			return nil // nobody needs it any more
		}
		if again != nil || now.Version == rec.Version {
			return err
		}
		*rec = now
	}
}

// failed notes that a record does not open. It returns the error when that is not for the record's sake.
func (s *step) failed(rec *store.Record, err error) error {
	switch {
	case err == nil:
		return nil
	case !Unopenable(err) && !errors.Is(err, store.ErrCorrupt):
		return fmt.Errorf("%s %s: %w", rec.Kind, rec.ID, err)
	}
	b := Broken{Kind: rec.Kind, ID: rec.ID, Tenant: rec.Tenant, Err: err}
	if key, err := crypto.KeyOf(rec.Body); err == nil {
		b.Key, b.Named = key, true
	} else if !slices.Contains(sealed, rec.Kind) {
		return nil // of somebody else's kind, and not sealed
	}
	s.Broken = append(s.Broken, b)
	return nil
}

// Unopenable says that an error is that of one envelope, or of its owner's keys, and that trying again is of no use.
func Unopenable(err error) bool {
	for _, known := range [...]error{
		crypto.ErrScope, crypto.ErrNoKey, crypto.ErrMalformed, crypto.ErrNewer, crypto.ErrShredded, crypto.ErrKeyTooOld,
		crypto.ErrEpochDestroyed, crypto.ErrNoEpoch,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// reopen opens the body of a record that did not open: when it was sealed anew after it was read, and its old key taken away,
// it has to be read again. A record whose lease somebody else has now is not. rec is then as it was read last.
func (r *Repo) reopen(ctx context.Context, rec *store.Record, failed error) ([]byte, error) {
	if !errors.Is(failed, crypto.ErrKeyTooOld) && !errors.Is(failed, crypto.ErrNoKey) {
		return nil, failed
	}
	now, err := r.store.Get(ctx, rec.Key)
	if err != nil || now.Version == rec.Version || !now.Due.Equal(rec.Due) || now.Tenant != rec.Tenant {
		return nil, failed
	}
	*rec = now
	return r.vault.Open(ctx, scope(rec), rec.Body)
}
