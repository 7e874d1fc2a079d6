package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto/secret"
)

func TestUseSeesTheBytesThatNewWasGiven(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"", "hunter2", "\x00\xff nul and more"} {
		for _, v := range []secret.Value{secret.New([]byte(want)), secret.NewString(want)} {
			require.False(t, v.IsZero())
			require.NoError(t, v.Use(func(b []byte) { require.Equal(t, want, string(b)) }))
			got, err := v.Reveal()
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
}

func TestNewKeepsACopyOfItsOwn(t *testing.T) {
	t.Parallel()
	given := []byte("hunter2")
	v := secret.New(given)
	clear(given)
	got, err := v.Reveal()
	require.NoError(t, err)
	require.Equal(t, "hunter2", got)
}

func TestZeroValueHoldsNothingAndWorks(t *testing.T) {
	t.Parallel()
	var v secret.Value
	require.True(t, v.IsZero())
	called := false
	require.NoError(t, v.Use(func(b []byte) { called = true; require.Empty(t, b) }))
	require.True(t, called)
	require.True(t, v.Equal(secret.New(nil)))
	v.Destroy()
	require.NoError(t, v.Use(func([]byte) {}))
}

func TestDestroyEndsEveryCopyAndClearsTheBytes(t *testing.T) {
	t.Parallel()
	v := secret.NewString("hunter2")
	copied := v
	var kept []byte
	require.NoError(t, v.Use(func(b []byte) { kept = b })) // what f must not do, to look at the memory afterwards

	v.Destroy()
	v.Destroy()

	require.Equal(t, make([]byte, len("hunter2")), kept)
	for _, gone := range []secret.Value{v, copied} {
		require.ErrorIs(t, gone.Use(func([]byte) { t.Error("called after Destroy") }), secret.ErrDestroyed)
		_, err := gone.Reveal()
		require.ErrorIs(t, err, secret.ErrDestroyed)
		require.False(t, gone.Equal(gone))
		require.False(t, gone.IsZero())
	}
}

func TestDestroyInsideUseWaitsForTheLastReader(t *testing.T) {
	t.Parallel()
	v := secret.NewString("hunter2")
	var kept []byte
	require.NoError(t, v.Use(func(outer []byte) {
		require.NoError(t, v.Use(func(inner []byte) { v.Destroy() }))
		require.Equal(t, "hunter2", string(outer))
		require.ErrorIs(t, v.Use(func([]byte) {}), secret.ErrDestroyed)
		kept = outer
	}))
	require.Equal(t, make([]byte, len("hunter2")), kept)
}

func TestPanicInsideUseStillLetsTheBytesBeCleared(t *testing.T) {
	t.Parallel()
	v := secret.NewString("hunter2")
	var kept []byte
	require.Panics(t, func() { _ = v.Use(func(b []byte) { kept = b; panic("f") }) })
	v.Destroy()
	require.Equal(t, make([]byte, len("hunter2")), kept)
}

func TestAppendInsideUseReachesNoMemoryOfTheSecret(t *testing.T) {
	t.Parallel()
	v := secret.NewString("hunter2")
	require.NoError(t, v.Use(func(b []byte) { require.Equal(t, len(b), cap(b)) }))
}

func TestManyGoroutinesUseAndDestroyOneValue(t *testing.T) {
	t.Parallel()
	v := secret.NewString("hunter2")
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 200 {
				err := v.Use(func(b []byte) {
					if string(b) != "hunter2" {
						t.Errorf("bytes changed under a reader")
					}
				})
				if err != nil {
					return
				}
			}
			if i%4 == 0 {
				v.Destroy()
			}
		})
	}
	wg.Wait()
	require.ErrorIs(t, v.Use(func([]byte) {}), secret.ErrDestroyed)
}

func TestEqualComparesBytes(t *testing.T) {
	t.Parallel()
	a, b := secret.NewString("hunter2"), secret.NewString("hunter2")
	require.True(t, a.Equal(b))
	require.True(t, a.Equal(a))
	for _, other := range []string{"", "hunter", "hunter3", "hunter22"} {
		require.False(t, a.Equal(secret.NewString(other)), other)
	}
	b.Destroy()
	require.False(t, a.Equal(b))
	require.False(t, b.Equal(a))
}

func TestEncodingsThatAreReadBackRefuseASecret(t *testing.T) {
	t.Parallel()
	v := secret.NewString("hunter2")
	_, err := v.Value()
	require.ErrorIs(t, err, secret.ErrEncode)
	_, err = v.MarshalBinary()
	require.ErrorIs(t, err, secret.ErrEncode)
	require.ErrorIs(t, gob.NewEncoder(&bytes.Buffer{}).Encode(struct{ V secret.Value }{v}), secret.ErrEncode)
}

func TestSecretIsDecodedFromText(t *testing.T) {
	t.Parallel()
	var conn struct {
		User     string
		Password secret.Value
	}
	require.NoError(t, json.Unmarshal([]byte(`{"User":"ada","Password":"hunter2"}`), &conn))
	require.True(t, conn.Password.Equal(secret.NewString("hunter2")))

	redacted, err := json.Marshal(conn)
	require.NoError(t, err)
	require.JSONEq(t, `{"User":"ada","Password":"[secret]"}`, string(redacted))
	require.ErrorIs(t, json.Unmarshal(redacted, &conn), secret.ErrRedacted)
	require.True(t, conn.Password.Equal(secret.NewString("hunter2")))
}
