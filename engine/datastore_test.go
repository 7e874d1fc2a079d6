package engine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/engine"
)

func TestDataStoresConform(t *testing.T) {
	t.Parallel()
	connectortest.ConformDataStore(t, func(t *testing.T) connector.DataStore {
		t.Helper()
		data, err := start(t, engine.Config{}).DataStore(t.Context(), "people")
		require.NoError(t, err)
		return data
	})
}

func TestDataStoreLimitsAreToldByTheirNames(t *testing.T) {
	t.Parallel()
	e := start(t, engine.Config{})
	data, err := e.DataStore(t.Context(), "people")
	require.NoError(t, err)
	large := connector.NewBundle("text", strings.Repeat("x", engine.MaxEntryBytes))
	err = data.Change(t.Context(), "key", func(connector.Bundle, bool) (connector.Bundle, error) { return large, nil })
	require.Equal(t, connector.MaxFileSizeExceededError, connector.TypeOf(err))
	_, _, err = data.Get(t.Context(), strings.Repeat("k", engine.MaxKeyBytes+1))
	require.Equal(t, connector.DataError, connector.TypeOf(err))
	_, err = e.DataStore(t.Context(), "")
	require.ErrorIs(t, err, engine.ErrInvalid)
	var names []string
	for name, err := range e.DataStores(t.Context()) {
		require.NoError(t, err)
		names = append(names, name)
	}
	require.Equal(t, []string{"people"}, names)
}
