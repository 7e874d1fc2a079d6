package retention_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// A model is what a store should hold, kept by the simplest means: every record is looked at in every sweep.
type model map[string]store.Record

// sweep does what a sweep promises, and returns what it should report.
func (m model) sweep(rules map[retention.Category]retention.Rule, now time.Time) (map[retention.Category]retention.Counts, time.Time) {
	report := make(map[retention.Category]retention.Counts)
	var next time.Time
	for id, rec := range m {
		c := retention.Category(rec.Category)
		counts := report[c]
		rule, covered := rules[c]
		if covered && rec.Passive.IsZero() && !rule.Active.IsZero() {
			if until := naiveAdd(rule.Active, rec.Created); !until.After(now) {
				rec.Passive, rec.Due = until, time.Time{}
				rec.Version++
				counts.Passivated++
			} else if next.IsZero() || until.Before(next) {
				next = until
			}
		}
		gone := time.Time{}
		if covered && !rec.Passive.IsZero() && (rule.SkipPassive || !rule.Passive.IsZero()) {
			gone = naiveAdd(rule.Passive, rec.Passive)
		}
		switch {
		case !gone.IsZero() && !gone.After(now):
			if m[id].Passive.IsZero() {
				counts.Passivated--
			}
			counts.Deleted++
			delete(m, id)
			report[c] = counts
			continue
		case !gone.IsZero() && (next.IsZero() || gone.Before(next)):
			next = gone
		}
		m[id] = rec
		if rec.Passive.IsZero() {
			counts.Active++
		} else {
			counts.Passive++
		}
		if !covered {
			counts.Uncovered++
		}
		report[c] = counts
	}
	return report, next
}

func TestSweepsAgreeWithANaiveModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			period := func() retention.Period {
				switch random.IntN(4) {
				case 0:
					return retention.Period{Months: 1 + random.IntN(7)}
				case 1:
					return retention.Period{Days: 1 + random.IntN(90)}
				case 2:
					return retention.Period{Time: time.Duration(random.Int64N(int64(1000 * time.Hour)))}
				}
				return retention.Period{Months: random.IntN(2), Days: random.IntN(9), Time: time.Duration(1 + random.IntN(3))}
			}
			policy := func() retention.Policy {
				rules := make(map[retention.Category]retention.Rule)
				for c := range 6 {
					rule := sound(retention.Rule{})
					if random.IntN(4) > 0 {
						rule.Active = period()
					}
					if rule.SkipPassive = random.IntN(4) == 0; !rule.SkipPassive {
						rule.Passive = period()
					}
					if !rule.SkipPassive && rule.Passive.IsZero() {
						rule.Passive.Days = 1
					}
					rules[retention.Category(fmt.Sprintf("c%d", c))] = rule
				}
				return retention.Policy{Rules: rules}
			}
			records, expected := memory.New(), make(model)
			now, current := start, policy()
			var written []store.Record
			write := func(change store.Change) {
				require.NoError(t, records.Apply(t.Context(), change))
				rec := touched(change)
				expected[rec.ID] = *rec
				written = append(written, *rec)
			}
			for range 40 {
				for range random.IntN(30) {
					// c6 and c7 have no rule; some instants share a day's clamp, some are to come.
					rec := record(store.Kind(fmt.Sprintf("k%d", random.IntN(3))), retention.Category(fmt.Sprintf("c%d", random.IntN(8))),
						now.Add(time.Duration(random.Int64N(int64(400*24*time.Hour)))-380*24*time.Hour))
					if random.IntN(8) == 0 {
						rec.Passive = rec.Created.Add(time.Duration(random.Int64N(int64(100 * 24 * time.Hour))))
					}
					write(store.Change{Put: rec})
				}
				if len(written) > 0 && random.IntN(3) == 0 {
					if rec, there := expected[written[random.IntN(len(written))].ID]; there {
						rec.Category = fmt.Sprintf("c%d", random.IntN(8))
						write(store.Change{Put: &rec})
					}
				}
				switch random.IntN(6) {
				case 0:
					current = policy()
				case 1:
					now = now.AddDate(0, 0, -random.IntN(60))
				default:
					now = now.Add(time.Duration(random.Int64N(int64(40 * 24 * time.Hour))))
				}
				if len(written) > 0 && random.IntN(2) == 0 { // right at, or right before, the instant of some record
					rec := written[random.IntN(len(written))]
					if until, limited := current.Until(retention.Category(rec.Category), rec.Created); limited {
						now = until.Add(-time.Duration(random.IntN(2)))
					}
				}
				report, err := retention.Keeper{
					Store: records, Policy: current, Now: clock(now), BatchSize: 1 + random.IntN(40),
				}.Sweep(t.Context())
				require.NoError(t, err)
				counts, next := expected.sweep(current.Rules, now)
				require.Equal(t, counts, report.Categories)
				require.Equal(t, next, report.Next)
				held := make(model)
				for _, kind := range []store.Kind{"k0", "k1", "k2"} {
					for id, rec := range all(t, records, kind) {
						held[id] = rec
					}
				}
				require.Equal(t, expected, held)
				for _, rec := range held {
					if _, covered := current.Rules[retention.Category(rec.Category)]; covered && rec.Passive.IsZero() {
						require.True(t, current.Visible(rec, now), "what a sweep leaves active is visible")
					}
				}
			}
		})
	}
}

