package retention_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

func TestExpiredRecordBecomesPassiveWithAllItHolds(t *testing.T) {
	t.Parallel()
	records := memory.New()
	rec := record("delivery", retention.GatewayLog, start)
	put(t, records, rec)
	until, _ := retention.Policy{}.Until(retention.GatewayLog, start)

	report := sweep(t, retention.Keeper{Store: records, Now: clock(until.Add(-1))})
	require.Equal(t, map[retention.Category]retention.Counts{"gateway_log": {Active: 1}}, report.Categories)
	require.Equal(t, until, report.Next)
	got, err := records.Get(t.Context(), rec.Key)
	require.NoError(t, err)
	require.Equal(t, *rec, got)

	late := until.Add(100 * time.Hour)
	report = sweep(t, retention.Keeper{Store: records, Now: clock(late)})
	require.Equal(t, map[retention.Category]retention.Counts{"gateway_log": {Passivated: 1, Passive: 1}}, report.Categories)
	got, err = records.Get(t.Context(), rec.Key)
	require.NoError(t, err)
	want := *rec
	want.Passive, want.Due, want.Version = until, time.Time{}, 2
	require.Equal(t, want, got, "passive since its active time ended, not since the sweep")
	claimed, err := records.Claim(t.Context(), "delivery", late, late.Add(time.Hour), 10)
	require.NoError(t, err)
	require.Empty(t, claimed, "nobody claims it any more")

	gone, _ := retention.Policy{}.Gone(retention.GatewayLog, until)
	require.Equal(t, gone, report.Next)
	report = sweep(t, retention.Keeper{Store: records, Now: clock(gone.Add(-1))})
	require.Equal(t, map[retention.Category]retention.Counts{"gateway_log": {Passive: 1}}, report.Categories)
	report = sweep(t, retention.Keeper{Store: records, Now: clock(gone)})
	require.Equal(t, map[retention.Category]retention.Counts{"gateway_log": {Deleted: 1}}, report.Categories)
	require.Zero(t, report.Next)
	require.Empty(t, all(t, records, "delivery"))
}

func TestRecordOverdueForBothIsDeletedInOneSweep(t *testing.T) {
	t.Parallel()
	records := memory.New()
	put(t, records, record("delivery", retention.GatewayLog, start))
	report := sweep(t, retention.Keeper{Store: records, Now: clock(start.AddDate(2, 0, 0))})
	require.Equal(t, map[retention.Category]retention.Counts{"gateway_log": {Deleted: 1}}, report.Categories)
	require.Empty(t, all(t, records, "delivery"))
}

func TestSweepIsIdempotent(t *testing.T) {
	t.Parallel()
	records := memory.New()
	for i := range 50 {
		put(t, records, record("delivery", retention.GatewayLog, start.AddDate(0, 0, -10*i)))
	}
	keeper := retention.Keeper{Store: records, Now: clock(start)}
	first := sweep(t, keeper).Total()
	require.NotZero(t, first.Passivated)
	require.NotZero(t, first.Deleted)
	before := all(t, records, "delivery")
	second := sweep(t, keeper).Total()
	require.Equal(t, retention.Counts{Active: first.Active, Passive: first.Passive}, second)
	require.Equal(t, before, all(t, records, "delivery"))
}

func TestOneKindMayHoldSeveralCategoriesAndOneCategorySeveralKinds(t *testing.T) {
	t.Parallel()
	records := memory.New()
	put(t, records,
		record("mixed", retention.Notification, start),
		record("mixed", retention.Activity, start),
		record("mixed", retention.Scenario, start),
		record("other", retention.Activity, start))
	report := sweep(t, retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 8))})
	require.Equal(t, map[retention.Category]retention.Counts{
		"notification": {Passivated: 1, Passive: 1},
		"activity":     {Active: 2},
		"scenario":     {Active: 1},
	}, report.Categories)
	report = sweep(t, retention.Keeper{Store: records, Kinds: []store.Kind{"other", "other"}, Now: clock(start.AddDate(0, 0, 31))})
	require.Equal(t, map[retention.Category]retention.Counts{"activity": {Passivated: 1, Passive: 1}}, report.Categories)
}

