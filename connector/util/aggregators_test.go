package util_test

import (
	"context"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func values(list ...any) []connector.Bundle {
	bundles := make([]connector.Bundle, len(list))
	for i, value := range list {
		bundles[i] = connector.NewBundle("value", value)
	}
	return bundles
}

func TestNumericAggregatorMakesOneNumber(t *testing.T) {
	t.Parallel()
	whole, mixed := values(3, 1, 2), values("1.5", 2, nil, "", -0.5)
	tests := map[string]struct {
		items                     []connector.Bundle
		sum, avg, count, max, min any
	}{
		"integers":          {whole, int64(6), int64(2), int64(3), int64(3), int64(1)},
		"texts and nothing": {mixed, int64(3), int64(1), int64(5), int64(2), -0.5},
		"no bundles":        {nil, int64(0), nil, int64(0), nil, nil},
		"nothing but null":  {values(nil, nil), int64(0), nil, int64(2), nil, nil},
		"one":               {values(-7), int64(-7), int64(-7), int64(1), int64(-7), int64(-7)},
		"fractions":         {values(0.1, 0.2), 0.30000000000000004, 0.15000000000000002, int64(2), 0.2, 0.1},
		"large integers":    {values(int64(math.MaxInt64-1), 1), int64(math.MaxInt64), float64(math.MaxInt64) / 2, int64(2), int64(math.MaxInt64 - 1), int64(1)},
		"beyond 64 bits":    {values(int64(math.MaxInt64), 1), float64(math.MaxInt64), float64(math.MaxInt64) / 2, int64(2), int64(math.MaxInt64), int64(1)},
		"below 64 bits":     {values(int64(math.MinInt64), -1, 0), float64(math.MinInt64), float64(math.MinInt64) / 3, int64(3), int64(0), int64(math.MinInt64)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for fn, want := range map[string]any{"sum": test.sum, "avg": test.avg, "count": test.count, "max": test.max, "min": test.min} {
				for _, name := range []string{"FunctionAggregator2", "NumericalAggregator"} {
					result := connectortest.Run(t, module(t, name), connectortest.Call{
						Params: connector.NewBundle("fn", fn, "feeder", 3), Bundles: test.items,
					})
					require.NoError(t, result.Err)
					require.Equal(t, 1, result.Bundles[0].Len())
					require.Equal(t, want, result.Bundles[0].Get("result"), fn)
				}
			}
		})
	}
}

func TestNumericAggregatorWantsNumbers(t *testing.T) {
	t.Parallel()
	for _, wrong := range []any{"needle", true, connector.NewBundle("a", 1), []any{1}, time.Now()} {
		call := connectortest.Call{Params: connector.NewBundle("fn", "max"), Bundles: values(1, wrong)}
		result := connectortest.Run(t, module(t, "FunctionAggregator2"), call)
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err), "%T", wrong)
		require.ErrorContains(t, result.Err, "bundle 2")
		require.NotContains(t, result.Err.Error(), "needle")
		call.Params = connector.NewBundle("fn", "count")
		result = connectortest.Run(t, module(t, "FunctionAggregator2"), call)
		require.NoError(t, result.Err, "a count does not look at values")
		require.Equal(t, int64(2), result.Bundles[0].Get("result"))
	}
	result := connectortest.Run(t, module(t, "FunctionAggregator2"), connectortest.Call{Params: connector.NewBundle("fn", "median")})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
}

func TestTableAggregatorWritesRows(t *testing.T) {
	t.Parallel()
	rows := []connector.Bundle{
		connector.NewBundle("a", "ü\n", "b", nil, "c", 1.50), connector.NewBundle("a", []any{1, "x"}, "b", connector.NewBundle("k", "v"), "c", true), {},
	}
	tests := map[string]struct {
		params connector.Bundle
		rows   []connector.Bundle
		want   string
	}{
		"separators":         {connector.NewBundle("columnSeparator", "\t", "rowSeparator", "\n", "feeder", 1), rows, "ü\n\t\t1.5\n1, x\t{\"k\":\"v\"}\ttrue\n"},
		"escaped separators": {connector.NewBundle("columnSeparator", `\t`, "rowSeparator", `\n`), rows[:1], "ü\n\t\t1.5"},
		"other separators":   {connector.NewBundle("columnSeparator", "other", "otherColumnSeparator", ";", "rowSeparator", "other", "otherRowSeparator", "|"), rows, "ü\n;;1.5|1, x;{\"k\":\"v\"};true|"},
		"no separators":      {connector.NewBundle("columnSeparator", "", "rowSeparator", ""), rows[:1], "ü\n1.5"},
		"no bundles":         {connector.Bundle{}, nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{"AggregateAggregator", "TableAggregator"} {
				result := connectortest.Run(t, module(t, name), connectortest.Call{Params: test.params, Bundles: test.rows})
				require.NoError(t, result.Err)
				require.Equal(t, test.want, result.Bundles[0].Get("text"))
			}
		})
	}
	result := connectortest.Run(t, module(t, "TableAggregator"), connectortest.Call{Bundles: []connector.Bundle{connector.NewBundle("a", []byte{0xff})}})
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
	require.ErrorContains(t, result.Err, "row 1, field a")
}

