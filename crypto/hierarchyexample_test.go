package crypto_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ebbkit/ebb/crypto"
)

// One person of a tenant is forgotten: what was sealed for her is gone, everything else opens.
func ExampleNewHierarchy() {
	ctx := context.Background()
	keeper := crypto.NewKeyring() // crypto.EnsureKeyring when it is to last
	defer keeper.Close()
	vault, err := crypto.NewHierarchy(ctx, crypto.HierarchyConfig{Keeper: keeper, Keys: crypto.NewKeyStore()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer vault.Close()

	// A subject is a token, not a name or an address: what stands in a scope is kept in the clear beside what is sealed.
	token, _ := vault.Blind(ctx, crypto.Scope{Tenant: "acme", Field: "person"}, []byte("ada@example.com"))
	hers := crypto.Scope{Tenant: "acme", Category: "letter", Record: "1", Subject: string(token)}
	ours := crypto.Scope{Tenant: "acme", Category: "letter", Record: "2"}
	letter, _ := vault.Seal(ctx, hers, []byte("Dear Ada"))
	memo, _ := vault.Seal(ctx, ours, []byte("To all"))

	receipt, err := vault.Shred(ctx, hers)
	fmt.Println(err, receipt.Irrevocable.Sub(receipt.Destroyed).Hours() <= 60*24)
	_, err = vault.Open(ctx, hers, letter)
	fmt.Println(errors.Is(err, crypto.ErrShredded))
	text, err := vault.Open(ctx, ours, memo)
	fmt.Println(string(text), err)

	// Until somebody says otherwise nothing new is sealed for her.
	_, err = vault.Seal(ctx, hers, []byte("Dear Ada, once more"))
	fmt.Println(errors.Is(err, crypto.ErrShredded))
	// Output:
	// <nil> true
	// true
	// To all <nil>
	// true
}

// A backup from before the epoch has turned opens with the keys of today, and does not have what was destroyed since.
func ExampleCopyRings() {
	ctx := context.Background()
	keeper := crypto.NewKeyring()
	defer keeper.Close()
	live, backup := crypto.NewKeyStore(), crypto.NewKeyStore()
	vault, err := crypto.NewHierarchy(ctx, crypto.HierarchyConfig{Keeper: keeper, Keys: live})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer vault.Close()
	acme, globex := crypto.Scope{Tenant: "acme"}, crypto.Scope{Tenant: "globex"}
	sealed := map[crypto.Scope][]byte{}
	for _, at := range []crypto.Scope{acme, globex} {
		sealed[at], _ = vault.Seal(ctx, at, []byte("of "+at.Tenant))
	}
	_ = crypto.CopyRings(ctx, live, backup) // a backup of the store has its rings

	if _, err := vault.Shred(ctx, acme); err != nil {
		fmt.Println(err)
	}
	for range vault.Turn(ctx, true) { // the epoch ends
	}

	fmt.Println(crypto.CopyRings(ctx, live, backup)) // from the live store to the one that was restored
	restored, err := crypto.NewHierarchy(ctx, crypto.HierarchyConfig{Keeper: keeper, Keys: backup})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer restored.Close()
	text, err := restored.Open(ctx, globex, sealed[globex])
	fmt.Println(string(text), err)
	_, err = restored.Open(ctx, acme, sealed[acme])
	fmt.Println(errors.Is(err, crypto.ErrShredded))
	// Output:
	// <nil>
	// of globex <nil>
	// true
}

// Each root key is copied before keys are moved to it.
func ExampleHierarchyConfig_turned() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "keys")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	keyFile := filepath.Join(folder, "data.key")
	keeper, err := crypto.CreateKeyring(keyFile)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer keeper.Close()
	vault, err := crypto.NewHierarchy(ctx, crypto.HierarchyConfig{
		Keeper: keeper, Keys: crypto.NewKeyStore(),
		Turned: func(_ context.Context, newest crypto.Epoch) error {
			name := filepath.Join(folder, fmt.Sprintf("copy-%d.key", newest.Number))
			if _, err := os.Stat(name); err == nil {
				return nil // by another process, or by this one before it was started anew
			}
			text, err := os.ReadFile(keyFile)
			if err != nil {
				return err
			}
			half, err := os.CreateTemp(folder, "half-*") // so that a crash leaves no part of a copy under its name
			if err != nil {
				return err
			}
			defer os.Remove(half.Name())
			_, err = half.Write(text)
			if err := errors.Join(err, half.Sync(), half.Close()); err != nil {
				return err
			}
			copied, err := crypto.OpenKeyring(half.Name()) // the key file may have been replaced while it was read
			if err != nil {
				return err
			}
			fmt.Println("copied with epoch", newest.Number)
			return errors.Join(copied.Close(), os.Rename(half.Name(), name))
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer vault.Close()
	for range 2 { // the engine does that for its own
		for _, err := range vault.Turn(ctx, true) {
			if err != nil {
				fmt.Println(err)
			}
		}
	}
	// Output:
	// copied with epoch 1
	// copied with epoch 2
	// copied with epoch 3
}
