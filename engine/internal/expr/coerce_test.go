package expr_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

func TestCoercion(t *testing.T) {
	t.Parallel()
	prague := sample(t).loc
	at := day(t, "2026-01-31T11:22:33.444Z")
	collection := obj("a", int64(1))
	for _, c := range []struct {
		value any
		to    expr.Type
		want  any
	}{
		{nil, expr.TypeText, nil}, {expr.Ignore, expr.TypeNumber, expr.Ignore}, {expr.Erase, expr.TypeCollection, expr.Erase}, {nil, expr.TypeArray, nil},
		{"x", expr.TypeAny, "x"}, {collection, expr.TypeAny, collection},
		{"x", expr.TypeText, "x"}, {true, expr.TypeText, "true"}, {int64(5), expr.TypeText, "5"}, {1e21, expr.TypeText, "1e+21"}, {at, expr.TypeText, "2026-01-31T11:22:33.444Z"}, {[]byte("ž"), expr.TypeText, "ž"}, {[]byte{0xff}, expr.TypeText, badData}, {arr("a", int64(1)), expr.TypeText, "a, 1"}, {collection, expr.TypeText, invalid},
		{int64(5), expr.TypeNumber, int64(5)}, {2.5, expr.TypeNumber, 2.5}, {"42", expr.TypeNumber, int64(42)}, {" -1.5e2 ", expr.TypeNumber, int64(-150)}, {"9007199254740993", expr.TypeNumber, int64(9007199254740993)}, {"", expr.TypeNumber, invalid}, {"1,5", expr.TypeNumber, invalid}, {"0x10", expr.TypeNumber, invalid}, {"1_000", expr.TypeNumber, invalid}, {"Infinity", expr.TypeNumber, invalid}, {"1-2", expr.TypeNumber, invalid}, {"e5", expr.TypeNumber, invalid}, {"ž", expr.TypeNumber, invalid}, {true, expr.TypeNumber, invalid}, {at, expr.TypeNumber, invalid}, {arr(), expr.TypeNumber, invalid}, {collection, expr.TypeNumber, invalid},
		{5.0, expr.TypeInteger, int64(5)}, {"7", expr.TypeInteger, int64(7)}, {2.5, expr.TypeInteger, invalid}, {1e300, expr.TypeInteger, invalid}, {math.NaN(), expr.TypeInteger, invalid}, {int64(-1), expr.TypeUInteger, invalid}, {int64(0), expr.TypeUInteger, int64(0)},
		{true, expr.TypeBoolean, true}, {int64(0), expr.TypeBoolean, true}, {0.0, expr.TypeBoolean, true}, {"false", expr.TypeBoolean, false}, {"", expr.TypeBoolean, false}, {"False", expr.TypeBoolean, true}, {"0", expr.TypeBoolean, true}, {arr(), expr.TypeBoolean, true}, {collection, expr.TypeBoolean, true}, {at, expr.TypeBoolean, true},
		{at, expr.TypeDate, at}, {"2026-01-31", expr.TypeDate, day(t, "2026-01-30T23:00:00Z")}, {int64(0), expr.TypeDate, invalid}, {true, expr.TypeDate, invalid}, {arr(), expr.TypeDate, invalid},
		{"9:05", expr.TypeTime, "09:05:00"}, {"23:59:59", expr.TypeTime, "23:59:59"}, {"9:05:06.5 PM", expr.TypeTime, "21:05:06.500"}, {"12:00 am", expr.TypeTime, "00:00:00"}, {"24:00", expr.TypeTime, invalid}, {"9:5", expr.TypeTime, invalid}, {"noon", expr.TypeTime, invalid}, {at, expr.TypeTime, "12:22:33.444"}, {int64(9), expr.TypeTime, invalid},
		{[]byte{1}, expr.TypeBuffer, []byte{1}}, {"ž", expr.TypeBuffer, []byte("ž")}, {int64(5), expr.TypeBuffer, []byte("5")}, {true, expr.TypeBuffer, []byte("true")}, {at, expr.TypeBuffer, []byte("2026-01-31T11:22:33.444Z")}, {arr(), expr.TypeBuffer, invalid}, {collection, expr.TypeBuffer, invalid},
		{arr("a"), expr.TypeArray, arr("a")}, {"a", expr.TypeArray, arr("a")}, {collection, expr.TypeArray, arr(collection)},
		{collection, expr.TypeCollection, collection}, {"a", expr.TypeCollection, invalid}, {arr(collection), expr.TypeCollection, invalid},
	} {
		got, err := expr.Coerce(c.value, c.to, prague)
		if kind, ok := c.want.(fails); ok {
			var failure *expr.RuntimeError
			require.ErrorAs(t, err, &failure, "%v to %s gave %v", c.value, c.to, got)
			require.Equal(t, string(kind), failure.Type, "%v to %s", c.value, c.to)
			continue
		}
		require.NoError(t, err, "%v to %s", c.value, c.to)
		require.Equal(t, c.want, got, "%v to %s", c.value, c.to)
	}
}

