package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

const rotated store.Kind = "execution"

// BenchmarkRotate rotates the keys of records of 1 KiB on SQLite, and says how many a second are sealed anew (rewrapped/s), how
// many are looked at once more before the old keys go (verified/s), and how many the whole rotation does (records/s). In the
// same run the limits of the store: a loop that reads the same records and replaces them with themselves at the same time, in
// the same steps (copied/s), and one that replaces bodies that are at hand, without reading (bare/s). EBB_RECORDS says how many
// records there are.
func BenchmarkRotate(b *testing.B) {
	count := 20_000
	if text := os.Getenv("EBB_RECORDS"); text != "" {
		var err error
		count, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	records, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "ebb.db"))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, records.Close()) })
	keeper := crypto.NewKeyring()
	vault, err := crypto.NewHierarchy(b.Context(), crypto.HierarchyConfig{Keeper: keeper, Keys: crypto.NewKeyStore(), KeyTime: time.Millisecond})
	require.NoError(b, err)
	e, err := engine.New(engine.Config{Store: records, Vault: vault})
	require.NoError(b, err)
	b.Cleanup(func() {
		require.NoError(b, e.Close())
		require.NoError(b, vault.Close())
		require.NoError(b, keeper.Close())
	})
	seal(b, records, vault, count)

	spent := map[engine.RotatePhase]time.Duration{}
	var bare, copied time.Duration
	runs := 0
	b.ReportAllocs()
	for b.Loop() {
		runs++
		last, at := engine.RotatePhase(""), time.Now()
		for p, err := range e.Rotate(b.Context(), engine.RotateOptions{}) {
			require.NoError(b, err)
			now := time.Now()
			spent[p.Phase] += now.Sub(at)
			spent[""] += now.Sub(at)
			if at = now; p.Phase != last && testing.Verbose() {
				last = p.Phase
				b.Logf("%s: %d of %d", p.Phase, p.Done, p.Total)
			}
		}
		b.StopTimer()
		copied += copyAll(b, records)
		bare += replace(b, records)
		b.StartTimer()
	}
	rate := func(spent time.Duration) float64 { return float64(runs) * float64(count) / spent.Seconds() }
	b.ReportMetric(rate(spent[engine.PhaseRewrap]), "rewrapped/s")
	b.ReportMetric(rate(spent[engine.PhaseVerify]), "verified/s")
	b.ReportMetric(rate(spent[""]), "records/s")
	b.ReportMetric(rate(copied), "copied/s")
	b.ReportMetric(rate(bare), "bare/s")
}

// seal fills a store with executions of two tenants.
func seal(b *testing.B, records store.Store, vault crypto.Vault, count int) {
	b.Helper()
	body := make([]byte, 1024)
	for i := range body {
		body[i] = byte(i * 31)
	}
	var changes []store.Change
	for i := range count {
		rec := &store.Record{
			Key: store.Key{Kind: rotated, ID: uuid.Must(uuid.NewV7()).String()}, Tenant: fmt.Sprint("tenant-", i%2),
			Parent: uuid.NewSHA1(uuid.Nil, []byte{byte(i % 7)}).String(), Category: "execution_detail", State: "success", Created: time.Now(),
		}
		var err error
		rec.Body, err = vault.Seal(b.Context(), crypto.Scope{
			Tenant: rec.Tenant, Category: rec.Category, Record: string(rec.Kind) + "/" + rec.ID, Field: "body",
		}, body)
		require.NoError(b, err)
		if changes = append(changes, store.Change{Put: rec}); len(changes) == 512 || i == count-1 {
			require.NoError(b, records.Apply(b.Context(), changes...))
			changes = changes[:0]
		}
	}
}

// copyAll reads all records and writes them with their own bodies, one step read ahead of two that are written, and returns how
// long that took.
func copyAll(b *testing.B, records store.Store) time.Duration {
	b.Helper()
	began := time.Now()
	steps := make(chan []store.Change, 1)
	var writing sync.WaitGroup
	for range 2 {
		writing.Go(func() {
			for changes := range steps {
				if err := records.Apply(context.Background(), changes...); err != nil {
					b.Errorf("%v", err)
				}
			}
		})
	}
	var changes []store.Change
	for rec, err := range records.Find(b.Context(), store.Query{Kind: rotated, AllTenants: true}) {
		require.NoError(b, err)
		if changes = append(changes, store.Change{Put: &rec}); len(changes) == 512 {
			steps <- changes
			changes = nil
		}
	}
	if len(changes) > 0 {
		steps <- changes
	}
	close(steps)
	writing.Wait()
	return time.Since(began)
}

// replace writes all records with their own bodies, two steps at a time, and returns how long that took without reading.
func replace(b *testing.B, records store.Store) (spent time.Duration) {
	b.Helper()
	const window = 64 * 512
	var changes []store.Change
	flush := func() {
		began := time.Now()
		var writing sync.WaitGroup
		for half := range 2 {
			writing.Go(func() {
				for at := half * 512; at < len(changes); at += 1024 {
					if err := records.Apply(context.Background(), changes[at:min(at+512, len(changes))]...); err != nil {
						b.Errorf("%v", err)
					}
				}
			})
		}
		writing.Wait()
		spent += time.Since(began)
		changes = changes[:0]
	}
	for rec, err := range records.Find(b.Context(), store.Query{Kind: rotated, AllTenants: true}) {
		require.NoError(b, err)
		if changes = append(changes, store.Change{Put: &rec}); len(changes) == window {
			flush()
		}
	}
	flush()
	return spent
}
