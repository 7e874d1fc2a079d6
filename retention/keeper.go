package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ebbkit/ebb/store"
)

const defaultBatchSize = 500

// A Keeper applies a policy to the records of a store. It never opens a body, so it needs no keys.
//
// It keeps no state of its own: any number of goroutines and processes may sweep the same store at once, as long as
// nobody changes the Keeper's fields meanwhile.
type Keeper struct {
	// Store is where the records are. Required.
	Store store.Store
	// Policy is what to apply. Default: Default().
	Policy Policy
	// Kinds are the kinds of records to sweep. Default: all kinds that the store, a store.Lister, names.
	Kinds []store.Kind
	// Now tells the time. Default: time.Now.
	Now func() time.Time
	// BatchSize is how many records are held at once, and how many changes go into one Apply, at most. Default: 500.
	BatchSize int
	// SkipCensus leaves out the look at every record that is left, which finds the records without a rule and the next
	// instant at which there is something to do. A sweep then costs what is due, not what is there. It is meant for
	// frequent sweeps of a large store, with a full one now and then. Default: false.
	SkipCensus bool
	// Progress is called with the report so far after every batch, from the goroutine that sweeps. Default: nobody is told.
	Progress func(Report)
}

// Sweep takes every record whose active time is over out of active use, and deletes every record whose passive time is
// over; a record for which both are over is deleted at once. All is judged as of one instant, when the sweep starts.
//
// A record's Passive becomes the instant at which its active time was over, not the instant of the sweep, so a late
// sweep prolongs nothing. Its Due becomes zero, so nobody claims it any more. A record that is passive already keeps its
// Passive, whatever the policy says now about its active time.
//
// Sweep may be stopped at any point, by its context or by a crash: the next one goes on. No change is counted twice; one
// whose answer from the store was lost is not counted at all. Records that somebody else changed meanwhile are skipped.
// What fails for one category of one kind, or for one record, is in the error and does not stop the rest; only the end of
// ctx or of the store does. The report is valid also when there is an error. A policy that is not valid changes nothing,
// and is an error that wraps ErrPolicy.
func (k Keeper) Sweep(ctx context.Context) (Report, error) {
	if k.Store == nil {
		return Report{}, ErrNoStore
	}
	k.Policy = k.Policy.Resolve()
	if err := k.Policy.Validate(); err != nil {
		return Report{}, err
	}
	if k.Now == nil {
		k.Now = time.Now
	}
	if k.BatchSize <= 0 {
		k.BatchSize = defaultBatchSize
	}
	s := sweep{
		Keeper:     k,
		report:     Report{At: k.Now().UTC().Round(0), Categories: make(map[Category]Counts)},
		unreadable: make(map[store.Key]error),
	}
	kinds, err := k.kinds(ctx)
	if err != nil {
		return s.report, err
	}
	err = s.run(ctx, kinds)
	return s.report, err
}

// kinds returns the kinds to sweep, each once, sorted.
func (k Keeper) kinds(ctx context.Context) ([]store.Kind, error) {
	if len(k.Kinds) > 0 {
		return slices.Compact(slices.Sorted(slices.Values(k.Kinds))), nil
	}
	lister, ok := k.Store.(store.Lister)
	if !ok {
		return nil, ErrNoKinds
	}
	kinds, err := lister.Kinds(ctx)
	if err != nil {
		return nil, fmt.Errorf("retention: list kinds: %w", err)
	}
	return kinds, nil
}

// A sweep is one Sweep under way.
type sweep struct {
	Keeper // with its defaults filled in

	report     Report
	problems   []error
	unreadable map[store.Key]error
}

// run does what is due in all kinds before it counts what is left in any, so that sweeps that are always stopped after a
// while still get everywhere.
func (s *sweep) run(ctx context.Context, kinds []store.Kind) error {
	if s.expire(ctx, kinds) && s.compact(ctx) && !s.SkipCensus {
		s.census(ctx, kinds)
	}
	s.reportUnreadable()
	return errors.Join(s.problems...)
}

// expire does what is due, and reports whether to go on.
func (s *sweep) expire(ctx context.Context, kinds []store.Kind) bool {
	categories := s.Policy.categories()
	for _, kind := range kinds {
		for _, c := range categories {
			for _, q := range s.due(kind, c) {
				if !s.note(ctx, s.settle(ctx, q), "sweep category %q of kind %q", c, kind) {
					return false
				}
			}
		}
	}
	return true
}

// compact has the store give back the room of what was deleted, and reports whether to go on. It is not only for
// deletions of this sweep: an earlier one may have been stopped right behind its own.
func (s *sweep) compact(ctx context.Context) bool {
	compacter, ok := s.Store.(store.Compacter)
	if !ok {
		return true
	}
	freed, err := compacter.Compact(ctx)
	s.report.Freed = freed
	return s.note(ctx, err, "compact")
}

// census looks at all that is left.
func (s *sweep) census(ctx context.Context, kinds []store.Kind) {
	before := len(s.problems)
	for _, kind := range kinds {
		err := s.each(ctx, store.Query{Kind: kind, Visibility: store.Everything}, s.count)
		if !s.note(ctx, err, "count kind %q", kind) {
			break
		}
	}
	s.report.Counted = len(s.problems) == before
}

