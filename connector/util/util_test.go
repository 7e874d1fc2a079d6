package util_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/pattern"
	"github.com/ebbkit/ebb/connector/util"
)

func module(t testing.TB, name string) connector.Module {
	t.Helper()
	return connectortest.Module(t, util.New(), name)
}

// line writes bundles as JSON: the order of fields counts.
func line(t testing.TB, bundles []connector.Bundle) string {
	t.Helper()
	var out []string
	for _, b := range bundles {
		text, err := b.MarshalJSON()
		require.NoError(t, err)
		out = append(out, string(text))
	}
	return strings.Join(out, " ")
}

func TestConnectorIsSound(t *testing.T) {
	t.Parallel()
	require.NoError(t, connector.Check(util.New()))
	require.Equal(t, "util", util.New().Name())
	for _, m := range util.New().Modules() {
		info := m.Info()
		effect := info.Label == "Sleep" || info.Name == "FunctionIncrement"
		require.Equal(t, !effect, info.Pure, info.Name)
		require.Equal(t, effect, info.Idempotent || info.ReadOnly, info.Name)
	}
	connectortest.Conform(t, util.New())
}

func TestComposeGivesBackItsText(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		`{"value":"Ünï\ncode"}`:      `{"value":"Ünï\ncode"}`,
		`{"value":""}`:               `{"value":""}`,
		`{"value":12.50}`:            `{"value":"12.5"}`,
		`{"value":["a",1,null]}`:     `{"value":"a, 1, "}`,
		`{}`:                         `{"value":null}`,
		`{"value":true,"other":"x"}`: `{"value":"true"}`,
	} {
		result := connectortest.Run(t, module(t, "ComposeTransformer"), connectortest.Call{Input: connectortest.Bundle(t, input)})
		require.NoError(t, result.Err, input)
		require.Equal(t, want, line(t, result.Bundles), input)
	}
	result := connectortest.Run(t, module(t, "ComposeTransformer"), connectortest.Call{Input: connectortest.Bundle(t, `{"value":{"a":1}}`)})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
}

func TestSwitchTakesTheFirstCaseThatFits(t *testing.T) {
	t.Parallel()
	const table = `"casesTable":[{"pattern":"de","output":"Deutsch"},{"pattern":"en","output":{"a":[1]}},{"pattern":"de","output":"later"},{"pattern":"none"}]`
	tests := map[string]struct{ input, want string }{
		"equal":                          {`{"input":"de",` + table + `}`, `{"output":"Deutsch"}`},
		"an output of any type":          {`{"input":"en",` + table + `}`, `{"output":{"a":[1]}}`},
		"a case without an output":       {`{"input":"none",` + table + `}`, `{"output":null}`},
		"case counts":                    {`{"input":"DE",` + table + `}`, ``},
		"a part is not equal":            {`{"input":"de-AT",` + table + `}`, ``},
		"else":                           {`{"input":"fr","elseOutput":"other",` + table + `}`, `{"output":"other"}`},
		"else that is zero":              {`{"input":"fr","elseOutput":0,` + table + `}`, `{"output":0}`},
		"an else that was left empty":    {`{"input":"fr","elseOutput":"",` + table + `}`, ``},
		"no else":                        {`{"input":"fr",` + table + `}`, ``},
		"a number is its text":           {`{"input":5,"casesTable":[{"pattern":"5","output":"five"}]}`, `{"output":"five"}`},
		"no input is the empty text":     {`{"casesTable":[{"pattern":"","output":"empty"}]}`, `{"output":"empty"}`},
		"no cases":                       {`{"input":"a","casesTable":[],"elseOutput":"x"}`, `{"output":"x"}`},
		"a pattern is not an expression": {`{"input":"abc","casesTable":[{"pattern":"a.c","output":1}]}`, ``},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "Switcher"), connectortest.Call{Input: connectortest.Bundle(t, test.input)})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, line(t, result.Bundles))
		})
	}
}

func TestSwitchMatchesECMAScriptExpressions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ pattern, input, want string }{
		"anywhere in the text": {`b+`, `aabbcc`, `{"output":"yes"}`},
		"anchored":             {`^b+$`, `aabbcc`, ``},
		"look-ahead":           {`foo(?=bar)`, `foobar`, `{"output":"yes"}`},
		"look-behind":          {`(?<!\d)€`, `Preis €`, `{"output":"yes"}`},
		"back-reference":       {`(\w)\1`, `hello`, `{"output":"yes"}`},
		"named group":          {`(?<year>\d{4})-\k<year>`, `2026-2026`, `{"output":"yes"}`},
		"case counts":          {`ABC`, `abc`, ``},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule := connector.NewBundle("pattern", test.pattern, "output", "yes")
			result := connectortest.Run(t, module(t, "Switcher"), connectortest.Call{
				Input: connector.NewBundle("input", test.input, "useRegExpMatch", "true", "casesTable", []any{rule}),
			})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, line(t, result.Bundles))
		})
	}
}

