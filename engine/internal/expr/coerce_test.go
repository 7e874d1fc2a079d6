package expr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// What a filter compares is what a field of the type takes: one set of rules.
func TestFiltersTakeWhatFieldsTake(t *testing.T) {
	t.Parallel()
	for operator, to := range map[string]connector.FieldType{
		"date:equal": connector.TypeDate, "time:equal": connector.TypeTime, "number:equal": connector.TypeNumber,
	} {
		filter, err := language(t, expr.Options{}).CompileFilter([][]expr.Rule{{{A: "{{1.v}}", Operator: operator, B: "{{1.v}}"}}}, nil)
		require.NoError(t, err)
		e := sample(t)
		for _, value := range []any{
			"2026-01-31", "20 June 2016", "20160620T172644Z", "Mon Jun 20 2016 17:26:44 GMT+0200 (CEST)", "2016-06-20 24:00", "June 20, 2016 5 pm", "2026.01.31",
			"9:05", "9 pm", "24:00", "noon", "5.0", "1e3", "1e999", "\uFEFF7", "0x10", "", int64(5), 2.5, true, time.UnixMilli(5).UTC(), []any{}, []byte("5"), obj("a", int64(1)),
		} {
			e.modules[1] = obj("v", value)
			holds, warnings, err := filter.Match(e)
			require.NoError(t, err)
			_, refused := connector.Coerce(value, to, e.loc)
			require.Equal(t, refused == nil, holds, "%v as %s", value, to)
			require.Equal(t, refused != nil, len(warnings) > 0, "%v as %s", value, to)
		}
	}
}

func TestFailedConversionsNameTypesAndNoValues(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]expr.RuntimeError{
		`{{round("secret")}}`:  {Type: expr.BundleValidationError, Message: "argument 1 (number): expected number, received text"},
		`{{upper(1.coll)}}`:    {Type: expr.BundleValidationError, Message: "argument 1 (text): expected text, received collection"},
		`{{upper(1.raw)}}`:     {Type: expr.DataError, Message: "argument 1 (text): a buffer that is not UTF-8 text cannot be converted to text"},
		`{{addDays("no"; 1)}}`: {Type: expr.BundleValidationError, Message: "argument 1 (date): expected date, received text"},
		`{{pick(1.a; b)}}`:     {Type: expr.BundleValidationError, Message: "argument 1 (collection): expected collection, received text"},
	} {
		_, err := compile(t, template).Eval(sample(t))
		var failure *expr.RuntimeError
		require.ErrorAs(t, err, &failure, template)
		require.Equal(t, want.Type, failure.Type, template)
		require.Equal(t, want.Message, failure.Message, template)
	}
}

// A whole number that no int64 holds is a whole number still, but none that a function of Go's integers can take.
func TestIntegersBeyondInt64DoNotWrapAround(t *testing.T) {
	t.Parallel()
	function, err := expr.FunctionOf("twice", func(n int64) int64 { return 2 * n })
	require.NoError(t, err)
	tpl, err := language(t, expr.Options{Functions: []expr.Function{function}}).Compile("{{twice(1.n)}}", nil)
	require.NoError(t, err)
	e := newEnv()
	e.modules[1] = obj("n", 1e300)
	_, err = tpl.Eval(e)
	require.ErrorContains(t, err, "does not fit its type")
	e.modules[1] = obj("n", "4.0")
	got, err := tpl.Eval(e)
	require.NoError(t, err)
	require.Equal(t, int64(8), got)
}
