package datastore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
	"github.com/ebbkit/ebb/connector/connectortest"
)

// match is a small evaluator of filters: text:equal and text:contain.
func match(conditions any, entry connector.Bundle) (bool, error) {
	for _, group := range conditions.([]any) {
		all := true
		for _, rule := range group.([]any) {
			b := rule.(connector.Bundle)
			a, want := fmt.Sprint(entry.Get(b.Get("a").(string))), fmt.Sprint(b.Get("b"))
			switch b.Get("o") {
			case "text:equal":
				all = all && a == want
			case "text:contain":
				all = all && strings.Contains(a, want)
			default:
				return false, errOperator
			}
		}
		if all {
			return true, nil
		}
	}
	return false, nil
}

var errOperator = errors.New("unknown operator")

func people(t testing.TB) *table {
	s := newTable(t,
		`{"key":"p3","data":{"name":"Zoë","age":36,"address":{"city":"Wien"},"note":null}}`,
		`{"key":"p1","data":{"name":"ada","age":36.5,"address":{"city":"Graz"}}}`,
		`{"key":"p4","data":{"name":"Ada","age":7,"address":{"city":"Wien"},"key":"own"}}`,
		`{"key":"p2","data":{"name":"Bob","age":"old"}}`,
		`{"key":"p5"}`,
	)
	s.call.Match = match
	return s
}

// keys lists the keys that a search found.
func keys(t testing.TB, result connectortest.Result) string {
	t.Helper()
	require.NoError(t, result.Err)
	var found []string
	for _, b := range result.Bundles {
		found = append(found, b.Get("key").(string))
	}
	return strings.Join(found, " ")
}

func TestSearchFindsRecords(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ input, want string }{
		"all, in the order of the store": {`{}`, "p3 p1 p4 p2 p5"},
		"an empty filter":                {`{"filter":[],"sort":[]}`, "p3 p1 p4 p2 p5"},
		"a filter of empty groups":       {`{"filter":[[],[]]}`, "p3 p1 p4 p2 p5"},
		"a condition, as exported":       {`{"sort":[],"filter":[[{"a":"name","b":"Bob","o":"text:equal"}]]}`, "p2"},
		"one or the other":               {`{"filter":[[{"a":"name","b":"Bob","o":"text:equal"}],[{"a":"age","b":"7","o":"text:equal"}]]}`, "p4 p2"},
		"one and the other":              {`{"filter":[[{"a":"name","b":"a","o":"text:contain"},{"a":"age","b":"36.5","o":"text:equal"}]]}`, "p1"},
		"none":                           {`{"filter":[[{"a":"name","b":"Eve","o":"text:equal"}]]}`, ""},
		"the key":                        {`{"filter":[[{"a":"key","b":"p3","o":"text:equal"}]]}`, "p3"},
		"a field that is called key":     {`{"filter":[[{"a":"key","b":"own","o":"text:equal"}]]}`, "p4"},
		"ascending":                      {`{"sort":[{"key":"name","order":1}]}`, "p5 p4 p2 p3 p1"},
		"descending":                     {`{"sort":[{"key":"name","order":-1}]}`, "p1 p3 p2 p4 p5"},
		"order as text":                  {`{"sort":[{"key":"name","order":"desc"}]}`, "p1 p3 p2 p4 p5"},
		"numbers before texts":           {`{"sort":[{"key":"age","order":"1"}]}`, "p5 p4 p3 p1 p2"},
		"by the key":                     {`{"sort":[{"key":"key","order":1}]}`, "p4 p1 p2 p3 p5"},
		"by a path, then by name":        {`{"sort":[{"key":"address.city","order":-1},{"key":"name","order":1}]}`, "p4 p3 p1 p5 p2"},
		"equal ones keep their order":    {`{"sort":[{"key":"nothing","order":-1}]}`, "p3 p1 p4 p2 p5"},
		"limited":                        {`{"mappAbleLimit":2}`, "p3 p1"},
		"limited and sorted":             {`{"mappAbleLimit":"2","sort":[{"key":"name","order":1}]}`, "p5 p4"},
		"limited and filtered":           {`{"mappAbleLimit":1,"filter":[[{"a":"address","b":"","o":"text:contain"}]]}`, "p3"},
		"a limit beyond":                 {`{"mappAbleLimit":9223372036854775807,"sort":[{"key":"key","order":-1}]}`, "p5 p3 p2 p1 p4"},
		"no limit":                       {`{"mappAbleLimit":0}`, "p3 p1 p4 p2 p5"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, keys(t, people(t).run(t, "SearchRecord", test.input)))
		})
	}
}

func TestSearchGivesKeyAndData(t *testing.T) {
	t.Parallel()
	result := people(t).run(t, "SearchRecord", `{}`)
	require.NoError(t, result.Err)
	require.Equal(t, `{"key":"p3","data":{"name":"Zoë","age":36,"address":{"city":"Wien"},"note":null}}`, line(t, result.Bundles[0]))
	require.Equal(t, `{"key":"p5","data":{}}`, line(t, result.Bundles[4]))
}