func TestShorterPeriodsTakeEffectAtOnce(t *testing.T) {
	t.Parallel()
	records := memory.New()
	rec := record("run", retention.Activity, start)
	put(t, records, rec)
	now := start.AddDate(0, 0, 8)
	require.Zero(t, sweep(t, retention.Keeper{Store: records, Now: clock(now)}).Total().Passivated)

	shorter := retention.Default()
	rule := shorter.Rules[retention.Activity]
	rule.Active = retention.Period{Days: 7}
	shorter.Rules[retention.Activity] = rule
	sweep(t, retention.Keeper{Store: records, Policy: shorter, Now: clock(now)})
	require.Equal(t, start.AddDate(0, 0, 7), all(t, records, "run")[rec.ID].Passive)

	rule.Passive = retention.Period{Time: time.Hour}
	shorter.Rules[retention.Activity] = rule
	require.EqualValues(t, 1, sweep(t, retention.Keeper{Store: records, Policy: shorter, Now: clock(now)}).Total().Deleted)
}

func TestLongerPeriodsDoNotBringPassiveRecordsBack(t *testing.T) {
	t.Parallel()
	records := memory.New()
	rec := record("run", retention.Activity, start)
	put(t, records, rec)
	now := start.AddDate(0, 0, 40)
	sweep(t, retention.Keeper{Store: records, Now: clock(now)})
	before := all(t, records, "run")[rec.ID]

	longer := retention.Default()
	rule := longer.Rules[retention.Activity]
	rule.Active = retention.Period{Months: 24}
	longer.Rules[retention.Activity] = rule
	report := sweep(t, retention.Keeper{Store: records, Policy: longer, Now: clock(now)})
	require.Equal(t, before, all(t, records, "run")[rec.ID])
	require.False(t, longer.Visible(before, now))
	require.Equal(t, map[retention.Category]retention.Counts{"activity": {Passive: 1}}, report.Categories)
}

func TestRecordsTakenOutOfUseByHandKeepTheirInstant(t *testing.T) {
	t.Parallel()
	records := memory.New()
	closed := record("entry", retention.DatastoreRecord, start)
	closed.Passive = start.AddDate(0, 1, 3)
	kept := record("entry", retention.DatastoreRecord, start)
	put(t, records, closed, kept)
	gone, _ := retention.Policy{}.Gone(retention.DatastoreRecord, closed.Passive)

	sweep(t, retention.Keeper{Store: records, Now: clock(gone.Add(-1))})
	require.Equal(t, closed.Passive, all(t, records, "entry")[closed.ID].Passive)
	report := sweep(t, retention.Keeper{Store: records, Now: clock(gone)})
	require.Equal(t, map[retention.Category]retention.Counts{"datastore_record": {Deleted: 1, Active: 1}}, report.Categories)
}

func TestSkipPassiveDeletesWhenTheActiveTimeEnds(t *testing.T) {
	t.Parallel()
	records := memory.New()
	policy := retention.Policy{Rules: map[retention.Category]retention.Rule{
		"brief": sound(retention.Rule{Active: retention.Period{Time: time.Minute}, SkipPassive: true}),
	}}
	passive := record("trace", "brief", start)
	passive.Passive = start.Add(time.Second)
	put(t, records, record("trace", "brief", start), passive)
	report := sweep(t, retention.Keeper{Store: records, Policy: policy, Now: clock(start.Add(time.Minute - 1))})
	require.EqualValues(t, 1, report.Total().Deleted, "the passive one")
	report = sweep(t, retention.Keeper{Store: records, Policy: policy, Now: clock(start.Add(time.Minute))})
	require.Equal(t, map[retention.Category]retention.Counts{"brief": {Deleted: 1}}, report.Categories)
}

