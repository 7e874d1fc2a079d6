package examples_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
)

// What somebody may do to the body of a record who can write to the database: other is the body of another record.
func changes() map[string]func(body, other []byte) []byte {
	flip := func(at int) func(body, _ []byte) []byte {
		return func(body, _ []byte) []byte {
			body[(at+len(body))%len(body)] ^= 1 << (at & 7)
			return body
		}
	}
	list := map[string]func(body, other []byte) []byte{
		"emptied":            func(_, _ []byte) []byte { return nil },
		"cut off":            func(body, _ []byte) []byte { return body[:len(body)-1] },
		"half":               func(body, _ []byte) []byte { return body[:len(body)/2] },
		"longer":             func(body, _ []byte) []byte { return append(body, 0) },
		"of a newer version": func(body, _ []byte) []byte { return append([]byte{9}, body[1:]...) },
		"text":               func(_, _ []byte) []byte { return []byte(`{"scenario":"Noting"}`) },
		"another's":          func(_, other []byte) []byte { return other },
		"begun by another's": func(body, other []byte) []byte {
			return append(other[:min(80, len(other))], body[min(80, len(body)):]...)
		},
		"ended by another's":   func(body, other []byte) []byte { return append(body[:len(body)-8], other[len(other)-8:]...) },
		"its middle taken out": func(body, _ []byte) []byte { return slices.Delete(body, len(body)/2, len(body)/2+1) },
	}
	for name, at := range map[string]int{
		"version": 0, "second byte": 1, "third byte": 2, "salt": 30, "commitment": 60, "nonce": 80, "last byte": -1,
	} {
		list["a bit of the "+name] = flip(at)
	}
	return list
}

// all reads records of some kinds as they are.
func (h *hosted) all(t *testing.T, wanted func(store.Kind) bool) (records []store.Record) {
	t.Helper()
	kinds, err := h.records.Kinds(t.Context())
	require.NoError(t, err)
	for _, kind := range kinds {
		if !wanted(kind) {
			continue
		}
		for rec, err := range h.records.Find(t.Context(), store.Query{Kind: kind, AllTenants: true, Visibility: store.Everything}) {
			require.NoError(t, err)
			records = append(records, rec)
		}
	}
	return records
}

// put puts bodies in place of those that are there.
func (h *hosted) put(t *testing.T, records []store.Record, body func(i int) []byte) {
	t.Helper()
	written := make([]store.Change, len(records))
	for i, rec := range records {
		now, err := h.records.Get(t.Context(), rec.Key)
		require.NoError(t, err)
		now.Body = body(i)
		written[i].Put = &now
	}
	require.NoError(t, h.records.Apply(t.Context(), written...))
}

// check opens all records and returns what does not open.
func (h *hosted) check(t *testing.T) map[store.Key]error {
	t.Helper()
	broken := map[store.Key]error{}
	for _, err := range h.CheckKeys(t.Context()) {
		var lost *engine.RecordError
		if err != nil {
			require.ErrorAs(t, err, &lost)
			broken[store.Key{Kind: store.Kind(lost.Kind), ID: lost.ID}] = lost.Err
		}
	}
	return broken
}

func isKey(kind store.Kind) bool    { return kind == "key" }
func isSealed(kind store.Kind) bool { return kind != "key" && kind != "rotation" }
func oneOf(err error, is ...error) bool {
	return slices.ContainsFunc(is, func(one error) bool { return errors.Is(err, one) })
}

// fill lets two tenants have some of everything.
func (h *hosted) fill(t *testing.T) {
	t.Helper()
	for _, tenant := range []string{"acme", "globex"} {
		h.deploy(t, tenant, noting)
		h.deploy(t, tenant, echoing)
		for range 2 {
			require.Equal(t, http.StatusOK, h.send(t, tenant, "Noting", "note of "+tenant))
		}
	}
	require.Equal(t, 4, h.tick(t))
	for _, tenant := range []string{"acme", "globex"} {
		require.Equal(t, http.StatusOK, h.send(t, tenant, "Noting", "waiting"))
		require.Equal(t, http.StatusOK, h.send(t, tenant, "Echoing", "waiting"))
	}
	require.Empty(t, h.check(t))
}

// Whatever is done to what is stored of a record, it does not open, and says so in a way that a program understands.
func TestChangedRecordsDoNotOpen(t *testing.T) {
	t.Parallel()
	h := openHost(t, t.TempDir(), t.TempDir(), time.Now())
	h.fill(t)
	records := h.all(t, isSealed)
	require.Greater(t, len(records), 20)
	for name, change := range changes() {
		h.put(t, records, func(i int) []byte {
			return change(bytes.Clone(records[i].Body), bytes.Clone(records[(i+1)%len(records)].Body))
		})
		broken := h.check(t)
		require.Len(t, broken, len(records), name)
		for key, err := range broken {
			require.True(t, oneOf(err, crypto.ErrScope, crypto.ErrMalformed, crypto.ErrNewer, crypto.ErrNoKey), "%s: %s: %v", name, key.Kind, err)
		}
		_, err := h.note(t.Context(), "acme")
		require.Error(t, err, name)
		_, err = h.For("acme").Scenario(t.Context(), "Noting")
		require.Error(t, err, name)
		require.Zero(t, h.tick(t), name)
	}
	h.put(t, records, func(i int) []byte { return records[i].Body })
	require.Empty(t, h.check(t), "nothing else was the matter")
}

