package crypto_test

import (
	"path/filepath"
	"testing"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

func TestKeyringKeepsTheKeeperContract(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		vaulttest.Keeper(t, func(t *testing.T) crypto.Keeper { return closeLater(t, crypto.NewKeyring(), nil) })
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		vaulttest.Keeper(t, func(t *testing.T) crypto.Keeper {
			r, err := crypto.CreateKeyring(filepath.Join(t.TempDir(), "keys"))
			return closeLater(t, r, err)
		})
	})
}
