package examples_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/engine/blueprint"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/sqlite"
)

// A host has everything that a program with one key file and one database has. Close it before it is opened once more.
type hosted struct {
	*engine.Engine
	records *sqlite.Store
	// vault has the same keys as the engine, as another process would.
	vault *crypto.Hierarchy
	close func()
	now   time.Time // set it only while nothing is under way
}

// openHost opens the database of a folder with the key file of another, at a time.
func openHost(t *testing.T, data, keys string, now time.Time) *hosted {
	t.Helper()
	keyring, err := crypto.EnsureKeyring(filepath.Join(keys, "ebb.key"), filepath.Join(data, "ebb.db"))
	require.NoError(t, err)
	h := &hosted{now: now}
	h.records, err = sqlite.Open(t.Context(), filepath.Join(data, "ebb.db"))
	require.NoError(t, err)
	config := crypto.HierarchyConfig{Keeper: keyring, KeyTime: time.Nanosecond, Now: func() time.Time { return h.now }}
	h.Engine, err = engine.New(engine.Config{Store: h.records, Keys: config, Now: config.Now})
	require.NoError(t, err)
	config.Keys = engine.KeyStore(h.records)
	h.vault, err = crypto.NewHierarchy(t.Context(), config)
	require.NoError(t, err)
	closed := false
	h.close = func() {
		if !closed {
			closed = true
			require.NoError(t, errors.Join(h.vault.Close(), h.Engine.Close(), h.records.Close(), keyring.Close()))
		}
	}
	t.Cleanup(h.close)
	return h
}

// noting keeps what comes in, and echoing keeps nothing of it.
const (
	noting = `{"name": "Noting", "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 1}, "mapper": {}},
  {"id": 2, "module": "datastore:AddRecord", "version": 1, "parameters": {"datastore": 1},
   "mapper": {"key": "{{1.key}}", "data": {"text": "{{1.text}}"}, "overwrite": "true"}}
]}`
	echoing = `{"name": "Echoing", "metadata": {"scenario": {"confidential": true}}, "flow": [
  {"id": 1, "module": "gateway:CustomWebHook", "version": 1, "parameters": {"hook": 2}, "mapper": {}},
  {"id": 2, "module": "util:SetVariable2", "version": 1, "mapper": {"name": "text", "scope": "roundtrip", "value": "{{1.text}}"}}
]}`
)

func (h *hosted) deploy(t *testing.T, tenant, text string) {
	t.Helper()
	bp, err := blueprint.Parse([]byte(text))
	require.NoError(t, err)
	_, err = h.For(tenant).Deploy(t.Context(), bp, engine.DeployOptions{Activate: true})
	require.NoError(t, err)
}

// send sends a text to a scenario and returns the status.
func (h *hosted) send(t *testing.T, tenant, scenario, text string) int {
	t.Helper()
	s, err := h.For(tenant).Scenario(t.Context(), scenario)
	require.NoError(t, err)
	body := fmt.Sprintf(`{"key": "note", "text": %q}`, text)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, s.Hook.Path(), strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	h.Hooks().ServeHTTP(answer, request)
	return answer.Code
}

func (h *hosted) tick(t *testing.T) int {
	t.Helper()
	runs, err := h.Tick(t.Context())
	require.NoError(t, err)
	return runs
}

// note is the entry that a tenant's scenario has left.
func (h *hosted) note(ctx context.Context, tenant string) (string, error) {
	notes, err := h.For(tenant).DataStore(ctx, "1")
	if err != nil {
		return "", err
	}
	data, ok, err := notes.Get(ctx, "note")
	if err == nil && !ok {
		err = fs.ErrNotExist
	}
	return fmt.Sprint(data.Get("text")), err
}

// copyFiles copies what lies in a folder.
func copyFiles(t *testing.T, from string) (to string) {
	t.Helper()
	to = t.TempDir()
	require.NoError(t, os.CopyFS(to, os.DirFS(from)))
	return to
}

