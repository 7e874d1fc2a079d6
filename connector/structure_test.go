package connector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

// orderSpec is a data structure as Make's API writes it.
const orderSpec = `{"dataStructure": {"id": 12, "teamId": 3, "name": "Order", "strict": true, "spec": [
  {"name": "id", "type": "text", "label": "Order id", "required": true},
  {"name": "total", "type": "number", "validate": {"min": 0}},
  {"name": "currency", "type": "select", "options": [{"label": "Euro", "value": "EUR"}, {"value": "USD"}], "default": "EUR"},
  {"name": "placed", "type": "date", "time": true, "default": "2026-01-02"},
  {"name": "note", "type": "text", "multiline": true, "help": "What the customer wrote"},
  {"name": "customer", "type": "collection", "spec": [
    {"name": "name", "type": "text", "required": true, "personal": "name"},
    {"name": "vip", "type": "boolean"}
  ]},
  {"name": "lines", "type": "array", "spec": [
    {"name": "sku", "type": "text", "required": true},
    {"name": "quantity", "type": "uinteger", "default": 1}
  ]},
  {"name": "tags", "type": "array", "spec": {"type": "text", "name": "value", "label": "Tag"}},
  {"name": "extra", "type": "collection"},
  {"name": "file", "type": "buffer"},
  {"name": "at", "type": "time"},
  {"name": "other", "type": "any"}
]}}`

func parseStructure(t testing.TB, text string) connector.Structure {
	t.Helper()
	s, err := connector.ParseStructure([]byte(text))
	require.NoError(t, err)
	return s
}

func parseBundle(t testing.TB, text string) connector.Bundle {
	t.Helper()
	value, err := connector.ParseJSON([]byte(text))
	require.NoError(t, err)
	return value.(connector.Bundle)
}

func TestStructureIsReadAsMakeWritesIt(t *testing.T) {
	t.Parallel()
	s := parseStructure(t, orderSpec)
	require.Equal(t, "Order", s.Name)
	require.True(t, s.Strict)
	require.Len(t, s.Fields, 12)
	zero := 0.0
	require.Equal(t, connector.Field{Name: "id", Type: "text", Label: "Order id", Required: true}, s.Fields[0])
	require.Equal(t, connector.Field{Name: "total", Type: "number", Min: &zero}, s.Fields[1])
	require.Equal(t, connector.Field{Name: "currency", Type: "select", Options: []string{"EUR", "USD"}, Default: "EUR"}, s.Fields[2])
	require.Equal(t, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), s.Fields[3].Default)
	require.True(t, s.Fields[4].Multiline)
	require.Equal(t, "name", s.Fields[5].Fields[0].Personal)
	require.Equal(t, connector.TypeCollection, s.Fields[6].Fields[0].Type)
	require.Equal(t, "sku", s.Fields[6].Fields[0].Fields[0].Name)
	require.Equal(t, []connector.Field{{Type: "text", Label: "Tag"}}, s.Fields[7].Fields)
}

func TestStructureComesBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := parseStructure(t, orderSpec)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	var back connector.Structure
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, s, back)
	list, err := connector.ParseStructure([]byte(`[{"name": "a", "type": "text"}]`))
	require.NoError(t, err)
	require.Equal(t, connector.Structure{Fields: []connector.Field{{Name: "a", Type: "text"}}}, list)
}

func TestStructureFillsInAndOrders(t *testing.T) {
	t.Parallel()
	s := parseStructure(t, orderSpec)
	in := parseBundle(t, `{"lines": [{"quantity": "2", "sku": 7}, {"sku": "b"}], "customer": {"vip": 0, "name": "Ada"},
		"tags": "one", "total": "9.5", "id": 1, "extra": {"any": "thing"}, "at": "7:05 PM"}`)
	before, _ := connector.AppendJSON(nil, in)
	out, err := s.Convert(in, nil)
	require.NoError(t, err)
	text, err := connector.AppendJSON(nil, out)
	require.NoError(t, err)
	require.Equal(t, `{"id":"1","total":9.5,"currency":"EUR","placed":"2026-01-02T00:00:00.000Z","customer":{"name":"Ada","vip":true},`+
		`"lines":[{"sku":"7","quantity":2},{"sku":"b","quantity":1}],"tags":["one"],"extra":{"any":"thing"},"at":"19:05:00"}`, string(text))
	after, _ := connector.AppendJSON(nil, in)
	require.Equal(t, string(before), string(after), "the bundle itself stays as it is")
	require.NoError(t, s.Validate(out, nil))
}