func TestRecordsWithoutARuleStayAndAreReported(t *testing.T) {
	t.Parallel()
	records := memory.New()
	passive := record("run", "unheard_of", start)
	passive.Passive = start
	put(t, records, record("run", "unheard_of", start), passive, record("run", "", start), record("run", "scenario", start))
	keeper := retention.Keeper{Store: records, Now: clock(start.AddDate(100, 0, 0))}
	report := sweep(t, keeper)
	require.Equal(t, map[retention.Category]retention.Counts{
		"unheard_of": {Active: 1, Passive: 1, Uncovered: 2},
		"":           {Active: 1, Uncovered: 1},
		"scenario":   {Active: 1},
	}, report.Categories)
	require.True(t, report.Counted)
	require.Len(t, all(t, records, "run"), 4)

	keeper.SkipCensus = true
	report = sweep(t, keeper)
	require.Empty(t, report.Categories)
	require.False(t, report.Counted)
}

func TestSweepWithoutACensusDoesTheSameWork(t *testing.T) {
	t.Parallel()
	for _, skip := range []bool{false, true} {
		records := memory.New()
		for i := range 300 {
			put(t, records, record("run", retention.Activity, start.AddDate(0, 0, -i)))
		}
		report := sweep(t, retention.Keeper{Store: records, Now: clock(start), SkipCensus: skip, BatchSize: 7})
		total := report.Total()
		// Six months before 30 days before 31 January begin on 1 July, 214 days back: from there on all are gone.
		require.EqualValues(t, 300-214, total.Deleted)
		require.EqualValues(t, 214-30, total.Passivated)
		require.Equal(t, !skip, report.Counted)
	}
}

func TestClockThatJumpsBackDoesNoHarm(t *testing.T) {
	t.Parallel()
	records := memory.New()
	rec := record("run", retention.Activity, start)
	put(t, records, rec, record("run", retention.Notification, start.AddDate(1, 0, 0)))
	sweep(t, retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))})
	before := all(t, records, "run")
	for _, now := range []time.Time{start.AddDate(0, 0, 3), start.AddDate(-100, 0, 0), time.Unix(0, 0), start.AddDate(-340, 0, 0)} {
		report := sweep(t, retention.Keeper{Store: records, Now: clock(now)})
		require.Zero(t, report.Total().Passivated+report.Total().Deleted+report.Total().Skipped)
		require.Equal(t, before, all(t, records, "run"))
	}
}

func TestPeriodsMayReachBeyondWhatAStoreCanHold(t *testing.T) {
	t.Parallel()
	records := memory.New()
	policy := retention.Policy{Rules: map[retention.Category]retention.Rule{
		"long":  sound(retention.Rule{Active: retention.Period{Months: 12_000, Days: 366_000, Time: 1<<63 - 1}, Passive: retention.Period{Months: 1}}),
		"short": sound(retention.Rule{Active: retention.Period{Time: 1}, Passive: retention.Period{Time: 1}}),
	}}
	oldest, newest := time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC)
	put(t, records, record("run", "long", oldest), record("run", "long", newest), record("run", "short", oldest), record("run", "short", newest))
	report := sweep(t, retention.Keeper{Store: records, Policy: policy, Now: clock(start)})
	require.Equal(t, map[retention.Category]retention.Counts{"long": {Active: 2}, "short": {Deleted: 1, Active: 1}}, report.Categories)
	report = sweep(t, retention.Keeper{Store: records, Policy: policy, Now: clock(newest.AddDate(100, 0, 0))})
	require.Equal(t, map[retention.Category]retention.Counts{"long": {Active: 2}, "short": {Deleted: 1}}, report.Categories)
}

