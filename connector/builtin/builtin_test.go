package builtin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/builtin"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func module(t testing.TB, name string) connector.Module {
	t.Helper()
	return connectortest.Module(t, builtin.New(), name)
}

// lines writes bundles as JSON, one a line: the order of fields counts.
func lines(t testing.TB, bundles []connector.Bundle) string {
	t.Helper()
	var out []string
	for _, b := range bundles {
		text, err := b.MarshalJSON()
		require.NoError(t, err)
		out = append(out, string(text))
	}
	return strings.Join(out, "\n")
}

func TestConnectorIsSound(t *testing.T) {
	t.Parallel()
	require.NoError(t, connector.Check(builtin.New()))
	require.Equal(t, "builtin", builtin.New().Name())
}

func TestIteratorGivesABundlePerElement(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ input, want string }{
		"texts, as the editor saves a chosen list": {
			`{"array":["Week 1","Week 2\r\n"]}`, `{"value":"Week 1"}` + "\n" + `{"value":"Week 2\r\n"}`,
		},
		"collections are spread and keep their order": {
			`{"array":[{"z":1,"a":{"b":[true]}},{"Straße":"ü"}]}`, `{"z":1,"a":{"b":[true]}}` + "\n" + `{"Straße":"ü"}`,
		},
		"a collection without fields":                   {`{"array":[{}]}`, `{}`},
		"arrays in the array stand whole":               {`{"array":[[1,2],[]]}`, `{"value":[1,2]}` + "\n" + `{"value":[]}`},
		"elements of many types":                        {`{"array":[null,1.5,false,""]}`, `{"value":null}` + "\n" + `{"value":1.5}` + "\n" + `{"value":false}` + "\n" + `{"value":""}`},
		"what is no array is its element":               {`{"array":"one"}`, `{"value":"one"}`},
		"zero is a value":                               {`{"array":0}`, `{"value":0}`},
		"a collection that is no array":                 {`{"array":{"id":7}}`, `{"id":7}`},
		"no field":                                      {`{}`, ``},
		"null":                                          {`{"array":null}`, ``},
		"an empty text":                                 {`{"array":""}`, ``},
		"an empty array":                                {`{"array":[]}`, ``},
		"fields beside the array are no one's business": {`{"array":[1],"other":2}`, `{"value":1}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "BasicFeeder"), connectortest.Call{Input: connectortest.Bundle(t, test.input)})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, lines(t, result.Bundles))
		})
	}
}

func TestIteratorStreams(t *testing.T) {
	t.Parallel()
	million := make([]any, 1_000_000)
	for i := range million {
		million[i] = int64(i)
	}
	result := connectortest.Run(t, module(t, "BasicFeeder"), connectortest.Call{
		Input: connector.NewBundle("array", million), Limit: 3,
	})
	require.NoError(t, result.Err)
	require.Equal(t, "{\"value\":0}\n{\"value\":1}\n{\"value\":2}", lines(t, result.Bundles))
}

func TestIteratorAndRepeaterEndWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, input := range map[string]string{
		"BasicFeeder": `{"array":[1,2]}`, "BasicRepeater": `{"start":1,"repeats":2,"step":1}`,
	} {
		result := connectortest.RunContext(ctx, t, module(t, name), connectortest.Call{Input: connectortest.Bundle(t, input)})
		require.ErrorIs(t, result.Err, context.Canceled)
		require.Empty(t, result.Bundles)
	}
}

func TestRepeaterCounts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ input, want string }{
		"texts, as the editor saves them": {`{"start":"1","repeats":"3","step":"1"}`, `{"i":1} {"i":2} {"i":3}`},
		"the count is no upper bound":     {`{"start":10,"repeats":2,"step":5}`, `{"i":10} {"i":15}`},
		"down":                            {`{"start":0,"repeats":3,"step":-2}`, `{"i":0} {"i":-2} {"i":-4}`},
		"fractions do not gather errors":  {`{"start":0,"repeats":4,"step":0.1}`, `{"i":0} {"i":0.1} {"i":0.2} {"i":0.30000000000000004}`},
		"step zero":                       {`{"start":"7","repeats":2,"step":"0"}`, `{"i":7} {"i":7}`},
		"none":                            {`{"start":1,"repeats":0,"step":1}`, ``},
		"blanks around numbers":           {`{"start":" 1 ","repeats":"1","step":"1"}`, `{"i":1}`},
		"beyond the exact integers":       {`{"start":9007199254740993,"repeats":1,"step":1}`, `{"i":9007199254740992}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "BasicRepeater"), connectortest.Call{Input: connectortest.Bundle(t, test.input)})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, strings.ReplaceAll(lines(t, result.Bundles), "\n", " "))
		})
	}
}

