package expr_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

// The vectors were made with Node.js 20: a pattern, and whether RegExp takes it without and with the flag u.
func TestPatternsThatJavaScriptRefusesAreRefused(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/patterns.json")
	require.NoError(t, err)
	var vectors [][3]any
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.Greater(t, len(vectors), 100)
	tpl := compile(t, `{{replace("x"; "/" + 1.p + "/" + 1.flags; "")}}`)
	for _, v := range vectors {
		// A replacement refuses valid named groups, too, but with words of its own.
		for i, flags := range []string{"", "u"} {
			e := newEnv()
			e.modules[1] = obj("p", v[0], "flags", flags)
			_, err := tpl.Eval(e)
			if err != nil {
				var failure *expr.RuntimeError
				require.ErrorAs(t, err, &failure)
				if failure.Message == "a replacement's regular expression cannot have named groups" {
					err = nil
				}
			}
			require.Equal(t, v[i+1], err == nil, "%q with the flags %q: %v", v[0], flags, err)
		}
	}
}

func TestPatternsHaveTheModifiersOfECMAScript2025(t *testing.T) {
	t.Parallel()
	check(t, sample(t), []evaluation{
		{`{{replace("aBAb"; "/(?i:ab)/"; "-")}}`, "-Ab"}, {`{{replace("abAB"; "/a(?-i:B)/gi"; "-")}}`, "ab-"}, {`{{replace("a" + newline + "b"; "/(?s:a.b)/"; "-")}}`, "-"},
		{`{{replace("a" + newline + "b"; "/(?m:^)b/"; "-")}}`, "a\n-"}, {`{{replace("a.b"; "/(?s-m:a.b)/"; "-")}}`, "-"},
	})
	for _, source := range []string{"(?i)a", "(?x:a)", "(?ii:a)", "(?-:a)", "(?>a)", "(?#a)", "(?'n'a)", "(?(a)b)", "(?i", "("} {
		_, err := language(t, expr.Options{}).CompileFilter([][]expr.Rule{{{A: "x", Operator: "text:pattern", B: source}}}, nil)
		require.ErrorContains(t, err, "regular expression is not valid", source)
	}
}
