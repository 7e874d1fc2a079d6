package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ebbkit/ebb/store"
)

// maxFailuresInRow is after how many records in a row that could not be changed a category is left to the next sweep:
// then it is the store that fails, not the records.
const maxFailuresInRow = 3

// maxLooks is how often a batch is read again because records in it changed, before its steps are tried one by one. It
// makes sweeps of several processes that started together share the work instead of redoing each other's.
const maxLooks = 3

var (
	errGivenUp = fmt.Errorf("left to the next sweep after %d failures in a row", maxFailuresInRow)
	errStale   = errors.New("read the batch again")
)

// A step is a change that is due since an instant.
type step struct {
	store.Change

	category Category
	due      time.Time
}

func (s step) id() string {
	if s.Delete != nil {
		return s.Delete.ID
	}
	return s.Touch.ID
}

// A settlement does what is due to the records that one search finds.
type settlement struct {
	*sweep

	failure  error // the first that kept a record from its step
	failures int   // in a row
	looks    int   // at the current batch, after the first
}

// settle does what is due to the records that q finds.
func (s *sweep) settle(ctx context.Context, q store.Query) error {
	w := settlement{sweep: s}
	err := s.each(ctx, q, w.batch)
	return errors.Join(w.failure, err)
}

// batch does what is due to these records. Its error is errStale when they should be read again, and otherwise says that
// there is no point in going on.
func (w *settlement) batch(ctx context.Context, records []store.Record) error {
	steps := make([]step, 0, len(records))
	for i := range records {
		rec := &records[i]
		due, erase, limited := w.judge(rec)
		if !limited || due.After(w.report.At) {
			continue
		}
		s := step{category: Category(rec.Category), due: due}
		if erase {
			s.Delete = rec
		} else {
			rec.Passive, rec.Due = due, time.Time{}
			s.Touch = rec
		}
		steps = append(steps, s)
	}
	if len(steps) > 0 {
		if err := w.apply(ctx, steps); err != nil {
			return err
		}
	}
	w.looks = 0
	return nil
}

// apply does the steps together or, when the store refuses that, half by half, down to the single ones that are to blame.
func (w *settlement) apply(ctx context.Context, steps []step) error {
	changes := make([]store.Change, len(steps))
	for i := range steps {
		changes[i] = steps[i].Change
	}
	err := w.Store.Apply(ctx, changes...)
	switch {
	case err == nil:
		w.failures = 0
		for _, s := range steps {
			if s.Delete != nil {
				w.report.add(s.category, Counts{Deleted: 1})
			} else {
				w.report.add(s.category, Counts{Passivated: 1})
			}
		}
		return nil
	case over(ctx, err):
		return err
	case len(steps) > 1 && errors.Is(err, store.ErrConflict) && w.looks < maxLooks:
		w.looks++
		return errStale
	case len(steps) > 1:
		half := len(steps) / 2
		if err := w.apply(ctx, steps[:half]); err != nil {
			return err
		}
		return w.apply(ctx, steps[half:])
	}
	w.looks = maxLooks // this record is counted now, so the batch must not come again
	if errors.Is(err, store.ErrConflict) {
		w.failures = 0
		w.report.add(steps[0].category, Counts{Skipped: 1})
		return nil
	}
	w.report.add(steps[0].category, Counts{Failed: 1, Overdue: steps[0].due})
	if w.failure == nil {
		w.failure = fmt.Errorf("record %s: %w", steps[0].id(), err)
	}
	if w.failures++; w.failures >= maxFailuresInRow {
		return errGivenUp
	}
	return nil
}
