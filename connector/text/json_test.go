package text_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/text"
)

func module(t testing.TB, name string) connector.Module {
	t.Helper()
	for _, c := range text.All() {
		for _, m := range c.Modules() {
			if m.Info().Name == name {
				return m
			}
		}
	}
	t.Fatalf("there is no module %s", name)
	return nil
}

// line writes bundles as JSON: the order of fields counts.
func line(t testing.TB, bundles []connector.Bundle) string {
	t.Helper()
	var out []string
	for _, b := range bundles {
		written, err := b.MarshalJSON()
		require.NoError(t, err)
		out = append(out, string(written))
	}
	return strings.Join(out, " ")
}

func TestConnectorsAreSound(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range text.All() {
		require.NoError(t, connector.Check(c))
		require.False(t, names[c.Name()], c.Name())
		names[c.Name()] = true
		for _, m := range c.Modules() {
			require.True(t, m.Info().Pure, m.Info().Name)
		}
	}
	require.Equal(t, map[string]bool{"json": true, "xml": true, "csv": true, "regexp": true, "archive": true}, names)
}

func TestParseGivesBundles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		input any
		want  string
	}{
		"an object keeps its order":    {`{"z":1,"a":{"b":[true,null]},"é":"😀"}`, `{"z":1,"a":{"b":[true,null]},"é":"😀"}`},
		"an array is a bundle each":    {`[{"id":1},{"id":2}]`, `{"id":1} {"id":2}`},
		"elements without fields":      {`["a",2,null,[3]]`, `{"value":"a"} {"value":2} {"value":null} {"value":[3]}`},
		"an empty array":               {`[]`, ``},
		"an empty object":              {`{}`, `{}`},
		"a text":                       {`"a"`, `{"value":"a"}`},
		"a number":                     {`-1.50`, `{"value":-1.5}`},
		"null":                         {`null`, `{"value":null}`},
		"blanks around":                {" \r\n\t{\"a\" : 1}\n", `{"a":1}`},
		"a byte order mark":            {"\ufeff{\"a\":1}", `{"a":1}`},
		"a buffer":                     {[]byte(`{"a":"ü"}`), `{"a":"ü"}`},
		"a large integer":              {`{"id":9007199254740993}`, `{"id":9007199254740993}`},
		"a name that stands twice":     {`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		"escapes":                      {`{"a":"\u00e4\n\"\\"}`, `{"a":"ä\n\"\\"}`},
		"half a surrogate":             {`{"a":"\ud800"}`, "{\"a\":\"\ufffd\"}"},
		"an array deep but not too so": {strings.Repeat("[", 900) + strings.Repeat("]", 900), `{"value":` + strings.Repeat("[", 899) + strings.Repeat("]", 899) + `}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "ParseJSON"), connectortest.Call{
				Params: connector.NewBundle("type", 110985), Input: connector.NewBundle("json", test.input),
			})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, line(t, result.Bundles))
		})
	}
}

func TestParseRefusesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ input, message string }{
		"a sentence":            {`needle`, "byte 1"},
		"cut off":               {`{"needle":`, "byte 11, but the text ends"},
		"a trailing comma":      {`{"needle":1,}`, "byte 13"},
		"more behind the end":   {`{"needle":1} needle`, "byte 14"},
		"single quotes":         {`{'needle':1}`, "byte 2"},
		"not a number":          {`NaN`, "byte 1"},
		"a raw line break":      {"\"needle\n\"", "byte 8"},
		"a number out of range": {`1e999`, "byte 1"},
		"a comment":             {`{} // needle`, "byte 4"},
		"nested too deep":       {strings.Repeat(`[`, 100_000), "invalid JSON: values are nested too deep"},
		"blanks only":           {"  ", "byte 3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "ParseJSON"), connectortest.Call{
				Input: connector.NewBundle("json", test.input),
			})
			require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
			require.ErrorIs(t, result.Err, connector.ErrJSON)
			require.ErrorContains(t, result.Err, test.message)
			require.NotContains(t, result.Err.Error(), "needle")
			require.Empty(t, result.Bundles)
		})
	}
}

func TestParseNeedsAText(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]connector.Bundle{
		"nothing": {}, "null": connector.NewBundle("json", nil), "an empty text": connector.NewBundle("json", ""),
		"a collection": connector.NewBundle("json", connector.NewBundle("a", 1)),
		"octets":       connector.NewBundle("json", []byte{0xff, 0xfe}),
	} {
		result := connectortest.Run(t, module(t, "ParseJSON"), connectortest.Call{Input: input})
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err), name)
	}
}

func TestParseEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result := connectortest.RunContext(ctx, t, module(t, "ParseJSON"), connectortest.Call{
		Input: connector.NewBundle("json", `[1,2]`),
	})
	require.ErrorIs(t, result.Err, context.Canceled)
}

func TestCreateWritesTheMapperInOrder(t *testing.T) {
	t.Parallel()
	input := connector.NewBundle(
		"response", "Event wasn't <b>\"created\"</b> & ü\n", "n", 1.50, "none", nil, "list", []any{}, "empty", connector.Bundle{},
		"when", time.Date(2026, time.May, 4, 3, 2, 1, 0, time.UTC), "octets", []byte{0xff}, "inner", connector.NewBundle("z", 1, "a", true),
	)
	const compact = `{"response":"Event wasn't <b>\"created\"</b> & ü\n","n":1.5,"none":null,"list":[],"empty":{},"when":"2026-05-04T03:02:01.000Z","octets":"/w==","inner":{"z":1,"a":true}}`
	const wide = `{
  "response": "Event wasn't <b>\"created\"</b> & ü\n",
  "n": 1.5,
  "none": null,
  "list": [],
  "empty": {},
  "when": "2026-05-04T03:02:01.000Z",
  "octets": "/w==",
  "inner": {
    "z": 1,
    "a": true
  }
}`
	tests := map[string]struct {
		params connector.Bundle
		want   string
	}{
		"as exported":        {connector.NewBundle("type", 110985, "space", ""), compact},
		"without parameters": {connector.Bundle{}, compact},
		"two":                {connector.NewBundle("space", "2"), wide},
		"two as a number":    {connector.NewBundle("space", 2), wide},
		"four":               {connector.NewBundle("space", "4"), strings.ReplaceAll(wide, "  ", "    ")},
		"tab":                {connector.NewBundle("space", "tab"), strings.ReplaceAll(wide, "  ", "\t")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "CreateJSON"), connectortest.Call{Params: test.params, Input: input})
			require.NoError(t, result.Err)
			require.Equal(t, 1, result.Bundles[0].Len())
			require.Equal(t, test.want, result.Bundles[0].Get("json"))
			require.True(t, json.Valid([]byte(test.want)))
		})
	}
	result := connectortest.Run(t, module(t, "CreateJSON"), connectortest.Call{})
	require.NoError(t, result.Err)
	require.Equal(t, "{}", result.Bundles[0].Get("json"))
}

func TestCreateRefusesOtherIndentations(t *testing.T) {
	t.Parallel()
	result := connectortest.Run(t, module(t, "CreateJSON"), connectortest.Call{Params: connector.NewBundle("space", "3")})
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err))
}

