package expr_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

type initials string

func customs(t *testing.T) []expr.Function {
	t.Helper()
	var list []expr.Function
	for name, fn := range map[string]any{
		"shout":    func(s string) string { return strings.ToUpper(s) + "!" },
		"repeated": func(s string, n int8) (string, error) { return strings.Repeat(s, int(n)), nil },
		"failing":  func() (int, error) { return 0, errors.New("no luck") },
		"refusing": func() (any, error) { return nil, &expr.RuntimeError{Type: expr.DataError, Message: "not like this"} },
		"panicing": func() string { panic("secret") },
		"total": func(numbers ...float64) float64 {
			sum := 0.0
			for _, n := range numbers {
				sum += n
			}
			return sum
		},
		"facts": func() map[string]any {
			return map[string]any{"b": []int{1, 2}, "a": initials("AB"), "p": (*int)(nil), "u": uint8(3)}
		},
		"midday": func(t time.Time) time.Time { return t.Truncate(24 * time.Hour).Add(12 * time.Hour) },
		"fields": func(o connector.Bundle) int {
			return o.Len()
		},
		"chan":     func() any { return make(chan int) },
		"unsigned": func(n uint16) uint64 { return uint64(n) + 1<<63 },
	} {
		f, err := expr.FunctionOf(name, fn)
		require.NoError(t, err, name)
		list = append(list, f)
	}
	return append(list, expr.Function{
		Name: "zoneName", Family: "host", Result: connector.TypeText, Note: expr.Note{Doc: "Returns the scenario's zone."},
		Call: func(c *expr.Call) (any, error) {
			return connector.BundleOf([]string{"zone", "year"}, []any{c.Location().String(), int64(c.Now().Year())}), nil
		},
	})
}

func TestCustomFunctions(t *testing.T) {
	t.Parallel()
	l := language(t, expr.Options{Functions: customs(t)})
	e := sample(t)
	for _, c := range []evaluation{
		{"{{shout(1.a)}}", "X!"}, {"{{shout(1.null)}}", "!"}, {"{{shout(1.coll)}}", invalid}, {"{{repeated(ab; 3)}}", "ababab"}, {"{{repeated(ab; 300)}}", invalid}, {"{{repeated(ab; 1.5)}}", invalid},
		{"{{failing()}}", fails(expr.RuntimeErrorType)}, {"{{refusing()}}", badData}, {"{{panicing()}}", fails(expr.RuntimeErrorType)}, {"{{total(1; 2.5; \"3\")}}", 6.5}, {"{{total()}}", 0.0},
		{"{{facts()}}", obj("a", "AB", "b", arr(int64(1), int64(2)), "p", nil, "u", int64(3))}, {"{{midday(1.date)}}", day(t, "2026-01-31T12:00:00Z")}, {"{{fields(1.coll)}}", int64(4)}, {"{{fields(1.null)}}", int64(0)}, {"{{fields(1.a)}}", invalid},
		{"{{chan()}}", fails(expr.RuntimeErrorType)}, {"{{unsigned(1)}}", float64(1<<63 + 1)}, {"{{unsigned(-1)}}", invalid}, {"{{unsigned(70000)}}", invalid}, {"{{zoneName()}}", invalid},
	} {
		tpl, err := l.Compile(c.template, nil)
		require.NoError(t, err, c.template)
		got, err := tpl.Eval(e)
		if kind, ok := c.want.(fails); ok {
			var failure *expr.RuntimeError
			require.ErrorAs(t, err, &failure, c.template)
			require.Equal(t, string(kind), failure.Type, c.template)
			require.NotContains(t, err.Error(), "secret")
			require.NotEmpty(t, failure.Function)
			continue
		}
		require.NoError(t, err, c.template)
		require.Equal(t, c.want, got, c.template)
	}
	_, err := l.Compile("{{shuot(1.a)}} {{shout(1; 2)}}", nil)
	require.ErrorContains(t, err, "did you mean shout?")
	require.ErrorContains(t, err, "too many arguments")
}

func TestBadCustomFunctionsAreRefused(t *testing.T) {
	t.Parallel()
	call := func(*expr.Call) (any, error) { return nil, nil }
	_, err := expr.New(expr.Options{Functions: []expr.Function{{Name: "lower", Call: call}, {Name: "now", Call: call}, {Name: "no name", Call: call}, {Name: "noCall"}, {Name: "and", Call: call}, {Name: "fine", Call: call}, {Name: "fine", Call: call}}})
	require.ErrorIs(t, err, expr.ErrFunction)
	for _, name := range []string{"lower", "now", "no name", "noCall", "and", `"fine" is taken`} {
		require.ErrorContains(t, err, name)
	}
	for _, fn := range []any{nil, 5, func() {}, func() (int, int) { return 0, 0 }, func(chan int) int { return 0 }, (func() int)(nil)} {
		_, err := expr.FunctionOf("x", fn)
		require.ErrorIs(t, err, expr.ErrFunction)
	}
}

func TestSignaturesAndTypesAreData(t *testing.T) {
	t.Parallel()
	signatures := map[string]string{}
	for _, f := range language(t, expr.Options{}).Functions() {
		signatures[f.Name] = f.Signature()
	}
	require.Equal(t, "formatDate(date; [format]; [timezone])", signatures["formatDate"])
	require.Equal(t, "merge(array1; [array2]; …)", signatures["merge"])
	require.Equal(t, "if(condition; value1; [value2])", signatures["if"])
	require.Len(t, signatures, 78)
}