func TestSwitchRefusesBadPatternsWithoutQuotingThem(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ pattern, input string }{
		"malformed":   {`needle(`, `x`},
		"too long":    {strings.Repeat("needle", pattern.MaxBytes/6+1), `x`},
		"catastrophe": {`^(needle|needl|e)*(a*)*(a*)*$`, strings.Repeat("a", 40) + "needle!"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "Switcher"), connectortest.Call{
				Input: connector.NewBundle("input", test.input, "useRegExpMatch", true, "casesTable",
					[]any{connector.NewBundle("pattern", "^never$"), connector.NewBundle("pattern", test.pattern)}),
			})
			want := connector.DataError
			if name == "catastrophe" {
				want = connector.RuntimeError
			}
			require.Equal(t, want, connector.TypeOf(result.Err))
			require.ErrorContains(t, result.Err, "casesTable[2].pattern")
			require.NotContains(t, result.Err.Error(), "needle")
		})
	}
}

func TestSwitchForgetsOldPatterns(t *testing.T) {
	t.Parallel()
	m := module(t, "Switcher")
	for i := range 1000 {
		text := strings.Repeat("a", i)
		result := connectortest.Run(t, m, connectortest.Call{
			Input: connector.NewBundle("input", text, "useRegExpMatch", true, "casesTable",
				[]any{connector.NewBundle("pattern", "^"+text+"$", "output", i)}),
		})
		require.NoError(t, result.Err)
		require.Equal(t, int64(i), result.Bundles[0].Get("output"))
	}
}

func TestTextAggregatorJoinsRows(t *testing.T) {
	t.Parallel()
	rows := []connector.Bundle{
		connector.NewBundle("value", "Größe"), connector.NewBundle("value", ""), connector.NewBundle("value", 1.5),
		connector.NewBundle("value", nil), {}, connector.NewBundle("value", []any{"a", int64(2)}),
	}
	tests := map[string]struct{ params, want string }{
		"nothing between":                      {`{"feeder":6,"rowSeparator":""}`, "Größe1.5a, 2"},
		"nothing said":                         {`{"feeder":6}`, "Größe1.5a, 2"},
		"a new line, as exported":              {`{"feeder":86,"rowSeparator":"\n"}`, "Größe\n\n1.5\n\n\na, 2"},
		"a new line, as its escape":            {`{"feeder":86,"rowSeparator":"\\n"}`, "Größe\n\n1.5\n\n\na, 2"},
		"a tab":                                {`{"feeder":86,"rowSeparator":"\t"}`, "Größe\t\t1.5\t\t\ta, 2"},
		"a tab, as its escape":                 {`{"feeder":86,"rowSeparator":"\\t"}`, "Größe\t\t1.5\t\t\ta, 2"},
		"another text":                         {`{"rowSeparator":"other","otherRowSeparator":"; "}`, "Größe; ; 1.5; ; ; a, 2"},
		"another text as it stands":            {`{"rowSeparator":"other","otherRowSeparator":"\\n"}`, `Größe\n\n1.5\n\n\na, 2`},
		"another text that is empty":           {`{"rowSeparator":"other"}`, "Größe1.5a, 2"},
		"the other text counts only for other": {`{"otherRowSeparator":"x"}`, "Größe1.5a, 2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := connectortest.Run(t, module(t, "TextAggregator"), connectortest.Call{
				Params: connectortest.Bundle(t, test.params), Bundles: rows,
			})
			require.NoError(t, result.Err)
			require.Len(t, result.Bundles, 1)
			require.Equal(t, 1, result.Bundles[0].Len())
			require.Equal(t, test.want, result.Bundles[0].Get("text"))
		})
	}
}

func TestTextAggregatorOfNothingIsEmpty(t *testing.T) {
	t.Parallel()
	result := connectortest.Run(t, module(t, "TextAggregator"), connectortest.Call{Params: connectortest.Bundle(t, `{"rowSeparator":"\n"}`)})
	require.NoError(t, result.Err)
	require.Equal(t, `{"text":""}`, line(t, result.Bundles))
}

func TestTextAggregatorRefusesWhatIsNoText(t *testing.T) {
	t.Parallel()
	result := connectortest.Run(t, module(t, "TextAggregator"), connectortest.Call{
		Bundles: []connector.Bundle{connector.NewBundle("value", connector.NewBundle("secret", 1))},
	})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
	result = connectortest.Run(t, module(t, "TextAggregator"), connectortest.Call{Params: connectortest.Bundle(t, `{"rowSeparator":"##"}`)})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
}

func BenchmarkSwitchByExpression(b *testing.B) {
	m := module(b, "Switcher").(connector.Search)
	call := &connector.Call{Input: connector.NewBundle("input", "ORD-12345", "useRegExpMatch", true, "casesTable",
		[]any{connector.NewBundle("pattern", `^(ORD|INV)-\d{4,}$`, "output", "order")})}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range m.Search(b.Context(), call) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
