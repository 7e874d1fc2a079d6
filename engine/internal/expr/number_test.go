package expr_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The vectors were made with Node.js 20: a number, and what String, toFixed(2), toFixed(0) and Math.round give for it.
func TestNumbersAreWrittenAndRoundedAsInJavaScript(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/numbers.json")
	require.NoError(t, err)
	var vectors [][]any
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.Greater(t, len(vectors), 500)
	text := compile(t, `{{1.n + ""}}`)
	two, none := compile(t, `{{formatNumber(1.n; 2; "."; "")}}`), compile(t, `{{formatNumber(1.n; 0; "."; "")}}`)
	round := compile(t, `{{round(1.n) + ""}}`)
	for _, v := range vectors {
		e := newEnv()
		e.modules[1] = obj("n", v[0])
		got, err := text.Eval(e)
		require.NoError(t, err)
		require.Equal(t, v[1], got)
		got, err = round.Eval(e)
		require.NoError(t, err)
		require.Equal(t, v[4], got, "%v", v)
		if v[2] == nil {
			continue
		}
		// JavaScript keeps the sign of a number that becomes zero.
		unsigned := func(s any) string {
			if text := s.(string); strings.Trim(text, "-0.") != "" {
				return text
			}
			return strings.TrimPrefix(s.(string), "-")
		}
		got, err = two.Eval(e)
		require.NoError(t, err)
		require.Equal(t, unsigned(v[2]), got, "%v", v)
		got, err = none.Eval(e)
		require.NoError(t, err)
		require.Equal(t, unsigned(v[3]), got, "%v", v)
	}
}
