package connector_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func fieldOf(kind connector.FieldType) connector.Field { return connector.Field{Name: "f", Type: kind} }

func TestConvertMakesWhatFieldsDeclare(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	bundle := connector.NewBundle("a", 1)
	selection := connector.Field{Name: "f", Type: connector.TypeSelect, Options: []string{"1", "2"}}
	people := connector.Field{Name: "f", Type: connector.TypeArray, Fields: []connector.Field{{
		Type: connector.TypeCollection, Fields: []connector.Field{{Name: "age", Type: connector.TypeInteger, Default: int64(7)}},
	}}}
	for name, c := range map[string]struct {
		field     connector.Field
		in, want  any
		unchanged bool
	}{
		"any":                       {field: fieldOf("any"), in: bundle, want: bundle},
		"type of another release":   {field: fieldOf("hologram"), in: 1, want: int64(1)},
		"no type":                   {field: fieldOf(""), in: "x", want: "x"},
		"text":                      {field: fieldOf("text"), in: 1.5, want: "1.5"},
		"url":                       {field: fieldOf("url"), in: "x", want: "x"},
		"password":                  {field: fieldOf("password"), in: 1, want: "1"},
		"empty text":                {field: fieldOf("text"), in: "", want: ""},
		"number":                    {field: fieldOf("number"), in: "1.50", want: 1.5},
		"number that is whole":      {field: fieldOf("number"), in: "-3", want: int64(-3)},
		"number from empty":         {field: fieldOf("number"), in: "", want: nil},
		"integer":                   {field: fieldOf("integer"), in: 3.0, want: int64(3)},
		"uinteger":                  {field: fieldOf("uinteger"), in: "0", want: int64(0)},
		"integer beyond int64":      {field: fieldOf("uinteger"), in: "18446744073709551616", want: 18446744073709551616.0},
		"boolean from 0":            {field: fieldOf("boolean"), in: 0, want: true},
		"boolean from empty":        {field: fieldOf("boolean"), in: "", want: false},
		"boolean from null":         {field: fieldOf("boolean"), in: nil, want: nil},
		"boolean from a bundle":     {field: fieldOf("boolean"), in: bundle, want: true},
		"date":                      {field: fieldOf("date"), in: "2026-01-02 03:04:05", want: when},
		"time":                      {field: fieldOf("time"), in: "23:59:59", want: "23:59:59"},
		"buffer":                    {field: fieldOf("buffer"), in: when, want: []byte("2026-01-02T03:04:05.000Z")},
		"buffer from empty":         {field: fieldOf("buffer"), in: "", want: []byte{}},
		"array":                     {field: fieldOf("array"), in: bundle, want: []any{bundle}},
		"array from empty":          {field: fieldOf("array"), in: "", want: nil},
		"array of numbers":          {field: connector.Field{Name: "f", Type: "array", Fields: []connector.Field{{Type: "number"}}}, in: []any{"1", 2, ""}, want: []any{int64(1), int64(2), nil}},
		"array of collections":      {field: people, in: []any{connector.NewBundle("age", "1"), connector.Bundle{}}, want: []any{connector.NewBundle("age", 1), connector.NewBundle("age", 7)}},
		"collection":                {field: connector.Field{Name: "f", Type: "collection", Fields: []connector.Field{{Name: "a", Type: "text"}}}, in: bundle, want: connector.NewBundle("a", "1")},
		"select":                    {field: selection, in: 2, want: "2"},
		"empty select":              {field: selection, in: "", want: nil},
		"default":                   {field: connector.Field{Name: "f", Type: "number", Default: int64(40)}, in: "", want: int64(40)},
		"no default for empty text": {field: connector.Field{Name: "f", Type: "text", Default: "d"}, in: "", want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := connector.NewBundle("before", 1, "f", c.in, "behind", 2)
			out, err := connector.Convert([]connector.Field{c.field}, in, nil)
			require.NoError(t, err)
			require.True(t, connector.Equal(c.want, out.Get("f")), "%#v", out.Get("f"))
			require.Equal(t, []string{"before", "f", "behind"}, names(out))
			again, err := connector.Convert([]connector.Field{c.field}, out, nil)
			require.NoError(t, err)
			require.True(t, connector.Equal(out, again), "converting twice is converting once")
		})
	}
}

func TestConvertRefusesWithTheNamesOfTheFields(t *testing.T) {
	t.Parallel()
	low, high := 2.0, 3.0
	limited := func(kind connector.FieldType) connector.Field {
		return connector.Field{Name: "f", Type: kind, Min: &low, Max: &high}
	}
	for name, c := range map[string]struct {
		field connector.Field
		in    any
		want  string
	}{
		"required":            {connector.Field{Name: "f", Required: true}, nil, "field f: is required"},
		"required text":       {connector.Field{Name: "f", Type: "text", Required: true}, "", "field f: is required"},
		"required number":     {connector.Field{Name: "f", Type: "number", Required: true}, "", "field f: is required"},
		"uinteger":            {fieldOf("uinteger"), -1, "field f: expected uinteger, received number"},
		"number from boolean": {fieldOf("number"), true, "field f: expected number, received boolean"},
		"infinity":            {fieldOf("number"), "1e999", "field f: expected number, received text"},
		"collection":          {fieldOf("collection"), "{}", "field f: expected collection, received text"},
		"text":                {fieldOf("email"), connector.Bundle{}, "field f: expected email, received collection"},
		"text of buffers":     {fieldOf("text"), []any{[]byte{255}}, "field f: expected text, received array"},
		"small number":        {limited("number"), 1.9, "field f: is less than 2"},
		"large number":        {limited("integer"), 4, "field f: is more than 3"},
		"short text":          {limited("text"), "é", "field f: its length is less than 2"},
		"long text":           {limited("text"), "éééé", "field f: its length is more than 3"},
		"short array":         {limited("array"), 1, "field f: its length is less than 2"},
		"long buffer":         {limited("buffer"), "abcd", "field f: its length is more than 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connector.Convert([]connector.Field{c.field}, connector.NewBundle("f", c.in), nil)
			require.EqualError(t, err, c.want)
			require.Equal(t, connector.BundleValidationError, connector.TypeOf(err))
		})
	}
	_, err := connector.Convert([]connector.Field{limited("number")}, connector.NewBundle("f", "NaN"), nil)
	require.Error(t, err)
}

func TestConvertAddsDefaultsBehind(t *testing.T) {
	t.Parallel()
	fields := []connector.Field{
		{Name: "timeout", Type: "uinteger", Default: int64(40)}, {Name: "url", Type: "url"}, {Name: "never", Type: "text"},
	}
	in := connector.NewBundle("url", "x")
	out, err := connector.Convert(fields, in, nil)
	require.NoError(t, err)
	require.True(t, connector.Equal(connector.NewBundle("url", "x", "timeout", 40), out))
	require.Equal(t, 1, in.Len(), "the input was changed")
}

func TestConvertDoesNotCopyWhatIsRight(t *testing.T) { // not parallel: it counts allocations
	fields, err := connector.FieldsOf[benchIn]()
	require.NoError(t, err)
	in := order(3)
	in.Set("created", time.Unix(0, 0))
	allocations := testing.AllocsPerRun(10, func() {
		if _, err := connector.Convert(fields, in, nil); err != nil {
			t.Error(err)
		}
	})
	require.LessOrEqual(t, allocations, 4.0)
}
