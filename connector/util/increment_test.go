package util_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

// count runs the counter once and returns its number.
func count(t *testing.T, reset any, call connectortest.Call) any {
	t.Helper()
	call.Params = connector.NewBundle("reset", reset)
	result := connectortest.Run(t, module(t, "FunctionIncrement"), call)
	require.NoError(t, result.Err)
	require.Equal(t, 1, result.Bundles[0].Len())
	return result.Bundles[0].Get("i")
}

func TestIncrementBeginsAnewWithTheCycle(t *testing.T) {
	t.Parallel()
	for _, reset := range []any{"run", nil, ""} {
		var vars connectortest.Variables
		require.Equal(t, int64(1), count(t, reset, connectortest.Call{Vars: &vars}))
		require.Equal(t, int64(2), count(t, reset, connectortest.Call{Vars: &vars}))
		vars.EndCycle()
		require.Equal(t, int64(1), count(t, reset, connectortest.Call{Vars: &vars}))
	}
}

func TestIncrementBeginsAnewWithTheRun(t *testing.T) {
	t.Parallel()
	var vars connectortest.Variables
	require.Equal(t, int64(1), count(t, "execution", connectortest.Call{Vars: &vars}))
	vars.EndCycle()
	require.Equal(t, int64(2), count(t, "execution", connectortest.Call{Vars: &vars}))
	require.Equal(t, int64(1), count(t, "execution", connectortest.Call{}), "another run")
}

func TestIncrementsCountForThemselves(t *testing.T) {
	t.Parallel()
	var vars connectortest.Variables
	require.Equal(t, int64(1), count(t, "run", connectortest.Call{Vars: &vars, Module: 3}))
	require.Equal(t, int64(2), count(t, "run", connectortest.Call{Vars: &vars, Module: 3}))
	require.Equal(t, int64(1), count(t, "run", connectortest.Call{Vars: &vars, Module: 7}))
	_, ok := vars.Get("i")
	require.False(t, ok)
}

func TestIncrementNeverBeginsAnew(t *testing.T) {
	t.Parallel()
	var state connectortest.State
	for i := range 3 {
		require.Equal(t, int64(i+1), count(t, "scenario", connectortest.Call{State: &state, Key: string(rune('a' + i))}))
	}
	require.Equal(t, int64(3), count(t, "scenario", connectortest.Call{State: &state, Key: "c"}), "the same operation, repeated")
	require.Equal(t, int64(4), count(t, "scenario", connectortest.Call{State: &state, Key: "d"}))
}

func TestIncrementGivesEachNumberOnce(t *testing.T) {
	t.Parallel()
	var state connectortest.State
	var mu sync.Mutex
	seen := map[any]bool{}
	var runs sync.WaitGroup
	for i := range 50 {
		runs.Go(func() {
			got := count(t, "scenario", connectortest.Call{State: &state, Key: "run " + string(rune('0'+i))})
			mu.Lock()
			defer mu.Unlock()
			seen[got] = true
		})
	}
	runs.Wait()
	require.Len(t, seen, 50)
	require.True(t, seen[int64(50)])
}

type brokenState struct{ err error }

func (s brokenState) Update(context.Context, func(connector.Bundle) (connector.Bundle, error)) error {
	return s.err
}

func TestIncrementSaysWhenItCannotCount(t *testing.T) {
	t.Parallel()
	broken := errors.New("the store is away")
	result := connectortest.Run(t, module(t, "FunctionIncrement"), connectortest.Call{
		Params: connector.NewBundle("reset", "scenario"), State: brokenState{broken},
	})
	require.ErrorIs(t, result.Err, broken)
	_, err := module(t, "FunctionIncrement").(connector.Action).Do(t.Context(), &connector.Call{Params: connector.NewBundle("reset", "scenario")})
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(err))
	result = connectortest.Run(t, module(t, "FunctionIncrement"), connectortest.Call{Params: connector.NewBundle("reset", "daily")})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
}
