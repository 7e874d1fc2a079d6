package expr_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

func TestGoFunctionsGetArgumentsOfTheirTypes(t *testing.T) {
	t.Parallel()
	type name string
	type labels []string
	type level uint8
	type raw []byte
	type place struct {
		City string  `json:"city"`
		Zip  *string `json:"zip"`
	}
	functions, err := expr.FunctionsOf(map[string]any{
		"words":    func(list []string) string { return strings.Join(list, "+") },
		"named":    func(list labels, n name) string { return string(n) + list[0] },
		"counts":   func(numbers []int8) int { return len(numbers) },
		"ages":     func(ages map[string]int) int { return ages["ann"] + len(ages) },
		"nested":   func(rows [][]float64) float64 { return rows[0][0] },
		"maybe":    func(n *int, at *time.Time, s *string) string { return fmt.Sprint(n == nil, at == nil, s == nil) },
		"bytes":    func(b []byte) int { return len(b) },
		"raw":      func(b raw) raw { return b[:1] },
		"levels":   func(list []level) int { return int(list[0]) },
		"anything": func(v any, list []any) string { return fmt.Sprintf("%T %d", v, len(list)) },
		"city":     func(b connector.Bundle) place { return place{City: fmt.Sprint(b.Get("a"))} },
		"late":     func(s string, numbers ...int) string { return fmt.Sprint(s, numbers) },
		"float":    func(f float32) float32 { return f },
		"flag":     func(b bool) bool { return !b },
		"when":     func(at time.Time) int { return at.Year() },
		"picky":    func(n uint8) uint8 { return n },
		"typed": func() (string, error) {
			return "", fmt.Errorf("store: %w", &connector.Error{Type: connector.DuplicateDataError, Message: "twice"})
		},
		"large": func(n int) any { return make([]int, n) },
		"long":  func(n int) string { return strings.Repeat("x", n) },
		"wait":  func() time.Duration { return 0 },
	})
	require.ErrorContains(t, err, "time.Duration")
	l := language(t, expr.Options{Functions: functions, MaxItems: 10, MaxTextBytes: 10_000})
	e := sample(t)
	for _, c := range []evaluation{
		{"{{words(1.list)}}", "a+b+c"}, {"{{words(1.nums)}}", "3+1+2"}, {"{{words(1.a)}}", "x"}, {"{{words(1.null)}}", ""}, {"{{words(1.mixed)}}", invalid}, {"{{words(1.list[])}}", "a+b+c"}, {"{{words(žluť)}}", "žluť"},
		{"{{named(1.list; \"n\")}}", "na"}, {"{{counts(1.nums)}}", int64(3)}, {"{{counts(300)}}", invalid}, {"{{counts(1.list)}}", invalid}, {"{{ages(1.coll)}}", invalid}, {`{{ages(pick(1.coll; z))}}`, int64(1)}, {"{{ages(1.null)}}", int64(0)}, {"{{ages(5)}}", invalid},
		{"{{nested(add(emptyarray; 1.nums))}}", int64(3)}, {"{{maybe(; ; )}}", "true true true"}, {"{{maybe(1; 1.date; x)}}", "false false false"}, {"{{maybe(x; ; )}}", invalid}, {"{{bytes(1.a)}}", int64(1)}, {"{{raw(1.raw)}}", []byte{0xff}}, {"{{levels(1.nums)}}", int64(3)}, {"{{bytes(1.raw)}}", int64(2)}, {"{{bytes(1.null)}}", invalid},
		{"{{anything(1.n; 1.list)}}", "int64 3"}, {"{{anything(; )}}", "<nil> 0"}, {"{{anything(ignore; )}}", "<nil> 0"}, {"{{city(1.coll)}}", obj("city", "two", "zip", nil)}, {"{{late(x; 1; 2.0)}}", "x[1 2]"}, {"{{late(x)}}", "x[]"}, {"{{late(x; ; 2)}}", invalid}, {"{{late(x; 1.5)}}", invalid},
		{"{{float(0.1)}}", 0.1}, {"{{float(3)}}", int64(3)}, {"{{flag(1.no)}}", true}, {"{{flag(0)}}", false}, {"{{flag(1.null)}}", true}, {`{{when("2026-01-01")}}`, int64(2025)}, {"{{when(1.null)}}", invalid}, {"{{picky(255)}}", int64(255)}, {"{{picky(256)}}", invalid}, {"{{picky(-1)}}", invalid}, {"{{picky(1.null)}}", invalid},
		{"{{typed()}}", fails("DuplicateDataError")}, {"{{length(large(10))}}", int64(10)}, {"{{large(11)}}", fails(expr.RuntimeErrorType)}, {"{{long(10001)}}", fails(expr.RuntimeErrorType)},
	} {
		tpl, err := l.Compile(c.template, nil)
		require.NoError(t, err, c.template)
		got, err := tpl.Eval(e)
		if kind, ok := c.want.(fails); ok {
			var failure *expr.RuntimeError
			require.ErrorAs(t, err, &failure, "%s gave %v", c.template, got)
			require.Equal(t, string(kind), failure.Type, c.template)
			require.Equal(t, strings.SplitN(strings.TrimPrefix(c.template, "{{"), "(", 2)[0], failure.Function)
			continue
		}
		require.NoError(t, err, c.template)
		if f, ok := got.(float64); ok && f == float64(int64(f)) {
			got = int64(f) // a float that Go gave stays one
		}
		require.Equal(t, c.want, got, c.template)
	}
}

