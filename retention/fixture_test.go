package retention_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

var start = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// record returns a new record that is due to be claimed and has something in every field.
func record(kind store.Kind, c retention.Category, created time.Time) *store.Record {
	return &store.Record{
		Key:      store.Key{Kind: kind, ID: uuid.Must(uuid.NewV7()).String()},
		Tenant:   "acme",
		Parent:   "orders",
		Category: string(c),
		Subjects: []string{"token-b", "token-a"},
		State:    "done",
		Created:  created,
		Due:      created.Add(time.Minute),
		Body:     []byte("sealed"),
	}
}

func put(t testing.TB, s store.Store, records ...*store.Record) {
	t.Helper()
	for batch := range slices.Chunk(records, 1000) {
		changes := make([]store.Change, len(batch))
		for i, rec := range batch {
			changes[i] = store.Change{Put: rec}
		}
		require.NoError(t, s.Apply(t.Context(), changes...))
	}
}

// clock is a Now that stands still.
func clock(now time.Time) func() time.Time { return func() time.Time { return now } }

// sweep sweeps without an error.
func sweep(t testing.TB, k retention.Keeper) retention.Report {
	t.Helper()
	report, err := k.Sweep(t.Context())
	require.NoError(t, err)
	return report
}

// all returns every record of a kind, by ID.
func all(t testing.TB, s store.Store, kind store.Kind) map[string]store.Record {
	t.Helper()
	found := make(map[string]store.Record)
	for rec, err := range s.Find(t.Context(), store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
		require.NoError(t, err)
		found[rec.ID] = rec
	}
	return found
}

// A tap is a memory store of which a test watches or replaces the calls. A nil func leaves the call as it is.
type tap struct {
	*memory.Store

	find    func(q store.Query) iter.Seq2[store.Record, error]
	apply   func(ctx context.Context, changes []store.Change) error
	compact func(ctx context.Context) (int64, error)
}

var _ store.Compacter = (*tap)(nil)

func (s *tap) Find(ctx context.Context, q store.Query) iter.Seq2[store.Record, error] {
	if s.find != nil {
		if found := s.find(q); found != nil {
			return found
		}
	}
	return s.Store.Find(ctx, q)
}

func (s *tap) Apply(ctx context.Context, changes ...store.Change) error {
	if s.apply != nil {
		if err := s.apply(ctx, changes); err != nil {
			return err
		}
	}
	return s.Store.Apply(ctx, changes...)
}

func (s *tap) Compact(ctx context.Context) (int64, error) {
	if s.compact != nil {
		return s.compact(ctx)
	}
	return 0, nil
}

// touched returns the record that a change is about.
func touched(c store.Change) *store.Record {
	for _, rec := range []*store.Record{c.Put, c.Touch, c.Delete, c.Check} {
		if rec != nil {
			return rec
		}
	}
	panic(fmt.Sprintf("an empty change: %+v", c))
}
