package expr_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

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