// withContext is an environment that a run with a context has.
type withContext struct {
	*env
	ctx context.Context //nolint:containedctx // what the test is about
}

func (w withContext) Context() context.Context { return w.ctx }

func TestGoFunctionsGetTheContextOfTheRun(t *testing.T) {
	t.Parallel()
	type key struct{}
	f, err := expr.FunctionOf("tenant", func(ctx context.Context, suffix string) (string, error) {
		who, _ := ctx.Value(key{}).(string)
		return who + suffix, ctx.Err()
	})
	require.NoError(t, err)
	require.Equal(t, "tenant(text)", f.Signature())
	tpl, err := language(t, expr.Options{Functions: []expr.Function{f}}).Compile("{{tenant(!)}}", nil)
	require.NoError(t, err)
	got, err := tpl.Eval(newEnv())
	require.NoError(t, err)
	require.Equal(t, "!", got)
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "acme"))
	got, err = tpl.Eval(withContext{newEnv(), ctx})
	require.NoError(t, err)
	require.Equal(t, "acme!", got)
	cancel()
	_, err = tpl.Eval(withContext{newEnv(), ctx})
	require.ErrorIs(t, err, context.Canceled)
}

type endless []endless

func TestWrongGoFunctionsAreRefusedWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	for fn, want := range map[any]string{
		5: `"f": it is a int, not a function`,
	} {
		_, err := expr.FunctionOf("f", fn)
		require.ErrorContains(t, err, want)
	}
	for want, fn := range map[string]any{
		"it is a <nil>, not a function": nil, "it is a nil function": (func() int)(nil), "it must return a value, or a value and an error": func() {},
		"must return a value": func() error { return nil }, "or a value and an error": func() (int, int) { return 0, 0 }, "a value, or a value and": func() (int, error, int) { return 0, nil, 0 }, //nolint:revive,staticcheck // what is refused
		"its parameter 1 has the type chan int":                 func(chan int) int { return 0 },
		"its parameter 2 has the type context.Context":          func(string, context.Context) int { return 0 }, //nolint:revive // what is refused
		"its parameter 1 has the type struct {}":                func(struct{}) int { return 0 },
		"its parameter 1 has the type map[int]string":           func(map[int]string) int { return 0 },
		"its parameter 1 has the type time.Duration":            func(time.Duration) int { return 0 },
		"its parameter 1 has the type error":                    func(error) int { return 0 },
		"its parameter 1 has the type **int":                    func(**int) int { return 0 },
		"its parameter 1 has the type func()":                   func(...func()) int { return 0 },
		"its parameter 1 has the type expr_test.endless":        func(endless) int { return 0 },
		"its result has the type chan int":                      func() chan int { return nil },
		"its result has the type []func()":                      func() []func() { return nil },
		"its result has the type time.Duration":                 func() (time.Duration, error) { return 0, nil },
		"its result has the type expr_test.endless, which is":   func() endless { return nil },
		"its result has the type complex128, which is no value": func() complex128 { return 0 },
	} {
		_, err := expr.FunctionOf("f", fn)
		require.ErrorIs(t, err, expr.ErrFunction)
		require.ErrorContains(t, err, `"f"`)
		require.ErrorContains(t, err, want)
	}
	_, err := expr.FunctionsOf(map[string]any{"b": 1, "a": "x", "fine": func() int { return 1 }})
	require.EqualError(t, err, "expr: bad function: \"a\": it is a string, not a function\nexpr: bad function: \"b\": it is a int, not a function")
}
