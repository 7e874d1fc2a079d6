package repo_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// Behind a person's keys that were destroyed, nothing makes new ones: neither a webhook that comes late, nor a delivery that
// was waiting and is written again, nor one that was cut off and is claimed once more. Others are not concerned, and whoever
// is allowed a new beginning gets keys that open nothing old.
func TestLateDeliveryMakesNoNewKeyForAnErasedPerson(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	records := memory.New()
	vault := hierarchy(t, records)
	door := repo.New(records, vault, retention.Default(), func() time.Time { return now })
	delivery := func(subjects ...string) *repo.Delivery {
		id, err := repo.NewID(now, rand.Reader)
		require.NoError(t, err)
		return &repo.Delivery{
			Envelope: repo.Envelope{
				ID: id, Tenant: "acme", Parent: repo.ScenarioID("acme", "s"), State: repo.DeliveryAccepted, Subjects: subjects, Created: now, Due: now,
			},
			Bundle: []byte("Ada Lovelace"),
		}
	}
	waiting, his, both := delivery("ada"), delivery("bob"), delivery("ada", "bob")
	require.NoError(t, door.Apply(t.Context(), door.Put(waiting), door.Put(his), door.Put(both)))
	_, err := vault.Shred(t.Context(), crypto.Scope{Tenant: "acme", Subject: "ada"})
	require.NoError(t, err)
	before := keysIn(t, records)
	require.Len(t, before, 3, "what is left of hers, his, and the tenant's")

	late := delivery("ada")
	require.ErrorIs(t, door.Apply(t.Context(), door.Put(late)), crypto.ErrShredded)
	require.ErrorIs(t, door.Apply(t.Context(), door.Put(delivery("bob")), door.Put(late)), crypto.ErrShredded, "all or none")
	require.ErrorIs(t, door.Apply(t.Context(), door.Put(waiting)), crypto.ErrShredded, "a queued one is tried again")
	require.Len(t, allOf(t, records, "delivery"), 3)

	var broken []string
	for range 2 { // the second time it is not due any more
		claimed, _, err := door.ClaimDeliveries(t.Context(), now, now.Add(time.Second), 10, func(id string, err error) {
			require.ErrorIs(t, err, crypto.ErrShredded)
			broken = append(broken, id)
		})
		require.NoError(t, err)
		require.Len(t, claimed, 2, "his, and that which names both, which is under the tenant's key")
		now = now.Add(2 * time.Second)
	}
	require.Equal(t, []string{waiting.ID}, broken)
	require.Equal(t, before, keysIn(t, records), "nobody has made a key")

	require.NoError(t, vault.AllowNewLifecycle(t.Context(), crypto.Scope{Tenant: "acme", Subject: "ada"}))
	require.NoError(t, door.Apply(t.Context(), door.Put(late)))
	require.ErrorIs(t, door.Get(t.Context(), &repo.Delivery{Envelope: repo.Envelope{ID: waiting.ID, Tenant: "acme"}}), repo.ErrErased)
}

// Shredding one person leaves the records of others, and of the same person the outside of the records: they can still be
// listed, found and deleted.
func TestRecordsOfAnErasedPersonAreListedAndDeleted(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	records := memory.New()
	vault := hierarchy(t, records)
	door := repo.New(records, vault, retention.Default(), func() time.Time { return now })
	parent := repo.ScenarioID("acme", "s")
	var docs []*repo.Execution
	for _, subject := range []string{"ada", "bob", "ada"} {
		id, err := repo.NewID(now, rand.Reader)
		require.NoError(t, err)
		x := &repo.Execution{
			Envelope: repo.Envelope{ID: id, Tenant: "acme", Parent: parent, State: "success", Subjects: []string{subject}, Created: now},
			Trace:    []byte(subject),
		}
		require.NoError(t, door.Apply(t.Context(), door.Put(x)))
		docs = append(docs, x)
	}
	_, err := vault.Shred(t.Context(), crypto.Scope{Tenant: "acme", Subject: "ada"})
	require.NoError(t, err)
	var lost, read []string
	for x, err := range door.Executions(t.Context(), "acme", parent, repo.Page{}) {
		require.Equal(t, "success", x.State, "what the store sees is still told")
		if err != nil {
			require.ErrorIs(t, err, crypto.ErrShredded)
			require.NotContains(t, err.Error(), "ada")
			lost = append(lost, x.ID)
			continue
		}
		read = append(read, string(x.Trace))
	}
	require.ElementsMatch(t, []string{docs[0].ID, docs[2].ID}, lost)
	require.Equal(t, []string{"bob"}, read)
	for _, x := range docs {
		require.NoError(t, door.Apply(t.Context(), door.Delete(x)))
	}
	require.Empty(t, allOf(t, records, "execution"))
}

func keysIn(t *testing.T, s store.Store) map[string][]byte {
	t.Helper()
	keys := map[string][]byte{}
	for _, rec := range allOf(t, s, "key") {
		keys[rec.ID] = rec.Body
	}
	return keys
}

func allOf(t *testing.T, s store.Store, kind store.Kind) (all []store.Record) {
	t.Helper()
	for rec, err := range s.Find(t.Context(), store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
		require.NoError(t, err)
		all = append(all, rec)
	}
	return all
}