// Months that end early are where a search by instant goes wrong, so every sweep here comes days after the last one, and
// all of them together at every quarter of a day.
func TestEndsOfMonthsAreSweptAtTheirInstant(t *testing.T) {
	t.Parallel()
	for _, period := range []retention.Period{{Months: 1}, {Months: 6}, {Months: 1, Days: 1, Time: time.Hour}} {
		policy := retention.Policy{Rules: map[retention.Category]retention.Rule{"c": sound(retention.Rule{Active: period, SkipPassive: true})}}
		for phase := range 20 {
			records, ends := memory.New(), make(map[string]time.Time)
			for created := start.AddDate(0, 0, -7); created.Before(start.AddDate(0, 0, 60)); created = created.Add(6 * time.Hour) {
				rec := record("run", "c", created)
				put(t, records, rec)
				ends[rec.ID] = naiveAdd(period, created)
			}
			for now := period.Add(start.AddDate(0, 0, -10)).Add(time.Duration(phase) * 6 * time.Hour); len(ends) > 0; now = now.AddDate(0, 0, 5) {
				deleted := 0
				for id, end := range ends {
					if !end.After(now) {
						deleted++
						delete(ends, id)
					}
				}
				report := sweep(t, retention.Keeper{Store: records, Policy: policy, Now: clock(now)})
				require.EqualValues(t, deleted, report.Total().Deleted, "%v at %v", period, now)
				require.EqualValues(t, len(ends), report.Total().Active, "%v at %v", period, now)
			}
		}
	}
}

func TestSweepsThatRaceWithEachOtherAndWithWritersCountEachChangeOnce(t *testing.T) {
	t.Parallel()
	records := memory.New()
	now := start.AddDate(0, 0, 31)
	var written []*store.Record
	for i := range 3000 {
		created := start
		if i%3 == 0 {
			created = start.AddDate(-1, 0, 0) // to be deleted
		}
		written = append(written, record("run", retention.Activity, created))
	}
	put(t, records, written...)

	var group sync.WaitGroup
	reports := make([]retention.Report, 4)
	failures := make([]error, len(reports))
	for i := range reports {
		group.Go(func() {
			reports[i], failures[i] = retention.Keeper{Store: records, Now: clock(now), BatchSize: 50 + i}.Sweep(t.Context())
		})
	}
	rewritten := make([]error, 3)
	for w := range rewritten {
		group.Go(func() {
			for i := w; i < len(written); i += len(rewritten) {
				rec := *written[i]
				rec.State = "seen"
				err := records.Apply(context.WithoutCancel(t.Context()), store.Change{Put: &rec})
				if err != nil && !errors.Is(err, store.ErrConflict) {
					rewritten[w] = err
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range slices.Concat(failures, rewritten) {
		require.NoError(t, err)
	}
	last := sweep(t, retention.Keeper{Store: records, Now: clock(now)})
	require.Zero(t, last.Total().Skipped)
	var passivated, deleted int64
	for _, r := range append(reports, last) {
		passivated += r.Total().Passivated
		deleted += r.Total().Deleted
	}
	require.EqualValues(t, 2000, passivated)
	require.EqualValues(t, 1000, deleted)
	left := all(t, records, "run")
	require.Len(t, left, 2000)
	for _, rec := range left {
		require.Equal(t, start.AddDate(0, 0, 30), rec.Passive)
	}
}
