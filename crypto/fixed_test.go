package crypto_test

import (
	"bytes"
	"crypto/fips140"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

// What a release has sealed must open for ever, so files in testdata/fixed are added and never changed:
//
//	go test ./crypto -run TestFixedEnvelopesOpen -add NAME
var add = flag.String("add", "", "write new fixed envelopes under this name")

// passphraseOfFixed is for the key files whose names end in ".locked.keys".
const passphraseOfFixed = "the fixed envelopes open for ever"

type fixed struct {
	Scope     crypto.Scope
	Plaintext []byte
	Envelope  []byte `json:",omitempty"` // or
	Token     []byte `json:",omitempty"`
}

// openFixed opens a copy of a key file, because version control keeps no mode that a key file needs.
func openFixed(t *testing.T, keys string) *crypto.Keyring {
	t.Helper()
	text, err := os.ReadFile(keys)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	var r *crypto.Keyring
	if strings.HasSuffix(keys, ".locked.keys") {
		r, err = crypto.OpenPassphraseKeyring(path, secret.NewString(passphraseOfFixed))
	} else {
		r, err = crypto.OpenKeyring(path)
	}
	return closeLater(t, r, err)
}

func TestFixedEnvelopesOpen(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("testdata", "fixed")
	if *add != "" {
		addFixed(t, filepath.Join(folder, *add))
		addFixed(t, filepath.Join(folder, *add+".locked"))
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.keys"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 2)
	for _, file := range files {
		if strings.HasSuffix(file, ".locked.keys") && fips140.Enforced() {
			continue // Argon2id is not for FIPS
		}
		r := openFixed(t, file)
		text, err := os.ReadFile(strings.TrimSuffix(file, ".keys") + ".json")
		require.NoError(t, err)
		var all []fixed
		require.NoError(t, json.Unmarshal(text, &all))
		require.NotEmpty(t, all)
		for i, f := range all {
			if f.Token != nil {
				got, err := r.Blind(t.Context(), f.Scope, f.Plaintext)
				require.NoError(t, err)
				require.Equal(t, f.Token, got, "%s, token %d", file, i)
				continue
			}
			got, err := r.Open(t.Context(), f.Scope, f.Envelope)
			require.NoError(t, err, "%s, envelope %d", file, i)
			require.True(t, bytes.Equal(f.Plaintext, got), "%s, envelope %d", file, i)
			elsewhere := f.Scope
			elsewhere.Field += "?"
			_, err = r.Open(t.Context(), elsewhere, f.Envelope)
			require.ErrorIs(t, err, crypto.ErrScope)
		}
	}
}

// fixedKey is a wrapped key, in the files *.wrapped.json.
type fixedKey struct {
	Epoch   uint32
	Scope   []byte
	Key     []byte
	Wrapped []byte
}

// What was wrapped must unwrap for ever, too, and what was destroyed must not.
func TestFixedKeysUnwrap(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "fixed", "*.wrapped.json"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 2)
	for _, file := range files {
		keys := strings.TrimSuffix(file, ".wrapped.json") + ".keys"
		if strings.HasSuffix(keys, ".locked.keys") && fips140.Enforced() {
			continue // Argon2id is not for FIPS
		}
		r := openFixed(t, keys)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var all []fixedKey
		require.NoError(t, json.Unmarshal(text, &all))
		require.NotEmpty(t, all)
		destroyed := map[uint32]bool{}
		epochs, err := r.Epochs(t.Context())
		require.NoError(t, err)
		require.Len(t, epochs, 3)
		for _, e := range epochs {
			destroyed[e.Number] = !e.Destroyed.IsZero()
		}
		require.Equal(t, map[uint32]bool{1: true, 2: false, 3: false}, destroyed)
		for i, f := range all {
			got, err := r.Unwrap(t.Context(), f.Epoch, f.Wrapped, f.Scope)
			if destroyed[f.Epoch] {
				require.ErrorIs(t, err, crypto.ErrEpochDestroyed)
				continue
			}
			require.NoError(t, err, "%s, key %d", file, i)
			require.Equal(t, f.Key, got, "%s, key %d", file, i)
		}
	}
}

// addFixedKeys wraps samples under three epochs of a file, and destroys the first.
func addFixedKeys(t *testing.T, r *crypto.Keyring, path string) {
	t.Helper()
	var all []fixedKey
	for range 3 {
		e, err := r.NewEpoch(t.Context())
		require.NoError(t, err)
		for _, key := range [][]byte{{1}, []byte("a key of 32 bytes, as most keys."), bytes.Repeat([]byte{0xff}, crypto.MaxWrapBytes)} {
			for _, scope := range [][]byte{[]byte("acme, subject s-1"), {0}, bytes.Repeat([]byte{0xfe}, crypto.MaxWrapScopeBytes)} {
				wrapped, err := r.Wrap(t.Context(), e.Number, key, scope)
				require.NoError(t, err)
				all = append(all, fixedKey{Epoch: e.Number, Scope: scope, Key: key, Wrapped: wrapped})
			}
		}
	}
	_, err := r.DestroyEpoch(t.Context(), 1)
	require.NoError(t, err)
	text, err := json.MarshalIndent(all, "", "\t")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".wrapped.json", append(text, '\n'), 0o644))
}

// addFixed seals samples of every kind under old and new keys of a new file.
func addFixed(t *testing.T, path string) {
	t.Helper()
	create := crypto.CreateKeyring // fails where there is a file
	if strings.HasSuffix(path, ".locked") {
		create = func(path string) (*crypto.Keyring, error) {
			return crypto.CreatePassphraseKeyring(path, secret.NewString(passphraseOfFixed))
		}
	}
	r, err := create(path + ".keys")
	closeLater(t, r, err)
	full := crypto.Scope{
		Tenant: "acme", Category: "execution_detail", Record: "0193548e-7b1c-7cc3-98c4-dc0c0c07398f", Field: "body", Subject: "s-1", Run: "x-1",
	}
	odd := crypto.Scope{Tenant: "Zażółć \x00 gęślą", Field: strings.Repeat("f", crypto.MaxScopeBytes)}
	var all []fixed
	for round := range 2 {
		if round > 0 {
			require.NoError(t, r.AddKey(t.Context()))
		}
		for _, at := range []crypto.Scope{full, odd, {Run: "x-1"}, {Category: "connection_credential"}} {
			for _, plaintext := range [][]byte{{}, []byte(`{"name":"Ada"}`), bytes.Repeat([]byte{0, 255}, 600)} {
				envelope, err := r.Seal(t.Context(), at, plaintext)
				require.NoError(t, err)
				all = append(all, fixed{Scope: at, Plaintext: plaintext, Envelope: envelope})
			}
			token, err := r.Blind(t.Context(), at, []byte("ada@example.com"))
			require.NoError(t, err)
			all = append(all, fixed{Scope: at, Plaintext: []byte("ada@example.com"), Token: token})
		}
	}
	text, err := json.MarshalIndent(all, "", "\t")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path+".json", append(text, '\n'), 0o644))
	addFixedKeys(t, r, path)
}
