package repo

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzUnpack(f *testing.F) {
	f.Add(pack([]byte("one"), nil, []byte("three")))
	f.Add([]byte{layout, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		var a, b, c []byte
		if unpack(body, &a, &b, &c) != nil {
			return
		}
		var x, y, z []byte
		require.NoError(t, unpack(pack(a, b, c), &x, &y, &z))
		require.Equal(t, [][]byte{a, b, c}, [][]byte{x, y, z})
	})
}
