package memory_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
	"github.com/ebbkit/ebb/store/storetest"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return memory.New() })
}

// uuid returns an ID; IDs sort as their numbers do.
func uuid(n uint64) string { return fmt.Sprintf("%08x-%04x-7000-8000-000000000000", n>>16, n&0xffff) }

// TestOrderSurvivesGrowthAndDecay fills and empties the store in random order, much further than any one piece of its
// orders goes, and compares both directions of a search with a sorted list.
func TestOrderSurvivesGrowthAndDecay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	s := memory.New()
	live := map[string]*store.Record{}
	for _, grow := range []int{5000, -4000, 3000, -3990, 500, -510, 100} {
		for range max(grow, -grow) {
			if grow > 0 {
				r := &store.Record{
					Key: store.Key{Kind: "a", ID: uuid(random.Uint64() >> 24)}, Created: start, Parent: fmt.Sprint(random.IntN(3)),
					Due: start.Add(time.Duration(random.IntN(50))),
				}
				require.NoError(t, s.Apply(t.Context(), store.Change{Put: r}))
				live[r.ID] = r
				continue
			}
			for id, r := range live {
				require.NoError(t, s.Apply(t.Context(), store.Change{Delete: r}))
				delete(live, id)
				break
			}
		}
		for _, parent := range []string{"", "1"} {
			var want, got []string
			for id, r := range live {
				if parent == "" || r.Parent == parent {
					want = append(want, id)
				}
			}
			slices.Sort(want)
			for _, reverse := range []bool{false, true} {
				got = got[:0]
				for r, err := range s.Find(t.Context(), store.Query{Kind: "a", Parent: parent, Reverse: reverse}) {
					require.NoError(t, err)
					got = append(got, r.ID)
				}
				require.True(t, slices.Equal(want, got))
				slices.Reverse(want)
			}
		}
	}
	leased, err := s.Claim(t.Context(), "a", start.Add(time.Hour), start.Add(2*time.Hour), 10_000)
	require.NoError(t, err)
	require.Len(t, leased, len(live))
	require.True(t, slices.IsSortedFunc(leased, func(a, b store.Record) int {
		return live[a.ID].Due.Compare(live[b.ID].Due)
	}))
}

// million returns a store of a million records, eight to a parent, due one after the other.
func million(b *testing.B) *memory.Store {
	b.Helper()
	s := memory.New()
	for n := range uint64(1_000_000) {
		require.NoError(b, s.Apply(b.Context(), store.Change{Put: &store.Record{
			Key: store.Key{Kind: "a", ID: uuid(n)}, Parent: uuid(n &^ 7), Category: "c", Created: start,
			Due: start.Add(time.Duration(n)), Body: []byte("body"),
		}}))
	}
	return s
}

func BenchmarkMillion(b *testing.B) {
	s := million(b)
	n := uint64(0)
	next := func() uint64 {
		n = (n + 7919) % 1_000_000
		return n
	}
	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Get(b.Context(), store.Key{Kind: "a", ID: uuid(next())}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("FindByParent", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			found := 0
			for range s.Find(b.Context(), store.Query{Kind: "a", Parent: uuid(next() &^ 7)}) {
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
			for range s.Find(b.Context(), store.Query{Kind: "a", AllTenants: true, Category: "c", CreatedBefore: start}) {
				b.Fatal("something is due")
			}
		}
	})
	b.Run("Touch", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := s.Get(b.Context(), store.Key{Kind: "a", ID: uuid(next())})
			if err != nil {
				b.Fatal(err)
			}
			r.State = "touched"
			if err := s.Apply(b.Context(), store.Change{Touch: &r}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Claim", func(b *testing.B) {
		b.ReportAllocs()
		now := start.Add(time.Hour)
		for b.Loop() {
			now = now.Add(1)
			if leased, err := s.Claim(b.Context(), "a", now, now.Add(time.Hour), 10); err != nil || len(leased) != 10 {
				b.Fatal(len(leased), err)
			}
		}
	})
}