func TestRepeaterCountsInIntegers(t *testing.T) {
	t.Parallel()
	result := connectortest.Run(t, module(t, "BasicRepeater"), connectortest.Call{
		Input: connectortest.Bundle(t, `{"start":1,"repeats":1,"step":1}`),
	})
	require.NoError(t, result.Err)
	require.Equal(t, int64(1), result.Bundles[0].Get("i"))
}

func TestRepeaterGivesTenThousandAtMost(t *testing.T) {
	t.Parallel()
	result := connectortest.Run(t, module(t, "BasicRepeater"), connectortest.Call{
		Input: connectortest.Bundle(t, `{"start":1,"repeats":10000,"step":1}`),
	})
	require.NoError(t, result.Err)
	require.Len(t, result.Bundles, 10_000)
	for name, input := range map[string]string{
		"one more": `{"start":1,"repeats":10001,"step":1}`, "negative": `{"start":1,"repeats":-1,"step":1}`,
		"a fraction": `{"start":1,"repeats":2.5,"step":1}`, "no number": `{"start":"a","repeats":1,"step":1}`,
		"no start": `{"repeats":1,"step":1}`, "no step": `{"start":1,"repeats":1}`, "empty": `{"start":1,"repeats":"","step":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "BasicRepeater"), connectortest.Call{Input: connectortest.Bundle(t, input)})
			require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
		})
	}
}

func TestArrayAggregatorGathersTheMapper(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		bundles []connector.Bundle
		want    string
	}{
		"no bundles": {nil, `{"array":[]}`},
		"columns of a sheet": {
			[]connector.Bundle{connector.NewBundle("0", "Ada"), connector.NewBundle("0", nil)},
			`{"array":[{"0":"Ada"},{"0":null}]}`,
		},
		"a target's fields": {
			[]connector.Bundle{connector.NewBundle("email", "a@example.org", "displayName", "Ä", "since", day)},
			`{"array":[{"email":"a@example.org","displayName":"Ä","since":"2026-03-01T12:00:00.000Z"}]}`,
		},
		"the element itself": {
			[]connector.Bundle{
				connector.NewBundle("__IMTTARGET__", "x"),
				connector.NewBundle("__IMTTARGET__", connector.NewBundle("a", 1)),
				connector.NewBundle("__IMTTARGET__", nil),
			},
			`{"array":["x",{"a":1},null]}`,
		},
		"a mapper without fields": {[]connector.Bundle{{}, {}}, `{"array":[{},{}]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "BasicAggregator"), connectortest.Call{
				Params: connector.NewBundle("feeder", 13, "target", "2.attendees"), Bundles: test.bundles,
			})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, lines(t, result.Bundles))
		})
	}
}

func TestArrayAggregatorPassesOnTheErrorOfItsSource(t *testing.T) {
	t.Parallel()
	aggregator := module(t, "BasicAggregator").(connector.Aggregator)
	broken := connector.Errorf(connector.ConnectionError, "gone")
	_, err := aggregator.Aggregate(t.Context(), &connector.Call{}, func(yield func(connector.Bundle, error) bool) {
		_ = yield(connector.NewBundle("a", 1), nil) && yield(connector.Bundle{}, broken)
	})
	require.ErrorIs(t, err, broken)
}

func BenchmarkIterator(b *testing.B) {
	feeder := module(b, "BasicFeeder").(connector.Search)
	element := connector.NewBundle("id", 1, "name", "Ada")
	array := make([]any, 100)
	for i := range array {
		array[i] = element
	}
	call := &connector.Call{Input: connector.NewBundle("array", array), Location: time.UTC}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range feeder.Search(b.Context(), call) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
