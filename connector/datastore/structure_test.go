package datastore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

// typed is a table whose records have a strict structure.
func typed(t testing.TB) *table {
	t.Helper()
	s := newTable(t)
	s.DataStore.Structure = &connector.Structure{Strict: true, Fields: []connector.Field{
		{Name: "name", Type: connector.TypeText, Required: true},
		{Name: "age", Type: connector.TypeInteger},
		{Name: "tags", Type: connector.TypeArray},
	}}
	return s
}

func TestRecordsHaveTheStructureOfTheirStore(t *testing.T) {
	t.Parallel()
	s := typed(t)
	require.NoError(t, s.run(t, "AddRecord", `{"key":"ada","data":{"age":"36","name":"Ada","tags":"a"}}`).Err)
	require.Equal(t, `{"name":"Ada","age":36,"tags":["a"]}`, s.record(t, "ada"))
	require.NoError(t, s.run(t, "UpdateRecord", `{"key":"ada","data":{"age":"37","name":"","tags":["b"]}}`).Err)
	require.Equal(t, `{"name":"Ada","age":37,"tags":["a","b"]}`, s.record(t, "ada"), "an update is checked as the record that it leads to")
	require.NoError(t, s.run(t, "UpdateRecord", `{"key":"bob","upsert":true,"data":{"name":"Bob"}}`).Err)
	require.Equal(t, `{"name":"Bob"}`, s.record(t, "bob"))
}

func TestRecordsThatDoNotFitAreRefused(t *testing.T) {
	t.Parallel()
	s := typed(t)
	require.NoError(t, s.run(t, "AddRecord", `{"key":"ada","data":{"name":"Ada"}}`).Err)
	for module, input := range map[string]string{
		"AddRecord":    `{"key":"ada","overwrite":true,"data":{"age":"needle","mail":"needle"}}`,
		"UpdateRecord": `{"key":"bob","upsert":true,"data":{"age":"needle","mail":"needle"}}`,
	} {
		result := s.run(t, module, input)
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err), module)
		require.EqualError(t, result.Err, "field name: is required; field age: expected integer, received text; "+
			"field mail: is not part of the data structure: leave it out", module)
	}
	require.Equal(t, `{"name":"Ada"}`, s.record(t, "ada"))
	result := s.run(t, "AddRecord", `{"key":"ada","data":{"age":"needle"}}`)
	require.Equal(t, connector.DuplicateDataError, connector.TypeOf(result.Err), "that it exists comes first")
}