// A backup of the database opens what was destroyed after it was made until the epoch has ended, and nothing of it from then
// on, whatever is done with it; everything of others opens for ever, with the keys of today. That holds for tenants, for people
// and for confidential runs.
func TestRestoredBackupOpensNothingThatWasDestroyed(t *testing.T) {
	t.Parallel()
	data, keys := t.TempDir(), t.TempDir()
	now := time.Now()
	ada := crypto.Scope{Tenant: "globex", Record: "person/1", Subject: "ada"}
	bob := crypto.Scope{Tenant: "globex", Record: "person/2", Subject: "bob"}

	live := openHost(t, data, keys, now)
	for _, tenant := range []string{"acme", "globex"} {
		live.deploy(t, tenant, noting)
		live.deploy(t, tenant, echoing)
		require.Equal(t, http.StatusOK, live.send(t, tenant, "Noting", "note of "+tenant))
	}
	require.Equal(t, 2, live.tick(t))
	require.Equal(t, http.StatusOK, live.send(t, "globex", "Echoing", "a whisper"))
	hers, err := live.vault.Seal(t.Context(), ada, []byte("hers"))
	require.NoError(t, err)
	his, err := live.vault.Seal(t.Context(), bob, []byte("his"))
	require.NoError(t, err)
	live.close()
	backup := copyFiles(t, data)

	live = openHost(t, data, keys, now)
	require.Equal(t, 1, live.tick(t), "the confidential run, whose key ends with it")
	for _, at := range []crypto.Scope{ada, {Tenant: "acme"}} {
		receipt, err := live.vault.Shred(t.Context(), at)
		require.NoError(t, err)
		require.True(t, receipt.Irrevocable.After(now.Add(44*24*time.Hour)) && receipt.Irrevocable.Before(now.Add(46*24*time.Hour)))
	}
	_, err = live.note(t.Context(), "acme")
	require.ErrorIs(t, err, crypto.ErrShredded)
	live.close()

	// Until the epoch ends, whoever has backup and key file has everything.
	early := openHost(t, copyFiles(t, backup), keys, now)
	text, err := early.note(t.Context(), "acme")
	require.NoError(t, err)
	require.Equal(t, "note of acme", text)
	opened, err := early.vault.Open(t.Context(), ada, hers)
	require.NoError(t, err)
	require.Equal(t, "hers", string(opened))
	require.Equal(t, 1, early.tick(t), "the confidential run once more")
	early.close()

	// The epoch ends.
	now = now.Add(15 * 24 * time.Hour)
	live = openHost(t, data, keys, now)
	live.tick(t)
	text, err = live.note(t.Context(), "globex")
	require.NoError(t, err)
	require.Equal(t, "note of globex", text)
	opened, err = live.vault.Open(t.Context(), bob, his)
	require.NoError(t, err)
	require.Equal(t, "his", string(opened))

	// The backup alone opens nothing at all, and everything that wants to know why is told. The clock of whoever opens it must not
	// end another epoch: that would be over the keys in the backup, and lose those in use.
	now = time.Now()
	restored := openHost(t, copyFiles(t, backup), keys, now)
	for _, tenant := range []string{"acme", "globex"} {
		_, err = restored.note(t.Context(), tenant)
		require.ErrorIs(t, err, crypto.ErrEpochDestroyed, tenant)
	}
	_, err = restored.vault.Open(t.Context(), ada, hers)
	require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	require.Zero(t, restored.tick(t))
	broken := 0
	for _, err := range restored.CheckKeys(t.Context()) {
		var lost *engine.RecordError
		if errors.As(err, &lost) {
			require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
			broken++
		}
	}
	require.Greater(t, broken, 6, "scenarios, hooks, executions and entries of both, and the delivery")
	restored.close()

	// With the keys of today it opens everything of others.
	restored = openHost(t, copyFiles(t, backup), keys, now)
	require.NoError(t, crypto.CopyRings(t.Context(), engine.KeyStore(live.records), engine.KeyStore(restored.records)))
	text, err = restored.note(t.Context(), "globex")
	require.NoError(t, err)
	require.Equal(t, "note of globex", text)
	opened, err = restored.vault.Open(t.Context(), bob, his)
	require.NoError(t, err)
	require.Equal(t, "his", string(opened))
	_, err = restored.note(t.Context(), "acme")
	require.ErrorIs(t, err, crypto.ErrShredded)
	_, err = restored.vault.Open(t.Context(), ada, hers)
	require.ErrorIs(t, err, crypto.ErrShredded)
	require.Zero(t, restored.tick(t), "the key of the confidential run is only in the backup, and wrapped under what is gone")
	for rec, err := range restored.records.Find(t.Context(), store.Query{Kind: "delivery", AllTenants: true, Visibility: store.Everything}) {
		require.NoError(t, err)
		if rec.Category == "confidential" {
			_, err := restored.vault.Open(t.Context(), crypto.Scope{
				Tenant: rec.Tenant, Category: rec.Category, Record: "delivery/" + rec.ID, Field: "body", Run: rec.ID,
			}, rec.Body)
			require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
		}
	}
	_, err = live.note(t.Context(), "globex")
	require.NoError(t, err, "whatever was done with backups")
}
