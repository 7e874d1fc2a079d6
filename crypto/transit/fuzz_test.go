package transit_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/crypto/transit"
)

// roundTrip serves requests without a network.
type roundTrip struct{ handler http.Handler }

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body == nil {
		request.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return w.Result(), nil
}

func offline(tb testing.TB, handler http.Handler) *transit.Keeper {
	tb.Helper()
	k, err := transit.New(transit.Config{
		Address: "https://vault.example.org", Key: "ebb", Token: transit.StaticToken(secret.NewString("hvs.needle-of-the-token")),
		HTTP: &http.Client{Transport: roundTrip{handler}},
	})
	require.NoError(tb, err)
	return k
}

func FuzzUnwrap(f *testing.F) {
	e := &engine{token: "hvs.needle-of-the-token", keys: map[string]*key{}}
	made := e.make("ebb")
	made.rotate()
	k := offline(f, e)
	wrapped, err := k.Wrap(f.Context(), 2, []byte("key"), scope)
	require.NoError(f, err)
	f.Add(wrapped, uint32(2))
	f.Add([]byte("vault:v1:AAAA"), uint32(1))
	f.Add([]byte("vault:v02:"), uint32(2))
	f.Add([]byte("vault:v99999999999:AA=="), uint32(9))
	f.Add([]byte(nil), uint32(0))
	f.Fuzz(func(t *testing.T, b []byte, epoch uint32) {
		got, err := k.Unwrap(t.Context(), epoch, b, scope)
		if err == nil {
			require.Equal(t, wrapped, b)
			require.Equal(t, uint32(2), epoch)
			require.Equal(t, "key", string(got))
			return
		}
		require.Empty(t, got)
		require.True(t, isAny(err, crypto.ErrScope, crypto.ErrMalformed, crypto.ErrNoEpoch, crypto.ErrEpochDestroyed), "%v", err)
	})
}

// Whatever a server answers is an error of the keeper, or right.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"data":{"type":"aes256-gcm96","latest_version":2,"min_decryption_version":1,"keys":{"1":1,"2":2}}}`))
	f.Add(200, []byte(`{"data":{"type":"aes256-gcm96","latest_version":4294967295,"min_available_version":1}}`))
	f.Add(200, []byte(`{"data":{"ciphertext":"vault:v1:AAAA","plaintext":"AAAA"}}`))
	f.Add(400, []byte(`{"errors":["no"]}`))
	f.Add(204, []byte(nil))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		k := offline(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write(body)
		}))
		known := []error{crypto.ErrKeeper, crypto.ErrNoEpoch, crypto.ErrEpochDestroyed, crypto.ErrEpochOrder, crypto.ErrScope, crypto.ErrMalformed}
		got, err := k.Wrap(t.Context(), 1, []byte("a key that is not to be stored!!"), scope)
		require.True(t, err == nil || isAny(err, known...), "%v", err)
		require.NotContains(t, string(got), "a key that is not to be stored!!")
		_, err = k.Unwrap(t.Context(), 1, []byte("vault:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), scope)
		require.True(t, isAny(err, known...), "nothing was wrapped: %v", err)
		_, err = k.NewEpoch(t.Context())
		require.True(t, isAny(err, known...), "nothing has changed: %v", err)
		_, err = k.DestroyEpoch(t.Context(), 1)
		require.True(t, err == nil || isAny(err, known...), "%v", err)
		epochs, err := k.Epochs(t.Context())
		require.True(t, err == nil || isAny(err, known...), "%v", err)
		for i, e := range epochs {
			require.True(t, i == 0 || e.Number == epochs[i-1].Number+1)
		}
	})
}
