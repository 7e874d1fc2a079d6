package text_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

// orders is the data structure of these tests.
var orders = map[string]connector.Structure{"12": {Name: "order", Strict: true, Fields: []connector.Field{
	{Name: "id", Type: connector.TypeInteger, Required: true},
	{Name: "when", Type: connector.TypeDate},
	{Name: "lines", Type: connector.TypeArray, Fields: []connector.Field{{Type: connector.TypeCollection, Fields: []connector.Field{
		{Name: "sku", Type: connector.TypeText, Required: true}, {Name: "quantity", Type: connector.TypeNumber, Default: int64(1)},
	}}}},
}}}

func shaped(t testing.TB, name, input string, named any) connectortest.Result {
	t.Helper()
	value, err := connector.ParseJSON([]byte(input))
	require.NoError(t, err)
	call := connectortest.Call{Params: connector.NewBundle("type", named), Structures: orders}
	call.Input, _ = value.(connector.Bundle)
	return connectortest.Run(t, module(t, name), call)
}

func TestCreateOrdersAndTypesByItsStructure(t *testing.T) {
	t.Parallel()
	const mapper = `{"lines":[{"quantity":"2","sku":7},{"sku":"b"}],"when":"2026-01-02","id":"1"}`
	for _, named := range []any{12, "12"} {
		result := shaped(t, "CreateJSON", mapper, named)
		require.NoError(t, result.Err)
		require.Equal(t, `{"id":1,"when":"2026-01-02T00:00:00.000Z","lines":[{"sku":"7","quantity":2},{"sku":"b","quantity":1}]}`,
			result.Bundles[0].Get("json"))
	}
	for _, named := range []any{nil, "", 13} { // 13 is a structure of another account
		result := shaped(t, "CreateJSON", mapper, named)
		require.NoError(t, result.Err)
		require.Equal(t, mapper, result.Bundles[0].Get("json"))
	}
}

func TestParseChecksAgainstItsStructure(t *testing.T) {
	t.Parallel()
	result := shaped(t, "ParseJSON", `{"json":"[{\"when\":\"2026-01-02\",\"id\":\"1\"},{\"id\":2}]"}`, 12)
	require.NoError(t, result.Err)
	require.Equal(t, `{"id":1,"when":"2026-01-02T00:00:00.000Z"} {"id":2}`, line(t, result.Bundles))
	result = shaped(t, "ParseJSON", `{"json":"{\"anything\":1}"}`, 13)
	require.NoError(t, result.Err)
	require.Equal(t, `{"anything":1}`, line(t, result.Bundles))
}

func TestWhatDoesNotFitAStructureIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		module, input, want string
		before              int
	}{
		{"CreateJSON", `{"id":"needle","lines":[{}]}`, "field id: expected integer, received text; field lines[1].sku: is required", 0},
		{"CreateJSON", `{"id":1,"extra":"needle"}`, "field extra: is not part of the data structure: leave it out", 0},
		{"ParseJSON", `{"json":"{\"id\":\"needle\"}"}`, "field id: expected integer, received text", 0},
		{"ParseJSON", `{"json":"[{\"id\":1},{\"id\":\"needle\"}]"}`, "element 2: field id: expected integer, received text", 1},
		{"ParseJSON", `{"json":"7"}`, "field id: is required; field value: is not part of the data structure: leave it out", 0},
	} {
		result := shaped(t, c.module, c.input, 12)
		require.EqualError(t, result.Err, c.want)
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
		require.Len(t, result.Bundles, c.before)
	}
	for _, name := range []string{"CreateJSON", "ParseJSON"} {
		result := shaped(t, name, `{"json":"{}"}`, "order")
		require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err), "a name that should be there")
	}
}
