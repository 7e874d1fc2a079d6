package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	driver "zombiezen.com/go/sqlite"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// uuid returns the n-th of a sequence of IDs that look like version 7: they rise, and end in digits that do not.
func uuid(n int64) string {
	mixed := uint64(n) * 0x9E3779B97F4A7C15
	return fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", uint32(0x01940000+n>>16), uint16(n), mixed>>52, mixed>>40&0xfff, mixed&0xffffffffffff)
}

// effect is a record as a run writes one for each of its effects.
func effect(n int64, run string, body []byte) *store.Record {
	return &store.Record{
		Key: store.Key{Kind: "effect", ID: uuid(n)}, Parent: run, Category: "execution_detail", State: "done",
		Created: start.Add(time.Duration(n) * time.Microsecond), Body: body,
	}
}

func benchOpen(b *testing.B) (*sqlite.Store, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "ebb.db")
	s, err := sqlite.Open(b.Context(), path)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	return s, path
}

// BenchmarkGroupCommit lets 256 goroutines do runs of 4 records, each applied after the one before it is on the disk. In the
// same run a bare loop writes the same rows, 256 to a transaction, through the same driver: into a table and indexes as the
// store makes them (ratio), and into a table whose only index is that of the IDs (ratio-one-index).
func BenchmarkGroupCommit(b *testing.B) {
	const goroutines, runs, chain = 256, 8, 4
	body := make([]byte, 200)
	for i := range body {
		body[i] = byte(i * 31)
	}
	s, _ := benchOpen(b)
	bare := []*bareWriter{openBare(b, true), openBare(b, false)}
	var n atomic.Int64
	var ours time.Duration
	rows := 0
	b.ReportAllocs()
	for b.Loop() {
		from := n.Load()
		begun := time.Now()
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				for range runs {
					run := uuid(n.Add(1))
					for range chain {
						if err := s.Apply(b.Context(), store.Change{Put: effect(n.Add(1), run, body)}); err != nil {
							panic(err)
						}
					}
				}
			})
		}
		wg.Wait()
		ours += time.Since(begun)
		rows += goroutines * runs * chain
		b.StopTimer()
		for range runs {
			for _, w := range bare {
				w.run(b, from, goroutines, chain, body)
			}
			from += goroutines * (1 + chain)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(rows)/ours.Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/bare[0].took.Seconds(), "bare-rows/s")
	b.ReportMetric(bare[0].took.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(bare[1].took.Seconds()/ours.Seconds(), "ratio-one-index")
}

// A bareWriter writes rows with as little as can be: one goroutine, one statement, prepared once.
type bareWriter struct {
	begin, insert, commit *driver.Stmt
	took                  time.Duration
}

func openBare(b *testing.B, indexed bool) *bareWriter {
	b.Helper()
	s, path := benchOpen(b)
	require.NoError(b, s.Apply(b.Context(), store.Change{Put: effect(0, uuid(0), nil)}))
	require.NoError(b, s.Close())
	conn, err := driver.OpenConn(path, driver.OpenReadWrite)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, conn.Close()) })
	statements := []string{
		"PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON", "PRAGMA wal_autocheckpoint = 8192", "PRAGMA cache_size = -8192",
	}
	if !indexed {
		for _, prefix := range []string{"p", "t", "c", "d", "g"} {
			statements = append(statements, "DROP INDEX "+prefix+"_effect")
		}
	}
	for _, sql := range statements {
		stmt, _, err := conn.PrepareTransient(sql)
		require.NoError(b, err)
		_, err = stmt.Step()
		require.NoError(b, err)
		require.NoError(b, stmt.Finalize())
	}
	w := &bareWriter{}
	w.begin, err = conn.Prepare("BEGIN IMMEDIATE")
	require.NoError(b, err)
	w.commit, err = conn.Prepare("COMMIT")
	require.NoError(b, err)
	w.insert, err = conn.Prepare(`INSERT INTO r_effect (id, version, tenant, parent, category, state, created, due, passive,
		subjects, sum, body) VALUES (?, 1, NULL, ?, 1, 2, ?, NULL, NULL, NULL, ?, ?)`)
	require.NoError(b, err)
	return w
}

// run writes the rows of so many runs, each run's next one in each transaction.
func (w *bareWriter) run(b *testing.B, n int64, runs, chain int, body []byte) {
	b.Helper()
	parents := make([][16]byte, runs)
	for i := range parents {
		n++
		parents[i] = bytesOf(n)
	}
	step := func(stmt *driver.Stmt) {
		_, err := stmt.Step()
		require.NoError(b, err)
		require.NoError(b, stmt.Reset())
	}
	begun := time.Now()
	for range chain {
		step(w.begin)
		for i := range parents {
			n++
			id := bytesOf(n)
			w.insert.BindBytes(1, id[:])
			w.insert.BindBytes(2, parents[i][:])
			w.insert.BindInt64(3, start.UnixNano()+n*1000)
			w.insert.BindInt64(4, n*0x1E3779B97F4A7C15)
			w.insert.BindBytes(5, body)
			step(w.insert)
		}
		step(w.commit)
	}
	w.took += time.Since(begun)
}

