package connector_test

import (
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func TestMeterCountsWhatABundleHolds(t *testing.T) {
	t.Parallel()
	shared := []any{"ab", []byte("cde"), nil, true, int64(1), 2.5, time.Unix(0, 0).UTC()}
	for name, test := range map[string]struct {
		bundle connector.Bundle
		want   int64
	}{
		"nothing":              {connector.Bundle{}, 8},
		"names and texts":      {connector.NewBundle("name", "Ada"), 8 + 4 + 3},
		"an array":             {connector.NewBundle("a", shared), 8 + 1 + 8 + 2 + 3 + 5*8},
		"the same array twice": {connector.BundleOf([]string{"a", "b"}, []any{shared, shared}), 8 + 2*(1+8+2+3+5*8)},
		"a collection in one":  {connector.NewBundle("a", connector.NewBundle("b", int64(1))), 8 + 1 + 8 + 1 + 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m connector.Meter
			for range 2 {
				require.Equal(t, test.want, m.Bytes(test.bundle, 1<<30))
			}
		})
	}
}

func TestMeterStopsBehindTheLimit(t *testing.T) {
	t.Parallel()
	// Each level stands for twice as much as the one in it: walking all of them would take for ever.
	value := any(strings.Repeat("x", 100))
	for range 200 {
		value = []any{value, value}
	}
	var m connector.Meter
	b := connector.BundleOf([]string{"v"}, []any{value})
	require.Greater(t, m.Bytes(b, 1<<16), int64(1<<16))
	require.Greater(t, m.Bytes(b, 1<<16), int64(1<<16))
}

// large is an array with many values, built anew.
func large() []any {
	list := make([]any, 100_000)
	for i := range list {
		list[i] = connector.BundleOf([]string{"i"}, []any{int64(i)})
	}
	return list
}

func TestMeterRemembersWhatItHasMeasured(t *testing.T) {
	t.Parallel()
	list := large()
	var m connector.Meter
	bundle := func(list []any) connector.Bundle {
		return connector.BundleOf([]string{"list", "extra"}, []any{list, "abc"})
	}
	first := m.Bytes(bundle(list), 1<<40)
	list[7] = "nobody may do this; it shows that the array is not walked again"
	require.Equal(t, first, m.Bytes(bundle(list), 1<<40))
	require.Greater(t, m.Bytes(bundle(list[1:]), 1<<40), first, "a part of the array is another array")
}

func TestMeterKeepsNothingAlive(t *testing.T) {
	t.Parallel()
	var m connector.Meter
	list := large()
	gone := weak.Make(&list[0])
	m.Bytes(connector.BundleOf([]string{"list"}, []any{list}), 1<<40)
	runtime.KeepAlive(list)
	list = nil
	for range 10 {
		runtime.GC()
	}
	require.Nil(t, gone.Value())
	require.Positive(t, m.Bytes(connector.BundleOf([]string{"list"}, []any{large()}), 1<<40))
}

func BenchmarkMeter(b *testing.B) {
	list := large()
	var m connector.Meter
	b.Run("small", func(b *testing.B) {
		bundle := connector.NewBundle("name", "x", "value", 1)
		b.ReportAllocs()
		for b.Loop() {
			m.Bytes(bundle, 1<<26)
		}
	})
	b.Run("refers to a large array", func(b *testing.B) {
		bundle := connector.BundleOf([]string{"name", "list"}, []any{"x", list})
		b.ReportAllocs()
		for b.Loop() {
			m.Bytes(bundle, 1<<26)
		}
	})
}
