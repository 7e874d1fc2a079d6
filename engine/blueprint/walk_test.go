package blueprint_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

func TestAllVisitsEveryModuleInDocumentOrder(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"order.json": {
			"1 flow[0] first",
			"12 flow[1]",
			"3 flow[2]",
			"21 flow[2].onerror[0] error of 3",
			"22 flow[2].onerror[1] error of 3",
			"4 flow[3]",
			"5 flow[4]",
			"6 flow[4].routes[0].flow[0]",
			"8 flow[4].routes[1].flow[0] disabled",
			"7 flow[4].routes[2].flow[0]",
		},
		"ifelse.json": {
			"1 flow[0] first",
			"2 flow[1]",
			"3 flow[1].branches[0].flow[0]",
			"4 flow[1].branches[1].flow[0]",
			"9 flow[1].branches[1].flow[0].branches[0].flow[0]",
			"5 flow[1].branches[2].flow[0]",
			"6 flow[2]",
			"7 flow[3]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bp := parse(t, string(fixture(t, name)))
			var got []string
			for place, m := range bp.All() {
				line := fmt.Sprint(m.ID, " ", place.Path())
				if place.First() {
					line += " first"
				}
				if place.Disabled() {
					line += " disabled"
				}
				if failed := place.ErrorOf(); failed != nil {
					line += fmt.Sprint(" error of ", failed.ID)
				}
				got = append(got, line)
			}
			require.Equal(t, want, got)

			for stop := range want {
				visited := 0
				for range bp.All() {
					if visited++; visited == stop+1 {
						break
					}
				}
				require.Equal(t, stop+1, visited)
			}
		})
	}
}

func TestPlacesNestThroughAllKindsOfLists(t *testing.T) {
	t.Parallel()
	bp := parse(t, `{"flow":[{"id":1,"routes":[{"disabled":true,"flow":[{"id":2,"onerror":[{"id":3,"branches":[{"flow":[{"id":4}]}]}]}]}]},
		{"id":5,"branches":[{"disabled":true,"flow":[{"id":6}]}]}]}`)
	disabled := map[int]bool{}
	for place, m := range bp.All() {
		disabled[m.ID] = place.Disabled()
		if m.ID != 4 {
			continue
		}
		require.Equal(t, "flow[0].routes[0].flow[0].onerror[0].branches[0].flow[0]", place.Path())
		require.Equal(t, blueprint.WithinBranch, place.Within)
		require.Equal(t, 3, place.Owner.ID)
		require.Equal(t, blueprint.WithinErrorRoute, place.Parent.Within)
		require.Equal(t, 2, place.ErrorOf().ID)
		require.Equal(t, 1, place.Parent.Parent.Owner.ID)
	}
	require.Equal(t, map[int]bool{1: false, 2: true, 3: true, 4: true, 5: false, 6: true}, disabled)
}

func TestModulesCanBeChangedWhereTheyAreFound(t *testing.T) {
	t.Parallel()
	bp := parse(t, string(fixture(t, "order.json")))
	m, ok := bp.Module(22)
	require.True(t, ok)
	m.ID = 40
	require.Equal(t, 40, bp.Flow[2].OnError[1].ID)
	_, ok = bp.Module(22)
	require.False(t, ok)
}
