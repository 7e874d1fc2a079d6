package engine_test

import (
	"encoding/binary"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store"
	"github.com/ebbkit/ebb/store/storetest"
)

// finished requires that nothing is left of a rotation and of what was before it, and returns an engine that sees that.
func (s *safe) finished(t testing.TB, before map[[16]byte]int, emergency bool) *engine.Engine {
	t.Helper()
	for key := range s.under(t) {
		require.NotContains(t, before, key, "a record is under a key from before")
	}
	for rec, err := range s.records.Find(t.Context(), store.Query{Kind: "key", AllTenants: true}) {
		require.NoError(t, err)
		require.EqualValues(t, 1, binary.BigEndian.Uint16(rec.Body[15:]), "versions of ring %s", rec.ID)
	}
	for rec, err := range s.records.Find(t.Context(), store.Query{Kind: "rotation", AllTenants: true}) {
		require.NoError(t, err)
		require.Empty(t, rec.State, "a rotation is under way")
	}
	if emergency {
		epochs, err := s.keeper.Epochs(t.Context())
		require.NoError(t, err)
		for i, epoch := range epochs {
			require.Equal(t, i == len(epochs)-1, epoch.Destroyed.IsZero(), "epoch %d of %d", i, len(epochs))
		}
	}
	e := s.engine(t)
	opens(t, e)
	require.Len(t, people(t, e, "acme"), 5)
	return e
}

// Whatever call of the store fails, after it did something or before that and with all later ones: everything opens at that
// moment, and the next rotation ends what was begun.
func TestRotationThatIsCutOffLosesNothingAndIsCarriedOn(t *testing.T) {
	t.Parallel()
	for name, template := range map[string]*storetest.Faulty{
		"an answer is lost": {Late: true}, "the store is gone": {Lasting: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, failed := int64(1), true; failed; n++ {
				synctest.Test(t, func(t *testing.T) {
					s := newSafe(t)
					e := s.engine(t)
					s.fill(t, e, "acme")
					before := s.under(t)
					faulty := &storetest.Faulty{Store: s.records, Call: n, Late: template.Late, Lasting: template.Lasting}
					cut := start(t, engine.Config{Store: faulty, Vault: s.vault(t, faulty), Connectors: []connector.Connector{bank{}}})
					begun := faulty.Calls() // New goes on when its look at the rings fails
					_, err := rotate(t, cut.Rotate(t.Context(), engine.RotateOptions{Emergency: true, RevokeHooks: true}))
					if failed = faulty.Failed(); failed {
						if n > begun || template.Lasting {
							require.Error(t, err, "call %d", n)
						}
						other := s.engine(t)
						opens(t, other)
						require.Len(t, people(t, other, "acme"), 5, "call %d", n)
						_, err = rotate(t, other.Rotate(t.Context(), engine.RotateOptions{}))
					}
					require.NoError(t, err, "call %d", n)
					hookTakes(t, s.finished(t, before, !failed).For("acme"))
				})
				require.Less(t, n, int64(2000))
				if !failed {
					require.Greater(t, n, int64(50), "the calls that can fail")
				}
			}
		})
	}
}

// hookTakes requires that the hook of the scenario takes something.
func hookTakes(t testing.TB, e *engine.Engine) {
	t.Helper()
	scenario, err := e.Scenario(t.Context(), "Doing")
	require.NoError(t, err)
	status, _ := post(t, e, scenario.Hook, "application/json", `{"name":"Eve"}`)
	require.Equal(t, 200, status)
}

// A loop that is left after any of its steps leaves everything readable, and the next one carries on: it does not begin one
// more epoch.
func TestRotationThatIsLeftIsCarriedOn(t *testing.T) {
	t.Parallel()
	for n, left := 1, true; left; n++ {
		synctest.Test(t, func(t *testing.T) {
			s := newSafe(t)
			s.fill(t, s.engine(t), "acme")
			before := s.under(t)
			left = false
			step := 0
			for _, err := range s.engine(t).Rotate(t.Context(), engine.RotateOptions{Emergency: true}) {
				require.NoError(t, err)
				if step++; step == n {
					left = true
					break
				}
			}
			other := s.engine(t)
			opens(t, other)
			_, err := rotate(t, other.Rotate(t.Context(), engine.RotateOptions{}))
			require.NoError(t, err)
			s.finished(t, before, true)
			epochs, err := s.keeper.Epochs(t.Context())
			require.NoError(t, err)
			require.Len(t, epochs, 2)
		})
	}
}
