package connector_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

// refusal is the type of the error that a table expects instead of a value.
type refusal string

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}

func TestValuesAreCoercedByMakesRules(t *testing.T) {
	t.Parallel()
	const invalid, badData = refusal(connector.BundleValidationError), refusal(connector.DataError)
	prague := zoneOf(t, "Europe/Prague")
	at := time.Date(2026, 1, 31, 11, 22, 33, 444_000_000, time.UTC)
	collection := connector.NewBundle("a", 1)
	hidden := []any{[]any{connector.NewBundle("b", []byte{0xff})}}
	for _, c := range []struct {
		value any
		to    connector.FieldType
		want  any
	}{
		{nil, connector.TypeText, nil},
		{nil, connector.TypeCollection, nil},
		{nil, connector.TypeArray, nil},
		{"x", connector.TypeAny, "x"},
		{collection, connector.TypeAny, collection},
		{"x", connector.TypeText, "x"},
		{true, connector.TypeText, "true"},
		{int64(5), connector.TypeText, "5"},
		{1e21, connector.TypeText, "1e+21"},
		{at, connector.TypeText, "2026-01-31T11:22:33.444Z"},
		{[]byte("ž"), connector.TypeText, "ž"}, {[]byte{0xff}, connector.TypeText, badData}, {[]any{"a", int64(1)}, connector.TypeText, "a, 1"},
		{collection, connector.TypeText, invalid},
		{int64(5), connector.TypeNumber, int64(5)},
		{2.5, connector.TypeNumber, 2.5},
		{"42", connector.TypeNumber, int64(42)},
		{" -1.5e2 ", connector.TypeNumber, int64(-150)},
		{"9007199254740993", connector.TypeNumber, int64(9007199254740993)},
		{"", connector.TypeNumber, invalid},
		{"1,5", connector.TypeNumber, invalid},
		{"0x10", connector.TypeNumber, invalid},
		{"1_000", connector.TypeNumber, invalid},
		{"Infinity", connector.TypeNumber, invalid},
		{"1-2", connector.TypeNumber, invalid},
		{"e5", connector.TypeNumber, invalid},
		{"ž", connector.TypeNumber, invalid},
		{true, connector.TypeNumber, invalid},
		{at, connector.TypeNumber, invalid}, {[]any{}, connector.TypeNumber, invalid},
		{collection, connector.TypeNumber, invalid},
		{5.0, connector.TypeInteger, int64(5)},
		{"7", connector.TypeInteger, int64(7)},
		{2.5, connector.TypeInteger, invalid},
		{1e300, connector.TypeInteger, 1e300},
		{math.NaN(), connector.TypeInteger, invalid},
		{int64(-1), connector.TypeUInteger, invalid},
		{int64(0), connector.TypeUInteger, int64(0)},
		{true, connector.TypeBoolean, true},
		{int64(0), connector.TypeBoolean, true},
		{0.0, connector.TypeBoolean, true},
		{"false", connector.TypeBoolean, false},
		{"", connector.TypeBoolean, false},
		{"False", connector.TypeBoolean, true},
		{"0", connector.TypeBoolean, true}, {[]any{}, connector.TypeBoolean, true},
		{collection, connector.TypeBoolean, true},
		{at, connector.TypeBoolean, true},
		{at, connector.TypeDate, at},
		{"2026-01-31", connector.TypeDate, time.Date(2026, 1, 30, 23, 0, 0, 0, time.UTC)},
		{int64(0), connector.TypeDate, invalid},
		{true, connector.TypeDate, invalid}, {[]any{}, connector.TypeDate, invalid},
		{"9:05", connector.TypeTime, "09:05:00"},
		{"23:59:59", connector.TypeTime, "23:59:59"},
		{"9:05:06.5 PM", connector.TypeTime, "21:05:06.500"},
		{"12:00 am", connector.TypeTime, "00:00:00"},
		{"24:00", connector.TypeTime, invalid},
		{"9:5", connector.TypeTime, invalid},
		{"noon", connector.TypeTime, invalid},
		{at, connector.TypeTime, "12:22:33.444"},
		{int64(9), connector.TypeTime, invalid},
		{[]byte{1}, connector.TypeBuffer, []byte{1}},
		{"ž", connector.TypeBuffer, []byte("ž")},
		{int64(5), connector.TypeBuffer, []byte("5")},
		{true, connector.TypeBuffer, []byte("true")},
		{at, connector.TypeBuffer, []byte("2026-01-31T11:22:33.444Z")}, {[]any{}, connector.TypeBuffer, invalid},
		{collection, connector.TypeBuffer, invalid},
		{[]any{"a"}, connector.TypeArray, []any{"a"}},
		{"a", connector.TypeArray, []any{"a"}},
		{collection, connector.TypeArray, []any{collection}},
		{collection, connector.TypeCollection, collection},
		{"a", connector.TypeCollection, invalid}, {[]any{collection}, connector.TypeCollection, invalid},
		{"x", "hologram", "x"},
		{int64(5), connector.TypeEmail, "5"},
		{collection, connector.TypeURL, invalid},
		{[]any{nil, []any{int64(1)}, collection}, connector.TypeText, `, [1], {"a":1}`},
		// A buffer that is no text is never written as something else, however deep it is.
		{[]any{[]byte{0xff}}, connector.TypeText, badData},
		{hidden, connector.TypeText, badData},
		{[]byte{0xff}, connector.TypeNumber, invalid},
		// A whole number has one form, whatever its spelling, and infinity is none.
		{"5.0", connector.TypeNumber, int64(5)},
		{"1e3", connector.TypeInteger, int64(1000)},
		{"1e999", connector.TypeNumber, invalid},
		{"\uFEFF 5\u00a0", connector.TypeNumber, int64(5)},
		{"18446744073709551616", connector.TypeUInteger, 18446744073709551616.0},
		{-1e300, connector.TypeUInteger, invalid},
		{math.Inf(1), connector.TypeInteger, invalid},
		// JSON writes a date as text, whose time of day is the date's.
		{"2026-01-31T11:22:33.444Z", connector.TypeTime, "12:22:33.444"},
		{"9 pm", connector.TypeTime, "21:00:00"},
		{"9:05:00.0004", connector.TypeTime, "09:05:00"},
	} {
		got, err := connector.Coerce(c.value, c.to, prague)
		if kind, ok := c.want.(refusal); ok {
			require.Error(t, err, "%v to %s gave %v", c.value, c.to, got)
			require.Equal(t, string(kind), string(connector.TypeOf(err)), "%v to %s", c.value, c.to)
			if text, ok := c.value.(string); ok && len(text) > 1 {
				require.NotContains(t, err.Error(), text)
			}
			continue
		}
		require.NoError(t, err, "%v to %s", c.value, c.to)
		require.Equal(t, c.want, got, "%v to %s", c.value, c.to)
	}
	deep := any(collection)
	for range connector.MaxDepth + 2 {
		deep = []any{deep}
	}
	_, err := connector.Coerce(deep, connector.TypeText, nil)
	require.ErrorIs(t, err, connector.ErrDepth)
}

