package repo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/repo"
	"github.com/ebbkit/ebb/retention"
	"github.com/ebbkit/ebb/store"
)

func TestStatesOfModulesAreApartAndSealed(t *testing.T) {
	t.Parallel()
	d := open(t)
	scenario := repo.ScenarioID("acme", "s")
	mine := repo.NewState("acme", scenario, 3)
	mine.Created, mine.Data = d.now, []byte("needle in the state")
	require.NoError(t, d.Apply(t.Context(), d.Put(mine)))

	read := repo.NewState("acme", scenario, 3)
	require.NoError(t, d.Get(t.Context(), read))
	require.Equal(t, "needle in the state", string(read.Data))
	for _, other := range []*repo.State{
		repo.NewState("acme", scenario, 4), repo.NewState("acme", repo.ScenarioID("acme", "other"), 3), repo.NewState("others", scenario, 3),
	} {
		require.ErrorIs(t, d.Get(t.Context(), other), store.ErrNotFound)
	}

	rec := d.raw(t, "state", mine.ID)
	require.NotContains(t, string(rec.Body), "needle")
	require.Equal(t, scenario, rec.Parent)
	require.Equal(t, string(retention.Scenario), rec.Category, "it lives as long as its scenario")

	late := repo.NewState("acme", scenario, 3)
	late.Created = d.now
	require.ErrorIs(t, d.Apply(t.Context(), d.Put(late)), store.ErrConflict, "somebody was first")
	read.Data = []byte("next")
	require.NoError(t, d.Apply(t.Context(), d.Put(read)))
	require.ErrorIs(t, d.Apply(t.Context(), d.Put(mine)), store.ErrConflict)
}
