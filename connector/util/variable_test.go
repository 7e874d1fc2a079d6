package util_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

func TestVariablesAreSetInTheirScope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		module, input, want string
		scopes              map[string]connector.VariableScope
	}{
		"one, as exported": {
			"SetVariable2", `{"name":"Response Sent","scope":"roundtrip","value":true}`, `{"Response Sent":true}`,
			map[string]connector.VariableScope{"Response Sent": connector.Roundtrip},
		},
		"one for the run": {
			"SetVariable2", `{"name":"n","scope":"execution","value":{"a":[1]}}`, `{"n":{"a":[1]}}`,
			map[string]connector.VariableScope{"n": connector.Execution},
		},
		"one without a scope": {
			"SetVariable2", `{"name":"n","value":"v"}`, `{"n":"v"}`,
			map[string]connector.VariableScope{"n": connector.Roundtrip},
		},
		"one whose value was ignored is null": {
			"SetVariable2", `{"name":"n"}`, `{"n":null}`, map[string]connector.VariableScope{"n": connector.Roundtrip},
		},
		"many keep their order": {
			"SetVariables",
			`{"scope":"execution","variables":[{"name":"to","value":"Ä"},{"name":"amount","value":"5"},{"name":"asset"},{"name":"#guild-cricket","value":""}]}`,
			`{"to":"Ä","amount":"5","asset":null,"#guild-cricket":""}`,
			map[string]connector.VariableScope{"to": connector.Execution, "asset": connector.Execution},
		},
		"the last of one name counts": {
			"SetVariables", `{"variables":[{"name":"a","value":1},{"name":"b","value":2},{"name":"a","value":3}]}`,
			`{"a":3,"b":2}`, map[string]connector.VariableScope{"a": connector.Roundtrip},
		},
		"a lone variable that is no array": {
			"SetVariables", `{"variables":{"name":"a","value":1}}`, `{"a":1}`, nil,
		},
		"a name that is a number": {"SetVariable2", `{"name":7,"value":1}`, `{"7":1}`, nil},
		"none":                    {"SetVariables", `{}`, `{}`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := &connectortest.Variables{}
			result := connectortest.Run(t, module(t, test.module), connectortest.Call{Input: connectortest.Bundle(t, test.input), Vars: vars})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, line(t, result.Bundles))
			for name, value := range result.Bundles[0].All() {
				held, ok := vars.Get(name)
				require.True(t, ok, name)
				require.Equal(t, value, held, name)
			}
			for name, scope := range test.scopes {
				require.Equal(t, scope, vars.Scope(name), name)
			}
		})
	}
}

func TestVariablesAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ module, input string }{
		"no name":                {"SetVariable2", `{"value":1}`},
		"an empty name":          {"SetVariable2", `{"name":"","value":1}`},
		"an unknown scope":       {"SetVariable2", `{"name":"a","scope":"forever"}`},
		"one of many unnamed":    {"SetVariables", `{"variables":[{"name":"a"},{"value":2}]}`},
		"a text among variables": {"SetVariables", `{"variables":["a"]}`},
		"no name to get":         {"GetVariable2", `{}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := &connectortest.Variables{}
			result := connectortest.Run(t, module(t, test.module), connectortest.Call{Input: connectortest.Bundle(t, test.input), Vars: vars})
			require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
			_, ok := vars.Get("a")
			require.False(t, ok, "nothing is set when something is wrong")
		})
	}
}

func TestVariablesAreRead(t *testing.T) {
	t.Parallel()
	vars := &connectortest.Variables{}
	vars.Set("Main Question", "Wer gewinnt?", connector.Roundtrip)
	vars.Set("Team 1", []any{"CSK"}, connector.Execution)
	tests := map[string]struct{ module, input, want string }{
		"one":                 {"GetVariable2", `{"name":"Main Question"}`, `{"Main Question":"Wer gewinnt?"}`},
		"one that is not set": {"GetVariable2", `{"name":"nothing"}`, `{"nothing":null}`},
		"names":               {"GetVariables", `{"variables":["Team 1","nothing","Main Question"]}`, `{"Team 1":["CSK"],"nothing":null,"Main Question":"Wer gewinnt?"}`},
		"collections":         {"GetVariables", `{"variables":[{"name":"Team 1"},{"value":"Main Question"}]}`, `{"Team 1":["CSK"],"Main Question":"Wer gewinnt?"}`},
		"a lone name":         {"GetVariables", `{"variables":"Team 1"}`, `{"Team 1":["CSK"]}`},
		"numbers":             {"GetVariables", `{"variables":[1]}`, `{"1":null}`},
		"none":                {"GetVariables", `{"variables":[]}`, `{}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, test.module), connectortest.Call{Input: connectortest.Bundle(t, test.input), Vars: vars})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, line(t, result.Bundles))
		})
	}
	for _, input := range []string{`{"variables":[""]}`, `{"variables":["a",null]}`, `{"variables":[{"key":"a"}]}`, `{"variables":[["a"],{}]}`} {
		result := connectortest.Run(t, module(t, "GetVariables"), connectortest.Call{Input: connectortest.Bundle(t, input), Vars: vars})
		require.Equal(t, connector.DataError, connector.TypeOf(result.Err), input)
	}
}

func TestSleepWaits(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]time.Duration{
		`{"duration":"1"}`: time.Second, `{"duration":37.25}`: 37250 * time.Millisecond, `{"duration":300}`: 300 * time.Second,
	} {
		for _, name := range []string{"FunctionSleep", "Sleep"} {
			synctest.Test(t, func(t *testing.T) {
				before := time.Now()
				result := connectortest.Run(t, module(t, name), connectortest.Call{Input: connectortest.Bundle(t, input)})
				require.NoError(t, result.Err)
				require.Equal(t, "{}", line(t, result.Bundles))
				require.Equal(t, want, time.Since(before))
			})
		}
	}
}

func TestSleepEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		before := time.Now()
		result := connectortest.RunContext(ctx, t, module(t, "FunctionSleep"), connectortest.Call{Input: connectortest.Bundle(t, `{"duration":300}`)})
		require.ErrorIs(t, result.Err, context.DeadlineExceeded)
		require.Equal(t, 40*time.Second, time.Since(before))
	})
}

func TestSleepRefusesOtherDelays(t *testing.T) {
	t.Parallel()
	for _, input := range []string{`{}`, `{"duration":""}`, `{"duration":0}`, `{"duration":0.99}`, `{"duration":"300.5"}`, `{"duration":-1}`, `{"duration":"soon"}`, `{"duration":true}`} {
		result := connectortest.Run(t, module(t, "FunctionSleep"), connectortest.Call{Input: connectortest.Bundle(t, input)})
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err), input)
	}
}

func BenchmarkSetVariable(b *testing.B) {
	m := module(b, "SetVariable2").(connector.Action)
	call := &connector.Call{
		Input: connector.NewBundle("name", "total", "scope", "roundtrip", "value", 42), Vars: &connectortest.Variables{},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Do(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
