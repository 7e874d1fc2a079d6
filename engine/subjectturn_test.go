package engine_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
)

// An erasure that was cut off, by whatever, is completed by whoever serves the store next, also when nobody asks for it again.
func TestErasureThatIsCutOffIsCompletedByATick(t *testing.T) {
	t.Parallel()
	cuts(t, eraseAda, func(t *testing.T, s *safe, _ error) {
		marked := len(find(t, s.records, "erased"))
		e := s.engine(t)
		tick(t, e)
		require.Len(t, find(t, s.records, "identifier"), 2-marked)
		require.Equal(t, marked, erasedAmong(t, e, 2))
		require.Len(t, recordsOf(t, e, "ada@example.com")["execution"], 1)
	})
}

// stubborn is a vault that does not destroy the keys of one subject.
type stubborn struct {
	*crypto.Hierarchy
	subject string
}

func (s *stubborn) Shred(ctx context.Context, at crypto.Scope) (crypto.Receipt, error) {
	if at.Subject == s.subject {
		return crypto.Receipt{}, crypto.ErrKeeper
	}
	return s.Hierarchy.Shred(ctx, at)
}

// Somebody whose keys cannot be destroyed keeps nobody else from being forgotten.
func TestPersonWhoCannotBeForgottenHoldsUpNobody(t *testing.T) {
	t.Parallel()
	records := memory.New()
	ahead := time.Duration(0)
	keys, err := crypto.NewHierarchy(t.Context(), crypto.HierarchyConfig{Keeper: crypto.NewKeyring(), Keys: engine.KeyStore(records)})
	require.NoError(t, err)
	vault := &stubborn{Hierarchy: keys}
	process := func() *engine.Engine {
		return start(t, engine.Config{Store: records, Vault: vault, Connectors: []connector.Connector{bank{}},
			Now: func() time.Time { return time.Now().Add(ahead) }})
	}
	e := process()
	s := deployShop(t, e)
	order(t, e, s, http.StatusOK, "ada@example.com")
	vault.subject = find(t, records, "delivery")[0].Subjects[0]
	_, err = e.ShredSubject(t.Context(), "ada@example.com")
	require.ErrorIs(t, err, crypto.ErrKeeper)
	people := memberKeys(t, members(t, e), "bob@example.com", "cy@example.com")
	require.Len(t, find(t, records, "identifier"), 3)
	_, err = people.DeleteAll(t.Context())
	require.NoError(t, err)
	ahead = 31 * day
	tick(t, process())
	require.Len(t, find(t, records, "identifier"), 1)
	vault.subject = ""
	ahead += 2 * time.Hour
	tick(t, process())
	require.Empty(t, find(t, records, "identifier"))
}

// memberKeys writes an entry for each of some people.
func memberKeys(t *testing.T, s connector.DataStore, keys ...string) connector.DataStore {
	t.Helper()
	for _, key := range keys {
		require.NoError(t, write(t, s, key, connector.Bundle{}))
	}
	return s
}

// The entry of somebody who was erased stays where it is when tokens change, because nobody can open it. Who comes back while that
// goes on is found afterwards, and is there once.
func TestEntryOfSomebodyWhoComesBackDuringARotationIsNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSafe(t)
		e := s.engine(t)
		people := memberKeys(t, members(t, e), "ada@example.com", "bob@example.com")
		_, err := e.ShredSubject(t.Context(), "ada@example.com")
		require.NoError(t, err)
		for round := range 3 {
			back := false
			for p, err := range e.Rotate(t.Context(), engine.RotateOptions{Index: true}) {
				require.NoError(t, err)
				if p.Phase == engine.PhaseVerify && !back && p.Done > 0 { // everything has moved, and older tokens still count
					back = true
					require.NoError(t, e.AllowSubject(t.Context(), "ada@example.com", "she asked"))
					require.NoError(t, write(t, people, "ada@example.com", connector.NewBundle("round", round)))
				}
			}
			require.True(t, back)
			ada, ok, err := people.Get(t.Context(), "ada@example.com")
			require.NoError(t, err)
			require.True(t, ok)
			require.EqualValues(t, round, ada.Get("round"))
			require.Equal(t, []string{"bob@example.com", "ada@example.com"}, keysOf(t, people))
			require.Len(t, find(t, s.records, "entry"), 2)
			_, err = e.ShredSubject(t.Context(), "ada@example.com")
			require.NoError(t, err)
		}
		deleted, err := people.Delete(t.Context(), "ada@example.com")
		require.NoError(t, err)
		require.False(t, deleted)
		require.Len(t, find(t, s.records, "entry"), 1)
	})
}