func TestTransformWritesAnyValue(t *testing.T) {
	t.Parallel()
	for want, object := range map[string]any{
		`{"b":[1,"ü"],"a":null}`: connector.NewBundle("b", []any{1, "ü"}, "a", nil),
		`[{"a":1}]`:              []any{connector.NewBundle("a", 1)},
		`"text"`:                 "text", `12`: 12, `null`: nil, `""`: "",
	} {
		result := connectortest.Run(t, module(t, "TransformToJSON"), connectortest.Call{
			Input: connector.NewBundle("object", object),
		})
		require.NoError(t, result.Err)
		require.Equal(t, want, result.Bundles[0].Get("json"))
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":1}`, `[{"a":[1,2,{"b":null}]},"x"]`, `"\ud83d\ude00"`, `1e5`, `-0`, `[[[[`, `{"a":{"a":{"a":`, "\ufeff[]", `nul`, "\"\x00\"", `{"a":1,"a":2}`,
	} {
		f.Add(seed)
	}
	parse := module(f, "ParseJSON").(connector.Search)
	create := module(f, "CreateJSON").(connector.Action)
	f.Fuzz(func(t *testing.T, input string) {
		call := &connector.Call{Input: connector.NewBundle("json", input), Location: time.UTC}
		for bundle, err := range parse.Search(t.Context(), call) {
			if err != nil {
				require.Contains(t, []connector.ErrorType{connector.DataError, connector.BundleValidationError}, connector.TypeOf(err))
				return
			}
			written, err := create.Do(t.Context(), &connector.Call{Input: bundle, Location: time.UTC})
			require.NoError(t, err)
			again := 0
			for back, err := range parse.Search(t.Context(), &connector.Call{Input: written, Location: time.UTC}) {
				require.NoError(t, err)
				require.Equal(t, line(t, []connector.Bundle{bundle}), line(t, []connector.Bundle{back}))
				again++
			}
			require.Equal(t, 1, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	parse := module(b, "ParseJSON").(connector.Search)
	order := `{"id":4711,"customer":{"name":"Ada","email":"ada@example.org"},"lines":[{"sku":"A-1","quantity":2,"price":9.5},{"sku":"B-2","quantity":1,"price":20}]}`
	call := &connector.Call{Input: connector.NewBundle("json", order), Location: time.UTC}
	b.SetBytes(int64(len(order)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range parse.Search(b.Context(), call) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func TestAggregateWritesAnArray(t *testing.T) {
	t.Parallel()
	rows := []connector.Bundle{connector.NewBundle("b", 1, "a", "ü\""), connector.NewBundle("b", nil), {}}
	tests := map[string]struct {
		params connector.Bundle
		rows   []connector.Bundle
		want   string
	}{
		"bundles":    {connector.NewBundle("type", 7, "feeder", 1), rows, `[{"b":1,"a":"ü\""},{"b":null},{}]`},
		"no bundles": {connector.Bundle{}, nil, `[]`},
		"indented":   {connector.NewBundle("space", "2"), rows[:1], "[\n  {\n    \"b\": 1,\n    \"a\": \"ü\\\"\"\n  }\n]"},
		"tabs":       {connector.NewBundle("space", "tab"), rows[1:2], "[\n\t{\n\t\t\"b\": null\n\t}\n]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "AggregateToJSON"), connectortest.Call{Params: test.params, Bundles: test.rows})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, result.Bundles[0].Get("json"))
		})
	}
	result := connectortest.Run(t, module(t, "AggregateToJSON"), connectortest.Call{Params: connector.NewBundle("space", "3")})
	require.Equal(t, connector.InvalidConfigurationError, connector.TypeOf(result.Err))
}

func TestTextsOfAggregatorsHaveALimit(t *testing.T) {
	t.Parallel()
	megabyte := strings.Repeat("x", 1<<20)
	many := func(yield func(connector.Bundle, error) bool) {
		for range 100 {
			if !yield(connector.NewBundle("value", megabyte), nil) {
				return
			}
		}
	}
	for _, name := range []string{"AggregateToJSON", "CreateCSV", "AggregateToCSV"} {
		_, err := module(t, name).(connector.Aggregator).Aggregate(t.Context(), &connector.Call{Location: time.UTC}, many)
		require.Equal(t, connector.MaxFileSizeExceededError, connector.TypeOf(err), name)
	}
}

func TestAggregatorsPassErrorsOn(t *testing.T) {
	t.Parallel()
	broken := func(yield func(connector.Bundle, error) bool) { yield(connector.Bundle{}, context.DeadlineExceeded) }
	for _, name := range []string{"AggregateToJSON", "CreateCSV", "CreateArchive"} {
		_, err := module(t, name).(connector.Aggregator).Aggregate(t.Context(), &connector.Call{Location: time.UTC}, broken)
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
	}
}

func TestConnectorsConform(t *testing.T) {
	t.Parallel()
	samples := map[string][]connectortest.Sample{
		"xml": {
			{Module: "ParseXML", Call: connectortest.Call{Input: connector.NewBundle("xml", `<a b="c"><d>1</d></a>`)}},
			{Module: "CreateXML", Call: connectortest.Call{Input: connector.NewBundle("a", "x")}},
			{Module: "TransformToXML", Call: connectortest.Call{Input: connector.NewBundle("a", "x")}},
		},
		"archive": {
			{Module: "UnpackAction", Call: connectortest.Call{Input: connector.NewBundle("data", zipped(t, "a.txt", "x"))}},
			{Module: "ExtractArchive", Call: connectortest.Call{Input: connector.NewBundle("data", zipped(t, "a.txt", "x"))}},
			{Module: "CreateArchive", Call: connectortest.Call{Bundles: []connector.Bundle{connector.NewBundle("fileName", "a", "data", "x")}}},
			{Module: "PackAggregator", Call: connectortest.Call{Bundles: []connector.Bundle{connector.NewBundle("fileName", "a", "data", "x")}}},
		},
	}
	for _, c := range text.All() {
		connectortest.Conform(t, c, samples[c.Name()]...)
	}
}