func TestFieldsOfTimeTakeWhatFiltersCompare(t *testing.T) {
	t.Parallel()
	fields := []connector.Field{fieldOf(connector.TypeTime)}
	for _, value := range []any{"9:05 PM", " 21:05 ", "21:05:00", time.Date(2026, 1, 31, 20, 5, 0, 0, time.UTC)} {
		out, err := connector.Convert(fields, connector.NewBundle("f", value), zoneOf(t, "Europe/Prague"))
		require.NoError(t, err)
		require.Equal(t, "21:05:00", out.Get("f"), "%v", value)
	}
	_, err := connector.Convert(fields, connector.NewBundle("f", "24:00"), nil)
	require.EqualError(t, err, "field f: expected time, received text")
}

func TestTextOfScalarsIsAppendedWithoutAllocations(t *testing.T) { // not parallel: it counts allocations
	room := make([]byte, 0, 256)
	values := []any{"text", true, int64(-12), 0.1, time.Unix(0, 0), []byte("ž"), nil}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		dst := room
		for _, value := range values {
			var err error
			if dst, err = connector.AppendText(dst, value); err != nil {
				t.Error(err)
			}
		}
		if got := connector.AppendQuoted(dst, "\"\n\xff"); string(got) != `texttrue-120.11970-01-01T00:00:00.000Zž"\"\n`+"\uFFFD"+`"` {
			t.Error(string(got))
		}
	}))
}

func TestLocalDateDecidesWhereClocksChange(t *testing.T) {
	t.Parallel()
	prague := zoneOf(t, "Europe/Prague")
	require.Equal(t, "03:30:00", connector.LocalDate(2026, 3, 29, 2, 30, 0, 0, prague).Format(time.TimeOnly))
	require.Equal(t, time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), connector.LocalDate(2026, 10, 25, 2, 30, 0, 0, prague).UTC())
	require.Equal(t, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), connector.LocalDate(2026, 2, 29, 0, 0, 0, 0, nil))
}

func FuzzCoerce(f *testing.F) {
	for _, seed := range []string{"", "5.0", "false", "9:05 PM", "2026-01-31 24:00", "Mon Jun 20 2016 17:26:44 GMT+0200 (CEST)", "1e999", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, to := range []connector.FieldType{
			connector.TypeText, connector.TypeNumber, connector.TypeInteger, connector.TypeBoolean, connector.TypeDate, connector.TypeTime, connector.TypeBuffer,
		} {
			value, err := connector.Coerce(text, to, nil)
			if err != nil {
				require.Equal(t, connector.BundleValidationError, connector.TypeOf(err))
				continue
			}
			again, err := connector.Coerce(value, to, nil)
			require.NoError(t, err)
			require.True(t, connector.Equal(value, again), "converting twice is converting once")
			if to == connector.TypeDate {
				iso, err := connector.Coerce(value, connector.TypeText, nil)
				require.NoError(t, err)
				date, err := connector.Coerce(iso, to, nil)
				require.NoError(t, err, iso)
				require.Equal(t, value.(time.Time).UnixMilli(), date.(time.Time).UnixMilli())
			}
		}
	})
}
