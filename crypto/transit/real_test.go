package transit_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
	"github.com/ebbkit/ebb/crypto/transit"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

// TestRealServer runs against the server at EBB_TRANSIT_ADDR with EBB_TRANSIT_TOKEN, which must be allowed to make and
// delete keys of the engine at EBB_TRANSIT_MOUNT ("transit"). Without an address there is nothing to run, and so no test.
// A server for it: vault server -dev -dev-root-token-id=root, and vault secrets enable transit; or bao in place of vault.
func TestRealServer(t *testing.T) {
	t.Parallel()
	address, token, mount := os.Getenv("EBB_TRANSIT_ADDR"), os.Getenv("EBB_TRANSIT_TOKEN"), os.Getenv("EBB_TRANSIT_MOUNT")
	if address == "" {
		t.Log("no EBB_TRANSIT_ADDR, no real server")
		return
	}
	if mount == "" {
		mount = "transit"
	}
	ask := func(t *testing.T, method, path string, body any) map[string]any {
		t.Helper()
		text, err := json.Marshal(body)
		require.NoError(t, err)
		r, err := http.NewRequestWithContext(t.Context(), method, address+"/v1/"+mount+path, bytes.NewReader(text))
		require.NoError(t, err)
		r.Header.Set("X-Vault-Token", token)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		require.Less(t, response.StatusCode, 300, "%s %s", method, path)
		var answer map[string]any
		if response.StatusCode == http.StatusOK {
			require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
		}
		return answer
	}
	config := func(t *testing.T, body map[string]any) transit.Config {
		t.Helper()
		id := make([]byte, 8)
		_, _ = rand.Read(id)
		name := "ebb-test-" + hex.EncodeToString(id)
		ask(t, http.MethodPost, "/keys/"+name, body)
		return transit.Config{Address: address, Mount: mount, Key: name, Token: transit.StaticToken(secret.NewString(token)), Plain: true}
	}
	open := func(t *testing.T, config transit.Config) *transit.Keeper {
		t.Helper()
		k, err := transit.New(config)
		require.NoError(t, err)
		return k
	}
	for _, kind := range []string{"aes256-gcm96", "chacha20-poly1305"} {
		t.Run("contract, "+kind, func(t *testing.T) {
			t.Parallel()
			vaulttest.Keeper(t, func(t *testing.T) crypto.Keeper { return open(t, config(t, map[string]any{"type": kind})) })
		})
	}
	t.Run("associated data", func(t *testing.T) {
		t.Parallel()
		c := config(t, map[string]any{"type": "aes256-gcm96"})
		k := open(t, c)
		wrapped, err := k.Wrap(t.Context(), 1, []byte("key"), scope)
		require.NoError(t, err)
		got := ask(t, http.MethodPost, "/decrypt/"+c.Key, map[string]any{"ciphertext": string(wrapped), "associated_data": scope})
		require.NotEmpty(t, got["data"].(map[string]any)["plaintext"])
	})
	t.Run("keys that are none for a keeper", func(t *testing.T) {
		t.Parallel()
		for name, body := range map[string]map[string]any{
			"another type": {"type": "rsa-2048"}, "derived": {"derived": true}, "exportable": {"exportable": true}, "backup": {"allow_plaintext_backup": true},
		} {
			_, err := open(t, config(t, body)).Wrap(t.Context(), 1, []byte("key"), scope)
			require.ErrorIs(t, err, transit.ErrKey, name)
		}
		c := config(t, nil)
		c.Key += "-missing"
		requireAll(t, open(t, c), func(call string, err error) { require.ErrorIs(t, err, transit.ErrKey, call) })
	})
	t.Run("unknown token", func(t *testing.T) {
		t.Parallel()
		c := config(t, nil)
		c.Token = transit.StaticToken(secret.NewString("needle"))
		requireAll(t, open(t, c), func(call string, err error) {
			var status *transit.StatusError
			require.ErrorAs(t, err, &status, call)
			require.Equal(t, http.StatusForbidden, status.Status, call)
		})
	})
}