func TestStructureNamesEveryProblemAndNoValue(t *testing.T) {
	t.Parallel()
	s := parseStructure(t, orderSpec)
	err := s.Validate(parseBundle(t, `{"total": -3, "currency": "needle", "placed": "needle", "customer": {"vip": 1, "needle": 1, "age": 3},
		"lines": [{"sku": "a"}, {"quantity": "needle", "price": "needle"}], "unknown": "needle", "extra": "needle", "file": {"a": 1}}`), nil)
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(err))
	for _, want := range []string{
		"field id: is required", "field total: is less than 0", "field currency: is none of EUR, USD",
		"field placed: expected date, received text", "field customer.name: is required",
		"field customer.age: is not part of the data structure: leave it out",
		"field lines[2].sku: is required", "field lines[2].quantity: expected uinteger, received text",
		"field lines[2].price: is not part of the data structure", "field unknown: is not part of the data structure",
		"field extra: expected collection, received text", "field file: expected buffer, received collection",
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 1, strings.Count(err.Error(), "needle"), "only as the name of a field: %v", err)
}

func TestOnlyStrictStructuresRefuseOtherFields(t *testing.T) {
	t.Parallel()
	s := connector.Structure{Fields: []connector.Field{{Name: "b", Type: connector.TypeNumber}, {Name: "a", Type: connector.TypeText}}}
	out, err := s.Convert(connector.NewBundle("z", 1, "a", 2, "y", 3, "b", "4"), nil)
	require.NoError(t, err)
	require.True(t, connector.Equal(connector.NewBundle("b", 4, "a", "2", "z", 1, "y", 3), out), "what is described stands in front")
	s.Strict = true
	require.EqualError(t, s.Validate(connector.NewBundle("z", 1, "a", "2", "y", 3), nil),
		"field z: is not part of the data structure: leave it out; field y: is not part of the data structure: leave it out")
	require.NoError(t, connector.Structure{Strict: true}.Validate(connector.NewBundle("a", 1), nil), "without fields anything is allowed")
}

func TestHostileBundlesGiveShortErrors(t *testing.T) {
	t.Parallel()
	s := connector.Structure{Strict: true, Fields: []connector.Field{{Name: "a", Type: connector.TypeText}}}
	var b connector.Bundle
	for i := range 50_000 {
		b.Set(fmt.Sprintf("%d\n%s", i, strings.Repeat("x", 50)), i)
	}
	b.Set(strings.Repeat("é", 1<<20), 1)
	err := s.Validate(b, nil)
	require.Error(t, err)
	require.Less(t, len(err.Error()), 5000)
	require.NotContains(t, err.Error(), "\n")
	require.True(t, strings.HasSuffix(err.Error(), "; and more"))
	long := connector.NewBundle(strings.Repeat("é", 1<<20), 1)
	require.Less(t, len(s.Validate(long, nil).Error()), 300)
}

func TestStructuresThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		`{`:                             "expected",
		`7`:                             "structure: expected an object with a spec, or a list of fields",
		`{"name": "x"}`:                 "structure: expected an object with a spec",
		`{"name": 1, "spec": 2}`:        "structure.name: expected text, received number; spec: expected a list of fields, received number",
		`[1, {"type": "text"}]`:         "spec[0]: expected a field, received number; spec[1]: the field has no name",
		`[{"name": "a"}]`:               "spec[0]: the field has no type: take one of text, number",
		`[{"name":"a","type":"strin"}]`: `spec[0]: the type "strin" does not exist: take one of text, number`,
		`[{"name":"a","type":"text"},{"name":"a","type":"text"}]`:                            "spec.a stands twice",
		`[{"name":"a","type":"number","default":"x"}]`:                                       "spec[0].default: is no value of the field",
		`[{"name":"a","type":"text","required":"yes"}]`:                                      "spec[0].required: expected true or false, received text",
		`[{"name":"a","type":"text","validate":{"pattern":"x"}}]`:                            "spec[0].validate.pattern: patterns are not supported",
		`[{"name":"a","type":"text","validate":{"min":3,"max":1}}]`:                          "no value can keep the limits",
		`[{"name":"a","type":"number","validate":{"enum":[1]}}]`:                             "options are for texts",
		`[{"name":"a","type":"array","spec":{"type":"collection","spec":[{"name":"b"}]}}]`:   "spec[0].spec.spec[0]: the field has no type",
		`[{"name":"a","type":"collection","spec":{"type":"text"}}]`:                          "spec[0].spec: expected a list of fields, received collection",
		`[{"name":"a","type":"collection","spec":[{"name":"b","type":"date","default":1}]}]`: "spec[0].spec[0].default: is no value",
	} {
		_, err := connector.ParseStructure([]byte(spec))
		require.ErrorContains(t, err, want, spec)
	}
	_, err := connector.ParseStructure([]byte(`[{"name":"a","type":"x"},{"type":"y"}]`))
	require.ErrorIs(t, err, connector.ErrStructure)
	require.ErrorContains(t, err, "spec[0]")
	require.ErrorContains(t, err, "spec[1]")
	bad := connector.Structure{Fields: []connector.Field{{Name: "a", Type: "strin", Fields: []connector.Field{{Type: "wrong"}}}}}
	require.ErrorContains(t, bad.Check(), `spec.a[0]: the type "wrong" does not exist`)
	_, err = json.Marshal(connector.Structure{Fields: []connector.Field{{Name: "b", Type: "buffer", Default: []byte{0xff}}}})
	require.ErrorContains(t, err, "the default is a buffer that is no text")
}

