package blueprint_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

func TestDeclaredFieldsAreRead(t *testing.T) {
	t.Parallel()
	bp := parse(t, string(fixture(t, "order.json")))
	hook, call := bp.Flow[0], bp.Flow[2]

	field, ok := hook.ParameterFields().Get("hook")
	require.True(t, ok)
	require.Equal(t, "hook:gateway-webhook", field.Type)
	require.Equal(t, "hook", field.Base())
	require.Equal(t, "Webhook", field.Label)
	require.True(t, field.Required)

	output := hook.OutputFields()
	require.Len(t, output, 4)
	lines, _ := output.Get("lines")
	require.Equal(t, "array", lines.Base())
	require.Nil(t, lines.Item)
	quantity, ok := lines.Spec.Get("quantity")
	require.True(t, ok)
	require.Equal(t, "uinteger", quantity.Type)
	tags, _ := output.Get("tags")
	require.Equal(t, "text", tags.Item.Type)
	_, ok = output.Get("nothing")
	require.False(t, ok)

	expect := call.MapperFields()
	timeout, _ := expect.Get("timeout")
	require.InDelta(t, 1, *timeout.Min, 0)
	require.InDelta(t, 300, *timeout.Max, 0)
	require.NotNil(t, timeout.Default)
	headers, _ := expect.Get("headers")
	require.Nil(t, headers.Min)
	require.InDelta(t, 16, *headers.Max, 0)
	method, _ := expect.Get("method")
	require.Equal(t, []any{"get", "post"}, method.Enum)
	options := method.Options()
	require.Len(t, options, 2)
	require.Equal(t, "POST", options[1].Label)
	require.Equal(t, "post", options[1].Value)
	require.Equal(t, "buffer", options[1].Nested[0].Type)

	require.Nil(t, bp.Flow[3].MapperFields())
}

func TestOddDeclarationsAreLeftOut(t *testing.T) {
	t.Parallel()
	bp := parse(t, `{"flow":[{"metadata":{"interface":{"x":1},"parameters":"y","expect":[null,7,{"type":"hidden"},
		{"name":"a","type":"select","options":"rpc://x","validate":true,"multiple":true},
		{"name":"b","options":{"store":[null,{"label":"L","value":1,"nested":{"store":[{"name":"c"}]}}]},"validate":{"min":"1","max":1e999}}]}}]}`)
	m := bp.Flow[0]
	require.Nil(t, m.OutputFields())
	require.Nil(t, m.ParameterFields())
	fields := m.MapperFields()
	require.Len(t, fields, 3)
	require.Equal(t, "hidden", fields[0].Type)
	require.True(t, fields[1].Multiple)
	require.Nil(t, fields[1].Options())
	require.Nil(t, fields[2].Min)
	require.Nil(t, fields[2].Max)
	require.Equal(t, "c", fields[2].Options()[0].Nested[0].Name)
	require.Nil(t, blueprint.Field{}.Options())
}
