package scenario_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/scenario"
)

func TestConnectorConforms(t *testing.T) {
	t.Parallel()
	connectortest.Conform(t, scenario.New())
}

func module(t *testing.T, name string) connector.Module {
	t.Helper()
	return connectortest.Module(t, scenario.New(), name)
}

func TestStartGivesOneBundle(t *testing.T) {
	t.Parallel()
	result := connectortest.Run(t, module(t, "StartSubscenario"), connectortest.Call{})
	require.NoError(t, result.Err)
	require.Equal(t, []connector.Bundle{{}}, result.Bundles)
}

func TestReturnGivesItsFields(t *testing.T) {
	t.Parallel()
	m := module(t, "ReturnData")
	require.True(t, m.Info().Returns)
	in := connector.NewBundle("greeting", "Hello", "count", int64(2))
	result := connectortest.Run(t, m, connectortest.Call{Input: in})
	require.NoError(t, result.Err)
	require.Equal(t, []connector.Bundle{in}, result.Bundles)
}

func TestHostWithoutScenariosSaysSo(t *testing.T) {
	t.Parallel()
	result := connectortest.Run(t, module(t, "CallSubscenario"), connectortest.Call{Params: connector.NewBundle("scenario", int64(7))})
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err))
	result = connectortest.Run(t, module(t, "CallSubscenario"), connectortest.Call{})
	require.Error(t, result.Err)
}