// bytesOf returns 16 bytes that rise and end like those of uuid.
func bytesOf(n int64) (id [16]byte) {
	mixed := uint64(n) * 0x9E3779B97F4A7C15
	for i := range 6 {
		id[i] = byte((0x01940000<<16 + uint64(n)) >> (40 - 8*i))
	}
	for i := range 8 {
		id[8+i] = byte(mixed >> (56 - 8*i))
	}
	id[6], id[7] = 0x70|byte(mixed>>60), byte(mixed>>52)
	return id
}

// BenchmarkApply is one writer who waits for each record: its latency is that of the disk.
func BenchmarkApply(b *testing.B) {
	s, _ := benchOpen(b)
	body := make([]byte, 200)
	n := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		if err := s.Apply(b.Context(), put(effect(n, uuid(n&^7), body))); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareApply is what BenchmarkApply does without a store.
func BenchmarkBareApply(b *testing.B) {
	w := openBare(b, true)
	body := make([]byte, 200)
	n := int64(0)
	for b.Loop() {
		n++
		w.run(b, n, 1, 1, body)
	}
}

// fill puts n effects, eight to a run, many to a commit.
func fill(b *testing.B, s *sqlite.Store, n int64, set func(int64, *store.Record)) {
	b.Helper()
	body := make([]byte, 200)
	var changes []store.Change
	for i := range n {
		r := effect(i, uuid(i&^7), body)
		if set != nil {
			set(i, r)
		}
		if changes = append(changes, put(r)); len(changes) == 2000 || i == n-1 {
			require.NoError(b, s.Apply(b.Context(), changes...))
			changes = changes[:0]
		}
	}
}

// BenchmarkClaim leases 100 records at a time.
func BenchmarkClaim(b *testing.B) {
	s, _ := benchOpen(b)
	const records, limit = 20_000, 100
	fill(b, s, records, func(n int64, r *store.Record) { r.Due = start.Add(time.Duration(n)) })
	now, taken := start.Add(time.Second), 0
	b.ReportAllocs()
	for b.Loop() {
		leased, err := s.Claim(b.Context(), "effect", now, now.Add(time.Second), limit)
		if err != nil || len(leased) == 0 {
			b.Fatal(len(leased), err)
		}
		if taken += len(leased); taken%records == 0 {
			now = now.Add(2 * time.Second)
		}
	}
	b.ReportMetric(float64(taken)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkClaimOfNothing is what an idle worker asks.
func BenchmarkClaimOfNothing(b *testing.B) {
	s, _ := benchOpen(b)
	fill(b, s, 10_000, func(n int64, r *store.Record) { r.Due = start.Add(time.Hour) })
	b.ReportAllocs()
	for b.Loop() {
		if leased, err := s.Claim(b.Context(), "effect", start, start.Add(1), 10); err != nil || len(leased) > 0 {
			b.Fatal(len(leased), err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s, _ := benchOpen(b)
	const records = 100_000
	fill(b, s, records, nil)
	n := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		n = (n + 7919) % records
		if _, err := s.Get(b.Context(), store.Key{Kind: "effect", ID: uuid(n)}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMillion searches among a million records: for the eight of one parent, and for what a sweep has to take when
// there is nothing.
func BenchmarkMillion(b *testing.B) {
	s, _ := benchOpen(b)
	const records = 1_000_000
	fill(b, s, records, nil)
	b.Run("FindByParent", func(b *testing.B) {
		n := int64(0)
		b.ReportAllocs()
		for b.Loop() {
			n = (n + 7919*8) % records
			found := 0
			for _, err := range s.Find(b.Context(), store.Query{Kind: "effect", Parent: uuid(n &^ 7)}) {
				if err != nil {
					b.Fatal(err)
				}
				found++
			}
			if found != 8 {
				b.Fatal(found)
			}
		}
	})
	b.Run("SweepOfNothing", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			q := store.Query{Kind: "effect", AllTenants: true, Category: "execution_detail", CreatedBefore: start, KeysOnly: true}
			for range s.Find(b.Context(), q) {
				b.Fatal("something is due")
			}
		}
	})
	b.Run("FindAll", func(b *testing.B) {
		found := 0
		for b.Loop() {
			for _, err := range s.Find(b.Context(), store.Query{Kind: "effect", AllTenants: true, KeysOnly: true}) {
				if err != nil {
					b.Fatal(err)
				}
				found++
			}
		}
		b.ReportMetric(float64(found)/b.Elapsed().Seconds(), "records/s")
	})
}