// Whatever is done to the stored keys of an owner, nothing of that owner opens, nothing new is sealed, and others have nothing
// to do with it. When the keys are put back as they were, everything opens, and what was waiting is run.
func TestChangedKeysOpenNothing(t *testing.T) {
	t.Parallel()
	h := openHost(t, t.TempDir(), t.TempDir(), time.Now())
	h.fill(t)
	rings := h.all(t, isKey)
	theirs := map[string]int{}
	for _, rec := range h.all(t, isSealed) {
		theirs[rec.Tenant]++
	}
	acme := slices.DeleteFunc(slices.Clone(rings), func(rec store.Record) bool { return rec.Tenant != "acme" })
	require.Len(t, acme, 3, "of the tenant, of its data store, and of a confidential run")
	require.Len(t, rings, 6)
	for name, change := range changes() {
		h.put(t, acme, func(i int) []byte {
			other := acme[(i+1)%len(acme)] // of the same tenant
			if i == 0 {
				other = rings[slices.IndexFunc(rings, func(rec store.Record) bool { return rec.Tenant != "acme" })]
			}
			return change(bytes.Clone(acme[i].Body), bytes.Clone(other.Body))
		})
		broken := h.check(t)
		require.Len(t, broken, theirs["acme"], name)
		for key, err := range broken {
			require.True(t, oneOf(err, crypto.ErrRing, crypto.ErrNewer), "%s: %s: %v", name, key.Kind, err)
		}
		_, err := h.note(t.Context(), "acme")
		require.Error(t, err, name)
		text, err := h.note(t.Context(), "globex")
		require.NoError(t, err, name)
		require.Equal(t, "note of globex", text)
		_, err = h.vault.Seal(t.Context(), crypto.Scope{Tenant: "acme"}, []byte("new"))
		require.Error(t, err, name)
	}
	require.Equal(t, 2, h.tick(t), "of globex alone")
	h.put(t, acme, func(i int) []byte { return acme[i].Body })
	require.Empty(t, h.check(t))
	h.now = h.now.Add(time.Minute) // the leases that were for nothing are over
	require.Equal(t, 2, h.tick(t))
}

// Stored keys that are put back as they were before a rotation open nothing that was sealed since, and nothing else that is
// there; and nothing at all once the epoch has ended.
func TestOlderStateOfTheKeysOpensNothing(t *testing.T) {
	t.Parallel()
	data, keys := t.TempDir(), t.TempDir()
	h := openHost(t, data, keys, time.Now())
	h.fill(t)
	old := h.all(t, isKey)
	before := h.all(t, isSealed)
	rotate(t, h.Engine)
	current := h.all(t, isKey)
	at := crypto.Scope{Tenant: "acme", Record: "r"}
	sealed, err := h.vault.Seal(t.Context(), at, []byte("content"))
	require.NoError(t, err)

	h.put(t, old, func(i int) []byte { return old[i].Body })
	broken := h.check(t)
	require.Len(t, broken, len(before), "all that there is was sealed anew")
	for key, err := range broken {
		require.True(t, oneOf(err, crypto.ErrNoKey), "%s: %v", key.Kind, err)
	}
	_, err = h.vault.Open(t.Context(), at, sealed)
	require.ErrorIs(t, err, crypto.ErrNoKey)
	h.put(t, current, func(i int) []byte { return current[i].Body })
	require.Empty(t, h.check(t))
	h.close()

	h = openHost(t, data, keys, time.Now().Add(15*24*time.Hour))
	h.tick(t)
	current = h.all(t, isKey)
	h.put(t, current, func(i int) []byte {
		for _, rec := range old {
			if rec.ID == current[i].ID {
				return rec.Body
			}
		}
		return current[i].Body
	})
	for _, tenant := range []string{"acme", "globex"} {
		_, err = h.note(t.Context(), tenant)
		require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
		_, err = h.vault.Seal(t.Context(), crypto.Scope{Tenant: tenant, Record: "r"}, nil)
		require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
	}
	h.put(t, current, func(i int) []byte { return current[i].Body })
	require.Empty(t, h.check(t))
}

func rotate(t *testing.T, e *engine.Engine) {
	t.Helper()
	for _, err := range e.Rotate(context.WithoutCancel(t.Context()), engine.RotateOptions{}) {
		require.NoError(t, err)
	}
}
