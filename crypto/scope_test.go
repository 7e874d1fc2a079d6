package crypto_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
)

func TestScopeEncodingIsWhatItWillAlwaysBe(t *testing.T) {
	t.Parallel()
	got, err := crypto.Scope{Tenant: "t", Category: "ca", Record: "", Field: "f", Subject: "s", Run: "ru"}.AppendBinary([]byte{0xff})
	require.NoError(t, err)
	require.Equal(t, "ff"+"01"+"0000000174"+"000000026361"+"00000000"+"0000000166"+"0000000173"+"000000027275", hex.EncodeToString(got))
}

func TestScopeThatCannotBeUsedIsRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", crypto.MaxScopeBytes)
	for name, at := range map[string]crypto.Scope{
		"empty":    {},
		"tenant":   {Tenant: long + "x"},
		"category": {Category: long + "x"},
		"record":   {Record: long + "x"},
		"field":    {Field: long + "x"},
		"subject":  {Subject: long + "x"},
		"run":      {Run: long + "x"},
	} {
		got, err := at.AppendBinary([]byte("kept"))
		require.ErrorIs(t, err, crypto.ErrScope)
		require.ErrorContains(t, err, name)
		require.NotContains(t, err.Error(), "xxx")
		require.Equal(t, "kept", string(got))
	}
	_, err := crypto.Scope{Tenant: long, Run: long}.AppendBinary(nil)
	require.NoError(t, err)
}

// decodeScope reads what AppendBinary wrote: where there is a way back, no two scopes have one encoding.
func decodeScope(t *testing.T, b []byte) crypto.Scope {
	t.Helper()
	require.Equal(t, byte(1), b[0])
	b = b[1:]
	var at crypto.Scope
	for _, field := range []*string{&at.Tenant, &at.Category, &at.Record, &at.Field, &at.Subject, &at.Run} {
		size := binary.BigEndian.Uint32(b)
		*field = string(b[4 : 4+size])
		b = b[4+size:]
	}
	require.Empty(t, b)
	return at
}

func FuzzScopeEncoding(f *testing.F) {
	f.Add("a", "b", "c", "d", "e", "f", "ab", "", "c", "d", "e", "f")
	f.Add("", "", "", "", "", "", "x", "", "", "", "", "")
	f.Add("a\x00\x00\x00\x01b", "", "", "", "", "", "a", "b", "", "", "", "")
	f.Add("s", "", "", "", "r", "", "s", "", "", "", "", "r")
	f.Fuzz(func(t *testing.T, a1, a2, a3, a4, a5, a6, b1, b2, b3, b4, b5, b6 string) {
		a, b := crypto.Scope{a1, a2, a3, a4, a5, a6}, crypto.Scope{b1, b2, b3, b4, b5, b6}
		encodedA, errA := a.AppendBinary(nil)
		encodedB, errB := b.AppendBinary(nil)
		if errA != nil || errB != nil {
			return
		}
		require.Equal(t, a == b, bytes.Equal(encodedA, encodedB))
		require.Equal(t, a == b, bytes.HasPrefix(encodedA, encodedB))
		require.Equal(t, a, decodeScope(t, encodedA))
		require.Equal(t, b, decodeScope(t, encodedB))
	})
}
