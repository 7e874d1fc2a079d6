package engine_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
)

// keeperAt opens a key file.
func keeperAt(t testing.TB, path string) *crypto.Keyring {
	t.Helper()
	keeper, err := crypto.EnsureKeyring(path, path+".data")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, keeper.Close()) })
	return keeper
}

// copied copies a key file.
func copied(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	other := filepath.Join(t.TempDir(), "copy.key")
	require.NoError(t, os.WriteFile(other, text, 0o600))
	return other
}

func TestEmergencyRotationMakesStolenKeyTablesWorthless(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "root.key")
	s := &safe{records: memory.New(), keeper: keeperAt(t, path)}
	s.fill(t, s.engine(t), tenants...)
	before, beforeFile := s.snapshot(t), copied(t, path)
	last, err := rotate(t, s.engine(t).Rotate(t.Context(), engine.RotateOptions{Emergency: true}))
	require.NoError(t, err)
	require.Equal(t, engine.PhaseDestroy, last.Phase)
	opens(t, s.engine(t))

	// All of the old store with the keeper after: nothing opens.
	stolen := &safe{records: memoryOf(t, before), keeper: s.keeper}
	stolen.nothingOpens(t)
	// The old key table with the records after: nothing opens, either.
	mixed := s.snapshot(t)
	for key := range mixed {
		if key.Kind == "key" {
			delete(mixed, key)
		}
	}
	for key, rec := range before {
		if key.Kind == "key" {
			mixed[key] = rec
		}
	}
	stolen = &safe{records: memoryOf(t, mixed), keeper: s.keeper}
	stolen.nothingOpens(t)
	// What the keeper wrapped before it does not unwrap, and says why.
	for key, rec := range before {
		if key.Kind == "key" {
			require.Equal(t, "1", rec.State)
		}
	}
	_, err = s.keeper.Wrap(t.Context(), 1, []byte("key"), []byte("scope"))
	require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	// A backup of store and key file is what it was.
	backup := &safe{records: memoryOf(t, before), keeper: keeperAt(t, beforeFile)}
	opens(t, backup.engine(t))
	require.Len(t, people(t, backup.engine(t), "zoo"), 5)
}

// nothingOpens requires that no record opens.
func (s *safe) nothingOpens(t testing.TB) {
	t.Helper()
	vault, count := s.vault(t, s.records), 0
	for _, rec := range s.all(t) {
		count++
		_, err := vault.Open(t.Context(), crypto.Scope{
			Tenant: rec.Tenant, Category: rec.Category, Record: string(rec.Kind) + "/" + rec.ID, Field: "body",
		}, rec.Body)
		require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	}
	require.Greater(t, count, 20)
}

// withKey calls a hook with an API key.
func withKey(t testing.TB, e *engine.Engine, hook *engine.Hook, key string) int {
	t.Helper()
	return call(t, e, hook, func(r *http.Request) { r.Header.Set("x-make-apikey", key) }).Code
}

func TestRevokedHooksHaveNewAddressesAndTheirOldKeys(t *testing.T) {
	t.Parallel()
	s := newSafe(t)
	e := s.engine(t).For("acme")
	key := secret.New([]byte("an API key"))
	deployed, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{Activate: true, Hook: engine.HookOptions{APIKeys: []secret.Value{key}}})
	require.NoError(t, err)
	old := deployed.Hook
	for range 2 {
		require.Equal(t, 200, withKey(t, e, old, "an API key"))
		before := s.under(t)
		_, err = rotate(t, e.Rotate(t.Context(), engine.RotateOptions{RevokeHooks: true}))
		require.NoError(t, err)
		for key := range s.under(t) {
			require.NotContains(t, before, key)
		}
		now, err := e.Scenario(t.Context(), "Doing")
		require.NoError(t, err)
		require.NotEqual(t, old.Token, now.Hook.Token)
		require.Equal(t, 404, withKey(t, e, old, "an API key"))
		require.Equal(t, 401, withKey(t, e, now.Hook, "another"))
		require.Equal(t, 200, withKey(t, e, now.Hook, "an API key"))
		old = now.Hook
	}
	again, err := e.Deploy(t.Context(), parse(t, doing), engine.DeployOptions{})
	require.NoError(t, err)
	require.Equal(t, old.Token, again.Hook.Token)
	require.Equal(t, 1, again.Hook.APIKeys)
	require.Equal(t, 200, withKey(t, e, again.Hook, "an API key"))
	last, err := rotate(t, e.Rotate(t.Context(), engine.RotateOptions{}))
	require.NoError(t, err)
	require.True(t, last.Finished)
	require.Equal(t, 200, withKey(t, e, again.Hook, "an API key"), "only who asks for it revokes hooks")
}

// A key ring has no versions to take away: it gets a key, and everything is brought to that.
func TestKeyringIsRotatedAsFarAsItCanBe(t *testing.T) {
	t.Parallel()
	records, keyring := memory.New(), crypto.NewKeyring()
	s := &safe{records: records}
	e := start(t, engine.Config{Store: records, Vault: keyring, Connectors: []connector.Connector{bank{}}})
	s.fill(t, e, "acme")
	before := s.under(t)
	last, err := rotate(t, e.Rotate(t.Context(), engine.RotateOptions{RevokeHooks: true}))
	require.NoError(t, err)
	require.True(t, last.Finished)
	require.Equal(t, engine.PhaseRewrap, last.Phase)
	for key := range s.under(t) {
		require.NotContains(t, before, key)
	}
	opens(t, e)
	require.Len(t, people(t, e, "acme"), 5)
	for name, options := range map[string]engine.RotateOptions{"emergency": {Emergency: true}, "index": {Index: true}} {
		_, err = rotate(t, e.Rotate(t.Context(), options))
		require.ErrorIs(t, err, engine.ErrNoRotator, name)
	}
	spoiled := s.spoil(t, s.one(t, "connection", "acme"), -1)
	broken, rest, last := failures(e.Rotate(t.Context(), engine.RotateOptions{}))
	require.Empty(t, rest)
	require.True(t, last.Finished)
	require.Len(t, broken, 1)
	require.Contains(t, broken, spoiled.Key)
}