func TestStructureOfAGoType(t *testing.T) {
	t.Parallel()
	type line struct {
		SKU      string `json:"sku" required:"true"`
		Quantity int    `json:"quantity" min:"1" default:"1"`
	}
	type order struct {
		ID    string    `json:"id" label:"Order id" required:"true"`
		Note  string    `json:"note" multiline:"true"`
		Email string    `json:"email" type:"email" personal:"email"`
		When  time.Time `json:"when"`
		Lines []line    `json:"lines"`
	}
	s, err := connector.StructureOf[order]("Order")
	require.NoError(t, err)
	require.Equal(t, "Order", s.Name)
	require.True(t, s.Fields[1].Multiline)
	text, err := json.Marshal(s)
	require.NoError(t, err)
	require.Equal(t, s, parseStructure(t, string(text)))
	require.EqualError(t, s.Validate(parseBundle(t, `{"lines": [{"quantity": 0}]}`), nil),
		"field id: is required; field lines[1].sku: is required; field lines[1].quantity: is less than 1")
	_, err = connector.StructureOf[chan int]("Bad")
	require.ErrorIs(t, err, connector.ErrUnsupported)
}

func TestCallFindsTheStructureOfAParameter(t *testing.T) {
	t.Parallel()
	order := &connector.Structure{Name: "order"}
	call := connector.Call{Structure: func(_ context.Context, name string) (*connector.Structure, error) {
		if name == "12" || name == "order" {
			return order, nil
		}
		return nil, nil
	}}
	for _, c := range []struct {
		value any
		want  *connector.Structure
	}{{nil, nil}, {"", nil}, {"order", order}, {12, order}, {13, nil}} {
		call.Params = connector.NewBundle("type", c.value)
		got, err := call.ParamStructure(t.Context(), "type")
		require.NoError(t, err)
		require.Same(t, c.want, got)
	}
	call.Params = connector.NewBundle("type", true)
	_, err := call.ParamStructure(t.Context(), "type")
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(err))
	call = connector.Call{Params: connector.NewBundle("type", "order")}
	_, err = call.ParamStructure(t.Context(), "type")
	require.EqualError(t, err, "parameter type: this host has no data structures")
}

func FuzzParseStructure(f *testing.F) {
	f.Add(orderSpec)
	f.Add(`[]`)
	f.Add(`[{"name":"a","type":"array","spec":{"type":"array","spec":{"type":"date","default":"2026-01-02"}}}]`)
	f.Add(`[{"name":"a","type":"array","spec":[{"name":"b","type":"number","validate":{"min":-0.5}}]}]`)
	f.Add(`{"spec":null,"strict":true}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := connector.ParseStructure([]byte(text))
		if err != nil {
			return
		}
		written, err := s.MarshalJSON()
		require.NoError(t, err)
		back, err := connector.ParseStructure(written)
		require.NoError(t, err, "%s", written)
		require.Equal(t, s, back)
		out, err := s.Convert(connector.NewBundle("a", text, "b", []any{text, 1}), nil)
		if err == nil {
			require.NoError(t, s.Validate(out, nil), "what was converted is valid")
		}
	})
}

func ExampleStructure_Convert() {
	structure, err := connector.ParseStructure([]byte(`{"name": "Person", "strict": true, "spec": [
		{"name": "name", "type": "text", "required": true},
		{"name": "age", "type": "number"},
		{"name": "country", "type": "text", "default": "SE"}
	]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	person, err := structure.Convert(connector.NewBundle("age", "36", "name", "Ada"), nil)
	text, _ := person.MarshalJSON()
	fmt.Println(string(text), err)
	_, err = structure.Convert(connector.NewBundle("age", "old", "nickname", "A"), nil)
	fmt.Println(err)
	// Output:
	// {"name":"Ada","age":36,"country":"SE"} <nil>
	// field name: is required; field age: expected number, received text; field nickname: is not part of the data structure: leave it out
}

func BenchmarkStructureConvert(b *testing.B) {
	s := parseStructure(b, orderSpec)
	in := parseBundle(b, `{"id": "1", "total": 9.5, "customer": {"name": "Ada"}, "lines": [{"sku": "a", "quantity": 2}, {"sku": "b", "quantity": 1}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Convert(in, nil); err != nil {
			b.Fatal(err)
		}
	}
}
