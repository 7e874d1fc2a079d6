package blueprint_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/blueprint"
)

func names(o *blueprint.Object) []string {
	var names []string
	for name := range o.All() {
		names = append(names, name)
	}
	return names
}

func TestObjectKeepsItsOrder(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 3, 16, 17, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			var o blueprint.Object
			var want []string
			for i := range size {
				name := fmt.Sprint("field", (i*37)%size)
				o.Set(name, i)
				want = append(want, name)
			}
			require.Equal(t, want, names(&o))
			require.Equal(t, size, o.Len())

			o.Set(want[size/2], "changed")
			require.Equal(t, want, names(&o))
			value, ok := o.Get(want[size/2])
			require.True(t, ok)
			require.Equal(t, "changed", value)

			require.True(t, o.Delete(want[0]))
			require.False(t, o.Delete(want[0]))
			require.Equal(t, want[1:], slices.Clip(append([]string{}, names(&o)...)))
			for i, name := range want[1:] {
				value, ok := o.Get(name)
				require.True(t, ok)
				if i+1 != size/2 {
					require.Equal(t, i+1, value)
				}
			}
			o.Set(want[0], "back")
			require.Equal(t, want[0], names(&o)[size-1])
		})
	}
}

func TestNilObjectIsEmpty(t *testing.T) {
	t.Parallel()
	var o *blueprint.Object
	require.Zero(t, o.Len())
	_, ok := o.Get("x")
	require.False(t, ok)
	require.Empty(t, names(o))
	out, err := o.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, "null", string(out))
}

func TestObjectStopsWhenTheLoopDoes(t *testing.T) {
	t.Parallel()
	var o blueprint.Object
	o.Set("a", 1)
	o.Set("b", 2)
	for name := range o.All() {
		require.Equal(t, "a", name)
		break
	}
}
