package repo_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// door is a repo with what stands behind it.
type door struct {
	*repo.Repo
	records *memory.Store
	now     time.Time
}

func open(t *testing.T) *door {
	t.Helper()
	d := &door{records: memory.New(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	d.Repo = repo.New(d.records, crypto.NewKeyring(), retention.Default(), func() time.Time { return d.now })
	return d
}

func (d *door) id(t *testing.T) string {
	t.Helper()
	id, err := repo.NewID(d.now, rand.Reader)
	require.NoError(t, err)
	d.now = d.now.Add(time.Second)
	return id
}

func (d *door) execution(t *testing.T, trace string) *repo.Execution {
	t.Helper()
	x := &repo.Execution{
		Envelope: repo.Envelope{ID: d.id(t), Tenant: "acme", Parent: repo.ScenarioID("acme", "s"), State: "success", Created: d.now},
		Summary:  repo.Summary{Ended: d.now, Operations: 3, Deployment: 1},
		Trace:    []byte(trace),
	}
	require.NoError(t, d.Apply(t.Context(), d.Put(x)))
	require.EqualValues(t, 1, x.Version)
	return x
}

func (d *door) raw(t *testing.T, kind store.Kind, id string) store.Record {
	t.Helper()
	rec, err := d.records.Get(t.Context(), store.Key{Kind: kind, ID: id})
	require.NoError(t, err)
	return rec
}

func TestBodiesAreSealed(t *testing.T) {
	t.Parallel()
	d := open(t)
	x := d.execution(t, "needle")
	rec := d.raw(t, "execution", x.ID)
	require.False(t, bytes.Contains(rec.Body, []byte("needle")))
	require.Equal(t, "acme", rec.Tenant)
	require.Equal(t, string(retention.ExecutionDetail), rec.Category)

	got := &repo.Execution{Envelope: repo.Envelope{ID: x.ID, Tenant: "acme"}}
	require.NoError(t, d.Get(t.Context(), got))
	require.Equal(t, x, got)
}

func TestBodyOpensNowhereElse(t *testing.T) {
	t.Parallel()
	d := open(t)
	x, y := d.execution(t, "mine"), d.execution(t, "yours")
	moved := d.raw(t, "execution", y.ID)
	moved.Body = d.raw(t, "execution", x.ID).Body
	require.NoError(t, d.records.Apply(t.Context(), store.Change{Put: &moved}))
	err := d.Get(t.Context(), &repo.Execution{Envelope: repo.Envelope{ID: y.ID, Tenant: "acme"}})
	require.ErrorIs(t, err, crypto.ErrScope)
	require.ErrorContains(t, err, y.ID)
}

func TestDamagedRecordIsAnErrorAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	d := open(t)
	var ids []string
	for _, trace := range []string{"one", "two", "three"} {
		ids = append(ids, d.execution(t, trace).ID)
	}
	damaged := d.raw(t, "execution", ids[1])
	damaged.Body = damaged.Body[:len(damaged.Body)-1]
	require.NoError(t, d.records.Apply(t.Context(), store.Change{Put: &damaged}))
	var good, bad []string
	for x, err := range d.Executions(t.Context(), "acme", repo.ScenarioID("acme", "s"), repo.Page{}) {
		if err != nil {
			bad = append(bad, x.ID)
			continue
		}
		good = append(good, string(x.Trace))
	}
	require.Equal(t, []string{"three", "one"}, good)
	require.Equal(t, ids[1:2], bad)
}

func TestNobodyReadsAnothersRecord(t *testing.T) {
	t.Parallel()
	d := open(t)
	x := d.execution(t, "mine")
	require.ErrorIs(t, d.Get(t.Context(), &repo.Execution{Envelope: repo.Envelope{ID: x.ID, Tenant: "other"}}), store.ErrNotFound)
	for range d.Executions(t.Context(), "other", repo.ScenarioID("acme", "s"), repo.Page{}) {
		require.Fail(t, "found")
	}
}

func TestRecordIsGoneAtTheInstantAtWhichItsTimeIsOver(t *testing.T) {
	t.Parallel()
	d := open(t)
	x := d.execution(t, "detail")
	get := func() error {
		return d.Get(t.Context(), &repo.Execution{Envelope: repo.Envelope{ID: x.ID, Tenant: "acme"}})
	}
	until := x.Created.Add(60 * 24 * time.Hour)
	d.now = until.Add(-1)
	require.NoError(t, get())
	d.now = until
	require.ErrorIs(t, get(), store.ErrNotFound)
	for range d.Executions(t.Context(), "acme", x.Parent, repo.Page{}) {
		require.Fail(t, "found")
	}
}

// A key whose record is out of sight can be used again.
func TestHiddenRecordIsReplaced(t *testing.T) {
	t.Parallel()
	d := open(t)
	limited := retention.Default()
	rule := limited.Rules[retention.DatastoreRecord]
	rule.Active = retention.Period{Days: 1}
	limited.Rules[retention.DatastoreRecord] = rule
	d.Repo = repo.New(d.records, crypto.NewKeyring(), limited, func() time.Time { return d.now })
	put := func(data string) {
		entry, err := d.Entry(t.Context(), "acme", repo.DataStoreID("acme", "people"), "ada")
		require.ErrorIs(t, err, store.ErrNotFound)
		entry.Data, entry.Created = []byte(data), d.now
		require.NoError(t, d.Apply(t.Context(), d.PutEntry(entry)...))
	}
	put("old")
	d.now = d.now.AddDate(0, 0, 1)
	put("new")
	entry, err := d.Entry(t.Context(), "acme", repo.DataStoreID("acme", "people"), "ada")
	require.NoError(t, err)
	require.Equal(t, "new", string(entry.Data))
}

func TestKeysOfEntriesAreNotInTheStore(t *testing.T) {
	t.Parallel()
	d := open(t)
	ids := map[string]bool{}
	for _, key := range []string{"ada@example.com", "Ada@example.com"} {
		for _, name := range []string{"people", "customers"} {
			entry, err := d.Entry(t.Context(), "acme", repo.DataStoreID("acme", name), key)
			require.ErrorIs(t, err, store.ErrNotFound)
			entry.Created = d.now
			require.NoError(t, d.Apply(t.Context(), d.PutEntry(entry)...))
			ids[entry.ID] = true
		}
	}
	require.Len(t, ids, 4)
	for rec, err := range d.records.Find(t.Context(), store.Query{Kind: "entry", AllTenants: true}) {
		require.NoError(t, err)
		require.NotContains(t, strings.ToLower(rec.ID+rec.Parent+string(rec.Body)), "example")
	}
	list, err := d.Entries(t.Context(), "acme", repo.DataStoreID("acme", "people"))
	require.NoError(t, err)
	require.Len(t, list.Entries, 2)
	for _, entry := range list.Entries {
		require.NoError(t, d.Get(t.Context(), entry))
		require.Contains(t, entry.Key, "da@example.com")
	}
}

func TestPassiveOrExpiredDeliveriesAreNotClaimed(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, age := range []time.Duration{0, 29 * 24 * time.Hour, 31 * 24 * time.Hour} {
		id := d.id(t)
		require.NoError(t, d.Apply(t.Context(), d.Put(&repo.Delivery{
			Envelope: repo.Envelope{ID: id, Parent: repo.ScenarioID("", "s"), State: repo.DeliveryAccepted, Created: d.now.Add(-age), Due: d.now},
			Hook:     repo.HookID("x"), Bundle: []byte("bundle"),
		})))
	}
	claimed, total, err := d.ClaimDeliveries(t.Context(), d.now, d.now.Add(time.Minute), 10, func(string, error) { require.Fail(t, "broken") })
	require.NoError(t, err)
	require.Len(t, claimed, 2)
	require.Equal(t, 3, total)
	for _, delivery := range claimed {
		require.Equal(t, "bundle", string(delivery.Bundle))
		require.Equal(t, repo.HookID("x"), delivery.Hook)
	}
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	before := ""
	for i := range 1000 {
		id, err := repo.NewID(at.Add(time.Duration(i)*time.Microsecond), rand.Reader)
		require.NoError(t, err)
		require.NoError(t, store.Key{Kind: "k", ID: id}.Validate())
		require.Equal(t, byte('7'), id[14])
		require.Greater(t, id, before)
		before = id
	}
	_, err := repo.NewID(at, strings.NewReader("short"))
	require.Error(t, err)
}

func TestNamedIDsDifferForDifferentNames(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{
		repo.ScenarioID("a", "bc"): true, repo.ScenarioID("ab", "c"): true, repo.ScenarioID("", "abc"): true,
		repo.DataStoreID("a", "bc"): true, repo.ConnectionID("a", "bc"): true,
	}
	require.Len(t, ids, 5)
	require.Equal(t, repo.ScenarioID("a", "bc"), repo.ScenarioID("a", "bc"))
}

func TestDeliveryKeepsThatItIsConfidential(t *testing.T) {
	t.Parallel()
	d := open(t)
	for _, confidential := range []bool{false, true} {
		in := &repo.Delivery{
			Envelope: repo.Envelope{ID: d.id(t), Tenant: "acme", Parent: "s", State: repo.DeliveryAccepted, Created: d.now, Due: d.now},
			Hook:     "hook", Bundle: []byte("bundle"), Confidential: confidential,
		}
		require.NoError(t, d.Apply(t.Context(), d.Put(in)))
		out := &repo.Delivery{Envelope: repo.Envelope{ID: in.ID, Tenant: "acme"}}
		require.NoError(t, d.Get(t.Context(), out))
		require.Equal(t, in, out)
	}
}
