package connectortest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func TestDataStoreInMemoryHasAStructure(t *testing.T) {
	t.Parallel()
	connectortest.ConformStructure(t, func(_ *testing.T, structure connector.Structure) connector.DataStore {
		s := connectortest.NewDataStore()
		s.Structure = &structure
		return s
	})
}

// typeOf is a module that names a data structure.
func typeOf() connector.Action {
	return connector.NewAction(connector.Info{
		Name: "TypeOf", Params: []connector.Field{{Name: "type", Type: connector.TypeStructure}},
	}, func(ctx context.Context, call *connector.Call, _ struct{}) (connector.Bundle, error) {
		structure, err := call.ParamStructure(ctx, "type")
		if err != nil || structure == nil {
			return connector.NewBundle("name", "none"), err
		}
		return connector.NewBundle("name", structure.Name), nil
	})
}

func TestModulesAreGivenStructures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		named any
		want  string
		kind  connector.ErrorType
	}{
		{"order", "order", ""},
		{12, "twelve", ""},
		{13, "none", ""},
		{nil, "none", ""},
		{"orders", "", connector.InvalidConfigurationError},
	} {
		result := connectortest.Run(t, typeOf(), connectortest.Call{
			Params:     connector.NewBundle("type", c.named),
			Structures: map[string]connector.Structure{"order": {Name: "order"}, "12": {Name: "twelve"}},
		})
		require.Equal(t, c.kind, connector.TypeOf(result.Err))
		if c.kind == "" {
			require.Equal(t, c.want, result.Bundles[0].Get("name"))
		}
	}
}
