package expr_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/engine/internal/expr"
)

func located(t testing.TB, l *expr.Locator, in connector.Bundle) []any {
	t.Helper()
	var found []any
	require.True(t, l.Locate(in, func(value any) bool {
		found = append(found, value)
		return true
	}))
	return found
}

func TestLocatorFindsEveryItem(t *testing.T) {
	t.Parallel()
	in := obj(
		"email", "ada@example.com",
		"e-mail", "dash@example.com",
		"customer", obj("email", "bob@example.com", "no", int64(7)),
		"orders", []any{
			obj("buyer", "cy@example.com"),
			obj("buyer", []any{"di@example.com", []any{"ed@example.com"}}),
			"no order", nil, obj("seller", "fay@example.com"),
		},
		"none", nil,
	)
	for path, want := range map[string][]any{
		"1.email":                   {"ada@example.com"},
		"`1`.email":                 {"ada@example.com"},
		"1.`e-mail`":                {"dash@example.com"},
		"1.customer.email":          {"bob@example.com"},
		"1.customer.no":             {int64(7)},
		"1.customer":                {obj("email", "bob@example.com", "no", int64(7))},
		"1.orders.buyer":            {"cy@example.com", "di@example.com", "ed@example.com"},
		"1.orders[].buyer":          {"cy@example.com", "di@example.com", "ed@example.com"},
		"1.orders[].buyer[][]":      {"cy@example.com", "di@example.com", "ed@example.com"},
		"1.email.domain":            nil,
		"1.nobody":                  nil,
		"1.none":                    {nil},
		"1.orders.buyer.email":      nil,
		"1.customer[].email":        {"bob@example.com"},
		"12.orders[].seller":        {"fay@example.com"},
		"1.`orders`[].`buyer`[ ]":   {"cy@example.com", "di@example.com", "ed@example.com"},
		"1.customer.`no`":           {int64(7)},
		"1.größe.straße.`a.b`.x_1$": nil,
	} {
		l, err := expr.ParseLocator(path, true)
		require.NoError(t, err, path)
		require.Equal(t, want, located(t, l, in), path)
		_, plain, _ := strings.Cut(path, ".")
		same, err := expr.ParseLocator(plain, false)
		require.NoError(t, err, plain)
		require.Zero(t, same.Module())
		require.Equal(t, want, located(t, same, in), plain)
	}
	l, err := expr.ParseLocator("12.orders.buyer", true)
	require.NoError(t, err)
	require.Equal(t, 12, l.Module())
	seen := 0
	require.False(t, l.Locate(in, func(any) bool { seen++; return seen < 2 }))
	require.Equal(t, 2, seen, "it stops when it is told to")
}

func TestPathThatIsNoneIsRefusedWithItsColumnAndCure(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct {
		column   int
		expected string
	}{
		"":                       {1, "the number of a module"},
		"email":                  {1, "the number of a module"},
		"1":                      {2, `"." and a field's name`},
		"1.":                     {3, "backquotes"},
		"1.e-mail":               {4, `"." or the end`},
		"1.a..b":                 {5, "backquotes"},
		"1.a.":                   {5, "backquotes"},
		"1.orders[1].buyer":      {9, `"[]"`},
		"1.orders[":              {10, `"]"`},
		"1.``":                   {3, "backquotes"},
		"1.`a":                   {3, "a closing backquote"},
		"`1.a":                   {3, "a closing backquote"},
		" 1.a":                   {1, "the number of a module"},
		"1.a ":                   {4, `"." or the end`},
		"{{1.a}}":                {1, "the number of a module"},
		"99999999999999999999.a": {1, ""},
	} {
		_, err := expr.ParseLocator(path, true)
		var problem *expr.Error
		require.ErrorAs(t, err, &problem, path)
		require.Equal(t, want.column, problem.Column, "%s: %v", path, err)
		require.Contains(t, problem.Expected, want.expected, path)
		require.NotContains(t, problem.Message, "expression", path)
	}
}

// Whoever copies a path from a scenario's to a data store's would name nobody, and not hear of it.
func TestPathWithoutModuleDoesNotBeginWithOne(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"1.email", "1", "007.a", "12[].a"} {
		_, err := expr.ParseLocator(path, false)
		require.ErrorContains(t, err, "leave it out", path)
	}
	_, err := expr.ParseLocator("{{email}}", false)
	require.ErrorContains(t, err, "without braces")
	in := obj("1", "ada@example.com", "2nd", "bob@example.com")
	for path, want := range map[string]string{"`1`": "ada@example.com", "2nd": "bob@example.com"} {
		l, err := expr.ParseLocator(path, false)
		require.NoError(t, err, path)
		require.Equal(t, []any{want}, located(t, l, in), path)
	}
}

func FuzzParseLocator(f *testing.F) {
	for _, seed := range []string{
		"1.email", "`2`.`e-mail`", "5.orders[].buyer", "1.a[ ][]", "1.a[1]", "1.", "", "1.``", "9.größe", "1.a\x00", "1.\xff", "1.a[", "`1", "1.`", "007.a",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	in := obj("email", "x", "a", []any{obj("b", "y", "a", []any{"z"}), "w"}, "orders", []any{obj("buyer", "v")})
	f.Fuzz(func(t *testing.T, path string, rooted bool) {
		l, err := expr.ParseLocator(path, rooted)
		if err != nil {
			var problem *expr.Error
			if !errors.As(err, &problem) || problem.Column < 1 {
				t.Fatalf("%q: %v", path, err)
			}
			return
		}
		if !rooted && l.Module() != 0 {
			t.Fatalf("%q: module %d", path, l.Module())
		}
		for _, value := range located(t, l, in) {
			if _, array := value.([]any); array {
				t.Fatalf("%q leads to an array", path)
			}
		}
		again, err := expr.ParseLocator(path+"[]", rooted)
		if err != nil {
			t.Fatalf("%q with []: %v", path, err)
		}
		if !slices.Equal(located(t, l, in), located(t, again, in)) {
			t.Fatalf("%q finds something else with []", path)
		}
	})
}
