package vaulttest_test

import (
	"testing"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/vaulttest"
)

func ExampleRun() {
	// In a file of tests beside a vault of your own:
	_ = func(t *testing.T) { // func TestVaultKeepsTheContract(t *testing.T)
		vaulttest.Run(t, func(*testing.T) crypto.Vault {
			return crypto.NewKeyring() // your vault, with new keys each time
		})
	}
}

func ExampleKeeper() {
	// In a file of tests beside a keeper of your own:
	_ = func(t *testing.T) { // func TestKeeperKeepsTheContract(t *testing.T)
		vaulttest.Keeper(t, func(*testing.T) crypto.Keeper {
			return crypto.NewKeyring() // your keeper, with new keys each time
		})
	}
}