func TestTablesHaveALimit(t *testing.T) {
	t.Parallel()
	megabyte := connector.NewBundle("value", strings.Repeat("x", 1<<20))
	_, err := module(t, "TableAggregator").(connector.Aggregator).Aggregate(t.Context(), &connector.Call{}, repeated(megabyte, 100))
	require.Equal(t, connector.MaxFileSizeExceededError, connector.TypeOf(err))
	broken := func(yield func(connector.Bundle, error) bool) { yield(connector.Bundle{}, context.DeadlineExceeded) }
	for _, name := range []string{"TableAggregator", "FunctionAggregator2", "TextAggregator"} {
		_, err := module(t, name).(connector.Aggregator).Aggregate(t.Context(), &connector.Call{}, broken)
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
	}
}

func repeated(b connector.Bundle, times int) func(func(connector.Bundle, error) bool) {
	return func(yield func(connector.Bundle, error) bool) {
		for range times {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// Not parallel: it looks at what the whole process holds.
func TestRunningTotalHoldsMemoryFlat(t *testing.T) {
	sum := module(t, "FunctionAggregator2").(connector.Aggregator)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	out, err := sum.Aggregate(t.Context(), &connector.Call{Params: connector.NewBundle("fn", "sum")}, func(yield func(connector.Bundle, error) bool) {
		for i := range 1_000_000 {
			if !yield(connector.NewBundle("value", i), nil) {
				return
			}
			if i%250_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&after)
				most = max(most, after.HeapAlloc)
			}
		}
	})
	require.NoError(t, err)
	require.Equal(t, int64(499_999_500_000), out.Get("result"))
	require.Less(t, most, before.HeapAlloc+1<<20)
}

func TestBasicTriggerGivesItsParameters(t *testing.T) {
	t.Parallel()
	for params, want := range map[string]string{
		`{"values":[{"spec":[{"name":"text","value":"a"},{"name":"ü","value":"😀"}]},{"spec":[{"name":"text","value":"b"}]}]}`: `{"text":"a","ü":"😀"} {"text":"b"}`,
		`{"values":[{"spec":[{"name":"a","value":"1"},{"name":"b","value":"2"},{"name":"a","value":"3"}]}]}`:                  `{"a":"3","b":"2"}`,
		`{"values":[{"spec":[{"name":"a"}]},{"spec":[]},{}]}`:                                                                 `{"a":null} {} {}`,
		`{"values":[]}`: ``, `{}`: ``,
	} {
		result := connectortest.Run(t, module(t, "BasicTrigger"), connectortest.Call{Params: connectortest.Bundle(t, params), Cursor: []byte("x")})
		require.NoError(t, result.Err, params)
		require.Equal(t, want, line(t, result.Bundles), params)
		require.Equal(t, "x", string(result.Cursor))
	}
	result := connectortest.Run(t, module(t, "BasicTrigger"), connectortest.Call{Params: connectortest.Bundle(t, `{"values":[{"spec":[{"value":"x"}]}]}`)})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
	result = connectortest.Run(t, module(t, "BasicTrigger"), connectortest.Call{Params: connectortest.Bundle(t, `{"values":[{},{}]}`), Limit: 1})
	require.Len(t, result.Bundles, 1)
}

func TestOldVariablesGiveValueAndName(t *testing.T) {
	t.Parallel()
	var vars connectortest.Variables
	result := connectortest.Run(t, module(t, "SetVariable"), connectortest.Call{
		Vars: &vars, Input: connectortest.Bundle(t, `{"name":"ü","scope":"execution","value":[1,"x"]}`),
	})
	require.NoError(t, result.Err)
	require.Equal(t, `{"value":[1,"x"],"ü":[1,"x"]}`, line(t, result.Bundles))
	require.Equal(t, connector.Execution, vars.Scope("ü"))
	for name, want := range map[string]string{"ü": `{"value":[1,"x"],"ü":[1,"x"]}`, "absent": `{"value":null,"absent":null}`, "value": `{"value":null}`} {
		result := connectortest.Run(t, module(t, "GetVariable"), connectortest.Call{Vars: &vars, Input: connector.NewBundle("name", name)})
		require.NoError(t, result.Err)
		require.Equal(t, want, line(t, result.Bundles))
	}
	for _, name := range []string{"SetVariable", "GetVariable"} {
		result := connectortest.Run(t, module(t, name), connectortest.Call{})
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
	}
}

func BenchmarkNumericAggregator(b *testing.B) {
	sum := module(b, "FunctionAggregator2").(connector.Aggregator)
	call := &connector.Call{Params: connector.NewBundle("fn", "sum")}
	bundle := connector.NewBundle("value", 12.5)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sum.Aggregate(b.Context(), call, repeated(bundle, 1000)); err != nil {
			b.Fatal(err)
		}
	}
}
