package retention_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
	"github.com/ebbkit/ebb/store/storetest"
)

var errDisk = errors.New("disk on fire")

func TestOneFailingKindDoesNotBlockTheOthers(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	for _, kind := range []store.Kind{"a", "b", "c"} {
		put(t, records, record(kind, retention.Activity, start), record(kind, retention.Notification, start))
	}
	records.find = func(q store.Query) iter.Seq2[store.Record, error] {
		if q.Kind != "b" {
			return nil
		}
		return func(yield func(store.Record, error) bool) { yield(store.Record{}, errDisk) }
	}
	keeper := retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))}
	report, err := keeper.Sweep(t.Context())
	require.ErrorIs(t, err, errDisk)
	require.ErrorContains(t, err, `retention: sweep category "activity" of kind "b": find: disk on fire`)
	require.ErrorContains(t, err, `retention: count kind "b": find: disk on fire`)
	require.NotContains(t, err.Error(), `kind "a"`)
	require.EqualValues(t, 4, report.Total().Passivated)
	require.False(t, report.Counted)

	records.find = nil
	report = sweep(t, keeper)
	require.EqualValues(t, 2, report.Total().Passivated)
	require.EqualValues(t, 6, report.Total().Passive)
}

func TestRecordsReadBeforeASearchBreaksAreDealtWith(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	for range 10 {
		put(t, records, record("run", retention.Activity, start))
	}
	records.find = func(q store.Query) iter.Seq2[store.Record, error] {
		return func(yield func(store.Record, error) bool) {
			n := 0
			for rec, err := range records.Store.Find(t.Context(), q) {
				if n++; n > 6 {
					yield(store.Record{}, errDisk)
					return
				}
				if !yield(rec, err) {
					return
				}
			}
		}
	}
	report, err := retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))}.Sweep(t.Context())
	require.ErrorIs(t, err, errDisk)
	require.EqualValues(t, 6, report.Total().Passivated)
}

func TestOneFailingCategoryDoesNotBlockTheOthers(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	for range 100 {
		put(t, records, record("run", retention.Activity, start), record("run", retention.Notification, start))
	}
	calls := 0
	records.apply = func(_ context.Context, changes []store.Change) error {
		for _, c := range changes {
			if touched(c).Category == "activity" {
				calls++
				return errDisk
			}
		}
		return nil
	}
	report, err := retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))}.Sweep(t.Context())
	require.ErrorIs(t, err, errDisk)
	require.ErrorContains(t, err, "left to the next sweep after 3 failures in a row")
	require.Equal(t, 10, calls, "a store that always fails is not asked for each record")
	require.Equal(t, map[retention.Category]retention.Counts{
		"activity":     {Failed: 3, Overdue: start.AddDate(0, 0, 30), Active: 100},
		"notification": {Passivated: 100, Passive: 100},
	}, report.Categories)
}

func TestRecordsThatCannotBeChangedDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	bad := make(map[string]bool)
	for i := range 1000 {
		rec := record("run", retention.Activity, start.Add(time.Duration(i)))
		put(t, records, rec)
		if i%100 < 2 {
			bad[rec.ID] = true
		}
	}
	records.apply = func(_ context.Context, changes []store.Change) error {
		for _, c := range changes {
			if bad[touched(c).ID] {
				return errDisk
			}
		}
		return nil
	}
	keeper := retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))}
	report, err := keeper.Sweep(t.Context())
	require.ErrorIs(t, err, errDisk)
	require.Equal(t, retention.Counts{
		Passivated: 980, Failed: 20, Overdue: start.AddDate(0, 0, 30), Active: 20, Passive: 980,
	}, report.Total())

	records.apply = nil
	require.Equal(t, retention.Counts{Passivated: 20, Passive: 1000}, sweep(t, keeper).Total())
}

func TestUnreadableRecordsAreNamedAndDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	var broken store.Record
	for i := range 30 {
		rec := record("run", retention.Activity, start)
		put(t, records, rec)
		if i == 9 {
			broken = *rec
		}
	}
	records.find = func(q store.Query) iter.Seq2[store.Record, error] {
		return func(yield func(store.Record, error) bool) {
			for rec, err := range records.Store.Find(t.Context(), q) {
				if rec.ID == broken.ID {
					rec, err = store.Record{Key: rec.Key}, fmt.Errorf("%w: checksum", store.ErrCorrupt)
				}
				if !yield(rec, err) {
					return
				}
			}
		}
	}
	report, err := retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31)), BatchSize: 10}.Sweep(t.Context())
	require.ErrorIs(t, err, store.ErrCorrupt)
	require.EqualError(t, err, `retention: kind "run": 1 unreadable, the first is record `+broken.ID+`: store: corrupt: checksum`)
	require.EqualValues(t, 1, report.Unreadable)
	require.True(t, report.Counted)
	require.Equal(t, retention.Counts{Passivated: 29, Passive: 29}, report.Total())
}

func TestRecordsWrittenMeanwhileAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	var written []*store.Record
	for range 100 {
		rec := record("run", retention.Activity, start)
		put(t, records, rec)
		written = append(written, rec)
	}
	now := start.AddDate(0, 0, 31)
	calls := 0
	records.apply = func(context.Context, []store.Change) error {
		if calls++; calls > 1 {
			return nil
		}
		renewed := *written[3]
		renewed.Created = now
		return records.Store.Apply(t.Context(), store.Change{Put: &renewed}, store.Change{Put: written[4]}, store.Change{Delete: written[5]})
	}
	report := sweep(t, retention.Keeper{Store: records, Now: clock(now)})
	require.Equal(t, retention.Counts{Passivated: 98, Active: 1, Passive: 98}, report.Total())
	require.Equal(t, 2, calls)
}

func TestRecordsThatAreAlwaysWrittenMeanwhileAreSkipped(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	var busy *store.Record
	for i := range 100 {
		rec := record("run", retention.Activity, start)
		put(t, records, rec)
		if i == 60 {
			busy = rec
		}
	}
	records.apply = func(_ context.Context, changes []store.Change) error {
		for _, c := range changes {
			if touched(c).ID == busy.ID {
				return records.Store.Apply(t.Context(), store.Change{Touch: busy})
			}
		}
		return nil
	}
	keeper := retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))}
	require.Equal(t, retention.Counts{Passivated: 99, Skipped: 1, Active: 1, Passive: 99}, sweep(t, keeper).Total())
	records.apply = nil
	require.Equal(t, retention.Counts{Passivated: 1, Passive: 100}, sweep(t, keeper).Total())
}

func TestFailuresAndConflictsInOneBatchAreCountedOnce(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	const fate = "good bad bad busy bad bad good busy"
	fates := make(map[string]string)
	busy := make(map[string]*store.Record)
	for _, f := range strings.Fields(fate) {
		rec := record("run", retention.Activity, start)
		put(t, records, rec)
		if fates[rec.ID] = f; f == "busy" {
			busy[rec.ID] = rec
		}
	}
	records.apply = func(_ context.Context, changes []store.Change) error {
		for _, c := range changes {
			switch id := touched(c).ID; fates[id] {
			case "bad":
				return errDisk
			case "busy":
				require.NoError(t, records.Store.Apply(t.Context(), store.Change{Touch: busy[id]}))
			}
		}
		return nil
	}
	keeper := retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))}
	report, err := keeper.Sweep(t.Context())
	require.ErrorIs(t, err, errDisk)
	require.NotContains(t, err.Error(), "left to the next sweep", "never three failures in a row")
	require.Equal(t, retention.Counts{
		Passivated: 2, Failed: 4, Overdue: start.AddDate(0, 0, 30), Skipped: 2, Active: 6, Passive: 2,
	}, report.Total())
	require.Equal(t, start.AddDate(0, 0, 30).AddDate(0, 6, 0), report.Next, "what is overdue is not what comes next")
}

func TestEveryBatchMayBeLookedAtAgain(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	for range 60 {
		put(t, records, record("run", retention.Activity, start))
	}
	calls := 0
	records.apply = func(_ context.Context, changes []store.Change) error {
		if calls++; calls%2 == 0 {
			return nil
		}
		rec := *touched(changes[0])
		rec.Passive = time.Time{}
		return records.Store.Apply(t.Context(), store.Change{Touch: &rec})
	}
	report := sweep(t, retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31)), BatchSize: 10})
	require.EqualValues(t, 60, report.Total().Passivated)
	require.Equal(t, 12, calls)
}

func TestClosedStoreEndsTheSweep(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	for range 10 {
		put(t, records, record("run", retention.Activity, start))
	}
	calls := 0
	records.apply = func(context.Context, []store.Change) error {
		calls++
		return records.Store.Close()
	}
	report, err := retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))}.Sweep(t.Context())
	require.EqualError(t, err, `retention: sweep category "activity" of kind "run": store: closed`)
	require.Equal(t, 1, calls)
	require.Zero(t, report.Total())

	_, err = retention.Keeper{Store: records}.Sweep(t.Context())
	require.ErrorIs(t, err, store.ErrClosed)
}

