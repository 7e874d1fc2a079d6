package retention_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

func TestHundredThousandRecords(t *testing.T) {
	t.Parallel()
	records := memory.New()
	const n = 100_000
	batch := make([]*store.Record, 0, n)
	for i := range n {
		batch = append(batch, record("run", retention.Activity, start.AddDate(0, 0, -i%400)))
	}
	put(t, records, batch...)
	began := time.Now()
	report := sweep(t, retention.Keeper{Store: records, Now: clock(start)})
	t.Logf("%v\nin %v", report, time.Since(began))
	total := report.Total()
	require.EqualValues(t, n, total.Active+total.Passive+total.Deleted)
	require.EqualValues(t, n/400*30, total.Active)
	require.EqualValues(t, n/400*(400-214), total.Deleted)
	require.Zero(t, total.Skipped+total.Failed)
	require.Len(t, all(t, records, "run"), int(total.Active+total.Passive))
}

func BenchmarkSweepNothingDue(b *testing.B) {
	records := memory.New()
	for i := range 10 {
		kind := store.Kind(fmt.Sprintf("kind_%d", i))
		var batch []*store.Record
		for range 1000 {
			batch = append(batch, record(kind, retention.Activity, start))
		}
		put(b, records, batch...)
	}
	for _, skip := range []bool{false, true} {
		b.Run(fmt.Sprintf("SkipCensus=%v", skip), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sweep(b, retention.Keeper{Store: records, Now: clock(start), SkipCensus: skip})
			}
		})
	}
}

func BenchmarkSweepAllDue(b *testing.B) {
	b.ReportAllocs()
	var left []*store.Record
	for range 10_000 {
		left = append(left, record("run", retention.Activity, start))
	}
	for b.Loop() {
		b.StopTimer()
		records := memory.New()
		for _, rec := range left {
			rec.Version = 0
		}
		put(b, records, slices.Clone(left)...)
		b.StartTimer()
		sweep(b, retention.Keeper{Store: records, Now: clock(start.AddDate(0, 0, 31))})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/record")
}
