package crypto_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ebbkit/ebb/crypto"
	"github.com/ebbkit/ebb/crypto/secret"
)

// temporary gives a folder for an example's files, and what removes it.
func temporary() (folder string, remove func()) {
	folder, err := os.MkdirTemp("", "ebb")
	if err != nil {
		panic(err)
	}
	return folder, func() { _ = os.RemoveAll(folder) }
}

func ExampleNewKeyring() {
	ctx := context.Background()
	keyring := crypto.NewKeyring()
	defer keyring.Close()

	at := crypto.Scope{Tenant: "acme", Category: "datastore_record", Record: "42", Field: "body"}
	sealed, _ := keyring.Seal(ctx, at, []byte(`{"name":"Ada"}`))
	opened, err := keyring.Open(ctx, at, sealed)
	fmt.Println(string(opened), err)

	at.Tenant = "globex"
	_, err = keyring.Open(ctx, at, sealed)
	fmt.Println(errors.Is(err, crypto.ErrScope))
	// Output:
	// {"name":"Ada"} <nil>
	// true
}

func ExampleEnsureKeyring() {
	folder, remove := temporary()
	defer remove()
	keys, data := filepath.Join(folder, "orders.keys"), filepath.Join(folder, "orders.db")

	keyring, err := crypto.EnsureKeyring(keys, data) // makes the key file: there is no data yet
	if err != nil {
		fmt.Println(err)
		return
	}
	defer keyring.Close()
	_ = os.WriteFile(data, []byte("sealed records"), 0o600)

	_ = os.Remove(keys)
	_, err = crypto.EnsureKeyring(keys, data) // does not make another one
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output: true
}

func ExampleCreateKeyring() {
	folder, remove := temporary()
	defer remove()
	keyring, err := crypto.CreateKeyring(filepath.Join(folder, "keys"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer keyring.Close()

	_, err = crypto.CreateKeyring(filepath.Join(folder, "keys"))
	fmt.Println(errors.Is(err, fs.ErrExist))
	// Output: true
}

func ExampleOpenKeyring() {
	folder, remove := temporary()
	defer remove()
	path := filepath.Join(folder, "keys")
	if created, err := crypto.CreateKeyring(path); err == nil {
		_ = created.Close()
	}

	keyring, err := crypto.OpenKeyring(path)
	fmt.Println(err)
	defer keyring.Close()
	// Output: <nil>
}

func ExampleCreatePassphraseKeyring() {
	folder, remove := temporary()
	defer remove()
	passphrase := secret.NewString("correct horse battery staple")
	keyring, err := crypto.CreatePassphraseKeyring(filepath.Join(folder, "keys"), passphrase)
	fmt.Println(err)
	passphrase.Destroy()
	defer keyring.Close()
	// Output: <nil>
}

func ExampleOpenPassphraseKeyring() {
	folder, remove := temporary()
	defer remove()
	path := filepath.Join(folder, "keys")
	if created, err := crypto.CreatePassphraseKeyring(path, secret.NewString("correct horse battery staple")); err == nil {
		_ = created.Close()
	}

	_, err := crypto.OpenPassphraseKeyring(path, secret.NewString("wrong"))
	fmt.Println(errors.Is(err, crypto.ErrPassphrase))
	// Output: true
}

func ExampleKeyring_AddKey() {
	ctx := context.Background()
	keyring := crypto.NewKeyring()
	defer keyring.Close()
	at := crypto.Scope{Tenant: "acme", Category: "datastore_record", Record: "42"}
	sealed, _ := keyring.Seal(ctx, at, []byte("Ada"))

	if err := keyring.AddKey(ctx); err != nil {
		fmt.Println(err)
		return
	}
	sealed, changed, _ := keyring.Rewrap(ctx, at, sealed)
	fmt.Println(changed)
	_, changed, _ = keyring.Rewrap(ctx, at, sealed)
	fmt.Println(changed)
	// Output:
	// true
	// false
}

func ExampleKeyring_Blind() {
	ctx := context.Background()
	keyring := crypto.NewKeyring()
	defer keyring.Close()

	at := crypto.Scope{Tenant: "acme", Field: "customer e-mail"}
	one, _ := keyring.Blind(ctx, at, []byte("ada@example.com"))
	two, _ := keyring.Blind(ctx, at, []byte("ada@example.com"))
	at.Tenant = "globex"
	three, _ := keyring.Blind(ctx, at, []byte("ada@example.com"))
	fmt.Println(string(one) == string(two), string(one) == string(three))
	// Output: true false
}

func ExampleScope_AppendBinary() {
	additional, err := crypto.Scope{Tenant: "acme", Record: "42"}.AppendBinary(nil)
	fmt.Println(len(additional), err)
	_, err = crypto.Scope{}.AppendBinary(nil)
	fmt.Println(err)
	// Output:
	// 31 <nil>
	// crypto: scope: it is empty
}