// workload fills a store with records of three kinds: due for nothing, for one thing, for both; and says how many
// changes are due.
func workload(t *testing.T, records store.Store) (now time.Time, due int64) {
	t.Helper()
	now = start
	for i := range 60 {
		for n, c := range []retention.Category{retention.Activity, retention.Notification, "unheard_of"} {
			rec := record(store.Kind(fmt.Sprintf("kind_%d", (i+n)%3)), c, start.AddDate(0, 0, -5*i))
			put(t, records, rec)
			if until, limited := (retention.Policy{}).Until(c, rec.Created); limited && !until.After(now) {
				due++
			}
		}
	}
	return now, due
}

// outline says of every record of a workload what it is and since when, but not which.
func outline(t *testing.T, records store.Store) map[string]int {
	t.Helper()
	lines := make(map[string]int)
	for _, kind := range []store.Kind{"kind_0", "kind_1", "kind_2"} {
		for _, rec := range all(t, records, kind) {
			lines[fmt.Sprint(rec.Kind, rec.Category, rec.Created, rec.Passive, rec.Due, string(rec.Body))]++
		}
	}
	return lines
}

func TestSweepStoppedAnywhereIsFinishedByTheNextOne(t *testing.T) {
	t.Parallel()
	stopped := 0
	for n := 1; ; n++ {
		records := &tap{Store: memory.New()}
		now, due := workload(t, records)
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		call := func() {
			if calls++; calls == n {
				cancel()
			}
		}
		records.find = func(store.Query) iter.Seq2[store.Record, error] { call(); return nil }
		records.apply = func(context.Context, []store.Change) error { call(); return nil }
		keeper := retention.Keeper{Store: records, Now: clock(now), BatchSize: 7}
		first, err := keeper.Sweep(ctx)
		over := calls < n
		cancel()
		if over {
			require.NoError(t, err)
			require.Equal(t, due, first.Total().Passivated+first.Total().Deleted)
			break
		}
		stopped++
		require.ErrorIs(t, err, context.Canceled)
		records.find, records.apply = nil, nil
		second := sweep(t, keeper)
		require.Equal(t, due, first.Total().Passivated+first.Total().Deleted+second.Total().Passivated+second.Total().Deleted, "stopped at call %d", n)
		require.Zero(t, sweep(t, keeper).Total().Passivated)
	}
	require.Greater(t, stopped, 50)
}

func TestSweepThatFailsAtAnyCallIsFinishedByTheNextOne(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*storetest.Faulty){
		"once":              func(*storetest.Faulty) {},
		"from then on":      func(f *storetest.Faulty) { f.Lasting = true },
		"after the effect":  func(f *storetest.Faulty) { f.Late = true },
		"and never answers": func(f *storetest.Faulty) { f.Late, f.Lasting = true, true },
		"as if closed":      func(f *storetest.Faulty) { f.Lasting, f.Err = true, store.ErrClosed },
		"as if written":     func(f *storetest.Faulty) { f.Err = store.ErrConflict },
		"unreadable":        func(f *storetest.Faulty) { f.Err = store.ErrCorrupt },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			untouched := memory.New()
			now, due := workload(t, untouched)
			sweep(t, retention.Keeper{Store: untouched, Now: clock(now)})

			for call := int64(1); ; call++ {
				records := memory.New()
				workload(t, records)
				faulty := &storetest.Faulty{Store: records, Call: call}
				set(faulty)
				first, err := retention.Keeper{Store: faulty, Now: clock(now), BatchSize: 7}.Sweep(t.Context())
				if !faulty.Failed() {
					require.NoError(t, err)
					require.Greater(t, call, int64(40), "there are calls enough to fail at")
					return
				}
				second := sweep(t, retention.Keeper{Store: records, Now: clock(now), BatchSize: 7})
				done := first.Total().Passivated + first.Total().Deleted + second.Total().Passivated + second.Total().Deleted
				if faulty.Late {
					require.InDelta(t, due, done, 7, "only what one lost answer was about is not counted")
					require.LessOrEqual(t, done, due)
				} else {
					require.Equal(t, due, done, "call %d", call)
				}
				require.Equal(t, outline(t, untouched), outline(t, records), "call %d", call)
				require.True(t, second.Counted)
			}
		})
	}
}