func TestSweepNeverReadsABodyNorStaysWithinATenant(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	other := record("run", retention.Activity, start)
	other.Tenant = "another"
	put(t, records, record("run", retention.Activity, start), other)
	searches := 0
	records.find = func(q store.Query) iter.Seq2[store.Record, error] {
		searches++
		require.True(t, q.KeysOnly)
		require.True(t, q.AllTenants)
		return nil
	}
	report := sweep(t, retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))})
	require.EqualValues(t, 2, report.Total().Passivated)
	require.Positive(t, searches)
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	for range 25 {
		put(t, records, record("run", retention.Activity, start))
	}
	var sizes []int
	records.apply = func(_ context.Context, changes []store.Change) error {
		sizes = append(sizes, len(changes))
		return nil
	}
	var seen []retention.Report
	keeper := retention.Keeper{
		Store: records, Now: clock(start.AddDate(0, 0, 31)), BatchSize: 10,
		Progress: func(r retention.Report) { seen = append(seen, r) },
	}
	report := sweep(t, keeper)
	require.Equal(t, []int{10, 10, 5}, sizes)
	require.Equal(t, []int64{10, 20, 25}, []int64{
		seen[0].Total().Passivated, seen[1].Total().Passivated, seen[2].Total().Passivated,
	}, "each report stays as it was")
	require.Equal(t, report.Categories, seen[len(seen)-1].Categories)
}

func TestPolicyThatIsNotSoundChangesNothing(t *testing.T) {
	t.Parallel()
	records := memory.New()
	put(t, records, record("run", retention.Activity, start))
	policy := retention.Default()
	policy.Rules[retention.Activity] = sound(retention.Rule{Active: retention.Period{Days: 1}})
	_, err := retention.Keeper{Store: records, Policy: policy, Now: clock(start.AddDate(9, 0, 0))}.Sweep(t.Context())
	require.ErrorIs(t, err, retention.ErrPolicy)
	require.Len(t, all(t, records, "run"), 1)
}

func TestKeeperNeedsAStoreAndItsKinds(t *testing.T) {
	t.Parallel()
	_, err := retention.Keeper{}.Sweep(t.Context())
	require.ErrorIs(t, err, retention.ErrNoStore)

	type bare struct{ store.Store }
	_, err = retention.Keeper{Store: bare{memory.New()}}.Sweep(t.Context())
	require.ErrorIs(t, err, retention.ErrNoKinds)
	_, err = retention.Keeper{Store: bare{memory.New()}, Kinds: []store.Kind{"run"}}.Sweep(t.Context())
	require.NoError(t, err)
}

func TestKeeperTellsTheTimeByItself(t *testing.T) {
	t.Parallel()
	records := memory.New()
	put(t, records, record("run", retention.Notification, time.Now().AddDate(0, 0, -8)), record("run", retention.Notification, time.Now()))
	report := sweep(t, retention.Keeper{Store: records})
	require.Equal(t, retention.Counts{Passivated: 1, Active: 1, Passive: 1}, report.Total())
	require.WithinDuration(t, time.Now(), report.At, time.Minute)
	require.Equal(t, time.UTC, report.At.Location())
}

func TestRoomIsGivenBackAfterTheDeletions(t *testing.T) {
	t.Parallel()
	records := &tap{Store: memory.New()}
	put(t, records, record("run", retention.Activity, start))
	records.compact = func(context.Context) (int64, error) {
		require.Empty(t, all(t, records, "run"), "first delete, then compact")
		return 4096, nil
	}
	keeper := retention.Keeper{Store: records, Now: clock(start.AddDate(1, 0, 0))}
	report := sweep(t, keeper)
	require.EqualValues(t, 4096, report.Freed)

	broken := errors.New("cannot shrink")
	records.compact = func(context.Context) (int64, error) { return 0, broken }
	report, err := keeper.Sweep(t.Context())
	require.ErrorIs(t, err, broken)
	require.True(t, report.Counted, "what is left is counted all the same")
}