func TestDateTextIsUnderstoodInManyForms(t *testing.T) {
	t.Parallel()
	prague := sample(t).loc
	for text, want := range map[string]string{
		"2016-06-20T17:26:44.356Z": "2016-06-20T17:26:44.356Z", "2016-06-20 19:26:44+02:00": "2016-06-20T17:26:44Z", "2016-06-20 17:26:44": "2016-06-20T15:26:44Z", "2016-06-20 17:26": "2016-06-20T15:26:00Z", "2016-06-20": "2016-06-19T22:00:00Z",
		"2016/06/20 17:26:44": "2016-06-20T15:26:44Z", "2016/06/20": "2016-06-19T22:00:00Z", "06/20/2016 17:26:44": "2016-06-20T15:26:44Z", "6/20/2016": "2016-06-19T22:00:00Z", "06/20/2016 5:26 PM": "2016-06-20T15:26:00Z", "20.6.2016 17:26:44": "2016-06-20T15:26:44Z", "20. 6. 2016": "2016-06-19T22:00:00Z",
		"20160620": "2016-06-19T22:00:00Z", "20160620T172644Z": "2016-06-20T17:26:44Z", "20160620T1726+0200": "2016-06-20T15:26:00Z", "2016-06-20t17:26z": "2016-06-20T17:26:00Z", "2016-06-20 12:00 AM": "2016-06-19T22:00:00Z", "2016-06-20 24:00": "2016-06-20T22:00:00Z", "  2016-06-20  ": "2016-06-19T22:00:00Z",
		"Mon, 20 Jun 2016 17:26:44 +0200": "2016-06-20T15:26:44Z", "20 June 2016": "2016-06-19T22:00:00Z", "June 20, 2016 5 pm UTC": "2016-06-20T17:00:00Z", "Mon Jun 20 2016 17:26:44 GMT+0200 (CEST)": "2016-06-20T15:26:44Z", "20-Jun-2016": "2016-06-19T22:00:00Z", "Mon, 20 Jun 2016 17:26:44 EST": "2016-06-20T22:26:44Z",
		"2024-02-29": "2024-02-28T23:00:00Z", "2016-06-20T17:26:44.123456789Z": "2016-06-20T17:26:44.123456789Z", "2016-06-20T17:26:44,5Z": "2016-06-20T17:26:44.5Z", "2026-03-29 02:30": "2026-03-29T01:30:00Z", "2026-10-25 02:30": "2026-10-25T00:30:00Z", "2016-06-20T17:26:44-0530": "2016-06-20T22:56:44Z", "2016-06-20 17:26 +02": "2016-06-20T15:26:00Z",
	} {
		got, err := expr.Coerce(text, expr.TypeDate, prague)
		require.NoError(t, err, text)
		parsed, err := time.Parse(time.RFC3339Nano, want)
		require.NoError(t, err)
		require.Equal(t, parsed, got, text)
	}
	for _, text := range []string{
		"", "x", "2016", "2016-06", "06/2016", "2016-13-01", "2016-02-30", "2023-02-29", "2016-06-20T25:00", "2016-06-20T10:60", "2016-06-20 10", "2016-06-20x", "20-06-2016", "1.2", "1700000000", "12:30", "June 2016", "Foo 20, 2016", "2016-06-20 10:00 XYZ", "2016-06-20T", "2016-06-20 13:00 PM",
		"+12345-01-01", "2016-06-20 10:00 +2", "0000-00-00", "99999999", "2016-06-20T24:01", "now", "2016-6", "20 Jun 16", "2016-06-20T10:00:00 +99:00",
	} {
		_, err := expr.Coerce(text, expr.TypeDate, prague)
		var failure *expr.RuntimeError
		require.ErrorAs(t, err, &failure, text)
	}
	_, err := expr.Coerce("+012345-01-01", expr.TypeDate, nil)
	require.NoError(t, err)
}

func TestTypeNamesAreMakes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]expr.Type{
		"any": expr.TypeAny, "text": expr.TypeText, "number": expr.TypeNumber, "integer": expr.TypeInteger, "uinteger": expr.TypeUInteger, "boolean": expr.TypeBoolean, "date": expr.TypeDate,
		"time": expr.TypeTime, "buffer": expr.TypeBuffer, "array": expr.TypeArray, "collection": expr.TypeCollection, "email": expr.TypeText, "url": expr.TypeText, "port": expr.TypeUInteger, "timestamp": expr.TypeDate,
	} {
		got, ok := expr.ParseType(name)
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	got, ok := expr.ParseType("select")
	require.False(t, ok)
	require.Equal(t, expr.TypeAny, got)
	require.Equal(t, "uinteger", expr.TypeUInteger.String())
	require.Equal(t, "any", expr.Type(200).String())
	require.Equal(t, "erase", expr.Erase.String())
	require.Equal(t, "ignore", expr.Ignore.String())
}
