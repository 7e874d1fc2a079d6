package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/engine"
	"github.com/ebbkit/ebb/store/memory"
)

// Nothing is taken away before the host's own data is at the new versions, however often a rotation is cut off.
func TestRotationWaitsForWhatTheHostHasSealed(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]engine.Config{
		"keys with versions": {Store: memory.New(), Keys: crypto.HierarchyConfig{Keeper: crypto.NewKeyring(), KeyTime: time.Millisecond}},
		"one key ring":       {Store: memory.New(), Vault: crypto.NewKeyring()},
	} {
		e := start(t, config)
		scenario, err := e.Deploy(t.Context(), parse(t, greeting), engine.DeployOptions{})
		require.NoError(t, err)
		at := crypto.Scope{Category: "mine"}
		sealed, err := e.Vault().Seal(t.Context(), at, []byte("mine"))
		require.NoError(t, err)
		calls, failure := 0, errors.New("disk on fire")
		own := func(ctx context.Context) (err error) {
			if calls++; calls == 1 {
				return failure
			}
			var changed bool
			sealed, changed, err = e.Vault().Rewrap(ctx, at, sealed)
			require.True(t, changed || calls > 2, name)
			return err
		}
		rotate := func(leave bool) (err error) {
			for p, failed := range e.Rotate(t.Context(), engine.RotateOptions{Own: own}) {
				if err = errors.Join(err, failed); leave && p.Phase == engine.PhaseVerify {
					break
				}
			}
			return err
		}
		require.ErrorIs(t, rotate(false), failure, name)
		_, err = e.Vault().Open(t.Context(), at, sealed)
		require.NoError(t, err, name)
		require.NoError(t, rotate(true), name)
		require.NoError(t, rotate(false), name)
		require.GreaterOrEqual(t, calls, 2, name)
		content, err := e.Vault().Open(t.Context(), at, sealed)
		require.NoError(t, err, name)
		require.Equal(t, "mine", string(content), name)
		_, err = e.Scenario(t.Context(), scenario.ID)
		require.NoError(t, err, name)
	}
}