// note keeps err, if it is one, and reports whether there is anything else that can be done.
func (s *sweep) note(ctx context.Context, err error, format string, args ...any) bool {
	if err == nil {
		return true
	}
	s.problems = append(s.problems, fmt.Errorf("retention: "+format+": %w", append(args, err)...))
	return !over(ctx, err)
}

// reportUnreadable makes one problem for each kind of the records that no search could read.
func (s *sweep) reportUnreadable() {
	s.report.Unreadable = int64(len(s.unreadable))
	first, number := make(map[store.Kind]string), make(map[store.Kind]int)
	for key := range s.unreadable {
		if number[key.Kind]++; number[key.Kind] == 1 || key.ID < first[key.Kind] {
			first[key.Kind] = key.ID
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(first)) {
		s.problems = append(s.problems, fmt.Errorf("retention: kind %q: %d unreadable, the first is record %s: %w",
			kind, number[kind], first[kind], s.unreadable[store.Key{Kind: kind, ID: first[kind]}]))
	}
}

// over reports whether err means that nothing else can be done.
func over(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, store.ErrClosed)
}

// due returns the searches that find all records of a category that are due, and few others.
func (s *sweep) due(kind store.Kind, c Category) []store.Query {
	var queries []store.Query
	rule, _ := s.Policy.Rule(c)
	if !rule.Active.IsZero() {
		if before, ok := s.cutoff(rule.Active); ok {
			queries = append(queries, store.Query{
				Kind: kind, Category: string(c), CreatedBefore: before, Visibility: store.Active,
			})
		}
	}
	if rule.SkipPassive || !rule.Passive.IsZero() {
		if before, ok := s.cutoff(rule.Passive); ok {
			queries = append(queries, store.Query{
				Kind: kind, Category: string(c), PassiveBefore: before, Visibility: store.Passive,
			})
		}
	}
	return queries
}

// cutoff returns the first instant from which a period is surely not over yet, and false when it is over for no instant
// that a store can hold: those of the years 1678 to 2262, as far as 64 bits of nanoseconds around 1970 reach.
func (s *sweep) cutoff(p Period) (time.Time, bool) {
	first, last := time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC).Add(-1)
	before := p.latest(s.report.At).Add(1)
	if before.After(last) {
		before = last
	}
	return before, before.After(first)
}

// each reads what q finds, without bodies, and hands it to visit batch by batch. It stops at visit's first error; errStale
// has it read the batch again.
func (s *sweep) each(ctx context.Context, q store.Query, visit func(context.Context, []store.Record) error) error {
	q.AllTenants, q.KeysOnly = true, true
	for {
		if err := s.search(ctx, &q, visit); !errors.Is(err, errStale) {
			return err
		}
	}
}

// search is one search for q. Behind each batch that was dealt with it moves q.After on. Records that cannot be read are
// noted and left out.
func (s *sweep) search(ctx context.Context, q *store.Query, visit func(context.Context, []store.Record) error) error {
	var batch []store.Record
	var broken error
	found, last := 0, q.After
	deal := func() error {
		if found == 0 {
			return nil
		}
		if err := visit(ctx, batch); err != nil {
			return err
		}
		batch, found, q.After = batch[:0], 0, last
		if s.Progress != nil {
			s.Progress(s.report.clone())
		}
		return nil
	}
	for rec, err := range s.Store.Find(ctx, *q) {
		switch {
		case err == nil:
			batch = append(batch, rec)
		case errors.Is(err, store.ErrCorrupt) && rec.ID != "":
			s.unreadable[store.Key{Kind: q.Kind, ID: rec.ID}] = err
		default: // the search ends here, or goes on behind something that cannot be named
			broken = cmp.Or(broken, fmt.Errorf("find: %w", err))
			continue
		}
		last = rec.ID
		if found++; found < s.BatchSize {
			continue
		}
		if err := deal(); err != nil {
			return errors.Join(err, broken)
		}
	}
	return errors.Join(deal(), broken)
}

// count takes note of what is left.
func (s *sweep) count(_ context.Context, batch []store.Record) error {
	for i := range batch {
		rec, c := &batch[i], Category(batch[i].Category)
		n := Counts{Active: 1}
		if !rec.Passive.IsZero() {
			n = Counts{Passive: 1}
		}
		if _, covered := s.Policy.Rule(c); !covered {
			n.Uncovered = 1
		}
		s.report.add(c, n)
		if due, _, limited := s.judge(rec); limited && due.After(s.report.At) {
			s.report.Next = earlier(s.report.Next, due)
		}
	}
	return nil
}

// judge returns when the next step in a record's life is due, whether that is to delete it, and false when there is
// none.
func (s *sweep) judge(rec *store.Record) (due time.Time, erase, limited bool) {
	c := Category(rec.Category)
	if !rec.Passive.IsZero() {
		due, limited = s.Policy.Gone(c, rec.Passive)
		return due, true, limited
	}
	due, limited = s.Policy.Until(c, rec.Created)
	if !limited {
		return time.Time{}, false, false
	}
	if gone, ok := s.Policy.Gone(c, due); ok && !gone.After(s.report.At) {
		return gone, true, true
	}
	return due, false, true
}
