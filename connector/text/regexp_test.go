package text_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
	"github.com/ebbkit/ebb/connector/pattern"
	"github.com/ebbkit/ebb/connector/text"
)

func TestParserGivesABundlePerMatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pattern, options string
		text             any
		want             string
	}{
		"the first match":         {`(\d)(\w)`, `{}`, "1a 2b", `{"$1":"1","$2":"a","i":1,"__IMTMATCH__":["1a","1","a"]}`},
		"all matches":             {`\d(\w)`, `{"global":true}`, "1a 2b", `{"$1":"a","i":1,"__IMTMATCH__":["1a","a"]} {"$1":"b","i":2,"__IMTMATCH__":["2b","b"]}`},
		"no groups":               {`\d`, `{"global":true}`, "1a 2b", `{"i":1,"__IMTMATCH__":["1"]} {"i":2,"__IMTMATCH__":["2"]}`},
		"named groups":            {`(?<key>\w+)=(?<value>\w+)`, `{}`, "é k=v", `{"$1":"k","$2":"v","i":1,"__IMTMATCH__":["k=v","k","v"],"key":"k","value":"v"}`},
		"groups of one name":      {`(?<n>a)|(?<n>b)`, `{}`, "b", `{"$1":null,"$2":"b","i":1,"__IMTMATCH__":["b",null,"b"],"n":"b"}`},
		"the first of one name":   {`(?<n>a)|(?<n>b)`, `{}`, "a", `{"$1":"a","$2":null,"i":1,"__IMTMATCH__":["a","a",null],"n":"a"}`},
		"a group without a part":  {`(?<n>a)?b`, `{}`, "b", `{"$1":null,"i":1,"__IMTMATCH__":["b",null],"n":null}`},
		"case matters":            {`A`, `{}`, "a", ``},
		"case does not matter":    {`Ä`, `{"sensitive":false}`, "ä", `{"i":1,"__IMTMATCH__":["ä"]}`},
		"lines":                   {`^b`, `{"multiline":true}`, "a\nb", `{"i":1,"__IMTMATCH__":["b"]}`},
		"a single line":           {`a.b`, `{"singleline":true}`, "a\nb", `{"i":1,"__IMTMATCH__":["a\nb"]}`},
		"look-around":             {`(?<=\$)\d+(?!\d)`, `{}`, "$42", `{"i":1,"__IMTMATCH__":["42"]}`},
		"no match":                {`x`, `{"global":true}`, "abc", ``},
		"no match but going on":   {`x`, `{"continueWhenNoRes":true}`, "abc", `{}`},
		"a match and going on":    {`b`, `{"continueWhenNoRes":true}`, "abc", `{"i":1,"__IMTMATCH__":["b"]}`},
		"no text":                 {`x`, `{"continueWhenNoRes":true}`, nil, `{}`},
		"an empty match":          {`x*`, `{}`, "abc", `{"i":1,"__IMTMATCH__":[""]}`},
		"empty matches, ignored":  {`x*`, `{"global":true,"ignoreInfiniteLoopsWhenGlobal":true}`, "xb", `{"i":1,"__IMTMATCH__":["x"]} {"i":2,"__IMTMATCH__":[""]} {"i":3,"__IMTMATCH__":[""]}`},
		"a number for a text":     {`\d`, `{}`, 42, `{"i":1,"__IMTMATCH__":["4"]}`},
		"what a blueprint has":    {`===([^=]+)===\s*([\s\S]*?)(?=\n===|$)`, `{"global":true,"singleline":true,"advancedParser":true}`, "===A===\nx\ny\n===B===\nz", `{"$1":"A","$2":"x\ny","i":1,"__IMTMATCH__":["===A===\nx\ny","A","x\ny"]} {"$1":"B","$2":"z","i":2,"__IMTMATCH__":["===B===\nz","B","z"]}`},
		"characters beyond UCS-2": {`😀(.)`, `{}`, "😀😀", `{"$1":"😀","i":1,"__IMTMATCH__":["😀😀","😀"]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var params connector.Bundle
			require.NoError(t, params.UnmarshalJSON([]byte(test.options)))
			advanced := connectortest.Run(t, module(t, "AdvancedParser"), connectortest.Call{
				Params: params, Input: connector.NewBundle("pattern", test.pattern, "text", test.text),
			})
			require.NoError(t, advanced.Err)
			require.Equal(t, test.want, line(t, advanced.Bundles))
			params = params.Clone()
			params.Set("pattern", test.pattern)
			simple := connectortest.Run(t, module(t, "Parser"), connectortest.Call{Params: params, Input: connector.NewBundle("text", test.text)})
			require.NoError(t, simple.Err)
			require.Equal(t, test.want, line(t, simple.Bundles))
		})
	}
}

func TestRegexpModulesNameThePatternThatIsWrong(t *testing.T) {
	t.Parallel()
	catastrophe, long := `^(needle|needl|e)*(a*)*(a*)*$`, strings.Repeat("a", 40)+"needle!"
	for name, test := range map[string]struct {
		pattern, text string
		want          connector.ErrorType
	}{
		"malformed":         {"needle(", "x", connector.DataError},
		"not of ECMAScript": {"(?i)needle", "x", connector.DataError},
		"atomic":            {"(?>needle)", "x", connector.DataError},
		"a comment":         {"(?#needle)", "x", connector.DataError},
		"too long":          {strings.Repeat("needle", pattern.MaxBytes), "x", connector.DataError},
		"too slow":          {catastrophe, long, connector.RuntimeError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for module, call := range map[connector.Module]connectortest.Call{
				module(t, "Parser"):         {Params: connector.NewBundle("pattern", test.pattern), Input: connector.NewBundle("text", test.text)},
				module(t, "AdvancedParser"): {Input: connector.NewBundle("pattern", test.pattern, "text", test.text)},
				module(t, "Replace"):        {Input: connector.NewBundle("pattern", test.pattern, "text", test.text)},
			} {
				result := connectortest.Run(t, module, call)
				require.Equal(t, test.want, connector.TypeOf(result.Err))
				require.ErrorContains(t, result.Err, "pattern")
				require.NotContains(t, result.Err.Error(), "needle")
			}
		})
	}
	result := connectortest.Run(t, module(t, "AdvancedParser"), connectortest.Call{
		Params: connector.NewBundle("global", true), Input: connector.NewBundle("pattern", "x*", "text", "xxab"),
	})
	require.Equal(t, connector.DataError, connector.TypeOf(result.Err))
	require.Len(t, result.Bundles, 1)
	result = connectortest.Run(t, module(t, "AdvancedParser"), connectortest.Call{})
	require.Equal(t, connector.BundleValidationError, connector.TypeOf(result.Err))
}

func TestParserEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result := connectortest.RunContext(ctx, t, module(t, "AdvancedParser"), connectortest.Call{Input: connector.NewBundle("pattern", "a", "text", "a")})
	require.ErrorIs(t, result.Err, context.Canceled)
}

func TestReplaceReplacesLikeJavaScript(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ input, want string }{
		"the first":            {`{"pattern":"a","value":"x","text":"banana"}`, "bxnana"},
		"all":                  {`{"pattern":"a","value":"x","global":true,"text":"banana"}`, "bxnxnx"},
		"groups":               {`{"pattern":"(\\w+) (\\w+)","value":"$2, $1","text":"Ada Lovelace"}`, "Lovelace, Ada"},
		"names":                {`{"pattern":"(?<y>\\d{4})-(?<m>\\d\\d)","value":"$<m>.$<y>","text":"2026-05"}`, "05.2026"},
		"nothing instead":      {`{"pattern":"\\s","global":true,"text":"a b c"}`, "abc"},
		"case does not matter": {`{"pattern":"A","value":"x","sensitive":false,"text":"a"}`, "x"},
		"lines":                {`{"pattern":"^","value":"> ","global":true,"multiline":true,"text":"a\nb"}`, "> a\n> b"},
		"a single line":        {`{"pattern":"a.b","value":"x","singleline":true,"text":"a\nb"}`, "x"},
		"not found":            {`{"pattern":"z","value":"x","text":"é😀"}`, "é😀"},
		"no text":              {`{"pattern":"z","value":"x"}`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var input connector.Bundle
			require.NoError(t, input.UnmarshalJSON([]byte(test.input)))
			result := connectortest.Run(t, module(t, "Replace"), connectortest.Call{Input: input})
			require.NoError(t, result.Err)
			require.Equal(t, test.want, result.Bundles[0].Get("text"))
		})
	}
	long := connectortest.Run(t, module(t, "Replace"), connectortest.Call{Input: connector.NewBundle(
		"pattern", "a", "global", true, "value", strings.Repeat("x", 1<<20), "text", strings.Repeat("a", 65),
	)})
	require.Equal(t, connector.MaxFileSizeExceededError, connector.TypeOf(long.Err))
}

func BenchmarkParser(b *testing.B) {
	find := text.Regexp().Modules()[0].(connector.Search)
	call := &connector.Call{
		Params: connector.NewBundle("pattern", `(\w+)@(\w+)\.com`, "global", true),
		Input:  connector.NewBundle("text", strings.Repeat("write to ada@example.com today, ", 100)),
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range find.Search(b.Context(), call) {
			n++
		}
		require.Equal(b, 100, n)
	}
}
