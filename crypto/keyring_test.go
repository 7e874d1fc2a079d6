package crypto_test

import (
	"bytes"
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

var at = crypto.Scope{Tenant: "acme", Category: "datastore_record", Record: "0193", Field: "body"}

func closeLater(t *testing.T, r *crypto.Keyring, err error) *crypto.Keyring {
	t.Helper()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func TestKeyringKeepsTheVaultContract(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		vaulttest.Run(t, func(t *testing.T) crypto.Vault { return closeLater(t, crypto.NewKeyring(), nil) })
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		vaulttest.Run(t, func(t *testing.T) crypto.Vault {
			r, err := crypto.CreateKeyring(filepath.Join(t.TempDir(), "keys"))
			return closeLater(t, r, err)
		})
	})
}

func TestEveryEnvelopeEverSealedOpensAfterKeysWereAdded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	var sealed [][]byte
	for n := range 5 {
		b, err := r.Seal(t.Context(), at, []byte{byte(n)})
		require.NoError(t, err)
		sealed = append(sealed, b)
		require.NoError(t, r.AddKey(t.Context()))
	}
	again, err := crypto.OpenKeyring(path)
	closeLater(t, again, err)
	for n, b := range sealed {
		got, err := again.Open(t.Context(), at, b)
		require.NoError(t, err)
		require.Equal(t, []byte{byte(n)}, got)
		rewrapped, done, err := again.Rewrap(t.Context(), at, b)
		require.NoError(t, err)
		require.True(t, done)
		got, err = r.Open(t.Context(), at, rewrapped)
		require.NoError(t, err)
		require.Equal(t, []byte{byte(n)}, got)
	}
}

func TestRewrapReportsDamageEvenUnderTheNewestKey(t *testing.T) {
	t.Parallel()
	r := closeLater(t, crypto.NewKeyring(), nil)
	b, err := r.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	b[len(b)-1] ^= 1
	_, _, err = r.Rewrap(t.Context(), at, b)
	require.ErrorIs(t, err, crypto.ErrScope)
}

func TestUnknownKeyIsNamed(t *testing.T) {
	t.Parallel()
	mine, theirs := closeLater(t, crypto.NewKeyring(), nil), closeLater(t, crypto.NewKeyring(), nil)
	b, err := mine.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	_, err = theirs.Open(t.Context(), at, b)
	require.ErrorIs(t, err, crypto.ErrNoKey)
	require.Regexp(t, `^crypto: no key [0-9a-f]{32}$`, err.Error())
}

func TestWrongScopeSaysThatItMayBeDamage(t *testing.T) {
	t.Parallel()
	r := closeLater(t, crypto.NewKeyring(), nil)
	b, err := r.Seal(t.Context(), at, []byte("text"))
	require.NoError(t, err)
	elsewhere := at
	elsewhere.Record = "0194"
	_, err = r.Open(t.Context(), elsewhere, b)
	require.ErrorIs(t, err, crypto.ErrScope)
	require.ErrorContains(t, err, "sealed elsewhere, or it was changed")
}

func TestProcessesThatShareAFileOpenEachOthersEnvelopes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	one := closeLater(t, r, err)
	r, err = crypto.OpenKeyring(path)
	two := closeLater(t, r, err)

	token, err := one.Blind(t.Context(), at, []byte("value"))
	require.NoError(t, err)
	for range 3 {
		// Each adds a key that the other has not seen; neither may lose the other's.
		for _, pair := range [][2]*crypto.Keyring{{one, two}, {two, one}} {
			require.NoError(t, pair[0].AddKey(t.Context()))
			b, err := pair[0].Seal(t.Context(), at, []byte("text"))
			require.NoError(t, err)
			got, err := pair[1].Open(t.Context(), at, b)
			require.NoError(t, err)
			require.Equal(t, "text", string(got))
			_, done, err := pair[1].Rewrap(t.Context(), at, b)
			require.NoError(t, err)
			require.False(t, done, "the key that was read again is the newest here too")
		}
	}
	same, err := two.Blind(t.Context(), at, []byte("value"))
	require.NoError(t, err)
	require.Equal(t, token, same)
}

