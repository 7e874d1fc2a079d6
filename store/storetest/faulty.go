package storetest

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/ebbkit/ebb/store"
)

var (
	_ store.Store     = (*Faulty)(nil)
	_ store.Lister    = (*Faulty)(nil)
	_ store.Counter   = (*Faulty)(nil)
	_ store.Compacter = (*Faulty)(nil)
)

// Faulty is a store that hands its calls to another one and lets the n-th of them fail. It lets tests find out what every
// single failure leaves behind: for Call of 1, 2, 3 and so on, until Failed stays false.
//
// Get, each range over Find, Apply, Claim, Kinds and Compact count as calls, Close does not. Set the fields before the
// first call; after that, any number of goroutines may use it at once.
type Faulty struct {
	// Store does what does not fail.
	store.Store
	// Call is the number of the call that fails; the first one is 1. Zero: none.
	Call int64
	// Writes counts Apply and Claim alone. Default: all calls count.
	Writes bool
	// Late lets the call that fails take effect first, as when a commit's answer is lost; Find then yields its records
	// and the error after them. Default: it has no effect.
	Late bool
	// Lasting lets every call that counts after it fail, too, and never take effect, as when a disk has died. Default:
	// the next one succeeds.
	Lasting bool
	// Err is what the call returns. Default: an error of its own.
	Err error

	calls  atomic.Int64
	failed atomic.Bool
}

var errFaulty = errors.New("storetest: told to fail")

// Calls returns how many calls have counted so far.
func (f *Faulty) Calls() int64 { return f.calls.Load() }

// Failed reports whether a call has failed.
func (f *Faulty) Failed() bool { return f.failed.Load() }

// next counts a call and returns what it has to do: fail with an error, if that is not nil, and take effect before that,
// if effect is true.
func (f *Faulty) next(writes bool) (effect bool, err error) {
	if f.Writes && !writes {
		return true, nil
	}
	n := f.calls.Add(1)
	if f.Call == 0 || n < f.Call || n > f.Call && !f.Lasting {
		return true, nil
	}
	f.failed.Store(true)
	if err = f.Err; err == nil {
		err = errFaulty
	}
	return f.Late && n == f.Call, err
}

// Get is Get of the store, or fails.
func (f *Faulty) Get(ctx context.Context, key store.Key) (store.Record, error) {
	effect, fault := f.next(false)
	if fault != nil && !effect {
		return store.Record{}, fault
	}
	r, err := f.Store.Get(ctx, key)
	if fault != nil {
		return store.Record{}, fault
	}
	return r, err
}

// Find is Find of the store, or fails at once or, with Late, at its end.
func (f *Faulty) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	return func(yield func(store.Record, error) bool) {
		effect, fault := f.next(false)
		if effect {
			for r, err := range f.Store.Find(ctx, q) {
				if !yield(r, err) {
					return
				}
			}
		}
		if fault != nil {
			yield(store.Record{}, fault)
		}
	}
}

// Apply is Apply of the store, or fails.
func (f *Faulty) Apply(ctx context.Context, changes ...store.Change) error {
	effect, fault := f.next(true)
	if fault == nil {
		return f.Store.Apply(ctx, changes...)
	}
	if !effect {
		return fault
	}
	// Whoever gets an error learns no versions.
	if err := f.Store.Apply(ctx, copies(changes)...); err != nil {
		return err
	}
	return fault
}

func copies(changes []store.Change) []store.Change {
	copied := make([]store.Change, len(changes))
	for i, c := range changes {
		copied[i] = store.Change{Put: copyOf(c.Put), Touch: copyOf(c.Touch), Delete: copyOf(c.Delete), Check: copyOf(c.Check)}
	}
	return copied
}

func copyOf(r *store.Record) *store.Record {
	if r == nil {
		return nil
	}
	c := *r
	return &c
}

// Claim is Claim of the store, or fails. With Late the records are leased, and nobody knows.
func (f *Faulty) Claim(ctx context.Context, kind store.Kind, now, until time.Time, limit int) ([]store.Record, error) {
	effect, fault := f.next(true)
	if fault != nil && !effect {
		return nil, fault
	}
	leased, err := f.Store.Claim(ctx, kind, now, until, limit)
	if fault != nil {
		return nil, fault
	}
	return leased, err
}

// Kinds is Kinds of the store, or fails. It returns errors.ErrUnsupported when the store is no store.Lister.
func (f *Faulty) Kinds(ctx context.Context) ([]store.Kind, error) {
	lister, ok := f.Store.(store.Lister)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	if _, fault := f.next(false); fault != nil {
		return nil, fault
	}
	return lister.Kinds(ctx)
}

// Count is Count of the store, or fails. It returns errors.ErrUnsupported when the store is no store.Counter.
func (f *Faulty) Count(ctx context.Context, kind store.Kind) (int64, error) {
	counter, ok := f.Store.(store.Counter)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	if _, fault := f.next(false); fault != nil {
		return 0, fault
	}
	return counter.Count(ctx, kind)
}

// Compact is Compact of the store, or fails. It has nothing to do when the store is no store.Compacter.
func (f *Faulty) Compact(ctx context.Context) (int64, error) {
	effect, fault := f.next(false)
	if fault != nil && !effect {
		return 0, fault
	}
	var freed int64
	var err error
	if compacter, ok := f.Store.(store.Compacter); ok {
		freed, err = compacter.Compact(ctx)
	}
	if fault != nil {
		return 0, fault
	}
	return freed, err
}
