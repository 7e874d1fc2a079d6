package connector_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func TestConverterDoesWhatConvertDoes(t *testing.T) {
	t.Parallel()
	two, nine := 2.0, 9.0
	var fields []connector.Field
	for _, kind := range []connector.FieldType{
		connector.TypeAny, connector.TypeText, connector.TypeNumber, connector.TypeInteger, connector.TypeUInteger,
		connector.TypeBoolean, connector.TypeDate, connector.TypeTime, connector.TypeBuffer, connector.TypeArray,
		connector.TypeCollection, connector.TypeSelect, connector.TypeURL, "odd",
	} {
		fields = append(fields,
			connector.Field{Type: kind},
			connector.Field{Type: kind, Required: true},
			connector.Field{Type: kind, Min: &two, Max: &nine},
			connector.Field{Type: kind, Options: []string{"a", "b"}},
			connector.Field{Type: kind, Default: "given"},
		)
	}
	fields = append(fields,
		connector.Field{Type: connector.TypeArray, Fields: []connector.Field{{Type: connector.TypeNumber}}},
		connector.Field{Type: connector.TypeCollection, Fields: []connector.Field{{Name: "n", Type: connector.TypeNumber, Default: int64(3)}}},
		connector.Field{Type: connector.TypeText}, // without a name
	)
	for i := range len(fields) - 1 {
		fields[i].Name = fmt.Sprintf("f%02d", i)
	}
	values := []any{
		nil, "", "a", "12", "2026-03-01", "10:30", int64(5), int64(-5), 2.5, true, []byte("buffer"), []byte{0xff}, time.Unix(1, 0).UTC(),
		[]any{"1", int64(2)}, []any{}, connector.NewBundle("n", "7"), connector.NewBundle("x", 1), connector.Bundle{},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		var chosen []connector.Field
		for range random.IntN(5) {
			chosen = append(chosen, fields[random.IntN(len(fields))])
		}
		var names []string
		var given []any
		for _, i := range random.Perm(len(chosen)) {
			if random.IntN(4) > 0 {
				names = append(names, chosen[i].Name)
			}
		}
		if random.IntN(2) > 0 {
			names = append(names, "other")
		}
		for range names {
			given = append(given, values[random.IntN(len(values))])
		}
		want, wantErr := connector.Convert(chosen, connector.BundleOf(names, given), time.UTC)
		got, err := connector.NewConverter(chosen, names).Convert(given, time.UTC)
		require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(err), "%v of %v", names, given)
		if err == nil {
			require.True(t, connector.Equal(want, got), "%v of %v: want %v, got %v", names, given, want, got)
		}
	}
}

func TestConverterTakesManyNames(t *testing.T) {
	t.Parallel()
	var names []string
	var values []any
	for i := range 100 {
		names = append(names, fmt.Sprintf("n%d", i))
		values = append(values, int64(i))
	}
	b, err := connector.NewConverter([]connector.Field{{Name: "last", Default: "x"}}, names).Convert(values, nil)
	require.NoError(t, err)
	require.Equal(t, int64(77), b.Get("n77"))
	require.Equal(t, "x", b.Get("last"))
	b.Set("n77", "new")
	require.Equal(t, 101, b.Len())
}

func TestConverterLeavesAlone(t *testing.T) {
	t.Parallel()
	b, err := connector.NewConverter(nil, nil).Convert(nil, nil)
	require.NoError(t, err)
	require.Zero(t, b.Len())
}

func BenchmarkConverter(b *testing.B) {
	c := connector.NewConverter([]connector.Field{
		{Name: "name", Type: connector.TypeText, Required: true},
		{Name: "scope", Type: connector.TypeSelect, Options: []string{"roundtrip", "execution"}, Default: "roundtrip"},
		{Name: "value"},
	}, []string{"name", "scope", "value"})
	values := []any{"x", "execution", int64(1000)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Convert(values, nil); err != nil {
			b.Fatal(err)
		}
	}
}