func TestAddKeyInTwoProcessesAtOnceLosesNoKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	r, err := crypto.CreateKeyring(path)
	closeLater(t, r, err)
	var mu sync.Mutex
	var sealed [][]byte
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			r, err := crypto.OpenKeyring(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = r.Close() }()
			for done := 0; done < 3; {
				err := r.AddKey(t.Context())
				if err != nil {
					if !isAny(err, crypto.ErrLocked) {
						t.Error(err)
						return
					}
					continue // another process is at it: try again
				}
				done++
				b, err := r.Seal(t.Context(), at, []byte("text"))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sealed = append(sealed, b)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	again, err := crypto.OpenKeyring(path)
	closeLater(t, again, err)
	ids := map[string]bool{}
	for _, b := range sealed {
		_, err := again.Open(t.Context(), at, b)
		require.NoError(t, err)
		ids[string(b[1:17])] = true
	}
	require.Len(t, ids, 12)
}

func TestClosedKeyringDoesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys")
	inFile, err := crypto.CreateKeyring(path)
	require.NoError(t, err)
	locked, err := crypto.CreatePassphraseKeyring(path+".locked", secret.NewString("correct horse"))
	require.NoError(t, err)
	for name, r := range map[string]*crypto.Keyring{"memory": crypto.NewKeyring(), "file": inFile, "passphrase": locked} {
		b, err := r.Seal(t.Context(), at, []byte("text"))
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.NoError(t, r.Close())
		requireClosed(t, name, r, b)
	}
	var zero crypto.Keyring
	requireClosed(t, "zero", &zero, []byte("anything"))
	require.NoError(t, zero.Close())
}

func requireClosed(t *testing.T, name string, r *crypto.Keyring, sealed []byte) {
	t.Helper()
	_, err := r.Seal(t.Context(), at, []byte("text"))
	require.ErrorIs(t, err, crypto.ErrClosed, name)
	_, err = r.Open(t.Context(), at, sealed)
	require.ErrorIs(t, err, crypto.ErrClosed, name)
	_, _, err = r.Rewrap(t.Context(), at, sealed)
	require.ErrorIs(t, err, crypto.ErrClosed, name)
	_, err = r.Blind(t.Context(), at, []byte("text"))
	require.ErrorIs(t, err, crypto.ErrClosed, name)
	require.ErrorIs(t, r.AddKey(t.Context()), crypto.ErrClosed, name)
}

func TestCloseDuringUseEndsEveryCallWellOrClosed(t *testing.T) {
	t.Parallel()
	for range 20 {
		r := crypto.NewKeyring()
		var wg sync.WaitGroup
		for id := range 8 {
			wg.Go(func() {
				for n := range 200 {
					// A run of its own each time, so that keys are derived while they are destroyed.
					here := at
					here.Run = string(rune('a'+id)) + string(rune(n))
					b, err := r.Seal(context.Background(), here, []byte("text"))
					if err == nil {
						var got []byte
						got, err = r.Open(context.Background(), here, b)
						if err == nil && !bytes.Equal(got, []byte("text")) {
							t.Error("opened to something else")
						}
					}
					if err == nil {
						_, err = r.Blind(context.Background(), here, []byte("text"))
					}
					if err != nil {
						if !isAny(err, crypto.ErrClosed) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		require.NoError(t, r.Close())
		wg.Wait()
	}
}

func TestTokensDoNotShowTheirValue(t *testing.T) {
	t.Parallel()
	r := closeLater(t, crypto.NewKeyring(), nil)
	token, err := r.Blind(t.Context(), at, []byte("ada"))
	require.NoError(t, err)
	require.Len(t, token, 32)
	require.NotContains(t, string(token), "ada")
}
