package engine_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/memory"
)

// keyTime is for how long keys are used in these tests without asking the store.
const keyTime = 5 * time.Millisecond

// safe is a store, its keeper, and engines over both.
type safe struct {
	records store.Store
	keeper  *crypto.Keyring
}

func newSafe(t testing.TB) *safe {
	t.Helper()
	s := &safe{records: memory.New(), keeper: crypto.NewKeyring()}
	t.Cleanup(func() { require.NoError(t, s.keeper.Close()) })
	return s
}

// vault returns keys as another process has them.
func (s *safe) vault(t testing.TB, records store.Store) *crypto.Hierarchy {
	t.Helper()
	vault, err := crypto.NewHierarchy(context.Background(), crypto.HierarchyConfig{
		Keeper: s.keeper, Keys: repo.NewRings(records), KeyTime: keyTime,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, vault.Close()) })
	return vault
}

// engine returns an engine as another process has it.
func (s *safe) engine(t testing.TB) *engine.Engine {
	t.Helper()
	return start(t, engine.Config{Store: s.records, Vault: s.vault(t, s.records), Connectors: []connector.Connector{bank{}}})
}

// tenants are those that most tests fill a store for.
var tenants = []string{"", "acme", "zoo"}

// fill puts records of all kinds into a store, for some tenants: active ones, passive ones, and deliveries that wait.
func (s *safe) fill(t testing.TB, e *engine.Engine, tenants ...string) {
	t.Helper()
	for _, tenant := range tenants {
		e := e.For(tenant)
		scenario, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true})
		require.NoError(t, err)
		for range 2 {
			status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Ada"}`)
			require.Equal(t, http.StatusOK, status)
		}
		require.NoError(t, e.SaveConnection(t.Context(), connector.Connection{
			Name: "bank", Type: "bank", Secrets: map[string]secret.Value{"token": secret.New([]byte("token"))},
		}))
		require.NoError(t, e.SaveStructure(t.Context(), connector.Structure{Name: "person", Fields: []connector.Field{{Name: "name", Type: connector.TypeText}}}))
		people, err := e.DataStore(t.Context(), "people")
		require.NoError(t, err)
		for i := range 5 {
			put(t, people, fmt.Sprintf("person-%d@example.com", i), fmt.Sprintf("%s %d", tenant, i))
		}
	}
	_, err := e.Tick(t.Context())
	require.NoError(t, err)
	for _, tenant := range tenants {
		scenario, err := e.For(tenant).Scenario(t.Context(), "Doing")
		require.NoError(t, err)
		status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Bob"}`)
		require.Equal(t, http.StatusOK, status)
	}
	for kind, rec := range s.all(t) {
		if kind == "activity" { // as a sweep does
			rec.Passive = time.Now()
			require.NoError(t, s.records.Apply(t.Context(), store.Change{Touch: &rec}))
		}
	}
}

func put(t testing.TB, s connector.DataStore, key, name string) {
	t.Helper()
	require.NoError(t, s.Change(t.Context(), key, func(connector.Bundle, bool) (connector.Bundle, error) {
		return connector.NewBundle("name", name), nil
	}))
}

// all yields all records but those of keys and of rotations, which are not sealed.
func (s *safe) all(t testing.TB) iter.Seq2[store.Kind, store.Record] {
	return func(yield func(store.Kind, store.Record) bool) {
		kinds, err := s.records.(store.Lister).Kinds(t.Context())
		require.NoError(t, err)
		for _, kind := range kinds {
			if kind == "key" || kind == "rotation" {
				continue
			}
			for rec, err := range s.records.Find(t.Context(), store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
				require.NoError(t, err)
				if !yield(kind, rec) {
					return
				}
			}
		}
	}
}

// under returns the keys that records are under.
func (s *safe) under(t testing.TB) map[[16]byte]int {
	t.Helper()
	keys := map[[16]byte]int{}
	for kind, rec := range s.all(t) {
		key, err := crypto.KeyOf(rec.Body)
		require.NoError(t, err, kind)
		keys[key]++
	}
	return keys
}

// rotate rotates to the end, and returns the last progress and what was reported.
func rotate(t testing.TB, all iter.Seq2[engine.RotateProgress, error]) (last engine.RotateProgress, reported error) {
	t.Helper()
	for p, err := range all {
		last = p
		reported = errors.Join(reported, err)
	}
	return last, reported
}

// opens requires that all records open.
func opens(t testing.TB, e *engine.Engine) {
	t.Helper()
	last, err := rotate(t, e.CheckKeys(t.Context()))
	require.NoError(t, err)
	require.True(t, last.Finished)
	require.Zero(t, last.Failed)
}

// people returns what the data store of a tenant has, by key.
func people(t testing.TB, e *engine.Engine, tenant string) map[string]string {
	t.Helper()
	s, err := e.For(tenant).DataStore(t.Context(), "people")
	require.NoError(t, err)
	found := map[string]string{}
	for entry, err := range s.All(t.Context()) {
		require.NoError(t, err)
		require.NotContains(t, found, entry.Key)
		found[entry.Key], _ = entry.Data.Get("name").(string)
		data, ok, err := s.Get(t.Context(), entry.Key)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, entry.Data, data)
	}
	return found
}

func TestRotationBringsEverythingToNewKeysAndTakesTheOldAway(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]engine.RotateOptions{
		"usual": {}, "index": {Index: true}, "emergency": {Emergency: true}, "hooks": {RevokeHooks: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSafe(t)
			e := s.engine(t)
			s.fill(t, e, tenants...)
			before := s.under(t)
			bodies := map[store.Key]store.Record{}
			for _, rec := range s.all(t) {
				bodies[rec.Key] = rec
			}
			last, err := rotate(t, e.Rotate(t.Context(), options))
			require.NoError(t, err)
			require.True(t, last.Finished)
			for key := range s.under(t) {
				require.NotContains(t, before, key)
			}
			opens(t, s.engine(t))
			for kind, rec := range s.all(t) {
				old, ok := bodies[rec.Key]
				if options.RevokeHooks && kind == "hook" || (options.Index || options.Emergency) && kind == "entry" {
					require.False(t, ok, "%s has another ID", kind)
					continue
				}
				require.True(t, ok)
				require.Equal(t, old.Version+1, rec.Version)
				rec.Version, rec.Body, old.Version, old.Body = 0, nil, 0, nil
				require.Equal(t, old, rec)
			}
			for _, rec := range bodies { // no process opens what it was any more
				_, err := s.vault(t, s.records).Open(t.Context(), crypto.Scope{
					Tenant: rec.Tenant, Category: rec.Category, Record: string(rec.Kind) + "/" + rec.ID, Field: "body",
				}, rec.Body)
				require.ErrorIs(t, err, crypto.ErrNoKey)
			}
			for _, tenant := range tenants {
				require.Len(t, people(t, s.engine(t), tenant), 5)
			}
			done, err := e.Tick(t.Context())
			require.NoError(t, err)
			require.Equal(t, len(tenants), done, "deliveries that waited are run")
		})
	}
}

// newRings is the key store in a store.
func newRings(records store.Store) crypto.KeyStore { return repo.NewRings(records) }
