package expr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

// obj makes a collection of names and values of which none is converted.
func obj(pairs ...any) connector.Bundle {
	var names []string
	var values []any
	for i := 0; i < len(pairs); i += 2 {
		names, values = append(names, pairs[i].(string)), append(values, pairs[i+1])
	}
	return connector.BundleOf(names, values)
}

func arr(items ...any) []any { return append([]any{}, items...) }

type env struct {
	modules map[int]any
	vars    map[string]any
	now     time.Time
	loc     *time.Location
	random  float64
}

func newEnv() *env {
	return &env{
		modules: map[int]any{},
		vars:    map[string]any{"executionId": "exec-1", "var": obj("scenario", obj("name", "Orders"), "input", obj("name", "Ada"))},
		now:     time.Date(2026, 7, 15, 10, 20, 30, 456_789_000, time.UTC),
		loc:     time.UTC, random: 0.5,
	}
}

func (e *env) Module(slot int) (any, bool) { v, ok := e.modules[slot]; return v, ok }
func (e *env) Var(root string) (any, bool) { v, ok := e.vars[root]; return v, ok }
func (e *env) Now() time.Time              { return e.now }
func (e *env) Random() float64             { return e.random }
func (e *env) UUID() string                { return "2f1a3f0c-6c1d-4f6e-9a58-0d6c8e7b1a11" }
func (e *env) Location() *time.Location    { return e.loc }

func language(t testing.TB, options expr.Options) *expr.Language {
	t.Helper()
	l, err := expr.New(options)
	require.NoError(t, err)
	return l
}

func compile(t testing.TB, template string) *expr.Template {
	t.Helper()
	tpl, err := language(t, expr.Options{}).Compile(template, nil)
	require.NoError(t, err, template)
	return tpl
}

// sample is the environment that most tables use.
func sample(t testing.TB) *env {
	t.Helper()
	prague, err := time.LoadLocation("Europe/Prague")
	require.NoError(t, err)
	e := newEnv()
	e.loc = prague
	e.modules[1] = obj(
		"a", "x", "n", int64(5), "f", 2.5, "t", true, "no", false, "zero", int64(0), "empty", "", "null", nil,
		"date", time.Date(2026, 1, 31, 11, 22, 33, 444_000_000, time.UTC),
		"later", time.Date(2026, 2, 2, 11, 22, 33, 444_000_000, time.UTC),
		"buf", []byte("žluť"), "raw", []byte{0xff, 0xfe},
		"list", arr("a", "b", "c"), "none", arr(), "nums", arr(int64(3), int64(1), int64(2)),
		"mixed", arr(int64(1), "two", true, nil, obj("k", "v"), arr(int64(1), "x")),
		"coll", obj("z", int64(1), "a", "two", "d.d", "dotted", "inner", obj("x", arr(obj("url", "u1"), obj("url", "u2")))),
		"Customer Name", "Ada", "0", "col0", "User's Name", "Bob", "emoji", "a😀b", "numtext", "42", "spaced", "  hi  ",
		"people", arr(obj("name", "Ann", "type", "work", "age", int64(40)), obj("name", "bob", "type", "home", "age", int64(30)),
			obj("name", "Cyd", "type", "work", "age", int64(50)), obj("type", "none")),
		"pairs", arr(obj("key", "one", "value", int64(1)), obj("key", "two", "value", int64(2)), obj("key", "one", "value", int64(3))),
		"deep", arr(int64(1), arr(int64(2), arr(int64(3), arr(int64(4))))), "infinite", 1e308,
	)
	return e
}

// fails is the error type that a table expects instead of a value.
type fails string

type evaluation struct {
	template string
	want     any
}

// check evaluates every template in the sample environment.
func check(t *testing.T, e *env, table []evaluation) {
	t.Helper()
	l := language(t, expr.Options{})
	for _, c := range table {
		tpl, err := l.Compile(c.template, nil)
		require.NoError(t, err, c.template)
		got, err := tpl.Eval(e)
		if kind, ok := c.want.(fails); ok {
			var failure *expr.RuntimeError
			require.ErrorAs(t, err, &failure, "%s gave %v", c.template, got)
			require.Equal(t, string(kind), failure.Type, c.template)
			continue
		}
		require.NoError(t, err, c.template)
		require.Equal(t, c.want, got, c.template)
	}
}

const (
	invalid = fails(expr.BundleValidationError)
	badData = fails(expr.DataError)
)

func day(t testing.TB, iso string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05.999Z07:00", iso)
	require.NoError(t, err)
	return at.UTC()
}