func TestSearchLimitOfTheParameters(t *testing.T) {
	t.Parallel()
	s := people(t)
	for limit, want := range map[any]string{nil: "p3 p1 p4 p2 p5", "": "p3 p1 p4 p2 p5", int64(1): "p3", "3": "p3 p1 p4"} {
		s.call.Params = connector.NewBundle("datastore", 27969, "limit", limit, "continueWhenNoRes", false)
		require.Equal(t, want, keys(t, s.run(t, "SearchRecord", `{}`)))
	}
	s.call.Params = connector.NewBundle("datastore", 27969, "limit", 1)
	require.Equal(t, "p3 p1", keys(t, s.run(t, "SearchRecord", `{"mappAbleLimit":2}`)))
	require.Equal(t, "p3", keys(t, s.run(t, "SearchRecord", `{"mappAbleLimit":""}`)))
}

func TestSearchWithoutResults(t *testing.T) {
	t.Parallel()
	s := people(t)
	const nobody = `{"filter":[[{"a":"name","b":"Eve","o":"text:equal"}]]}`
	result := s.run(t, "SearchRecord", nobody)
	require.NoError(t, result.Err)
	require.Empty(t, result.Bundles)
	s.call.Params = connector.NewBundle("datastore", 27969, "continueWhenNoRes", true)
	result = s.run(t, "SearchRecord", nobody)
	require.NoError(t, result.Err)
	require.Equal(t, "{}", line(t, result.Bundles...))
	require.Equal(t, "p3", keys(t, s.run(t, "SearchRecord", `{"mappAbleLimit":1}`)), "there are results, so no empty bundle")
}

func TestSearchRefusesFiltersAndRulesThatAreNone(t *testing.T) {
	t.Parallel()
	s := people(t)
	result := s.run(t, "SearchRecord", `{"filter":[[{"a":"name","b":"x","o":"text:like"}]]}`)
	require.ErrorIs(t, result.Err, errOperator)
	for _, input := range []string{
		`{"sort":[{"order":1}]}`, `{"sort":[{"key":"a"}]}`, `{"sort":[{"key":"a","order":"up"}]}`, `{"mappAbleLimit":-1}`, `{"mappAbleLimit":"many"}`,
	} {
		require.Equal(t, connector.BundleValidationError, connector.TypeOf(s.run(t, "SearchRecord", input).Err), input)
	}
	s.call.Match = nil
	for _, filter := range []string{`"all"`, `7`, `{"a":1}`, `[{"a":"name"}]`, `[[{"a":"name","b":"x","o":"text:equal"}]]`} {
		result := s.run(t, "SearchRecord", `{"filter":`+filter+`}`)
		require.Error(t, result.Err, "what is not evaluated must not let everything through: %s", filter)
		require.Empty(t, result.Bundles)
	}
	require.Len(t, s.run(t, "SearchRecord", `{"filter":[[]]}`).Bundles, 5, "no conditions need no evaluator")
}

func TestSearchOrdersValuesOfAllTypes(t *testing.T) {
	t.Parallel()
	values := []any{
		nil, -1.5, int64(0), 0.5, int64(1), "", "a", "ä", connector.NewBundle("z", 1), []any{}, []any{int64(0)}, []byte("a"), []byte("b"),
		false, true, time.Unix(0, 0).UTC(), time.Unix(1, 0).UTC(),
	}
	s := newTable(t)
	for i := range values {
		i = (i*7 + 3) % len(values) // in another order; 7 and 17 have no common divisor
		require.NoError(t, s.Change(t.Context(), fmt.Sprintf("%02d", i), func(connector.Bundle, bool) (connector.Bundle, error) {
			return connector.NewBundle("v", values[i]), nil
		}))
	}
	var want []string
	for i := range values {
		want = append(want, fmt.Sprintf("%02d", i))
	}
	require.Equal(t, strings.Join(want, " "), keys(t, s.run(t, "SearchRecord", `{"sort":[{"key":"v","order":1}]}`)))
}

func TestSearchMayChangeTheStoreWhileItRuns(t *testing.T) {
	t.Parallel()
	s := people(t)
	search := module(t, "SearchRecord").(connector.Search)
	call := &connector.Call{Params: s.call.Params, Match: match}
	call.Data = func(_ context.Context, _ string) (connector.DataStore, error) { return s, nil }
	seen := 0
	for b, err := range search.Search(t.Context(), call) {
		require.NoError(t, err)
		_, err = s.Delete(t.Context(), b.Get("key").(string))
		require.NoError(t, err)
		seen++
	}
	require.Equal(t, 5, seen)
	count, err := s.Count(t.Context())
	require.NoError(t, err)
	require.Zero(t, count)
}

func BenchmarkSearchFirstTenOfManySorted(b *testing.B) {
	s := newTable(b)
	for i := range 10_000 {
		err := s.Change(b.Context(), fmt.Sprint(i), func(connector.Bundle, bool) (connector.Bundle, error) {
			return connector.NewBundle("n", (i*7919)%10_000), nil
		})
		require.NoError(b, err)
	}
	search := module(b, "SearchRecord").(connector.Search)
	call := &connector.Call{
		Params: s.call.Params, Data: func(context.Context, string) (connector.DataStore, error) { return s, nil },
		Input: connectortest.Bundle(b, `{"sort":[{"key":"n","order":1}],"mappAbleLimit":10}`),
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range search.Search(b.Context(), call) {
			require.NoError(b, err)
		}
	}
}
