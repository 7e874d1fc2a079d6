package connector_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/connector"
)

func names(b connector.Bundle) []string {
	var list []string
	for name := range b.All() {
		list = append(list, name)
	}
	return list
}

func TestBundleKeepsTheOrderOfItsFields(t *testing.T) {
	t.Parallel()
	b := connector.NewBundle("zebra", 1, "ant", 2, "moose", 3)
	require.Equal(t, []string{"zebra", "ant", "moose"}, names(b))

	b.Set("ant", "changed in its place")
	b.Set("bee", true)
	require.Equal(t, []string{"zebra", "ant", "moose", "bee"}, names(b))
	require.Equal(t, "changed in its place", b.Get("ant"))

	require.True(t, b.Delete("zebra"))
	require.False(t, b.Delete("zebra"))
	require.Equal(t, []string{"ant", "moose", "bee"}, names(b))
	require.Equal(t, 3, b.Len())
}

func TestZeroBundleIsEmptyAndReady(t *testing.T) {
	t.Parallel()
	var b connector.Bundle
	require.Zero(t, b.Len())
	require.Nil(t, b.Get("a"))
	require.Empty(t, names(b))
	require.False(t, b.Delete("a"))
	require.Zero(t, b.Clone().Len())
	b.Set("a", 1)
	require.Equal(t, int64(1), b.Get("a"))
}

func TestLookupTellsNullFromAbsent(t *testing.T) {
	t.Parallel()
	b := connector.NewBundle("there", nil)
	_, ok := b.Lookup("there")
	require.True(t, ok)
	_, ok = b.Lookup("absent")
	require.False(t, ok)
}

func TestNewBundleForgives(t *testing.T) {
	t.Parallel()
	b := connector.NewBundle("a", 1, 7, "seven", "a", 2, "last")
	require.Equal(t, []string{"a", "7", "last"}, names(b))
	require.Equal(t, int64(2), b.Get("a"))
	require.Nil(t, b.Get("last"))

	b = connector.NewBundle("function", func() {})
	require.Nil(t, b.Get("function"), "what no bundle can hold is nil")
}

func TestBundleOfForgivesDifferentLengths(t *testing.T) {
	t.Parallel()
	require.True(t, connector.Equal(
		connector.NewBundle("a", "x", "b", nil),
		connector.BundleOf([]string{"a", "b"}, []any{"x"})))
	require.True(t, connector.Equal(
		connector.NewBundle("a", "y"),
		connector.BundleOf([]string{"a", "a"}, []any{"x", "y", "z"})))
}

func TestSetConvertsValues(t *testing.T) {
	t.Parallel()
	var b connector.Bundle
	b.Set("list", []any{1, "a", []int{2}})
	require.Equal(t, []any{int64(1), "a", []any{int64(2)}}, b.Get("list"))
	berlin := time.FixedZone("", 3600)
	b.Set("when", time.Date(2026, 1, 2, 3, 4, 5, 6, berlin))
	require.Equal(t, time.Date(2026, 1, 2, 2, 4, 5, 6, time.UTC), b.Get("when"))
}

func TestCloneHasFieldsOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, size := range []int{3, 200} {
		a := many(size)
		b := a.Clone()
		b.Set("0", "changed")
		b.Set("new", 1)
		b.Delete("1")
		require.Equal(t, int64(0), a.Get("0"))
		require.Equal(t, size, a.Len())
		require.Nil(t, a.Get("new"))
		require.Equal(t, int64(1), a.Get("1"))
	}
}

// many returns a bundle whose fields "0", "1", ... hold their numbers.
func many(size int) connector.Bundle {
	var b connector.Bundle
	for i := range size {
		b.Set(fmt.Sprint(i), i)
	}
	return b
}

func TestLargeBundleFindsFieldsAfterEveryChange(t *testing.T) {
	t.Parallel()
	const size = 300
	b := many(size)
	for i := 0; i < size; i += 3 {
		require.True(t, b.Delete(fmt.Sprint(i)))
	}
	for i := range size {
		value, ok := b.Lookup(fmt.Sprint(i))
		require.Equal(t, i%3 != 0, ok)
		if ok {
			require.Equal(t, int64(i), value)
		}
	}
	for i := 0; i < size; i += 3 {
		b.Set(fmt.Sprint(i), -i)
	}
	require.Equal(t, size, b.Len())
	require.Equal(t, int64(-99), b.Get("99"))
	require.Equal(t, "1", names(b)[0])
	require.Equal(t, "297", names(b)[size-1])
}

func TestEqualKnowsTypesAndOrder(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	values := []any{
		nil, false, true, int64(0), int64(1), 0.5, 1.0, math.NaN(), "", "1", now, now.Add(1), []byte{}, []byte("1"),
		[]any{}, []any{nil}, []any{int64(1)}, connector.Bundle{}, connector.NewBundle("a", 1), connector.NewBundle("b", 1),
		connector.NewBundle("a", 1, "b", 2), connector.NewBundle("b", 2, "a", 1), connector.NewBundle("a", "1"),
	}
	for i, a := range values {
		for j, b := range values {
			require.Equal(t, i == j, connector.Equal(a, b), "%#v and %#v", a, b)
		}
	}
	require.True(t, connector.Equal(now, now.In(time.FixedZone("", 60))))
	require.False(t, connector.Equal(1, 1), "int is not a type of bundles")
}

func TestEqualEndsOnCycles(t *testing.T) {
	t.Parallel()
	a, b := []any{nil}, []any{nil}
	a[0], b[0] = a, b
	require.False(t, connector.Equal(a, b))
}

func BenchmarkLookup(b *testing.B) {
	for _, size := range []int{4, 16, 32, 47, 48, 64, 128, 512} {
		bundle := many(size)
		wanted := make([]string, size)
		for i := range wanted {
			wanted[i] = fmt.Sprint(i)
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if bundle.Get(wanted[i%size]) == nil {
					b.Fatal("lost")
				}
				i++
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, size := range []int{8, 40, 64, 512} {
		wanted := make([]string, size)
		for i := range wanted {
			wanted[i] = fmt.Sprint("column ", i)
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var bundle connector.Bundle
				for _, name := range wanted {
					bundle.Set(name, "x")
				}
			}
		})
	}
}

func TestLookupNearFindsTheFieldWhereverItIs(t *testing.T) {
	t.Parallel()
	b := connector.NewBundle("a", 1, "b", 2, "c", 3)
	for _, near := range []int{-1, 0, 1, 2, 3, 99} {
		value, at, ok := b.LookupNear("b", near)
		require.True(t, ok)
		require.Equal(t, 1, at)
		require.EqualValues(t, 2, value)
		_, at, ok = b.LookupNear("x", near)
		require.False(t, ok)
		require.Equal(t, near, at)
	}
	_, _, ok := connector.Bundle{}.LookupNear("a", 0)
	require.False(t, ok)
}
